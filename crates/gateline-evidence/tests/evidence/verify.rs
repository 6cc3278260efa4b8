//! Whether signatures hold, and in which words they do not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use gateline_evidence::{
    KEYS_MAX, Read, ReadError, SIGNATURE_BYTES_MAX, SIGNATURES_MAX, Trust, TrustError, verify,
    verify_detached,
};
use gateline_model::{Digest, Facts, SUBJECTS_MAX, Signature, Statement};
use serde_json::{Value, json};
use test_case::test_case;

use crate::signing::{SUBJECT, key, pem, signed, statement};

const MESSAGE: &[u8] = include_bytes!("../samples/signed/message.txt");
const LIST: &[u8] = include_bytes!("../samples/signed/SHA256SUMS");

fn artifact() -> Digest {
    Digest::of(MESSAGE)
}

fn trust(keys: &[(&str, &str)]) -> Trust {
    let add = |trust: Trust, (name, text): &(&str, &str)| trust.key(name, text).expect("is a key");
    keys.iter().fold(Trust::new(), add)
}

fn statements(read: Result<Read, ReadError>) -> Vec<Statement> {
    match read.expect("reads").facts {
        Facts::Attestation(facts) => facts.statements,
        other => panic!("no attestation: {other:?}"),
    }
}

fn of(text: &str, trust: &Trust) -> Signature {
    statements(verify(text.as_bytes(), trust, &[artifact()]))
        .remove(0)
        .signature
}

fn by(signer: &str) -> Signature {
    Signature::Verified {
        signer: signer.to_owned(),
        issuer: None,
    }
}

/// Why a signature does not hold, or how the test was wrong.
fn why(signature: Signature) -> String {
    match signature {
        Signature::Broken { reason } => reason,
        other => format!("{other:?}"),
    }
}

fn envelope() -> Value {
    signed(&statement(json!({})), &key(1))
}

fn ci() -> Trust {
    trust(&[("other", &pem(&key(2))), ("ci", &pem(&key(1)))])
}

#[test]
fn the_subject_of_the_tests_is_the_message() {
    assert_eq!(artifact().hex(), SUBJECT);
}

#[test]
fn every_signature_is_tried_against_every_key() {
    let mut envelope = envelope();
    let of_stranger = signed(&statement(json!({})), &key(3))["signatures"][0].clone();
    let ours = envelope["signatures"][0].clone();
    envelope["signatures"] = json!([of_stranger, ours]);
    assert_eq!(of(&envelope.to_string(), &ci()), by("ci"));
}

#[test]
fn envelopes_that_other_tools_signed_hold() {
    let text = include_str!("../samples/dsse-synthetic.intoto.jsonl");
    let (p256, ed25519) = (
        include_str!("../samples/signed/p256.pub"),
        include_str!("../samples/signed/ed25519.pub"),
    );
    let found = statements(verify(
        text.as_bytes(),
        &trust(&[("a", p256), ("b", ed25519)]),
        &[artifact()],
    ));
    let signers: Vec<_> = found.into_iter().map(|one| one.signature).collect();
    assert_eq!(signers, [by("a"), by("b"), by("a"), by("b"), by("a")]);
}

#[test]
fn a_bundle_that_names_a_key_holds_by_that_key() {
    let text = include_str!("../samples/sigstore-bundle-vsa-synthetic.json");
    let key = include_str!("../samples/signed/vsa.pub");
    assert_eq!(of(text, &trust(&[("gateline", key)])), by("gateline"));

    let changed = text.replace("\"hint\": \"/OGtI", "\"hint\": \"AOGtI");
    let says = why(of(&changed, &trust(&[("gateline", key)])));
    assert_eq!(
        says,
        "the bundle and its envelope name different keys: one of them was changed"
    );
}

#[test]
fn a_signature_of_cosign_over_an_artifact_holds_for_its_digest() {
    let text = include_bytes!("../samples/sigstore-bundle-key.json");
    let cosign = trust(&[("cosign", include_str!("../samples/signed/cosign.pub"))]);
    let subject = statements(verify(text, &cosign, &[])).remove(0).subjects[0];
    let found = |artifact| statements(verify(text, &cosign, &[artifact])).remove(0).signature;
    assert_eq!(found(subject), by("cosign"));
    let says = why(found(artifact()));
    assert!(says.starts_with("`cosign` signed it for `"), "{says}");

    let says = why(statements(verify(text, &ci(), &[subject])).remove(0).signature);
    assert!(
        says.contains("Ed25519 signs the artifact's bytes, which are not here"),
        "{says}"
    );
}

fn change(envelope: &mut Value, path: &str, value: Value) {
    *envelope.pointer_mut(path).expect("is there") = value;
}

