//! Forms about keys, and the yes that one signed.

use gateline_api::EnrolKeyRequest;
use gateline_core::Command;
use gateline_model::{Answer, Answered, SignedStatement};

use super::{Act, Done, Fields, bad, done, recalled, submit, submit_keeping};
use crate::hub::Receipt;
use crate::refused::Refused;
use crate::signing::{self, Accepted};
use crate::ui::link;
use crate::ui::pages::keys_again;
use crate::ui::visit::Visit;

/// Enrols a key of one's own, or revokes one.
pub(in crate::ui) async fn keys(visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let page = match act {
        Act::RevokeKey => {
            let command = Command::RevokeKey {
                fingerprint: fields.fingerprint.clone(),
                reason: fields.reason.trim().to_owned(),
            };
            submit(&visit, &fields, command).await.map(drop)
        }
        _ => enrolled(&visit, &fields).await,
    };
    let page = page.map(|()| link::KEYS.to_owned());
    done(act, fields, page, async |tried| {
        keys_again(&visit, Some(tried)).await
    })
    .await
}

async fn enrolled(visit: &Visit, fields: &Fields) -> Result<(), Refused> {
    let request: EnrolKeyRequest = serde_json::from_str(&fields.signed).map_err(bad)?;
    let key = signing::new_key(&visit.app, &visit.caller, visit.headers(), &request).await?;
    submit(visit, fields, Command::EnrolKey { key }).await.map(drop)
}

/// Approves by what the browser's passkey signed.
pub(super) async fn approve(visit: &Visit, answered: &Answered, fields: &Fields) -> Result<Receipt, Refused> {
    let signed: SignedStatement = serde_json::from_str(&fields.signed).map_err(bad)?;
    let text = fields.reason.trim();
    let comment = (!text.is_empty()).then(|| text.to_owned());
    let (signed, kept) = match recalled(visit, fields).await? {
        // The same form again: it is told what became of it, and decides nothing.
        true => (None, Vec::new()),
        false => {
            let answer = (Answer::Approve, text);
            let accepted = signing::accept(
                &visit.app,
                &visit.caller,
                visit.headers(),
                answered,
                answer,
                &signed,
            )?;
            let Accepted { signed, kept, .. } = accepted;
            (Some(signed), vec![kept])
        }
    };
    let question = Some(fields.question.parse().map_err(bad)?);
    let command = match answered.clone() {
        Answered::Promotion(promotion) => Command::Approve {
            promotion,
            question,
            comment,
            signed,
        },
        Answered::Proposal(proposal) => Command::ApproveProposal {
            proposal,
            question,
            comment,
            signed,
        },
    };
    submit_keeping(visit, fields, command, kept).await
}
