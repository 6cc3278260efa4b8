//! What people read, as it is printed.

use gateline_api::PromotionState;
use gateline_model::{Event, PromotionOutcome, Recorded, Span, Strategy};

use super::views::{
    at, bare, board, ended, evidence, freeze, held, id, paused, release, rolling_out, summary,
};
use crate::render;

const NOW: &str = "2026-11-21T10:41:30Z";

fn text(view: &gateline_api::PromotionView, left: Option<Span>) -> String {
    render::promotion(view, left, at(NOW)).to_text(false)
}

#[test]
fn a_held_promotion_says_why_who_and_until_when() {
    insta::assert_snapshot!(text(&held(), None));
}

#[test]
fn a_rollout_says_how_far_it_is_and_what_is_left() {
    insta::assert_snapshot!(text(&rolling_out(), Some(Span::from_secs(140))));
}

#[test]
fn a_step_under_way_says_until_when_a_server_has_it_and_what_then() {
    let mut view = rolling_out();
    let steps = &mut view.rollout.as_mut().unwrap().steps;
    steps[3].state = gateline_api::StepWord::Now;
    steps[3].since = Some(at("2026-11-21T10:41:20Z"));
    steps[3].leased_until = Some(at("2026-11-21T10:41:42Z"));
    let shown = text(&view, None);
    assert!(shown.contains("a server has the step until 10:41:42"), "{shown}");
    assert!(shown.contains("looked at again"), "{shown}");
    view.rollout.as_mut().unwrap().steps[3].leased_until = Some(at("2026-11-21T10:41:29Z"));
    let shown = text(&view, None);
    assert!(shown.contains("no server has the step"), "{shown}");
}

#[test]
fn the_board_says_that_nothing_is_counted_where_nothing_is() {
    let mut board = board();
    let stages = board
        .pipelines
        .iter_mut()
        .flat_map(|pipeline| &mut pipeline.stages);
    for rollout in stages
        .flat_map(|stage| &mut stage.proposed)
        .filter_map(|one| one.rollout.as_mut())
    {
        (rollout.requests, rollout.errors) = (0, 0);
    }
    let shown = render::board(&board, at(NOW)).to_text(false);
    assert!(shown.contains("25%, no requests counted, since"), "{shown}");
}

#[test]
fn the_board_says_why_what_is_live_is_not_healthy() {
    let mut board = board();
    let live = board.pipelines[0].stages[0].live.as_mut().unwrap();
    live.health = gateline_model::Health::Unknown;
    live.health_why = Some("the proxy does not answer".to_owned());
    let shown = render::board(&board, at(NOW)).to_text(false);
    assert!(shown.contains("the proxy does not answer"), "{shown}");
    let mut page = render::Page::default();
    for (_, line, _) in render::cell_line(&board, at(NOW)) {
        page.line(line);
    }
    assert!(page.to_text(false).contains("unknown: the proxy does not answer"));
}

#[test]
fn a_paused_rollout_says_what_it_waits_for() {
    insta::assert_snapshot!(text(&paused(), None));
}

#[test]
fn an_ended_promotion_says_how_it_ended() {
    let view = ended(
        PromotionOutcome::RolledBack,
        "12% of 240 requests failed, limit 1%",
    );
    insta::assert_snapshot!(text(&view, None));
}

#[test]
fn a_promotion_that_nobody_judged_yet_says_so() {
    insta::assert_snapshot!(text(&bare(PromotionState::Held), None));
}

#[test]
fn the_board_shows_what_is_live_and_what_is_proposed() {
    insta::assert_snapshot!(render::board(&board(), at(NOW)).to_text(false));
}

#[test]
fn the_time_left_is_the_rest_of_this_pause_and_the_pauses_to_come() {
    let strategy =
        r#"{"canary": {"steps": ["5%", "25%", "50%", {"weight": "100%", "pause": "0s"}], "pause": "2m"}}"#;
    let strategy: Strategy = serde_json::from_str(strategy).expect("a strategy");
    let rollout = rolling_out().rollout.unwrap();
    // 20 seconds here, two minutes at 50 %, none at 100 %.
    assert_eq!(
        render::time_left(&rollout, &strategy, at(NOW)),
        Some(Span::from_secs(140))
    );
    let standing = paused().rollout.unwrap();
    assert_eq!(render::time_left(&standing, &strategy, at(NOW)), None);
    assert_eq!(render::time_left(&rollout, &Strategy::default(), at(NOW)), None);
}

#[test]
fn a_line_is_told_when_the_state_changes_and_not_when_a_number_does() {
    let mut more = rolling_out();
    more.rollout.as_mut().unwrap().requests += 500;
    let (_, before) = render::change_line(&rolling_out(), at(NOW));
    let (line, after) = render::change_line(&more, at(NOW));
    assert_eq!(before, after);
    let mut page = render::Page::default();
    page.line(line);
    insta::assert_snapshot!(page.to_text(false), @"10:41:30 UTC  payment-service@1.3.0 -> production  rolling out  step 3 of 6, 25%, 18740 requests, 61 errors (0.33%)  25% of traffic");
    let (_, paused) = render::change_line(&paused(), at(NOW));
    assert_ne!(after, paused);
}

