//! `POST /api/v1/releases`

use std::collections::BTreeMap;
use std::sync::Arc;

use gateline_api::{RegisterRelease, RegisterRequest, ReleaseName, ReleaseView, entry};
use gateline_core::Command;
use gateline_model::{Artifact, ArtifactName, Digest, Release};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<RegisterRelease>) -> Result<ReleaseView, Refused> {
    let RegisterRequest {
        of,
        version,
        artifacts,
        change,
        text,
    } = call.body.clone();
    let release = Release {
        of,
        version,
        artifacts: pinned(artifacts)?,
        change,
        text: Digest::of_json(&text),
    };
    let id = release.id();
    call.submit(Command::RegisterRelease {
        release: Arc::new(release),
        text: views::erasable(&text),
    })
    .await?;
    views::release(&call.app.hub, &call.sight, &ReleaseName::Id(id)).await
}

/// The artifacts, each by digest. The order of their names: the same content is the same release.
fn pinned(artifacts: BTreeMap<ArtifactName, String>) -> Result<Vec<Artifact>, Refused> {
    let artifact = |(name, address): (ArtifactName, String)| match address.parse() {
        Ok(at) => Ok(Artifact { name, at }),
        Err(err) => Err(Refused::new(
            &entry::ARTIFACT,
            format!("artifact `{name}`: {err}"),
        )),
    };
    artifacts.into_iter().map(artifact).collect()
}
