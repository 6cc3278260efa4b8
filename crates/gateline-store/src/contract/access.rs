//! Claims about what lets people in: passwords come with their event or not at all, sessions end.

use gateline_model::{ActorId, Digest};

use super::sample::{accept, append, at, nothing, one, stream};
use crate::{Append, EndSessions, PasswordChange, SESSIONS_PER_ACTOR_MAX, Session, Store};

fn ana() -> ActorId {
    "ana".parse().unwrap()
}

fn password(hash: Option<&str>) -> PasswordChange {
    PasswordChange {
        account: ana(),
        hash: hash.map(str::to_owned),
    }
}

fn session(cookie: &str, actor: &str, began: i64) -> Session {
    Session {
        id: Digest::of(cookie.as_bytes()),
        actor: actor.parse().unwrap(),
        name: Some("Ana".into()),
        provider: "corp".into(),
        token: None,
        agent: "Firefox".into(),
        began: at(began),
        used: at(began),
        ends: at(began + 1_000),
    }
}

pub(super) fn a_password_comes_with_its_event_and_is_replaced(store: &mut dyn Store) {
    assert_eq!(store.password(&ana()).unwrap(), None);
    let set = |version, hash| Append {
        passwords: vec![password(hash)],
        ..one(stream(1), version)
    };
    accept(store, 0, &set(0, Some("$first")));
    assert_eq!(store.password(&ana()).unwrap().as_deref(), Some("$first"));
    accept(store, 1, &set(1, Some("$second")));
    assert_eq!(store.password(&ana()).unwrap().as_deref(), Some("$second"));
    // An append that is refused changes nothing.
    assert!(append(store, 2, &set(1, Some("$third"))).is_err());
    assert_eq!(store.password(&ana()).unwrap().as_deref(), Some("$second"));
    assert_eq!(store.password(&"bo".parse().unwrap()).unwrap(), None);
    accept(store, 3, &set(2, None));
    assert_eq!(store.password(&ana()).unwrap(), None);
}

pub(super) fn a_changed_password_ends_the_sessions_of_its_account(store: &mut dyn Store) {
    store.put_session(&session("a", "ana", 0)).unwrap();
    store.put_session(&session("b", "bo", 0)).unwrap();
    accept(
        store,
        1,
        &Append {
            passwords: vec![password(Some("$new"))],
            ..nothing()
        },
    );
    assert_eq!(store.sessions(&ana()).unwrap(), []);
    assert_eq!(store.sessions(&"bo".parse().unwrap()).unwrap().len(), 1);
}

pub(super) fn a_session_is_found_by_its_hash_and_used(store: &mut dyn Store) {
    let first = session("a", "ana", 0);
    assert_eq!(store.session(&first.id).unwrap(), None);
    store.put_session(&first).unwrap();
    assert_eq!(store.session(&first.id).unwrap(), Some(first.clone()));
    store.use_session(&first.id, at(60)).unwrap();
    assert_eq!(store.session(&first.id).unwrap().unwrap().used, at(60));
    // A clock behind the others takes nothing back.
    store.use_session(&first.id, at(30)).unwrap();
    assert_eq!(store.session(&first.id).unwrap().unwrap().used, at(60));
    // Using one that has ended brings nothing back.
    store.end_sessions(&EndSessions::One(first.id)).unwrap();
    store.use_session(&first.id, at(90)).unwrap();
    assert_eq!(store.session(&first.id).unwrap(), None);
}

pub(super) fn sessions_end_one_by_one_all_together_and_when_they_are_stale(store: &mut dyn Store) {
    for (cookie, actor, began) in [
        ("a", "ana", 0),
        ("b", "ana", 10),
        ("c", "ana", 20),
        ("d", "bo", 30),
    ] {
        store.put_session(&session(cookie, actor, began)).unwrap();
    }
    let of = |store: &mut dyn Store, actor: &str| -> Vec<Digest> {
        let sessions = store.sessions(&actor.parse().unwrap()).unwrap();
        sessions.iter().map(|session| session.id).collect()
    };
    let id = |cookie: &str| Digest::of(cookie.as_bytes());
    assert_eq!(of(store, "ana"), [id("c"), id("b"), id("a")], "the newest first");
    assert_eq!(store.end_sessions(&EndSessions::One(id("a"))).unwrap(), 1);
    assert_eq!(
        store
            .end_sessions(&EndSessions::Of(ana(), Some(id("b"))))
            .unwrap(),
        1
    );
    assert_eq!(of(store, "ana"), [id("b")]);
    assert_eq!(of(store, "bo"), [id("d")]);
    let stale = |now, unused_since| EndSessions::Stale {
        now: at(now),
        unused_since: at(unused_since),
    };
    assert_eq!(store.end_sessions(&stale(1_009, 10)).unwrap(), 0);
    assert_eq!(
        store.end_sessions(&stale(1_010, 10)).unwrap(),
        1,
        "the time of `b` is over"
    );
    assert_eq!(
        store.end_sessions(&stale(31, 31)).unwrap(),
        1,
        "nobody used `d` since"
    );
    assert_eq!(store.end_sessions(&EndSessions::Of(ana(), None)).unwrap(), 0);
}

pub(super) fn an_actor_has_so_many_sessions_and_the_oldest_goes(store: &mut dyn Store) {
    store.put_session(&session("other", "bo", 0)).unwrap();
    for number in 0..=SESSIONS_PER_ACTOR_MAX {
        store
            .put_session(&session(&format!("s{number}"), "ana", number as i64))
            .unwrap();
    }
    let all = store.sessions(&ana()).unwrap();
    assert_eq!(all.len(), SESSIONS_PER_ACTOR_MAX);
    assert_eq!(store.session(&Digest::of(b"s0")).unwrap(), None);
    assert!(store.session(&Digest::of(b"other")).unwrap().is_some());
}
