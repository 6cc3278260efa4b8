//! People and roles: who may do what where, who is in which team, who is on call now and next, which machines and tokens
//! there are, and until when.

use gateline_api::TokenView;
use gateline_core::authority::verb;
use gateline_model::{GroupName, Machine, Owner, ProjectName, Role};
use jiff::Timestamp;
use maud::{Markup, html};

use super::shell::{Fresh, Page, Tab, Visitor};
use super::words::{Sign, Tone, counted};
use super::{link, time};
use crate::views::{MayView, OnCallNow, PeopleView, TeamNow};

/// A token that ends so soon is marked: long enough to make another one in office hours.
const EXPIRES_SOON_SECS: i64 = 14 * 86_400;

/// All that the page shows.
pub(super) struct Shown<'a> {
    pub(super) projects: &'a [ProjectName],
    pub(super) view: Option<&'a PeopleView>,
    /// The person that was asked about, in what teams, and what that person may.
    pub(super) who: &'a str,
    pub(super) asked: Option<(&'a [GroupName], &'a [MayView])>,
}

pub(super) fn page(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let project = shown.view.map(|view| &view.project);
    Page {
        tab: Tab::People,
        title: "People".to_owned(),
        fresh: Fresh::Resting,
        watch: vec!["project/".to_owned()],
        visitor,
        body: html! {
            h1 { "People" @if let Some(project) = project { " of " (project) } }
            p.sub { "Who may do what where. What holds is declared in files of " code { "kind: Roles" } " and applied with " code { "gateline apply" } ". Who was told what stands under " a href=(link::LETTERS) { "letters" } "." }
            (filter(shown, project))
            @if let Some((teams, answers)) = shown.asked { (person(shown.who, teams, answers)) }
            @match shown.view {
                Some(view) => { (everything(visitor, view)) }
                None => { div.banner { p { b { "There is no project yet." } } p.sub { "The first pipeline or file of roles makes one." } } }
            }
        },
    }
    .render()
}

fn filter(shown: &Shown<'_>, project: Option<&ProjectName>) -> Markup {
    html! {
        form.filter method="get" action=(link::PEOPLE) role="search" aria-label="Choose a project and a person" #filters data-keep {
            label { "Project" select #project name="project" {
                @for name in shown.projects { option value=(name) selected[Some(name) == project] { (name) } }
            } }
            label { "What may (actor)" input #filter name="who" value=(shown.who) maxlength="200" autocomplete="off"; }
            button type="submit" { "Show" }
        }
    }
}

fn person(who: &str, teams: &[GroupName], answers: &[MayView]) -> Markup {
    html! {
        h2 #person { (who) }
        p { @if teams.is_empty() { "In no team here." } @else { "In " b { (teams.iter().map(GroupName::as_str).collect::<Vec<_>>().join(", ")) } "." } }
        table.list { tbody { @for answer in answers { tr {
            th scope="row" { (answer.verb) }
            td { @if answer.may { (Sign(Tone::Good, "✓").plain("may")) } @else { (Sign(Tone::Quiet, "–").plain("may not")) } }
            td.break { (answer.because) }
        } } } }
    }
}

fn everything(visitor: &Visitor, view: &PeopleView) -> Markup {
    let several = view.documents.len() > 1;
    html! {
        h2 #roles { "Roles" }
        @if view.documents.iter().all(|roles| roles.roles.is_empty()) {
            p.sub { "No role is declared: only tokens may act here, as far as their scopes reach." }
        } @else {
            div.wide { table.long {
                thead { tr { th scope="col" { "role" } th scope="col" { "may" } th scope="col" { "where" } th scope="col" { "who" } } }
                tbody { @for roles in &view.documents { @for role in &roles.roles { (role_row(role, &roles.project, several)) } } }
            } }
        }
        h2 #teams { "Teams" }
        @if view.teams.is_empty() { p.sub { "No team is declared." } } @else {
            div.wide { table.long {
                thead { tr { th scope="col" { "team" } th scope="col" { "who is known to be in it now" } th scope="col" { "on call" } } }
                tbody { @for team in &view.teams { (team_row(visitor, team, several)) } }
            } }
        }
        @let owners: Vec<&Owner> = view.documents.iter().filter(|roles| roles.project == view.project).flat_map(|roles| &roles.owners).collect();
        @if !owners.is_empty() {
            h2 #owners { "Owners" }
            p.sub { "The last entry that matches a path counts." }
            table.list { tbody { @for owner in owners { tr {
                th scope="row" { @for path in &owner.paths { code { (path) } " " } } td { (owner.team) }
            } } } }
        }
        @let machines: Vec<&Machine> = view.documents.iter().flat_map(|roles| &roles.machines).collect();
        @if !machines.is_empty() {
            h2 #machines { "Machines" }
            p.sub { "Known by what their CI signs; they hold no token of ours." }
            div.wide { table.long {
                thead { tr { th scope="col" { "actor" } th scope="col" { "signed by" } th scope="col" { "for" } th scope="col" { "with these claims" } } }
                tbody { @for machine in machines { (machine_row(machine)) } }
            } }
        }
        @if let Some(tokens) = &view.tokens { (tokens_of(visitor, tokens)) }
    }
}

