//! `POST /login`

use axum::http::{HeaderMap, header};
use axum::response::Response;
use gateline_api::{LogIn, LogInForm, Password, entry};
use jiff::Timestamp;

use super::{agent, is_a_person, record, welcome};
use crate::auth::{BY_ACCOUNT, BY_TOKEN, New, of_token, own_path, password_matches, refuse_foreign_origin};
use crate::call::Call;
use crate::refused::Refused;
use crate::ui;

pub(crate) async fn handle(call: Call<LogIn>) -> Result<Response, Refused> {
    if tells_its_origin(&call.headers) {
        refuse_foreign_origin(&call.headers)?;
    }
    let next = own_path(call.body.next.as_deref());
    let now = Timestamp::now();
    let LogInForm {
        token,
        account,
        password,
        ..
    } = &call.body;
    let known = match (token, account, password) {
        (Some(token), None, None) => by_token(&call, token),
        (None, Some(account), Some(password)) => by_account(&call, account.trim(), password, now).await,
        _ => Err(Refused::new(
            &entry::BODY,
            "the form has neither a `token`, nor an `account` with its `password`",
        )),
    };
    match known {
        Ok(new) => welcome(&call.app, new, next, now).await,
        Err(refused) if is_a_person(&call.headers) => Ok(ui::login_again(&call.app, next, &refused)),
        Err(refused) => Err(refused),
    }
}

fn by_token<'c>(call: &'c Call<LogIn>, Password(secret): &Password) -> Result<New<'c>, Refused> {
    let (id, actor) = of_token(&call.app, secret.trim())?;
    let until = call.app.hub.with_world(|world| {
        let server = world.project(&gateline_core::server_project())?;
        server.tokens.get(&id)?.expires
    });
    Ok(New {
        actor: actor.id,
        name: None,
        provider: BY_TOKEN,
        token: Some(id),
        until,
        agent: agent(&call.headers),
    })
}

/// The same work and the same answer, whether there is such an account, it is disabled, or the password is wrong.
async fn by_account<'c>(
    call: &'c Call<LogIn>,
    account: &str,
    Password(password): &Password,
    now: Timestamp,
) -> Result<New<'c>, Refused> {
    let throttle = &call.app.access.throttle;
    throttle.try_once(account, call.from).map_err(|secs| {
        let why = format!(
            "too many passwords were tried for this account, or from this address; try again in {secs} s"
        );
        Refused::new(&entry::THROTTLED, why).after(secs)
    })?;
    let actor: Option<gateline_model::ActorId> = account.parse().ok();
    let looked_up = actor.clone();
    let hash = call.app.hub.read(move |store| match looked_up {
        Some(actor) => store.password(&actor),
        None => Ok(None),
    });
    let matches = password_matches(password, hash.await?).await;
    let Some(actor) = actor.filter(|_| matches) else {
        return Err(Refused::new(
            &entry::WRONG_PASSWORD,
            "the name and the password do not belong together",
        ));
    };
    throttle.succeeded(account, call.from);
    let new = New {
        actor,
        name: None,
        provider: BY_ACCOUNT,
        token: None,
        until: None,
        agent: agent(&call.headers),
    };
    record(&call.app, &new, Vec::new(), now).await?;
    Ok(new)
}

fn tells_its_origin(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN)
}
