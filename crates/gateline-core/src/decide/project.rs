//! Deciding about a project: pipelines, policies, tokens.

use std::sync::LazyLock;

use gateline_model::{Event, Pipeline, PolicyName, ProjectName, StreamId, TokenId};

use super::private;
use crate::command::Command;
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::Project;

const SERVER_PROJECT: &str = "gateline";

/// The project whose stream holds the tokens of the whole server.
pub fn server_project() -> ProjectName {
    // Every command asks for it: it is read once.
    static NAME: LazyLock<ProjectName> =
        LazyLock::new(|| SERVER_PROJECT.parse().expect("it is a legal project name"));
    NAME.clone()
}

/// Whether a pipeline can be in force beside the others.
pub(super) fn fits(project: &Project, pipeline: &Pipeline) -> Result<(), Rejection> {
    for other in project.in_force.keys().filter(|name| **name != pipeline.name) {
        let Some(other) = project.pipeline(other) else {
            continue;
        };
        let shared = pipeline.stages.iter().find_map(|stage| {
            let twin = other
                .stages
                .iter()
                .find(|twin| twin.target_name == stage.target_name)?;
            Some((stage, twin))
        });
        if let Some((stage, twin)) = shared {
            return Err(Rejection::conflict(
                "target.shared",
                format!(
                    "stage `{}` would change target `{}`, which belongs to stage `{}` of pipeline `{}`",
                    stage.name, stage.target_name, twin.name, other.name
                ),
                "a lane belongs to one target: give the stage a target of its own with `target_name`",
            ));
        }
    }
    Ok(())
}

/// Most policy modules in one project.
pub const POLICIES_PER_PROJECT_MAX: usize = 100;

/// Whether there is room for a policy module.
pub(super) fn policy_fits(of: &ProjectName, project: &Project, name: &PolicyName) -> Result<(), Rejection> {
    let policies = &project.policies;
    if policies.contains_key(name) || policies.len() < POLICIES_PER_PROJECT_MAX {
        return Ok(());
    }
    Err(Rejection::invalid(
        "policy.too_many",
        format!(
            "project `{of}` has {} policy modules; the limit is {POLICIES_PER_PROJECT_MAX} (POLICIES_PER_PROJECT_MAX)",
            policies.len()
        ),
        "put its rules into a module that there is, in a package of their own",
    ))
}

pub(super) fn issue_token(draft: &mut Draft<'_>, command: &Command) -> Result<(), Rejection> {
    let Command::IssueToken {
        id,
        hash,
        actor,
        scopes,
        groups,
        expires,
    } = command
    else {
        return Ok(());
    };
    let project = server_project();
    if draft
        .project(&project)
        .is_some_and(|project| project.tokens.contains_key(id))
    {
        return Err(Rejection::conflict(
            "token.exists",
            format!("there is a token `{id}`"),
            "choose another id",
        ));
    }
    if *actor == crate::Actor::gateline().id {
        return Err(Rejection::forbidden(
            "token.actor_reserved",
            format!("`{actor}` is Gateline itself; nobody may speak in its name"),
            "choose another actor",
        ));
    }
    if scopes.is_empty() {
        return Err(Rejection::invalid(
            "token.no_scope",
            format!("token `{id}` could do nothing"),
            "name at least one scope",
        ));
    }
    if let Some(expires) = expires
        && *expires <= draft.facts.now
    {
        return Err(Rejection::invalid(
            "token.expires",
            format!("token `{id}` would end at {expires}, which is over"),
            "give a later end, such as `--expires 90d`",
        ));
    }
    let event = Event::TokenIssued {
        id: id.clone(),
        hash: *hash,
        actor: actor.clone(),
        scopes: scopes.clone(),
        groups: groups.clone(),
        expires: *expires,
    };
    let text = private(draft, None);
    draft.emit_with(StreamId::Project(project), event, text);
    Ok(())
}

pub(super) fn revoke_token(draft: &mut Draft<'_>, id: &TokenId) -> Result<(), Rejection> {
    let project = server_project();
    let state = draft.project(&project);
    let Some((state, token)) = state
        .as_ref()
        .and_then(|state| Some((state, state.tokens.get(id)?)))
    else {
        return Err(Rejection::unknown(
            "token.unknown",
            format!("there is no token `{id}`"),
            "list them with `gateline token list`",
        ));
    };
    let now = draft.facts.now;
    let others = state.tokens.iter().filter(|(other, _)| *other != id);
    // The time for which somebody can let others in never gets shorter: nobody is left to lengthen it again.
    if token.administers(now)
        && !others
            .clone()
            .any(|(_, other)| other.administers(now) && other.outlasts(token))
    {
        let left = others.filter(|(_, other)| other.administers(now)).count();
        let says = if left == 0 {
            format!("`{id}` is the last token that may administer this server")
        } else {
            format!("every other token that may administer this server ends before `{id}`")
        };
        return Err(Rejection::conflict(
            "token.last_admin",
            says,
            "create another that lasts as long first, with `gateline token create ID --actor ACTOR --scope admin`",
        ));
    }
    let text = private(draft, None);
    draft.emit_with(
        StreamId::Project(project),
        Event::TokenRevoked { id: id.clone() },
        text,
    );
    Ok(())
}
