//! Waivers: which findings are accepted, where, by whom and for how long yet? And the form that ends one.

use gateline_api::WaiverView;
use gateline_model::{PipelineRef, Scope, StageRef, Waiver};
use maud::{Markup, html};

use super::forms::{Act, Tried};
use super::release::severity_sign;
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use super::words::{count, counted, reason};
use super::{fields, link, time};

/// Waivers on the page; those that end later are found by project and pipeline.
const WAIVERS_SHOWN_MAX: usize = 200;

/// What the address asked for, and what somebody tried.
pub(super) struct Asked<'a> {
    pub(super) project: &'a str,
    pub(super) pipeline: &'a str,
    pub(super) tried: Option<&'a Tried>,
}

pub(super) fn page(visitor: &Visitor, list: &[WaiverView], asked: &Asked<'_>) -> Markup {
    let Asked {
        project,
        pipeline,
        tried,
    } = *asked;
    Page {
        tab: Tab::Waivers,
        title: "Waivers".to_owned(),
        fresh: if tried.is_some() { Fresh::Kept } else { Fresh::Resting },
        watch: vec!["project/".to_owned()],
        visitor,
        body: html! {
            h1 { "Waivers" }
            p.sub { (counted(list.len() as u64, "finding")) " accepted for a time, those that end first in front. A finding is waived on the page of its evidence." }
            @if let Some(tried) = tried { (alert(&tried.problem)) }
            form.filter method="get" action=(link::WAIVERS) role="search" aria-label="Filter the waivers" #filters data-keep {
                label { "Project" input #filter name="project" value=(project) maxlength="63" autocomplete="off"; }
                label { "Pipeline" input #pipeline name="pipeline" value=(pipeline) maxlength="63" autocomplete="off"; }
                button type="submit" { "Show" }
            }
            @if list.is_empty() { div.banner { p { b { "No finding is waived here." } } p.sub { "Every finding counts in the gates that ask for it." } } }
            @for view in list.iter().take(WAIVERS_SHOWN_MAX) { (one(visitor, view, tried)) }
            @if list.len() > WAIVERS_SHOWN_MAX { p.age { "and " (count((list.len() - WAIVERS_SHOWN_MAX) as u64)) " more, which end later: show those of one pipeline" } }
        },
    }
    .render()
}

fn one(visitor: &Visitor, view: &WaiverView, tried: Option<&Tried>) -> Markup {
    let WaiverView {
        id,
        project,
        waiver,
        reason: _,
        erased: _,
    } = view;
    let of = PipelineRef {
        project: project.clone(),
        pipeline: waiver.pipeline.clone(),
    };
    html! {
        article.panel #{ "waiver-" (id.short()) } {
            p {
                (severity_sign(waiver.severity).plain(waiver.severity.name())) " "
                b.break { (waiver.rule.as_deref().unwrap_or("finding")) } " in " code.break { (waiver.place) }
                " of " a href=(link::releases(&of)) { (of.pipeline) }
                @match &waiver.stage {
                    Some(stage) => {
                        " in " a href=(link::stage(&StageRef { project: of.project.clone(), pipeline: of.pipeline.clone(), stage: stage.clone() })) { (stage) }
                    }
                    None => { " in every stage" }
                }
            }
            (terms(visitor, view))
            p.age { "finding " code { (waiver.finding) } " · waiver " code title=(id) { (id.short()) } }
            @if visitor.may(Scope::Waive) { (lift(visitor, view, tried)) }
        }
    }
}

/// Until when, by whom and why.
pub(super) fn terms(visitor: &Visitor, view: &WaiverView) -> Markup {
    let Waiver {
        by,
        at,
        until,
        ticket,
        ..
    } = &view.waiver;
    html! {
        p {
            @if *until <= visitor.now { "ended " (time::clock(visitor.now, *until)) } @else { "until " (time::ahead(visitor.now, *until)) }
            " by " b { (by) } ": "
            (reason(view.reason.as_deref(), view.erased.as_ref()))
        }
        p.age {
            "granted " (time::clock(visitor.now, *at))
            @if let Some(text) = ticket { " · ticket " (self::ticket(text)) }
        }
    }
}

fn ticket(text: &str) -> Markup {
    html! {
        @if text.starts_with("https://") || text.starts_with("http://") { a.break href=(text) rel="noreferrer" { (text) } }
        @else { b.break { (text) } }
    }
}

fn lift(visitor: &Visitor, view: &WaiverView, tried: Option<&Tried>) -> Markup {
    let tried = tried.filter(|tried| tried.fields.waiver == view.id.to_string());
    let short = view.id.short();
    html! {
        details.act #{ "act-lift-" (short) } open[tried.is_some()] {
            summary { "Lift" }
            form.stack method="post" action=(link::WAIVER_LIFT) {
                (visitor.hidden())
                input type="hidden" name="project" value=(view.project);
                input type="hidden" name="waiver" value=(view.id);
                p.age { "The finding counts again at once, and what is open is decided again. What was admitted stays." }
                (fields::reason(&format!("{}-{short}-reason", Act::LiftWaiver.word()), tried.map(|tried| &tried.fields)))
                button type="submit" { "Lift this waiver" }
            }
        }
    }
}
