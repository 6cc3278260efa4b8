//! The rules: which pipelines, policy modules and roles are in force; every version of one and by whom; and
//! what two versions say differently.

use gateline_api::ProposalView;
use gateline_model::{Digest, ProjectName, ProposalId};
use maud::{Markup, html};

use super::shell::{Fresh, Page, Tab, Visitor};
use super::words::counted;
use super::{link, time};
use crate::views::{DIFF_LINES_MAX, FileDifference, Line, VERSIONS_MAX, VersionView};

/// One thing that is in force.
pub(super) struct InForce {
    pub(super) project: ProjectName,
    /// `pipeline`, `policy`, `calendar` or `roles`.
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) version: Digest,
}

/// Things of one page of the list.
pub(super) const RULES_SHOWN_MAX: usize = 500;

pub(super) fn list(visitor: &Visitor, project: &str, all: &[InForce], proposals: &[ProposalView]) -> Markup {
    Page {
        tab: Tab::Policies,
        title: "Policies".to_owned(),
        fresh: Fresh::Resting,
        watch: vec!["project/".to_owned()],
        visitor,
        body: html! {
            h1 { "Policies" }
            p.sub { "What is in force: policy modules, pipelines, calendars and roles, each with every version that ever was; and what waits for its owners." }
            (waiting(visitor, proposals))
            form.filter method="get" action=(link::POLICIES) role="search" aria-label="Filter the policies" #filters data-keep {
                label { "Project" input #filter name="project" value=(project) maxlength="63" autocomplete="off"; }
                button type="submit" { "Show" }
            }
            @if all.is_empty() { div.banner { p { b { "Nothing is in force here." } } p.sub { "Apply a file with " code { "gateline apply -f pipeline.yaml" } "." } } }
            @else {
                table.list.told {
                    thead { tr { th scope="col" { "name" } th scope="col" { "kind" } th scope="col" { "project" } th scope="col" { "version in force" } } }
                    tbody { @for one in all.iter().take(RULES_SHOWN_MAX) { tr {
                        th scope="row" { a href=(link::rules_of(&one.project, one.kind, &one.name)) data-row { (one.name) } }
                        td data-of="kind" { (one.kind) } td data-of="project" { (one.project) }
                        td data-of="version in force" { code title=(one.version) { (one.version.short()) } }
                    } } }
                }
                @if all.len() > RULES_SHOWN_MAX { p.age { "and " (all.len() - RULES_SHOWN_MAX) " more: show those of one project" } }
            }
        },
    }
    .render()
}

/// All that the page of one of them shows.
pub(super) struct Shown<'a> {
    pub(super) project: &'a ProjectName,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    pub(super) versions: &'a [VersionView],
    /// The two that are compared, by their place in the list; nothing before the first one.
    pub(super) old: Option<usize>,
    pub(super) new: usize,
    /// What a pipeline means differently, a line each; nothing where that is not known.
    pub(super) meaning: Option<&'a [String]>,
    pub(super) difference: &'a [FileDifference],
    /// The proposals of another version.
    pub(super) waiting: &'a [ProposalView],
}

pub(super) fn page(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let Shown {
        project,
        kind,
        name,
        versions,
        ..
    } = *shown;
    Page {
        tab: Tab::Policies,
        title: format!("{kind} {name}"),
        fresh: Fresh::Resting,
        watch: vec![format!("project/{project}")],
        visitor,
        body: html! {
            h1 { (kind) " " (name) }
            p.sub {
                "of " (project) " · " (counted(versions.len() as u64, "version"))
                @if versions.len() == VERSIONS_MAX { " (older ones are in the " a href="/log" { "log" } ")" }
                ", the newest is in force"
            }
            (waiting(visitor, shown.waiting))
            (compared(shown))
            (lines(shown.meaning, shown.difference))
            h2 #versions { "Versions" }
            div.wide { table.long {
                thead { tr { th scope="col" { "version" } th scope="col" { "in force since" } th scope="col" { "applied by" } th scope="col" { "from commit" } th scope="col" { "log" } } }
                tbody { @for (place, version) in versions.iter().enumerate() { (row(visitor, shown, place, version)) } }
            } }
        },
    }
    .render()
}

