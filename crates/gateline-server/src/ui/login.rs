//! The login page: a provider's button, an account with its password, or a token; a session's cookie out.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gateline_api::{Problem, encode};
use gateline_spec::Provider;
use maud::{Markup, html};

use super::shell::{alert, bare};
use super::visit::{html, status};
use crate::call::App;
use crate::refused::Refused;
use crate::views;

/// The page, as the server's settings and accounts ask for it.
pub(super) fn shown(app: &App, next: &str) -> Response {
    html(StatusCode::OK, page(&Ways::of(app), next, None))
}

/// The page again, with what went wrong.
pub(crate) fn login_again(app: &App, next: &str, refused: &Refused) -> Response {
    let problem = refused.problem();
    let page = html(status(problem.status), page(&Ways::of(app), next, Some(problem)));
    let (parts, body) = page.into_parts();
    let retry = refused.clone().into_response();
    let mut response = Response::from_parts(parts, body);
    if let Some(after) = retry.headers().get(axum::http::header::RETRY_AFTER) {
        response
            .headers_mut()
            .insert(axum::http::header::RETRY_AFTER, after.clone());
    }
    response
}

/// By what people can come in here.
pub(super) struct Ways<'a> {
    pub(super) providers: &'a [Provider],
    pub(super) accounts: bool,
}

impl<'a> Ways<'a> {
    fn of(app: &'a App) -> Self {
        Self {
            providers: &app.settings.file.providers,
            accounts: views::has_accounts(&app.hub),
        }
    }
}

pub(super) fn page(ways: &Ways<'_>, next: &str, problem: Option<&Problem>) -> Markup {
    let Ways { providers, accounts } = *ways;
    let alone = providers.is_empty() && !accounts;
    bare(
        "Log in",
        html! {
            h1 { "Log in" }
            @if let Some(problem) = problem { (alert(problem)) }
            @if !providers.is_empty() {
                div.stack.ways { @for provider in providers { (button(provider, next)) } }
            }
            @if accounts { (account(next, providers.is_empty())) }
            @if alone { (token(next, true)) } @else {
                details.ways open[problem.is_some() && !accounts] {
                    summary { "With a token" }
                    (token(next, false))
                }
            }
        },
    )
}

fn button(provider: &Provider, next: &str) -> Markup {
    let to = format!("/login/{}?next={}", provider.name, encode(next));
    html! { a.button.primary href=(to) { "Log in with " (provider.title) } }
}

fn account(next: &str, first: bool) -> Markup {
    html! {
        form.stack.ways method="post" action="/login" {
            input type="hidden" name="next" value=(next);
            label for="account" { "Name" }
            input #account type="text" name="account" required autofocus[first] autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="63";
            label for="password" { "Password" }
            input #password type="password" name="password" required autocomplete="current-password" maxlength="1024";
            button.primary[first] type="submit" { "Log in" }
        }
    }
}

fn token(next: &str, first: bool) -> Markup {
    html! {
        p.sub { "With a token that somebody made for you with " code { "gateline token create" } ". The server's first one is printed when it starts for the first time." }
        form.stack method="post" action="/login" {
            input type="hidden" name="next" value=(next);
            label for="token" { "Token" }
            input #token type="password" name="token" required autofocus[first] autocomplete="off" maxlength="256";
            button.primary[first] type="submit" { "Log in" }
        }
    }
}
