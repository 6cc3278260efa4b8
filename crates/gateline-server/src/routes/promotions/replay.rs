//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/replay`

use gateline_api::{ReplayRollout, entry};
use gateline_model::ruling::Replay;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

/// Longest settings, in bytes.
pub(crate) const SETTINGS_BYTES_MAX: usize = 16 << 10;

pub(crate) async fn handle(call: Call<ReplayRollout>) -> Result<Replay, Refused> {
    let refused = |why: String| Refused::new(&entry::QUERY, format!("`judge` cannot be read: {why}"));
    let with = match &call.query.judge {
        None => None,
        Some(text) if text.len() > SETTINGS_BYTES_MAX => {
            return Err(refused(format!(
                "it has {} bytes, at most {SETTINGS_BYTES_MAX}",
                text.len()
            )));
        }
        Some(text) => {
            let read = gateline_spec::read_judge(text);
            Some(read.map_err(|why| refused(why.render(text, false)))?)
        }
    };
    views::replay(&call.app.hub, &call.path.id(), with.as_ref()).await
}
