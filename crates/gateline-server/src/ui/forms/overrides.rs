//! Forms about overrides: a second person's word, and the review afterwards.

use gateline_core::Command;

use super::{Act, Done, Fields, bad, done, no_such, submit};
use crate::refused::Refused;
use crate::ui::link;
use crate::ui::pages::overrides_again;
use crate::ui::visit::Visit;

/// Confirms an override, takes it back, or writes its review.
pub(in crate::ui) async fn about_override(visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let page = told(&visit, act, &fields).await;
    done(act, fields, page, async |tried| {
        overrides_again(&visit, Some(tried)).await
    })
    .await
}

async fn told(visit: &Visit, act: Act, fields: &Fields) -> Result<String, Refused> {
    let promotion = fields.promotion.parse().map_err(bad)?;
    let gate = fields.gate.parse().map_err(bad)?;
    let command = match act {
        Act::ConfirmOverride => Command::ConfirmOverride {
            promotion,
            gate,
            asked_at: Some(fields.asked_at.parse().map_err(bad)?),
        },
        Act::WithdrawOverride => Command::WithdrawOverride {
            promotion,
            gate,
            reason: fields.reason.trim().to_owned(),
        },
        Act::WriteReview => Command::WriteReview {
            promotion,
            gate,
            text: fields.reason.trim().to_owned(),
        },
        _ => return Err(no_such(act, "override")),
    };
    submit(visit, fields, command).await?;
    Ok(link::OVERRIDES.to_owned())
}
