//! Cosign's signatures of images, as it prints them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use gateline_evidence::{Complete, Format, Trust, read, verify};
use gateline_model::{Digest, Facts, Signature};
use serde_json::{Value, json};
use test_case::test_case;

use crate::signing::{key, pem};

fn image() -> Digest {
    Digest::of(b"image")
}

/// What `cosign download signature` prints of a signature by this key.
fn printed(seed: u8, of: &str, image: &str) -> Value {
    let payload = json!({"critical": {"identity": {"docker-reference": "registry.example.com/shop/app"},
        "image": {"docker-manifest-digest": image}, "type": of}, "optional": null})
    .to_string();
    let signature = key(seed).sign(payload.as_bytes()).to_bytes();
    json!({"Base64Signature": STANDARD.encode(signature), "Payload": STANDARD.encode(payload), "Cert": null, "Chain": null,
        "Bundle": null, "RFC3161Timestamp": null})
}

fn ours() -> Value {
    printed(1, "cosign container image signature", &image().to_string())
}

fn of(text: &str, artifact: Digest) -> Signature {
    let trust = Trust::new().key("ci", &pem(&key(1))).expect("is a key");
    match verify(text.as_bytes(), &trust, &[artifact]).expect("reads").facts {
        Facts::Attestation(mut facts) => facts.statements.remove(0).signature,
        other => panic!("no attestation: {other:?}"),
    }
}

fn why(text: &str, artifact: Digest) -> String {
    match of(text, artifact) {
        Signature::Broken { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signature_of_an_image_holds_for_that_image_alone() {
    let text = ours().to_string();
    assert_eq!(
        read(text.as_bytes(), None).expect("reads").format,
        Format::CosignSignature
    );
    assert!(matches!(of(&text, image()), Signature::Verified { signer, .. } if signer == "ci"));
    assert!(why(&text, Digest::of(b"another")).starts_with("`ci` signed it for `"));
}

#[test]
fn another_key_a_changed_payload_and_a_certificate_are_told() {
    let stranger = printed(2, "cosign container image signature", &image().to_string());
    assert!(why(&stranger.to_string(), image()).starts_with("no trusted key made this signature"));
    let mut changed = ours();
    changed["Payload"] = printed(
        2,
        "cosign container image signature",
        &Digest::of(b"another").to_string(),
    )["Payload"]
        .clone();
    assert!(matches!(
        of(&changed.to_string(), image()),
        Signature::Broken { .. }
    ));
    let mut certified = ours();
    certified["Cert"] = json!({"Raw": "AAAA"});
    assert!(why(&certified.to_string(), image()).contains("`--new-bundle-format`"));
    let mut garbled = ours();
    garbled["Base64Signature"] = "?".into();
    assert!(why(&garbled.to_string(), image()).contains("not base64"));
}

#[test_case("atomic container signature", "sha256:00", "no signature of an image"; "of another tool")]
#[test_case("cosign container image signature", "sha512:00", "no image by SHA-256"; "by another digest")]
fn what_is_no_signature_of_an_image_says_too_little(of: &str, image: &str, says: &str) {
    let text = printed(1, of, image).to_string();
    match read(text.as_bytes(), None).expect("reads").complete {
        Complete::No { reason } => assert!(reason.contains(says), "{reason}"),
        Complete::Yes => panic!("it says nothing of an image"),
    }
}
