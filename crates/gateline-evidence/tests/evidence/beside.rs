//! Signatures beside files, made by `ssh-keygen` and `minisign` as a person makes them.

use std::path::Path;
use std::process::Command;

use gateline_evidence::{Detached, Format, ReadError, Trust, read, verify};
use gateline_model::{Digest, Facts, Signature, Statement};

/// Runs a tool; a test fails without it.
fn run(program: &str, args: &[&str], dir: &Path) {
    let ended = Command::new(program).args(args).current_dir(dir).output();
    let ended =
        ended.unwrap_or_else(|err| panic!("{program}: {err}; install Debian's openssh-client and minisign"));
    assert!(
        ended.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

/// A folder with keys of alice and bob, an artifact, and a list of checksums.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Desk {
        let dir = tempfile::tempdir().expect("a folder");
        let desk = Desk(dir);
        desk.put("app.tar", b"an artifact \x00\xff");
        desk.put(
            "SHA256SUMS",
            format!("{}  app.tar\n", desk.artifact().hex()).as_bytes(),
        );
        for name in ["alice", "bob"] {
            run(
                "ssh-keygen",
                &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name],
                desk.dir(),
            );
        }
        desk
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, file: &str, bytes: &[u8]) {
        std::fs::write(self.dir().join(file), bytes).expect("writes");
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.dir().join(file)).expect("reads")
    }

    fn text(&self, file: &str) -> String {
        String::from_utf8(self.bytes(file)).expect("is text")
    }

    fn artifact(&self) -> Digest {
        Digest::of(&self.bytes("app.tar"))
    }

    /// Signs a file as this person, with more options.
    fn ssh_sign(&self, who: &str, file: &str, more: &[&str]) -> Vec<u8> {
        let signature = format!("{file}.sig");
        // It asks before it writes over a file.
        let _ = std::fs::remove_file(self.dir().join(&signature));
        let args = [&["-q", "-Y", "sign", "-f", who], more, &[file]].concat();
        run("ssh-keygen", &args, self.dir());
        self.bytes(&signature)
    }

    fn alice(&self) -> Trust {
        Trust::new()
            .key("alice", &self.text("alice.pub"))
            .expect("is a key")
    }
}

fn held(signature: &[u8], files: &[&[u8]], trust: &Trust, artifact: Digest) -> Statement {
    let artifacts = [artifact];
    let mut detached = Detached::new(signature, trust, &artifacts);
    files.iter().for_each(|file| detached.hold(file));
    detached.statement()
}

