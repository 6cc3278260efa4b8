//! Roles: teams, who may do what, owners of paths and machines; each entry by itself, then what they say of each other.

use gateline_model::limits::ROLES_MAX;
use gateline_model::{Machine, OnCall, Owner, ProjectName, Role, Roles, Rota, Scope, Span, Team};
use serde::de::DeserializeOwned;

use crate::de;
use crate::diagnostic::{Diagnostic, Diagnostics, Sink};
use crate::fields::{Fields, refuse_twins};
use crate::file::{self, API_VERSION, header};
use crate::nearest::meant;
use crate::node::Node;
use crate::protection;
use crate::secret;

/// The `kind` of a file of roles.
pub const ROLES_KIND: &str = "Roles";
/// Longest pattern of owned paths, in bytes.
pub const PATTERN_BYTES_MAX: usize = 256;
/// Longest address of a source of who is on call, in bytes.
pub const SOURCE_BYTES_MAX: usize = 2_048;
/// Shortest time for which somebody has a rota: each change of hands has all judged again that ask the team.
pub const ROTA_EVERY_MIN: Span = Span::from_secs(10);
/// The project whose roles hold everywhere.
const SERVER_PROJECT: &str = "gateline";

/// A file of roles that can be used.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRoles {
    /// What it says.
    pub roles: Roles,
    /// What hardly anybody means.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a file of roles. `source_name` is how diagnostics call it.
///
/// # Errors
/// [`Diagnostics`] with everything that is wrong with it, warnings included.
pub fn read_roles(source_name: &str, text: &str) -> Result<ReadRoles, Diagnostics> {
    let sink = Sink::new(source_name, text);
    let roles = file::root(&sink, ROLES_KIND).and_then(|root| roles(&root, &sink));
    match (roles, sink.finish()) {
        (Some(roles), (warnings, false)) => Ok(ReadRoles { roles, warnings }),
        (_, (found, _)) => Err(Diagnostics(found)),
    }
}

fn roles(root: &Node, sink: &Sink<'_>) -> Option<Roles> {
    // First, so that no other finding can repeat a secret.
    secret::refuse(root, sink);
    let known = ["apiVersion", "kind", "metadata", "spec"];
    let file = Fields::of("a file of roles", root, &root.span, &known, sink)?;
    header(&file, "apiVersion", API_VERSION);
    header(&file, "kind", ROLES_KIND);
    let metadata = file.required("metadata");
    let metadata =
        metadata.and_then(|entry| Fields::of("`metadata`", &entry.value, entry.at(), &["project"], sink));
    let project = metadata
        .as_ref()
        .and_then(|metadata| metadata.value::<ProjectName>("project"));
    let entry = file.required("spec")?;
    let known = ["teams", "roles", "owners", "machines", "protected"];
    let spec = Fields::of("`spec`", &entry.value, entry.at(), &known, sink)?;
    let teams: Option<Vec<Team>> = list(&spec, "teams");
    let role_list: Option<Vec<Role>> = list(&spec, "roles");
    let owners: Option<Vec<Owner>> = list(&spec, "owners");
    let machines: Option<Vec<Machine>> = list(&spec, "machines");
    let protected = protection::of_roles(&spec);
    check_teams(&spec, teams.as_deref().unwrap_or_default());
    check_roles(&spec, role_list.as_deref().unwrap_or_default());
    check_owners(&spec, owners.as_deref().unwrap_or_default());
    check_machines(&spec, project.as_ref(), machines.as_deref().unwrap_or_default());
    let is_server = project
        .as_ref()
        .is_some_and(|project| project.as_str() == SERVER_PROJECT);
    if let Some(teams) = &teams
        && !is_server
    {
        warn_of_unknown_teams(&spec, teams);
    }
    Some(Roles {
        project: project?,
        teams: teams?,
        roles: role_list?,
        owners: owners?,
        machines: machines?,
        protected: protected?,
    })
}

fn list<T: DeserializeOwned>(spec: &Fields<'_, '_, '_>, name: &str) -> Option<Vec<T>> {
    let nodes = spec.items(name);
    if let Some(first) = nodes.get(ROLES_MAX) {
        let message = format!("there are {} {name}; there may be {ROLES_MAX}", nodes.len());
        spec.sink.error("roles.limit", &first.span, message);
        return None;
    }
    let read: Vec<Option<T>> = nodes
        .iter()
        .map(|node| de::read(node, &node.span, spec.sink))
        .collect();
    read.into_iter().collect()
}

