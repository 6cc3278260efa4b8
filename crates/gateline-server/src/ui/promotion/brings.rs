//! What the release brings: the difference to what is live, before anybody says yes.

use gateline_api::ReleaseView;
use gateline_model::{Artifact, Source};
use maud::{Markup, html};

use super::Shown;
use crate::ui::link;
use crate::ui::releases::{breaking_label, irreversible_label};

/// Characters of a commit's name that tell it apart.
const COMMIT_CHARS: usize = 12;

pub(super) fn brings(shown: &Shown<'_>) -> Markup {
    let Some(release) = shown.release else {
        return html! {};
    };
    html! {
        h2 { @if shown.is_open() { "What changes in " } @else { "What it was to change in " } (shown.view.stage.stage) }
        (difference(release, shown.against))
    }
}

/// One release against the one that is live in the same place.
pub(in crate::ui) fn difference(release: &ReleaseView, live: Option<&ReleaseView>) -> Markup {
    let change = &release.change;
    html! {
        div.panel {
            p {
                @match live {
                    Some(live) if live.id == release.id => { b { (release.version) } " is live already: nothing changes." }
                    Some(live) => {
                        b { (release.version) } " takes the place of "
                        a href=(link::release(&live.of, &live.version)) { (live.version) } ": "
                        (distance(release, live)) "."
                    }
                    None => { b { (release.version) } " is the first release here: everything is new." }
                }
            }
            table.diff {
                thead { tr { th scope="col" { "artifact" } th scope="col" { "live" } th scope="col" { "then" } } }
                tbody {
                    @for artifact in &release.artifacts { (artifact_row(artifact, live)) }
                    @for gone in removed(release, live) {
                        tr { th scope="row" { (gone.name) } td { (short(gone)) } td { "not part of it any more" } }
                    }
                }
            }
            p {
                (change.kind.word().replace('_', " "))
                @if change.breaking { " " (breaking_label()) }
                @if change.irreversible { " " (irreversible_label()) }
                @if !change.tickets.is_empty() { " · tickets " (change.tickets.join(", ")) }
                @if let Some(source) = &change.source {
                    " · " code.break title=(source.range.as_deref().unwrap_or(&source.commit)) { (commits(source)) } " of " (source.repository)
                }
            }
            @if let Some(text) = &release.text {
                @if !text.authors.is_empty() { p.age { "by " (text.authors.join(", ")) } }
                @if !text.notes.is_empty() { p.notes { (text.notes) } }
            }
        }
    }
}

/// The commits by the beginnings of their names.
fn commits(source: &Source) -> String {
    let short = |name: &str| name.chars().take(COMMIT_CHARS).collect::<String>();
    match source.range.as_deref().and_then(|range| range.split_once("..")) {
        Some((from, until)) => format!("{}..{}", short(from), short(until)),
        None => short(&source.commit),
    }
}

fn distance(release: &ReleaseView, live: &ReleaseView) -> String {
    match release.number.checked_sub(live.number) {
        Some(0 | 1) => "the next release".to_owned(),
        Some(more) => format!("{more} releases later"),
        None => format!("{} releases earlier", live.number - release.number),
    }
}

fn artifact_row(artifact: &Artifact, live: Option<&ReleaseView>) -> Markup {
    let before = live.and_then(|live| live.artifacts.iter().find(|other| other.name == artifact.name));
    html! {
        tr {
            th scope="row" { (artifact.name) }
            td { @match before { Some(before) => { (short(before)) } None => { "none" } } }
            td { @if before.is_some_and(|before| before.at == artifact.at) { "the same" } @else { (short(artifact)) } }
        }
    }
}

fn short(artifact: &Artifact) -> Markup {
    html! { code title=(artifact.at) { (artifact.at.digest().short()) } }
}

fn removed<'a>(release: &ReleaseView, live: Option<&'a ReleaseView>) -> Vec<&'a Artifact> {
    let live = live.map(|live| &live.artifacts[..]).unwrap_or_default();
    live.iter()
        .filter(|old| release.artifacts.iter().all(|new| new.name != old.name))
        .collect()
}
