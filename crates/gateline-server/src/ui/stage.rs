//! The stage: what is live here, is it healthy, what is next, and what must a release bring?

use gateline_api::{BarView, PromotionSummary, StageView};
use gateline_model::{
    ApprovalRule, Freeze, Gate, Health, IncidentRules, IncidentThen, Levels, PipelineRef, RiskSource, Scope,
    Stage, StageName, Strategy, StreamId, Watch, WatchThen,
};
use maud::{Markup, html};

use super::board::proposal;
use super::forms::{Act, Tried};
use super::promotion::takes_back;
use super::release::promotion_line;
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use super::words::{self, Sign, Tone};
use super::{fields, incidents, link, time};

pub(super) fn page(visitor: &Visitor, view: &StageView, tried: Option<&Tried>) -> Markup {
    let of = &view.of;
    let moving = view.proposed.iter().any(|one| one.rollout.is_some());
    Page {
        tab: Tab::None,
        title: format!("{} {}", of.pipeline, of.stage),
        fresh: match tried {
            Some(_) => Fresh::Kept,
            None if moving => Fresh::Moving,
            None => Fresh::Resting,
        },
        watch: vec![StreamId::Stage(of.clone()).to_string(), format!("promotion/{of}/"), "project/".to_owned(), StreamId::Incidents(of.project.clone()).to_string()],
        visitor,
        body: html! {
            h1 { a href=(link::releases(&pipeline_of(view))) { (of.pipeline) } " " (of.stage) @if view.spec.production { " " (Sign(Tone::Quiet, "◆").label("production")) } }
            p.sub { (of.project) " · target " code { (view.spec.target_name) } " · " a href=(link::waivers_of(&pipeline_of(view))) { "waivers" } " · " a href=(link::log_of(&StreamId::Stage(of.clone()))) { "its events" } }
            @if let Some(tried) = tried { (alert(&tried.problem)) }
            (live(visitor, view))
            div.acts {
                (rollback(visitor, view, tried))
                @if visitor.may(Scope::Incident) && view.live.is_some() { a.button href=(link::incident_in(of)) { "Open an incident" } }
            }
            @for incident in &view.incidents {
                div.banner.bad-edge { p { (Sign(Tone::Bad, "✗").label("incident")) " " a href=(link::INCIDENTS) { (incident.number) " " (incident.name) } " since " (time::clock(visitor.now, incident.since)) } }
            }
            @if let Some(watch) = &view.watch { (incidents::watch(visitor, watch)) }
            @for freeze in &view.freezes { (frozen(visitor, view, freeze)) }
            h2 { "Proposed" }
            @if view.proposed.is_empty() { p.sub { "Nothing is proposed. " (comes(&view.spec)) } }
            @else { div.panel { @for proposed in &view.proposed { (proposal(visitor, proposed, true)) } } }
            @for (target, holder) in &view.lanes { p.age { "The lane of " code { (target) } " belongs to " a href=(link::promotion(holder)) { (holder) } "." } }
            @if !view.barred.is_empty() { h2 { "Barred" } @for bar in &view.barred { (barred(visitor, view, bar, tried)) } }
            h2 { "What a release meets here" }
            (declared(&view.spec))
            h2 { "Last promotions" }
            @if view.promotions.is_empty() { p.sub { "There was none yet." } }
            @else { div.panel { @for promotion in &view.promotions { (promotion_line(visitor, promotion, &release_link(view, promotion))) } } }
        },
    }
    .render()
}

fn pipeline_of(view: &StageView) -> PipelineRef {
    PipelineRef {
        project: view.of.project.clone(),
        pipeline: view.of.pipeline.clone(),
    }
}

fn release_link(view: &StageView, promotion: &PromotionSummary) -> Markup {
    html! { a.live href=(link::release(&pipeline_of(view), &promotion.version)) { (promotion.version) } " " }
}

fn live(visitor: &Visitor, view: &StageView) -> Markup {
    html! {
        @match &view.live {
            None => { div.banner { p { b { "Nothing is live here." } } } }
            Some(live) => {
                div class={ "banner " (edge(live.health)) "-edge" } {
                    p {
                        a.live href=(link::release(&pipeline_of(view), &live.version)) { (live.version) } " is live since "
                        (time::clock(visitor.now, live.since)) " (" (time::age(visitor.now, live.since)) ") " (words::health(live.health))
                        @if let Some(since) = live.health_since { " " span.age { "for " (time::age(visitor.now, since)) } }
                        @if let Some(why) = &live.health_why { ": " (why) }
                    }
                    p.sub { "brought by " a href=(link::promotion(&live.promotion)) { (live.promotion) } @if let Some(before) = &view.before { " · before it: " (before) } }
                }
            }
        }
    }
}

