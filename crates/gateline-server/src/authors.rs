//! Authors: who wrote a commit, among those who are known here. The name of a commit is its author's own word, so it only ever
//! keeps somebody from answering; it lets nobody do anything.

use std::collections::BTreeSet;

use gateline_core::{World, server_project};
use gateline_model::{ActorId, Person, Written};

use crate::call::App;

/// What was told of a commit, with those who are known by its author's name or address of e-mail.
pub(crate) fn known(app: &App, written: Option<Written>) -> Option<Written> {
    let mut written = written?;
    if let Some(author) = &written.author {
        let people = &app.settings.file.people;
        let found = app.hub.with_world(|world| of(&actors(world), people, author));
        written.by.extend(found);
        written.by.sort();
        written.by.dedup();
    }
    Some(written)
}

/// Everybody who is named anywhere: with an account or a token, as one who signed in, or in roles.
fn actors(world: &World) -> BTreeSet<ActorId> {
    let mut known = BTreeSet::new();
    if let Some(server) = world.project(&server_project()) {
        known.extend(server.sign_ins.keys().cloned());
        known.extend(server.tokens.values().map(|token| token.actor.clone()));
        known.extend(
            server
                .accounts
                .keys()
                .filter_map(|name| name.as_str().parse().ok()),
        );
    }
    for roles in world.projects().filter_map(|(_, project)| project.roles.as_ref()) {
        known.extend(roles.teams.iter().flat_map(|team| team.members.iter().cloned()));
        known.extend(roles.roles.iter().flat_map(|role| role.actors.iter().cloned()));
    }
    known
}

/// Who is meant by `Name <address>`, a name, or an address.
fn of(known: &BTreeSet<ActorId>, people: &[Person], author: &str) -> Vec<ActorId> {
    let author = author.trim().to_lowercase();
    let within = author
        .rsplit_once('<')
        .and_then(|(_, rest)| rest.strip_suffix('>'));
    let address = within.unwrap_or(&author).trim();
    let is_it = |actor: &&ActorId| {
        let id = actor.as_str().to_lowercase();
        // A sign-in names people as `PROVIDER:WHO`.
        let who = id.split_once(':').map_or(id.as_str(), |(_, who)| who);
        [author.as_str(), address]
            .iter()
            .any(|name| *name == id || *name == who)
    };
    let by_mail = people.iter().filter(|person| {
        let mail = person.mail.as_ref().map(|mail| mail.to_lowercase());
        mail.as_deref() == Some(address)
    });
    let by_mail = by_mail.map(|person| person.actor.clone());
    known.iter().filter(is_it).cloned().chain(by_mail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_known_by_name_by_address_and_by_what_the_settings_say() {
        let known: BTreeSet<ActorId> = ["ana", "corp:bo@example.org", "cy"]
            .into_iter()
            .map(|name| name.parse().unwrap())
            .collect();
        let people = [Person {
            actor: "dee".parse().unwrap(),
            mail: Some("Dee@Example.org".to_owned()),
            slack: None,
            github: None,
        }];
        for (author, who) in [
            ("ana", "ana"),
            ("Bo Berg <Bo@example.org>", "corp:bo@example.org"),
            ("bo@example.org", "corp:bo@example.org"),
            ("D <dee@example.org>", "dee"),
            ("Somebody <else@example.org>", ""),
            ("", ""),
        ] {
            let found: Vec<String> = of(&known, &people, author)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found.join(","), who, "{author}");
        }
    }
}
