//! Who sees what, role by role.

use std::sync::Arc;

use gateline_model::{Digest, Event, Recorded, Role, Roles, Scope, StageRef, StreamId, Team};
use jiff::Timestamp;

use super::*;
use crate::authority::{Denied, may};
use crate::{Actor, Credential};

fn actor(name: &str) -> Actor {
    Actor {
        id: name.parse().unwrap(),
        name: None,
        shown: Credential::Session,
    }
}

fn token(name: &str, scopes: &[Scope]) -> Actor {
    Actor {
        shown: Credential::Token(scopes.to_vec()),
        ..actor(name)
    }
}

fn role(name: &str, who: &str, may: &[Scope]) -> Role {
    Role {
        name: name.parse().unwrap(),
        teams: Vec::new(),
        actors: vec![who.parse().unwrap()],
        may: may.to_vec(),
        pipelines: Vec::new(),
        stages: Vec::new(),
    }
}

fn of_pipeline(role: Role, pipeline: &str) -> Role {
    Role {
        pipelines: vec![pipeline.parse().unwrap()],
        ..role
    }
}

fn of_stage(role: Role, stage: &str) -> Role {
    Role {
        stages: vec![stage.parse().unwrap()],
        ..role
    }
}

/// A world in which these projects have these roles.
fn world(roles: &[(&str, Vec<Role>)]) -> World {
    let mut world = World::default();
    for (project, roles) in roles {
        let roles = Roles {
            project: project.parse().unwrap(),
            teams: vec![Team {
                name: "eyes".parse().unwrap(),
                members: vec!["eva".parse().unwrap()],
                claims: Vec::new(),
                on_call: None,
            }],
            roles: roles.clone(),
            owners: Vec::new(),
            machines: Vec::new(),
            protected: Default::default(),
        };
        let recorded = Recorded {
            number: world.next(),
            stream: StreamId::Project(roles.project.clone()),
            version: 1,
            at: Timestamp::UNIX_EPOCH,
            actor: "admin".parse().unwrap(),
            event: Event::RolesApplied {
                version: roles.version(),
                roles: Arc::new(roles),
                source: Digest::of(b""),
                origin: Default::default(),
            },
            private: None,
        };
        world.fold(&recorded).unwrap();
    }
    world
}

fn object(text: &str) -> Object {
    let mut parts = text.split('/');
    Object {
        project: parts.next().unwrap().parse().unwrap(),
        pipeline: parts.next().map(|name| name.parse().unwrap()),
        stage: parts.next().map(|name| name.parse().unwrap()),
    }
}

/// Both ways of asking, which must agree.
fn sees(world: &World, actor: &Actor, text: &str) -> bool {
    let now = Timestamp::UNIX_EPOCH;
    let by_sight = Sight::of(world, actor, now).sees(&object(text));
    let by_right = may(world, actor, Scope::Read, &object(text), now).is_ok();
    assert_eq!(by_sight, by_right, "{} {text}", actor.id);
    by_sight
}

#[test]
fn everybody_reads_where_no_role_gives_read() {
    let world = world(&[("pay", vec![role("releasers", "bo", &[Scope::Promote])])]);
    for who in ["bo", "nobody"] {
        assert!(sees(&world, &actor(who), "pay/web/live"));
        assert!(sees(&world, &actor(who), "not-there"));
    }
}

#[test]
fn where_a_role_gives_read_only_those_with_some_right_there_do() {
    let world = world(&[
        (
            "pay",
            vec![
                role("readers", "rita", &[Scope::Read]),
                role("releasers", "bo", &[Scope::Promote]),
            ],
        ),
        ("shop", vec![]),
    ]);
    for (who, pay) in [("rita", true), ("bo", true), ("nobody", false)] {
        assert_eq!(sees(&world, &actor(who), "pay"), pay, "{who}");
        assert_eq!(sees(&world, &actor(who), "pay/web/live"), pay, "{who}");
        assert!(sees(&world, &actor(who), "shop/web"), "{who}");
    }
    // A scope alone is no right where roles are declared; administering is.
    assert!(!sees(
        &world,
        &token("ci", &[Scope::Read, Scope::Register]),
        "pay"
    ));
    assert!(sees(&world, &token("ci", &[Scope::Admin]), "pay"));
    assert!(sees(&world, &Actor::gateline(), "pay"));
}

#[test]
fn a_role_of_a_part_sees_that_part_and_what_holds_for_the_whole() {
    let world = world(&[(
        "pay",
        vec![
            of_pipeline(role("web", "wim", &[Scope::Read]), "web"),
            of_stage(role("live", "lea", &[Scope::Freeze]), "live"),
        ],
    )]);
    for (who, text, seen) in [
        ("wim", "pay", true),
        ("wim", "pay/web", true),
        ("wim", "pay/web/live", true),
        ("wim", "pay/api", false),
        ("wim", "pay/api/live", false),
        ("lea", "pay/api", true),
        ("lea", "pay/api/live", true),
        ("lea", "pay/api/dev", false),
    ] {
        assert_eq!(sees(&world, &actor(who), text), seen, "{who} {text}");
    }
}

#[test]
fn read_in_the_servers_roles_limits_every_project_and_those_that_come() {
    let auditors = Role {
        teams: vec!["eyes".parse().unwrap()],
        actors: Vec::new(),
        ..role("auditors", "x", &[Scope::Read])
    };
    let world = world(&[
        ("gateline", vec![auditors]),
        ("pay", vec![role("r", "bo", &[Scope::Promote])]),
    ]);
    for (who, pay, other) in [("eva", true, true), ("bo", true, false), ("nobody", false, false)] {
        assert_eq!(sees(&world, &actor(who), "pay/web"), pay, "{who}");
        assert_eq!(sees(&world, &actor(who), "not-there"), other, "{who}");
    }
}

#[test]
fn nothing_is_seen_by_who_was_not_let_in_and_everything_by_gateline() {
    let stage: StageRef = "pay/web/live".parse().unwrap();
    assert!(!Sight::nothing().sees_stage(&stage));
    assert!(Sight::all().sees_stage(&stage) && Sight::all().sees_everything());
}

#[test]
fn who_may_not_look_is_told_no_more_than_that() {
    let world = world(&[(
        "pay",
        vec![role("readers", "rita", &[Scope::Read, Scope::Promote])],
    )]);
    let denied = |scope: Scope| {
        let nobody = actor("nobody");
        may(&world, &nobody, scope, &object("pay/web"), Timestamp::UNIX_EPOCH).unwrap_err()
    };
    for (scope, says) in [
        (Scope::Read, "no role lets `nobody` read in `pay/web`"),
        (
            Scope::Promote,
            "no role lets `nobody` promote in `pay/web`, nor read there",
        ),
        (
            Scope::Approve,
            "no role lets `nobody` approve in `pay/web`, nor read there",
        ),
    ] {
        let denied = denied(scope);
        assert!(matches!(denied, Denied::Unseen { .. }), "{denied}");
        assert_eq!(denied.to_string(), says);
    }
}