fn why(signature: &[u8], files: &[&[u8]], trust: &Trust, artifact: Digest) -> String {
    match held(signature, files, trust, artifact).signature {
        Signature::Broken { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn signer(statement: &Statement) -> &str {
    match &statement.signature {
        Signature::Verified { signer, .. } => signer,
        other => panic!("{other:?}"),
    }
}

const NAMESPACE: &[&str] = &["-n", "gateline-evidence"];

#[test]
fn what_ssh_keygen_signs_holds_for_the_file_and_for_what_it_lists() {
    let desk = Desk::new();
    let (file, list) = (desk.bytes("app.tar"), desk.bytes("SHA256SUMS"));
    let over_file = desk.ssh_sign("alice", "app.tar", NAMESPACE);
    let over_list = desk.ssh_sign("alice", "SHA256SUMS", NAMESPACE);
    for (signature, files) in [
        (&over_file, [list.as_slice(), &file]),
        (&over_list, [&file, &list]),
    ] {
        let statement = held(signature, &files, &desk.alice(), desk.artifact());
        assert_eq!(
            (signer(&statement), statement.subjects[0]),
            ("alice", desk.artifact())
        );
    }
    let sha256 = desk.ssh_sign("alice", "app.tar", &["-n", "file", "-O", "hashalg=sha256"]);
    let statement = held(&sha256, &[], &desk.alice(), desk.artifact());
    assert_eq!(signer(&statement), "alice", "the artifact's digest is enough");
}

#[test]
fn each_way_in_which_a_signature_of_ssh_fails_has_its_own_reason() {
    let desk = Desk::new();
    let list = desk.bytes("SHA256SUMS");
    let (alice, artifact) = (desk.alice(), desk.artifact());
    let good = desk.ssh_sign("alice", "SHA256SUMS", NAMESPACE);

    let by_bob = desk.ssh_sign("bob", "SHA256SUMS", NAMESPACE);
    assert_eq!(
        why(&by_bob, &[&list], &alice, artifact),
        "an SSH key signed it that is not trusted; trusted are `alice`"
    );
    let for_git = desk.ssh_sign("alice", "SHA256SUMS", &["-n", "git"]);
    assert!(why(&for_git, &[&list], &alice, artifact).contains("it was made for `git`, and not for `file`"));
    assert_eq!(
        why(&good, &[b"other"], &alice, artifact),
        "it names the key of `alice`, but it is over other bytes: the file or the signature was changed"
    );
    assert!(why(&good, &[b"a", b"b"], &alice, artifact).contains("over none of the 2 files"));
    assert!(why(&good, &[], &alice, artifact).contains("the file that it signs was not reported"));
    assert!(why(&good, &[&list], &alice, Digest::of(b"another")).starts_with("`alice` signed it for `"));
    let revoked = Trust::new()
        .revoked("alice", &desk.text("alice.pub"), "her laptop was stolen")
        .expect("is a key");
    assert_eq!(
        why(&good, &[&list], &revoked, artifact),
        "`alice` signed it, whose key is revoked: her laptop was stolen"
    );
}

#[test]
fn what_minisign_signs_holds_and_each_failure_has_its_own_reason() {
    let desk = Desk::new();
    for name in ["release", "other"] {
        let (public, secret) = (format!("{name}.pub"), format!("{name}.key"));
        run(
            "minisign",
            &["-G", "-W", "-p", &public, "-s", &secret],
            desk.dir(),
        );
    }
    let sign = |who: &str| {
        let secret = format!("{who}.key");
        run(
            "minisign",
            &["-S", "-s", &secret, "-m", "SHA256SUMS", "-x", "list.minisig"],
            desk.dir(),
        );
        desk.bytes("list.minisig")
    };
    let (list, artifact) = (desk.bytes("SHA256SUMS"), desk.artifact());
    let trust = Trust::new()
        .key("release", &desk.text("release.pub"))
        .expect("is a key");
    let good = sign("release");
    assert_eq!(signer(&held(&good, &[&list], &trust, artifact)), "release");
    assert_eq!(
        why(&good, &[b"other"], &trust, artifact),
        "it names the key `release`, but it is over other bytes: the file, the signature or its comment was changed"
    );
    assert_eq!(
        why(&sign("other"), &[&list], &trust, artifact),
        "a minisign key signed it that is not trusted; trusted are `release`"
    );
    let revoked = Trust::new()
        .revoked("release", &desk.text("release.pub"), "it leaked")
        .expect("is a key");
    assert_eq!(
        why(&good, &[&list], &revoked, artifact),
        "`release` signed it, whose key is revoked: it leaked"
    );
}

#[test]
fn signatures_and_lists_are_known_and_any_file_is_where_it_is_called_so() {
    let desk = Desk::new();
    let signature = desk.ssh_sign("alice", "SHA256SUMS", NAMESPACE);
    let of = |bytes: &[u8], format: Option<Format>| {
        let read = read(bytes, format)?;
        let Facts::Attestation(facts) = read.facts else {
            panic!("no attestation")
        };
        Ok::<_, ReadError>((read.format, facts.statements[0].subjects.clone()))
    };
    assert_eq!(of(&signature, None), Ok((Format::SshSignature, vec![])));
    let list = desk.bytes("SHA256SUMS");
    assert_eq!(
        of(&list, None),
        Ok((Format::SignedFile, vec![Digest::of(&list), desk.artifact()]))
    );
    let file = desk.bytes("app.tar");
    assert_eq!(
        of(&file, Some(Format::SignedFile)),
        Ok((Format::SignedFile, vec![desk.artifact()]))
    );
    assert!(matches!(of(&file, None), Err(ReadError::Unrecognised { .. })));
    let minisign = include_bytes!("../samples/signed/minisign.sig");
    assert_eq!(of(minisign, None), Ok((Format::Minisign, vec![])));

    let half = &signature[..signature.len() / 2];
    assert!(matches!(of(half, None), Err(ReadError::Malformed { .. })));
    let public = include_bytes!("../samples/signed/minisign.pub");
    assert!(matches!(of(public, None), Err(ReadError::Malformed { .. })));
    let alone = verify(&signature, &desk.alice(), &[desk.artifact()]).expect_err("its file is not there");
    assert!(alone.to_string().contains("both are needed"), "{alone}");
}
