//! A proposal: a new version of what is protected, what it changes, what it would have decided, and the answers of its owners.

use gateline_api::{GateChange, PreviewView, ProposalView};
use gateline_model::{Admission, Scope, Verdict};
use maud::{Markup, html};

use super::answers::Signing;
use super::forms::{Act, Tried};
use super::rules::lines;
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use super::words::counted;
use super::{fields, link, time};
use crate::views::FileDifference;

/// All that the page shows.
pub(super) struct Shown<'a> {
    pub(super) view: &'a ProposalView,
    /// What a pipeline means differently, a line each; nothing where that is not known.
    pub(super) meaning: Option<&'a [String]>,
    pub(super) difference: &'a [FileDifference],
    pub(super) preview: &'a PreviewView,
    /// With what a yes of whoever looks must be signed, where it is; or why no answer would be taken.
    pub(super) may: Result<Option<&'a Signing>, &'a str>,
    pub(super) tried: Option<&'a Tried>,
}

pub(super) fn page(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let Shown {
        view, preview, tried, ..
    } = *shown;
    let name = view.of.name(&view.project);
    Page {
        tab: Tab::Policies,
        title: format!("Proposal {}", view.id()),
        fresh: if tried.is_some() { Fresh::Kept } else { Fresh::Resting },
        watch: vec![format!("project/{}", view.project)],
        visitor,
        body: html! {
            h1 { "Proposal " (view.number) ": " (view.of.kind()) " " (name) }
            p.sub {
                "of " a href=(link::rules_of(&view.project, view.of.kind(), name)) { (view.project) " " (view.of.kind()) " " (name) }
                " · version " code title=(view.version) { (view.version.short()) }
                @if let Some(old) = &view.replaces { " in place of " code title=(old) { (old.short()) } } @else { ", the first one" }
                " · decision code " code { (view.question.code()) }
            }
            @if let Some(tried) = tried { (alert(&tried.problem)) }
            (stands(visitor, view))
            (answers(visitor, shown))
            h2 #preview { "What it would have decided" }
            (previewed(visitor, preview))
            (lines(shown.meaning, shown.difference))
        },
    }
    .render()
}

