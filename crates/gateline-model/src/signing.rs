//! Signed statements: what somebody signs who answers a promotion or a proposal, byte for byte. What is signed to enrol a key
//! is in `key`, what proves who signed in `proof`, and the one form of both in `form`.
//!
//! Layout of an answer: in-toto Statement v1 with a predicate of our own. A statement has one form only, canonical JSON: what
//! is read is written again and must be the same bytes. Knows no signature; `gateline-evidence` holds those against keys.

mod form;
mod key;
mod proof;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use form::{CLOCKS_APART_MAX, STATEMENT_BYTES_MAX, StatementError};
pub use key::{KEY_LABEL_CHARS_MAX, KEY_PURPOSE, KEY_STATEMENT_LASTS, KeyStatement};
pub use proof::{Proof, SignedStatement};

use form::{canonical, in_time, nonce, read};

use crate::{
    ActorId, Artifact, ArtifactAt, Declared, Digest, No, PromotionId, ProposalId, ReleaseId, Span, Version,
};

/// What SSH keys sign answers for, in the words of `ssh-keygen -n`. A signature for anything else is none.
pub const ANSWER_PURPOSE: &str = "approval@gateline.dev";
/// How long a statement may be signed and sent after it was made. Long enough to read it, too short to keep one for later.
pub const ANSWER_STATEMENT_LASTS: Span = Span::from_secs(15 * 60);

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const ANSWER: &str = "https://gateline.dev/attestation/approval/v1";

/// What an actor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Approve,
    /// No.
    Reject,
    /// Not before something is changed.
    RequestChanges,
}

impl From<Option<No>> for Answer {
    fn from(no: Option<No>) -> Self {
        match no {
            None => Answer::Approve,
            Some(No::Reject) => Answer::Reject,
            Some(No::RequestChanges) => Answer::RequestChanges,
        }
    }
}

/// The digest of a comment or a reason, as statements have it: without white space around it, with plain line ends.
pub fn comment_digest(text: &str) -> Option<Digest> {
    let text = text.trim().replace("\r\n", "\n");
    (!text.is_empty()).then(|| Digest::of(text.as_bytes()))
}

/// A thing, as other tools find it: an artifact by name, and digest or commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its name within the release, or what is proposed.
    pub name: String,
    /// `sha256` of an image, a file or a version, `gitCommit` of a commit.
    pub digest: BTreeMap<String, String>,
}

impl From<&Artifact> for Subject {
    fn from(artifact: &Artifact) -> Self {
        let (of, digest) = match &artifact.at {
            ArtifactAt::Oci { digest, .. } | ArtifactAt::File { digest, .. } => ("sha256", digest.hex()),
            ArtifactAt::Git { commit, .. } => ("gitCommit", commit.clone()),
        };
        Self {
            name: artifact.name.to_string(),
            digest: BTreeMap::from([(of.to_owned(), digest)]),
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// A promotion.
    Promotion(PromotionId),
    /// A proposal.
    Proposal(ProposalId),
}

/// What is answered, with what it brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A promotion.
    Promotion {
        /// Which.
        id: PromotionId,
        /// Of which release.
        release: ReleaseId,
        /// Its label.
        version: Version,
    },
    /// A proposal.
    Proposal {
        /// Which.
        id: ProposalId,
        /// Of what it is a new version.
        of: Declared,
        /// The version.
        version: Digest,
    },
}

impl About {
    /// What is answered.
    pub fn answered(&self) -> Answered {
        match self {
            About::Promotion { id, .. } => Answered::Promotion(id.clone()),
            About::Proposal { id, .. } => Answered::Proposal(id.clone()),
        }
    }

    /// What it brings, by name.
    fn brings(&self) -> String {
        match self {
            About::Promotion { version, .. } => format!("release `{version}`"),
            About::Proposal { of, version, .. } => format!("version {} of {of}", version.short()),
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answered::Promotion(id) => write!(f, "promotion `{id}`"),
            Answered::Proposal(id) => write!(f, "proposal `{id}`"),
        }
    }
}

/// What somebody signs who answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerStatement {
    #[serde(rename = "_type")]
    form: String,
    /// The artifacts of the release, or the version that is proposed.
    pub subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    of: String,
    /// What is said of them.
    #[serde(rename = "predicate")]
    pub said: Said,
}

