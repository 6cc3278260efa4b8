//! Waivers: accepted exceptions, each for one named finding.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActorId, Digest, Finding, PipelineName, Severity, StageName};

/// A waiver is called by the digest of what it says, without when and by whom.
pub type WaiverId = Digest;

/// An accepted exception for one named finding. The reason is in the event's erasable part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    /// The finding, as its identity.
    pub finding: String,
    /// The rule or vulnerability, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where it was when it was waived, for people.
    pub place: String,
    /// How severe it was when it was waived. A finding that has become worse is not waived.
    pub severity: Severity,
    /// The application.
    pub pipeline: PipelineName,
    /// The stage; every one where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// Where it is written down what is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Who accepts it.
    pub by: ActorId,
    /// When it was granted.
    pub at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

impl Waiver {
    /// Its id.
    pub fn id(&self) -> WaiverId {
        Digest::of_json(&(&self.finding, &self.pipeline, &self.stage, self.until))
    }

    /// Whether it accepts this finding there and then. Never one that is worse than the one that was waived.
    pub fn covers(
        &self,
        finding: &Finding,
        pipeline: &PipelineName,
        stage: &StageName,
        now: Timestamp,
    ) -> bool {
        self.finding == finding.identity
            && finding.severity >= self.severity
            && self.pipeline == *pipeline
            && self.stage.as_ref().is_none_or(|own| own == stage)
            && now < self.until
    }
}
