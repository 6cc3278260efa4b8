//! The release: what is in it, what does it change, what is known about it, and where has it been?

mod evidence;
mod life;

use gateline_api::ReleaseView;
use gateline_model::StreamId;
use maud::{Markup, html};

pub(super) use evidence::{counts, more, rows, severity_sign};
pub(super) use life::promotion_line;

use super::releases::{breaking_label, irreversible_label};
use super::shell::{Fresh, Page, Tab, Visitor};
use super::{link, time};

pub(super) fn page(visitor: &Visitor, release: &ReleaseView) -> Markup {
    let ReleaseView { id, of, version, .. } = release;
    let moving = release
        .life
        .iter()
        .flat_map(|stage| &stage.promotions)
        .any(|one| one.ended_at.is_none());
    Page {
        tab: Tab::Releases,
        title: format!("{} {version}", of.pipeline),
        fresh: if moving { Fresh::Moving } else { Fresh::Resting },
        watch: vec![
            StreamId::Release(*id).to_string(),
            format!("promotion/{of}/"),
            format!("stage/{of}/"),
        ],
        visitor,
        body: html! {
            (heading(visitor, release))
            h2 { "Life" }
            (life::line(visitor, release))
            h2 { "Artifacts" }
            (artifacts(release))
            h2 { "Change" }
            (change(release))
            h2 { "Evidence" }
            (evidence::list(visitor, release))
        },
    }
    .render()
}

fn heading(visitor: &Visitor, release: &ReleaseView) -> Markup {
    let ReleaseView {
        id,
        of,
        version,
        number,
        registered_at,
        change,
        ..
    } = release;
    html! {
        h1 {
            a href=(link::releases(of)) { (of.pipeline) } " " (version)
            @if change.breaking { " " (breaking_label()) }
            @if change.irreversible { " " (irreversible_label()) }
        }
        p.sub {
            (of.project) " · release number " (number) " · registered " (time::clock(visitor.now, *registered_at))
            " (" (time::age(visitor.now, *registered_at)) " ago) · id " code.break { (id) }
            " · " a href=(link::log_of(&StreamId::Release(*id))) { "its events" }
        }
    }
}

fn artifacts(release: &ReleaseView) -> Markup {
    html! {
        div.wide {
            table.list {
                thead { tr { th scope="col" { "name" } th scope="col" { "kind" } th scope="col" { "address" } } }
                tbody {
                    @for artifact in &release.artifacts {
                        tr { th scope="row" { (artifact.name) } td { (artifact.at.kind()) } td { code.break { (artifact.at) } } }
                    }
                }
            }
        }
    }
}

fn change(release: &ReleaseView) -> Markup {
    html! {
        dl.facts {
            @for (name, text) in release.change.rows(time::whole) { dt { (name) } dd.break { (text) } }
            @match &release.text {
                Some(text) => {
                    @if !text.authors.is_empty() { dt { "authors" } dd { (text.authors.join(", ")) } }
                    @if !text.notes.is_empty() { dt { "notes" } dd.notes { (text.notes) } }
                }
                None => { dt { "authors, notes" } dd { "none, or erased" } }
            }
        }
    }
}
