//! Signed statements from their report to the verdict, with keys that are made here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use gateline_api::{EvidenceQuery, PromotionView};
use gateline_model::{Digest, GateVerdict, PromotionId, Verdict};
use serde_json::json;

use crate::support::{App, Client};

const OF: &str = "application/vnd.in-toto+json";
const RELEASE: &str = "payment-service@1.0.0";

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The public half as PEM.
pub fn pem(key: &SigningKey) -> String {
    let head: &[u8] = &[
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let der = STANDARD.encode([head, key.verifying_key().as_bytes()].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")
}

/// A statement about an artifact.
pub fn about(artifact: &[u8], run: &str) -> String {
    let subject = json!([{"name": "app", "digest": {"sha256": Digest::of(artifact).hex()}}]);
    let predicate = json!({"reviewed": run});
    let of = "https://acme.example/review/v1";
    json!({"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": of, "predicate": predicate})
        .to_string()
}

/// An envelope of one text, with the signature over another.
pub fn envelope(payload: &str, signed: &str, key: &SigningKey) -> Vec<u8> {
    let bytes = format!("DSSEv1 {} {OF} {} {signed}", OF.len(), signed.len());
    let signature = STANDARD.encode(key.sign(bytes.as_bytes()).to_bytes());
    let signatures = json!([{"keyid": "", "sig": signature}]);
    json!({"payload": STANDARD.encode(payload), "payloadType": OF, "signatures": signatures})
        .to_string()
        .into_bytes()
}

struct Shop {
    app: App,
    admin: Client,
    id: PromotionId,
    key: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

/// A release that waits for a signature, by the key in a file.
async fn shop(key: Option<String>) -> Shop {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("release.pub");
    if let Some(key) = key {
        std::fs::write(&file, key).unwrap();
    }
    let (app, admin, _, _) = App::start().await;
    let pipeline = format!(
        "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: payment-service, project: payments}}\nspec:\n  \
         artifacts: [{{name: service, kind: file}}]\n  stages:\n    - name: live\n      \
         target: {{command: {{apply: [/bin/true], health: [/bin/true]}}}}\n      gates:\n        \
         - signature: {{keys: [{{name: release, file: {file:?}}}], every: 100ms}}\n          because: Only what we signed goes live.\n"
    );
    admin.apply(&pipeline).await.unwrap();
    admin.register("1.0.0").await.unwrap();
    let id = "payments/payment-service/live/1".parse().unwrap();
    Shop {
        app,
        admin,
        id,
        key: file,
        _dir: dir,
    }
}

impl Shop {
    async fn report(&self, envelope: &[u8]) {
        let query = EvidenceQuery::default();
        self.admin.evidence(RELEASE, &query, envelope).await.unwrap();
    }

    /// Waits until the gate says something with this code.
    async fn says(&self, code: &str) -> GateVerdict {
        says(&self.app, &self.admin, &self.id, code).await
    }
}

/// Waits until the gate on signatures says something with this code.
pub async fn says(app: &App, client: &Client, id: &PromotionId, code: &str) -> GateVerdict {
    let mut news = app.hub.watch();
    loop {
        let view: PromotionView = client.promotion(id).await.unwrap();
        let verdicts = view.decision.into_iter().flat_map(|decision| decision.verdicts);
        if let Some(verdict) = verdicts
            .into_iter()
            .find(|one| one.kind == "signature" && one.code == code)
        {
            return verdict;
        }
        news.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_statement_by_a_trusted_key_about_this_artifact_satisfies() {
    let shop = shop(Some(pem(&key(1)))).await;
    assert_eq!(shop.says("check.missing").await.verdict, Verdict::Waiting);
    let statement = about(b"1.0.0", "1");
    shop.report(&envelope(&statement, &statement, &key(1))).await;
    let verdict = shop.says("check.passed").await;
    assert_eq!(verdict.verdict, Verdict::Satisfied);
    assert!(verdict.says.ends_with("is signed by release"), "{}", verdict.says);
}

#[tokio::test]
async fn another_key_a_changed_payload_and_another_artifact_are_refused_and_told() {
    let statement = about(b"1.0.0", "1");
    let other = about(b"2.0.0", "1");
    for (envelope, why) in [
        (
            envelope(&statement, &statement, &key(2)),
            "no trusted key made this signature",
        ),
        (
            envelope(&statement, &about(b"1.0.0", "2"), &key(1)),
            "no trusted key made this signature",
        ),
        (envelope(&other, &other, &key(1)), "and not for"),
    ] {
        let shop = shop(Some(pem(&key(1)))).await;
        shop.report(&envelope).await;
        let verdict = shop.says("check.unsigned").await;
        assert_eq!(verdict.verdict, Verdict::Refused);
        assert!(
            verdict.details.iter().any(|line| line.contains(why)),
            "{:?}",
            verdict.details
        );
        // A right one beside it does.
        shop.report(&self::envelope(&statement, &statement, &key(1)))
            .await;
        shop.says("check.passed").await;
    }
}

#[tokio::test]
async fn a_key_is_read_at_each_look_and_without_it_nobody_knows() {
    let shop = shop(None).await;
    let statement = about(b"1.0.0", "1");
    shop.report(&envelope(&statement, &statement, &key(1))).await;
    let verdict = shop.says("check.errored").await;
    assert_eq!(verdict.verdict, Verdict::Waiting);
    assert!(verdict.says.contains("release.pub"), "{}", verdict.says);
    std::fs::write(&shop.key, pem(&key(1))).unwrap();
    shop.says("check.passed").await;
}
