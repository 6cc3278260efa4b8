//! Pipelines: the graph of stages that a release may pass, as it is stored and pinned.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ArtifactName, Digest, PipelineName, PipelineRef, ProjectName, Protection, Registry, Stage, StageName,
    StageRef, Window, WindowName,
};

/// The graph of stages that a release may pass. A version is the digest of its canonical content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The project that owns it.
    pub project: ProjectName,
    /// Its name.
    pub name: PipelineName,
    /// What the service is worth, as in `critical`: the risk factor `tier` weighs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Who must approve another version before it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<Protection>,
    /// The artifacts that each release must have.
    pub artifacts: Vec<ArtifactSpec>,
    /// Windows that stages refer to.
    #[serde(default)]
    pub windows: BTreeMap<WindowName, Window>,
    /// The stages, in the order of the file.
    pub stages: Vec<Stage>,
}

/// An artifact that each release of a pipeline must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactSpec {
    /// Its name within a release.
    pub name: ArtifactName,
    /// What it is.
    pub kind: ArtifactKind,
    /// The registry in which signatures, attestations and bills of materials are attached to it; for `oci` alone. Each gate on
    /// signed statements looks there, again in each stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestations: Option<Registry>,
}

/// The kinds of artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// An image or other artifact in an OCI registry.
    Oci,
    /// A file.
    File,
    /// A git commit.
    Git,
}

impl ArtifactKind {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            ArtifactKind::Oci => "oci",
            ArtifactKind::File => "file",
            ArtifactKind::Git => "git",
        }
    }
}

impl Pipeline {
    /// The version: a digest of the canonical content.
    pub fn version(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The pipeline's full name.
    pub fn reference(&self) -> PipelineRef {
        PipelineRef {
            project: self.project.clone(),
            pipeline: self.name.clone(),
        }
    }

    /// The full name of one of its stages.
    pub fn stage_ref(&self, stage: &StageName) -> StageRef {
        StageRef {
            project: self.project.clone(),
            pipeline: self.name.clone(),
            stage: stage.clone(),
        }
    }

    /// Where more is attached to artifacts, by their names.
    pub fn registries(&self) -> BTreeMap<ArtifactName, Registry> {
        let declared = self.artifacts.iter();
        declared
            .filter_map(|artifact| Some((artifact.name.clone(), artifact.attestations.clone()?)))
            .collect()
    }

    /// A stage by name.
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| &stage.name == name)
    }

    /// The stages that a release may enter first.
    pub fn entries(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| stage.after.is_empty())
    }

    /// The stages that come right after this one.
    pub fn downstream<'a>(&'a self, name: &'a StageName) -> impl Iterator<Item = &'a Stage> {
        self.stages.iter().filter(move |stage| stage.after.contains(name))
    }
}