fn check_teams(spec: &Fields<'_, '_, '_>, teams: &[Team]) {
    let nodes = spec.items("teams");
    refuse_same_names(spec, "teams.duplicate", "team", nodes);
    for (team, node) in teams.iter().zip(nodes) {
        if team.name.as_str() == "owners" {
            let help =
                Some("choose another name: layers write `owners` for those who answer for paths".to_owned());
            spec.sink.error_with(
                "teams.reserved",
                at(node, "name"),
                "no team can be called `owners`",
                help,
            );
        }
        if team.members.is_empty() && team.claims.is_empty() && team.on_call.is_none() {
            let help = Some("name `members`, `claims` of a sign-in, or `on_call`".to_owned());
            spec.sink.error_with(
                "teams.empty",
                &node.span,
                format!("nobody can be in team `{}`", team.name),
                help,
            );
        }
        if team.members.len() > ROLES_MAX {
            let message = format!(
                "team `{}` has {} members; it may have {ROLES_MAX}",
                team.name,
                team.members.len()
            );
            spec.sink.error("roles.limit", at(node, "members"), message);
        }
        for claim in team.claims.iter().filter(|claim| !claim.contains(':')) {
            let help = Some(format!("write `PROVIDER:{claim}`"));
            let message = format!("`{claim}` does not say which provider tells it");
            spec.sink
                .error_with("teams.claim", at(node, "claims"), message, help);
        }
        if let Some(OnCall::Source(source)) = &team.on_call {
            check_source(spec, node, &source.http);
        }
        if let Some(OnCall::Rota(Rota { every, rotation, .. })) = &team.on_call
            && (*every < ROTA_EVERY_MIN || rotation.is_empty())
        {
            let help = Some(format!(
                "name who has it in `rotation`, and for how long in `every`: {ROTA_EVERY_MIN} (ROTA_EVERY_MIN) at least"
            ));
            let says = match *every == Span::ZERO || rotation.is_empty() {
                true => "nobody ever has this rota".to_owned(),
                false => {
                    format!("this rota changes hands more often than each {ROTA_EVERY_MIN} (ROTA_EVERY_MIN)")
                }
            };
            spec.sink
                .error_with("teams.rota", at(node, "on_call"), says, help);
        }
    }
}

/// A source is asked with a secret, and what it says lets people in: nobody may listen or speak in between.
fn check_source(spec: &Fields<'_, '_, '_>, node: &Node, address: &str) {
    let is_long = address.len() > SOURCE_BYTES_MAX;
    if is_long || !(address.starts_with("https://") || is_here(address)) {
        let message =
            format!("a source has an https address of at most {SOURCE_BYTES_MAX} bytes, or is on this host");
        let help = Some("write `http: https://HOST/PATH`".to_owned());
        let place = node.get("on_call").and_then(|entry| entry.value.get("http"));
        let place = place.map_or(at(node, "on_call"), |entry| entry.at());
        spec.sink.error_with("teams.source", place, message, help);
    }
}

