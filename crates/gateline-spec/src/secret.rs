//! Secrets: none may stand in a file that is stored for ever and shown to everybody.
//! Looks at every value before any reader does; what is found is never shown.

use gateline_model::SecretRef;

use crate::diagnostic::{Severity, Sink};
use crate::nearest::nearest;
use crate::node::{Entry, Kind, Node};

/// Parts of names that people give to secrets.
const SECRET_WORDS: [&str; 6] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY"];

/// Refuses secrets in fields that take references, and in addresses; warns of those that seem to be in an environment.
pub(crate) fn refuse(node: &Node, sink: &Sink<'_>) {
    for entry in node.entries() {
        match entry.key.as_str() {
            "env" => entry
                .value
                .entries()
                .iter()
                .for_each(|variable| environment(variable, sink)),
            "url" | "server" | "api" | "issuer" => address(entry, sink),
            // The address of a source; elsewhere a map with a `url` in it.
            "http" if entry.value.text().is_some() => address(entry, sink),
            "secret" | "signing_secret" | "webhook_secret" | "password" => literal(entry, sink),
            // A secret is one also where the field is misspelled.
            key if nearest(key, ["token", "client_secret"]).is_some() => literal(entry, sink),
            _ => refuse(&entry.value, sink),
        }
    }
    for item in node.items() {
        refuse(item, sink);
    }
}

fn literal(entry: &Entry, sink: &Sink<'_>) {
    let is_reference = match &entry.value.kind {
        Kind::Text(text) => text.parse::<SecretRef>().is_ok(),
        Kind::Null | Kind::List(_) | Kind::Map(_) => true,
        Kind::Bool(_) | Kind::Number(_) => false,
    };
    if !is_reference {
        let message = "a secret is given by reference only; this one may be taken for published";
        sink.secret(
            Severity::Error,
            "secret.literal",
            &entry.value.span,
            message,
            "write `env:NAME` or `file:PATH`",
        );
    }
}

fn address(entry: &Entry, sink: &Sink<'_>) {
    let user = entry.value.text().and_then(|url| {
        let (_, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        authority.rsplit_once('@').map(|(user, _)| user)
    });
    if user.is_some_and(|user| user.contains(':')) {
        let message = "an address holds no password; this one may be taken for published";
        sink.secret(
            Severity::Error,
            "secret.literal",
            &entry.value.span,
            message,
            "use `token: env:NAME` beside it",
        );
    }
}

fn environment(variable: &Entry, sink: &Sink<'_>) {
    let name = variable.key.to_ascii_uppercase();
    let is_secret = SECRET_WORDS.iter().any(|word| name.ends_with(word));
    // A path or a placeholder tells where the secret is, not what it is.
    let tells_where = variable
        .value
        .text()
        .is_none_or(|text| text.is_empty() || text.starts_with(['/', '{']));
    if is_secret && !tells_where {
        let message = "this looks like a secret; everybody who may read the pipeline could read it";
        let help = "let the program read it from a file, and give it the path";
        sink.secret(
            Severity::Warning,
            "secret.environment",
            &variable.value.span,
            message,
            help,
        );
    }
}

/// Words that a secret follows.
const BEFORE_SECRETS: [&str; 3] = ["token", "secret", "password"];

/// The text with the value after every `token:`, `secret:` and `password:` replaced that is no reference, byte for byte, so that columns stay.
/// Works on what is no YAML; takes too much rather than too little.
pub(crate) fn without_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        let end_of = |word: &str, rest: &str| Some(rest.find(word)? + word.len());
        while let Some(end) = BEFORE_SECRETS.iter().filter_map(|word| end_of(word, rest)).min() {
            let (before, after) = rest.split_at(end);
            shown.push_str(before);
            let value = after.trim_start_matches(['"', '\'', ' ', ':']);
            let (head, value) = after.split_at(after.len() - value.len());
            let length = value.find([',', '}', '\n']).unwrap_or(value.len());
            let (value, tail) = value.split_at(length);
            shown.push_str(head);
            if head.contains(':')
                && value
                    .trim_end_matches(['"', '\'', ' '])
                    .parse::<SecretRef>()
                    .is_err()
            {
                shown.extend(std::iter::repeat_n('*', value.len()));
            } else {
                shown.push_str(value);
            }
            rest = tail;
        }
        shown.push_str(rest);
    }
    shown
}
