//! Incidents: what is wrong where releases are live, what changed before it, and what a watch found.

use std::collections::BTreeMap;

use gateline_model::{
    ActorId, Cause, Done, GateName, Incident, LookOutcome, Looks, NoiseFound, ProjectName, PromotionId,
    ReleaseId, Scope, Span, StageRef, Version, WatchOutcome,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::Value;

use super::ProjectPath;
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists incidents, the newest first: those that are open, and with `closed` those that were closed lately.
    ListIncidents: Get "/api/v1/incidents", needs(Scope::Read),
    path Empty, query IncidentQuery, body Empty, reply Vec<IncidentView>
}
endpoint! {
    /// Shows an incident with its suspects.
    GetIncident: Get "/api/v1/projects/{project}/incidents/{number}", needs(Scope::Read),
    path IncidentPath, query Empty, body Empty, reply IncidentView
}
endpoint! {
    /// Opens an incident. What changed before it on the stages that it touches is suspected, and stopped as these say.
    OpenIncident: Post "/api/v1/projects/{project}/incidents", needs(Scope::Incident),
    path ProjectPath, query Empty, body IncidentRequest, reply IncidentView
}
endpoint! {
    /// Says that a suspect did not cause an incident: what it was stopped for is lifted, unless another one stops it.
    LiftSuspect: Post "/api/v1/projects/{project}/incidents/{number}/lift", needs(Scope::Promote),
    path IncidentPath, query Empty, body LiftSuspectRequest, reply IncidentView
}
endpoint! {
    /// Closes an incident; or says of a closed one what had caused it. Nothing goes on by that alone but what waits at a gate.
    CloseIncident: Post "/api/v1/projects/{project}/incidents/{number}/close", needs(Scope::Incident),
    path IncidentPath, query Empty, body CloseRequest, reply IncidentView
}
endpoint! {
    /// Takes alerts as Prometheus' Alertmanager delivers them. What was heard before changes nothing, and 503 asks for what found no room again.
    HearAlerts: Post "/api/v1/projects/{project}/alerts", needs(Scope::Incident),
    path ProjectPath, query Empty, body AlertsRequest, reply AlertsReply
}

/// An incident in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentPath {
    /// The project.
    pub project: ProjectName,
    /// Its number there.
    pub number: u64,
}

/// Which incidents to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Those that were closed, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// An incident to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentRequest {
    /// What is wrong, in a few words.
    pub name: String,
    /// Stages that it touches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageRef>,
    /// Its labels: stages that match them are touched, too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// When it began; now where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What is known of it.
    pub reason: String,
}

/// A suspect to lift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftSuspectRequest {
    /// The suspect, by its promotion.
    pub promotion: PromotionId,
    /// Why it is not to blame.
    pub reason: String,
}

/// How an incident ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// What caused it.
    #[serde(default)]
    pub cause: Cause,
    /// How it ended.
    pub reason: String,
}

/// A delivery of alerts. Fields that are not named here are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertsRequest {
    /// The version of this form: `4`.
    pub version: String,
    /// The alerts. Each says by itself whether it fires.
    #[schemars(with = "Vec<AlertRequest>")]
    pub alerts: Vec<ToldAlert>,
}

/// One alert as far as it can be read, or why it cannot: one must not keep the others out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldAlert(pub Result<AlertRequest, String>);

impl<'de> Deserialize<'de> for ToldAlert {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let told = Value::deserialize(deserializer)?;
        Ok(Self(serde_json::from_value(told).map_err(|err| err.to_string())))
    }
}

impl Serialize for ToldAlert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(alert) => alert.serialize(serializer),
            Err(why) => Err(ser::Error::custom(why)),
        }
    }
}

/// One alert of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertRequest {
    /// `firing` or `resolved`.
    pub status: String,
    /// Its labels, `alertname` among them.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What it says, `summary` and `description` among it.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it stopped, where it is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// What its sender knows it by.
    #[serde(default)]
    pub fingerprint: String,
}

/// What a delivery of alerts came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertsReply {
    /// Incidents that were opened.
    pub opened: Vec<u64>,
    /// Incidents that were closed.
    pub closed: Vec<u64>,
    /// Alerts that changed nothing: they were known, or touch no stage.
    pub unchanged: u32,
    /// Alerts that cannot be read, and were passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedAlert>,
}

/// An alert of a delivery that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedAlert {
    /// Its place in the delivery, from 0.
    pub index: u32,
    /// What is wrong with it.
    pub why: String,
}

/// An incident with who said what of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentView {
    /// The project.
    pub project: ProjectName,
    /// The incident.
    pub incident: Incident,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<ActorId>,
    /// What was known of it; none where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Suspects that were lifted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifted: Vec<PromotionId>,
    /// Suspects that still stand or are barred for it: a person is to say how they go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<PromotionId>,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<ActorId>,
    /// How it ended; none where it was erased, or where an alert ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// What caused it.
    #[serde(default)]
    pub cause: Cause,
}

/// An open incident of a stage, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentBrief {
    /// Its number in the project.
    pub number: u64,
    /// What it is called.
    pub name: String,
    /// When it began.
    pub since: Timestamp,
}

/// That an incident suspects a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suspicion {
    /// The incident's number in the project.
    pub number: u64,
    /// What it is called.
    pub name: String,
    /// When it began.
    pub since: Timestamp,
    /// Why it suspects this one.
    pub says: String,
    /// What was done about it.
    pub done: Done,
    /// Whether the incident is open.
    pub open: bool,
    /// Whether a person said that this one is not to blame.
    pub lifted: bool,
    /// Whether it was named as the cause.
    pub cause: bool,
}

/// A watch of what went live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WatchView {
    /// The promotion that brought it.
    pub promotion: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Since when.
    pub since: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Time between two looks of a check.
    pub every: Span,
    /// How many looks of one check must fail in a row.
    pub in_a_row: u32,
    /// What all looks found.
    pub looks: Looks,
    /// Each check.
    pub gates: Vec<WatchedGate>,
    /// How it ended, where it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<WatchOutcome>,
    /// Why it ended, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// One check of a watch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WatchedGate {
    /// The check's gate.
    pub gate: GateName,
    /// What its looks found.
    pub looks: Looks,
    /// How many failed one after the other, up to the last.
    pub failing: u32,
    /// What the last look came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LookOutcome>,
    /// Why, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// How often its threshold would have fired while nothing was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseFound>,
    /// The same as a sentence, with a warning where it is too often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_says: Option<String>,
}
