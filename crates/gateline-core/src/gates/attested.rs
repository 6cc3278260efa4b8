//! Gates on signed statements: the keys that they trust, and what the last look at the reported attestations found.
//!
//! A look is a check: the reports are held against the keys again in each stage, and once more right before admission.

use std::collections::BTreeSet;

use gateline_model::{
    Artifact, AttestationCheck, Check, Digest, Facts, Found, Gate, Keyless, Provenance, Reading, Report,
    STATEMENTS_MAX, Signature, Span, Statement, TrustedIdentity, TrustedKey,
};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::pattern::Pattern;
use super::{GateView, Observes, Says, live, reported, with_params};
use crate::state::ReleaseState;

/// The attestations that were reported for a release: the newest first, each once, at most [`STATEMENTS_MAX`].
pub fn attestations(release: &ReleaseState) -> Vec<Report> {
    let mut known = BTreeSet::new();
    let newest_first = release.evidence.iter().rev();
    newest_first
        .filter(|(_, evidence)| {
            let found = &evidence.found;
            matches!(
                found,
                Found::Facts {
                    facts: Facts::Attestation(_)
                }
            )
        })
        .filter_map(|(_, evidence)| {
            let format = evidence.format.clone();
            Some(Report {
                raw: evidence.raw?,
                format,
            })
        })
        .filter(|report| known.insert(report.raw))
        .take(STATEMENTS_MAX)
        .collect()
}

/// Who is trusted, and how often the reports are looked at.
pub(super) struct Look<'a> {
    pub trust: AttestationCheck,
    /// Names of the artifacts that are asked for; all where none is given.
    pub artifacts: &'a [String],
    pub every: Span,
    pub max_age: Span,
}

/// Checks that somebody is trusted, by a name that can be meant, and that each key says where it is.
fn check_trust(keys: &[TrustedKey], keyless: Option<&Keyless>) -> Result<(), String> {
    if keys.is_empty() && keyless.is_none() {
        return Err("keys: name a key, or `keyless` identities: without one nobody is trusted".to_owned());
    }
    let mut names = BTreeSet::new();
    for TrustedKey {
        name,
        pem,
        file,
        revoked,
    } in keys
    {
        if name.trim().is_empty() {
            return Err("keys: give each key a name".to_owned());
        }
        if !names.insert(name) {
            return Err(format!(
                "keys: `{name}` is the name of two keys; give each its own"
            ));
        }
        if revoked.as_ref().is_some_and(|why| why.trim().is_empty()) {
            return Err(format!("keys: say why `{name}` is revoked"));
        }
        match (pem, file) {
            (Some(pem), None) if pem.trim_start().starts_with("-----BEGIN PUBLIC KEY-----") => {}
            (Some(_), None) => {
                return Err(format!(
                    "keys: `{name}` is no public key in PEM (`-----BEGIN PUBLIC KEY-----`)"
                ));
            }
            (None, Some(_)) => {}
            (Some(_), Some(_)) | (None, None) => {
                return Err(format!("keys: give `{name}` either a `file` or a `pem`"));
            }
        }
    }
    match keyless {
        Some(keyless) => check_identities(&keyless.identities, &mut names),
        None => Ok(()),
    }
}

fn check_identities<'k>(
    identities: &'k [TrustedIdentity],
    names: &mut BTreeSet<&'k String>,
) -> Result<(), String> {
    if identities.is_empty() {
        return Err("keyless: name `identities`: without one nobody is trusted".to_owned());
    }
    for TrustedIdentity { identity, issuer } in identities {
        let beginning = identity.strip_suffix('*').unwrap_or(identity);
        if beginning.trim().is_empty() || issuer.trim().is_empty() {
            return Err("keyless: name each identity, or its beginning, and its issuer".to_owned());
        }
        if beginning.contains('*') || issuer.contains('*') {
            return Err(format!(
                "keyless: in `{identity}` of `{issuer}` a `*` can only end the identity"
            ));
        }
        if !names.insert(identity) {
            return Err(format!("keyless: `{identity}` is named twice; name it once"));
        }
    }
    Ok(())
}