fn stands(visitor: &Visitor, view: &ProposalView) -> Markup {
    html! {
        p {
            "Proposed by " b { (view.by) } " " (time::clock(visitor.now, view.at))
            @if let Some(commit) = &view.commit {
                " from commit " code title=(commit.id) { (commit.short()) }
                @if let Some(at) = &commit.repository { " of " span.break { (at) } }
                @if let Some(author) = &view.author { " by " (author) }
            }
            "."
        }
        @match view.outcome {
            Some(outcome) => { div.banner { p { b { (outcome.word()) } @if let Some(by) = &view.ended_by { " by " (by) } @if let Some(why) = &view.reason { ": " q.break { (why) } } } } }
            None => {
                div.banner {
                    p { b { "Not in force." } " It waits for its owners until " (time::ahead(visitor.now, view.until)) "; another version of the same in force or proposed ends it." }
                    ul.items { @for need in &view.needs { li {
                        (need.count) " of " b { (need.owners.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")) } @if let Some(with) = need.signed.at_least() { ", signed with " (with) } ": "
                        @if need.given.is_empty() { "nobody approved yet" } @else { "approved by " (need.given.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) }
                    } } }
                }
            }
        }
    }
}

fn answers(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let view = shown.view;
    if view.outcome.is_some() {
        return html! {};
    }
    let approved = view.approvals.iter().any(|given| given.by == visitor.actor);
    let own = view.by == visitor.actor;
    html! {
        div.acts {
            @match shown.may {
                Ok(_) if visitor.may(Scope::Approve) => {
                    @if !approved { (answer(visitor, shown, Act::ApproveProposal, "Approve", "The last approval that is needed brings it into force.")) }
                    (answer(visitor, shown, Act::RejectProposal, "Reject", "A no of one owner ends the proposal."))
                }
                Ok(_) => { p.sub { "Your token may only look: with the scope " code { "approve" } " you can answer." } }
                Err(why) => { p.sub { "You are not asked: " (why) "." } }
            }
            @if own || approved { (answer(visitor, shown, Act::WithdrawProposal, if own { "Withdraw the proposal" } else { "Take your approval back" }, "It stays in the log.")) }
        }
    }
}

fn answer(visitor: &Visitor, shown: &Shown<'_>, act: Act, label: &str, says: &str) -> Markup {
    let view = shown.view;
    let tried = shown.tried.filter(|tried| tried.act == act);
    let id = format!("proposal-{}", act.word());
    let code = view.question.code();
    let signing = shown.may.ok().flatten().filter(|_| act == Act::ApproveProposal);
    let here = signing.filter(|signing| signing.is_here());
    html! {
        details.act #{ "act-" (id) } open[tried.is_some()] {
            summary { (label) }
            form.stack method="post" action=(link::proposal_act(&view.id(), act.word()))
                data-passkey=[here.map(|_| "sign")] data-of=[here.map(|_| link::proposal_statement(&view.id()))] data-code=[here.map(|_| &code)] {
                (visitor.hidden())
                input type="hidden" name="question" value=(view.question);
                p.age { (says) }
                @if act == Act::ApproveProposal { (fields::comment(&id, tried.map(|tried| &tried.fields))) }
                @else { (fields::reason(&id, tried.map(|tried| &tried.fields))) }
                @match signing {
                    Some(signing) => (signing.ways(&format!("{id}-signed"), label, &code, &format!("gateline proposal approve {} --sign", view.id()))),
                    None => button type="submit" { (label) },
                }
            }
        }
    }
}

fn previewed(visitor: &Visitor, preview: &PreviewView) -> Markup {
    let PreviewView {
        promotions,
        otherwise,
        unknown,
    } = preview;
    html! {
        @if let Some(why) = unknown { p { "Not known: " (why) "." } }
        @else if promotions.is_empty() { p { "Nothing was promoted before it was proposed." } }
        @else {
            p {
                @if *otherwise == 0 { "The last " (counted(promotions.len() as u64, "promotion")) " would have been decided as they were." }
                @else { b { (otherwise) } " of the last " (counted(promotions.len() as u64, "promotion")) " would have been decided otherwise." }
            }
            p.age { "Each by its last decision, on what was known then. Who said yes then is taken to say it again where the same people are asked; a gate that is new has no evidence of live checks from then." }
            table.told {
                thead { tr { th scope="col" { "promotion" } th scope="col" { "decided" } th scope="col" { "then" } th scope="col" { "with this version" } th scope="col" { "gates that differ" } } }
                tbody { @for one in promotions { tr {
                    th scope="row" { a href=(link::promotion(&one.promotion)) data-row { (one.version) " into " (one.promotion.stage.stage) } div.age { (one.promotion.stage.pipeline) } }
                    td data-of="decided" { (time::clock(visitor.now, one.at)) }
                    td data-of="then" title=(one.then_says) { (one.then.state()) }
                    td data-of="with this version" { @if one.now == Some(one.then) { "the same" } @else { b { (one.now.map_or("not known", Admission::state)) } div.age.break { (one.now_says) } } }
                    td data-of="gates that differ" { @for gate in &one.gates { (changed(gate)) } }
                } } }
            }
        }
    }
}

fn changed(change: &GateChange) -> Markup {
    let GateChange {
        gate,
        then,
        now,
        says,
    } = change;
    let word =
        |verdict: &Option<Verdict>| verdict.map_or("not there".to_owned(), |verdict| verdict.to_string());
    html! { div { b { (gate) } ": " (word(then)) " → " (word(now)) @if !says.is_empty() { span.age.break { ": " (says) } } } }
}
