//! Machines that show what their CI signed instead of a token of ours: which actor they are, by ids that a project's roles
//! name. Knows no provider's special words but how to hold any claim against a value.

use gateline_core::{Actor, Credential};
use gateline_model::Machine;
use jiff::Timestamp;
use serde_json::Value;

use super::claims;
use super::issuers::IssuerError;
use super::jws::{Claims, Unverified};
use super::unauthorized;
use crate::call::App;
use crate::refused::Refused;
use gateline_api::entry;

/// Whose signed token this is.
pub(crate) async fn who(app: &App, token: &str, now: Timestamp) -> Result<Actor, Refused> {
    let refused = |why: String| unauthorized(format!("the signed token is not believed: {why}"));
    let unverified = Unverified::read(token).map_err(|err| refused(err.to_string()))?;
    let issuer = unverified.issuer().unwrap_or_default().to_owned();
    let machines: Vec<Machine> = app.hub.with_world(|world| {
        let roles = world.projects().filter_map(|(_, project)| project.roles.as_ref());
        let machines = roles.flat_map(|roles| &roles.machines);
        machines
            .filter(|machine| machine.issuer == issuer)
            .cloned()
            .collect()
    });
    // Nobody is asked whom no file names.
    if machines.is_empty() {
        return Err(refused(format!(
            "no roles name a machine of its issuer `{issuer:.200}`"
        )));
    }
    let claims = app
        .access
        .issuers
        .verify(&issuer, token)
        .await
        .map_err(|err| match err {
            IssuerError::Token(err) => refused(err.to_string()),
            IssuerError::Unreachable { .. } => Refused::new(&entry::ISSUER, err.to_string()),
        })?;
    let actor = matching(&machines, &issuer, &claims, now).map_err(refused)?;
    Ok(Actor {
        id: actor.actor.clone(),
        name: None,
        // As far as its roles reach, and no further: it has no scopes of its own.
        shown: Credential::Session,
    })
}

fn matching<'m>(
    machines: &'m [Machine],
    issuer: &str,
    claims: &Claims,
    now: Timestamp,
) -> Result<&'m Machine, String> {
    let mut why = None;
    let mut found: Option<&Machine> = None;
    for machine in machines.iter().filter(|machine| has(machine, claims)) {
        match claims::check(claims, issuer, &machine.audience, now) {
            Err(err) => why = Some(err.to_string()),
            Ok(()) => match found {
                Some(other) if other.actor != machine.actor => {
                    return Err(format!(
                        "it is `{}` and `{}` at once; let roles name more of its claims",
                        other.actor, machine.actor
                    ));
                }
                Some(_) | None => found = Some(machine),
            },
        }
    }
    let none = || why.unwrap_or_else(|| "no machine that roles name has its claims".to_owned());
    found.ok_or_else(none)
}

/// Whether every claim that is named has its value. Ids come as text from some issuers and as numbers from others.
fn has(machine: &Machine, claims: &Claims) -> bool {
    // A mapping that asks for nothing would be everybody; the reading of roles refuses it already.
    !machine.claims.is_empty()
        && machine
            .claims
            .iter()
            .all(|(name, wanted)| match claims.get(name) {
                Some(Value::String(value)) => value == wanted,
                Some(Value::Number(value)) => value.to_string() == *wanted,
                Some(Value::Bool(value)) => value.to_string() == *wanted,
                Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
            })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use test_case::test_case;

    const NOW: i64 = 1_800_000_000;
    const GITHUB: &str = "https://token.actions.githubusercontent.com";

    fn machine(actor: &str, claims: &[(&str, &str)]) -> Machine {
        Machine {
            actor: actor.parse().unwrap(),
            issuer: GITHUB.into(),
            audience: "https://gateline.example.com".into(),
            claims: claims
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        }
    }

    /// What GitHub signs for a job, in the older or the newer form of `sub`.
    fn job(change: Value) -> Claims {
        let mut claims = json!({
            "iss": GITHUB, "aud": "https://gateline.example.com", "exp": NOW + 300, "iat": NOW, "nbf": NOW,
            "sub": "repo:acme/shop:ref:refs/heads/main", "repository": "acme/shop", "repository_id": "74",
            "repository_owner": "acme", "repository_owner_id": "65", "ref": "refs/heads/main",
            "environment": "production", "job_workflow_ref": "acme/shop/.github/workflows/release.yml@refs/heads/main",
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object().unwrap().clone()
    }

    fn found(machines: &[Machine], change: Value) -> Result<String, String> {
        let now = Timestamp::from_second(NOW).unwrap();
        matching(machines, GITHUB, &job(change), now).map(|machine| machine.actor.to_string())
    }

    #[test_case(json!({}), true; "its ids")]
    #[test_case(json!({"sub": "repo:acme@65/shop@74:ref:refs/heads/main"}), true; "the newer form of its subject")]
    #[test_case(json!({"repository_id": 74, "repository_owner_id": 65}), true; "ids as numbers, as GitLab may write them")]
    #[test_case(json!({"repository": "renamed/shop"}), true; "a name may change")]
    #[test_case(json!({"repository_id": "75"}), false; "another repository of the same name")]
    #[test_case(json!({"repository_owner_id": "66"}), false; "another owner of the same name")]
    #[test_case(json!({"ref": "refs/heads/feature"}), false; "another branch")]
    #[test_case(json!({"repository_id": ["74"]}), false; "a list is no id")]
    #[test_case(json!({"repository_id": null}), false; "no id at all")]
    #[test_case(json!({"aud": "https://other.example.com"}), false; "made for somebody else")]
    #[test_case(json!({"exp": NOW - 120}), false; "its time is over")]
    fn a_machine_is_known_by_its_ids(change: Value, known: bool) {
        let shop = machine(
            "shop@payments",
            &[
                ("repository_id", "74"),
                ("repository_owner_id", "65"),
                ("ref", "refs/heads/main"),
            ],
        );
        assert_eq!(found(&[shop], change).is_ok(), known);
    }

    #[test]
    fn a_machine_that_is_two_actors_is_none() {
        let by_repository = machine("shop@payments", &[("repository_id", "74")]);
        let by_owner = machine("acme@payments", &[("repository_owner_id", "65")]);
        assert!(
            found(&[by_repository.clone(), by_owner], json!({}))
                .unwrap_err()
                .contains("at once")
        );
        let same = machine("shop@payments", &[("repository_owner_id", "65")]);
        assert_eq!(
            found(&[by_repository, same], json!({})),
            Ok("shop@payments".to_owned())
        );
    }

    #[test]
    fn a_mapping_that_asks_for_nothing_is_nobody() {
        assert!(found(&[machine("all@payments", &[])], json!({})).is_err());
        assert!(found(&[], json!({})).is_err());
    }
}
