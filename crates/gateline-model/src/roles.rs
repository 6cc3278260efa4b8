//! Roles: who may do what in a project, and who is in which team. A document, stored and versioned like a pipeline.
//! Knows no clock; callers pass the moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActorId, Digest, GroupName, PipelineName, ProjectName, Protected, Scope, Span, StageName};

/// Teams, roles, owners and machines of one project. Those of the project `gateline` hold in every project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// The project.
    pub project: ProjectName,
    /// Groups of people that layers ask and roles name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<Team>,
    /// Who may do what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Which team answers for which paths of the source; the last entry that matches a path counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// Machines that show a signed token of their CI instead of one of ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<Machine>,
    /// What is in force only once owners approved it.
    #[serde(default, skip_serializing_if = "Protected::is_empty")]
    pub protected: Protected,
}

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its name, as layers and roles write it.
    pub name: GroupName,
    /// Actors who are always in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<ActorId>,
    /// Groups of a sign-in whose people are in it, as `PROVIDER:GROUP`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// Who is in it for now, one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_call: Option<OnCall>,
}

/// A rota: each has it for the same time, in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnCall {
    /// When the first of the rotation begins.
    pub from: Timestamp,
    /// How long each has it.
    pub every: Span,
    /// Who, in turn.
    pub rotation: Vec<ActorId>,
    /// Exceptions: somebody else for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead: Vec<Instead>,
}

/// Somebody else has it for a time, half-open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instead {
    /// Who.
    pub who: ActorId,
    /// From then.
    pub from: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

/// What some people may do, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name, for explanations.
    pub name: GroupName,
    /// Teams that have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<GroupName>,
    /// Actors who have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<ActorId>,
    /// What it permits. `admin` permits everything. Approving is not a role's: a stage's layers say who may.
    pub may: Vec<Scope>,
    /// Pipelines that it holds for; every one where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<PipelineName>,
    /// Stages that it holds for; every one where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageName>,
}

/// Who answers for some paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Patterns of paths, as in `db/**`: `*` stops at `/`, `**` does not.
    pub paths: Vec<String>,
    /// The team.
    pub team: GroupName,
}

/// A machine that is known by what its CI signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The actor that it is here.
    pub actor: ActorId,
    /// Who signs, as in `https://token.actions.githubusercontent.com`.
    pub issuer: String,
    /// Whom the token must be made for.
    pub audience: String,
    /// Claims that must have exactly these values. Ids, as names can be given to somebody else.
    pub claims: BTreeMap<String, String>,
}

impl Roles {
    /// The version: a digest of the canonical content.
    pub fn version(&self) -> Digest {
        Digest::of_json(self)
    }

    /// A team by name.
    pub fn team(&self, name: &GroupName) -> Option<&Team> {
        self.teams.iter().find(|team| team.name == *name)
    }
}

impl OnCall {
    /// Who has it at a moment. Nobody before the rota begins.
    pub fn at(&self, now: Timestamp) -> Option<&ActorId> {
        if let Some(instead) = self.instead.iter().find(|one| one.from <= now && now < one.until) {
            return Some(&instead.who);
        }
        self.rotation.get(self.turn(now)? % self.rotation.len().max(1))
    }

    /// When somebody else has it next, by turn or by exception.
    pub fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let turn = self.turn(now).map_or(0, |turn| turn as i64 + 1);
        let next = Span::from_millis(self.every.as_millis().saturating_mul(turn)).after(self.from);
        let exceptions = self.instead.iter().flat_map(|one| [one.from, one.until]);
        exceptions.chain([next]).filter(|at| *at > now).min()
    }

    fn turn(&self, now: Timestamp) -> Option<usize> {
        if now < self.from || self.every == Span::ZERO {
            return None;
        }
        let since = now.as_millisecond() - self.from.as_millisecond();
        usize::try_from(since / self.every.as_millis()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn rota() -> OnCall {
        OnCall {
            from: at("2026-11-02T09:00:00Z"),
            every: Span::from_secs(7 * 86_400),
            rotation: ["ann", "bo"].map(|who| who.parse().unwrap()).to_vec(),
            instead: vec![Instead {
                who: "cy".parse().unwrap(),
                from: at("2026-11-04T00:00:00Z"),
                until: at("2026-11-05T00:00:00Z"),
            }],
        }
    }

    fn who(now: &str) -> Option<String> {
        rota().at(at(now)).map(ToString::to_string)
    }

    #[test]
    fn each_has_the_rota_in_turn_and_an_exception_goes_first() {
        assert_eq!(who("2026-11-02T08:59:59Z"), None);
        assert_eq!(who("2026-11-02T09:00:00Z").as_deref(), Some("ann"));
        assert_eq!(who("2026-11-04T00:00:00Z").as_deref(), Some("cy"));
        assert_eq!(who("2026-11-05T00:00:00Z").as_deref(), Some("ann"));
        assert_eq!(who("2026-11-09T09:00:00Z").as_deref(), Some("bo"));
        assert_eq!(who("2026-11-16T09:00:00Z").as_deref(), Some("ann"));
    }

    #[test]
    fn a_rota_says_when_it_changes_next() {
        let changes = |now: &str| rota().changes_at(at(now)).unwrap().to_string();
        assert_eq!(changes("2026-11-01T00:00:00Z"), "2026-11-02T09:00:00Z");
        assert_eq!(changes("2026-11-02T09:00:00Z"), "2026-11-04T00:00:00Z");
        assert_eq!(changes("2026-11-05T00:00:00Z"), "2026-11-09T09:00:00Z");
    }

    #[test]
    fn a_rota_that_never_moves_names_nobody_and_does_not_divide_by_nothing() {
        let stuck = OnCall {
            every: Span::ZERO,
            instead: Vec::new(),
            ..rota()
        };
        assert_eq!(stuck.at(at("2026-12-01T00:00:00Z")), None);
        let empty = OnCall {
            rotation: Vec::new(),
            instead: Vec::new(),
            ..rota()
        };
        assert_eq!(empty.at(at("2026-12-01T00:00:00Z")), None);
    }
}