fn edge(health: Health) -> &'static str {
    match health {
        Health::Healthy => Tone::Good.class(),
        Health::Unhealthy => Tone::Bad.class(),
        Health::Unknown => Tone::Wait.class(),
    }
}

/// How releases come here.
fn comes(spec: &Stage) -> Markup {
    let after: Vec<&str> = spec.after.iter().map(StageName::as_str).collect();
    html! {
        @if after.is_empty() { "A release comes here when it is registered." }
        @else { "A release comes here by itself when it is verified in " (after.join(" and ")) "." }
        " Anybody who may can promote one from its own page."
    }
}

fn frozen(visitor: &Visitor, view: &StageView, freeze: &Freeze) -> Markup {
    let Freeze {
        name,
        pipeline: _,
        stages: _,
        from,
        until,
        recurs,
        exempt: _,
        applies_to_rollback: _,
    } = freeze;
    let holds = view.frozen_by.contains(name);
    html! {
        div.banner.wait-edge {
            p {
                @if holds { (Sign(Tone::Wait, "❄").label("frozen")) " by " b { (name) } " until " (time::ahead(visitor.now, *until)) }
                @else if let Some(recurs) = recurs { "Freeze " b { (name) } " holds again and again until " (time::clock(visitor.now, *until)) ": " (recurs.says()) }
                @else { "Freeze " b { (name) } " begins " (time::ahead(visitor.now, *from)) " and ends " (time::clock(visitor.now, *until)) }
            }
        }
    }
}

fn barred(visitor: &Visitor, view: &StageView, bar: &BarView, tried: Option<&Tried>) -> Markup {
    let BarView { release, version, by } = bar;
    let name = version
        .as_ref()
        .map_or_else(|| release.short(), ToString::to_string);
    let tried =
        tried.filter(|tried| tried.act == Act::LiftBar && tried.fields.release == release.to_string());
    html! {
        div.panel {
            p { (Sign(Tone::Bad, "✗").label(&format!("{name} barred"))) " by " a href=(link::promotion(by)) { (by) } ": not promoted again by itself" }
            @if visitor.may(Scope::Promote) {
                details.act #{ "act-unbar-" (release.short()) } open[tried.is_some()] {
                    summary { "Lift the bar" }
                    form.stack method="post" action=(link::stage_act(&view.of, Act::LiftBar.word())) {
                        (visitor.hidden())
                        input type="hidden" name="release" value=(release);
                        p.age { "The release may be promoted into this stage again." }
                        (fields::reason(&format!("unbar-{}", release.short()), tried.map(|tried| &tried.fields)))
                        button type="submit" { "Lift the bar of " (name) }
                    }
                }
            }
        }
    }
}

/// The form that brings back what was live before.
fn rollback(visitor: &Visitor, view: &StageView, tried: Option<&Tried>) -> Markup {
    let (Some(live), Some(before)) = (&view.live, &view.before) else {
        return html! {};
    };
    let tried = tried.filter(|tried| tried.act == Act::RollBack);
    html! {
        @if visitor.may(Scope::Promote) {
            details.act #act-rollback open[tried.is_some()] {
                summary { "Roll back" }
                form.stack method="post" action=(link::stage_act(&view.of, Act::RollBack.word())) {
                    (visitor.hidden())
                    @if let Some(stuck) = &view.stuck {
                        p { a href=(link::promotion(stuck)) { (stuck) } " could not be taken back. All traffic goes to " b { (before) } " again. Windows and freezes let a rollback pass." }
                    } @else {
                        p { b { (before) } " comes back in place of " b { (live.version) } ", which is barred here. Windows and freezes let a rollback pass." }
                    }
                    (fields::reason("rollback-reason", tried.map(|tried| &tried.fields)))
                    button type="submit" { "Roll back to " (before) }
                }
            }
        }
    }
}

fn declared(spec: &Stage) -> Markup {
    html! {
        table.gates { tbody {
            @for gate in &spec.gates { (gate_row(gate, "gate")) }
            @for rule in &spec.approval { (approval_row(rule)) }
            @for window in &spec.windows { tr { th scope="row" { "window" } td { "admits in " b { (window) } } } }
            @if !spec.risk.is_empty() { tr { th scope="row" { "risk" } td { (risk(&spec.risk)) } } }
            tr { th scope="row" { "rollout" } td { (rollout(&spec.rollout, spec.target.instances())) } }
            @for (level, strategy) in &spec.rollout_at_risk {
                tr { th scope="row" { "rollout" div.age { "from risk " (level.word()) } } td { (rollout(strategy, spec.target.instances())) } }
            }
            @for gate in &spec.before { (gate_row(gate, "before traffic")) }
            @for gate in &spec.during { (gate_row(gate, "during the rollout")) }
            @for gate in &spec.verify { (gate_row(gate, "verification")) }
            @if let Some(watch) = &spec.watch { @for gate in &watch.gates { (gate_row(gate, "watch after it is live")) } (watched(watch)) }
            @if !spec.incidents.is_default() { tr { th scope="row" { "incidents" } td { (touched(&spec.incidents)) } } }
            tr { th scope="row" { "expires" } td { "after it was held for " (spec.expires) } }
        } }
    }
}

