//! Pages on fixed views: what a person reads, and what no page may contain.

mod views;

use gateline_api::{Checkpoint, LogPage, Page, Problem, PromotionState, entry};
use gateline_model::Scope;
use maud::Markup;

use super::forms::{Act, Fields, Tried};
use super::promotion::{OFFERED, Shown};
use super::shell::Visitor;
use super::{assets, board, evidence, log, login, promote, promotion, release, releases, stage};

fn visitor(scopes: &[Scope]) -> Visitor {
    Visitor {
        actor: "ana".parse().unwrap(),
        scopes: scopes.to_vec(),
        groups: vec!["tech-lead".parse().unwrap()],
        form: "form-of-this-session".to_owned(),
        key: "key-of-this-page".to_owned(),
        now: "2026-11-21T09:41:07Z".parse().unwrap(),
    }
}

/// One tag a line, so that a difference is one line; files without their digest, which changes with each edit.
fn lines(page: &Markup) -> String {
    let (style, script) = (assets::STYLE.href(), assets::SCRIPT.href());
    let page = page
        .0
        .replace(&style, "/static/style.css")
        .replace(&script, "/static/gateline.js");
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
    let (view, release, live, spec) = (
        views::promotion(state),
        views::release("1.3.0", 4),
        views::release("1.2.0", 2),
        views::stage().spec,
    );
    let ticks = if view.rollout.is_some() {
        views::ticks()
    } else {
        Vec::new()
    };
    let shown = Shown {
        view: &view,
        release: Some(&release),
        against: Some(&live),
        stage: Some(&spec),
        ticks: &ticks,
        tried,
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
    };
    let events = LogPage {
        events: views::promotion(PromotionState::Held).events,
        next: Some(4),
    };
    let checkpoint = Checkpoint {
        size: 48_212,
        root: "9f".repeat(32),
        at: visitor.now,
    };
    let problem = Problem::new(&entry::UNAUTHORIZED, "the token is not known");
    vec![
        ("board", board_page()),
        (
            "held",
            promotion_page(&[Scope::Admin], PromotionState::Held, None),
        ),
        (
            "rolling",
            promotion_page(&[Scope::Admin], PromotionState::RollingOut, None),
        ),
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
        ("login", login::page("/", Some(&problem))),
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
        assert_eq!(page.0.matches("<script").count(), 1, "page {name}");
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
            assert!(page.contains(text.as_str()), "{text}");
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
    let offered = |scopes: &[Scope], state| {
        let page = promotion_page(scopes, state, None).0;
        OFFERED
            .into_iter()
            .filter(|act| page.contains(&format!("id=\"act-{}\"", act.word())))
            .collect::<Vec<_>>()
    };
    assert_eq!(offered(&[], PromotionState::Held), []);
    assert_eq!(offered(&[Scope::Approve], PromotionState::Held), [Act::Approve]);
    assert_eq!(offered(&[Scope::Override], PromotionState::Held), [Act::Override]);
    assert_eq!(
        offered(&[Scope::Admin], PromotionState::Held),
        [Act::Approve, Act::Override, Act::Abort]
    );
    assert_eq!(
        offered(&[Scope::Admin], PromotionState::RollingOut),
        [Act::Pause, Act::Abort]
    );
    assert_eq!(
        offered(&[Scope::Admin], PromotionState::Paused),
        [Act::Resume, Act::Abort]
    );
    assert_eq!(offered(&[Scope::Admin], PromotionState::Verified), []);
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
    assert!(words(&evidence_page(&facts)).contains("waived until"));
    facts["findings"][1]["severity"] = "high".into();
    assert!(!words(&evidence_page(&facts)).contains("waived until"));
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
