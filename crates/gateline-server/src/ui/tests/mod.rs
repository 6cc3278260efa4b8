//! Pages on fixed views: what a person reads, and what no page may contain.

mod views;

use std::collections::{HashMap, HashSet};

use gateline_api::{Checkpoint, LogPage, Page, Problem, PromotionState, PromotionView, entry};
use gateline_model::{PauseReason, Scope};
use maud::Markup;

use super::answers::Answer;
use super::forms::{Act, Fields, Tried};
use super::promotion::{OFFERED, Shown};
use super::shell::Visitor;
use super::{
    assets, board, evidence, inbox, log, login, promote, promotion, release, releases, stage, trends,
};
use crate::views::{Answered, MayAnswer, Reported};

fn visitor(scopes: &[Scope]) -> Visitor {
    Visitor {
        actor: "ana".parse().unwrap(),
        shown: gateline_core::Credential::Token(scopes.to_vec()),
        form: "form-of-this-session".to_owned(),
        key: "key-of-this-page".to_owned(),
        now: "2026-11-21T09:41:07Z".parse().unwrap(),
    }
}

/// One tag a line, so that a difference is one line; files without their digest, which changes with each edit.
fn lines(page: &Markup) -> String {
    let [style, script, passkey] =
        [&assets::STYLE, &assets::SCRIPT, &assets::PASSKEY].map(|asset| asset.href());
    let page = page
        .0
        .replace(&style, "/static/style.css")
        .replace(&script, "/static/gateline.js")
        .replace(&passkey, "/static/passkey.js");
    page.replace("><", ">\n<")
}

