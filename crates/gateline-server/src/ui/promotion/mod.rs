//! The promotion: may it go in? If not, why, who or what can change that, and when? If it rolls out, how is it going?

mod acts;
mod banner;
mod brings;
mod decision;
mod found;
mod numbers;
mod plot;
mod points;
mod risk;
mod ruling;
mod saturation;
mod steps;
mod summary;
mod timeline;

use std::collections::HashMap;

use gateline_api::{PromotionView, ReleaseView, WaiverView};
use gateline_model::{PipelineRef, PromotionKind, Stage, StreamId, Summary, Tick};
use maud::{Markup, html};

#[cfg(test)]
pub(super) use acts::OFFERED;
pub(super) use banner::takes_back;
pub(super) use brings::difference;
pub(super) use points::PLOT_MOMENTS;

use super::forms::Tried;
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use super::{incidents, link, time, words};
use crate::views::MayAnswer;

/// All that the page shows.
pub(super) struct Shown<'a> {
    pub(super) view: &'a PromotionView,
    /// The release, where it can still be read.
    pub(super) release: Option<&'a ReleaseView>,
    /// What was or is live in its place: what it is compared with.
    pub(super) against: Option<&'a ReleaseView>,
    /// The summary for those who are asked, while the promotion is held.
    pub(super) summary: Option<&'a Summary>,
    /// The stage as the pinned pipeline has it.
    pub(super) stage: Option<&'a Stage>,
    /// What the judge saw.
    pub(super) ticks: &'a [Tick],
    /// Identities of what the release in whose place it comes has been found to have; none where nothing is live.
    pub(super) known: Option<&'a HashMap<String, u64>>,
    /// The waivers that the decision rests on, in force or not.
    pub(super) waivers: &'a [WaiverView],
    /// How the one who looks may answer.
    pub(super) may_answer: &'a MayAnswer,
    /// Whether an answer of the one who looks can be taken back.
    pub(super) answered: bool,
    /// Whether the one who looks has a passkey that works at this address.
    pub(super) passkey: bool,
    /// What somebody tried here and was refused.
    pub(super) tried: Option<&'a Tried>,
}

impl Shown<'_> {
    fn is_open(&self) -> bool {
        self.view.ended_at.is_none()
    }

    fn of(&self) -> PipelineRef {
        PipelineRef {
            project: self.view.stage.project.clone(),
            pipeline: self.view.stage.pipeline.clone(),
        }
    }

    /// The label of what was or is live in its place.
    fn before(&self) -> Option<&gateline_model::Version> {
        let rollout = self
            .view
            .rollout
            .as_ref()
            .and_then(|rollout| rollout.live_version.as_ref());
        rollout.or(self.against.map(|release| &release.version))
    }
}

pub(super) fn page(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let view = shown.view;
    let title = format!(
        "{} {} into {}",
        view.stage.pipeline, view.version, view.stage.stage
    );
    let fresh = match (shown.tried, shown.is_open(), &view.rollout) {
        (Some(_), _, _) => Fresh::Kept,
        (None, true, Some(_)) => Fresh::Moving,
        (None, _, _) => Fresh::Resting,
    };
    let streams = [
        StreamId::Promotion(view.id.clone()),
        StreamId::Stage(view.stage.clone()),
        StreamId::Release(view.release),
        StreamId::Incidents(view.stage.project.clone()),
    ];
    Page {
        tab: Tab::None,
        title,
        fresh,
        watch: streams.iter().map(ToString::to_string).collect(),
        visitor,
        body: body(visitor, shown),
    }
    .render()
}

fn body(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let running = shown.view.rollout.as_ref();
    html! {
        (heading(visitor, shown))
        @if let Some(tried) = shown.tried { (alert(&tried.problem)) }
        (banner::banner(visitor, shown))
        @if shown.is_open() { a.button.jump href="#acts" { "What you can do" } }
        (incidents::suspicions(&shown.view.suspected))
        @if let Some(watch) = &shown.view.watch { (incidents::watch(visitor, watch)) }
        @if let Some(rollout) = running { (steps::steps(visitor, shown, rollout)) }
        div.cols {
            section {
                @if let Some(rollout) = running {
                    @match ruling::full(rollout) {
                        Some(full) => { (ruling::panel(shown, full)) (plot::beside(shown, rollout)) }
                        None => { (plot::plots(shown, rollout)) (numbers::four(shown, rollout)) }
                    }
                    (saturation::table(shown, rollout))
                }
                (brings::brings(shown))
                (summary::summary(visitor, shown))
                @if running.is_none() { (acts::acts(visitor, shown)) }
            }
            section {
                (decision::table(visitor, shown))
                (risk::risk(shown))
                (decision::verification(visitor, shown))
                @if running.is_some() { (acts::acts(visitor, shown)) }
                (banner::if_it_goes_wrong(shown))
            }
        }
        (timeline::timeline(visitor, shown))
    }
}

fn heading(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let view = shown.view;
    html! {
        h1 {
            a href=(link::releases(&shown.of())) { (view.stage.pipeline) } " "
            a href=(link::release(&shown.of(), &view.version)) { (view.version) }
            @match view.kind {
                PromotionKind::Forward => { " into " }
                PromotionKind::Rollback => { " back into " }
            }
            a href=(link::stage(&view.stage)) { (view.stage.stage) } " "
            (words::of_promotion(view.state).label(&view.state.to_string()))
        }
        p.sub {
            "requested " (time::clock(visitor.now, view.requested_at)) " by "
            @if view.automatic { "the pipeline" } @else { b { (view.requested_by) } }
            @if let Some(reason) = &view.reason { ": " q { (reason) } }
            @if let Some(at) = view.admitted_at { " · admitted " (time::clock(visitor.now, at)) }
            @if let Some(at) = view.ended_at { " · ended " (time::clock(visitor.now, at)) }
            @if let Some(decision) = &view.decision {
                " · risk " b { (decision.risk.word()) }
                " · decision code " code { (decision.code()) }
            }
            @if let Some(number) = view.decision_log {
                " at log " a.mono href=(link::log_at(number)) { "#" (number) }
            }
            " · pipeline " code title=(view.pipeline) { (view.pipeline.short()) }
        }
    }
}
