//! Forms about answers: what somebody says who is asked, from the page of the promotion or from the inbox.

use gateline_api::PromotionPath;
use gateline_core::Command;
use gateline_model::{Answered, Digest, No};

use super::{Act, Done, Fields, bad, done, no_such, submit, until};
use crate::refused::Refused;
use crate::ui::answers::{Answer, INBOX_PAGE};
use crate::ui::link;
use crate::ui::pages::{inbox_again, promotion_again};
use crate::ui::visit::Visit;

/// Says it, and leads back to where the form stood.
pub(in crate::ui) async fn answer(mut visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let path: PromotionPath = visit.path().await?;
    let yes = act == Act::Answer(Answer::Approve);
    let became = match command(&path, act, &fields) {
        // What a passkey signed is verified first, and goes beside the answer.
        Ok(_) if yes && !fields.signed.is_empty() => {
            super::keys::approve(&visit, &Answered::Promotion(path.id()), &fields).await
        }
        Ok(command) => submit(&visit, &fields, command).await,
        Err(refused) => Err(refused),
    };
    let from_inbox = fields.page == INBOX_PAGE;
    let page = became.map(|_| match from_inbox {
        true => link::INBOX.to_owned(),
        false => link::promotion(&path.id()),
    });
    done(act, fields, page, async |tried| match from_inbox {
        true => inbox_again(&visit, &tried.fields.after, Some((tried, path.id()))).await,
        false => promotion_again(&visit, &path, Some(tried)).await,
    })
    .await
}

fn command(path: &PromotionPath, act: Act, fields: &Fields) -> Result<Command, Refused> {
    let promotion = path.id();
    let reason = fields.reason.trim().to_owned();
    // A form always says which question was seen: an answer to another one is refused.
    let seen = || -> Result<Option<Digest>, Refused> { Ok(Some(fields.question.parse().map_err(bad)?)) };
    let refuse = |no| -> Result<Command, Refused> {
        Ok(Command::Refuse {
            promotion: path.id(),
            no,
            question: seen()?,
            reason: reason.clone(),
            signed: None,
        })
    };
    let Act::Answer(answer) = act else {
        return Err(no_such(act, "promotion"));
    };
    Ok(match answer {
        Answer::Approve => Command::Approve {
            promotion,
            question: seen()?,
            comment: (!reason.is_empty()).then_some(reason),
            signed: None,
        },
        Answer::Reject => refuse(No::Reject)?,
        Answer::RequestChanges => refuse(No::RequestChanges)?,
        Answer::Ask => Command::AskPerson {
            promotion,
            who: fields.who.trim().parse().map_err(bad)?,
        },
        Answer::Delegate => Command::Delegate {
            project: promotion.stage.project,
            to: fields.who.trim().parse().map_err(bad)?,
            team: match fields.team.trim() {
                "" => None,
                team => Some(team.parse().map_err(bad)?),
            },
            from: None,
            until: until(fields)?,
            reason,
        },
        Answer::Withdraw => Command::Withdraw { promotion, reason },
    })
}

/// Ends what whoever asks had handed on.
pub(in crate::ui) async fn end_delegation(visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let page = ended(&visit, &fields).await;
    done(act, fields, page, async |tried| {
        inbox_again(&visit, &tried.fields.after, None).await
    })
    .await
}

async fn ended(visit: &Visit, fields: &Fields) -> Result<String, Refused> {
    let command = Command::EndDelegation {
        project: fields.project.parse().map_err(bad)?,
        by: visit.caller.actor.id.clone(),
        to: fields.who.trim().parse().map_err(bad)?,
    };
    submit(visit, fields, command).await?;
    Ok(link::INBOX.to_owned())
}
