//! What is attached to an image in a registry, from there to the verdict. Real registries are in the drivers' tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, Uri};
use gateline_api::{Empty, FetchEvidence, FetchedView, Problem, RegisterRelease, ReleasePath};
use gateline_model::{Digest, Verdict};
use serde_json::json;

use crate::attestations::{about, envelope, key, pem, says};
use crate::support::{App, Client, release};

const DSSE: &str = "application/vnd.dsse.envelope.v1+json";

/// A registry that lists referrers; what it has, by path.
#[derive(Clone, Default)]
struct Registry(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Registry {
    /// Its address, once it serves.
    async fn serve(&self) -> String {
        let has = self.0.clone();
        let answer = move |uri: Uri| async move {
            match has.lock().unwrap().get(uri.path()) {
                Some(bytes) => (StatusCode::OK, bytes.clone()),
                None => (StatusCode::NOT_FOUND, Vec::new()),
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        address
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        self.0
            .lock()
            .unwrap()
            .insert(format!("/v2/shop/app/{path}"), bytes.to_vec());
    }

    /// Attaches one content to an image.
    fn attach(&self, image: &Digest, content: &[u8]) {
        let digest = Digest::of(content);
        self.put(&format!("blobs/{digest}"), content);
        let layer = json!({"mediaType": DSSE, "digest": digest, "size": content.len()});
        let manifest =
            json!({"schemaVersion": 2, "subject": {"digest": image, "size": 1}, "layers": [layer]})
                .to_string();
        let digest = Digest::of(manifest.as_bytes());
        self.put(&format!("manifests/{digest}"), manifest.as_bytes());
        let listed = json!({"schemaVersion": 2, "manifests": [{"digest": digest, "size": manifest.len()}]});
        self.put(&format!("referrers/{image}"), listed.to_string().as_bytes());
    }
}

/// A release of an image that waits for a signature, which may be attached in a registry.
async fn waiting(attestations: &str, at: &str) -> (App, Client) {
    let (app, admin, _, _) = App::start().await;
    let key = pem(&key(1)).replace('\n', "\\n");
    let pipeline = format!(
        "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: payment-service, project: payments}}\nspec:\n  \
         artifacts: [{{name: service, kind: oci{attestations}}}]\n  stages:\n    - name: live\n      \
         target: {{command: {{apply: [/bin/true], health: [/bin/true]}}}}\n      gates:\n        \
         - signature: {{keys: [{{name: release, pem: \"{key}\"}}], every: 100ms}}\n          because: Only what we signed goes live.\n"
    );
    admin.apply(&pipeline).await.unwrap();
    let mut request = release("1.0.0");
    let image = Digest::of(b"1.0.0");
    request.artifacts = [("service".parse().unwrap(), format!("oci://{at}/shop/app@{image}"))].into();
    admin
        .ask::<RegisterRelease>(&Empty {}, &Empty {}, &request)
        .await
        .unwrap();
    (app, admin)
}

async fn fetch(client: &Client) -> Result<FetchedView, Problem> {
    let path = ReleasePath {
        release: "payment-service@1.0.0".parse().unwrap(),
    };
    client.ask::<FetchEvidence>(&path, &Empty {}, &Empty {}).await
}

fn signed() -> Vec<u8> {
    let statement = about(b"1.0.0", "1");
    envelope(&statement, &statement, &key(1))
}

#[tokio::test]
async fn what_is_attached_in_the_registry_satisfies_by_itself() {
    let registry = Registry::default();
    let at = registry.serve().await;
    let (app, admin) = waiting(&format!(", attestations: {{registry: '{at}'}}"), &at).await;
    let id = "payments/payment-service/live/1".parse().unwrap();
    let missing = says(&app, &admin, &id, "check.missing").await;
    assert_eq!(missing.verdict, Verdict::Waiting);
    assert!(
        missing.says.ends_with(&format!("and none is attached in {at}")),
        "{}",
        missing.says
    );

    registry.attach(&Digest::of(b"1.0.0"), &signed());
    let passed = says(&app, &admin, &id, "check.passed").await;
    assert_eq!(passed.verdict, Verdict::Satisfied);
    let fetched = fetch(&admin).await.unwrap();
    let [evidence] = fetched.evidence.as_slice() else {
        panic!("{fetched:?}");
    };
    assert_eq!(
        fetched.recorded, 0,
        "each look finds the same, and records it once"
    );
    assert_eq!(
        (evidence.by.as_str(), evidence.format.as_str()),
        ("driver/oci", "dsse")
    );
    assert_eq!(
        (evidence.artifacts.as_slice(), evidence.raw),
        ([Digest::of(b"1.0.0")].as_slice(), Some(Digest::of(&signed())))
    );
}

#[tokio::test]
async fn bytes_that_were_changed_on_the_way_are_errored_and_no_evidence() {
    let registry = Registry::default();
    let at = registry.serve().await;
    registry.attach(&Digest::of(b"1.0.0"), &signed());
    registry.put(&format!("blobs/{}", Digest::of(&signed())), b"{}");
    let (app, admin) = waiting(&format!(", attestations: {{registry: '{at}'}}"), &at).await;
    let id = "payments/payment-service/live/1".parse().unwrap();
    let errored = says(&app, &admin, &id, "check.errored").await;
    assert_eq!(errored.verdict, Verdict::Waiting);
    assert!(errored.says.contains("somebody changed them"), "{}", errored.says);
    let problem = fetch(&admin).await.unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (502, "evidence.registry")
    );
}

#[tokio::test]
async fn an_image_in_another_registry_and_a_pipeline_without_one_are_told() {
    let (_app, admin) = waiting(", attestations: {registry: registry.example.com}", "evil.example").await;
    let problem = fetch(&admin).await.unwrap_err();
    let detail = problem.detail.clone();
    assert!(detail.contains("is not in `registry.example.com`"), "{detail}");
    let (_app, admin) = waiting("", "registry.example.com").await;
    assert_eq!(fetch(&admin).await.unwrap_err().code, "evidence.no_registry");
}
