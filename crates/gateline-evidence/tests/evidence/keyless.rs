//! Bundles that a certificate signed, checked offline against a trusted root.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateline_evidence::{Identity, Trust, verify};
use gateline_model::{Digest, Facts, Signature};
use serde_json::Value;
use test_case::test_case;

const BUNDLE: &str = include_str!("../samples/sigstore-bundle-provenance.json");
const ROOT: &str = include_str!("../samples/signed/staging-root.json");
const SUBJECT: &str = "sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf";

fn of(bundle: &str, name: &str, issuer: &str, artifact: &str) -> Result<String, String> {
    let identity = Identity {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
    };
    let trust = Trust::new()
        .identities(ROOT, vec![identity])
        .expect("the root is read");
    let artifact: Digest = artifact.parse().expect("is a digest");
    let read = verify(bundle.as_bytes(), &trust, &[artifact]).expect("reads");
    match read.facts {
        Facts::Attestation(facts) => match facts.statements[0].signature.clone() {
            Signature::Verified { signer, issuer } => {
                Ok(format!("{signer} of {}", issuer.unwrap_or_default()))
            }
            Signature::Broken { reason } => Err(reason),
            Signature::Unchecked => panic!("nobody looked"),
        },
        other => panic!("no attestation: {other:?}"),
    }
}

const NAME: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

#[test]
fn an_identity_that_is_trusted_holds() {
    assert_eq!(
        of(BUNDLE, NAME, ISSUER, SUBJECT),
        Ok(format!("{NAME} of {ISSUER}"))
    );
    let beginning = format!("{}*", &NAME[..10]);
    assert!(of(BUNDLE, &beginning, ISSUER, SUBJECT).is_ok());
}

#[test_case("someone@else.example", ISSUER; "another name")]
#[test_case(NAME, "https://issuer.example"; "another issuer")]
#[test_case(&NAME[..10], ISSUER; "a beginning without a star")]
fn another_identity_is_not_trusted(name: &str, issuer: &str) {
    let why = of(BUNDLE, name, issuer, SUBJECT).expect_err("is not trusted");
    assert!(
        why.contains("signed it, who is not trusted; trusted are `"),
        "{why}"
    );
}

#[test]
fn a_changed_bundle_breaks_it() {
    let other = format!("sha256:{}", "0".repeat(64));
    assert!(of(BUNDLE, NAME, ISSUER, &other).is_err());
    for (path, why) in [
        ("/dsseEnvelope/signatures/0/sig", "does not hold"),
        (
            "/verificationMaterial/tlogEntries/0/canonicalizedBody",
            "does not hold",
        ),
        ("/verificationMaterial/certificate/rawBytes", "does not hold"),
    ] {
        let mut bundle: Value = serde_json::from_str(BUNDLE).expect("is JSON");
        let text = bundle.pointer_mut(path).expect("is there");
        let mut bytes = STANDARD
            .decode(text.as_str().expect("is text"))
            .expect("is base64");
        *bytes.last_mut().expect("is not empty") ^= 1;
        *text = STANDARD.encode(bytes).into();
        let says = of(&bundle.to_string(), NAME, ISSUER, SUBJECT).expect_err(path);
        assert!(says.contains(why), "{path}: {says}");
    }
}

#[test]
fn a_root_that_is_none_is_refused() {
    let error = Trust::new()
        .identities("{}", Vec::new())
        .err()
        .map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.starts_with("the trusted root cannot be used: ")));
}