#[test]
fn a_changed_payload_breaks_it() {
    let mut envelope = envelope();
    let other = signed(&statement(json!({"reviewer": "mallory"})), &key(9));
    change(&mut envelope, "/payload", other["payload"].clone());
    let says = why(of(&envelope.to_string(), &ci()));
    assert_eq!(
        says,
        "no trusted key made this signature; trusted are `other`, `ci`: another key signed, or the payload was changed"
    );
}

#[test]
fn a_changed_payload_of_a_named_key_is_told_apart_from_another_key() {
    let text = include_str!("../samples/sigstore-bundle-vsa-synthetic.json");
    let mut bundle: Value = serde_json::from_str(text).expect("is JSON");
    let other = signed(&statement(json!({})), &key(9));
    change(&mut bundle, "/dsseEnvelope/payload", other["payload"].clone());
    let vsa = trust(&[("gateline", include_str!("../samples/signed/vsa.pub"))]);
    let says = why(of(&bundle.to_string(), &vsa));
    assert!(
        says.starts_with("it names the key `gateline`, which is trusted, but"),
        "{says}"
    );
    let says = why(of(&bundle.to_string(), &ci()));
    assert!(
        says.starts_with("no trusted key made this signature (it names the key `/OGtI"),
        "{says}"
    );
}

#[test]
fn the_type_of_the_payload_is_signed_too() {
    let mut envelope = envelope();
    change(
        &mut envelope,
        "/payloadType",
        json!("application/vnd.in-toto.x+json"),
    );
    let says = why(of(&envelope.to_string(), &ci()));
    assert!(says.starts_with("no trusted key made this signature"), "{says}");
}

#[test_case(json!([]), "the envelope has no signature; sign it again"; "no signature")]
#[test_case(json!(null), "the envelope has no signature; sign it again"; "not even a list")]
#[test_case(json!([{"sig": "!"}]), "its signature is not base64; sign it again"; "not base64")]
#[test_case(json!([{"sig": "AAAA"}]), "by the key `other` it cannot be: a signature of Ed25519 has 64 bytes"; "a signature that is cut off")]
#[test_case(json!(vec![json!({"sig": ""}); SIGNATURES_MAX + 1]), "the envelope has 21 signatures; 20 are looked at"; "too many signatures")]
fn what_is_wrong_with_signatures_is_told(signatures: Value, says: &str) {
    let mut envelope = envelope();
    change(&mut envelope, "/signatures", signatures);
    let told = why(of(&envelope.to_string(), &ci()));
    assert!(told.ends_with(says), "{told}");
}

#[test]
fn a_statement_holds_for_its_own_artifact_alone() {
    let text = envelope().to_string();
    let other = Digest::of(b"another");
    let found = |artifacts: &[Digest]| {
        statements(verify(text.as_bytes(), &ci(), artifacts))
            .remove(0)
            .signature
    };
    assert_eq!(found(&[other, artifact()]), by("ci"));
    assert_eq!(
        why(found(&[other])),
        format!(
            "`ci` signed it for `{}` and not for `{}`; report the statement of this very artifact",
            artifact().short(),
            other.short()
        )
    );
    assert!(
        why(found(&[])).contains("and not for none"),
        "no artifact is no match"
    );
}

#[test]
fn the_artifact_that_is_meant_is_shown_however_many_there_are() {
    let mut wide: Value = serde_json::from_str(&statement(json!({}))).expect("is JSON");
    let mut subjects = vec![json!({"digest": {"sha256": Digest::of(b"another").hex()}}); SUBJECTS_MAX];
    subjects.push(json!({"digest": {"sha256": SUBJECT}}));
    wide["subject"] = Value::Array(subjects);
    let text = signed(&wide.to_string(), &key(1)).to_string();
    let found = statements(verify(text.as_bytes(), &ci(), &[artifact()])).remove(0);
    assert_eq!(found.signature, by("ci"));
    assert_eq!(
        (found.subjects.len(), found.subjects[0]),
        (SUBJECTS_MAX, artifact())
    );
}

#[test]
fn nobody_is_trusted_by_default() {
    let says = why(of(&envelope().to_string(), &Trust::new()));
    assert_eq!(says, "no key is trusted to sign statements; name one in PEM");
    let says = why(of(&statement(json!({})), &ci()));
    assert!(says.starts_with("nobody signed the statement"), "{says}");
}

#[test]
fn a_certificate_without_trusted_identities_is_no_signature() {
    let text = include_bytes!("../samples/sigstore-bundle-provenance.json");
    let says = why(statements(verify(text, &ci(), &[artifact()])).remove(0).signature);
    assert!(
        says.starts_with("a certificate signed it, and no identity is trusted"),
        "{says}"
    );
}

#[test]
fn a_report_of_another_format_is_no_statement() {
    let report = include_bytes!("../samples/junit-pytest.xml");
    let error = verify(report, &ci(), &[artifact()]).expect_err("is no statement");
    assert_eq!(
        error.to_string(),
        "a `junit` report has no signature: report the statement that is signed"
    );
}