/// An answer: who says what to which decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The address of the server, where it knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Who answers.
    pub actor: ActorId,
    /// What.
    pub answer: Answer,
    /// To what.
    pub about: About,
    /// The digest of what was decided and shown.
    pub question: Digest,
    /// Its beginning, as every page and the command line show it.
    pub code: String,
    /// SHA-256 of the comment or the reason, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Digest>,
    /// Makes each statement another one.
    pub nonce: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it is no more taken.
    pub expires_at: Timestamp,
}

impl AnswerStatement {
    /// The statement that somebody is to sign, about the artifacts of a release where it is a promotion's.
    pub fn new(artifacts: &[Artifact], said: Said) -> Self {
        let subject = match &said.about {
            About::Promotion { .. } => artifacts.iter().map(Subject::from).collect(),
            About::Proposal { of, version, .. } => vec![Subject {
                name: of.to_string(),
                digest: BTreeMap::from([("sha256".to_owned(), version.hex())]),
            }],
        };
        Self {
            form: STATEMENT.to_owned(),
            subject,
            of: ANSWER.to_owned(),
            said,
        }
    }

    /// Its one form: what is signed.
    pub fn text(&self) -> String {
        canonical(self)
    }

    /// Reads a statement that was signed.
    ///
    /// # Errors
    /// [`StatementError::Unreadable`]
    pub fn read(text: &str) -> Result<Self, StatementError> {
        let read: Self = read(text)?;
        if read.form != STATEMENT || read.of != ANSWER {
            return Err(StatementError::Unreadable(format!(
                "it is no `{ANSWER}` in a `{STATEMENT}`"
            )));
        }
        nonce(&read.said.nonce)?;
        Ok(read)
    }