/// What a person reads of a page.
fn words(page: &Markup) -> String {
    let mut text = String::new();
    for part in page.0.split('<') {
        let words = part.split_once('>').map_or(part, |(_, words)| words);
        text.push_str(words);
        text.push(' ');
    }
    let plain = text
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn board_page() -> Markup {
    let asked = board::Asked {
        text: "",
        show: "",
        after: false,
    };
    board::page(&visitor(&[Scope::Admin]), &views::board(), &asked)
}

fn promotion_page(scopes: &[Scope], state: PromotionState, tried: Option<&Tried>) -> Markup {
    page_of(&views::promotion(state), scopes, tried)
}

fn page_of(view: &PromotionView, scopes: &[Scope], tried: Option<&Tried>) -> Markup {
    let state = view.state;
    let (release, live, spec) = (
        views::release("1.3.0", 4),
        views::release("1.2.0", 2),
        views::stage().spec,
    );
    let ticks = if view.rollout.is_some() {
        views::ticks()
    } else {
        Vec::new()
    };
    let summary = views::asked_summary();
    let may_answer = MayAnswer {
        yes: (state == PromotionState::Held).then(|| Ok(views::seat())),
        no: state == PromotionState::Held,
    };
    let shown = Shown {
        view,
        release: Some(&release),
        against: Some(&live),
        summary: (state == PromotionState::Held).then_some(&summary),
        stage: Some(&spec),
        ticks: &ticks,
        known: Some(&HashMap::new()),
        waivers: &[views::waiver()],
        may_answer: &may_answer,
        answered: false,
        passkey: false,
        tried,
    };
    promotion::page(&visitor(scopes), &shown)
}

fn inbox_page(scopes: &[Scope], tried: Option<&Tried>) -> Markup {
    let part = Page {
        items: vec![views::waiting()],
        next: Some("more".to_owned()),
    };
    let about = part.items[0].promotion.clone();
    let answered = Answered {
        promotion: "payments/ledger-api/production/3".parse().unwrap(),
        version: "2.0.0".parse().unwrap(),
        headline: "held: 1 of 2 gates not satisfied: approval".to_owned(),
        at: "2026-11-21T09:00:00Z".parse().unwrap(),
    };
    let shown = inbox::Shown {
        part: &part,
        after: "",
        answered: &[answered],
        answered_all: 21,
        passkey: false,
        proposals: &[],
        incidents: &[],
        rollouts: &[],
        delegations: &[views::delegation()],
        tried,
        about: tried.map(|_| &about),
    };
    inbox::page(&visitor(scopes), &shown)
}

/// The page of the promotion that is held, whose first gate was judged on these facts.
fn judged_on(facts: &serde_json::Value, scopes: &[Scope], known: &[&str]) -> Markup {
    let (mut view, mut release) = (views::promotion(PromotionState::Held), views::release("1.3.0", 4));
    release.evidence = vec![views::evidence(facts)];
    if let Some(decision) = &mut view.decision {
        decision.verdicts[0].waivers = vec![views::waiver().id];
    }
    let known: HashMap<String, u64> = known.iter().map(|one| ((*one).to_owned(), 1)).collect();
    let shown = Shown {
        view: &view,
        release: Some(&release),
        against: Some(&views::release("1.2.0", 2)),
        summary: None,
        stage: None,
        ticks: &[],
        known: Some(&known),
        waivers: &[views::waiver()],
        may_answer: &MayAnswer::default(),
        answered: false,
        passkey: false,
        tried: None,
    };
    promotion::page(&visitor(scopes), &shown)
}

fn evidence_page(facts: &serde_json::Value) -> Markup {
    let view = views::promotion(PromotionState::Held);
    let shown = evidence::Shown {
        release: &views::release("1.3.0", 4),
        evidence: &views::evidence(facts),
        waivers: &[views::waiver()],
        used_by: &[view],
        waive: "",
        stage: "",
        tried: None,
    };
    evidence::page(&visitor(&[]), &shown)
}

/// One of every page.
fn pages() -> Vec<(&'static str, Markup)> {
    let visitor = visitor(&[Scope::Admin]);
    let (one, other) = (views::release("1.3.0", 4), views::release("1.2.0", 2));
    let list = Page {
        items: vec![views::summary()],
        next: Some("more".to_owned()),
    };
    let asked = releases::Asked {
        project: "payments",
        pipeline: "payment-service",
        after: true,
        trends: None,
    };
    let events = LogPage {
        events: views::promotion(PromotionState::Held).events,
        next: Some(4),
        erased: Vec::new(),
    };
    let checkpoint = Checkpoint {
        size: 48_212,
        root: "9f".repeat(32),
        at: visitor.now,
    };
    let problem = Problem::new(&entry::UNAUTHORIZED, "the token is not known");
    vec![
        ("board", board_page()),
        ("inbox", inbox_page(&[Scope::Admin], None)),
        (
            "held",
            promotion_page(&[Scope::Admin], PromotionState::Held, None),
        ),
        (
            "rolling",
            promotion_page(&[Scope::Admin], PromotionState::RollingOut, None),
        ),
        ("judged", page_of(&views::judged(), &[Scope::Admin], None)),
        ("release", release::page(&visitor, &one)),
        ("evidence", evidence_page(&views::findings())),
        ("releases", releases::page(&visitor, &list, &asked)),
        (
            "promote",
            promote::page(
                &visitor,
                &one,
                Some(&other),
                &"production".parse().unwrap(),
                Some(&problem),
            ),
        ),
        ("stage", stage::page(&visitor, &views::stage(), None)),
        (
            "log",
            log::page(&visitor, &events, &checkpoint, &log::Asked::default()),
        ),
        (
            "login",
            login::page(
                &login::Ways {
                    providers: &[],
                    accounts: true,
                },
                "/",
                Some(&problem),
            ),
        ),
    ]
}

#[test]
fn the_board_reads_as_it_was_read_last() {
    insta::assert_snapshot!(lines(&board_page()));
}

#[test]
fn every_page_says_what_it_said_last() {
    for (name, page) in pages() {
        insta::assert_snapshot!(format!("words_of_{name}"), words(&page));
    }
}

#[test]
fn no_page_has_a_style_or_a_script_of_its_own() {
    for (name, page) in pages() {
        for forbidden in [
            " style=",
            "<style",
            " onclick",
            " onload",
            "javascript:",
            "http://",
            "//cdn",
        ] {
            assert!(!page.0.contains(forbidden), "page {name} contains `{forbidden}`");
        }
        assert_eq!(page.0.matches("<script").count(), 2, "page {name}");
    }
}

#[test]
fn what_somebody_wrote_is_text_and_never_markup() {
    for (name, page) in pages() {
        assert!(!page.0.contains("<b>bold"), "page {name}");
    }
    assert!(words(&release::page(&visitor(&[]), &views::release("1.3.0", 4))).contains("Not <b>bold</b>."));
}

#[test]
fn the_decision_is_printed_word_for_word() {
    let decision = views::promotion(PromotionState::Held).decision.unwrap();
    let page = words(&promotion_page(&[], PromotionState::Held, None));
    assert!(page.contains(&decision.headline));
    for gate in &decision.verdicts {
        for text in [&gate.says, &gate.because, &gate.next] {
            // What stands in backticks is set as code.
            let shown = text.replace('`', "");
            assert!(page.replace('`', "").contains(&shown), "{text}");
        }
    }
}

#[test]
fn everything_that_waits_says_since_when_on_whom_and_until_when() {
    let page = words(&board_page());
    assert!(
        page.contains("waiting 1h 20m on tech-lead · until 10:21:00 (in 39 min)"),
        "{page}"
    );
    let page = words(&promotion_page(&[], PromotionState::Held, None));
    assert!(
        page.contains("since 08:21:00 ( 1h 20m ) · on tech-lead · until 10:21:00 (in 39 min)"),
        "{page}"
    );
}

#[test]
fn only_what_can_change_something_and_is_permitted_is_offered() {
    let answers = Answer::ALL.map(Act::Answer);
    let offered = |scopes: &[Scope], state| {
        let page = promotion_page(scopes, state, None).0;
        let all = answers.into_iter().chain(OFFERED);
        all.filter(|act| page.contains(&format!("id=\"act-{}\"", act.word())))
            .collect::<Vec<_>>()
    };
    // Nobody takes back what was not said.
    let asked = &answers[..5];
    assert_eq!(offered(&[], PromotionState::Held), []);
    assert_eq!(offered(&[Scope::Approve], PromotionState::Held), asked);
    assert_eq!(offered(&[Scope::Override], PromotionState::Held), [Act::Override]);
    assert_eq!(
        offered(&[Scope::Admin], PromotionState::Held),
        [asked, &[Act::Override, Act::Abort]].concat()
    );
    assert_eq!(
        offered(&[Scope::Admin], PromotionState::RollingOut),
        [Act::Pause, Act::Advance, Act::Abort]
    );
    assert_eq!(
        offered(&[Scope::Admin], PromotionState::Paused),
        [Act::Resume, Act::Abort]
    );
    assert_eq!(offered(&[Scope::Admin], PromotionState::Verified), []);
    // Who advances says which step stood there.
    let standing = views::promotion(PromotionState::RollingOut)
        .rollout
        .unwrap()
        .standing();
    let page = promotion_page(&[Scope::Admin], PromotionState::RollingOut, None).0;
    let carried = format!("name=\"step\" value=\"{}\"", standing.unwrap());
    assert_eq!(page.matches(&carried).count(), 1, "{carried}");
}

#[test]
fn a_stage_whose_rollback_failed_offers_the_way_back_again() {
    let mut view = views::stage();
    view.stuck = Some("payments/payment-service/production/6".parse().unwrap());
    let page = words(&stage::page(&visitor(&[Scope::Promote]), &view, None));
    assert!(page.contains("could not be taken back"), "{page}");
}

#[test]
fn every_form_of_the_inbox_carries_its_own_question_and_an_id_of_its_own() {
    let page = inbox_page(&[Scope::Approve], None).0;
    let item = views::waiting();
    for answer in &Answer::ALL[..5] {
        let id = format!("id=\"act-{}-{}\"", answer.word(), item.promotion);
        assert_eq!(page.matches(&id).count(), 1, "{id}");
    }
    let question = format!("name=\"question\" value=\"{}\"", item.question);
    assert_eq!(page.matches(&question).count(), 5);
    let reader = inbox_page(&[Scope::Read], None).0;
    assert!(!reader.contains("name=\"question\""), "{reader}");
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let unique: HashSet<&&str> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
}

#[test]
fn an_answer_that_was_refused_in_the_inbox_stands_there_as_it_was_written() {
    let tried = Tried {
        act: Act::Answer(Answer::Reject),
        problem: Problem::new(&entry::BODY, "look again"),
        fields: Fields {
            reason: "Not <yet>.".to_owned(),
            ..Fields::default()
        },
    };
    let page = inbox_page(&[Scope::Approve], Some(&tried));
    assert!(page.0.contains("Not &lt;yet&gt;.</textarea>"), "{}", page.0);
    assert!(words(&page).contains("look again"));
    assert!(!page.0.contains("data-watch"));
}

#[test]
fn a_form_carries_the_question_that_was_seen_and_where_it_comes_from() {
    let question = views::promotion(PromotionState::Held).decision.unwrap().question;
    let page = promotion_page(&[Scope::Approve], PromotionState::Held, None).0;
    assert!(page.contains(&format!("name=\"question\" value=\"{question}\"")));
    assert!(page.contains("name=\"csrf\" value=\"form-of-this-session\""));
    assert!(page.contains("name=\"key\" value=\"key-of-this-page\""));
}

#[test]
fn a_refused_form_keeps_what_was_written_and_is_not_fetched_again() {
    let tried = Tried {
        act: Act::Abort,
        problem: Problem::new(&entry::BODY, "a reason is too long"),
        fields: Fields {
            reason: "Because <of> this.".to_owned(),
            ..Fields::default()
        },
    };
    let page = promotion_page(&[Scope::Admin], PromotionState::Held, Some(&tried));
    assert!(page.0.contains("Because &lt;of&gt; this.</textarea>"));
    assert!(page.0.contains("id=\"act-abort\" open"));
    assert!(words(&page).contains("a reason is too long"));
    assert!(!page.0.contains("data-watch"));
}

#[test]
fn what_is_worst_comes_first_in_every_table_of_facts() {
    for (facts, order) in views::facts() {
        let page = words(&evidence_page(&facts));
        let places: Vec<Option<usize>> = order.iter().map(|text| page.find(text)).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{order:?} in {page}"
        );
    }
}

