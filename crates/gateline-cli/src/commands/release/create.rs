//! Registering a release: artifacts by digest, and the change that it brings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gateline_api::{Empty, RegisterRelease, RegisterRequest};
use gateline_model::{ArtifactAt, ArtifactName, ChangeKind, Digest, ReleaseRef};

use super::change;
use crate::failure::Failure;
use crate::files;
use crate::render;
use crate::session::Session;
use crate::which::PipelineWord;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Artifacts are pinned: a tag or a branch can mean other bytes tomorrow, and is refused.
A file without its digest is hashed here. Its path is kept as it is written.

Examples:
  gateline release create payment-service@1.4.0 --artifact service=file:target/payment-service --change change.yaml
  gateline release create shop@2.0.0 --artifact image=oci://registry.example.com/shop@sha256:3b1c.. \\
    --kind fix --label team=shop --notes 'Prices are rounded once.'"
)]
pub(super) struct Create {
    /// The release, as PIPELINE@VERSION
    release: ReleaseRef,
    /// NAME=oci://REPOSITORY@sha256:.., NAME=file:PATH or NAME=git:URL@COMMIT; may be given more than once
    #[arg(long = "artifact", required = true, value_name = "NAME=ADDRESS", value_parser = artifact)]
    artifacts: Vec<(ArtifactName, String)>,
    /// A YAML file that says what it changes
    #[arg(long, value_name = "FILE")]
    change: Option<PathBuf>,
    /// A label for conditions; may be given more than once
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// What kind of change it is: feature, fix, hotfix, config, infrastructure, data-migration, dependency, flag, pipeline
    #[arg(long, value_parser = kind)]
    kind: Option<ChangeKind>,
    /// Callers of the old version break
    #[arg(long)]
    breaking: bool,
    /// It must never be rolled back by itself
    #[arg(long)]
    irreversible: bool,
    /// Release notes
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
}

fn artifact(text: &str) -> Result<(ArtifactName, String), String> {
    let (name, address) = text
        .split_once('=')
        .ok_or("write NAME=ADDRESS, as in `image=oci://REPOSITORY@sha256:..`")?;
    let name = name.parse().map_err(|err| format!("{err}"))?;
    if unhashed(address).is_none() {
        address.parse::<ArtifactAt>().map_err(|err| err.to_string())?;
    }
    Ok((name, address.to_owned()))
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("write NAME=VALUE, as in `team=payments`".to_owned()),
    }
}

fn kind(text: &str) -> Result<ChangeKind, String> {
    serde_json::from_value(text.replace('-', "_").into()).map_err(|_| {
        "use one of feature, fix, hotfix, config, infrastructure, data-migration, dependency, flag, pipeline"
            .to_owned()
    })
}

/// The path of a file whose digest is not given.
fn unhashed(address: &str) -> Option<&Path> {
    let path = address.strip_prefix("file:")?;
    let has_digest = path
        .rsplit_once('@')
        .is_some_and(|(_, digest)| digest.parse::<Digest>().is_ok());
    (!has_digest && !path.is_empty()).then(|| Path::new(path))
}

pub(super) async fn run(args: Create, session: &mut Session) -> Result<(), Failure> {
    let mut artifacts = BTreeMap::new();
    for (name, address) in args.artifacts {
        let pinned = match unhashed(&address) {
            Some(path) => format!("{address}@{}", files::digest(path)?),
            None => address,
        };
        if artifacts.insert(name.clone(), pinned).is_some() {
            return Err(Failure::usage(
                "an artifact is given twice",
                format!("both are called `{name}`"),
            ));
        }
    }
    let (mut change, mut text) = match &args.change {
        Some(path) => change::read(path)?,
        None => Default::default(),
    };
    change.labels.extend(args.labels);
    change.kind = args.kind.unwrap_or(change.kind);
    change.breaking |= args.breaking;
    change.irreversible |= args.irreversible;
    text.notes = args.notes.unwrap_or(text.notes);

    let client = session.connect()?;
    let ReleaseRef {
        project,
        pipeline,
        version,
    } = args.release;
    let request = RegisterRequest {
        of: PipelineWord::new(project, pipeline)
            .resolve(session, &client)
            .await?,
        version,
        artifacts,
        change,
        text,
    };
    let view = client.send::<RegisterRelease>(&Empty {}, &request).await?;
    let now = session.now();
    session.out.answer(&view, || render::release(&view, now))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("image=oci://reg/app:latest", "mutable"; "a tag can mean other bytes tomorrow")]
    #[test_case("source=git:https://h/r@main", "mutable"; "so can a branch")]
    #[test_case("image=reg/app", "not an artifact"; "an address has its kind in front")]
    #[test_case("oci://reg/app", "NAME=ADDRESS"; "an artifact has a name")]
    #[test_case("I=file:x", "artifact name"; "names are lower case")]
    fn what_is_not_pinned_is_refused_with_the_reason(text: &str, why: &str) {
        let error = artifact(text).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn only_a_file_without_its_digest_is_hashed() {
        let digest = Digest::of(b"x");
        assert_eq!(unhashed("file:a@b"), Some(Path::new("a@b")));
        assert_eq!(unhashed(&format!("file:a@{digest}")), None);
        assert_eq!(unhashed("oci://a"), None);
        assert_eq!(unhashed("file:"), None);
    }

    #[test]
    fn every_kind_of_change_is_known_by_either_spelling() {
        assert_eq!(kind("data-migration"), Ok(ChangeKind::DataMigration));
        assert_eq!(kind("data_migration"), Ok(ChangeKind::DataMigration));
        assert!(kind("surprise").unwrap_err().contains("hotfix"));
    }
}