/// Versions that are not in force yet, as links.
pub(super) fn waiting(visitor: &Visitor, proposals: &[ProposalView]) -> Markup {
    html! {
        @for one in proposals { div.banner {
            p {
                b { a href=(link::proposal(&one.id())) data-row { "Proposal " (one.number) } } ": " (one.of) " of " (one.project)
                ", version " code title=(one.version) { (one.version.short()) } ", by " (one.by)
            }
            p.sub { "Not in force: needs " (one.still_needs()) ", waits until " (time::ahead(visitor.now, one.until)) }
        } }
    }
}

fn row(visitor: &Visitor, shown: &Shown<'_>, place: usize, version: &VersionView) -> Markup {
    let before = shown.versions.get(place + 1).map(|one| one.number);
    let here = link::rules_of(shown.project, shown.kind, shown.name);
    let address = link::with(
        &here,
        &[
            (
                "old",
                &before.map(|number| number.to_string()).unwrap_or_default(),
            ),
            ("new", &version.number.to_string()),
        ],
    );
    html! {
        tr {
            th scope="row" { a.mono href=(address) title=(version.version) data-row { (version.version.short()) } @if place == 0 { div.age { "in force" } } }
            td { (time::clock(visitor.now, version.at)) }
            td { (version.by) @if let Some(number) = version.proposal { div.age { "the last owner of " a href=(link::proposal(&ProposalId { project: shown.project.clone(), number })) { "proposal " (number) } } } }
            td { @if let Some(commit) = &version.commit { code title=(commit.id) { (commit.short()) } @if let Some(author) = &version.author { div.age { (author) } } } }
            td { a.mono href=(link::log_at(version.number)) { "#" (version.number) } }
        }
    }
}

fn compared(shown: &Shown<'_>) -> Markup {
    let option = |place: usize, version: &VersionView, chosen: bool| {
        html! { option value=(version.number) selected[chosen] { (version.version.short()) " of #" (version.number) @if place == 0 { ", in force" } } }
    };
    html! {
        form.filter method="get" action=(link::rules_of(shown.project, shown.kind, shown.name)) aria-label="Compare two versions" #filters data-keep {
            label { "From" select #old name="old" {
                option value="" selected[shown.old.is_none()] { "nothing" }
                @for (place, version) in shown.versions.iter().enumerate() { (option(place, version, shown.old == Some(place))) }
            } }
            label { "To" select #new name="new" {
                @for (place, version) in shown.versions.iter().enumerate() { (option(place, version, shown.new == place)) }
            } }
            button type="submit" { "Compare" }
        }
    }
}

/// What two versions mean and say differently.
pub(super) fn lines(meaning: Option<&[String]>, difference: &[FileDifference]) -> Markup {
    html! {
        h2 #difference { "Difference" }
        @if let Some(meaning) = meaning {
            @if meaning.is_empty() { p { "Both mean the same." } }
            @else { ul.items { @for line in meaning { li { code.break { (line) } } } } }
        }
        @for file in difference {
            h3 { (file.name) }
            pre.lines { @for line in &file.lines { (text(line)) } }
        }
        @if difference.is_empty() { p.sub { "Not a line differs." } }
        @if difference.iter().map(|file| file.lines.len()).sum::<usize>() >= DIFF_LINES_MAX { p.age { "The first " (DIFF_LINES_MAX) " lines of it." } }
    }
}

/// The sign says it; the colour only helps.
fn text(line: &Line) -> Markup {
    html! {
        @match line {
            Line::Same(text) => { "  " (text) "\n" }
            Line::Added(text) => { ins { "+ " (text) } "\n" }
            Line::Removed(text) => { del { "- " (text) } "\n" }
            Line::Gap => { span.age { "  …" } "\n" }
        }
    }
}
