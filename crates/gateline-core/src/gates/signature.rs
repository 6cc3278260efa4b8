//! Signature: each artifact is signed by keys or identities that are trusted.
//!
//! `signature: {keys: [{name: release, file: keys/release.pub}], by: [release], count: 1}`, from DSSE envelopes, Sigstore bundles,
//! cosign's signatures, and signatures of SSH and minisign beside a list of checksums or another `signed-file`.
//! A statement whose own result is a failure vouches for nothing.

use std::collections::BTreeSet;

use gateline_model::{Artifact, AttestationCheck, Keyless, Span, Statement, TrustedKey};
use schemars::JsonSchema;
use serde::Deserialize;

use super::attested::{self, Judged, Look, OnStatements, broken, called, counted_as, is_signed_for};
use super::live::{every_default, max_age_default};
use super::pattern::Pattern;
use super::{GateKind, Place, schema_of};

pub(super) const KIND: GateKind = GateKind {
    name: "signature",
    summary: "Each artifact is signed by keys or identities that are trusted (DSSE, Sigstore, cosign, SSH, minisign).",
    place: Place::Entry,
    check: attested::check::<Signature>,
    schema: schema_of::<Signature>,
    observes: attested::observes::<Signature>,
    judge: attested::judge::<Signature>,
};

/// Parameters of the gate kind `signature`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Signature {
    /// The keys that are trusted, each with a `file` on the server or a `pem`.
    #[serde(default)]
    keys: Vec<TrustedKey>,
    /// The identities that are trusted, whose certificates lead to a trusted root.
    #[serde(default)]
    keyless: Option<Keyless>,
    /// Names of the keys, and identities, whose signatures count; all where none is given.
    #[serde(default)]
    by: Vec<String>,
    /// How many of them must sign each artifact.
    #[serde(default = "one")]
    count: u32,
    /// Names of the artifacts that must be signed; all where none is given.
    #[serde(default)]
    artifacts: Vec<String>,
    /// What sort of statement counts, as in `https://slsa.dev/verification_summary/v*`; any, and bare signatures, where none is given.
    #[serde(default)]
    statement: Vec<Pattern>,
    /// Time between two looks while it is not satisfied.
    #[serde(default = "every_default")]
    every: Span,
    /// How old a look may be at admission.
    #[serde(default = "max_age_default")]
    max_age: Span,
}

fn one() -> u32 {
    1
}

impl OnStatements for Signature {
    fn look(&self) -> Look<'_> {
        Look {
            trust: AttestationCheck {
                keys: self.keys.clone(),
                keyless: self.keyless.clone(),
            },
            artifacts: &self.artifacts,
            every: self.every,
            max_age: self.max_age,
        }
    }

    fn check(&self) -> Result<(), String> {
        let trusted = self.trusted();
        if let Some(unknown) = self.by.iter().find(|by| !trusted.contains(by.as_str())) {
            return Err(format!(
                "by: no key that counts is called `{unknown}`, and no identity"
            ));
        }
        let most = self.signers().len();
        if self.count == 0 || self.count as usize > most {
            return Err(format!("count: from 1 to {most}, for so many keys may sign"));
        }
        Ok(())
    }

    fn judge(&self, statements: &[Statement], artifacts: &[&Artifact]) -> Judged {
        let allowed = self.signers();
        let signers: Vec<BTreeSet<&str>> = artifacts
            .iter()
            .map(|artifact| {
                let counted = statements.iter().filter(|one| self.counts(one));
                counted
                    .filter(|one| is_signed_for(one, artifact))
                    .filter_map(|one| counted_as(&one.signature, self.keyless.as_ref()))
                    .filter(|signer| allowed.contains(signer))
                    .collect()
            })
            .collect();
        let wanted = allowed.iter().copied().collect::<Vec<_>>().join(", ");
        let lacking = artifacts
            .iter()
            .zip(&signers)
            .filter(|(_, by)| by.len() < self.count as usize);
        let lacking: Vec<String> = lacking
            .map(|(artifact, by)| {
                let (count, artifact) = (by.len(), called(artifact));
                format!("{artifact} has {count} of {} signatures by {wanted}", self.count)
            })
            .collect();
        let least = signers.iter().map(BTreeSet::len).min().unwrap_or(0);
        let says = match lacking.first() {
            Some(first) => first.clone(),
            None => {
                let by: BTreeSet<&str> = signers.into_iter().flatten().collect();
                let by = by.into_iter().collect::<Vec<_>>().join(", ");
                match artifacts {
                    [one] => format!("{} is signed by {by}", called(one)),
                    many => format!("{} artifacts are signed by {by}", many.len()),
                }
            }
        };
        Judged {
            failed: (!lacking.is_empty()).then_some("check.unsigned"),
            says,
            count: ("signatures", least, self.count),
            details: lacking.into_iter().skip(1).chain(broken(statements)).collect(),
            next: format!("sign it with a key that is trusted ({wanted})"),
        }
    }
}

impl Signature {
    /// Everybody whose signatures count: keys that are not revoked, and identities.
    fn trusted(&self) -> BTreeSet<&str> {
        let keys = self.keys.iter().filter(|key| key.revoked.is_none());
        let identities = self.keyless.iter().flat_map(|keyless| &keyless.identities);
        keys.map(|key| key.name.as_str())
            .chain(identities.map(|one| one.identity.as_str()))
            .collect()
    }

