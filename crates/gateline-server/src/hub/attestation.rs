//! Attestations: the reported bytes, held against the keys that a gate trusts and the artifacts of the release.
//!
//! Keys in files are read at each look, so that a key can be replaced without a restart. Knows no criteria.

use std::io::Read as _;

use gateline_evidence::{Complete, Trust};
use gateline_model::{
    AttestationCheck, AttestationFacts, CheckOrder, Digest, Facts, Reading, STATEMENTS_MAX, Signature,
    Statement, TrustedKey,
};

use super::Hub;

/// Largest file of one key.
const KEY_BYTES_MAX: u64 = 16 * 1024;
/// Largest report of signed statements that is verified: it is held in memory.
const REPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of JSON kept of the parameters of all provenances together; older statements are left out.
const PARAMETERS_BYTES_MAX: usize = 512 * 1024;

/// Looks at the reports of an order, beside everything else that reads.
pub(super) async fn check(
    hub: &Hub,
    check: &AttestationCheck,
    order: &CheckOrder,
) -> Result<Reading, String> {
    let (check, order) = (check.clone(), order.clone());
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
    let trust = check.keys.iter().try_fold(Trust::new(), |trust, key| {
        let text = text_of(key)?;
        trust.key(&key.name, &text).map_err(|err| err.to_string())
    })?;
    let artifacts: Vec<Digest> = order
        .artifacts
        .iter()
        .map(|artifact| artifact.at.digest())
        .collect();
    let mut kept = Kept::default();
    for raw in &order.reports {
        let bytes = blob(raw)
            .map_err(|err| format!("the attestation `{raw}` could not be read: {err}"))?
            .ok_or_else(|| format!("the attestation `{raw}` is not in the store; run `gateline doctor`"))?;
        let read = gateline_evidence::verify(&bytes, &trust, &artifacts)
            .map_err(|err| format!("the attestation `{raw}` could not be read: {err}"))?;
        if let Complete::No { reason } = read.complete {
            return Err(format!("the attestation `{raw}` says too little: {reason}"));
        }
        let Facts::Attestation(facts) = read.facts else {
            return Err(format!(
                "the report `{raw}` holds {} instead of attestations",
                read.facts.kind()
            ));
        };
        facts
            .statements
            .into_iter()
            .for_each(|statement| kept.add(statement));
    }
    Ok(Reading::Attestation {
        keys: Digest::of_json(&check.keys),
        reports: Digest::of_json(&order.reports),
        found: AttestationFacts {
            statements: kept.statements,
        },
    })
}

fn text_of(key: &TrustedKey) -> Result<String, String> {
    let TrustedKey { name, pem, file } = key;
    match (pem, file) {
        (Some(pem), _) => Ok(pem.clone()),
        (None, Some(file)) => {
            let unread = |err: String| format!("the key `{name}` could not be read from `{file}`: {err}");
            let open = std::fs::File::open(file).map_err(|err| unread(err.to_string()))?;
            let mut text = String::new();
            let size = open
                .take(KEY_BYTES_MAX + 1)
                .read_to_string(&mut text)
                .map_err(|err| unread(err.to_string()))?;
            match size as u64 {
                0..=KEY_BYTES_MAX => Ok(text),
                _ => Err(unread(format!("it has more than {KEY_BYTES_MAX} bytes"))),
            }
        }
        (None, None) => Err(format!("the key `{name}` has neither a `file` nor a `pem`")),
    }
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

    fn order(reports: &[Digest]) -> CheckOrder {
        let stage = json!({"project": "shop", "pipeline": "shop", "stage": "live"});
        let check = json!({"attestation": {"keys": []}});
        let order =
            json!({"check": check, "stage": stage, "version": "1.0.0", "artifacts": [], "reports": reports});
        serde_json::from_value(order).expect("an order")
    }

    fn of(keys: &[TrustedKey], reports: &[Digest], blob: Option<&[u8]>) -> Result<Reading, String> {
        let check = AttestationCheck { keys: keys.to_vec() };
        look(&check, &order(reports), |_| Ok(blob.map(<[u8]>::to_vec)))
    }

    fn in_file(file: &std::path::Path) -> TrustedKey {
        TrustedKey {
            name: "release".to_owned(),
            pem: None,
            file: Some(file.display().to_string()),
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
            ("-".repeat(1 << 20), "more than 16384 bytes"),
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
