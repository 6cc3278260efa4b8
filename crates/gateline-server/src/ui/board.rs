//! The board: pipelines by stages. Where is everything, and what needs somebody?

use gateline_api::{Board, BoardPipeline, BoardStage, LiveView, PromotionState, Proposed};
use gateline_model::{PipelineRef, StageName, StageRef};
use maud::{Markup, html};

use super::shell::{Fresh, Page, Tab, Visitor, pager};
use super::words::{self, count, counted};
use super::{link, time};

/// What the address asked for.
pub(super) struct Asked<'a> {
    pub(super) text: &'a str,
    pub(super) show: &'a str,
    pub(super) after: bool,
}

/// The filters by their word in the address.
const SHOWS: [(&str, &str); 5] = [
    ("", "anything"),
    ("open", "something is proposed"),
    ("held", "something is held or refused"),
    ("rolling_out", "something rolls out"),
    ("not_healthy", "something is not healthy"),
];

pub(super) fn page(visitor: &Visitor, board: &Board, asked: &Asked<'_>) -> Markup {
    let Asked { text, show, after } = *asked;
    let moving = board
        .pipelines
        .iter()
        .flat_map(|one| &one.stages)
        .flat_map(|stage| &stage.proposed);
    let moving = moving.filter(|one| one.rollout.is_some()).count() > 0;
    let first = after.then(|| link::with("/", &[("q", text), ("show", show)]));
    let next = board
        .next
        .as_deref()
        .map(|next| link::with("/", &[("q", text), ("show", show), ("after", next)]));
    Page {
        tab: Tab::Board,
        title: "Board".to_owned(),
        fresh: if moving { Fresh::Moving } else { Fresh::Resting },
        watch: vec![
            "stage/".to_owned(),
            "promotion/".to_owned(),
            "project/".to_owned(),
        ],
        visitor,
        body: html! {
            h1 { "Board" }
            p.sub { (summary(board)) }
            (filter(text, show))
            @for group in groups(&board.pipelines) { (table(visitor, &group)) }
            @if board.pipelines.is_empty() { (nothing(board, text, show)) }
            (pager(first, next))
        },
    }
    .render()
}

fn summary(board: &Board) -> Markup {
    html! {
        (counted(board.all, "pipeline"))
        @if board.total != board.all { ", " (count(board.total)) " of them match" }
        " · " (count(board.needing)) " need" @if board.needing == 1 { "s" } " somebody"
        " · " (count(board.rolling)) " rolling out"
        " · log " a.mono href="/log" { "#" (board.log) }
    }
}

fn filter(text: &str, show: &str) -> Markup {
    html! {
        form.filter method="get" action="/" role="search" aria-label="Filter the board" #filters data-keep {
            label { "Filter " kbd { "/" } input #filter type="search" name="q" value=(text) placeholder="project/pipeline" maxlength="200" autocomplete="off"; }
            label {
                "Only where"
                select #show name="show" { @for (word, name) in SHOWS { option value=(word) selected[word == show] { (name) } } }
            }
            button type="submit" { "Show" }
        }
    }
}

fn nothing(board: &Board, text: &str, show: &str) -> Markup {
    html! {
        div.banner {
            @if board.all == 0 {
                p { b { "There is no pipeline yet." } }
                p.sub { "Apply one with " code { "gateline apply -f pipeline.yaml" } "." }
            } @else {
                p { b { "No pipeline is like this" } @if !text.is_empty() { ": " code { (text) } } "." }
                @if !text.is_empty() || !show.is_empty() { p.sub { a href="/" { "Show everything" } } }
            }
        }
    }
}

/// Pipelines with the same stages share one table; the order of the first ones stays.
fn groups(pipelines: &[BoardPipeline]) -> Vec<(Vec<&StageName>, Vec<&BoardPipeline>)> {
    let mut groups: Vec<(Vec<&StageName>, Vec<&BoardPipeline>)> = Vec::new();
    for pipeline in pipelines {
        let stages: Vec<&StageName> = pipeline.stages.iter().map(|stage| &stage.stage).collect();
        match groups.iter_mut().find(|(names, _)| *names == stages) {
            Some((_, members)) => members.push(pipeline),
            None => groups.push((stages, vec![pipeline])),
        }
    }
    groups
}

