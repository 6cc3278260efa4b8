//! The page of one piece of evidence.

use std::cmp::Reverse;

use gateline_api::{Named, Names, ReleaseView, WaiverQuery, entry};
use gateline_model::EvidenceId;
use maud::Markup;
use serde::Deserialize;

use super::ReleaseAddress;
use crate::refused::Refused;
use crate::ui::evidence::{DECISIONS_LOOKED_MAX, Shown, page, verdicts_on};
use crate::ui::forms::Tried;
use crate::ui::visit::Visit;
use crate::views;

/// A piece of evidence in an address.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::ui) struct EvidenceAddress {
    #[serde(flatten)]
    release: ReleaseAddress,
    pub(in crate::ui) digest: EvidenceId,
}

impl EvidenceAddress {
    pub(in crate::ui) async fn release(&self, visit: &Visit) -> Result<ReleaseView, Refused> {
        self.release.view(visit).await
    }
}

impl Names for EvidenceAddress {
    const OF_A_PROJECT: bool = true;

    fn named(&self) -> Vec<Named> {
        self.release.named()
    }
}

/// What its address may say besides.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// The finding that somebody is about to waive, and the stage.
    waive: String,
    stage: String,
}

pub(in crate::ui) async fn evidence(mut visit: Visit) -> Result<Markup, Refused> {
    let address = visit.path().await?;
    evidence_again(&visit, &address, None).await
}

pub(in crate::ui) async fn evidence_again(
    visit: &Visit,
    address: &EvidenceAddress,
    tried: Option<&Tried>,
) -> Result<Markup, Refused> {
    let Asked { waive, stage } = visit.query()?;
    let hub = &visit.app.hub;
    let release = address.release(visit).await?;
    let digest = address.digest;
    let evidence = release
        .evidence
        .iter()
        .find(|one| one.id == digest)
        .ok_or_else(|| {
            let detail = format!(
                "release `{}@{}` has no evidence {digest}",
                release.of.pipeline, release.version
            );
            Refused::new(&entry::EVIDENCE_UNKNOWN, detail)
        })?;
    let of = release.of.clone();
    let query = WaiverQuery {
        project: Some(of.project),
        pipeline: Some(of.pipeline),
    };
    let waivers = views::waivers(hub, &visit.sight, &query).await?;
    let mut promotions: Vec<_> = release.life.iter().flat_map(|stage| &stage.promotions).collect();
    promotions.sort_by_key(|promotion| Reverse(promotion.requested_at));
    let mut used_by = Vec::new();
    for promotion in promotions.into_iter().take(DECISIONS_LOOKED_MAX) {
        let view = views::promotion(hub, &promotion.id).await?;
        if verdicts_on(&view, &digest).next().is_some() {
            used_by.push(view);
        }
    }
    let shown = Shown {
        release: &release,
        evidence,
        waivers: &waivers,
        used_by: &used_by,
        waive: &waive,
        stage: &stage,
        tried,
    };
    Ok(page(&visit.visitor, &shown))
}