/// The name under which a signature counts: that of the key, or the identity as the gate writes it. Two runs of one job
/// are one signer.
pub(super) fn counted_as<'a>(signature: &'a Signature, keyless: Option<&'a Keyless>) -> Option<&'a str> {
    match signature {
        Signature::Verified { signer, issuer: None } => Some(signer),
        Signature::Verified {
            signer,
            issuer: Some(issuer),
        } => {
            let mut identities = keyless?.identities.iter();
            let is_it =
                |one: &&TrustedIdentity| one.issuer == *issuer && Pattern::new(&one.identity).matches(signer);
            identities.find(is_it).map(|one| one.identity.as_str())
        }
        Signature::Broken { .. } | Signature::Unchecked => None,
    }
}

/// Parameters of a gate on signed statements.
pub(super) trait OnStatements: DeserializeOwned {
    /// Who is trusted, and how often the reports are looked at.
    fn look(&self) -> Look<'_>;

    /// Checks what the gate asks for besides whom it trusts.
    fn check(&self) -> Result<(), String>;

    /// What the statements of the last look come to.
    fn judge(&self, statements: &[Statement], artifacts: &[&Artifact]) -> Judged;
}

/// Checks the parameters: whom they trust first.
pub(super) fn check<P: OnStatements>(params: &Value) -> Result<(), String> {
    let asks = P::deserialize(params).map_err(|err| err.to_string())?;
    let AttestationCheck { keys, keyless } = asks.look().trust;
    check_trust(&keys, keyless.as_ref())?;
    asks.check()
}

/// The check that looks.
pub(super) fn observes<P: OnStatements>(params: &Value) -> Option<Observes> {
    let asks = P::deserialize(params).ok()?;
    let Look { trust, every, .. } = asks.look();
    Some(Observes {
        check: Check::Attestation(trust),
        every,
    })
}

/// What the statements come to under a gate's criteria.
pub(super) struct Judged {
    /// `None` where it passed; else the code of the reason.
    pub failed: Option<&'static str>,
    pub says: String,
    /// The least number of those that vouch for an artifact, and how many must.
    pub count: (&'static str, usize, u32),
    pub details: Vec<String>,
    pub next: String,
}

/// Judges the statements of the last look. What was reported and does not do is refused; nothing at all is waited for.
pub(super) fn judge<P: OnStatements>(gate: &Gate, view: &GateView<'_>) -> Says {
    with_params(gate, |asks: P| judge_last(gate, view, &asks))
}

fn judge_last(gate: &Gate, view: &GateView<'_>, asks: &impl OnStatements) -> Says {
    let look = asks.look();
    let (checked, reading) = match live::last(gate, view, look.every) {
        Ok(last) => last,
        Err(says) => return *says,
    };
    let Reading::Attestation { keys, reports, found } = reading else {
        return live::other_kind(checked, look.every);
    };
    let retry = look.every.after(checked.at);
    let again = |says| Says::waiting("check.again", says).changed_by("Gateline, by itself");
    if *keys != Digest::of_json(&look.trust) {
        return again("it was looked at with other keys than are trusted now").check_due(retry);
    }
    if *reports != Digest::of_json(&attestations(view.release)) {
        return again("attestations were reported since it was looked at").check_due(view.now);
    }
    if found.statements.is_empty() {
        return missing(view).evidence(checked.id).check_due(retry);
    }
    let Judged {
        failed,
        says,
        count: (name, count, least),
        details,
        next,
    } = match asked(look.artifacts, &view.release.release.artifacts) {
        Ok(asked) => asks.judge(&found.statements, &asked),
        Err(lacks) => {
            return Says::refused("check.artifact", lacks)
                .evidence(checked.id)
                .next("register a release with it");
        }
    };
    let told = |says: Says| {
        says.evidence(checked.id)
            .number(name, count as f64, "", Some(format!(">= {least}")))
            .details(details)
    };
    match failed {
        Some(code) => told(Says::refused(code, says))
            .changed_by("a reporter (CI)")
            .check_due(retry)
            .next(format!("{next}, and {}", reported::add(view, None))),
        None if live::is_stale(view, checked, look.max_age) => told(live::stale(view, &says)),
        None => told(Says::satisfied("check.passed", says)),
    }
}

/// Nothing was reported, and nothing is attached where it is looked for.
fn missing(view: &GateView<'_>) -> Says {
    let says = "no signed statement was reported yet";
    let registries: BTreeSet<String> = view
        .pipeline
        .registries()
        .into_values()
        .map(|one| one.registry)
        .collect();
    match registries.into_iter().collect::<Vec<_>>().as_slice() {
        [] => Says::waiting("check.missing", says).next(reported::add(view, None)),
        several => {
            let several = several.join(", ");
            Says::waiting(
                "check.missing",
                format!("{says}, and none is attached in {several}"),
            )
            .next(format!(
                "attach it to the artifact in {several}, or {}",
                reported::add(view, None)
            ))
        }
    }
    .changed_by("a reporter (CI)")
}

/// The artifacts that are asked for: all of the names, and one at least.
fn asked<'a>(names: &[String], artifacts: &'a [Artifact]) -> Result<Vec<&'a Artifact>, String> {
    let is_called = |artifact: &Artifact, name: &String| artifact.name.to_string() == *name;
    if let Some(absent) = names
        .iter()
        .find(|name| !artifacts.iter().any(|one| is_called(one, name)))
    {
        return Err(format!("the release has no artifact `{absent}`"));
    }
    let meant = |one: &&Artifact| names.is_empty() || names.iter().any(|name| is_called(one, name));
    let asked: Vec<_> = artifacts.iter().filter(meant).collect();
    match asked.is_empty() {
        true => Err("the release has no artifact".to_owned()),
        false => Ok(asked),
    }
}

