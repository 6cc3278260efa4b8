//! Timetables: windows and freezes together, and what is told of them.

use std::sync::Arc;

use gateline_model::{Freeze, Recurs};
use serde_json::json;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A stage that admits on weekdays from nine to five, by Berlin's clocks.
fn pipeline() -> Arc<Pipeline> {
    let stage = json!({
        "name": "live",
        "production": true,
        "target": {"command": {"apply": ["./apply"]}},
        "target_name": "shop/live",
        "windows": ["hours"],
    });
    let hours = json!({
        "zone": "Europe/Berlin", "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00",
    });
    let pipeline = json!({
        "project": "shop", "name": "shop", "artifacts": [], "windows": {"hours": hours}, "stages": [stage],
    });
    Arc::new(serde_json::from_value(pipeline).expect("a pipeline"))
}

fn freeze(name: &str, from: &str, until: &str) -> Freeze {
    Freeze {
        name: name.parse().expect("a name"),
        pipeline: None,
        stages: Vec::new(),
        from: at(from),
        until: at(until),
        recurs: None,
        exempt: Vec::new(),
        applies_to_rollback: false,
    }
}

fn project(freezes: Vec<Freeze>) -> Project {
    Project {
        freezes: freezes
            .into_iter()
            .map(|freeze| (freeze.name.clone(), freeze))
            .collect(),
        ..Project::default()
    }
}

const ALL: AskedOf<'static> = AskedOf {
    windows: true,
    freezes: true,
    scheduled: None,
};

fn opens(project: &Project, promotion: PromotionKind, now: &str, asked: AskedOf<'static>) -> Option<String> {
    let pipeline = pipeline();
    let stage = &pipeline.stages[0];
    let timetable = Timetable::new(&pipeline, stage, Some(project), promotion, ChangeKind::Feature);
    match timetable.opens(at(now), asked) {
        Opens::Now => None,
        Opens::At(opening) => Some(opening.when()),
        Opens::NotKnown => Some("not known".to_owned()),
    }
}

#[test]
fn the_next_opening_is_in_a_window_and_in_no_freeze() {
    // Friday evening; a freeze holds Monday until noon, and another from then until one.
    let frozen = project(vec![
        freeze("one", "2026-11-22T23:00:00Z", "2026-11-23T11:00:00Z"),
        freeze("two", "2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z"),
    ]);
    let forward = |project, now, asked| opens(project, PromotionKind::Forward, now, asked);
    let monday = Some("Mon 2026-11-23 13:00 Europe/Berlin".to_owned());
    assert_eq!(forward(&frozen, "2026-11-20T17:00:00Z", ALL), monday);
    assert_eq!(forward(&frozen, "2026-11-23T11:59:59Z", ALL), monday);
    assert_eq!(forward(&frozen, "2026-11-23T12:00:00Z", ALL), None);
    // What an override names is not asked.
    let without = AskedOf {
        freezes: false,
        ..ALL
    };
    let nine = Some("Mon 2026-11-23 09:00 Europe/Berlin".to_owned());
    assert_eq!(forward(&frozen, "2026-11-20T17:00:00Z", without), nine);
    let without = AskedOf {
        windows: false,
        ..ALL
    };
    assert_eq!(forward(&frozen, "2026-11-20T17:00:00Z", without), None);
}

#[test]
fn a_freeze_of_all_hours_of_the_window_leaves_no_opening() {
    let mut daily = freeze("daily", "2026-11-20T00:00:00Z", "2029-01-01T00:00:00Z");
    let mut hours = pipeline().windows.values().next().expect("a window").clone();
    hours.days.clear();
    daily.recurs = Some(Recurs::Hours(hours));
    let project = project(vec![daily]);
    let opens = opens(&project, PromotionKind::Forward, "2026-11-20T17:00:00Z", ALL);
    assert_eq!(opens, Some("not known".to_owned()));
}

#[test]
fn a_rollback_passes_windows_and_freezes_that_do_not_say_otherwise() {
    let holds = |applies_to_rollback| Freeze {
        applies_to_rollback,
        ..freeze("one", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z")
    };
    let night = "2026-11-20T20:00:00Z";
    let rollback = |project: &Project| opens(project, PromotionKind::Rollback, night, ALL);
    assert_eq!(rollback(&project(vec![holds(false)])), None);
    let midnight = Some("Sat 2026-11-21 01:00 Europe/Berlin".to_owned());
    assert_eq!(rollback(&project(vec![holds(true)])), midnight);
}

#[test]
fn what_is_told_has_no_gaps_and_agrees_with_what_is_decided() {
    let project = project(vec![
        freeze("one", "2026-11-24T10:00:00Z", "2026-11-25T10:30:00Z"),
        freeze("two", "2026-11-25T09:00:00Z", "2026-11-25T12:00:00Z"),
    ]);
    let pipeline = pipeline();
    let (forward, change) = (PromotionKind::Forward, ChangeKind::Feature);
    let timetable = Timetable::new(&pipeline, &pipeline.stages[0], Some(&project), forward, change);
    let span = Stretch {
        from: at("2026-11-20T12:00:00Z"),
        until: at("2026-12-18T12:00:00Z"),
    };
    let told = timetable.told(span);
    assert_eq!(told.first().map(|one| one.at.from), Some(span.from));
    assert_eq!(told.last().map(|one| one.at.until), Some(span.until));
    assert!(told.windows(2).all(|pair| pair[0].at.until == pair[1].at.from));
    for one in &told {
        let half = one.at.until.duration_since(one.at.from) / 2;
        let middle = one.at.from + half;
        for moment in [one.at.from, middle] {
            assert_eq!(
                one.admits(),
                timetable.opens(moment, ALL) == Opens::Now,
                "{moment} {one:?}"
            );
        }
    }
    assert_eq!(told.iter().filter(|one| one.freezes.len() == 2).count(), 1);
}
