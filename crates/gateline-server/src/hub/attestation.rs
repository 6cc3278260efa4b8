//! Attestations: the reported bytes, held against the keys that a gate trusts and the artifacts of the release.
//!
//! Keys in files are read at each look, so that a key can be replaced without a restart. Knows no criteria.

use std::path::Path;

use gateline_core::gates::attestations;
use gateline_drivers::named_file;
use gateline_evidence::{Complete, Detached, Format, Identity, Trust};
use gateline_model::{
    AttestationCheck, AttestationFacts, CheckOrder, Digest, Facts, Keyless, Reading, Report, STATEMENTS_MAX,
    Signature, Statement, TrustedKey,
};

use super::{Hub, attached};

/// Largest file of one key.
const KEY_BYTES_MAX: u64 = 16 * 1024;
/// Largest report of signed statements that is verified: it is held in memory.
const REPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Largest file of a trusted root; Sigstore's own has 7 KiB.
const ROOT_BYTES_MAX: u64 = 1024 * 1024;
/// Files beside which signatures stand that one look reads, the newest first.
const SIGNED_FILES_MAX: usize = 20;
/// Bytes of JSON kept of the parameters of all provenances together; older statements are left out.
const PARAMETERS_BYTES_MAX: usize = 512 * 1024;

/// Looks at the reports of an order, beside everything else that reads. Where artifacts declare a registry, what is attached
/// there is recorded first.
pub(super) async fn check(
    hub: &Hub,
    check: &AttestationCheck,
    order: &CheckOrder,
) -> Result<Reading, String> {
    let check = check.clone();
    let reports = match order.registries.is_empty() {
        true => order.reports.clone(),
        false => {
            let release = order.release;
            attached::record(hub, &release, &order.registries).await?;
            let known = hub.with_world(|world| world.release(&release).map(|state| attestations(state)));
            known.unwrap_or_default()
        }
    };
    let order = CheckOrder {
        reports,
        ..order.clone()
    };
    hub.read(move |store| {
        look(&check, &order, |raw| {
            let bytes = store.blob_bytes(raw).map_err(|err| err.to_string())?;
            if bytes.is_some_and(|bytes| bytes > REPORT_BYTES_MAX) {
                return Err(format!("it has more than {REPORT_BYTES_MAX} bytes"));
            }
            store.blob(raw).map_err(|err| err.to_string())
        })
    })
    .await
}

fn look(
    check: &AttestationCheck,
    order: &CheckOrder,
    blob: impl Fn(&Digest) -> Result<Option<Vec<u8>>, String>,
) -> Result<Reading, String> {
    let trust = trust(check)?;
    let artifacts: Vec<Digest> = order
        .artifacts
        .iter()
        .map(|artifact| artifact.at.digest())
        .collect();
    let bytes = |report: &Report| {
        let raw = report.raw;
        blob(&raw)
            .map_err(|err| format!("the attestation `{raw}` could not be read: {err}"))?
            .ok_or_else(|| format!("the attestation `{raw}` is not in the store; run `gateline doctor`"))
    };
    let sort = |report: &Report| report.format.parse::<Format>().ok();
    let mut kept = Kept::default();
    let mut beside = Vec::new();
    for report in &order.reports {
        match sort(report) {
            Some(Format::SshSignature | Format::Minisign) => {
                beside.push(Detached::new(&bytes(report)?, &trust, &artifacts));
            }
            Some(Format::SignedFile) => {}
            Some(_) | None => {
                let statements = statements(report, &bytes(report)?, &trust, &artifacts)?;
                statements.into_iter().for_each(|statement| kept.add(statement));
            }
        }
    }
    let files = order
        .reports
        .iter()
        .filter(|report| sort(report) == Some(Format::SignedFile));
    for file in files.take(SIGNED_FILES_MAX) {
        if beside.iter().all(Detached::is_settled) {
            break;
        }
        let bytes = bytes(file)?;
        beside.iter_mut().for_each(|signature| signature.hold(&bytes));
    }
    beside
        .into_iter()
        .for_each(|signature| kept.add(signature.statement()));
    Ok(Reading::Attestation {
        keys: Digest::of_json(check),
        reports: Digest::of_json(&order.reports),
        found: AttestationFacts {
            statements: kept.statements,
        },
    })
}

