//! Targets and checks: what pipeline files ask of drivers. Drivers read these types; nobody else interprets them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Artifact, ArtifactName, Digest, PolicyName, Proxy, Registry, ReleaseBrief, ReleaseId, RequestMark, Span,
    StageRef, StepAction, TargetName,
};

/// The real place that a driver changes, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// Processes on this host behind the weighted proxy: the embedded default.
    Process(ProcessTarget),
    /// The user's own executables: apply, observe, revert.
    Command(CommandTarget),
}

impl Target {
    /// How many instances serve a release, where the target says so.
    pub fn instances(&self) -> Option<u32> {
        match self {
            Target::Process(target) => Some(target.instances),
            Target::Command(_) => None,
        }
    }
}

/// Supervised processes on this host, behind a proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessTarget {
    /// Program and arguments. `{port}`, `{version}`, `{nonce}` and `{artifact.NAME}` (a file artifact's path) are filled in.
    pub command: Vec<String>,
    /// How many processes serve one release.
    #[serde(default = "one")]
    pub instances: u32,
    /// Environment of the processes; they inherit nothing else but `PATH`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where the proxy listens for this target's traffic.
    pub listen: SocketAddr,
    /// The proxy: the control socket of `gateline proxy`, or `{haproxy: ..}` or `{envoy: ..}`.
    pub proxy: Proxy,
    /// Where a request says `internal` or `trusted`, for steps that show a release to these people first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort: Option<RequestMark>,
    /// By what a user keeps the release that he got while the share grows: a cookie, which the proxy gives to those who
    /// have none, or a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<RequestMark>,
    /// Path that answers 200 when a process is healthy.
    #[serde(default = "healthz")]
    pub health: String,
    /// How long a process may take to become healthy.
    #[serde(default = "start_timeout")]
    pub start_timeout: Span,
    /// How long an old process may finish its requests before it is killed.
    #[serde(default = "drain")]
    pub drain: Span,
}

/// A target that the user's own executables change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandTarget {
    /// Makes one step true. Gets the operation in `GATELINE_*` variables and as JSON on standard input.
    pub apply: Vec<String>,
    /// Says whether a step is true: exit code 0 applied, 1 not applied, anything else unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observe: Option<Vec<String>>,
    /// Takes a rollout back. Without it, `apply` is called with the previous release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<Vec<String>>,
    /// Says whether the live release is healthy: exit code 0 healthy, 1 unhealthy, anything else unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Vec<String>>,
    /// How long one call may take before it is killed.
    #[serde(default = "command_timeout")]
    pub timeout: Span,
    /// Set when there is no `observe` and `apply` takes no idempotent key: one attempt, then a person.
    #[serde(default)]
    pub at_most_once: bool,
    /// Environment of the executables; they inherit nothing else but `PATH`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

fn one() -> u32 {
    1
}

fn healthz() -> String {
    "/healthz".to_owned()
}

fn start_timeout() -> Span {
    Span::from_secs(30)
}

fn drain() -> Span {
    Span::from_secs(10)
}

fn command_timeout() -> Span {
    Span::from_secs(300)
}

fn check_timeout() -> Span {
    Span::from_secs(10)
}

/// What a driver is asked to make true: one step of one rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepOrder {
    /// Idempotency key: promotion, step and attempt. The same key is the same operation.
    pub key: String,
    /// The stage, for messages.
    pub stage: StageRef,
    /// What the lane belongs to.
    pub target_name: TargetName,
    /// The target.
    pub target: Target,
    /// The release being rolled out.
    pub release: ReleaseBrief,
    /// The release that was live before, if any.
    pub live: Option<ReleaseBrief>,
    /// What to make true.
    pub action: StepAction,
    /// What to run to [`StepAction::Degrade`], where that is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrade: Option<CommandCheck>,
}

/// What a driver is asked to look at between steps: the traffic or the health of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetView {
    /// What the lane belongs to.
    pub target_name: TargetName,
    /// The target.
    pub target: Target,
    /// The release that is (or is becoming) live.
    pub release: ReleaseBrief,
}

/// One live observation that a gate or a verification asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// One query to a metric source.
    Metric(MetricCheck),
    /// One HTTP request.
    Http(HttpCheck),
    /// One bounded run of an executable.
    Command(CommandCheck),
    /// The reported attestations, held against trusted keys.
    Attestation(AttestationCheck),
    /// One run of a policy module.
    Policy(PolicyCheck),
}

/// One query, one number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricCheck {
    /// Where to ask.
    pub source: MetricSource,
    /// What to ask. For `openmetrics`: a metric with labels, or `rate(..)`, `ratio(..)`, `quantile(..)` of them; for `prometheus`: PromQL.
    pub query: String,
}

