//! `POST /login`

use axum::http::{HeaderMap, header};
use axum::response::Response;
use gateline_api::{LogIn, LogInForm, Password, entry};
use jiff::Timestamp;

use super::{is_a_person, record};
use crate::auth::{
    BY_ACCOUNT, BY_TOKEN, New, agent, of_token, own_path, prove, refuse_foreign_origin, welcome,
};
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

async fn by_account<'c>(
    call: &'c Call<LogIn>,
    account: &str,
    password: &Password,
    now: Timestamp,
) -> Result<New<'c>, Refused> {
    let new = New {
        actor: prove(&call.app, account, password, call.from).await?,
        name: None,
        provider: BY_ACCOUNT,
        token: None,
        until: None,
        agent: agent(&call.headers),
    };
    record(&call.app, &new, Vec::new(), None, now).await?;
    Ok(new)
}

fn tells_its_origin(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN)
}