    fn signers(&self) -> BTreeSet<&str> {
        match self.by.as_slice() {
            [] => self.trusted(),
            by => by.iter().map(String::as_str).collect(),
        }
    }

    fn counts(&self, statement: &Statement) -> bool {
        let of = statement.predicate_type.as_deref();
        let meant = self.statement.is_empty()
            || of.is_some_and(|of| self.statement.iter().any(|pattern| pattern.matches(of)));
        let counts_findings = of.is_some_and(|of| of.starts_with("https://in-toto.io/attestation/vulns/"));
        let passed = |result: &str| {
            ["passed", "warned"]
                .iter()
                .any(|word| result.eq_ignore_ascii_case(word))
        };
        meant && (counts_findings || statement.result.as_deref().is_none_or(passed))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(params: serde_json::Value) -> Result<(), String> {
        (KIND.check)(&params)
    }

    #[test]
    fn keys_and_counts_that_cannot_be_meant_are_refused() {
        let key = |name: &str| json!({"name": name, "file": "a.pub"});
        assert_eq!(check(json!({"keys": [key("a"), key("b")], "by": ["a"]})), Ok(()));
        for (params, says) in [
            (json!({"keys": []}), "without one nobody is trusted"),
            (json!({"keys": [{"name": "a"}]}), "either a `file` or a `pem`"),
            (
                json!({"keys": [{"name": "a", "pem": "AAAA"}]}),
                "no public key in PEM",
            ),
            (json!({"keys": [key("a"), key("a")]}), "two keys"),
            (
                json!({"keys": [key("a")], "by": ["b"]}),
                "no key that counts is called `b`",
            ),
            (json!({"keys": [key("a")], "count": 2}), "from 1 to 1"),
            (json!({"keys": [key("a")], "count": 0}), "from 1 to 1"),
        ] {
            let err = check(params).expect_err(says);
            assert!(err.contains(says), "{err}");
        }
    }

    fn keyless(identities: &[(&str, &str)]) -> serde_json::Value {
        let identities = identities
            .iter()
            .map(|(identity, issuer)| json!({"identity": identity, "issuer": issuer}));
        json!({"keyless": {"trusted_root": "root.json", "identities": identities.collect::<Vec<_>>()}})
    }

    #[test]
    fn identities_that_cannot_be_meant_are_refused() {
        let issuer = "https://issuer.example";
        assert_eq!(check(keyless(&[("https://ci.example/*", issuer)])), Ok(()));
        for (params, says) in [
            (keyless(&[]), "name `identities`"),
            (keyless(&[("*", issuer)]), "name each identity"),
            (keyless(&[("a", "")]), "name each identity"),
            (keyless(&[("a*b", issuer)]), "can only end the identity"),
            (keyless(&[("a", "https://*")]), "can only end the identity"),
            (keyless(&[("a", issuer), ("a", issuer)]), "named twice"),
        ] {
            let err = check(params).expect_err(says);
            assert!(err.contains(says), "{err}");
        }
    }

    #[test]
    fn a_revoked_key_signs_nothing_and_cannot_be_asked_for() {
        let key = |name: &str| json!({"name": name, "file": "a.pub"});
        let revoked = json!({"name": "b", "file": "b.pub", "revoked": "it leaked"});
        assert_eq!(check(json!({"keys": [key("a"), revoked]})), Ok(()));
        for (params, says) in [
            (
                json!({"keys": [key("a"), revoked], "by": ["b"]}),
                "no key that counts is called `b`",
            ),
            (json!({"keys": [key("a"), revoked], "count": 2}), "from 1 to 1"),
            (
                json!({"keys": [{"name": "a", "file": "a.pub", "revoked": " "}]}),
                "say why",
            ),
        ] {
            let err = check(params).expect_err(says);
            assert!(err.contains(says), "{err}");
        }
    }

    #[test]
    fn two_runs_of_one_job_are_one_signer_and_an_issuer_is_part_of_a_name() {
        let issuer = "https://issuer.example";
        let artifact = Artifact {
            name: "image".parse().expect("a name"),
            at: "git:x@0000000000000000000000000000000000000000"
                .parse()
                .expect("an address"),
        };
        let by = |signer: &str, issuer: &str| Statement {
            predicate_type: None,
            subjects: vec![artifact.at.digest()],
            signature: gateline_model::Signature::Verified {
                signer: signer.to_owned(),
                issuer: Some(issuer.to_owned()),
            },
            provenance: None,
            result: None,
        };
        let mut params = keyless(&[("https://ci.example/*", issuer), ("ana@acme.example", issuer)]);
        params["count"] = 2.into();
        let gate = Signature::deserialize(&params).expect("parameters");
        let count = |statements: &[Statement]| gate.judge(statements, &[&artifact]).count.1;
        assert_eq!(
            count(&[
                by("https://ci.example/1", issuer),
                by("https://ci.example/2", issuer)
            ]),
            1
        );
        assert_eq!(
            count(&[by("https://ci.example/1", issuer), by("ana@acme.example", issuer)]),
            2
        );
        assert_eq!(count(&[by("ana@acme.example", "https://other.example")]), 0);
    }
}
