//! People: who is asked, who may, who stands in for whom.

use gateline_api::{
    CanReply, DelegationView, InboxItem, IncidentView, ProposalView, RolesView, StandingRollout, WhoAmIView,
};
use gateline_model::{ActorId, Digest, GroupName, OnCall, Scope};
use jiff::Timestamp;

use super::time::{ago, clock};
use super::{Line, Page, Table, in_future};

/// What waits on somebody, oldest first, the rollouts that stand still, and the new versions that wait on their owners.
pub(crate) fn inbox(
    list: &[InboxItem],
    rollouts: &[StandingRollout],
    versions: &[ProposalView],
    incidents: &[IncidentView],
    now: Timestamp,
) -> Page {
    let mut page = Page::default();
    if !incidents.is_empty() {
        page = page.then(super::incidents(incidents, now));
        page.line("look with `gateline incident show N --project PROJECT`, end with `gateline incident lift` or `gateline incident close`");
        page.gap();
    }
    if !rollouts.is_empty() {
        standing(&mut page, rollouts, now);
        page.gap();
    }
    if list.is_empty() && versions.is_empty() && rollouts.is_empty() && incidents.is_empty() {
        page.line("nothing waits on you");
    }
    if !list.is_empty() {
        questions(&mut page, list, now);
    }
    if !versions.is_empty() {
        page = page.then(super::proposals(versions, now));
        page.line("look with `gateline proposal show`, answer with `gateline proposal approve` or `gateline proposal reject`");
    }
    page
}

fn standing(page: &mut Page, rollouts: &[StandingRollout], now: Timestamp) {
    let mut table = Table::headed(["rollout", "release", "weight", "stands since", "why"]);
    for one in rollouts {
        let reason = one.paused.reason.iter().map(|why| format!(" ({why})"));
        let reason: String = reason.collect();
        table.row([
            Line::from(one.promotion.to_string()),
            one.version.to_string().into(),
            one.weight.to_string().into(),
            ago(one.paused.since, now).into(),
            Line::new().wait(format!("{}{reason}", one.paused.says)),
        ]);
    }
    page.table(table);
    page.line("look with `gateline explain`, let it go on with `gateline resume`, or take it back with `gateline abort`");
}

fn questions(page: &mut Page, list: &[InboxItem], now: Timestamp) {
    let mut table = Table::headed(["promotion", "release", "code", "risk", "asked", "since", "until"]);
    for item in list {
        let mut asked = item.from.to_string();
        if let Some(instead_of) = &item.instead_of {
            asked.push_str(&format!(", instead of {instead_of}"));
        }
        if item.by_name {
            asked.push_str(", by name");
        }
        let until = item.until.map(|until| match until > now {
            true => in_future(until, now),
            false => format!("over since {}", clock(until, now)),
        });
        table.row([
            Line::from(item.promotion.to_string()),
            item.version.to_string().into(),
            code(&item.question).into(),
            item.risk.word().into(),
            asked.into(),
            ago(item.since, now).into(),
            until.unwrap_or_default().into(),
        ]);
    }
    page.table(table);
    page.line("answer with `gateline approve`, `gateline reject` or `gateline request-changes`");
}

/// The decision code of a question, as `gateline explain` shows it.
pub(crate) fn code(question: &Digest) -> String {
    let hex = question.hex();
    format!("{} {}", &hex[..4], &hex[4..8])
}

/// Who asks.
pub(crate) fn who_am_i(view: &WhoAmIView) -> Page {
    let mut page = Page::default();
    let by = match &view.scopes {
        Some(scopes) => format!("by a token that may {}", words(scopes)),
        None => "signed in".to_owned(),
    };
    page.line(
        Line::new()
            .strong(view.actor.to_string())
            .plain(format!(", {by}")),
    );
    if view.teams.is_empty() {
        page.line("in no team");
    }
    for one in &view.teams {
        page.line(format!("{}: {}", one.project, names(&one.teams)));
    }
    page
}

/// Whether somebody may do something.
pub(crate) fn can(reply: &CanReply) -> Page {
    let mut page = Page::default();
    let says = format!(" {} {} {}", reply.actor, reply.verb.word(), reply.object);
    page.line(if reply.may {
        Line::new().good("may").plain(format!("    {says}"))
    } else {
        Line::new().bad("may not").plain(says)
    });
    page.line(reply.because.as_str());
    for who in &reply.layers {
        page.line(format!("asked as {who}"));
    }
    page
}

/// Delegations, those that end first in front.
pub(crate) fn delegations(list: &[DelegationView], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no delegations");
        return page;
    }
    let mut table = Table::headed(["by", "to", "team", "from", "until"]);
    for view in list {
        let delegation = &view.delegation;
        let team = delegation.team.as_ref().map_or("every one", GroupName::as_str);
        table.row([
            Line::from(delegation.by.to_string()),
            delegation.to.to_string().into(),
            team.into(),
            clock(delegation.from, now).into(),
            clock(delegation.until, now).into(),
        ]);
    }
    page.table(table);
    page
}

/// Roles in force.
pub(crate) fn roles(view: &RolesView) -> Page {
    let mut page = Page::default();
    let roles = &view.roles;
    page.line(
        Line::new()
            .strong(format!("roles of {}", roles.project))
            .dim(format!("  version {}", view.version.short())),
    );
    let mut teams = Table::headed(["team", "members", "groups of a sign-in", "on call"]);
    for team in &roles.teams {
        let rota = team.on_call.as_ref().map(|on_call| match on_call {
            OnCall::Rota(rota) => format!("{} each: {}", rota.every, actors(&rota.rotation)),
            OnCall::Source(source) => format!("{} says, asked every {}", source.http, source.every),
        });
        teams.row([
            Line::from(team.name.to_string()),
            actors(&team.members).into(),
            team.claims.join(", ").into(),
            rota.unwrap_or_default().into(),
        ]);
    }
    page.table(teams);
    let mut table = Table::headed(["role", "may", "who", "pipelines", "stages"]);
    for role in &roles.roles {
        let who = [names(&role.teams), actors(&role.actors)]
            .into_iter()
            .filter(|some| !some.is_empty());
        let all = |some: Vec<&str>| {
            if some.is_empty() {
                "every one".to_owned()
            } else {
                some.join(", ")
            }
        };
        table.row([
            Line::from(role.name.to_string()),
            words(&role.may).into(),
            who.collect::<Vec<_>>().join(", ").into(),
            all(role
                .pipelines
                .iter()
                .map(gateline_model::PipelineName::as_str)
                .collect())
            .into(),
            all(role
                .stages
                .iter()
                .map(gateline_model::StageName::as_str)
                .collect())
            .into(),
        ]);
    }
    page.table(table);
    for owner in &roles.owners {
        page.line(format!("{} answers for {}", owner.team, owner.paths.join(", ")));
    }
    for machine in &roles.machines {
        page.line(format!("{} is who {} says", machine.actor, machine.issuer));
    }
    page
}

fn words(scopes: &[Scope]) -> String {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.word()).collect();
    words.join(", ")
}

fn names(teams: &[GroupName]) -> String {
    let names: Vec<&str> = teams.iter().map(GroupName::as_str).collect();
    names.join(", ")
}

fn actors(actors: &[ActorId]) -> String {
    let names: Vec<&str> = actors.iter().map(ActorId::as_str).collect();
    names.join(", ")
}