/// Where numbers come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MetricSource {
    /// A direct scrape of a `/metrics` page.
    Openmetrics(OpenmetricsSource),
    /// The HTTP API of a Prometheus server.
    Prometheus(PrometheusSource),
}

/// A `/metrics` page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenmetricsSource {
    /// The page's address.
    pub url: String,
    /// Time between the two scrapes that a rate, ratio or quantile needs.
    #[serde(default = "scrape_over")]
    pub over: Span,
    /// How long one scrape may take.
    #[serde(default = "check_timeout")]
    pub timeout: Span,
    /// Bearer token, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

fn scrape_over() -> Span {
    Span::from_secs(2)
}

/// A Prometheus server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSource {
    /// The server's base address.
    pub url: String,
    /// How long one query may take.
    #[serde(default = "check_timeout")]
    pub timeout: Span,
    /// Bearer token, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// One HTTP request and what the answer must look like to be told apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// The address. `{version}` is filled in.
    pub url: String,
    /// Text that the body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// How long the answer may take.
    #[serde(default = "check_timeout")]
    pub timeout: Span,
    /// Bearer token, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// One bounded run of an executable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandCheck {
    /// Program and arguments. `{version}` and `{artifact.NAME}` are filled in.
    pub run: Vec<String>,
    /// How long it may take before it is killed.
    #[serde(default = "command_timeout")]
    pub timeout: Span,
    /// Its environment; it inherits nothing else but `PATH`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// The keys that the reported attestations are held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestationCheck {
    /// The keys that are trusted.
    pub keys: Vec<TrustedKey>,
    /// The identities that are trusted, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyless: Option<Keyless>,
}

/// Identities that are trusted to sign without a key that somebody keeps: certificates of Sigstore say whose they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyless {
    /// A file on the server with the trusted root, as Sigstore and its private instances publish it (`trusted_root.json`).
    pub trusted_root: String,
    /// Who may sign.
    pub identities: Vec<TrustedIdentity>,
}

/// An identity that is trusted to sign, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedIdentity {
    /// The name in the certificate, whole, or its beginning and `*`, as in `https://github.com/acme/app/.github/workflows/*`.
    pub identity: String,
    /// Who vouches for it, whole, as in `https://token.actions.githubusercontent.com`.
    pub issuer: String,
}

/// The module that is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyCheck {
    /// The module, by its name in the project.
    pub module: PolicyName,
    /// The package whose rules are asked; all where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

/// What a module is run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyOrder {
    /// The version in force: the digest by which its files are kept.
    pub module: Digest,
    /// The package whose rules are asked at the risk of the promotion; all where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Digest of what the input is made from.
    pub basis: Digest,
    /// What the rules see.
    pub input: serde_json::Value,
}

/// One key that is trusted to sign, in the pipeline itself or in a file that the server reads at each check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// What verdicts call it.
    pub name: String,
    /// The public key in PEM (ECDSA P-256 or Ed25519).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// A file on the server that holds it: PEM, an SSH public key or allowed signers, or a minisign public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why it is trusted no more. What it signed is then refused with this reason, whenever it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
}

/// What a check is run for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckOrder {
    /// The observation to make.
    pub check: Check,
    /// The release being judged.
    pub release: ReleaseId,
    /// The stage, for messages and variables.
    pub stage: StageRef,
    /// The label of the release being judged.
    pub version: String,
    /// Its artifacts.
    pub artifacts: Vec<Artifact>,
    /// Its reported attestations, for a check of them: the newest first, at most
    /// [`STATEMENTS_MAX`](crate::STATEMENTS_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Report>,
    /// Where more of them are attached to artifacts, for a check of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub registries: BTreeMap<ArtifactName, Registry>,
    /// What a policy module is run on, for a check of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyOrder>,
}

/// One reported attestation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Its bytes.
    pub raw: Digest,
    /// The format that they were read as.
    pub format: String,
}

/// A secret, by reference only: `env:NAME` or `file:PATH`. There is no form that holds the secret itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretRef {
    /// An environment variable of the server.
    Env(String),
    /// A file that the server can read.
    File(String),
}

/// Why a text is not a [`SecretRef`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a secret is given by reference only: write `env:NAME` or `file:PATH`")]
pub struct SecretRefError;

impl FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        // The text is not repeated in the error: it may be the secret.
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(SecretRef::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(SecretRef::File(path.to_owned())),
            Some(_) | None => Err(SecretRefError),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "env:{name}"),
            SecretRef::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^(env|file):.+$", "description": "env:NAME or file:PATH"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_secret_is_refused_and_not_repeated() {
        let err = "hunter2".parse::<SecretRef>().unwrap_err().to_string();
        assert!(!err.contains("hunter2"), "{err}");
        assert!("env:TOKEN".parse::<SecretRef>().is_ok());
    }
}