/// Whether a statement is signed for this artifact.
pub(super) fn is_signed_for(statement: &Statement, artifact: &Artifact) -> bool {
    match &statement.signature {
        Signature::Verified { .. } => statement.subjects.contains(&artifact.at.digest()),
        Signature::Broken { .. } | Signature::Unchecked => false,
    }
}

/// The provenances that are signed for this artifact.
pub(super) fn provenances<'s>(statements: &'s [Statement], artifact: &Artifact) -> Vec<&'s Provenance> {
    let signed = statements.iter().filter(|one| is_signed_for(one, artifact));
    signed.filter_map(|one| one.provenance.as_ref()).collect()
}

/// Why statements do not count that were reported, one line each.
pub(super) fn broken(statements: &[Statement]) -> impl Iterator<Item = String> {
    statements.iter().filter_map(|one| match &one.signature {
        Signature::Broken { reason } => {
            let what = one.predicate_type.as_deref().unwrap_or("bare signature");
            Some(format!("{what} does not count: {reason}"))
        }
        Signature::Verified { .. } | Signature::Unchecked => None,
    })
}

/// What an artifact is called in a verdict.
pub(super) fn called(artifact: &Artifact) -> String {
    format!("{} ({})", artifact.name, artifact.at.digest().short())
}

#[cfg(test)]
mod tests {
    use gateline_model::ArtifactAt;

    use super::*;

    #[test]
    fn what_is_asked_for_must_be_there_and_nothing_is_no_pass() {
        let artifact = |name: &str| Artifact {
            name: name.parse().expect("a name"),
            at: ArtifactAt::File {
                path: name.to_owned(),
                digest: Digest::of(name.as_bytes()),
            },
        };
        let both = [artifact("image"), artifact("chart")];
        assert_eq!(asked(&[], &both).map(|asked| asked.len()), Ok(2));
        assert_eq!(asked(&["chart".to_owned()], &both), Ok(vec![&both[1]]));
        let absent = asked(&["image".to_owned(), "docs".to_owned()], &both);
        assert_eq!(absent, Err("the release has no artifact `docs`".to_owned()));
        assert_eq!(asked(&[], &[]), Err("the release has no artifact".to_owned()));
    }
}
