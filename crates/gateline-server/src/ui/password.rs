//! One's own password, where one came in with an account of this server.

use gateline_model::AccountName;
use maud::{Markup, html};

use super::forms::{Act, Tried};
use super::link;
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use crate::auth::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};

pub(super) fn page(visitor: &Visitor, account: Option<&AccountName>, tried: Option<&Tried>) -> Markup {
    Page {
        tab: Tab::None,
        title: "Password".to_owned(),
        fresh: Fresh::Kept,
        watch: Vec::new(),
        visitor,
        body: html! {
            @if let Some(tried) = tried { (alert(&tried.problem)) }
            h1 { "Password of " span.mono { (visitor.actor) } }
            @match account {
                Some(account) => { (form(visitor, account)) }
                None => { p { "You did not sign in with an account of this server: there is no password to change here." } }
            }
            p { "Where you are signed in: " a href=(link::SESSIONS) { "your sessions" } "." }
        },
    }
    .render()
}

fn form(visitor: &Visitor, account: &AccountName) -> Markup {
    html! {
        p.sub { "A password has " (PASSWORD_CHARS_MIN) " characters or more, as four or five words. Another one ends your sessions everywhere else." }
        form.stack method="post" action=(link::password_act(Act::SetPassword.word())) {
            (visitor.hidden())
            // For the browser, which keeps passwords by name.
            input type="hidden" name="who" value=(account) autocomplete="username";
            label for="old" { "The password that you have now" }
            input #old type="password" name="old" required autocomplete="current-password" maxlength=(PASSWORD_BYTES_MAX);
            label for="new" { "The new password" }
            input #new type="password" name="new" required autocomplete="new-password" minlength=(PASSWORD_CHARS_MIN) maxlength=(PASSWORD_BYTES_MAX);
            label for="again" { "The new password again" }
            input #again type="password" name="again" required autocomplete="new-password" minlength=(PASSWORD_CHARS_MIN) maxlength=(PASSWORD_BYTES_MAX);
            button.primary type="submit" { "Change the password" }
        }
    }
}