/// The statements of one report that holds its own signatures.
fn statements(
    report: &Report,
    bytes: &[u8],
    trust: &Trust,
    artifacts: &[Digest],
) -> Result<Vec<Statement>, String> {
    let raw = report.raw;
    let read = gateline_evidence::verify(bytes, trust, artifacts)
        .map_err(|err| format!("the attestation `{raw}` could not be read: {err}"))?;
    if let Complete::No { reason } = read.complete {
        return Err(format!("the attestation `{raw}` says too little: {reason}"));
    }
    match read.facts {
        Facts::Attestation(facts) => Ok(facts.statements),
        other => Err(format!(
            "the report `{raw}` holds {} instead of attestations",
            other.kind()
        )),
    }
}

/// Who is trusted, with what their files hold now.
fn trust(check: &AttestationCheck) -> Result<Trust, String> {
    let AttestationCheck { keys, keyless } = check;
    let mut trust = Trust::new();
    for key in keys {
        let text = text_of(key)?;
        let added = match &key.revoked {
            Some(why) => trust.revoked(&key.name, &text, why),
            None => trust.key(&key.name, &text),
        };
        trust = added.map_err(|err| err.to_string())?;
    }
    let Some(Keyless {
        trusted_root,
        identities,
    }) = keyless
    else {
        return Ok(trust);
    };
    let root = text_in(trusted_root, ROOT_BYTES_MAX)
        .map_err(|err| format!("the trusted root could not be read from `{trusted_root}`: {err}"))?;
    let identities = identities.iter().map(|one| Identity {
        name: one.identity.clone(),
        issuer: one.issuer.clone(),
    });
    trust
        .identities(&root, identities.collect())
        .map_err(|err| err.to_string())
}

fn text_of(key: &TrustedKey) -> Result<String, String> {
    let TrustedKey {
        name,
        pem,
        file,
        revoked: _,
    } = key;
    match (pem, file) {
        (Some(pem), _) => Ok(pem.clone()),
        (None, Some(file)) => text_in(file, KEY_BYTES_MAX)
            .map_err(|err| format!("the key `{name}` could not be read from `{file}`: {err}")),
        (None, None) => Err(format!("the key `{name}` has neither a `file` nor a `pem`")),
    }
}

fn text_in(file: &str, bytes_max: u64) -> Result<String, String> {
    named_file::text(Path::new(file), bytes_max).map_err(|err| err.to_string())
}

/// The statements that are kept, the newest first.
#[derive(Default)]
struct Kept {
    statements: Vec<Statement>,
    parameters: usize,
    full: bool,
}

impl Kept {
    fn add(&mut self, mut statement: Statement) {
        // What nobody signed is not judged, so that its reason is all that is kept of it.
        if !matches!(statement.signature, Signature::Verified { .. }) {
            statement.provenance = None;
        }
        let parameters = statement.provenance.iter().map(|one| {
            let values = one.parameters.iter();
            values
                .map(|(name, value)| name.len() + value.to_string().len())
                .sum::<usize>()
        });
        let parameters = self.parameters + parameters.sum::<usize>();
        self.full |= self.statements.len() == STATEMENTS_MAX || parameters > PARAMETERS_BYTES_MAX;
        if !self.full {
            self.parameters = parameters;
            self.statements.push(statement);
        }
    }
}

#[cfg(test)]
mod tests {
    use gateline_model::Provenance;
    use serde_json::json;

    use super::*;

    fn order(reports: &[Report]) -> CheckOrder {
        let stage = json!({"project": "shop", "pipeline": "shop", "stage": "live"});
        let check = json!({"attestation": {"keys": []}});
        let order = json!({"check": check, "release": Digest::of(b"1.0.0"), "stage": stage, "version": "1.0.0", "artifacts": [], "reports": reports});
        serde_json::from_value(order).expect("an order")
    }

    fn of(keys: &[TrustedKey], reports: &[Digest], blob: Option<&[u8]>) -> Result<Reading, String> {
        let check = AttestationCheck {
            keys: keys.to_vec(),
            keyless: None,
        };
        let report = |raw: &Digest| Report {
            raw: *raw,
            format: "dsse".to_owned(),
        };
        let reports: Vec<_> = reports.iter().map(report).collect();
        look(&check, &order(&reports), |_| Ok(blob.map(<[u8]>::to_vec)))
    }

    fn in_file(file: &std::path::Path) -> TrustedKey {
        TrustedKey {
            name: "release".to_owned(),
            pem: None,
            file: Some(file.display().to_string()),
            revoked: None,
        }
    }

    #[test]
    fn without_a_report_there_is_no_statement_and_no_error() {
        let reading = of(&[], &[], None).expect("a reading");
        assert!(matches!(reading, Reading::Attestation { found, .. } if found.statements.is_empty()));
    }

