//! The evidence: where does it come from, what does it say, and what was decided on it?

mod tables;
mod waive;

use gateline_api::{EvidenceView, PromotionView, ReleaseView, WaiverView};
use gateline_model::{
    AttestationFacts, Digest, EvidenceId, Facts, Finding, Found, GateVerdict, Severity, Signature, StreamId,
};
use maud::{Markup, html};

use super::forms::Tried;
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use super::words::{Sign, Tone, of_outcome, of_promotion, of_verdict};
use super::{link, time};

/// Newest promotions of the release whose decisions are looked through.
pub(super) const DECISIONS_LOOKED_MAX: usize = 20;

/// All that the page shows.
pub(super) struct Shown<'a> {
    pub(super) release: &'a ReleaseView,
    pub(super) evidence: &'a EvidenceView,
    /// Waivers of the application that are in force.
    pub(super) waivers: &'a [WaiverView],
    /// Promotions whose decision names it.
    pub(super) used_by: &'a [PromotionView],
    /// The finding that somebody is about to waive, by its identity, and the stage; both may be empty.
    pub(super) waive: &'a str,
    pub(super) stage: &'a str,
    /// What somebody tried here and was refused.
    pub(super) tried: Option<&'a Tried>,
}

impl Shown<'_> {
    /// The waivers that accept a finding, each somewhere. Never a finding that is graver than the one that was waived.
    fn waived(&self, finding: &Finding) -> impl Iterator<Item = &WaiverView> {
        let (identity, severity): (String, Severity) = (finding.identity.clone(), finding.severity);
        let covers =
            move |one: &&WaiverView| one.waiver.finding == identity && severity >= one.waiver.severity;
        self.waivers.iter().filter(covers)
    }
}

/// The verdicts of a promotion's last decision that name this evidence.
pub(super) fn verdicts_on<'a>(
    view: &'a PromotionView,
    id: &'a EvidenceId,
) -> impl Iterator<Item = &'a GateVerdict> {
    let verdicts = view.decision.iter().flat_map(|decision| &decision.verdicts);
    verdicts.filter(|gate| gate.evidence.contains(id))
}

pub(super) fn page(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let (release, evidence) = (shown.release, shown.evidence);
    let title = title(evidence);
    Page {
        tab: Tab::Releases,
        title: format!("{title} of {} {}", release.of.pipeline, release.version),
        fresh: if shown.tried.is_some() { Fresh::Kept } else { Fresh::Resting },
        watch: vec![
            StreamId::Release(release.id).to_string(),
            format!("promotion/{}/", release.of),
            StreamId::Project(release.of.project.clone()).to_string(),
        ],
        visitor,
        body: html! {
            h1 {
                "Evidence " (title) " of "
                a href=(link::release(&release.of, &release.version)) { (release.of.pipeline) " " (release.version) }
            }
            p.sub {
                "submitted " (time::clock(visitor.now, evidence.at)) " (" (time::age(visitor.now, evidence.at)) " ago) by " b { (evidence.by) }
                " · evidence " code.break { (evidence.id) }
            }
            @if let Some(tried) = shown.tried { (alert(&tried.problem)) }
            (banner(evidence))
            h2 { "Decisions on it" }
            (decisions(visitor, shown))
            h2 { "What it says" }
            @if let Found::Facts { facts } = &evidence.found { (tables::facts(visitor, shown, facts)) }
            @else { p.sub { "Nothing that a gate could judge." } }
            h2 { "Where it comes from" }
            (source(shown))
        },
    }
    .render()
}

/// What people call it: its name, or else what it is.
fn title(evidence: &EvidenceView) -> &str {
    let name = evidence.name.as_deref().or(evidence.kind.as_deref());
    name.unwrap_or(&evidence.format)
}