fn table(visitor: &Visitor, (stages, pipelines): &(Vec<&StageName>, Vec<&BoardPipeline>)) -> Markup {
    html! {
        div.wide {
            table.board aria-label="Pipelines by stage" {
                thead { tr { th scope="col" { "pipeline" } @for stage in stages { th scope="col" { (stage) } } } }
                tbody {
                    @for pipeline in pipelines {
                        @let first = pipeline.stages.iter().flat_map(|stage| &stage.proposed).next();
                        tr {
                            th scope="row" {
                                a href=(link::releases(&pipeline.of)) data-row[first.is_none()] { (pipeline.of.pipeline) }
                                div.age { (pipeline.of.project) }
                            }
                            @for stage in &pipeline.stages { (cell(visitor, &pipeline.of, stage, first)) }
                        }
                    }
                }
            }
        }
    }
}

/// `first` is the proposal that a key leads to: the row's first.
fn cell(visitor: &Visitor, of: &PipelineRef, stage: &BoardStage, first: Option<&Proposed>) -> Markup {
    let here = StageRef {
        project: of.project.clone(),
        pipeline: of.pipeline.clone(),
        stage: stage.stage.clone(),
    };
    html! {
        td {
            a.narrow href=(link::stage(&here)) { (stage.stage) }
            @match &stage.live {
                Some(live) => (live_line(visitor, of, &here, live)),
                None => { a.age href=(link::stage(&here)) { "nothing live" } }
            }
            @for proposed in &stage.proposed { (proposal(visitor, proposed, first.is_some_and(|first| first.promotion == proposed.promotion))) }
        }
    }
}

fn live_line(visitor: &Visitor, of: &PipelineRef, here: &StageRef, live: &LiveView) -> Markup {
    html! {
        a.live href=(link::release(of, &live.version)) { (live.version) }
        " " span.age { "for " (time::age(visitor.now, live.since)) }
        " " a.still href=(link::stage(here)) { (words::health(live.health)) }
    }
}

/// What is proposed below what is live: state, gates or steps, and what it waits for.
pub(super) fn proposal(visitor: &Visitor, proposed: &Proposed, by_key: bool) -> Markup {
    let Proposed {
        promotion,
        version,
        state,
        satisfied,
        gates,
        rollout,
        since,
        ..
    } = proposed;
    let sign = words::of_promotion(*state);
    let name = match (rollout, state) {
        (Some(rollout), PromotionState::RollingOut) => format!("{version} at {}", rollout.weight),
        (Some(_) | None, _) => format!("{version} {state}"),
    };
    html! {
        div.prop {
            a href=(link::promotion(promotion)) data-row[by_key] { (sign.label(&name)) }
            " "
            @match rollout {
                Some(rollout) => {
                    span.num { "step " (rollout.step) "/" (rollout.steps) }
                    span.age { " · " (time::age(visitor.now, *since)) }
                    div.age {
                        // Where no judge looks, nobody counts: that is not "0 requests".
                        @if rollout.requests == 0 { "no requests counted" }
                        @else { (counted(rollout.requests, "request")) ", " (count(rollout.errors)) " failed" }
                        @if *state != PromotionState::RollingOut { " · at " (rollout.weight) }
                    }
                    @if *state != PromotionState::RollingOut { div.age { (proposed.headline) } }
                }
                None => {
                    span.num { (satisfied) "/" (gates) " gates" }
                    @if *state == PromotionState::Refused { div.age { (proposed.headline) } }
                }
            }
            (waiting(visitor, proposed))
        }
    }
}

/// Since when, on whom or what, until when.
fn waiting(visitor: &Visitor, proposed: &Proposed) -> Markup {
    let Proposed {
        waiting_on,
        since,
        until,
        rollout,
        ..
    } = proposed;
    html! {
        @match (rollout, waiting_on.is_empty(), until) {
            (None, ..) => {
                div.age {
                    "waiting " (time::age(visitor.now, *since))
                    @if !waiting_on.is_empty() { " on " b { (waiting_on.join(", ")) } }
                    @if let Some(until) = until { " · until " (time::ahead(visitor.now, *until)) }
                }
            }
            (Some(_), false, _) => { div.age { "waiting on " b { (waiting_on.join(", ")) } } }
            (Some(_), true, Some(until)) => { div.age { "goes on by itself " (time::ahead(visitor.now, *until)) } }
            (Some(_), true, None) => {}
        }
    }
}
