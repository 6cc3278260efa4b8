//! Authorisation: answers a second of the one function below all transports, in a project of 50 teams and 50 roles.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use gateline_core::authority::{Object, may};
use gateline_core::{Actor, Command, Credential};
use gateline_model::{Digest, Scope};
use jiff::Timestamp;

use super::Scale;
use super::place::{Place, runtime, submit};

const TEAMS: usize = 50;
const MEMBERS: usize = 20;
/// Long enough that the clock's grain does not matter.
const ROUNDS: u32 = 200_000;

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let place = Place::new("authority")?;
    runtime()?.block_on(measure(&place, scale.of(ROUNDS, ROUNDS / 100)))
}

/// Each team has a role that lets it promote in one pipeline.
fn roles() -> String {
    let mut text =
        "apiVersion: gateline.dev/v1\nkind: Roles\nmetadata: {project: bench}\nspec:\n  teams:\n".to_owned();
    for team in 0..TEAMS {
        let members: Vec<String> = (0..MEMBERS).map(|one| format!("who-{team}-{one}")).collect();
        let _ = writeln!(
            text,
            "    - {{name: team-{team}, members: [{}]}}",
            members.join(", ")
        );
    }
    text.push_str("  roles:\n");
    for team in 0..TEAMS {
        let _ = writeln!(
            text,
            "    - {{name: role-{team}, may: [promote], pipelines: [app-{team}], teams: [team-{team}]}}"
        );
    }
    text
}

async fn measure(place: &Place, rounds: u32) -> Result<(), String> {
    let hub = place.hub()?;
    let text = roles();
    let read = gateline_spec::read_roles("roles.yaml", &text).map_err(|err| err.to_string())?;
    let command = Command::ApplyRoles {
        roles: Arc::new(read.roles),
        source: Digest::of(text.as_bytes()),
        written: None,
    };
    submit(&hub, command).await?;
    let person = |name: &str, shown: Credential| {
        let id = name.parse().map_err(|err| format!("{err}"))?;
        Ok::<_, String>(Actor {
            id,
            name: None,
            shown,
        })
    };
    let stage = |pipeline: &str| -> Result<Object, String> {
        let text = format!("bench/{pipeline}/production");
        Ok(Object::stage(&text.parse().map_err(|err| format!("{err}"))?))
    };
    let last = format!("app-{}", TEAMS - 1);
    let member = person(&format!("who-{}-{}", TEAMS - 1, MEMBERS - 1), Credential::Session)?;
    let rows = [
        (
            "a member of the last team, by its role",
            member.clone(),
            last.as_str(),
            true,
        ),
        ("the same where the role does not reach", member, "app-0", false),
        (
            "a stranger",
            person("nobody", Credential::Session)?,
            last.as_str(),
            false,
        ),
        (
            "a token that administers",
            person("root", Credential::Token(vec![Scope::Admin]))?,
            last.as_str(),
            true,
        ),
    ];
    println!("| who asks | answer | answers/s | one takes |\n|---|---|---|---|");
    for (who, actor, pipeline, expected) in rows {
        let object = stage(pipeline)?;
        let (each, right) = hub.with_world(|world| {
            let now = Timestamp::now();
            let began = Instant::now();
            let mut right = true;
            for _ in 0..rounds {
                let answer = may(world, black_box(&actor), Scope::Promote, black_box(&object), now);
                right &= answer.is_ok() == expected;
            }
            (began.elapsed() / rounds, right)
        });
        if !right {
            return Err(format!("{who} was answered otherwise than expected"));
        }
        let word = if expected { "may" } else { "may not" };
        let rate = 1.0 / each.as_secs_f64();
        println!(
            "| {who} | {word} | {rate:.0} | {:.2} µs |",
            each.as_secs_f64() * 1e6
        );
    }
    println!("\n{TEAMS} teams of {MEMBERS}, {TEAMS} roles; one thread. A refusal names everybody who may.");
    Ok(())
}