#[test]
fn a_waiver_is_shown_on_no_finding_that_is_graver_than_the_one_that_was_waived() {
    let mut facts = views::findings();
    assert!(words(&evidence_page(&facts)).contains("△ waived"));
    facts["findings"][1]["severity"] = "high".into();
    assert!(!words(&evidence_page(&facts)).contains("△ waived"));
}

#[test]
fn a_plot_has_a_text_that_says_the_same() {
    let page = promotion_page(&[], PromotionState::RollingOut, None).0;
    assert_eq!(page.matches("<svg").count(), 2);
    assert_eq!(page.matches("role=\"img\"").count(), 2);
    assert!(
        page.contains("canary 2% last, 2% at most; stable 1% last; limit 1%."),
        "{page}"
    );
    assert_eq!(page.matches("The same as a table").count(), 2);
}

#[test]
fn a_ruling_shows_its_numbers_its_meters_its_band_and_what_would_have_changed_it() {
    let page = page_of(&views::judged(), &[Scope::Admin], None);
    let told = words(&page);
    for said in [
        "WAITING: errors could still be 1.9x stable",
        "Needs about 7 more minutes at 25%.",
        "Rolls back by itself when the odds against “no worse” reach 12.5 to 1; now 1.2 to 1.",
        "Against it: 1.2 to 1, decides at 12.5",
        "For it: 6.4 to 1, decides at 20",
        "a limit above 1.9x for errors would be met now",
        "4 ticks from 0 s to 45 s did not count: the canary was warming up",
        "noise x3.7 from 6 h of your own pods",
        "Ratio of errors to the stable release: after 1 min",
        "passes its limit 0.4 at 73%",
        "not known from one weight",
    ] {
        assert!(told.contains(said), "{said}\n{told}");
    }
    assert!(page.0.contains("polygon class=\"band\""));
    // A judge that compares nothing shows each arm by itself.
    assert!(
        !promotion_page(&[Scope::Admin], PromotionState::RollingOut, None)
            .0
            .contains("polygon")
    );
}

