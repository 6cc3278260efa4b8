//! A store that is copied: what was recorded stays what it is, from any store into any other, or nothing is kept.

use gateline_model::{Arm, Digest, Tick};

use super::cluster::Database;
use super::sample::{
    accept, at, blob, fence, id, key, lease, one, postgres, private, promotion, promotion_row, release_row,
    rows, stream, work,
};
use super::{Dir, SqliteStore};
use crate::{Append, CopyError, Entry, Filled, PIECE_BYTES, PasswordChange, Read as _, Row, Store, Told};

/// One of everything, and a piece of work that was leased before.
fn furnish(store: &mut dyn Store) {
    let mut first = one(stream(1), 0);
    first.events[0].private = Some(([7; 16], private("Ana")));
    first.key = key("ana promote 1", "body");
    first.work_add = vec![work(1, 10), work(2, 500)];
    first.blobs = vec![blob(b"short"), blob(b""), blob(&vec![7; PIECE_BYTES + 5])];
    first.rows = rows([promotion_row("payments/payment-service/dev/1", 0)]).rows;
    first.rows.push(Row::Release(release_row("1.0.0", 0)));
    first.passwords = vec![PasswordChange {
        account: "ana".parse().unwrap(),
        hash: Some("$hash".into()),
    }];
    accept(store, 0, &first);
    accept(store, 1, &one(stream(2), 0));
    let leased = lease(store, 10, 1).remove(0);
    assert!(store.release(&fence(&leased), at(20)).unwrap());
    let tick = |secs| Tick {
        requests: 7,
        ..Tick::none(at(secs), Arm::Canary)
    };
    store.put_ticks(&promotion(1), &[tick(0), tick(5)]).unwrap();
    store.put_ticks(&promotion(2), &[]).unwrap();
    assert_eq!(store.erase(&[0]).unwrap(), 1);
}

fn entries(store: &dyn Told) -> Vec<Entry> {
    let mut entries = Vec::new();
    store
        .tell(&mut |entry| {
            entries.push(entry);
            Ok(())
        })
        .unwrap();
    entries
}

fn fill(store: &mut dyn Filled, entries: &[Entry]) -> Result<crate::Head, CopyError> {
    store.fill(&mut |hear| entries.iter().cloned().try_for_each(&mut *hear))
}

#[test]
fn a_history_goes_from_a_file_to_a_server_and_back_and_is_the_same() {
    let (dir, database) = (Dir::new(), Database::new());
    let mut file = SqliteStore::open(dir.path("first.db")).unwrap();
    furnish(&mut file);
    let told = entries(&file.reader().unwrap());
    let mut server = postgres(&database);
    assert_eq!(fill(&mut server, &told).unwrap(), file.head().unwrap());
    assert_eq!(entries(&server.reader()), told);
    let mut back = SqliteStore::open(dir.path("back.db")).unwrap();
    fill(&mut back, &entries(&server.reader())).unwrap();
    assert_eq!(entries(&back.reader().unwrap()), told);
    for store in [&mut server as &mut dyn Store, &mut back] {
        assert_eq!(store.raw(0, 10).unwrap(), file.raw(0, 10).unwrap());
        assert_eq!(
            store.work().unwrap(),
            file.work().unwrap(),
            "attempts are counted on"
        );
        // It is a store like any other: keys are known, fences go on, the next event has the next number.
        let again = Append {
            key: key("ana promote 1", "body"),
            ..one(stream(1), 7)
        };
        assert!(matches!(
            super::sample::append(store, 30, &again),
            Ok(crate::Committed::Before(Some((0, 0))))
        ));
        let leased = lease(store, 40, 1).remove(0);
        assert_eq!((leased.work.id(), leased.attempt, leased.fence), (id(1), 2, 2));
        accept(store, 41, &one(stream(1), 1));
        assert_eq!(store.head().unwrap().size, 3);
        assert_eq!(store.blob(&Digest::of(b"short")).unwrap().unwrap(), b"short");
    }
}

#[test]
fn a_store_that_is_not_empty_is_left_as_it_is() {
    let (dir, database) = (Dir::new(), Database::new());
    let mut file = SqliteStore::open(dir.path("first.db")).unwrap();
    furnish(&mut file);
    let told = entries(&file.reader().unwrap());
    let mut server = postgres(&database);
    accept(&mut server, 0, &one(stream(9), 0));
    let mut other = SqliteStore::open(dir.path("other.db")).unwrap();
    accept(
        &mut other,
        0,
        &Append {
            key: key("only", "a key"),
            ..super::sample::nothing()
        },
    );
    assert!(matches!(fill(&mut server, &told), Err(CopyError::NotEmpty)));
    assert!(matches!(fill(&mut other, &told), Err(CopyError::NotEmpty)));
    assert_eq!(server.head().unwrap().size, 1);
    accept(&mut server, 1, &one(stream(9), 1));
}

#[test]
fn what_was_edited_cut_off_or_moved_is_refused_and_nothing_of_it_is_kept() {
    let (dir, database) = (Dir::new(), Database::new());
    let mut file = SqliteStore::open(dir.path("first.db")).unwrap();
    furnish(&mut file);
    let told = entries(&file.reader().unwrap());
    type Edit = fn(&mut Vec<Entry>);
    let edits: [(&str, Edit); 8] = [
        ("cut off", |all| all.truncate(all.len() - 1)),
        ("without its head", |all| drop(all.remove(0))),
        ("twice", |all| all.extend(all.clone())),
        ("an event edited", |all| {
            if let Entry::Events { events } = &mut all[1] {
                events[0].body[9] ^= 1;
            }
        }),
        ("an event left out", |all| {
            if let Entry::Events { events } = &mut all[1] {
                events.remove(0);
            }
        }),
        ("the last event left out", |all| {
            if let Entry::Events { events } = &mut all[1] {
                events.pop();
            }
        }),
        ("a piece left out", |all| {
            let at = all
                .iter()
                .rposition(|entry| matches!(entry, Entry::Piece { .. }))
                .unwrap();
            all.remove(at);
        }),
        ("a tick edited", |all| {
            for entry in all {
                if let Entry::Ticks { lines, .. } = entry {
                    lines.iter_mut().for_each(|line| *line = line.replace('7', "8"));
                }
            }
        }),
    ];
    let mut server = postgres(&database);
    let mut other = SqliteStore::open(dir.path("other.db")).unwrap();
    for (what, edit) in edits {
        let mut edited = told.clone();
        edit(&mut edited);
        for store in [&mut server as &mut dyn Filled, &mut other] {
            let err = fill(store, &edited).expect_err(what);
            assert!(
                !matches!(err, CopyError::NotEmpty),
                "{what}: something was kept before"
            );
        }
    }
    assert_eq!((server.head().unwrap().size, other.head().unwrap().size), (0, 0));
    fill(&mut server, &told).unwrap();
    fill(&mut other, &told).unwrap();
}
