//! Keys that sign answers, the statements that are signed, and the signatures that were given.

use gateline_model::{ActorId, Answer, Answered, Bound, Digest, No, Proof, Scope, SignedStatement, Tier};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PromotionPath, ProposalPath};
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists the keys that were ever enrolled, also those that were revoked.
    ListKeys: Get "/api/v1/keys", needs(Scope::Read),
    path Empty, query KeyQuery, body Empty, reply Vec<KeyView>
}
endpoint! {
    /// Gives what a key of the one who asks is to sign to be enrolled.
    GetKeyStatement: Get "/api/v1/keys/statement", needs(Scope::Read),
    path Empty, query Empty, body Empty, reply KeyStatementReply
}
endpoint! {
    /// Enrols a key: an SSH key that signed the statement, or a passkey that was made for it.
    EnrolKey: Post "/api/v1/keys", needs(Scope::Approve),
    path Empty, query Empty, body EnrolKeyRequest, reply KeyView
}
endpoint! {
    /// Revokes a key at once: what it signed counts no more where it is not admitted yet.
    RevokeKey: Post "/api/v1/keys/revoke", needs(Scope::Approve),
    path Empty, query Empty, body RevokeKeyRequest, reply KeyView
}
endpoint! {
    /// Gives what the one who asks is to sign who answers a promotion now.
    GetStatement: Get "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/statement", needs(Scope::Approve),
    path PromotionPath, query StatementQuery, body Empty, reply StatementReply
}
endpoint! {
    /// Gives what the one who asks is to sign who approves a proposal now.
    GetProposalStatement: Get "/api/v1/proposals/{project}/{number}/statement", needs(Scope::Approve),
    path ProposalPath, query StatementQuery, body Empty, reply StatementReply
}
endpoint! {
    /// Gives the signed statements of a proposal's approvals, to look at them again.
    ListProposalSignatures: Get "/api/v1/proposals/{project}/{number}/signatures", needs(Scope::Read),
    path ProposalPath, query Empty, body Empty, reply Vec<SignatureView>
}
endpoint! {
    /// Gives the signed statements of a promotion's answers, to look at them again.
    ListSignatures: Get "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/signatures", needs(Scope::Read),
    path PromotionPath, query Empty, body Empty, reply Vec<SignatureView>
}

/// Which keys to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeyQuery {
    /// Only this actor's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorId>,
}

/// A key, its public half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyView {
    /// What it is called: the SHA-256 fingerprint of an SSH key, the credential id of a passkey.
    pub fingerprint: String,
    /// Whose.
    pub actor: ActorId,
    /// How strongly it binds.
    pub tier: Tier,
    /// The public key: the line of an SSH key, the COSE key of a passkey in base64url.
    pub public: String,
    /// How its owner calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Whether a passkey is copied to its owner's other devices.
    pub synced: bool,
    /// Since when it may sign.
    pub since: Timestamp,
    /// Since when it may not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// What a key is to sign to be enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyStatementReply {
    /// The statement, byte for byte.
    pub statement: String,
    /// Its digest: a passkey's challenge.
    pub digest: Digest,
    /// The host for which passkeys are made; none where they do not work at this server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// A key to enrol, for the actor of the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolKeyRequest {
    /// The statement, byte for byte.
    pub statement: String,
    /// How its owner calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// The key, and that it signed the statement.
    pub key: NewKey,
}

/// A new key, with what shows that whoever enrols it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NewKey {
    /// An SSH key.
    Ssh {
        /// The line of its `.pub` file.
        public: String,
        /// Its signature over the statement, as `ssh-keygen -Y sign -n key@gateline.dev` writes it.
        signature: String,
    },
    /// A passkey, as a browser gives it (`AuthenticatorAttestationResponse`), in base64url.
    Passkey {
        /// What the browser says that was asked, by whom.
        client_data: String,
        /// What the authenticator says: the key is in it.
        authenticator_data: String,
    },
}

/// A key to revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeKeyRequest {
    /// Which.
    pub fingerprint: String,
    /// Why.
    pub reason: String,
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    /// Yes, no, or what is to be changed first.
    pub answer: Answer,
    /// SHA-256 of the comment or reason, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Digest>,
}

/// What somebody is to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatementReply {
    /// The statement, byte for byte.
    pub statement: String,
    /// Its digest: a passkey's challenge.
    pub digest: Digest,
    /// The decision code, to compare with what was read.
    pub code: String,
    /// How strongly a yes must be bound.
    pub tier: Tier,
    /// The host for which passkeys are asked; none where they do not work at this server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The keys of the one who asks that are in force.
    pub keys: Vec<KeyView>,
}

/// The signature of an answer: the statement that was signed, and what the key made.
pub type SignedRequest = SignedStatement;

/// An answer that was signed, with all that is needed to look at it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignatureView {
    /// What was answered.
    pub answered: Answered,
    /// Where the answer stands in the log.
    pub log_index: u64,
    /// What a no asks for; a yes has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no: Option<No>,
    /// Who answered.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// How the log says that it is bound.
    pub bound: Bound,
    /// The statement, byte for byte.
    pub statement: String,
    /// What the key made.
    pub proof: Proof,
    /// The key.
    pub key: KeyView,
    /// Whether it holds, looked at again now; or why not.
    pub holds: Holds,
}

/// Whether a signature holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// By that key, over that statement.
    Yes,
    /// It does not.
    No(String),
}
