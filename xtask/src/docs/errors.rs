//! The page of errors and exit codes, from `gateline_api::ERRORS`.

use gateline_api::{ERRORS, Exit};

use super::head;
use super::table::cell;

/// Exit codes in their order, with their meaning.
const EXITS: &[(Exit, &str)] = &[
    (Exit::Done, "done"),
    (Exit::Held, "held: nothing is broken, try later"),
    (Exit::Usage, "usage: the command or its input is wrong"),
    (Exit::Refused, "refused by policy or permission"),
    (Exit::Failed, "a rollout or a verification failed"),
    (Exit::Unknown, "could not find out: something was not reachable"),
    (Exit::Bug, "a bug of Gateline"),
];

pub fn page() -> String {
    let mut text = head(
        "Errors and exit codes",
        "`gateline_api::ERRORS`",
        "The API answers errors as problem documents (RFC 9457, `application/problem+json`): `code` is stable, `detail` is a\n\
         sentence for people, `hint` says what to do. Rejections of the judgement bring their own code and hint; their exit\n\
         code follows from the status: 401, 403 and 409 are 3, other 4xx are 2, 500 is 70, and the rest is 5.",
    );
    text.push_str("\n## Exit codes of the command line\n\n| code | meaning |\n|---|---|\n");
    for (exit, meaning) in EXITS {
        text.push_str(&format!("| {} | {meaning} |\n", exit.code()));
    }
    text.push_str("\n## Codes\n\n| code | status | exit | title | what to do |\n|---|---|---|---|---|\n");
    for entry in ERRORS {
        let (title, hint) = (cell(entry.title), cell(entry.hint));
        text.push_str(&format!(
            "| `{}` | {} | {} | {title} | {hint} |\n",
            entry.code,
            entry.status,
            entry.exit.code()
        ));
    }
    text
}
