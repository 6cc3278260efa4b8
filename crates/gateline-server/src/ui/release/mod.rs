//! The release: what is in it, what does it change, what is known about it, and where has it been?

mod evidence;
mod life;

use gateline_api::ReleaseView;
use gateline_model::{Change, Source, StreamId};
use maud::{Markup, html};

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
            (change(visitor, release))
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

fn change(visitor: &Visitor, release: &ReleaseView) -> Markup {
    let Change {
        source,
        built_at,
        builder,
        kind,
        breaking,
        irreversible,
        labels,
        tickets,
    } = &release.change;
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    html! {
        dl.facts {
            dt { "kind" } dd { (kind.word().replace('_', " ")) }
            dt { "breaking" } dd { (yes(*breaking)) }
            dt { "irreversible" } dd { (yes(*irreversible)) }
            @if let Some(Source { repository, commit, range }) = source {
                dt { "source" } dd { (repository) " " code.break { (commit) } }
                @if let Some(range) = range { dt { "new commits" } dd { code.break { (range) } } }
            }
            @if let Some(at) = built_at { dt { "built" } dd { (time::clock(visitor.now, *at)) @if let Some(builder) = builder { " by " (builder) } } }
            @else if let Some(builder) = builder { dt { "builder" } dd { (builder) } }
            @if !tickets.is_empty() { dt { "tickets" } dd { (tickets.join(", ")) } }
            @if !labels.is_empty() { dt { "labels" } dd { @for (name, value) in labels { code { (name) "=" (value) } " " } } }
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