fn role_row(role: &Role, of: &ProjectName, several: bool) -> Markup {
    let Role {
        name,
        teams,
        actors,
        may,
        pipelines,
        stages,
    } = role;
    let verbs: Vec<&str> = may.iter().map(|scope| verb(*scope)).collect();
    let named = |names: Vec<&str>, every: &str| match names.is_empty() {
        true => every.to_owned(),
        false => names.join(", "),
    };
    html! {
        tr {
            th scope="row" { (name) @if several { div.age { "of " (of) } } }
            td { (verbs.join(", ")) }
            td {
                (named(pipelines.iter().map(|one| one.as_str()).collect(), "every pipeline")) ", "
                (named(stages.iter().map(|one| one.as_str()).collect(), "every stage"))
            }
            td {
                @for team in teams { span.nowrap { "team " b { (team) } } " " }
                @for actor in actors { b.break { (actor) } " " }
            }
        }
    }
}

fn team_row(visitor: &Visitor, team: &TeamNow, several: bool) -> Markup {
    let TeamNow {
        of,
        name,
        members,
        claims,
        on_call,
    } = team;
    html! {
        tr {
            th scope="row" { (name) @if several { div.age { "of " (of) } } }
            td {
                @if members.is_empty() { span.age { "nobody is known" } }
                @else { (members.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) }
                @if !claims.is_empty() { div.age { "and whoever signs in with the group " @for claim in claims { code { (claim) } " " } } }
            }
            td { @match on_call { Some(rota) => { (rota_of(visitor, rota)) } None => { span.age { "nobody by turns" } } } }
        }
    }
}

fn rota_of(visitor: &Visitor, rota: &OnCallNow) -> Markup {
    html! {
        @match &rota.now {
            Ok(who) if who.is_empty() => { "nobody now" }
            Ok(who) => { b { (who.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) } " now" }
            Err(why) => { (Sign(Tone::Wait, "△").plain("nobody")) ": " span.break { (why) } }
        }
        @if let Some((host, every)) = &rota.source {
            div.age {
                "says " span.break { (host) } ", asked every " (every)
                @if let Some(since) = rota.since { ", since " (time::clock(visitor.now, since)) }
            }
        }
        @if let Some((at, who)) = &rota.next {
            div.age { "from " (time::clock(visitor.now, *at)) " (" (time::ahead(visitor.now, *at)) "): " @match who { Some(who) => { (who) } None => { "nobody" } } }
        }
    }
}

fn machine_row(machine: &Machine) -> Markup {
    let Machine {
        actor,
        issuer,
        audience,
        claims,
    } = machine;
    html! {
        tr {
            th scope="row" { (actor) }
            td.break { (issuer) }
            td.break { (audience) }
            td { @for (name, value) in claims { div { code { (name) } " = " code.break { (value) } } } }
        }
    }
}

/// Those that end first come first: they are the ones to look after.
fn tokens_of(visitor: &Visitor, tokens: &[TokenView]) -> Markup {
    let mut sorted: Vec<&TokenView> = tokens.iter().collect();
    sorted.sort_by_key(|token| (token.expires.is_none(), token.expires));
    html! {
        h2 #tokens { "Tokens" }
        p.sub { (counted(tokens.len() as u64, "token")) " of the whole server, those that end first in front. Shown to whoever may administer the server." }
        div.wide { table.long {
            thead { tr { th scope="col" { "token" } th scope="col" { "actor" } th scope="col" { "may" } th scope="col" { "in teams" } th scope="col" { "ends" } } }
            tbody { @for token in sorted { tr {
                th scope="row" { (token.id) }
                td { (token.actor) }
                td { (token.scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(", ")) }
                td { (token.groups.iter().map(GroupName::as_str).collect::<Vec<_>>().join(", ")) }
                td { (ends(visitor, token.expires)) }
            } } }
        } }
    }
}

fn ends(visitor: &Visitor, expires: Option<Timestamp>) -> Markup {
    html! {
        @match expires {
            None => { (Sign(Tone::Wait, "△").plain("never")) }
            Some(at) if at <= visitor.now => { (Sign(Tone::Quiet, "■").plain("ended")) " " (time::clock(visitor.now, at)) }
            Some(at) if at.as_second() - visitor.now.as_second() <= EXPIRES_SOON_SECS => {
                (Sign(Tone::Wait, "●").plain("soon")) " " (time::clock(visitor.now, at)) " (" (time::ahead(visitor.now, at)) ")"
            }
            Some(at) => { (time::clock(visitor.now, at)) }
        }
    }
}