#[test]
fn what_was_recorded_without_its_band_says_how_to_make_it_again() {
    let mut view = views::judged();
    view.ended_at = Some(view.requested_at);
    view.state = PromotionState::RolledBack;
    let ruling = view.rollout.as_mut().unwrap().ruling.as_mut().unwrap();
    ruling.full.as_mut().unwrap().band.clear();
    let told = words(&page_of(&view, &[Scope::Admin], None));
    assert!(
        told.contains("gateline judge replay payments/payment-service/production/7"),
        "{told}"
    );
    assert!(!told.contains("more minutes"), "{told}");
}

#[test]
fn a_rollout_is_not_said_to_go_on_or_back_by_itself_where_it_does_not() {
    let mut view = views::promotion(PromotionState::RollingOut);
    let shown = words(&page_of(&view, &[Scope::Admin], None));
    assert!(
        shown.contains("Goes on by itself 09:49:00") || shown.contains("Goes on by itself now"),
        "{shown}"
    );
    view.rollout.as_mut().unwrap().waits_for = vec![gateline_api::WaitsFor::GoAhead];
    let shown = words(&page_of(&view, &[Scope::Admin], None));
    assert!(shown.contains("Goes on when a person says so"), "{shown}");
    let paused = words(&page_of(
        &views::promotion(PromotionState::Paused),
        &[Scope::Admin],
        None,
    ));
    assert!(!paused.contains("Goes on"), "{paused}");
}

