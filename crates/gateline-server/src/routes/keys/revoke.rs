//! `POST /api/v1/keys/revoke`

use gateline_api::{KeyView, RevokeKey, RevokeKeyRequest, entry};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::{signing, views};

pub(crate) async fn handle(call: Call<RevokeKey>) -> Result<KeyView, Refused> {
    let RevokeKeyRequest { fingerprint, reason } = call.body.clone();
    call.submit(Command::RevokeKey {
        fingerprint: fingerprint.clone(),
        reason,
    })
    .await?;
    let enrolled = signing::enrolled(&call.app, &fingerprint);
    enrolled
        .as_ref()
        .map(views::key)
        .ok_or_else(|| Refused::new(&entry::BUG, "the key was revoked, and is not there"))
}
