//! Proposals: what waits for owners, what it changes, and what it would have decided.

use gateline_api::{GateChange, PreviewView, PreviewedView, ProposalDetail, ProposalView};
use gateline_model::{Admission, Verdict};
use jiff::Timestamp;

use super::{Line, Page, Table, time};

/// The proposals that wait.
pub(crate) fn proposals(found: &[ProposalView], now: Timestamp) -> Page {
    let mut page = Page::default();
    if found.is_empty() {
        page.line(Line::new().dim("no proposal waits"));
        return page;
    }
    let mut table = Table::headed(["proposal", "of", "version", "by", "needs", "until"]);
    for one in found {
        table.row([
            Line::from(one.id()),
            Line::from(&one.of),
            Line::from(one.version.short()),
            Line::from(&one.by),
            Line::from(one.still_needs()),
            Line::from(time::clock(one.until, now)),
        ]);
    }
    page.table(table);
    page
}

/// One proposal as it stands.
pub(crate) fn proposal(view: &ProposalView, now: Timestamp) -> Page {
    let mut page = Page::default();
    let title = Line::new().strong(view.id());
    page.line(title.plain(format!("  {}, version {}", view.of, view.version.short())));
    let instead = match &view.replaces {
        Some(old) => format!("in place of {}", old.short()),
        None => "nothing was in force".to_owned(),
    };
    page.line(format!(
        "  proposed by {} {}, {instead}",
        view.by,
        time::clock(view.at, now)
    ));
    if let Some(commit) = &view.commit {
        let author = view.author.iter().map(|author| format!(" by {author}"));
        let author: String = author.collect();
        let at = commit.repository.iter().map(|at| format!(" of {at}"));
        let at: String = at.collect();
        page.line(format!("  from commit {}{at}{author}", commit.short()));
    }
    match view.outcome {
        Some(outcome) => {
            let by = view.ended_by.iter().map(|by| format!(" by {by}"));
            let by: String = by.collect();
            let why = view.reason.iter().map(|why| format!(": {why}"));
            let why: String = why.collect();
            page.line(format!("  {}{by}{why}", outcome.word()));
        }
        None => {
            for need in &view.needs {
                let owners: Vec<&str> = need.owners.iter().map(|owner| owner.as_str()).collect();
                let given: Vec<&str> = need.given.iter().map(|who| who.as_str()).collect();
                let given = match given.is_empty() {
                    true => "nobody approved yet".to_owned(),
                    false => format!("approved by {}", given.join(", ")),
                };
                let signed = need.signed.at_least();
                let signed: String = signed
                    .iter()
                    .map(|with| format!(", signed with {with}"))
                    .collect();
                page.line(format!(
                    "  needs {} of {}{signed}: {given}",
                    need.count,
                    owners.join(" or ")
                ));
            }
            page.line(format!("  waits until {}", time::clock(view.until, now)));
            page.line(format!("  decision code {}", view.question.code()));
        }
    }
    page
}

/// A proposal with what it changes and what it would have decided.
pub(crate) fn proposal_detail(detail: &ProposalDetail, preview: &PreviewView, now: Timestamp) -> Page {
    let ProposalDetail {
        proposal: view,
        meaning,
        files,
    } = detail;
    let mut page = proposal(view, now);
    page.line("");
    match meaning {
        Some(lines) if lines.is_empty() => page.line("both versions mean the same"),
        Some(lines) => lines.iter().for_each(|line| page.line(line.clone())),
        None => {}
    }
    for file in files {
        page.line(Line::new().dim(&file.name));
        for line in &file.lines {
            page.line(match line.chars().next() {
                Some('+') => Line::new().good(line),
                Some('-') => Line::new().bad(line),
                Some(_) | None => Line::new().plain(line),
            });
        }
    }
    page.line("");
    previewed(&mut page, preview, now);
    page
}

fn previewed(page: &mut Page, preview: &PreviewView, now: Timestamp) {
    let PreviewView {
        promotions,
        otherwise,
        unknown,
    } = preview;
    if let Some(why) = unknown {
        page.line(format!("what it would have decided is not known: {why}"));
        return;
    }
    if promotions.is_empty() {
        page.line("nothing was promoted before it was proposed");
        return;
    }
    page.line(format!(
        "of the last {} promotions it would have decided {otherwise} otherwise",
        promotions.len()
    ));
    for one in promotions {
        let PreviewedView {
            promotion,
            version,
            at,
            then,
            then_says: _,
            now: with_it,
            now_says,
            gates,
        } = one;
        let word = with_it.map_or("not known", Admission::state);
        let line = Line::new().plain(format!("  {promotion} ({version}), {}: ", time::clock(*at, now)));
        page.line(match *with_it == Some(*then) {
            true => line.dim(format!("{}, as then", then.state())),
            false => line
                .strong(format!("{} -> {word}", then.state()))
                .plain(format!(": {now_says}")),
        });
        for gate in gates {
            page.line(format!("      {}", gate_line(gate)));
        }
    }
}

fn gate_line(change: &GateChange) -> String {
    let GateChange {
        gate,
        then,
        now,
        says,
    } = change;
    let word = |verdict: &Option<Verdict>| match verdict {
        Some(verdict) => verdict.to_string(),
        None => "not there".to_owned(),
    };
    let says = match says.is_empty() {
        true => String::new(),
        false => format!(": {says}"),
    };
    format!("{gate}: {} -> {}{says}", word(then), word(now))
}