fn refusal(trust: Result<Trust, TrustError>) -> String {
    trust.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test_case("", "line 1"; "nothing")]
#[test_case("hello", "it is no public key that is known: PEM, SSH or minisign"; "no key")]
#[test_case("-----BEGIN PUBLIC KEY-----\nAAAA", "whole from BEGIN to END"; "half a key")]
#[test_case("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "neither ECDSA on P-256 nor Ed25519"; "a key of another sort")]
#[test_case("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "it is a private key: name the public one"; "a private key")]
#[test_case(include_str!("../samples/signed/ssh-rsa.pub"), "neither Ed25519 nor ECDSA on P-256"; "an RSA key")]
#[test_case("ssh-ed25519 AAAA", "it is cut off"; "half an SSH key")]
#[test_case("alice valid-before=\"20200101\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIorFcgsfYBSiZCXe2DRW9esJ7wA7mcpH25qsEwe/G9D", "the option `valid-before="; "an option that needs a clock")]
#[test_case("*  cert-authority ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIorFcgsfYBSiZCXe2DRW9esJ7wA7mcpH25qsEwe/G9D", "the option `cert-authority`"; "an authority")]
fn what_is_no_key_is_not_trusted(text: &str, says: &str) {
    let told = refusal(Trust::new().key("ci", text));
    assert!(told.starts_with("the key `ci` cannot be read: "), "{told}");
    assert!(
        told.contains(says) || text.is_empty() && told.ends_with("there is no key in it"),
        "{told}"
    );
}

#[test]
fn one_key_is_not_two_signers() {
    for text in [
        pem(&key(1)).as_str(),
        include_str!("../samples/signed/ssh-ed.pub"),
    ] {
        let twice = trust(&[("ci", text)]).key("release", text);
        assert!(refusal(twice).ends_with("are the same key; name it once"));
    }
}

#[test]
fn keys_are_limited() {
    let add = |trust: Trust, seed: usize| trust.key("k", &pem(&key(u8::try_from(seed).expect("is small"))));
    let full = (1..=KEYS_MAX).try_fold(Trust::new(), add).expect("there is room");
    assert!(matches!(add(full, KEYS_MAX + 1), Err(TrustError::TooMany)));
}

fn ssh() -> Trust {
    trust(&[
        ("alice", include_str!("../samples/signed/ssh-ed.pub")),
        ("bob", include_str!("../samples/signed/ssh-ec.pub")),
    ])
}

fn detached(signature: &str, message: &[u8], trust: &Trust) -> Signature {
    verify_detached(signature.as_bytes(), message, trust, &[artifact()]).signature
}

#[test_case(include_str!("../samples/signed/ssh-ed-file.sig"), "alice")]
#[test_case(include_str!("../samples/signed/ssh-ed-file-sha256.sig"), "alice")]
#[test_case(include_str!("../samples/signed/ssh-ed-gateline-evidence.sig"), "alice")]
#[test_case(include_str!("../samples/signed/ssh-ec-file.sig"), "bob")]
#[test_case(include_str!("../samples/signed/ssh-ec-gateline-evidence.sig"), "bob")]
fn signatures_of_ssh_keygen_hold(signature: &str, signer: &str) {
    assert_eq!(detached(signature, MESSAGE, &ssh()), by(signer));
    let another = b"another";
    let says = why(verify_detached(signature.as_bytes(), another, &ssh(), &[Digest::of(another)]).signature);
    let told = format!(
        "it names the key of `{signer}`, but it is over other bytes: the file or the signature was changed"
    );
    assert_eq!(says, told);
    assert!(why(detached(signature, MESSAGE, &ci())).starts_with("an SSH key signed it that is not trusted"));
}

#[test_case(include_str!("../samples/signed/ssh-ed-git.sig"))]
#[test_case(include_str!("../samples/signed/ssh-ec-git.sig"))]
fn a_signature_of_a_commit_is_not_one_of_evidence(signature: &str) {
    let says = why(detached(signature, MESSAGE, &ssh()));
    assert!(
        says.contains("it was made for `git`, and not for `file`"),
        "{says}"
    );
}

#[test]
fn allowed_signers_name_the_signer_and_bound_what_for() {
    let line = format!(
        "# a comment\nalice@acme.example namespaces=\"file\" {}",
        include_str!("../samples/signed/ssh-ed.pub")
    );
    let allowed = trust(&[("release", &line)]);
    let (file, evidence) = (
        include_str!("../samples/signed/ssh-ed-file.sig"),
        include_str!("../samples/signed/ssh-ed-gateline-evidence.sig"),
    );
    assert_eq!(detached(file, MESSAGE, &allowed), by("alice@acme.example"));
    assert!(
        why(detached(evidence, MESSAGE, &allowed))
            .ends_with("that key may not sign for `gateline-evidence`, says its line")
    );
}

