//! Channels and people in a server's settings file: each by itself, then what they say of each other.

use gateline_model::{Channel, Person};

use crate::de;
use crate::diagnostic::Sink;
use crate::fields::{Fields, refuse_twins};
use crate::node::Node;

/// Most channels of one server.
pub const CHANNELS_MAX: usize = 200;
/// Most people whose addresses are declared.
pub const PEOPLE_MAX: usize = 10_000;
/// Longest address of e-mail, in bytes.
const MAIL_BYTES_MAX: usize = 254;

/// The channels; `None` where one is wrong.
pub(crate) fn channels(spec: &Fields<'_, '_, '_>) -> Option<Vec<Channel>> {
    let nodes = limited(spec, "channels", CHANNELS_MAX)?;
    refuse_same(spec.sink, "channel.twice", "channel", "name", nodes);
    let all: Vec<Option<Channel>> = nodes.iter().map(|node| channel(node, spec.sink)).collect();
    all.into_iter().collect()
}

/// The people; `None` where one is wrong.
pub(crate) fn people(spec: &Fields<'_, '_, '_>) -> Option<Vec<Person>> {
    let nodes = limited(spec, "people", PEOPLE_MAX)?;
    // Whoever answers on a channel must be one person here.
    for field in ["actor", "slack", "github"] {
        refuse_same(spec.sink, "people.twice", field, field, nodes);
    }
    let all: Vec<Option<Person>> = nodes.iter().map(|node| person(node, spec.sink)).collect();
    all.into_iter().collect()
}

fn limited<'n>(spec: &Fields<'n, '_, '_>, name: &str, most: usize) -> Option<&'n [Node]> {
    let nodes = spec.items(name);
    if nodes.len() > most {
        let message = format!("{} {name} are given; the limit is {most}", nodes.len());
        spec.sink.error("server.limit", &spec.at, message);
        return None;
    }
    Some(nodes)
}

fn refuse_same(sink: &Sink<'_>, code: &'static str, what: &str, field: &str, nodes: &[Node]) {
    let entries = nodes.iter().filter_map(|node| node.get(field));
    let texts: Vec<_> = entries
        .filter_map(|entry| Some((sink.text().get(entry.value.span.clone())?, entry.at())))
        .collect();
    refuse_twins(sink, code, what, texts);
}

fn channel(node: &Node, sink: &Sink<'_>) -> Option<Channel> {
    let channel: Channel = de::read(node, &node.span, sink)?;
    let at = |name: &str| node.get(name).map_or(&node.span, |entry| entry.at());
    let kinds = [
        channel.webhook.is_some(),
        channel.slack.is_some(),
        channel.mail.is_some(),
        channel.github.is_some(),
    ];
    if kinds.iter().filter(|kind| **kind).count() != 1 {
        let help = Some("write one of `webhook`, `slack`, `mail` and `github`".to_owned());
        sink.error_with("channel.kind", &node.span, "a channel is of one kind", help);
    }
    let address = |field: &str, url: &str| {
        let here = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        let encrypted = url.starts_with("https://");
        if !encrypted && !here.iter().any(|prefix| url.starts_with(prefix)) {
            let help = Some("write `https://`; plain `http://` is for this host only".to_owned());
            sink.error_with("channel.address", at(field), "the address is not encrypted", help);
        }
    };
    if let Some(webhook) = &channel.webhook {
        address("webhook", &webhook.url);
    }
    if let Some(slack) = &channel.slack {
        address("slack", &slack.api);
        let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if slack.conversation.is_empty() || !slack.conversation.bytes().all(legal) {
            let help = Some("write the conversation's id, as in `C0123456789`".to_owned());
            sink.error_with(
                "channel.conversation",
                at("slack"),
                "a conversation is named by its id",
                help,
            );
        }
    }
    if let Some(github) = &channel.github {
        address("github", &github.api);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let parts: Vec<&str> = github.repository.split('/').collect();
        let named = |part: &&str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(legal);
        if parts.len() != 2 || !parts.iter().all(named) {
            let help = Some("write `OWNER/NAME`".to_owned());
            sink.error_with(
                "channel.repository",
                at("github"),
                "not a repository of GitHub",
                help,
            );
        }
    }
    if let Some(mail) = &channel.mail {
        if !["smtp://", "smtps://"]
            .iter()
            .any(|scheme| mail.server.starts_with(scheme))
        {
            let help = Some("write `smtps://HOST:465`, or `smtp://HOST:587`".to_owned());
            sink.error_with(
                "channel.address",
                at("mail"),
                "not the address of a mail server",
                help,
            );
        }
        let addresses = mail.to.iter().chain([&mail.from]);
        for address in addresses.filter(|address| !is_mail(address)) {
            let message = format!("`{}` is not an address of e-mail", shown(address));
            sink.error("channel.mail", at("mail"), message);
        }
        if mail.user.is_some() != mail.password.is_some() {
            let help = Some("give both `user` and `password`, or neither".to_owned());
            sink.error_with("channel.mail", at("mail"), "a user has a password", help);
        }
    }
    Some(channel)
}

fn person(node: &Node, sink: &Sink<'_>) -> Option<Person> {
    let person: Person = de::read(node, &node.span, sink)?;
    if let (Some(mail), Some(entry)) = (&person.mail, node.get("mail"))
        && !is_mail(mail)
    {
        let message = format!("`{}` is not an address of e-mail", shown(mail));
        sink.error("people.mail", entry.at(), message);
    }
    Some(person)
}

/// Whether a text can be an address, perhaps with a name before it. Nothing in it may begin another header.
fn is_mail(text: &str) -> bool {
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    let legal = |byte: u8| byte.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&byte);
    text.len() <= MAIL_BYTES_MAX
        && !text.chars().any(char::is_control)
        && address.bytes().all(legal)
        && address.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') | (host == "localhost") && !host.contains('@')
        })
}

fn shown(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(80)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_mail_cannot_begin_another_header() {
        for good in [
            "ana@example.com",
            "Gateline <gateline@example.com>",
            "a@localhost",
        ] {
            assert!(is_mail(good), "{good}");
        }
        for bad in [
            "ana",
            "ana@",
            "@example.com",
            "a@b@example.com",
            "Ana <ana@example.com",
            "a@example.com\r\nBcc: all@example.com",
            "a b@example.com",
            "a,b@example.com",
        ] {
            assert!(!is_mail(bad), "{bad}");
        }
    }
}
