//! Releases: immutable, named sets of artifacts plus the change they bring.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActorId, ArtifactName, Digest, PipelineName, PipelineRef, ProjectName, Version};

/// A release is called by the digest of its content: the same content twice is the same release.
pub type ReleaseId = Digest;

/// An immutable set of artifacts that moves as one, with the change that it brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Release {
    /// The pipeline that the release moves through.
    pub of: PipelineRef,
    /// Its label, unique within the pipeline.
    pub version: Version,
    /// What it is made of; at least one, each by digest.
    pub artifacts: Vec<Artifact>,
    /// What it changes.
    pub change: Change,
    /// Digest of the erasable part ([`ChangeText`]): two releases with other notes are two releases.
    pub text: Digest,
}

impl Release {
    /// The release's id: the digest of its canonical content.
    pub fn id(&self) -> ReleaseId {
        Digest::of_json(self)
    }

    /// What drivers and people call it.
    pub fn brief(&self) -> ReleaseBrief {
        ReleaseBrief {
            id: self.id(),
            version: self.version.clone(),
            artifacts: self.artifacts.clone(),
        }
    }
}

/// As much of a release as a driver needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseBrief {
    /// The release's id.
    pub id: ReleaseId,
    /// Its label.
    pub version: Version,
    /// Its artifacts.
    pub artifacts: Vec<Artifact>,
}

/// One thing that a release is made of, addressed by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Its name within the release.
    pub name: ArtifactName,
    /// Where it is and what it is.
    #[serde(flatten)]
    pub at: ArtifactAt,
}

/// The address of an artifact. There is no form without a digest or a full commit id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ArtifactAt {
    /// An image or other artifact in an OCI registry.
    Oci {
        /// Registry and repository, without tag.
        repository: String,
        /// The manifest's digest.
        digest: Digest,
    },
    /// A file, known by its content.
    File {
        /// The path it had when it was registered.
        path: String,
        /// The content's digest.
        digest: Digest,
    },
    /// A git commit.
    Git {
        /// The repository's URL.
        url: String,
        /// The full commit id, 40 or 64 hex digits.
        commit: String,
    },
}

impl ArtifactAt {
    /// The digest that evidence is bound to; for git the digest of `git:URL@COMMIT`.
    pub fn digest(&self) -> Digest {
        match self {
            ArtifactAt::Oci { digest, .. } | ArtifactAt::File { digest, .. } => *digest,
            ArtifactAt::Git { url, commit } => Digest::of(format!("git:{url}@{commit}").as_bytes()),
        }
    }

    /// The word for the kind, as pipeline files write it.
    pub fn kind(&self) -> &'static str {
        match self {
            ArtifactAt::Oci { .. } => "oci",
            ArtifactAt::File { .. } => "file",
            ArtifactAt::Git { .. } => "git",
        }
    }
}

impl fmt::Display for ArtifactAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArtifactAt::Oci { repository, digest } => write!(f, "oci://{repository}@{digest}"),
            ArtifactAt::File { path, digest } => write!(f, "file:{path}@{digest}"),
            ArtifactAt::Git { url, commit } => write!(f, "git:{url}@{commit}"),
        }
    }
}

/// Why a text is not an artifact's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// A tag or branch can point to other content tomorrow.
    #[error(
        "`{0}` is a mutable reference: it can mean other bytes tomorrow; pin it, as in `oci://REPOSITORY@sha256:..` or `git:URL@COMMIT`"
    )]
    Mutable(String),
    /// The form is unknown.
    #[error(
        "`{0}` is not an artifact: write `oci://REPOSITORY@sha256:..`, `file:PATH@sha256:..` or `git:URL@COMMIT`"
    )]
    Unknown(String),
}

impl FromStr for ArtifactAt {
    type Err = ArtifactError;