    /// Holds it against what would be made now for the one who sends it. Only nonce and times may be other ones.
    ///
    /// # Errors
    /// [`StatementError`] names the first difference that tells most.
    pub fn must_be(&self, asked: &AnswerStatement, now: Timestamp) -> Result<(), StatementError> {
        let (said, asked_said) = (&self.said, &asked.said);
        if said.server != asked_said.server {
            return Err(StatementError::OtherServer(
                said.server.clone().unwrap_or_default(),
            ));
        }
        let answered = said.about.answered();
        if answered != asked_said.about.answered() {
            return Err(StatementError::OtherDecision(format!("of {answered}")));
        }
        if said.actor != asked_said.actor {
            return Err(StatementError::OtherActor(said.actor.clone()));
        }
        if said.answer != asked_said.answer {
            return Err(StatementError::OtherAnswer);
        }
        in_time(said.issued_at, said.expires_at, ANSWER_STATEMENT_LASTS, now)?;
        if said.question != asked_said.question || said.code != asked_said.code {
            return Err(StatementError::Stale {
                signed: said.code.clone(),
                now: asked_said.code.clone(),
            });
        }
        if said.comment != asked_said.comment {
            return Err(StatementError::OtherComment);
        }
        if said.about != asked_said.about || self.subject != asked.subject {
            return Err(StatementError::OtherDecision(format!(
                "of {}",
                said.about.brings()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T09:00:00Z".parse().unwrap()
    }

    fn of_release(promotion: &str, version: &str) -> About {
        About::Promotion {
            id: promotion.parse().unwrap(),
            release: serde_json::from_value(serde_json::json!(Digest::of(b"release"))).unwrap(),
            version: version.parse().unwrap(),
        }
    }

    fn of_rules(number: u64, rules: &[u8]) -> About {
        About::Proposal {
            id: ProposalId {
                project: "shop".parse().unwrap(),
                number,
            },
            of: Declared::Policy("rules".parse().unwrap()),
            version: Digest::of(rules),
        }
    }

    fn asked() -> AnswerStatement {
        let artifact = Artifact {
            name: "image".parse().unwrap(),
            at: ArtifactAt::Oci {
                repository: "r/shop".to_owned(),
                digest: Digest::of(b"image"),
            },
        };
        let question = Digest::of(b"question");
        AnswerStatement::new(
            &[artifact],
            Said {
                server: Some("https://gateline.example".to_owned()),
                actor: "ann".parse().unwrap(),
                answer: Answer::Approve,
                about: of_release("shop/shop/live/7", "1.0.0"),
                question,
                code: "7f3a 90c2".to_owned(),
                comment: None,
                nonce: "ab".repeat(32),
                issued_at: now(),
                expires_at: ANSWER_STATEMENT_LASTS.after(now()),
            },
        )
    }

    #[test]
    fn a_statement_reads_back_in_its_one_form_and_in_no_other() {
        let text = asked().text();
        assert_eq!(AnswerStatement::read(&text).unwrap(), asked());
        assert!(
            text.starts_with(
                r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"about":{"promotion":"#
            )
        );
        let spaced = text.replacen(':', ": ", 1);
        let more = text.replacen('{', r#"{"a":1,"#, 1);
        let other = text.replace("attestation/approval", "attestation/other");
        let short = text.replace(&"ab".repeat(32), "ab");
        for wrong in [spaced, more, other, short, String::new(), "x".repeat(70_000)] {
            let err = AnswerStatement::read(&wrong).unwrap_err();
            assert_eq!(err.code(), "signature.statement", "{wrong:.60}");
        }
    }

    #[test]
    fn what_was_signed_for_anything_else_says_so() {
        let difference = |change: fn(&mut AnswerStatement)| {
            let mut signed = asked();
            change(&mut signed);
            signed.must_be(&asked(), now()).unwrap_err().code()
        };
        type Change = fn(&mut AnswerStatement);
        let rows: [(Change, &str); 12] = [
            (|one| one.said.server = None, "signature.other_server"),
            (
                |one| one.said.about = of_release("shop/shop/live/8", "1.0.0"),
                "signature.other_decision",
            ),
            (
                |one| one.said.about = of_rules(7, b"a"),
                "signature.other_decision",
            ),
            (
                |one| one.said.about = of_release("shop/shop/live/7", "1.0.1"),
                "signature.other_decision",
            ),
            (|one| one.subject.clear(), "signature.other_decision"),
            (
                |one| one.said.actor = "bo".parse().unwrap(),
                "signature.other_actor",
            ),
            (|one| one.said.answer = Answer::Reject, "signature.other_answer"),
            (
                |one| one.said.comment = Some(Digest::of(b"fine")),
                "signature.other_comment",
            ),
            (|one| one.said.question = Digest::of(b"other"), "signature.stale"),
            (
                |one| {
                    one.said.issued_at = "2026-11-21T08:00:00Z".parse().unwrap();
                    one.said.expires_at = "2026-11-21T08:15:00Z".parse().unwrap();
                },
                "signature.expired",
            ),
            (
                |one| one.said.expires_at = "2026-11-22T08:15:00Z".parse().unwrap(),
                "signature.clock",
            ),
            (
                |one| {
                    one.said.issued_at = "2026-11-21T09:02:00Z".parse().unwrap();
                    one.said.expires_at = "2026-11-21T09:12:00Z".parse().unwrap();
                },
                "signature.clock",
            ),
        ];
        for (change, code) in rows {
            assert_eq!(difference(change), code);
        }
        let to_rules = |about: About| {
            let said = Said {
                about,
                ..asked().said
            };
            AnswerStatement::new(&[], said)
        };
        let rules = to_rules(of_rules(7, b"a"));
        assert_eq!(AnswerStatement::read(&rules.text()).unwrap(), rules);
        assert_eq!(rules.subject[0].digest["sha256"], Digest::of(b"a").hex());
        for other in [of_rules(8, b"a"), of_rules(7, b"b")] {
            let err = to_rules(other).must_be(&rules, now()).unwrap_err();
            assert_eq!(err.code(), "signature.other_decision");
        }
        let mut another = asked();
        another.said.nonce = "cd".repeat(32);
        another.said.issued_at = "2026-11-21T08:59:00Z".parse().unwrap();
        another.said.expires_at = "2026-11-21T09:14:00Z".parse().unwrap();
        assert_eq!(another.must_be(&asked(), now()), Ok(()));
    }
}
