//! The list of releases, the newest first.

use gateline_api::{Page as ListPage, ReleaseSummary};
use gateline_model::PipelineRef;
use maud::{Markup, html};

use super::shell::{Fresh, Page, Tab, Visitor, pager};
use super::words::{Sign, Tone};
use super::{link, time};
use crate::views::Reported;

/// What the address asked for.
pub(super) struct Asked<'a> {
    pub(super) project: &'a str,
    pub(super) pipeline: &'a str,
    pub(super) after: bool,
    /// What the newest releases of the one pipeline reported.
    pub(super) trends: Option<(&'a PipelineRef, &'a [Reported])>,
}

pub(super) fn page(visitor: &Visitor, list: &ListPage<ReleaseSummary>, asked: &Asked<'_>) -> Markup {
    let Asked {
        project,
        pipeline,
        after,
        trends,
    } = *asked;
    let here = [("project", project), ("pipeline", pipeline)];
    let first = after.then(|| link::with("/releases", &here));
    let next = list
        .next
        .as_deref()
        .map(|next| link::with("/releases", &[here[0], here[1], ("after", next)]));
    Page {
        tab: Tab::Releases,
        title: "Releases".to_owned(),
        fresh: Fresh::Resting,
        watch: vec!["release/".to_owned()],
        visitor,
        body: html! {
            h1 { "Releases" }
            p.sub {
                @if pipeline.is_empty() { "Of all pipelines, the newest first." }
                @else { "Of " b { (project) "/" (pipeline) } ", the newest first. " a href="/releases" { "Show those of all pipelines" } " · " a href={ (link::WAIVERS) "?project=" (project) "&pipeline=" (pipeline) } { "waivers" } }
            }
            form.filter method="get" action="/releases" role="search" aria-label="Filter the releases" #filters data-keep {
                label { "Project" input #filter name="project" value=(project) maxlength="63" autocomplete="off"; }
                label { "Pipeline" input #pipeline name="pipeline" value=(pipeline) maxlength="63" autocomplete="off"; }
                button type="submit" { "Show" }
            }
            @if let Some((of, reported)) = trends { (super::trends::trends(of, reported)) h2 { "Releases" } }
            @if list.items.is_empty() {
                div.banner {
                    p { b { "There is no such release." } }
                    p.sub { "Register one with " code { "gateline release create APP@VERSION --artifact .." } "." }
                }
            } @else { (table(visitor, &list.items)) }
            (pager(first, next))
        },
    }
    .render()
}

fn table(visitor: &Visitor, releases: &[ReleaseSummary]) -> Markup {
    html! {
        div.wide {
            table.list aria-label="Releases" {
                thead { tr {
                    th scope="col" { "release" } th scope="col" { "pipeline" } th scope="col" { "change" }
                    th scope="col" { "number" } th scope="col" { "registered" } th scope="col" { "id" }
                } }
                tbody {
                    @for ReleaseSummary { id, of, version, number, kind, breaking, registered_at } in releases {
                        tr {
                            td { a.live href=(link::release(of, version)) data-row { (version) } }
                            td { (of.pipeline) div.age { (of.project) } }
                            td { (kind.word().replace('_', " ")) @if *breaking { " " (breaking_label()) } }
                            td.num { (number) }
                            td { (time::age(visitor.now, *registered_at)) " ago" }
                            td { code title=(id) { (id.short()) } }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn breaking_label() -> Markup {
    Sign(Tone::Bad, "▲").label("breaking")
}

pub(super) fn irreversible_label() -> Markup {
    Sign(Tone::Bad, "■").label("irreversible")
}