#[test]
fn an_event_is_a_line_with_its_reason_and_no_control_characters() {
    let recorded = Recorded {
        number: 48_211,
        stream: format!("promotion/{}", id("production")).parse().unwrap(),
        version: 9,
        at: at("2026-11-21T10:41:07Z"),
        actor: "ana".parse().unwrap(),
        event: Event::PromotionEnded {
            outcome: PromotionOutcome::RolledBack,
            says: "it \u{1b}[2J failed".to_owned(),
            superseded_by: None,
            served: gateline_model::Served::default(),
        },
        private: Some(gateline_model::Private {
            reason: Some("too slow".to_owned()),
            ..gateline_model::Private::default()
        }),
    };
    let mut table = render::Table::default();
    table.row(render::event_line(&recorded, &[], at(NOW)));
    let mut page = render::Page::default();
    page.table(table);
    insta::assert_snapshot!(page.to_text(false), @"#48211  10:41:07 UTC  ana  promotion/payments/payment-service/production/7  ended rolled back: it �[2J failed  \"too slow\"");
}

#[test]
fn a_release_says_what_it_is_what_it_changes_and_where_it_has_been() {
    let dev = [summary("dev", Some("2026-11-21T10:35:00Z"))];
    let view = release(&[("dev", &dev), ("staging", &[]), ("production", &[])]);
    insta::assert_snapshot!(render::release(&view, at(NOW)).to_text(false));
}

#[test]
fn errored_evidence_is_never_shown_as_a_pass() {
    insta::assert_snapshot!(render::evidence(&evidence(), at(NOW)).to_text(false));
}

#[test]
fn freezes_and_promotions_are_rows_and_none_is_said() {
    let page = render::freezes(&[freeze()], at(NOW))
        .then(render::freezes(&[], at(NOW)))
        .then(render::promotions(&[summary("dev", None)], at(NOW)))
        .then(render::promotions(&[], at(NOW)));
    insta::assert_snapshot!(page.to_text(false));
}

#[test]
fn an_example_pipeline_and_its_difference_can_be_read() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/payment-service/pipeline.yaml"
    );
    let text = std::fs::read_to_string(file).unwrap();
    let pipeline = gateline_spec::read("pipeline.yaml", &text).unwrap().pipeline;
    let changed = text.replace("at_least: 10m", "at_least: 1h");
    let changed = gateline_spec::read("pipeline.yaml", &changed).unwrap().pipeline;
    let mut differences = render::Page::default();
    for one in gateline_spec::diff(&pipeline, &changed) {
        differences.line(render::difference(&one));
    }
    let view = gateline_api::PipelineView {
        of: pipeline.reference(),
        version: pipeline.version(),
        in_force: true,
        pipeline,
        source: None,
    };
    let version = view.version.short();
    let page = render::pipeline(&view).then(differences).to_text(false);
    insta::assert_snapshot!(page.replace(&version, "VERSION"));
}

#[test]
fn a_rollout_that_is_judged_shows_meters_the_ratio_over_time_and_what_is_left() {
    insta::assert_snapshot!(text(&super::views::judged(), None));
    insta::assert_snapshot!(render::rolling(&super::views::judged(), at(NOW)).to_text(false));
    let (line, _) = render::change_line(&super::views::judged(), at(NOW));
    let mut page = render::Page::default();
    page.line(line);
    let told = page.to_text(false);
    assert!(
        told.contains("against it 1.2 to 1, decides at 12.5, needs about 7 more minutes at 25%"),
        "{told}"
    );
}

#[test]
fn a_rollout_that_stands_is_in_the_inbox_and_then_not_nothing_waits() {
    let paused = paused().rollout.unwrap().paused.unwrap();
    let standing = gateline_api::StandingRollout {
        promotion: id("production"),
        version: "1.3.0".parse().unwrap(),
        weight: gateline_model::Weight::percent(25),
        paused: gateline_api::PauseView {
            reason: Some("lunch".to_owned()),
            ..paused
        },
    };
    insta::assert_snapshot!(render::inbox(&[], &[standing], &[], &[], at(NOW)).to_text(false));
    let nothing = render::inbox(&[], &[], &[], &[], at(NOW)).to_text(false);
    assert_eq!(nothing, "nothing waits on you\n");
}

#[test]
fn why_it_was_aborted_and_what_it_waited_for_stand_where_they_belong() {
    let mut view = ended(PromotionOutcome::Aborted, "aborted by ana while it rolled out");
    view.ended_because = Some("not today".to_owned());
    view.since_then = Some("not live any more: barred, and 1.0.0 was brought back by dev/3".to_owned());
    let shown = text(&view, None);
    assert!(shown.contains("reason     not today"), "{shown}");
    assert!(shown.contains("now        not live any more"), "{shown}");
    // The judge had not ruled, and will not any more.
    assert!(!shown.contains("ruling"), "{shown}");
    let mut row = summary("production", Some("2026-11-21T10:41:00Z"));
    row.ended_because = Some("not today".to_owned());
    let rows = render::promotions(&[row], at(NOW)).to_text(false);
    assert!(rows.contains("as told: not today"), "{rows}");
}

#[test]
fn an_override_says_when_its_reason_was_erased_and_by_whom() {
    let mut view = held();
    let one = &mut view.overrides[0];
    one.reason = None;
    one.erased = Some(gateline_api::ErasedView {
        number: 7,
        at: at("2026-11-21T10:41:10Z"),
        by: "bo".parse().unwrap(),
        event: 9,
    });
    let shown = text(&view, None);
    assert!(
        shown.contains("the reason was erased on 10:41:10 UTC by bo"),
        "{shown}"
    );
}
