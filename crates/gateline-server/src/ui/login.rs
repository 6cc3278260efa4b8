//! The login page: a token in, a session cookie out.

use gateline_api::Problem;
use maud::{Markup, html};

use super::shell::{alert, bare};

pub(super) fn page(next: &str, problem: Option<&Problem>) -> Markup {
    bare(
        "Log in",
        html! {
            h1 { "Log in" }
            p.sub { "With a token that somebody made for you with " code { "gateline token create" } ". The server's first one is printed when it starts for the first time." }
            @if let Some(problem) = problem { (alert(problem)) }
            form.stack method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input #token type="password" name="token" required autofocus autocomplete="current-password" maxlength="256";
                button.primary type="submit" { "Log in" }
            }
        },
    )
}
