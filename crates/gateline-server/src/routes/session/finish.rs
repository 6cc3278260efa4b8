//! `GET /login/{provider}/callback`

use axum::response::Response;
use gateline_api::{EndSignIn, ProviderPath, entry};
use gateline_spec::Provider;
use jiff::Timestamp;
use tracing::warn;

use super::record;
use crate::auth::{
    Begun, New, SIGN_IN_COOKIE, SignInError, agent, cookie, finish_sign_in, own_path, welcome,
};
use crate::call::{App, Call};
use crate::refused::Refused;
use crate::ui;

pub(crate) async fn handle(call: Call<EndSignIn>) -> Result<Response, Refused> {
    let app = &call.app;
    let provider = provider(app, &call.path)?;
    let begun = cookie(&call.headers, SIGN_IN_COOKIE).and_then(Begun::read);
    let now = Timestamp::now();
    let back = back(app, provider);
    let done = finish_sign_in(
        &app.access.issuers,
        provider,
        &back,
        begun.as_ref(),
        &call.query,
        now,
    )
    .await;
    let next = own_path(begun.as_ref().map(|begun| begun.next.as_str()));
    let signed_in = match done {
        Ok(signed_in) => signed_in,
        Err(err) => {
            warn!(provider.name = %provider.name, "Somebody could not sign in with `{}`: {err}", provider.name);
            return Ok(ui::login_again(app, next, &refused(provider, &err)));
        }
    };
    // Whoever came before keeps the actor of then, whatever the provider calls the person by now.
    let server = gateline_core::server_project();
    let known = app.hub.with_world(|world| {
        let subjects = &world.project(&server)?.subjects;
        subjects.get(&signed_in.subject).cloned()
    });
    let new = New {
        actor: known.unwrap_or(signed_in.actor),
        name: signed_in.name,
        provider: provider.name.as_str(),
        token: None,
        until: None,
        agent: agent(&call.headers),
    };
    record(app, &new, signed_in.groups, Some(signed_in.subject), now).await?;
    welcome(app, new, next, now).await
}

pub(super) fn provider<'a>(app: &'a App, path: &ProviderPath) -> Result<&'a Provider, Refused> {
    app.settings.provider(&path.provider).ok_or_else(|| {
        let detail = format!("the server's settings name no provider `{}`", path.provider);
        Refused::new(&entry::ROUTE, detail)
    })
}

/// Where the provider sends people back to.
pub(super) fn back(app: &App, provider: &Provider) -> String {
    // The reading of the settings saw that there is an address wherever there are providers.
    let url = app.settings.file.url.as_deref().unwrap_or_default();
    format!("{url}/login/{}/callback", provider.name)
}

pub(super) fn refused(provider: &Provider, err: &SignInError) -> Refused {
    let entry = match err {
        SignInError::Unreachable(_) => &entry::ISSUER,
        SignInError::NotBegun
        | SignInError::Refused(_)
        | SignInError::State
        | SignInError::Issuer
        | SignInError::Token(_)
        | SignInError::Actor(_) => &entry::SIGN_IN,
    };
    Refused::new(entry, format!("signing in with {}: {err}", provider.title))
}
