//! Signatures of people: of SSH keys as the real `ssh-keygen` makes them, and of passkeys as authenticators do.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use gateline_evidence::{
    CLIENT_DATA_BYTES_MAX, SignatureError, Site, SshKey, enrol_passkey, verify_passkey, verify_ssh,
    verify_statement,
};
use gateline_model::{ANSWER_PURPOSE, Digest, KEY_PURPOSE, Proof, SignedStatement, Tier};
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use test_case::test_case;

const STATEMENT: &[u8] = br#"{"said":"yes"}"#;

/// Runs `ssh-keygen`; it must succeed.
fn ssh_keygen(dir: &Path, args: &[&str]) {
    let done = Command::new("ssh-keygen")
        .current_dir(dir)
        .args(args)
        .output()
        .expect("the test's own input is right");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A new key, and its signature over the statement.
fn signed_by_ssh(kind: &[&str], purpose: &str) -> (SshKey, String) {
    let dir = tempfile::tempdir().expect("the test's own input is right");
    let make: Vec<&str> = [&["-q", "-N", "", "-C", "ann on her laptop", "-f", "id"], kind].concat();
    ssh_keygen(dir.path(), &make);
    std::fs::write(dir.path().join("statement"), STATEMENT).expect("the test's own input is right");
    ssh_keygen(
        dir.path(),
        &["-q", "-Y", "sign", "-f", "id", "-n", purpose, "statement"],
    );
    let read =
        |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("the test's own input is right");
    (
        SshKey::of(&read("id.pub")).expect("the test's own input is right"),
        read("statement.sig"),
    )
}

#[test_case(&["-t", "ed25519"])]
#[test_case(&["-t", "ecdsa", "-b", "256"])]
fn what_ssh_keygen_signs_holds_for_that_key_purpose_and_statement_alone(kind: &[&str]) {
    let (key, signature) = signed_by_ssh(kind, ANSWER_PURPOSE);
    assert_eq!(key.comment, "ann on her laptop");
    assert!(key.fingerprint.starts_with("SHA256:") && key.fingerprint.len() == 50);
    assert_eq!(
        verify_ssh(&key.line, ANSWER_PURPOSE, STATEMENT, &signature),
        Ok(())
    );
    let altered = verify_ssh(&key.line, ANSWER_PURPOSE, br#"{"said":"no"}"#, &signature);
    assert_eq!(altered, Err(SignatureError::Altered));
    let purpose = verify_ssh(&key.line, KEY_PURPOSE, STATEMENT, &signature).expect_err("it is refused");
    assert_eq!(purpose.code(), "signature.purpose");
    let (other, _) = signed_by_ssh(kind, ANSWER_PURPOSE);
    let other = verify_ssh(&other.line, ANSWER_PURPOSE, STATEMENT, &signature);
    assert_eq!(other, Err(SignatureError::OtherKey));
    for cut in [
        "",
        "-----BEGIN SSH SIGNATURE-----",
        &signature[..signature.len() - 40],
    ] {
        let unread = verify_ssh(&key.line, ANSWER_PURPOSE, STATEMENT, cut).expect_err("it is refused");
        assert_eq!(unread.code(), "signature.unreadable");
    }
}

#[test]
fn the_fingerprint_is_the_one_that_ssh_keygen_prints() {
    let dir = tempfile::tempdir().expect("the test's own input is right");
    ssh_keygen(dir.path(), &["-q", "-N", "", "-t", "ed25519", "-f", "id"]);
    let printed = Command::new("ssh-keygen")
        .current_dir(dir.path())
        .args(["-l", "-f", "id.pub"])
        .output();
    let printed = String::from_utf8(printed.expect("the test's own input is right").stdout)
        .expect("the test's own input is right");
    let key = SshKey::of(
        &std::fs::read_to_string(dir.path().join("id.pub")).expect("the test's own input is right"),
    )
    .expect("the test's own input is right");
    assert_eq!(printed.split_whitespace().nth(1), Some(key.fingerprint.as_str()));
}

#[test]
fn a_key_that_cannot_sign_here_says_why() {
    let dir = tempfile::tempdir().expect("the test's own input is right");
    ssh_keygen(dir.path(), &["-q", "-N", "", "-t", "rsa", "-f", "id"]);
    let rsa = std::fs::read_to_string(dir.path().join("id.pub")).expect("the test's own input is right");
    for (text, says) in [
        (rsa.as_str(), "make one of these"),
        ("", "no line of a `.pub` file"),
        ("cert-authority ssh-ed25519 AAAA", "the key itself is missing"),
        ("ssh-ed25519 AAAA", "cut off"),
    ] {
        let err = SshKey::of(text).expect_err("it is refused").to_string();
        assert!(err.contains(says), "{text:.40}: {err}");
    }
}

fn site() -> Site {
    Site::of("https://gateline.example").expect("the test's own input is right")
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs bytes with a key of its own.
type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// An authenticator of the test: what a browser and a device make, each part to be spoilt.
struct Device {
    cose: Vec<u8>,
    sign: Sign,
}

fn bytes_of(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len() as u16;
    let head: Vec<u8> = match length {
        0..=23 => vec![kind << 5 | length as u8],
        24..=255 => vec![kind << 5 | 24, length as u8],
        _ => [&[kind << 5 | 25], length.to_be_bytes().as_slice()].concat(),
    };
    [head, bytes.to_vec()].concat()
}

fn es256() -> Device {
    let key = SigningKey::from_slice(&[7; 32]).expect("the test's own input is right");
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let cose = [
        vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21],
        bytes_of(2, x),
        vec![0x22],
        bytes_of(2, y),
    ];
    let sign = move |message: &[u8]| {
        let signature: Signature = p256::ecdsa::signature::Signer::sign(&key, message);
        signature.to_der().as_bytes().to_vec()
    };
    Device {
        cose: cose.concat(),
        sign: Box::new(sign),
    }
}

fn eddsa() -> Device {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let public = bytes_of(2, key.verifying_key().as_bytes());
    Device {
        cose: [
            &[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21],
            public.as_slice(),
        ]
        .concat(),
        sign: Box::new(move |message| key.sign(message).to_bytes().to_vec()),
    }
}

/// By `openssl`, which makes the key anew.
fn rs256() -> Device {
    let dir = tempfile::tempdir().expect("the test's own input is right");
    let openssl = |args: &[&str]| {
        let done = Command::new("openssl")
            .current_dir(dir.path())
            .args(args)
            .output()
            .expect("the test's own input is right");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    };
    openssl(&["genrsa", "-out", "key.pem", "2048"]);
    let printed = String::from_utf8(openssl(&["rsa", "-in", "key.pem", "-noout", "-modulus"]))
        .expect("the test's own input is right");
    let hex = printed
        .trim()
        .strip_prefix("Modulus=")
        .expect("the test's own input is right");
    let modulus: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("the test's own input is right"))
        .collect();
    let cose = [
        vec![0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20],
        bytes_of(2, &modulus),
        vec![0x21],
        bytes_of(2, &[1, 0, 1]),
    ];
    let sign = move |message: &[u8]| {
        std::fs::write(dir.path().join("message"), message).expect("the test's own input is right");
        let done = Command::new("openssl")
            .current_dir(dir.path())
            .args(["dgst", "-sha256", "-sign", "key.pem", "message"])
            .output();
        done.expect("the test's own input is right").stdout
    };
    Device {
        cose: cose.concat(),
        sign: Box::new(sign),
    }
}

/// What the browser says.
fn client_data(of: &str, statement: &[u8], origin: &str) -> Vec<u8> {
    let challenge = base64url(Digest::of(statement).as_bytes());
    let said = json!({"type": of, "challenge": challenge, "origin": origin, "crossOrigin": false, "x": "y"});
    said.to_string().into_bytes()
}

/// What the device says of itself.
fn authenticator_data(host: &str, flags: u8, counter: u32) -> Vec<u8> {
    [
        Sha256::digest(host.as_bytes()).as_slice(),
        &[flags],
        &counter.to_be_bytes(),
    ]
    .concat()
}

const HERE: u8 = 0b101;

impl Device {
    fn signs(&self, client_data: &[u8], authenticator_data: &[u8]) -> Proof {
        let message = [authenticator_data, Sha256::digest(client_data).as_slice()].concat();
        Proof::Passkey {
            client_data: base64url(client_data),
            authenticator_data: base64url(authenticator_data),
            signature: base64url(&(self.sign)(&message)),
        }
    }

    fn holds(&self, proof: Proof) -> Result<Option<u32>, SignatureError> {
        let signed = SignedStatement {
            statement: String::from_utf8(STATEMENT.to_vec()).expect("the test's own input is right"),
            key: "id".to_owned(),
            proof,
        };
        let public = base64url(&self.cose);
        let held = verify_statement(&signed, Tier::Passkey, &public, Some(&site()), ANSWER_PURPOSE);
        held.map(|asserted| asserted.counter)
    }
}

#[test_case(es256; "of ES256")]
#[test_case(eddsa; "of EdDSA")]
#[test_case(rs256; "of RS256")]
fn a_passkey_that_is_made_here_signs_here(device: fn() -> Device) {
    let device = device();
    let made = [
        authenticator_data("gateline.example", HERE | 0x40 | 0b1_1000, 3),
        vec![0; 16],
        vec![0, 4],
        b"cred".to_vec(),
        device.cose.clone(),
    ];
    let create = client_data("webauthn.create", STATEMENT, "https://gateline.example");
    let passkey = enrol_passkey(
        &site(),
        &Digest::of(STATEMENT),
        &base64url(&create),
        &base64url(&made.concat()),
    )
    .expect("the test's own input is right");
    assert_eq!(passkey.public, base64url(&device.cose));
    assert_eq!(
        (passkey.credential, passkey.counter, passkey.synced),
        (base64url(b"cred"), 3, true)
    );
    let asked = client_data("webauthn.get", STATEMENT, "https://gateline.example");
    let proof = device.signs(&asked, &authenticator_data("gateline.example", HERE, 4));
    assert_eq!(device.holds(proof), Ok(Some(4)));
}

#[test]
fn whatever_a_passkey_was_asked_otherwise_is_refused_with_its_own_reason() {
    let device = es256();
    let good = client_data("webauthn.get", STATEMENT, "https://gateline.example");
    let framed = String::from_utf8(good.clone())
        .expect("the test's own input is right")
        .replace("false", "true")
        .into_bytes();
    let here = authenticator_data("gateline.example", HERE, 4);
    let get = |statement, origin| client_data("webauthn.get", statement, origin);
    let long = [good.as_slice(), &vec![b' '; CLIENT_DATA_BYTES_MAX]].concat();
    let rows: Vec<(Vec<u8>, Vec<u8>, &str)> = vec![
        (
            get(b"other", "https://gateline.example"),
            here.clone(),
            "signature.challenge",
        ),
        (
            get(STATEMENT, "https://evil.example"),
            here.clone(),
            "signature.origin",
        ),
        (
            get(STATEMENT, "http://gateline.example"),
            here.clone(),
            "signature.origin",
        ),
        (
            get(STATEMENT, "https://gateline.example:8443"),
            here.clone(),
            "signature.origin",
        ),
        (framed, here.clone(), "signature.origin"),
        (
            client_data("webauthn.create", STATEMENT, "https://gateline.example"),
            here.clone(),
            "signature.type",
        ),
        (b"{}".to_vec(), here.clone(), "signature.unreadable"),
        (long, here.clone(), "signature.unreadable"),
        (
            good.clone(),
            authenticator_data("evil.example", HERE, 4),
            "signature.site",
        ),
        (
            good.clone(),
            authenticator_data("gateline.example", 0b100, 4),
            "signature.not_present",
        ),
        (
            good.clone(),
            authenticator_data("gateline.example", 0b001, 4),
            "signature.not_verified",
        ),
        (
            good.clone(),
            authenticator_data("gateline.example", HERE | 0b1_0000, 4),
            "signature.unreadable",
        ),
        (good.clone(), here[..36].to_vec(), "signature.unreadable"),
        (
            good.clone(),
            [here.as_slice(), b"x"].concat(),
            "signature.unreadable",
        ),
    ];
    for (client, data, code) in rows {
        let proof = device.signs(&client, &data);
        let err = device.holds(proof).expect_err("it is refused");
        assert_eq!(err.code(), code, "{err}");
    }
    // Somebody else's device, and a signature over other authenticator data.
    assert_eq!(
        device.holds(eddsa().signs(&good, &here)),
        Err(SignatureError::Altered)
    );
    let Proof::Passkey {
        client_data,
        signature,
        ..
    } = device.signs(&good, &here)
    else {
        panic!()
    };
    let proof = Proof::Passkey {
        client_data,
        authenticator_data: base64url(&authenticator_data("gateline.example", HERE, 5)),
        signature,
    };
    assert_eq!(device.holds(proof), Err(SignatureError::Altered));
    let ssh = Proof::Ssh {
        signature: String::new(),
    };
    assert_eq!(device.holds(ssh), Err(SignatureError::OtherKey));
}

#[test]
fn a_key_in_any_other_form_is_refused() {
    let good = es256().cose;
    let statement = Digest::of(STATEMENT);
    let asked = client_data("webauthn.get", STATEMENT, "https://gateline.example");
    let data = authenticator_data("gateline.example", HERE, 4);
    for spoilt in [
        Vec::new(),
        good[..good.len() - 1].to_vec(),
        [good.as_slice(), b"x"].concat(),
        [&[0xa6], &good[1..], &[0x01, 0x02]].concat(),
        [&[0xbf], &good[1..], &[0xff]].concat(),
        [&[0xb9, 0xff, 0xff], &good[1..]].concat(),
        [&[0xa1, 0x01, 0x5a, 0xff, 0xff, 0xff, 0xff][..]].concat(),
    ] {
        let err =
            verify_passkey(&spoilt, &site(), &statement, (&asked, &data, b"")).expect_err("it is refused");
        assert_eq!(err.code(), "key.unusable", "{spoilt:?}");
    }
}

#[test_case("https://gateline.example", true)]
#[test_case("https://gateline.example:8443", true)]
#[test_case("http://localhost:7171", true)]
#[test_case("http://gateline.example", false; "unencrypted")]
#[test_case("https://192.0.2.7", false; "a number")]
#[test_case("http://127.0.0.1:7171", false; "this host by number")]
#[test_case("https://[::1]", false; "a number of the new kind")]
#[test_case("gateline", false; "no address")]
fn passkeys_work_where_browsers_have_them(address: &str, works: bool) {
    assert_eq!(Site::of(address).is_some(), works);
}
