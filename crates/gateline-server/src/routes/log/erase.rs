//! `POST /api/v1/log/erase`

use gateline_api::{EraseReply, EraseRequest, EraseText, entry};
use gateline_core::authority::Object;
use gateline_core::{Command, ERASED_MAX, no_such_event, server_project};
use gateline_model::Scope;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<EraseText>) -> Result<EraseReply, Refused> {
    let EraseRequest {
        events,
        actor,
        stream,
        containing,
        dry_run,
        reason,
        ..
    } = &call.body;
    // Also where it is only looked at: what is found tells what stands in texts.
    call.expect_right(Scope::Admin, &Object::project(&server_project()))?;
    let unfit = |says: String| Err(Refused::new(&entry::BODY, says));
    if events.is_empty() && actor.is_none() && stream.is_none() && containing.is_none() {
        return unfit(
            "it says not what to erase: give `events`, `actor`, `stream` or `containing`".to_owned(),
        );
    }
    if containing.as_ref().is_some_and(|text| text.trim().is_empty()) {
        return unfit("`containing` is empty: it would be found everywhere".to_owned());
    }
    if events.len() > ERASED_MAX {
        return unfit(format!(
            "{} events are named; the limit is {ERASED_MAX}",
            events.len()
        ));
    }
    let size = call.app.hub.with_world(|world| world.next());
    if let Some(ahead) = events.iter().find(|number| **number >= size) {
        return Err(no_such_event(*ahead).into());
    }
    let found = views::with_text(&call.app.hub, &call.body).await?;
    if !dry_run && !found.erased.is_empty() {
        call.submit(Command::EraseText {
            events: found.erased.iter().copied().collect(),
            reason: reason.clone(),
        })
        .await?;
    }
    Ok(found)
}
