//! The form of one's own password: the old one is proved as at the door, the new one kept as everywhere.

use gateline_api::entry;
use gateline_core::Command;
use jiff::Timestamp;

use super::{Act, Done, Fields, done};
use crate::auth::{BY_ACCOUNT, New, agent, kept_of, prove, welcome};
use crate::refused::Refused;
use crate::ui::link;
use crate::ui::pages::password_again;
use crate::ui::visit::Visit;
use crate::views;

/// Gives one's own account another password. All its sessions end; this browser gets a new one.
pub(in crate::ui) async fn password(visit: Visit, act: Act, fields: Fields) -> Result<Done, Refused> {
    let refused = match change(&visit, &fields).await {
        Ok(()) => {
            let new = New {
                actor: visit.caller.actor.id.clone(),
                name: None,
                provider: BY_ACCOUNT,
                token: None,
                until: None,
                agent: agent(visit.headers()),
            };
            return Ok(Done::Begun(
                welcome(&visit.app, new, link::SESSIONS, Timestamp::now()).await?,
            ));
        }
        Err(refused) => refused,
    };
    done(act, Fields::default(), Err(refused), async |tried| {
        Ok(password_again(&visit, Some(tried)))
    })
    .await
}

async fn change(visit: &Visit, fields: &Fields) -> Result<(), Refused> {
    let Some(account) = views::own_account(&visit.app.hub, &visit.caller) else {
        return Err(Refused::new(
            &entry::FORBIDDEN,
            "you did not sign in with an account of this server: there is no password to change here",
        ));
    };
    if fields.new != fields.again {
        return Err(Refused::new(
            &entry::PASSWORD,
            "the new password was written in two ways",
        ));
    }
    if fields.new == fields.old {
        return Err(Refused::new(&entry::PASSWORD, "the new password is the old one"));
    }
    prove(&visit.app, account.as_str(), &fields.old, visit.from())
        .await
        .map_err(wrong)?;
    let kept = kept_of(&account, &fields.new).await?;
    let command = Command::SetPassword { account };
    let actor = visit.caller.actor.clone();
    // Without a key: what was sent must not be recognisable, and sent again the old password is wrong.
    visit.app.hub.submit_with(actor, command, None, kept).await?;
    Ok(())
}

/// Who sent it is known already: only the old password can be wrong.
fn wrong(refused: Refused) -> Refused {
    match refused.problem().code == entry::WRONG_PASSWORD.code {
        true => Refused::new(
            &entry::WRONG_OLD_PASSWORD,
            "this is not the password that you have now",
        ),
        false => refused,
    }
}
