//! The life line: where a release has been and stands, stage by stage.

use gateline_api::{LifeStage, PromotionSummary, ReleaseView};
use gateline_model::{Scope, Span, StageRef};
use maud::{Markup, html};

use crate::ui::shell::Visitor;
use crate::ui::words::{Sign, Tone, counted, of_promotion};
use crate::ui::{link, time};

/// Promotions into one stage that are shown; the others are in the log.
const PROMOTIONS_SHOWN: usize = 5;

pub(super) fn line(visitor: &Visitor, release: &ReleaseView) -> Markup {
    html! { ol.life { @for stage in &release.life { (one(visitor, release, stage)) } } }
}

fn one(visitor: &Visitor, release: &ReleaseView, life: &LifeStage) -> Markup {
    let LifeStage {
        stage,
        live,
        verified,
        soaked,
        barred_by,
        promotions,
    } = life;
    let of = &release.of;
    let here = StageRef {
        project: of.project.clone(),
        pipeline: of.pipeline.clone(),
        stage: stage.clone(),
    };
    let open = promotions.iter().any(|one| one.ended_at.is_none());
    html! {
        li class=[live.then_some("here")] {
            p {
                a.live href=(link::stage(&here)) { (stage) } " "
                @if *live { (Sign(Tone::Good, "✓").label("live")) }
                @else if *verified { (Sign(Tone::Good, "✓").plain("was live")) }
                @else if promotions.is_empty() { (Sign(Tone::Quiet, "○").plain("not there yet")) }
                @if let Some(by) = barred_by { " " a href=(link::promotion(by)) { (Sign(Tone::Bad, "✗").label("barred")) } }
            }
            @if *soaked > Span::ZERO { p.age { (time::length(*soaked)) " healthy live time" } }
            @for promotion in promotions.iter().take(PROMOTIONS_SHOWN) { (promotion_line(visitor, promotion, &html! {})) }
            @if promotions.len() > PROMOTIONS_SHOWN { p.age { (promotions.len() - PROMOTIONS_SHOWN) " earlier promotions" } }
            @if !live && !open && visitor.may(Scope::Promote) {
                p { a.button href=(link::promote(&release.of, &release.version, stage)) { "Promote into " (stage) } }
            }
        }
    }
}

/// A promotion in one line, behind what it is told apart by.
pub(in crate::ui) fn promotion_line(visitor: &Visitor, promotion: &PromotionSummary, of: &Markup) -> Markup {
    let PromotionSummary {
        id,
        state,
        says,
        requested_at,
        ended_at,
        served,
        ..
    } = promotion;
    html! {
        div.prop {
            (of) a href=(link::promotion(id)) { (of_promotion(*state).label(&state.to_string())) }
            " " span.age {
                "requested " (time::clock(visitor.now, *requested_at))
                @match ended_at {
                    Some(at) => { " · took " (time::length(Span::between(*requested_at, *at))) }
                    None => { " · open for " (time::age(visitor.now, *requested_at)) }
                }
                @if served.requests > 0 { " · " (counted(served.requests, "request")) ", " (served.bad_requests) " failed" }
            }
            div.age { (says) }
        }
    }
}