    fn from_str(text: &str) -> Result<Self, ArtifactError> {
        let shown = || text.chars().take(200).collect::<String>();
        let mutable = || ArtifactError::Mutable(shown());
        if let Some(rest) = text.strip_prefix("oci://") {
            let (repository, digest) = rest.rsplit_once('@').ok_or_else(mutable)?;
            let digest = digest.parse().map_err(|_| mutable())?;
            // `repo:tag@sha256:..` is legal elsewhere, but then the tag says nothing and may lie.
            let last = repository.rsplit('/').next().unwrap_or(repository);
            let repository = if let Some((_, tag)) = last.rsplit_once(':') {
                &repository[..repository.len() - tag.len() - 1]
            } else {
                repository
            };
            if repository.is_empty() {
                return Err(ArtifactError::Unknown(shown()));
            }
            return Ok(ArtifactAt::Oci {
                repository: repository.to_owned(),
                digest,
            });
        }
        if let Some(rest) = text.strip_prefix("git:") {
            let (url, commit) = rest.rsplit_once('@').ok_or_else(mutable)?;
            let full =
                matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| b"0123456789abcdef".contains(&b));
            if !full || url.is_empty() {
                return Err(mutable());
            }
            return Ok(ArtifactAt::Git {
                url: url.to_owned(),
                commit: commit.to_owned(),
            });
        }
        if let Some(rest) = text.strip_prefix("file:") {
            let (path, digest) = rest.rsplit_once('@').ok_or_else(mutable)?;
            let digest = digest.parse().map_err(|_| mutable())?;
            return Ok(ArtifactAt::File {
                path: path.to_owned(),
                digest,
            });
        }
        Err(ArtifactError::Unknown(shown()))
    }
}

/// What kind of change a release brings. Pipelines choose gates and approvals by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// New behaviour.
    #[default]
    Feature,
    /// Mended behaviour.
    Fix,
    /// A fix that may supersede a running rollout.
    Hotfix,
    /// Settings only.
    Config,
    /// Infrastructure, as in a Terraform plan.
    Infrastructure,
    /// A migration of stored data.
    DataMigration,
    /// A dependency's new version.
    Dependency,
    /// A feature flag's new value.
    Flag,
    /// A change to a pipeline or a policy itself.
    Pipeline,
}

impl ChangeKind {
    /// The word, as files and conditions write it.
    pub fn word(self) -> &'static str {
        match self {
            ChangeKind::Feature => "feature",
            ChangeKind::Fix => "fix",
            ChangeKind::Hotfix => "hotfix",
            ChangeKind::Config => "config",
            ChangeKind::Infrastructure => "infrastructure",
            ChangeKind::DataMigration => "data_migration",
            ChangeKind::Dependency => "dependency",
            ChangeKind::Flag => "flag",
            ChangeKind::Pipeline => "pipeline",
        }
    }
}

/// What a release changes: the facts that gates and conditions may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Where the source is and which commits are new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// When it was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_at: Option<Timestamp>,
    /// What built it, as a URI or a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// What kind of change it is.
    #[serde(default)]
    pub kind: ChangeKind,
    /// Whether callers of the old version break.
    #[serde(default)]
    pub breaking: bool,
    /// Whether it must never be rolled back by itself (a migration that cannot be undone).
    #[serde(default)]
    pub irreversible: bool,
    /// Free labels for conditions.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Tickets that it belongs to.
    #[serde(default)]
    pub tickets: Vec<String>,
    /// Who wrote it, as actors: they may not approve it unless a layer says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written_by: Vec<ActorId>,
    /// The paths that it touches, from the root of the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// How many lines it adds and removes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines_changed: Option<u64>,
}

impl Change {
    /// What it says, as names and texts in the order in which people read it.
    pub fn rows(&self, time: impl Fn(Timestamp) -> String) -> Vec<(&'static str, String)> {
        let Self {
            source,
            built_at,
            builder,
            kind,
            breaking,
            irreversible,
            labels,
            tickets,
            written_by,
            paths,
            lines_changed,
        } = self;
        let mut words = kind.word().replace('_', " ");
        for (set, word) in [(breaking, ", breaking"), (irreversible, ", irreversible")] {
            words.push_str(if *set { word } else { "" });
        }
        let mut rows = vec![("kind", words)];
        if let Some(Source {
            repository,
            commit,
            range,
        }) = source
        {
            rows.push(("source", format!("{repository}@{commit}")));
            rows.extend(range.iter().map(|range| ("new commits", range.clone())));
        }
        let built = [
            built_at.map(time),
            builder.as_ref().map(|builder| format!("by {builder}")),
        ];
        let built: Vec<String> = built.into_iter().flatten().collect();
        if !built.is_empty() {
            rows.push(("built", built.join(" ")));
        }
        if !tickets.is_empty() {
            rows.push(("tickets", tickets.join(", ")));
        }
        if !written_by.is_empty() {
            let by: Vec<&str> = written_by.iter().map(ActorId::as_str).collect();
            rows.push(("written by", by.join(", ")));
        }
        let size = [
            (!paths.is_empty()).then(|| format!("{} paths", paths.len())),
            lines_changed.map(|lines| format!("{lines} lines")),
        ];
        let size: Vec<String> = size.into_iter().flatten().collect();
        if !size.is_empty() {
            rows.push(("touches", size.join(", ")));
        }
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            rows.push(("labels", labels.join(", ")));
        }
        rows
    }
}

