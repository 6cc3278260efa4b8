//! Layers: which of a manifest's parts are evidence, and the bytes that are kept of them.
//!
//! Sigstore bundles, DSSE envelopes and bills of materials are kept as they are. Of cosign's simple signatures one half stands in
//! a layer and the other in its annotations: they are kept in one JSON object, as `cosign download signature` prints it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::ask::Session;
use super::manifest::{Descriptor, Manifest, held};
use super::{Attached, CONTENT_BYTES_MAX, LAYERS_MAX, shown};
use crate::CheckError;

/// What cosign signs: a statement of its own about an image.
const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The signature over it.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const BUNDLE: &str = "dev.sigstore.cosign/bundle";
/// What is kept as it is; what stands behind `;` is a version.
const KEPT: &[&str] = &[
    "application/vnd.dsse.envelope.v1+json",
    "application/vnd.dev.sigstore.bundle+json",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.cyclonedx+json",
    "application/spdx+json",
    "text/spdx+json",
];

/// Adds what a manifest's layers hold.
pub(super) async fn take(
    session: &mut Session<'_>,
    manifest: &Manifest,
    attached: &mut Attached,
) -> Result<(), CheckError> {
    if manifest.layers.len() > LAYERS_MAX {
        return Err(CheckError::new(format!(
            "{} has a manifest with {} layers; {LAYERS_MAX} are looked at",
            session.name(),
            manifest.layers.len()
        )));
    }
    for layer in &manifest.layers {
        let of = layer.media_type.split(';').next().unwrap_or_default().trim();
        if of == SIMPLE_SIGNING {
            let content = fetch(session, layer).await?;
            match simple_signature(&content, layer) {
                Some(content) => attached.add(content),
                None => attached.pass_over(format!("`{}` is signed by nobody", shown(&layer.digest))),
            }
        } else if KEPT.contains(&of) {
            attached.add(fetch(session, layer).await?);
        } else {
            attached.pass_over(format!(
                "`{}` is `{}`, which is not read",
                shown(&layer.digest),
                shown(&layer.media_type)
            ));
        }
    }
    Ok(())
}

async fn fetch(session: &mut Session<'_>, layer: &Descriptor) -> Result<Vec<u8>, CheckError> {
    let Some(digest) = layer.sha256() else {
        return Err(CheckError::new(format!(
            "{} has a layer without a SHA-256 digest: `{}`",
            session.name(),
            shown(&layer.digest)
        )));
    };
    let answer = session
        .get(&format!("blobs/{digest}"), "*/*", CONTENT_BYTES_MAX)
        .await?;
    let answer = answer.ok_or_else(|| {
        CheckError::new(format!(
            "{} names `{digest}`, which it does not have",
            session.name()
        ))
    })?;
    held(session, &layer.digest, &answer.body, &digest, layer.size)?;
    Ok(answer.body)
}

/// A layer and its annotations as one object; `None` where no signature is among them.
fn simple_signature(payload: &[u8], layer: &Descriptor) -> Option<Vec<u8>> {
    let signature = layer.annotation(SIGNATURE).filter(|text| !text.is_empty())?;
    let certificate = layer.annotation(CERTIFICATE).map(|pem| {
        let inside = pem.lines().filter(|line| !line.starts_with("-----"));
        json!({"Raw": inside.collect::<String>()})
    });
    let bundle = layer
        .annotation(BUNDLE)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let object = json!({
        "Base64Signature": signature,
        "Payload": STANDARD.encode(payload),
        "Cert": certificate,
        "Chain": null,
        "Bundle": bundle,
    });
    Some(object.to_string().into_bytes())
}
