//! Overrides: what is permitted although a gate is not satisfied, for how long yet, what a second person is to confirm, and
//! which reviews are owed? And the forms for both.

use gateline_api::{OpenOverride, OpenReview, OverridesView};
use gateline_model::{GateName, PromotionId, Scope};
use maud::{Markup, html};

use super::forms::{Act, Tried};
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use super::words::{OVERRIDDEN, Sign, Tone, counted};
use super::{fields, link, time, words};

pub(super) fn page(visitor: &Visitor, view: &OverridesView, project: &str, tried: Option<&Tried>) -> Markup {
    let OverridesView { overrides, reviews } = view;
    Page {
        tab: Tab::Overrides,
        title: "Overrides".to_owned(),
        fresh: if tried.is_some() { Fresh::Kept } else { Fresh::Resting },
        watch: vec!["promotion/".to_owned(), "stage/".to_owned()],
        visitor,
        body: html! {
            h1 { "Overrides" }
            p.sub { (counted(overrides.len() as u64, "override")) " of releases that are not in yet, those that end first in front; " (counted(reviews.len() as u64, "review")) " owed." }
            @if let Some(tried) = tried { (alert(&tried.problem)) }
            form.filter method="get" action=(link::OVERRIDES) role="search" aria-label="Filter the overrides" #filters data-keep {
                label { "Project" input #filter name="project" value=(project) maxlength="63" autocomplete="off"; }
                button type="submit" { "Show" }
            }
            @if overrides.is_empty() { div.banner { p { b { "No gate is overridden." } } p.sub { "A gate is overridden on the page of its promotion, or with " code { "gateline override" } "." } } }
            @for open in overrides { (permitted(visitor, open, tried)) }
            h2 { "Reviews that are owed" }
            @if reviews.is_empty() { p.sub { "None. A release that comes in by an override owes one." } }
            @for open in reviews { (owed(visitor, open, tried)) }
        },
    }
    .render()
}

fn permitted(visitor: &Visitor, open: &OpenOverride, tried: Option<&Tried>) -> Markup {
    let OpenOverride {
        promotion,
        version,
        permission: one,
    } = open;
    html! {
        article.panel #{ "override-" (promotion.stage.stage) "-" (promotion.number) "-" (one.gate) } {
            p {
                @if one.waits { (Sign(Tone::Wait, "‖").label("waits for a second person")) }
                @else { (OVERRIDDEN.label("overridden")) }
                " gate " b { (one.gate) } " for " b { (version) } " into " a href=(link::promotion(promotion)) { (promotion) }
            }
            p {
                "until " (time::ahead(visitor.now, one.until)) " by " b { (one.by) }
                @if let Some(second) = &one.confirmed_by { " and " b { (second) } }
                ": "
                (words::reason(one.reason.as_deref(), one.erased.as_ref()))
            }
            p.age { "asked for " (time::clock(visitor.now, one.at)) " · the gate stays unsatisfied on record" }
            @if one.waits && visitor.may(Scope::Override) {
                @if one.by == visitor.actor { p.sub { "Somebody else who may override here confirms it." } }
                @else { (confirm(visitor, open, tried)) }
            }
            @if one.by == visitor.actor || one.confirmed_by.as_ref() == Some(&visitor.actor) || visitor.may(Scope::Admin) {
                (withdraw(visitor, open, tried))
            }
        }
    }
}

fn is_tried<'a>(tried: Option<&'a Tried>, act: Act, id: &PromotionId, gate: &GateName) -> Option<&'a Tried> {
    tried.filter(|tried| {
        let Tried { act: of, fields, .. } = tried;
        *of == act && fields.promotion == id.to_string() && fields.gate == gate.as_str()
    })
}

/// The fields that name an override.
fn named(visitor: &Visitor, id: &PromotionId, gate: &GateName) -> Markup {
    html! {
        (visitor.hidden())
        input type="hidden" name="promotion" value=(id);
        input type="hidden" name="gate" value=(gate);
    }
}

fn confirm(visitor: &Visitor, open: &OpenOverride, tried: Option<&Tried>) -> Markup {
    let (id, gate) = (&open.promotion, &open.permission.gate);
    let tried = is_tried(tried, Act::ConfirmOverride, id, gate);
    html! {
        details.act #{ "act-confirm-" (id.number) "-" (gate) } open[tried.is_some()] {
            summary { "Confirm" }
            form.stack method="post" action=(link::OVERRIDE_CONFIRM) {
                (named(visitor, id, gate))
                input type="hidden" name="asked_at" value=(open.permission.at);
                p.age { "The override counts from then on, in both your names; a release that comes in by it owes a review." }
                button type="submit" { "Confirm the override of " (gate) }
            }
        }
    }
}

fn withdraw(visitor: &Visitor, open: &OpenOverride, tried: Option<&Tried>) -> Markup {
    let (id, gate) = (&open.promotion, &open.permission.gate);
    let tried = is_tried(tried, Act::WithdrawOverride, id, gate);
    html! {
        details.act #{ "act-withdraw-" (id.number) "-" (gate) } open[tried.is_some()] {
            summary { "Withdraw" }
            form.stack method="post" action=(link::OVERRIDE_WITHDRAW) {
                (named(visitor, id, gate))
                p.age { "The gate counts again from then on." }
                (fields::text(&format!("withdraw-{}-{gate}", id.number), "Why", tried.map(|tried| &tried.fields)))
                button type="submit" { "Withdraw the override of " (gate) }
            }
        }
    }
}

fn owed(visitor: &Visitor, open: &OpenReview, tried: Option<&Tried>) -> Markup {
    let OpenReview {
        review,
        reason,
        erased,
        from,
        overdue,
    } = open;
    let (id, gate) = (&review.promotion, &review.gate);
    let tried = is_tried(tried, Act::WriteReview, id, gate);
    html! {
        article.panel #{ "review-" (id.stage.stage) "-" (id.number) "-" (gate) } {
            p {
                @if *overdue { (Sign(Tone::Bad, "!").label("overdue")) } @else { (Sign(Tone::Wait, "✎").label("owed")) }
                " override of " b { (gate) } " for " b { (review.version) } " in " a href=(link::promotion(id)) { (id) }
            }
            p {
                @if *overdue { "since " (time::clock(visitor.now, review.due)) } @else { "until " (time::ahead(visitor.now, review.due)) }
                " · from " b { (from) }
            }
            p.age {
                "overridden by " b { (review.by) } @if let Some(second) = &review.confirmed_by { " and " b { (second) } } ": "
                (words::reason(reason.as_deref(), erased.as_ref()))
            }
            details.act #{ "act-review-" (id.number) "-" (gate) } open[tried.is_some()] {
                summary { "Write the review" }
                form.stack method="post" action=(link::OVERRIDE_REVIEW) {
                    (named(visitor, id, gate))
                    p.age { "What came of it: whether the gate was wrong or the release, and what is done so that it is not needed again. It stays in the log." }
                    (fields::text(&format!("review-{}-{gate}", id.number), "Review", tried.map(|tried| &tried.fields)))
                    button type="submit" { "Write it" }
                }
            }
        }
    }
}
