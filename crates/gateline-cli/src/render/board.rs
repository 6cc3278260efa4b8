//! The board: per pipeline, what is live in every stage and what is proposed below it.

use gateline_api::{Board, BoardStage, LiveView, Proposed};
use jiff::Timestamp;

use super::promotion::served;
use super::time::{ago, in_future};
use super::{Line, Page, Style, Table};

/// A page of the board.
pub(crate) fn board(board: &Board, now: Timestamp) -> Page {
    let mut page = Page::default();
    for pipeline in &board.pipelines {
        page.gap();
        page.line(Line::new().strong(&pipeline.of));
        let mut table = Table::indented(2);
        for stage in &pipeline.stages {
            rows(&mut table, stage, now);
        }
        page.table(table);
    }
    if board.pipelines.is_empty() {
        page.line(if board.all == 0 {
            "no pipelines yet"
        } else {
            "no pipeline is like this"
        });
    }
    let shown = board.pipelines.len() as u64;
    if shown < board.total {
        page.gap();
        let more = format!(
            "{shown} of {} pipelines; more with `--limit` or a filter",
            board.total
        );
        page.line(Line::new().dim(more));
    }
    if board.all == 0 {
        page.gap();
        page.hint("apply a pipeline with `gateline apply -f FILE`");
    }
    page
}

fn rows(table: &mut Table, stage: &BoardStage, now: Timestamp) {
    let [version, health, since] = live(stage.live.as_ref(), now);
    table.row([(&stage.stage).into(), version, health, since]);
    if let Some(why) = stage.live.as_ref().and_then(|live| live.health_why.as_ref()) {
        table.row([Line::new(), Line::new(), Line::new(), why.into()]);
    }
    for proposed in &stage.proposed {
        let (what, why) = proposal(proposed, now);
        let indented = Line::new().plain("  ").plain(&proposed.version);
        let state = Line::new().piece(Style::of_state(proposed.state), proposed.state);
        table.row([Line::new(), indented, state, what]);
        table.row([Line::new(), Line::new(), Line::new(), why]);
    }
}

fn live(live: Option<&LiveView>, now: Timestamp) -> [Line; 3] {
    let Some(live) = live else {
        return [Line::new().dim("nothing live"), Line::new(), Line::new()];
    };
    [
        Line::new().strong(&live.version),
        Line::new().piece(Style::of_health(live.health), live.health),
        format!("since {}", ago(live.since, now)).into(),
    ]
}

/// How far it is, and what it waits for.
fn proposal(proposed: &Proposed, now: Timestamp) -> (Line, Line) {
    let since = ago(proposed.since, now);
    let what = match &proposed.rollout {
        Some(rollout) => format!(
            "step {} of {}, {}, {}, since {since}",
            rollout.step,
            rollout.steps,
            rollout.weight,
            served(rollout.requests, rollout.errors)
        ),
        None => format!(
            "{} of {} gates, since {since}",
            proposed.satisfied, proposed.gates
        ),
    };
    let mut why = proposed.headline.clone();
    if !proposed.waiting_on.is_empty() {
        why.push_str(&format!("; on {}", proposed.waiting_on.join(", ")));
    }
    if let Some(opening) = &proposed.opening {
        why.push_str(&format!("; {}", opening.says_from(now)));
    } else if let Some(until) = proposed.until {
        let when = in_future(until, now);
        why.push_str(&match proposed.rollout {
            Some(_) => format!("; {when} at the earliest"),
            None => format!("; until {when}"),
        });
    }
    (what.into(), why.into())
}

/// Every cell on one line, by name; and the part of each whose change is worth a line.
pub(crate) fn cell_line(board: &Board, now: Timestamp) -> Vec<(String, Line, String)> {
    let mut lines = Vec::new();
    for pipeline in &board.pipelines {
        for stage in &pipeline.stages {
            let place = format!("{}/{}", pipeline.of, stage.stage);
            if let Some(live) = &stage.live {
                let mut line = Line::new()
                    .plain(format!("{place}  {} live  ", live.version))
                    .piece(Style::of_health(live.health), live.health);
                if let Some(why) = &live.health_why {
                    line = line.plain(format!(": {why}"));
                }
                lines.push((place.clone(), line, format!("{} {}", live.promotion, live.health)));
            }
            for proposed in &stage.proposed {
                let (what, why) = proposal(proposed, now);
                let mut line = Line::new()
                    .plain(format!("{place}  {}  ", proposed.version))
                    .piece(Style::of_state(proposed.state), proposed.state)
                    .plain("  ");
                line.0.extend(what.0);
                line = line.plain("  ");
                line.0.extend(why.0);
                let step = proposed
                    .rollout
                    .as_ref()
                    .map(|rollout| (rollout.step, rollout.weight));
                let key = format!("{} {} {step:?}", proposed.state.word(), proposed.headline);
                lines.push((proposed.promotion.to_string(), line, key));
            }
        }
    }
    lines
}