#[test]
fn odds_are_said_to_roll_back_by_themselves_only_where_the_noise_is_known() {
    let (by_itself, not) = (
        "Rolls back by itself when the odds",
        "Odds alone do not roll it back",
    );
    let waits = "uncalibrated, only makes it wait";
    // How many metrics are uncalibrated, what the page says, and what it does not.
    let rows: [(usize, &[&str], &[&str]); 3] = [
        (0, &[by_itself], &[waits, not]),
        (1, &[by_itself, waits], &[not]),
        (usize::MAX, &[not], &[by_itself, waits]),
    ];
    for (uncalibrated, says, says_not) in rows {
        let mut view = views::judged();
        let ruling = view.rollout.as_mut().unwrap().ruling.as_mut().unwrap();
        for metric in ruling
            .full
            .as_mut()
            .unwrap()
            .metrics
            .iter_mut()
            .take(uncalibrated)
        {
            metric.noise.from = gateline_model::ruling::Calibration::Uncalibrated;
        }
        let shown = words(&page_of(&view, &[Scope::Admin], None));
        let wrong = |text: &&&str, is: bool| shown.contains(**text) != is;
        assert_eq!(says.iter().find(|text| wrong(text, true)), None, "{shown}");
        assert_eq!(says_not.iter().find(|text| wrong(text, false)), None, "{shown}");
    }
}

