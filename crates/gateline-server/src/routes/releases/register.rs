//! `POST /api/v1/releases`
//!
//! A release names its text by a digest that is salted: whoever guesses an author's name must not be able to confirm the guess
//! once it was erased. The salt stands with the text. The same content again takes the salt that is there, and is the same release.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateline_api::{RegisterRelease, RegisterRequest, ReleaseName, ReleaseView, entry};
use gateline_core::Command;
use gateline_model::{Artifact, ArtifactName, Release, ReleaseId};

use crate::call::Call;
use crate::hub::Hub;
use crate::refused::Refused;
use crate::views::{self, TextDigest};

pub(crate) async fn handle(call: Call<RegisterRelease>) -> Result<ReleaseView, Refused> {
    let artifacts = pinned(call.body.artifacts.clone())?;
    let submitted = submit(&call, artifacts.clone()).await;
    // Somebody else registered it meanwhile, perhaps the same: with the salt that is there now it can be told.
    let submitted = match submitted {
        Err(refused) if refused.is(LABEL_USED) => submit(&call, artifacts).await,
        other => other,
    };
    let made = submitted?;
    // Where the request came before, under the same key, the release is that one's.
    let id = registered(&call.app.hub, &call.body).unwrap_or(made);
    views::release(&call.app.hub, &call.sight, &ReleaseName::Id(id)).await
}

/// What core says where a label has other content.
const LABEL_USED: &str = "release.label_used";

async fn submit(call: &Call<RegisterRelease>, artifacts: Vec<Artifact>) -> Result<ReleaseId, Refused> {
    let RegisterRequest {
        of,
        version,
        artifacts: _,
        change,
        text,
    } = call.body.clone();
    let digest = match registered(&call.app.hub, &call.body) {
        Some(id) => views::text_digest(&call.app.hub, &id, &text).await?,
        None => TextDigest::of(&text)?,
    };
    let release = Release {
        of,
        version,
        artifacts,
        change,
        text: digest.digest,
    };
    let id = release.id();
    call.submit(Command::RegisterRelease {
        release: Arc::new(release),
        text: views::erasable(&text, &digest),
    })
    .await?;
    Ok(id)
}

/// The release that has this label already.
fn registered(hub: &Hub, body: &RegisterRequest) -> Option<ReleaseId> {
    let RegisterRequest { of, version, .. } = body;
    hub.with_world(|world| {
        let project = world.project(&of.project)?;
        let (id, _) = project.labels.get(&(of.pipeline.clone(), version.clone()))?;
        Some(*id)
    })
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
