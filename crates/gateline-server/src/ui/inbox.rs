//! The inbox: what waits on whoever looks, oldest first, with the answers beside it; what they answered; and what they
//! handed on.

use gateline_api::{
    DelegationView, InboxItem, IncidentView, Page as Part, PromotionState, ProposalView, StandingRollout,
};
use gateline_model::{ActorId, ProjectName, Scope};
use maud::{Markup, html};

use super::answers::{self, Place, Question, Seat, Signing};
use super::forms::Tried;
use super::shell::{Fresh, Page, Tab, Visitor, alert, pager};
use super::words::{count, counted};
use super::{incidents, link, rules, time, words};
use crate::views::Answered;

/// Answers that can be taken back yet, on the page; older ones are on the pages of their promotions.
pub(super) const ANSWERED_SHOWN_MAX: usize = 20;

/// All that the page shows.
pub(super) struct Shown<'a> {
    pub(super) part: &'a Part<InboxItem>,
    /// Where the part begins; empty for the first.
    pub(super) after: &'a str,
    /// Answers that can be taken back, and how many there are.
    pub(super) answered: &'a [Answered],
    pub(super) answered_all: usize,
    /// Whether whoever looks has a passkey that works at this address.
    pub(super) passkey: bool,
    /// New versions of what is protected that wait on whoever looks.
    pub(super) proposals: &'a [ProposalView],
    /// Open incidents that stopped something which a person is to let go on, or not.
    pub(super) incidents: &'a [IncidentView],
    /// Rollouts that stand still for a person, and that whoever looks may let go on.
    pub(super) rollouts: &'a [StandingRollout],
    /// What was handed on in each project, by whoever looks or to them.
    pub(super) delegations: &'a [(ProjectName, DelegationView)],
    /// What somebody tried here and was refused; with the promotion that it was about.
    pub(super) tried: Option<&'a Tried>,
    pub(super) about: Option<&'a gateline_model::PromotionId>,
}

pub(super) fn page(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let Shown {
        part,
        after,
        answered,
        answered_all,
        delegations,
        tried,
        ..
    } = *shown;
    let first = (!after.is_empty()).then(|| link::INBOX.to_owned());
    let next = part
        .next
        .as_deref()
        .map(|next| link::with(link::INBOX, &[("after", next)]));
    Page {
        tab: Tab::Inbox,
        title: "Inbox".to_owned(),
        fresh: if tried.is_some() { Fresh::Kept } else { Fresh::Resting },
        watch: vec!["promotion/".to_owned(), "project/".to_owned(), "incidents/".to_owned()],
        visitor,
        body: html! {
            h1 { "Inbox" }
            p.sub { "What waits on " b { (visitor.actor) } ", oldest first. An answer counts for the decision whose code stands beside it." }
            @if let Some(tried) = tried { (alert(&tried.problem)) }
            @if visitor.may(Scope::Promote) { @for view in shown.incidents { (incidents::stopped_by(visitor, view)) } }
            @if !shown.rollouts.is_empty() { h2 { "Rollouts that stand still" } (standing(visitor, shown.rollouts)) }
            @if !shown.proposals.is_empty() { h2 { "Versions to approve" } (rules::waiting(visitor, shown.proposals)) }
            @if !part.items.is_empty() && [shown.proposals.len(), shown.rollouts.len()] != [0, 0] { h2 { "Promotions" } }
            @if is_empty(visitor, shown) { (nothing(visitor, after)) }
            @for item in &part.items { (one(visitor, shown, item)) }
            (pager(first, next))
            @if !answered.is_empty() { (taken_back(visitor, shown, answered_all)) }
            @if !delegations.is_empty() { (handed_on(visitor, delegations)) }
        },
    }
    .render()
}

/// Whether nothing stands above that waits on whoever looks.
fn is_empty(visitor: &Visitor, shown: &Shown<'_>) -> bool {
    let stopped = visitor.may(Scope::Promote) && !shown.incidents.is_empty();
    shown.part.items.is_empty() && shown.proposals.is_empty() && shown.rollouts.is_empty() && !stopped
}

/// Rollouts that a person lets go on or takes back, on their own pages.
fn standing(visitor: &Visitor, rollouts: &[StandingRollout]) -> Markup {
    html! {
        @for StandingRollout { promotion, version, weight, paused } in rollouts {
            article.panel #{ "stands-" (promotion) } {
                p {
                    b { a href=(link::promotion(promotion)) data-row { (promotion.stage.pipeline) " " (version) " into " (promotion.stage.stage) } }
                    " " span.age { (promotion.stage.project) } " " (words::of_promotion(PromotionState::Paused).label("paused"))
                }
                p { (paused.says) "." @if let Some(reason) = &paused.reason { " " q.break { (reason) } } }
                p.age { "at " (weight) " of the traffic · stands since " (time::clock(visitor.now, paused.since)) " (" (time::age(visitor.now, paused.since)) ")" }
                p { a href={ (link::promotion(promotion)) "#acts" } { "Let it go on, or roll it back" } }
            }
        }
    }
}

