//! Referrers: the manifests that name an artifact as their subject. Layout: OCI distribution specification 1.1.

use gateline_model::Digest;

use super::ask::Session;
use super::manifest::{Descriptor, Manifest};
use super::{MANIFEST_BYTES_MAX, PAGES_MAX, REFERRERS_MAX};
use crate::CheckError;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The manifests that refer to an artifact, by the registry's own list or, where it keeps none, by that behind a tag.
pub(super) async fn list(session: &mut Session<'_>, digest: &Digest) -> Result<Vec<Descriptor>, CheckError> {
    let path = format!("referrers/{digest}");
    let Some(first) = session.get(&path, INDEX, MANIFEST_BYTES_MAX).await? else {
        let manifest = Manifest::fetch(session, &tag(digest), None, None).await?;
        let listed = manifest.map(|manifest| manifest.manifests).unwrap_or_default();
        return bounded(session, listed);
    };
    let mut listed = first.json::<Manifest>()?.manifests;
    let mut next = first.next()?;
    for _ in 1..PAGES_MAX {
        let Some(url) = next else {
            return bounded(session, listed);
        };
        let page = session.get_url(url, INDEX, MANIFEST_BYTES_MAX).await?;
        let page = page.ok_or_else(|| {
            CheckError::new(format!("{} names a next page that is not there", session.name()))
        })?;
        listed.extend(page.json::<Manifest>()?.manifests);
        listed = bounded(session, listed)?;
        next = page.next()?;
    }
    match next {
        None => bounded(session, listed),
        Some(_) => Err(CheckError::new(format!(
            "{} lists what is attached on more than {PAGES_MAX} pages: delete what nobody needs",
            session.name()
        ))),
    }
}

/// The tag that stands for an artifact where a registry keeps no list.
pub(super) fn tag(digest: &Digest) -> String {
    format!("sha256-{}", digest.hex())
}

fn bounded(session: &Session<'_>, listed: Vec<Descriptor>) -> Result<Vec<Descriptor>, CheckError> {
    match listed.len() > REFERRERS_MAX {
        true => Err(CheckError::new(format!(
            "{} lists more than {REFERRERS_MAX} manifests for one artifact: delete what nobody needs",
            session.name()
        ))),
        false => Ok(listed),
    }
}