fn banner(evidence: &EvidenceView) -> Markup {
    let edge = match evidence.outcome {
        Some(outcome) => of_outcome(outcome).tone().class(),
        None => Tone::Quiet.class(),
    };
    html! {
        div.banner.{ (edge) "-edge" } {
            p { b.break { (evidence.says) } }
            @match &evidence.found {
                Found::Facts { .. } => { p.sub { "Evidence judges nothing: whether that is good enough, each gate says for itself." } }
                Found::Errored { .. } => { p.sub { "It could not be found out, which is never a pass. Report it again, whole: the newest report counts." } }
            }
            @for warning in &evidence.warnings { p { (Sign(Tone::Wait, "△").plain("odd:")) " " span.break { (warning) } } }
        }
    }
}

fn decisions(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    if shown.used_by.is_empty() {
        return html! { p.sub { "No decision on this release names it: no gate asked for it, or another report settled the gate." } };
    }
    html! {
        table.gates { tbody {
            @for view in shown.used_by {
                @for gate in verdicts_on(view, &shown.evidence.id) {
                    tr {
                        th scope="row" { (of_verdict(gate.verdict).label(gate.gate.as_str())) div.age { (gate.verdict) } }
                        td {
                            p { @if !gate.mode.is_enforce() { b { "advice only: " } } (gate.says) }
                            p.age {
                                a href={ (link::promotion(&view.id)) "#gate-" (gate.gate) } { "into " (view.stage.stage) " (promotion " (view.id.number) ")" } " "
                                (of_promotion(view.state).plain(&view.state.to_string()))
                                @if let Some(decision) = &view.decision { " · decided " (time::clock(visitor.now, decision.at)) }
                                @if let Some(number) = view.decision_log { " at log " a.mono href=(link::log_at(number)) { "#" (number) } }
                            }
                        }
                    }
                }
            }
        } }
    }
}

fn source(shown: &Shown<'_>) -> Markup {
    let EvidenceView {
        kind,
        format,
        name,
        stage,
        artifacts,
        raw,
        by,
        at,
        found,
        ..
    } = shown.evidence;
    html! {
        dl.facts {
            dt { "submitted by" } dd { (by) }
            dt { "at" } dd { time datetime=(at) { (time::whole(*at)) } }
            dt { "read as" } dd { (format) }
            @if let Some(kind) = kind { dt { "kind" } dd { (kind) } }
            dt { "name" } dd { (name.as_deref().unwrap_or("none")) }
            dt { "for stage" } dd { @match stage { Some(stage) => { (stage) } None => { "any" } } }
            dt { "about" } dd { @for digest in artifacts { div { (artifact(shown.release, digest)) } } }
            @if let Found::Facts { facts: Facts::Attestation(found) } = found { dt { "signer" } dd { (signers(found)) } }
            dt { "the file" }
            dd { @match raw {
                Some(raw) => { a.break href=(link::raw(raw)) { "as it came, " code { (raw) } } }
                None => { "none: a live check" }
            } }
        }
    }
}

fn artifact(release: &ReleaseView, digest: &Digest) -> Markup {
    let named = release.artifacts.iter().find(|one| one.at.digest() == *digest);
    html! { @if let Some(named) = named { (named.name) " " } code.break { (digest) } }
}

fn signers(found: &AttestationFacts) -> Markup {
    html! { @for statement in &found.statements { div { (signature(&statement.signature)) } } }
}

/// Whether and by whom it is signed.
fn signature(signature: &Signature) -> Markup {
    match signature {
        Signature::Verified { signer, issuer } => {
            let vouched = issuer.iter().map(|issuer| format!(", vouched for by {issuer}"));
            Sign(Tone::Good, "✓").plain(&format!("{signer}{}", vouched.collect::<String>()))
        }
        Signature::Unchecked => {
            Sign(Tone::Quiet, "○").plain("not looked at yet: a gate looks, with the keys that it trusts")
        }
        Signature::Broken { reason } => Sign(Tone::Bad, "✗").label(&format!("does not hold: {reason}")),
    }
}
