//! Keys and what they sign: SSH keys of the real `ssh-keygen`, enrolled, used, refused and revoked.

use std::path::Path;
use std::process::{Command, Stdio};

use gateline_api::{
    Approve, ApproveRequest, Empty, EnrolKey, EnrolKeyRequest, EvidenceQuery, GetKeyStatement, GetStatement,
    Holds, KeyQuery, KeyView, ListKeys, ListSignatures, NewKey, Problem, PromotionPath, PromotionState,
    Refuse, RefuseRequest, RevokeKey, RevokeKeyRequest, StatementQuery, StatementReply,
};
use gateline_model::{
    ANSWER_PURPOSE, About, Answer, AnswerStatement, KEY_PURPOSE, No, Proof, Scope, SignedStatement, Tier,
    comment_digest,
};

use crate::support::{App, Client, PIPELINE, id, junit};

/// A folder with a key of `ssh-keygen`.
pub struct Ring(tempfile::TempDir);

impl Ring {
    pub fn new() -> Ring {
        let ring = Ring(tempfile::tempdir().unwrap());
        ring.run(&["-q", "-t", "ed25519", "-N", "", "-C", "laptop", "-f", "id"]);
        ring
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, args: &[&str]) {
        let done = Command::new("ssh-keygen")
            .current_dir(self.dir())
            .args(args)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn public(&self) -> String {
        std::fs::read_to_string(self.dir().join("id.pub")).unwrap()
    }

    fn sign(&self, purpose: &str, statement: &str) -> String {
        std::fs::write(self.dir().join("statement"), statement).unwrap();
        self.run(&["-q", "-Y", "sign", "-f", "id", "-n", purpose, "statement"]);
        let signature = std::fs::read_to_string(self.dir().join("statement.sig")).unwrap();
        std::fs::remove_file(self.dir().join("statement.sig")).unwrap();
        signature
    }

    pub fn proof(&self, purpose: &str, statement: &str) -> Proof {
        Proof::Ssh {
            signature: self.sign(purpose, statement),
        }
    }

    pub async fn enrol(&self, client: &Client) -> Result<KeyView, Problem> {
        let asked = client
            .ask::<GetKeyStatement>(&Empty {}, &Empty {}, &Empty {})
            .await
            .unwrap();
        let request = EnrolKeyRequest {
            key: NewKey::Ssh {
                public: self.public(),
                signature: self.sign(KEY_PURPOSE, &asked.statement),
            },
            statement: asked.statement,
            label: String::new(),
        };
        client.ask::<EnrolKey>(&Empty {}, &Empty {}, &request).await
    }
}

fn path() -> PromotionPath {
    PromotionPath::from(&id("production/1"))
}

/// Production wants a yes of `tech-lead` that is signed with an SSH key, and it is asked.
async fn asked() -> (App, Client, Client) {
    let (app, admin, reader, _) = App::start().await;
    let signed = PIPELINE.replace("overridable: true", "signed: ssh");
    admin.apply(&signed).await.unwrap();
    admin.register("1.0.0").await.unwrap();
    let query = EvidenceQuery::default();
    admin
        .evidence("payment-service@1.0.0", &query, &junit(3, 0))
        .await
        .unwrap();
    app.until(&reader, &id("dev/1"), PromotionState::Verified).await;
    app.until(&reader, &id("production/1"), PromotionState::Held)
        .await;
    (app, admin, reader)
}

async fn to_sign(client: &Client, answer: Answer, text: &str) -> StatementReply {
    let query = StatementQuery {
        answer,
        comment: comment_digest(text),
    };
    client
        .ask::<GetStatement>(&path(), &query, &Empty {})
        .await
        .unwrap()
}

fn yes(statement: String, key: &str, proof: Proof) -> ApproveRequest {
    let key = key.to_owned();
    ApproveRequest {
        question: None,
        comment: Some("read it\r\nall".to_owned()),
        signed: Some(SignedStatement {
            statement,
            key,
            proof,
        }),
    }
}

/// The code with which an answer is refused.
async fn code(client: &Client, request: &ApproveRequest) -> String {
    client
        .ask::<Approve>(&path(), &Empty {}, request)
        .await
        .unwrap_err()
        .code
}

#[tokio::test]
async fn a_yes_signed_with_an_ssh_key_counts_and_is_verified_again_by_ssh_keygen() {
    let (app, admin, reader) = asked().await;
    let ring = Ring::new();
    let key = ring.enrol(&admin).await.unwrap();
    assert_eq!(
        (key.tier, key.label.as_str(), key.actor.as_str()),
        (Tier::Ssh, "laptop", "admin")
    );

    let unsigned = ApproveRequest::default();
    assert_eq!(code(&admin, &unsigned).await, "approval.tier");
    let asked = to_sign(&admin, Answer::Approve, "read it\nall").await;
    assert_eq!((asked.tier, asked.keys.len()), (Tier::Ssh, 1));
    let said = AnswerStatement::read(&asked.statement).unwrap().said;
    assert_eq!((said.actor.as_str(), &said.code), ("admin", &asked.code));
    let proof = ring.proof(ANSWER_PURPOSE, &asked.statement);
    let request = yes(asked.statement.clone(), &key.fingerprint, proof);
    // Sent twice with one idempotency key, it is one answer.
    let keyed = admin.with_key("yes");
    let approved = keyed.ask::<Approve>(&path(), &Empty {}, &request).await.unwrap();
    assert_eq!(approved.approvals.len(), 1);
    keyed.ask::<Approve>(&path(), &Empty {}, &request).await.unwrap();
    app.until(&reader, &id("production/1"), PromotionState::Verified)
        .await;

    let [signature]: [_; 1] = reader
        .ask::<ListSignatures>(&path(), &Empty {}, &Empty {})
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(
        (signature.holds, &signature.statement),
        (Holds::Yes, &asked.statement)
    );
    // An auditor needs nothing of ours: the statement, the signature, and who has which key.
    let Proof::Ssh { signature: armoured } = signature.proof else {
        panic!("it is of an SSH key")
    };
    let write = |name: &str, text: &str| std::fs::write(ring.dir().join(name), text).unwrap();
    write("answer.sig", &armoured);
    write(
        "allowed",
        &format!(
            "{} namespaces=\"{ANSWER_PURPOSE}\" {}\n",
            signature.key.actor, signature.key.public
        ),
    );
    let verify = |statement: &str| {
        write("answer", statement);
        let stdin = std::fs::File::open(ring.dir().join("answer")).unwrap();
        let args = [
            "-Y",
            "verify",
            "-f",
            "allowed",
            "-I",
            "admin",
            "-n",
            ANSWER_PURPOSE,
            "-s",
            "answer.sig",
        ];
        let mut verify = Command::new("ssh-keygen");
        verify
            .current_dir(ring.dir())
            .args(args)
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        verify.status().unwrap().success()
    };
    assert!(verify(&signature.statement));
    assert!(!verify(&signature.statement.replace("approve", "reject")));
}

#[tokio::test]
async fn what_was_signed_otherwise_is_refused_each_with_its_own_reason() {
    let (app, admin, _) = asked().await;
    let ring = Ring::new();
    let key = ring.enrol(&admin).await.unwrap().fingerprint;
    let asked = to_sign(&admin, Answer::Approve, "read it\nall").await;
    let statement = AnswerStatement::read(&asked.statement).unwrap();
    let changed = |change: fn(&mut AnswerStatement)| {
        let mut other = statement.clone();
        change(&mut other);
        let text = other.text();
        let proof = ring.proof(ANSWER_PURPOSE, &text);
        yes(text, &key, proof)
    };
    type Change = fn(&mut AnswerStatement);
    let rows: [(Change, &str); 7] = [
        (
            |one| {
                let About::Promotion { id, .. } = &mut one.said.about else {
                    panic!("it is a promotion's")
                };
                id.number = 2;
            },
            "signature.other_decision",
        ),
        (
            |one| one.said.actor = "ann".parse().unwrap(),
            "signature.other_actor",
        ),
        (|one| one.said.answer = Answer::Reject, "signature.other_answer"),
        (|one| one.said.code = "0000 0000".to_owned(), "signature.stale"),
        (|one| one.said.comment = None, "signature.other_comment"),
        (
            |one| one.said.server = Some("https://other.example".to_owned()),
            "signature.other_server",
        ),
        (
            |one| {
                one.said.issued_at = "2026-01-01T00:00:00Z".parse().unwrap();
                one.said.expires_at = "2026-01-01T00:15:00Z".parse().unwrap();
            },
            "signature.expired",
        ),
    ];
    for (change, wanted) in rows {
        assert_eq!(code(&admin, &changed(change)).await, wanted);
    }
    let text = asked.statement.as_str();
    let signed = |key: &str, proof| yes(text.to_owned(), key, proof);
    let for_another = ring.proof(KEY_PURPOSE, text);
    assert_eq!(
        code(&admin, &signed(&key, for_another)).await,
        "signature.purpose"
    );
    let over_another = ring.proof(ANSWER_PURPOSE, "another");
    assert_eq!(
        code(&admin, &signed(&key, over_another)).await,
        "signature.altered"
    );
    let stranger = Ring::new();
    let of_stranger = stranger.proof(ANSWER_PURPOSE, text);
    assert_eq!(
        code(&admin, &signed(&key, of_stranger.clone())).await,
        "signature.other_key"
    );
    assert_eq!(
        code(&admin, &signed("SHA256:x", of_stranger)).await,
        "signature.key_unknown"
    );
    let spaced = yes(format!("{text} "), &key, ring.proof(ANSWER_PURPOSE, text));
    assert_eq!(code(&admin, &spaced).await, "signature.statement");

    // A key of somebody else, who lends it.
    let ann = app.actor("ann", &[Scope::Admin], &["tech-lead"], None).await;
    let lent = Ring::new();
    let of_ann = lent.enrol(&ann).await.unwrap().fingerprint;
    let by_ann = signed(&of_ann, lent.proof(ANSWER_PURPOSE, text));
    assert_eq!(code(&admin, &by_ann).await, "signature.key_of_another");

    let revoke = RevokeKeyRequest {
        fingerprint: key.clone(),
        reason: "lost".to_owned(),
    };
    let revoked = admin
        .ask::<RevokeKey>(&Empty {}, &Empty {}, &revoke)
        .await
        .unwrap();
    assert!(revoked.revoked.is_some());
    let proof = ring.proof(ANSWER_PURPOSE, text);
    assert_eq!(code(&admin, &signed(&key, proof)).await, "signature.key_revoked");
    let keys = admin
        .ask::<ListKeys>(&Empty {}, &KeyQuery::default(), &Empty {})
        .await
        .unwrap();
    assert_eq!(keys.iter().filter(|key| key.revoked.is_some()).count(), 1);
    assert_eq!(ring.enrol(&admin).await.unwrap_err().code, "key.revoked");
}

#[tokio::test]
async fn a_no_may_be_signed_too() {
    let (_app, admin, reader) = asked().await;
    let ring = Ring::new();
    let key = ring.enrol(&admin).await.unwrap().fingerprint;
    let reason = "the migration locks the table";
    let statement = to_sign(&admin, Answer::Reject, reason).await.statement;
    let refuse = |no, statement: &str| RefuseRequest {
        no,
        question: None,
        reason: reason.to_owned(),
        signed: Some(SignedStatement {
            statement: statement.to_owned(),
            key: key.clone(),
            proof: ring.proof(ANSWER_PURPOSE, statement),
        }),
    };
    let other = refuse(No::RequestChanges, &statement);
    let problem = admin.ask::<Refuse>(&path(), &Empty {}, &other).await.unwrap_err();
    assert_eq!(problem.code, "signature.other_answer");
    admin
        .ask::<Refuse>(&path(), &Empty {}, &refuse(No::Reject, &statement))
        .await
        .unwrap();
    let signatures = reader
        .ask::<ListSignatures>(&path(), &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(signatures.len(), 1);
    assert_eq!(
        (signatures[0].no, &signatures[0].holds),
        (Some(No::Reject), &Holds::Yes)
    );
}

#[tokio::test]
async fn a_token_alone_does_not_come_by_a_key() {
    let (app, _, _, _) = App::start().await;
    let ann = app.actor("ann", &[Scope::Approve], &["tech-lead"], None).await;
    let refused = Ring::new().enrol(&ann).await.unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (403, "key.fresh"));
    // Nor does whoever signed a statement with another key than the one that is to be enrolled.
    let bo = app.actor("bo", &[Scope::Admin], &[], None).await;
    let asked = bo
        .ask::<GetKeyStatement>(&Empty {}, &Empty {}, &Empty {})
        .await
        .unwrap();
    let (ring, other) = (Ring::new(), Ring::new());
    let enrol = |statement: &str, signature| EnrolKeyRequest {
        statement: statement.to_owned(),
        label: String::new(),
        key: NewKey::Ssh {
            public: ring.public(),
            signature,
        },
    };
    let wrong = enrol(&asked.statement, other.sign(KEY_PURPOSE, &asked.statement));
    let problem = bo
        .ask::<EnrolKey>(&Empty {}, &Empty {}, &wrong)
        .await
        .unwrap_err();
    assert_eq!(problem.code, "signature.other_key");
    let wrong = enrol(&asked.statement, ring.sign(ANSWER_PURPOSE, &asked.statement));
    let problem = bo
        .ask::<EnrolKey>(&Empty {}, &Empty {}, &wrong)
        .await
        .unwrap_err();
    assert_eq!(problem.code, "signature.purpose");
    // One key is one person's: handed to an administrator, it is enrolled for whoever signed.
    let of_ann = ann
        .ask::<GetKeyStatement>(&Empty {}, &Empty {}, &Empty {})
        .await
        .unwrap()
        .statement;
    let handed = enrol(&of_ann, ring.sign(KEY_PURPOSE, &of_ann));
    let key = bo.ask::<EnrolKey>(&Empty {}, &Empty {}, &handed).await.unwrap();
    assert_eq!(key.actor.as_str(), "ann");
    let taken = ring.enrol(&bo).await.unwrap_err();
    assert_eq!(taken.code, "key.exists");
    // And only its owner or an administrator revokes it.
    let cy = app.actor("cy", &[Scope::Approve], &[], None).await;
    let revoke = RevokeKeyRequest {
        fingerprint: key.fingerprint,
        reason: "mine".to_owned(),
    };
    let problem = cy
        .ask::<RevokeKey>(&Empty {}, &Empty {}, &revoke)
        .await
        .unwrap_err();
    assert_eq!(problem.code, "authority.not_yours");
    ann.ask::<RevokeKey>(&Empty {}, &Empty {}, &revoke).await.unwrap();
}
