//! Evidence: submitting what a tool wrote, and reading it back.

use gateline_model::{ActorId, Digest, EvidenceId, Found, Outcome, Scope, StageName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ReleasePath;
use crate::endpoint::{endpoint, needs};
use crate::{Empty, ReleaseName};

endpoint! {
    /// Records what a tool wrote about a release. The body is the file as it is.
    SubmitEvidence: Post "/api/v1/releases/{release}/evidence", needs(Scope::SubmitEvidence),
    path ReleasePath, query EvidenceQuery, body Empty as Bytes, reply EvidenceView
}
endpoint! {
    /// Records what is attached to the release's artifacts in the registries that its pipeline declares, each content once.
    FetchEvidence: Post "/api/v1/releases/{release}/evidence/fetch", needs(Scope::SubmitEvidence),
    path ReleasePath, query Empty, body Empty, reply FetchedView
}
endpoint! {
    /// Tells how much has arrived of evidence that was begun under an idempotency key, to go on from there.
    GetUpload: Get "/api/v1/releases/{release}/evidence/uploads/{key}", needs(Scope::SubmitEvidence),
    path UploadPath, query EvidenceQuery, body Empty, reply UploadView
}
endpoint! {
    /// Gives back the bytes that a piece of evidence was read from.
    GetRawEvidence: Get "/api/v1/evidence/raw/{digest}", needs(Scope::Read),
    path RawPath, query Empty, body Empty, reply Empty as Bytes
}

/// Bytes in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RawPath {
    /// Their digest: `raw` of the evidence.
    pub digest: Digest,
}

/// An upload in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UploadPath {
    /// The release, written as where the upload was begun.
    pub release: ReleaseName,
    /// The idempotency key that it was begun under.
    pub key: String,
}

/// How far an upload has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UploadView {
    /// The byte to go on from; 0 where nothing is kept.
    pub offset: u64,
    /// Whether evidence was accepted under the key: then the same request is answered as it was, without its body.
    pub complete: bool,
    /// Until when what arrived is kept, if nothing more does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What the submitted bytes are about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceQuery {
    /// A name that gates may ask for, as `unit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The stage that it was made in or for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// The format, as `junit`; known by the content where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What any JSON is, in a word, as `chaos`; for the format `json` alone.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Where in any JSON the value is, as `.result.runs[0]`; all of it where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Digests of the artifacts that the tool looked at, joined by commas; all of the release's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<String>,
}

/// What is attached to a release's artifacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FetchedView {
    /// The evidence that it is, recorded now or before.
    pub evidence: Vec<EvidenceView>,
    /// How many pieces of it are new.
    pub recorded: u64,
    /// What else is attached and is not read.
    pub passed_over: Vec<String>,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceView {
    /// Its id.
    pub id: EvidenceId,
    /// The name that the reporter gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The stage that it was made in or for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// What kind of facts it has, as `tests`; none where it errored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `errored` where nothing could be found out; whether facts are good enough is for a gate to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// One sentence with its numbers.
    pub says: String,
    /// What was found.
    pub found: Found,
    /// The format that it was read as.
    pub format: String,
    /// The artifacts that it speaks of.
    pub artifacts: Vec<Digest>,
    /// Digest of the bytes; none for a live check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Digest>,
    /// What is odd about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Who submitted it.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
}
