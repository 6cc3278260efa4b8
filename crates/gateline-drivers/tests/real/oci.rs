//! What is attached to images in real registries: the same claims for one that lists referrers and one that does not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateline_drivers::oci::{Attached, attached};
use gateline_model::Digest;
use serde_json::{Value, json};
use test_case::test_case;

use crate::registry::{Running, Sort};
use crate::scene::bounded;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const DSSE: &str = "application/vnd.dsse.envelope.v1+json";
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

#[test_case(Sort::ByTag; "docker-registry")]
#[test_case(Sort::ByList; "ferro-oci-server")]
#[tokio::test]
async fn what_is_attached_in_any_way_is_found(sort: Sort) {
    bounded(async {
        let registry = Running::start(sort).await;
        let (image, other) = (registry.push_image("1.0.0"), registry.push_image("2.0.0"));
        assert_eq!(
            registry.look(&image).await,
            Attached::default(),
            "nothing is attached yet"
        );

        registry.attach(&image, BUNDLE, b"{\"one\":\"bundle\"}").await;
        registry.attach(&image, BUNDLE, b"{\"another\":\"bundle\"}").await;
        registry
            .attach(&image, "application/jose", b"{\"of\":\"notation\"}")
            .await;
        let payload = format!("{{\"critical\":{{\"image\":{{\"docker-manifest-digest\":\"{image}\"}}}}}}");
        let annotations = json!({"dev.cosignproject.cosign/signature": "MEUC"});
        registry
            .tag(&image, ".sig", SIMPLE_SIGNING, payload.as_bytes(), annotations)
            .await;
        registry
            .tag(&image, ".att", DSSE, b"{\"an\":\"envelope\"}", json!({}))
            .await;
        registry
            .tag(
                &image,
                ".sbom",
                "application/vnd.cyclonedx+json",
                b"{\"a\":\"bill\"}",
                json!({}),
            )
            .await;

        let found = registry.look(&image).await;
        let [bundles @ .., signature, envelope, bill] = found.contents.as_slice() else {
            panic!("{found:?}");
        };
        let mut bundles = bundles.to_vec();
        bundles.sort();
        assert_eq!(
            bundles,
            [
                b"{\"another\":\"bundle\"}".to_vec(),
                b"{\"one\":\"bundle\"}".to_vec()
            ]
        );
        assert_eq!(
            (envelope.as_slice(), bill.as_slice()),
            (
                b"{\"an\":\"envelope\"}".as_slice(),
                b"{\"a\":\"bill\"}".as_slice()
            )
        );
        let signature: Value = serde_json::from_slice(signature).unwrap();
        assert_eq!(signature["Base64Signature"], "MEUC");
        assert_eq!(
            STANDARD.decode(signature["Payload"].as_str().unwrap()).unwrap(),
            payload.as_bytes()
        );
        assert_eq!(signature["Cert"], Value::Null);
        let [passed_over] = found.passed_over.as_slice() else {
            panic!("{found:?}");
        };
        assert!(
            passed_over.contains("is `application/jose`, which is not read"),
            "{passed_over}"
        );

        assert_eq!(
            registry.look(&image).await.contents,
            found.contents,
            "a second look finds the same"
        );
        assert_eq!(
            registry.look(&other).await,
            Attached::default(),
            "another image has nothing"
        );
        assert_eq!(registry.look(&Digest::of(b"no image")).await, Attached::default());
    })
    .await;
}

#[tokio::test]
async fn a_registry_that_asks_for_a_password_opens_with_it_alone() {
    bounded(async {
        let running = Running::locked().await;
        let image = running.push_image("1.0.0");
        let (registry, repository) = running.registry();
        let err = attached(&registry, &repository, &image).await.unwrap_err();
        assert!(err.why.contains("give a `username` and `password`"), "{err}");
        let (registry, repository) = running.with_password();
        assert_eq!(
            attached(&registry, &repository, &image).await.unwrap(),
            Attached::default()
        );
    })
    .await;
}

#[tokio::test]
async fn a_registry_that_is_gone_is_an_error_and_no_empty_list() {
    bounded(async {
        let running = Running::start(Sort::ByTag).await;
        let (registry, repository) = running.registry();
        drop(running);
        let err = attached(&registry, &repository, &Digest::of(b"x"))
            .await
            .unwrap_err();
        assert!(err.why.contains("could not reach"), "{err}");
    })
    .await;
}