#[test]
fn a_signed_list_of_checksums_is_about_its_lines() {
    let signature = include_str!("../samples/signed/SHA256SUMS.sig");
    assert_eq!(detached(signature, LIST, &ssh()), by("alice"));
    let stranger = verify_detached(signature.as_bytes(), LIST, &ssh(), &[Digest::of(b"another")]);
    assert!(why(stranger.signature).starts_with("`alice` signed it for `"));
}

#[test]
fn no_beginning_of_a_signature_holds() {
    let (ssh_text, minisign_text) = (
        include_str!("../samples/signed/ssh-ec-file.sig").trim_end(),
        include_str!("../samples/signed/minisign.sig").trim_end(),
    );
    for text in [ssh_text, minisign_text] {
        let trust = ssh()
            .key("m", include_str!("../samples/signed/minisign.pub"))
            .expect("is a key");
        for end in 0..text.len() {
            let signature = detached(&text[..end], MESSAGE, &trust);
            assert!(
                matches!(signature, Signature::Broken { .. }),
                "the first {end} bytes"
            );
        }
    }
}

#[test]
fn signatures_of_minisign_hold() {
    let minisign = trust(&[("release", include_str!("../samples/signed/minisign.pub"))]);
    let signature = include_str!("../samples/signed/minisign.sig");
    assert_eq!(detached(signature, MESSAGE, &minisign), by("release"));
    assert!(why(detached(signature, b"another", &minisign)).contains("it is over other bytes"));
    let commented = signature.replace("file:message.txt", "file:another.txt");
    assert!(why(detached(&commented, MESSAGE, &minisign)).contains("its comment was changed"));
    assert!(
        why(detached(signature, MESSAGE, &ssh())).starts_with("a minisign key signed it that is not trusted")
    );
}

#[test]
fn what_is_no_signature_is_told() {
    let says = why(detached("hello", MESSAGE, &ssh()));
    assert_eq!(says, "it is neither a signature of SSH nor of minisign");
    let says = why(detached(&"x".repeat(SIGNATURE_BYTES_MAX + 1), MESSAGE, &ssh()));
    assert_eq!(says, "the signature has 16385 bytes; at most 16384 are read");
}

/// SSH's binary text: its length, and itself.
fn wire(parts: &[&[u8]]) -> Vec<u8> {
    let part = |part: &&[u8]| [&(part.len() as u32).to_be_bytes(), *part].concat();
    parts.iter().flat_map(part).collect()
}

/// A signature over the message as a security key makes it, touched or not, and the line of its key.
fn of_security_key(flags: u8) -> (String, String) {
    let (of, application) = (b"sk-ssh-ed25519@openssh.com".as_slice(), b"ssh:".as_slice());
    let blob = wire(&[of, key(7).verifying_key().as_bytes(), application]);
    let message = Digest::of(MESSAGE);
    let over = [
        b"SSHSIG".as_slice(),
        &wire(&[b"file", b"", b"sha256", message.as_bytes()]),
    ]
    .concat();
    let counter = [flags, 0, 0, 0, 9];
    let (application, over) = (Digest::of(application), Digest::of(&over));
    let signed = [application.as_bytes().as_slice(), &counter, over.as_bytes()].concat();
    let raw = key(7).sign(&signed).to_bytes();
    let signature = [wire(&[of, &raw]).as_slice(), &counter].concat();
    let version = 1_u32.to_be_bytes();
    let body = wire(&[&blob, b"file", b"", b"sha256", &signature]);
    let base64 = STANDARD.encode([b"SSHSIG".as_slice(), &version, &body].concat());
    let armoured = format!("-----BEGIN SSH SIGNATURE-----\n{base64}\n-----END SSH SIGNATURE-----\n");
    (
        armoured,
        format!("sk-ssh-ed25519@openssh.com {} carol", STANDARD.encode(blob)),
    )
}

#[test]
fn a_security_key_signs_when_somebody_touched_it() {
    let (signature, line) = of_security_key(1);
    assert_eq!(
        detached(&signature, MESSAGE, &trust(&[("carol", &line)])),
        by("carol")
    );
    let (signature, line) = of_security_key(0);
    let says = why(detached(&signature, MESSAGE, &trust(&[("carol", &line)])));
    assert!(
        says.ends_with("nobody touched the security key when it signed"),
        "{says}"
    );
}

#[test]
fn an_envelope_with_two_payloads_is_refused() {
    let text = envelope().to_string().replacen('{', "{\"payload\":\"e30=\",", 1);
    let error = verify(text.as_bytes(), &ci(), &[artifact()])
        .expect_err("is refused")
        .to_string();
    assert!(error.contains("duplicate field `payload`"), "{error}");
}
