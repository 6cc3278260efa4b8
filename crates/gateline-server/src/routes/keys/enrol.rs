//! `POST /api/v1/keys`

use gateline_api::{EnrolKey, KeyView, entry};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::{signing, views};

pub(crate) async fn handle(call: Call<EnrolKey>) -> Result<KeyView, Refused> {
    let key = signing::new_key(&call.app, call.caller()?, &call.headers, &call.body).await?;
    let fingerprint = key.fingerprint.clone();
    call.submit(Command::EnrolKey { key }).await?;
    let enrolled = signing::enrolled(&call.app, &fingerprint);
    enrolled
        .as_ref()
        .map(views::key)
        .ok_or_else(|| Refused::new(&entry::BUG, "the key was enrolled, and is not there"))
}