/// Where a release's source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The repository's URL.
    pub repository: String,
    /// The commit that was built.
    pub commit: String,
    /// The commits that are new, as `OLD..NEW`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
}

/// The erasable part of a change: personal names and free text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeText {
    /// Who wrote the commits.
    #[serde(default)]
    pub authors: Vec<String>,
    /// Release notes.
    #[serde(default)]
    pub notes: String,
}

/// A release as people write it: `payment-service@1.4.0`, or `payments/payment-service@1.4.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseRef {
    /// The project, where it was named.
    pub project: Option<ProjectName>,
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The label.
    pub version: Version,
}

/// Why a text is not a [`ReleaseRef`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a release: write PIPELINE@VERSION, as in `payment-service@1.4.0`")]
pub struct ReleaseRefError(String);

impl FromStr for ReleaseRef {
    type Err = ReleaseRefError;

    fn from_str(text: &str) -> Result<Self, ReleaseRefError> {
        let bad = || ReleaseRefError(text.chars().take(200).collect());
        let (name, version) = text.split_once('@').ok_or_else(bad)?;
        let (project, pipeline) = match name.split_once('/') {
            Some((project, pipeline)) => (Some(project.parse().map_err(|_| bad())?), pipeline),
            None => (None, name),
        };
        Ok(Self {
            project,
            pipeline: pipeline.parse().map_err(|_| bad())?,
            version: version.parse().map_err(|_| bad())?,
        })
    }
}

impl fmt::Display for ReleaseRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(project) = &self.project {
            write!(f, "{project}/")?;
        }
        write!(f, "{}@{}", self.pipeline, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_its_builder_also_where_nobody_knows_when() {
        let mut change = Change {
            builder: Some("ci".to_owned()),
            breaking: true,
            labels: BTreeMap::from([("team".to_owned(), "payments".to_owned())]),
            ..Change::default()
        };
        let rows = |change: &Change| change.rows(|at| at.to_string());
        assert_eq!(rows(&Change::default()).len(), 1);
        let kind = format!("{}, breaking", change.kind.word());
        let said = [
            ("kind", kind.as_str()),
            ("built", "by ci"),
            ("labels", "team=payments"),
        ];
        assert_eq!(rows(&change), said.map(|(name, text)| (name, text.to_owned())));
        change.built_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(rows(&change)[1].1, "1970-01-01T00:00:00Z by ci");
    }

    #[test]
    fn a_tag_without_a_digest_is_refused_as_mutable() {
        for text in [
            "oci://reg/app:latest",
            "oci://reg/app",
            "git:https://x/y@main",
            "file:a.txt",
        ] {
            assert!(
                matches!(text.parse::<ArtifactAt>(), Err(ArtifactError::Mutable(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_tag_beside_a_digest_is_dropped() {
        let digest = Digest::of(b"x");
        let at: ArtifactAt = format!("oci://reg:5000/app:1.0@{digest}").parse().unwrap();
        assert_eq!(
            at,
            ArtifactAt::Oci {
                repository: "reg:5000/app".into(),
                digest
            }
        );
    }

    #[test]
    fn artifacts_read_back_what_they_print() {
        let digest = Digest::of(b"x");
        for text in [
            format!("oci://reg/app@{digest}"),
            format!("file:a/b@{digest}"),
            format!("git:https://h/r@{}", "a".repeat(40)),
        ] {
            assert_eq!(text.parse::<ArtifactAt>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_release_is_named_with_or_without_its_project() {
        for text in ["payment-service@1.4.0", "payments/payment-service@1.4.0"] {
            assert_eq!(text.parse::<ReleaseRef>().unwrap().to_string(), text);
        }
        assert!("payment-service".parse::<ReleaseRef>().is_err());
    }
}