#[test]
fn going_on_is_called_what_it_is() {
    for (why, says) in [
        (PauseReason::GoAhead, "Go ahead with the next step"),
        (PauseReason::Inconclusive, "Go on without proof"),
        (PauseReason::Failed, "Go on all the same"),
        (PauseReason::Irreversible, "Go on all the same"),
        (PauseReason::Parked, "Try the step again"),
        (PauseReason::Asked, "Resume the rollout"),
    ] {
        let mut view = views::promotion(PromotionState::Paused);
        view.rollout.as_mut().unwrap().paused.as_mut().unwrap().why = why;
        let page = page_of(&view, &[Scope::Promote], None);
        assert!(page.0.contains(says), "{why:?}");
        assert!(page.0.contains("Roll back now"), "{why:?}");
        for asked in ["resume-reason", "abort-reason"] {
            let field = page.0.split(&format!("id=\"{asked}\"")).nth(1).unwrap();
            assert!(field.split('>').next().unwrap().contains("required"), "{asked}");
        }
    }
}

#[test]
fn findings_stand_under_their_gate_with_what_is_new_and_what_is_waived() {
    let known = ["0123456789abcdef"];
    let page = words(&judged_on(&views::findings(), &[Scope::Waive], &known));
    let rows = [
        "2 findings in the reports",
        "✗ critical CVE-2026-1234 libpng 1.2 Reads <b>bold past the end (grype) in 1.2.0 too Waive",
        "△ medium S105 src/pay.py:12 Reads <b>bold past the end (grype) ✚ new not in 1.2.0 △ waived until 30 Nov 2026 08:00 by cy",
        "1 waiver behind it",
    ];
    let places: Vec<Option<usize>> = rows.iter().map(|row| page.find(row)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{rows:?} in {page}"
    );
    let reader = words(&judged_on(&views::findings(), &[], &known));
    assert!(!reader.contains("too Waive"), "{reader}");
}

#[test]
fn what_does_not_fit_under_a_gate_is_counted_and_linked() {
    let mut facts = views::findings();
    let one = facts["findings"][0].clone();
    facts["findings"] = vec![one; 30].into();
    facts["critical"] = 40.into();
    facts["medium"] = 0.into();
    let page = judged_on(&facts, &[], &[]);
    assert_eq!(page.0.matches("libpng").count(), 20);
    assert!(words(&page).contains("20 more in evidence"), "{}", words(&page));
    let id = views::evidence(&facts).id;
    assert!(
        page.0
            .contains(&format!("/releases/payments/payment-service/1.3.0/evidence/{id}"))
    );
}

#[test]
fn tests_stand_under_their_gate_the_failed_ones_first() {
    let (facts, order) = views::facts().swap_remove(1);
    let page = words(&judged_on(&facts, &[], &[]));
    let order = order
        .into_iter()
        .map(|text| if text == "12.50 s" { "12.5 s" } else { text });
    let places: Vec<Option<usize>> = order.map(|text| page.find(text)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?} in {page}"
    );
}

#[test]
fn trends_are_told_in_words_and_a_release_that_could_not_find_out_has_no_value() {
    let reported = |version: &str, covered: Option<f64>| Reported {
        version: version.parse().unwrap(),
        covered_percent: covered,
        findings: Some((4, 1)),
        tests_secs: None,
    };
    let releases = [
        reported("1.0.0", Some(80.0)),
        reported("1.1.0", None),
        reported("1.2.0", Some(90.0)),
        reported("1.3.0-with-a-long-name", Some(85.5)),
    ];
    let of = views::release("1.3.0", 4).of;
    let page = trends::trends(&of, &releases);
    let said = words(&page);
    for text in [
        "85.5% in 1.3.0-with-a-long-name, 90% in 1.2.0 before; 80 to 90% in 3 releases.",
        "4 in 1.3.0-with-a-long-name",
        "No release reported it.",
        "1.1.0 nothing",
    ] {
        assert!(said.contains(text), "`{text}` in {said}");
    }
    assert_eq!(
        (
            page.0.matches("<svg").count(),
            page.0.matches("role=\"img\"").count()
        ),
        (2, 2)
    );
    let nothing = [Reported {
        findings: None,
        ..reported("1.0.0", None)
    }];
    assert_eq!(trends::trends(&of, &nothing).0, "");
}
