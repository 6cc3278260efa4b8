//! Driver `oci`: what is attached to an artifact in an OCI registry: signatures, attestations, bills of materials.
//!
//! Effect class: none, it only observes. Looks where OCI 1.1 keeps referrers (the API, or the tag `sha256-<hex>` where the
//! registry has none) and where cosign kept them before (`.sig`, `.att` and `.sbom` behind that tag). Every manifest and content
//! is held against its digest. Knows no key: whether a signature holds is for whoever knows whom to trust.

mod answer;
mod ask;
mod challenge;
mod layer;
mod manifest;
mod place;
mod referrers;
#[cfg(test)]
mod tests;

use gateline_model::{Digest, Registry};

use crate::CheckError;
use ask::Session;
use manifest::Manifest;

/// Manifests that refer to one artifact, of which each is fetched.
pub const REFERRERS_MAX: usize = 100;
/// Pages of their list.
pub const PAGES_MAX: usize = 10;
/// Layers of one manifest.
pub const LAYERS_MAX: usize = 100;
/// Bytes of one manifest, or of one page of a list; what registries themselves take.
pub const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one content.
pub const CONTENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes that one look fetches in all.
pub const LOOK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Things passed over that are told of.
const PASSED_OVER_MAX: usize = 20;

/// What is attached to an artifact.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The contents, each once, in the order in which they were found.
    pub contents: Vec<Vec<u8>>,
    /// What else is there and is not read, for people.
    pub passed_over: Vec<String>,
}

impl Attached {
    fn add(&mut self, content: Vec<u8>) {
        if !self.contents.contains(&content) {
            self.contents.push(content);
        }
    }

    /// Remembers that something was not read.
    pub fn pass_over(&mut self, what: String) {
        if self.passed_over.len() < PASSED_OVER_MAX {
            self.passed_over.push(what);
        }
    }
}

/// Fetches what is attached to the artifact of this repository (`registry.example.com/shop/app`) and digest.
///
/// # Errors
/// [`CheckError`] wherever not all of it could be fetched: what is left out could be what speaks against the artifact.
pub async fn attached(
    registry: &Registry,
    repository: &str,
    digest: &Digest,
) -> Result<Attached, CheckError> {
    let session = Session::new(registry, repository)?;
    tokio::time::timeout(registry.timeout.as_std(), look(session, digest))
        .await
        .unwrap_or_else(|_| {
            Err(CheckError::new(format!(
                "`{}` did not give what is attached to `{repository}` within {}: look at what serves it, or raise `timeout`",
                registry.registry, registry.timeout
            )))
        })
}

async fn look(mut session: Session<'_>, digest: &Digest) -> Result<Attached, CheckError> {
    let mut attached = Attached::default();
    for referrer in referrers::list(&mut session, digest).await? {
        let at = referrer.digest.clone();
        let Some(expected) = referrer.sha256() else {
            attached.pass_over(format!("`{}` has no SHA-256 digest", shown(&at)));
            continue;
        };
        let manifest = Manifest::fetch(&mut session, &at, Some(&expected), referrer.size).await?;
        let manifest = manifest.ok_or_else(|| {
            CheckError::new(format!(
                "{} lists `{}`, which it does not have",
                session.name(),
                shown(&at)
            ))
        })?;
        match manifest.is_about(digest) {
            true => layer::take(&mut session, &manifest, &mut attached).await?,
            false => attached.pass_over(format!("`{}` is about another artifact", shown(&at))),
        }
    }
    for ending in [".sig", ".att", ".sbom"] {
        let tag = format!("{}{ending}", referrers::tag(digest));
        if let Some(manifest) = Manifest::fetch(&mut session, &tag, None, None).await? {
            layer::take(&mut session, &manifest, &mut attached).await?;
        }
    }
    Ok(attached)
}

/// A text from a registry, short and without what would confuse a terminal.
fn shown(text: &str) -> String {
    let text = crate::secret::hide(text);
    let chars = text.chars().take(100);
    chars.filter(|char| !char.is_control()).collect()
}