/// Whether an address is one of this host, without encryption.
fn is_here(address: &str) -> bool {
    let rest = address.strip_prefix("http://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn check_roles(spec: &Fields<'_, '_, '_>, roles: &[Role]) {
    let nodes = spec.items("roles");
    refuse_same_names(spec, "roles.duplicate", "role", nodes);
    for (role, node) in roles.iter().zip(nodes) {
        if role.teams.is_empty() && role.actors.is_empty() {
            let help = Some("name `teams` or `actors`".to_owned());
            spec.sink.error_with(
                "roles.nobody",
                &node.span,
                format!("nobody has role `{}`", role.name),
                help,
            );
        }
        if role.may.is_empty() {
            let help = Some("list verbs under `may`, as in `[promote, freeze]`".to_owned());
            spec.sink.error_with(
                "roles.nothing",
                at(node, "may"),
                format!("role `{}` permits nothing", role.name),
                help,
            );
        }
        if role.may.contains(&Scope::Approve) {
            let help = "name the team in a layer of the stage's `approval`".to_owned();
            spec.sink.error_with(
                "roles.verb",
                at(node, "may"),
                "a role does not give the right to approve",
                Some(help),
            );
        }
    }
}

fn check_owners(spec: &Fields<'_, '_, '_>, owners: &[Owner]) {
    for (owner, node) in owners.iter().zip(spec.items("owners")) {
        let bad = owner
            .paths
            .iter()
            .find(|path| path.is_empty() || path.len() > PATTERN_BYTES_MAX);
        if owner.paths.is_empty() || bad.is_some() || owner.paths.len() > ROLES_MAX {
            let message = format!(
                "an owner has 1 to {ROLES_MAX} patterns of 1 to {PATTERN_BYTES_MAX} bytes (PATTERN_BYTES_MAX)"
            );
            spec.sink.error_with(
                "owners.paths",
                at(node, "paths"),
                message,
                Some("write patterns such as `db/**`".to_owned()),
            );
        }
    }
}

/// Claims that say for ever which repository, project or owner signed: the ids of GitHub, of GitLab, of Buildkite.
const IDS: [&str; 6] = [
    "repository_id",
    "repository_owner_id",
    "project_id",
    "namespace_id",
    "organization_id",
    "pipeline_id",
];

/// Machines of a project have names of their own: whoever may write its roles must not make a machine into somebody
/// whom another project, or the server, trusts.
fn check_name(spec: &Fields<'_, '_, '_>, project: Option<&ProjectName>, machine: &Machine, node: &Node) {
    let Some(project) = project.filter(|project| project.as_str() != SERVER_PROJECT) else {
        return;
    };
    let own = machine.actor.as_str().strip_suffix(project.as_str());
    let own = own.and_then(|name| name.strip_suffix('@'));
    if own.is_none_or(|name| name.is_empty() || name.contains([':', '@'])) {
        let message = format!("`{}` may be somebody whom others trust", machine.actor);
        let help = Some(format!("call the machine `NAME@{project}`"));
        spec.sink
            .error_with("machines.actor", at(node, "actor"), message, help);
    }
}

fn check_machines(spec: &Fields<'_, '_, '_>, project: Option<&ProjectName>, machines: &[Machine]) {
    for (machine, node) in machines.iter().zip(spec.items("machines")) {
        check_name(spec, project, machine, node);
        if !machine.claims.keys().any(|claim| IDS.contains(&claim.as_str())) {
            let message = format!(
                "`{}` is known by names alone, which can be given to somebody else",
                machine.actor
            );
            let help = Some(format!("match an id too: one of `{}`", IDS.join("`, `")));
            spec.sink
                .error_with("machines.claims", at(node, "claims"), message, help);
        }
        if !machine.issuer.starts_with("https://") && !machine.issuer.starts_with("http://127.0.0.1") {
            let help = Some(
                "write the `iss` of its tokens, as in `https://token.actions.githubusercontent.com`"
                    .to_owned(),
            );
            spec.sink.error_with(
                "machines.issuer",
                at(node, "issuer"),
                "an issuer is an https address",
                help,
            );
        }
    }
}

/// A team that is not declared here may be one of the whole server; a misspelt one never lets anybody in.
fn warn_of_unknown_teams(spec: &Fields<'_, '_, '_>, teams: &[Team]) {
    let known = || teams.iter().map(|team| team.name.as_str());
    let named = spec
        .items("roles")
        .iter()
        .flat_map(|node| match node.get("teams") {
            Some(entry) => entry.value.items(),
            None => &[],
        });
    let owning = spec
        .items("owners")
        .iter()
        .filter_map(|node| node.get("team"))
        .map(|entry| &entry.value);
    let protecting = spec.get("protected").map(|entry| &entry.value);
    let protecting = protecting.into_iter().flat_map(|protected| {
        ["pipelines", "policies", "calendars", "roles"]
            .into_iter()
            .filter_map(|part| protected.get(part)?.value.get("owners"))
            .flat_map(|owners| owners.value.items())
    });
    for node in named.chain(owning).chain(protecting) {
        if let Some(name) = node.text().filter(|name| !known().any(|team| team == *name)) {
            let help = meant(name, known()).unwrap_or_else(|| {
                format!("declare it under `teams`, or in the roles of project `{SERVER_PROJECT}`")
            });
            spec.sink.warning(
                "teams.unknown",
                &node.span,
                &format!("no team `{name}` is declared here"),
                &help,
            );
        }
    }
}

fn refuse_same_names(spec: &Fields<'_, '_, '_>, code: &'static str, what: &str, nodes: &[Node]) {
    let names = nodes.iter().filter_map(|node| {
        let entry = node.get("name")?;
        Some((entry.value.text()?, entry.at()))
    });
    refuse_twins(spec.sink, code, what, names);
}

fn at<'n>(node: &'n Node, name: &str) -> &'n std::ops::Range<usize> {
    node.get(name).map_or(&node.span, |entry| entry.at())
}
