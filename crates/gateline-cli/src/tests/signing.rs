//! Signing on the command line: what is read is what is signed, by the real `ssh-keygen`; anything else is not.

use std::path::{Path, PathBuf};
use std::process::Command;

use gateline_api::{ApproveRequest, Exit, KeyView, StatementReply, WhoAmIView};
use gateline_evidence::{SshKey, verify_ssh};
use gateline_model::{
    ANSWER_PURPOSE, ANSWER_STATEMENT_LASTS, About, Answer as Says, AnswerStatement, Digest, Proof, Said,
    Tier, comment_digest,
};

use super::http::{Answer, Server};
use super::run;
use super::views::{at, held, release};

const PROMOTION: &str = "payments/payment-service/production/7";

/// A key in a folder, as `ssh-keygen` makes it, and as the server has it.
fn key(dir: &Path) -> (PathBuf, KeyView) {
    let file = dir.join("id");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&file)
        .status();
    assert!(
        made.expect("`ssh-keygen` is installed: apt-get install openssh-client")
            .success()
    );
    let public = SshKey::of(&std::fs::read_to_string(dir.join("id.pub")).unwrap()).unwrap();
    let view = KeyView {
        fingerprint: public.fingerprint,
        actor: "ana".parse().unwrap(),
        tier: Tier::Ssh,
        public: public.line,
        label: "laptop".to_owned(),
        synced: false,
        since: at("2026-11-21T08:00:00Z"),
        revoked: None,
    };
    (file, view)
}

/// What the server wants signed for a yes to what it shows.
fn statement() -> AnswerStatement {
    let (view, release) = (held(), release(&[]));
    let decision = view.decision.unwrap();
    let issued_at = at("2026-11-21T10:41:00Z");
    let said = Said {
        server: None,
        actor: "ana".parse().unwrap(),
        answer: Says::Approve,
        about: About::Promotion {
            id: view.id,
            release: view.release,
            version: view.version,
        },
        question: decision.question,
        code: decision.code(),
        comment: comment_digest("read the plan"),
        nonce: "ab".repeat(32),
        issued_at,
        expires_at: ANSWER_STATEMENT_LASTS.after(issued_at),
    };
    AnswerStatement::new(&release.artifacts, said)
}

/// A server that shows the held promotion, and wants this signed.
fn wants(statement: &AnswerStatement, key: &KeyView) -> Server {
    let text = statement.text();
    let reply = StatementReply {
        digest: Digest::of(text.as_bytes()),
        statement: text,
        code: statement.said.code.clone(),
        tier: Tier::Ssh,
        host: None,
        keys: vec![key.clone()],
    };
    let who = WhoAmIView {
        actor: "ana".parse().unwrap(),
        scopes: None,
        teams: Vec::new(),
    };
    Server::giving(vec![
        Answer::ok(&held()),
        Answer::ok(&reply),
        Answer::ok(&who),
        Answer::ok(&release(&[])),
        Answer::ok(&held()),
    ])
}

fn approve(server: &Server, file: &Path) -> super::Ran {
    let file = file.display().to_string();
    run(
        &server.url,
        &[
            "approve",
            PROMOTION,
            "--comment",
            "read the plan",
            "--sign",
            &file,
        ],
    )
}

#[test]
fn what_is_signed_is_shown_and_sent_with_a_signature_that_holds() {
    let dir = tempfile::tempdir().unwrap();
    let (file, key) = key(dir.path());
    let statement = statement();
    let server = wants(&statement, &key);
    let ran = approve(&server, &file);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.talk);
    assert!(
        ran.talk.contains(&statement.text()) && ran.talk.contains(&statement.said.code),
        "{}",
        ran.talk
    );
    let asked = server.asked();
    let (_, body) = asked.last().unwrap().split_once("\n\n").unwrap();
    let request: ApproveRequest = serde_json::from_str(body).unwrap();
    let signed = request.signed.unwrap();
    assert_eq!(
        (&signed.statement, &signed.key),
        (&statement.text(), &key.fingerprint)
    );
    let Proof::Ssh { signature } = signed.proof else {
        panic!("it is of an SSH key")
    };
    verify_ssh(
        &key.public,
        ANSWER_PURPOSE,
        signed.statement.as_bytes(),
        &signature,
    )
    .unwrap();
}

#[test]
fn nothing_is_signed_that_is_not_what_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let (file, key) = key(dir.path());
    type Change = fn(&mut AnswerStatement);
    let rows: [(Change, &str); 6] = [
        (|one| one.said.answer = Says::Reject, "another answer"),
        (|one| one.said.comment = None, "another answer"),
        (|one| one.said.actor = "bo".parse().unwrap(), "somebody else"),
        (
            |one| {
                let About::Promotion { id, .. } = &mut one.said.about else {
                    panic!("it is a promotion's")
                };
                id.number = 8;
            },
            "another decision",
        ),
        (|one| one.subject.clear(), "other artifacts"),
        (
            |one| one.said.question = Digest::of(b"another"),
            "changed meanwhile",
        ),
    ];
    for (change, says) in rows {
        let mut other = statement();
        change(&mut other);
        let server = wants(&other, &key);
        let ran = approve(&server, &file);
        assert_eq!(ran.exit, Exit::Refused, "{says}");
        assert!(ran.talk.contains(says), "{}", ran.talk);
        assert!(
            !server.asked().iter().any(|asked| asked.starts_with("post ")),
            "{says}"
        );
    }
}

#[test]
fn a_key_that_is_not_enrolled_signs_nothing() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ((file, _), (_, enrolled)) = (key(dir.path()), key(other.path()));
    let ran = approve(&wants(&statement(), &enrolled), &file);
    assert_eq!(ran.exit, Exit::Refused);
    assert!(
        ran.talk.contains("is not enrolled for you") && ran.talk.contains("gateline key enrol"),
        "{}",
        ran.talk
    );
}

#[test]
fn the_list_of_signers_is_one_that_ssh_keygen_reads() {
    let dir = tempfile::tempdir().unwrap();
    let (file, key) = key(dir.path());
    let server = Server::giving(vec![Answer::ok(&vec![key])]);
    let ran = run(&server.url, &["key", "allowed-signers"]);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("allowed", &ran.data);
    write("answer", "yes");
    let keygen = |args: &[&str]| {
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .current_dir(dir.path())
            .args(args)
            .stderr(std::process::Stdio::null());
        keygen.stdin(std::fs::File::open(dir.path().join("answer")).unwrap());
        keygen.status().unwrap().success()
    };
    let file = file.display().to_string();
    assert!(keygen(&[
        "-q",
        "-Y",
        "sign",
        "-f",
        &file,
        "-n",
        ANSWER_PURPOSE,
        "answer"
    ]));
    let verify = |at: &str| {
        let at = format!("-Overify-time={at}");
        keygen(&[
            "-Y",
            "verify",
            "-f",
            "allowed",
            "-I",
            "ana",
            "-n",
            ANSWER_PURPOSE,
            &at,
            "-s",
            "answer.sig",
        ])
    };
    assert!(verify("20261121090000Z"), "{}", ran.data);
    assert!(!verify("20261121070000Z"), "before it was enrolled");
}