fn nothing(visitor: &Visitor, after: &str) -> Markup {
    html! {
        div.banner.ok-edge {
            p { b { "Nothing" @if !after.is_empty() { " more" } " waits on you." } }
            @if visitor.may(Scope::Approve) { p.sub { "What is asked of one of your teams, or of you by name, stands here as soon as it is asked." } }
            @else { p.sub { "Your token may only look: with the scope " code { "approve" } " you can answer." } }
        }
    }
}

fn one(visitor: &Visitor, shown: &Shown<'_>, item: &InboxItem) -> Markup {
    let InboxItem {
        promotion,
        version,
        live,
        risk,
        headline: _,
        says,
        question,
        from,
        instead_of,
        since,
        until,
        by_name,
        comment,
        signed,
    } = item;
    let asked = Question {
        promotion,
        version,
        before: live.as_ref(),
        question: question.to_string(),
        code: question.code(),
        seat: Some(Ok(Seat {
            from: from.clone(),
            instead_of: instead_of.as_ref().map(ActorId::to_string),
            comment: *comment,
            signing: Signing::of(*signed, shown.passkey),
        })),
        may_refuse: true,
        answered: false,
        place: Place::Inbox(shown.after),
    };
    let late = until.is_some_and(|until| until <= visitor.now);
    html! {
        article.panel #{ "waits-" (promotion) } {
            p {
                b { a href=(link::promotion(promotion)) data-row { (promotion.stage.pipeline) " " (version) " into " (promotion.stage.stage) } }
                " " span.age { (promotion.stage.project) }
                @if *by_name { " " (words::BY_NAME.label("you, by name")) }
                @if late { " " (words::LATE.label("late")) }
            }
            p {
                @match live { Some(live) => { "in place of " b { (live) } } None => { "nothing is live there" } }
                " · risk " b { (risk.word()) } " · " (says) " · decision code " code { (asked.code) }
            }
            p.age {
                "asked " (time::clock(visitor.now, *since)) " (" (time::age(visitor.now, *since)) ")"
                @if let Some(until) = until { " · answer " @if late { "was due " (time::clock(visitor.now, *until)) } @else { "until " (time::ahead(visitor.now, *until)) } }
                " · you answer for " b { (from) } @if let Some(other) = instead_of { " instead of " b { (other) } }
            }
            (answer_row(visitor, &asked, shown.tried.filter(|_| shown.about == Some(promotion))))
        }
    }
}

fn answer_row(visitor: &Visitor, asked: &Question<'_>, tried: Option<&Tried>) -> Markup {
    let forms = answers::forms(visitor, asked, tried);
    html! { @if !forms.is_empty() { div.acts { @for form in forms { (form) } } } }
}

fn taken_back(visitor: &Visitor, shown: &Shown<'_>, all: usize) -> Markup {
    html! {
        h2 { "You answered" }
        @for one in shown.answered {
            @let asked = Question {
                promotion: &one.promotion,
                version: &one.version,
                before: None,
                question: String::new(),
                code: String::new(),
                seat: None,
                may_refuse: false,
                answered: true,
                place: Place::Inbox(shown.after),
            };
            article.panel {
                p {
                    a href=(link::promotion(&one.promotion)) data-row { (one.promotion.stage.pipeline) " " (one.version) " into " (one.promotion.stage.stage) }
                    " " span.age { (one.promotion.stage.project) " · answered " (time::clock(visitor.now, one.at)) }
                }
                p.age { (one.headline) }
                (answer_row(visitor, &asked, shown.tried.filter(|_| shown.about == Some(&one.promotion))))
            }
        }
        @if all > shown.answered.len() {
            p.age { "and " (count((all - shown.answered.len()) as u64)) " before: take those back on the pages of their promotions" }
        }
    }
}

fn handed_on(visitor: &Visitor, delegations: &[(ProjectName, DelegationView)]) -> Markup {
    html! {
        h2 { "Handed on" }
        p.sub { (counted(delegations.len() as u64, "delegation")) " by you or to you." }
        table.told {
            thead { tr { th scope="col" { "project" } th scope="col" { "by" } th scope="col" { "to" } th scope="col" { "for" } th scope="col" { "from" } th scope="col" { "until" } th scope="col" { span.hidden { "end it" } } } }
            tbody { @for (project, view) in delegations {
                @let one = &view.delegation;
                tr {
                    td data-of="project" { (project) } td data-of="by" { (one.by) } td data-of="to" { (one.to) }
                    td data-of="for" { @match &one.team { Some(team) => { "team " (team) } None => { "all teams" } } }
                    td data-of="from" { (time::clock(visitor.now, one.from)) } td data-of="until" { (time::clock(visitor.now, one.until)) }
                    td { @if one.by == visitor.actor && visitor.may(Scope::Approve) {
                        form.inline method="post" action=(link::DELEGATION_END) {
                            (visitor.hidden())
                            input type="hidden" name="project" value=(project);
                            input type="hidden" name="who" value=(one.to);
                            button type="submit" { "End" }
                        }
                    } }
                }
            } }
        }
    }
}