/// What a watch is besides its checks.
fn watched(watch: &Watch) -> Markup {
    let then = match watch.then {
        WatchThen::RollBack => "what was live before comes back, and the release is barred",
        WatchThen::Incident => "an incident is opened",
        WatchThen::Tell => "it is told",
    };
    html! { tr { th scope="row" { "watch" } td { "for " (watch.r#for) ", every " (watch.every) "; after " (watch.in_a_row) " failed in a row " (then) } } }
}

/// What an incident means here.
fn touched(rules: &IncidentRules) -> Markup {
    let then = match rules.then {
        IncidentThen::Tell => "is named",
        IncidentThen::Pause => "stands still while it rolls out",
        IncidentThen::Bar => "stands still while it rolls out, and is barred once live",
        IncidentThen::RollBack => "is taken back",
    };
    html! {
        p { "what changed up to " (rules.within) " before one " (then) }
        @if !rules.r#match.is_empty() { p.age { "touched by labels " @for (name, value) in &rules.r#match { code.break { (name) "=" (value) } " " } } }
    }
}

fn risk(declared: &RiskSource) -> Markup {
    html! {
        @match declared {
            RiskSource::Rules(rules) => {
                @for rule in rules {
                    p { b { (rule.level.word()) } @if let Some(when) = &rule.when { " when " code.break { (when) } } @else { " otherwise" } }
                }
            }
            RiskSource::Table(table) => { p { "impact x uncertainty, by declared factors" } (levels(&table.levels)) }
            RiskSource::Module(module) => { p { "impact x uncertainty, by the policy module " b { (module.module) } } (levels(&module.levels)) }
        }
    }
}

fn levels(levels: &Levels) -> Markup {
    let Levels {
        medium,
        high,
        critical,
    } = levels;
    html! { p.age { "medium from " (medium.get()) ", high from " (high.get()) ", critical from " (critical.get()) } }
}

fn gate_row(gate: &Gate, of: &str) -> Markup {
    let Gate {
        name,
        kind,
        params,
        because,
        mode,
        max_age,
        at_risk,
        owner,
        runbook,
    } = gate;
    html! {
        tr {
            th scope="row" { (name) div.age { (of) @if kind != name.as_str() { " · " (kind) } } }
            td {
                p { @if !mode.is_enforce() { b { "advice only: " } } (because) }
                p.age { (settings(params)) @if let Some(max_age) = max_age { " · evidence at most " (max_age) " old" } }
                @for (risk, over) in at_risk { p.age { "at risk " b { (risk.word()) } " " code.break { (over) } } }
                (responsible(owner.as_deref(), runbook.as_deref()))
            }
        }
    }
}

/// Who answers for a gate, and where it is written what to do.
pub(super) fn responsible(owner: Option<&str>, runbook: Option<&str>) -> Markup {
    html! {
        @if owner.is_some() || runbook.is_some() {
            p.age {
                @if let Some(owner) = owner { "owner " b { (owner) } " " }
                @if let Some(runbook) = runbook {
                    @if runbook.starts_with("https://") || runbook.starts_with("http://") { a href=(runbook) rel="noreferrer" { "runbook" } }
                    @else { "runbook " code.break { (runbook) } }
                }
            }
        }
    }
}

/// A gate's settings, as a person would say them.
fn settings(params: &serde_json::Value) -> Markup {
    let said = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match params.as_object() {
        Some(fields) => html! { @for (index, (name, value)) in fields.iter().enumerate() {
            @if index > 0 { " · " } (name.replace('_', " ")) " " code.break { (said(value)) }
        } },
        None => html! { code.break { (said(params)) } },
    }
}

fn approval_row(rule: &ApprovalRule) -> Markup {
    html! {
        tr {
            th scope="row" { "approval" }
            td {
                (rule.says())
                @if let Some(when) = &rule.when { p.age { "when " code.break { (when) } } }
            }
        }
    }
}

fn rollout(strategy: &Strategy, instances: Option<u32>) -> Markup {
    html! {
        (strategy.says(instances))
        @if let Some(judge) = strategy.judge() { p.age { (takes_back(judge)) " " (judge.looks()) } }
    }
}