    #[test]
    fn what_cannot_be_read_is_errored() {
        let raw = [Digest::of(b"raw")];
        assert!(
            of(&[], &raw, None)
                .expect_err("gone")
                .contains("is not in the store")
        );
        assert!(
            of(&[], &raw, Some(b"{\"payload\": "))
                .expect_err("cut off")
                .contains("could not be read")
        );
        let tests = b"<testsuites><testsuite name=\"a\"><testcase name=\"b\"/></testsuite></testsuites>";
        assert!(
            of(&[], &raw, Some(tests))
                .expect_err("tests")
                .contains("no signature")
        );
    }

    #[test]
    fn a_signature_is_held_against_the_files_that_were_reported_beside_it() {
        let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../gateline-evidence/tests/samples/signed");
        let sample = |name: &str| std::fs::read(samples.join(name)).expect("a sample");
        let (list, signature) = (sample("SHA256SUMS"), sample("SHA256SUMS.sig"));
        let artifact = Digest::of(&sample("message.txt"));
        let report = |bytes: &[u8], format: &str| Report {
            raw: Digest::of(bytes),
            format: format.to_owned(),
        };
        let other = b"another file".to_vec();
        let found = |reports: &[Report]| {
            let key = TrustedKey {
                file: Some(samples.join("ssh-ed.pub").display().to_string()),
                ..in_file(std::path::Path::new(""))
            };
            let check = AttestationCheck {
                keys: vec![key],
                keyless: None,
            };
            let mut order = order(reports);
            let at = format!("oci://registry.example.com/app@{artifact}")
                .parse()
                .expect("an address");
            let name = "image".parse().expect("a name");
            order.artifacts.push(gateline_model::Artifact { name, at });
            let kept = [&list, &signature, &other];
            let blob = |raw: &Digest| {
                Ok(kept
                    .iter()
                    .find(|bytes| Digest::of(bytes) == *raw)
                    .map(|bytes| bytes.to_vec()))
            };
            match look(&check, &order, blob).expect("a reading") {
                Reading::Attestation { mut found, .. } => found.statements.remove(0),
                other => panic!("{other:?}"),
            }
        };
        let (signature, list) = (report(&signature, "ssh-signature"), report(&list, "signed-file"));
        let held = found(&[signature.clone(), report(&other, "signed-file"), list]);
        assert!(matches!(held.signature, Signature::Verified { signer, .. } if signer == "release"));
        assert_eq!(held.subjects[0], artifact);
        let alone = found(std::slice::from_ref(&signature));
        assert!(
            matches!(alone.signature, Signature::Broken { reason } if reason.contains("was not reported"))
        );
        let wrong = found(&[signature, report(&other, "signed-file")]);
        assert!(
            matches!(wrong.signature, Signature::Broken { reason } if reason.contains("over other bytes"))
        );
    }

    #[test]
    fn a_key_that_cannot_be_read_is_errored_and_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("release.pub");
        let gone = of(&[in_file(&file)], &[], None).expect_err("there is no file");
        assert!(
            gone.contains("`release`") && gone.contains("release.pub"),
            "{gone}"
        );
        for (text, says) in [
            ("hello".to_owned(), "release"),
            ("-".repeat(1 << 20), "longer than 16384 bytes"),
        ] {
            std::fs::write(&file, text).expect("writes");
            let err = of(&[in_file(&file)], &[], None).expect_err(says);
            assert!(err.contains(says), "{err}");
        }
    }

    #[test]
    fn what_is_kept_of_many_statements_is_bounded_and_the_newest() {
        let statement = |signer: &str, bytes: usize| Statement {
            predicate_type: None,
            subjects: Vec::new(),
            signature: Signature::Verified {
                signer: signer.to_owned(),
                issuer: None,
            },
            provenance: Some(Provenance {
                parameters: [("a".to_owned(), json!("x".repeat(bytes)))].into(),
                ..Provenance::default()
            }),
            result: None,
        };
        let mut many = Kept::default();
        (0..=STATEMENTS_MAX).for_each(|_| many.add(statement("ci", 1)));
        assert_eq!(many.statements.len(), STATEMENTS_MAX);

        let mut large = Kept::default();
        large.add(statement("newest", PARAMETERS_BYTES_MAX - 3));
        large.add(statement("older", 1));
        assert_eq!(large.statements.len(), 1);

        let mut broken = Kept::default();
        let reason = "no trusted key made this signature".to_owned();
        broken.add(Statement {
            signature: Signature::Broken { reason },
            ..statement("", 1)
        });
        assert_eq!(broken.statements[0].provenance, None);
    }
}
