//! Claims about what is kept beside the log: ticks, content, and the erasable part of events.

use gateline_model::{Arm, Digest, Event, PodCounts, Tick};

use super::sample::{accept, at, blob, named, nothing, one, private, promotion, stream};
use crate::{Append, BlobReading, PIECE_BYTES, Store};

fn tick(arm: Arm, secs: i64, requests: u64) -> Tick {
    Tick {
        weight: 25,
        requests,
        errors: 1,
        buckets: vec![(0.1, requests / 2), (0.3, requests)],
        pods: [(
            "a".to_owned(),
            PodCounts {
                requests,
                ..PodCounts::default()
            },
        )]
        .into(),
        gauges: [("memory".to_owned(), 0.1 + requests as f64)].into(),
        signals: vec!["`a` was started again".to_owned()],
        ..Tick::none(at(secs), arm)
    }
}

fn four() -> [Tick; 4] {
    [
        tick(Arm::Canary, 0, 10),
        tick(Arm::Stable, 0, 30),
        tick(Arm::Canary, 5, 20),
        tick(Arm::Stable, 5, 60),
    ]
}

pub(super) fn ticks_are_put_once(store: &mut dyn Store) {
    let ticks = four();
    let root = store.put_ticks(&promotion(1), &ticks).unwrap();
    assert_eq!(store.put_ticks(&promotion(1), &ticks).unwrap(), root);
    // The same arm and time is the same tick, whatever a second look counted.
    assert_eq!(
        store
            .put_ticks(&promotion(1), &[tick(Arm::Canary, 5, 99)])
            .unwrap(),
        root
    );
    assert_eq!(store.ticks(&promotion(1)).unwrap(), (ticks.to_vec(), root));
    assert_ne!(
        store
            .put_ticks(&promotion(1), &[tick(Arm::Canary, 6, 99)])
            .unwrap(),
        root
    );
}

pub(super) fn the_root_of_ticks_does_not_depend_on_their_chunks(store: &mut dyn Store) {
    let ticks = four();
    let root = store.put_ticks(&promotion(1), &ticks).unwrap();
    store.put_ticks(&promotion(2), &ticks[..1]).unwrap();
    store.put_ticks(&promotion(2), &ticks[..3]).unwrap();
    assert_eq!(store.put_ticks(&promotion(2), &ticks[2..]).unwrap(), root);
    let swapped = [&ticks[1..2], &ticks[..1], &ticks[2..]].concat();
    assert_ne!(
        store.put_ticks(&promotion(3), &swapped).unwrap(),
        root,
        "it does depend on their order"
    );
}

pub(super) fn ticks_of_rollouts_are_apart(store: &mut dyn Store) {
    let empty = store.put_ticks(&promotion(2), &[]).unwrap();
    store.put_ticks(&promotion(1), &four()).unwrap();
    assert_eq!(store.ticks(&promotion(2)).unwrap(), (vec![], empty));
    assert_eq!(store.ticks(&promotion(3)).unwrap(), (vec![], empty));
}

pub(super) fn a_sample_of_ticks_has_its_ends_and_no_more_than_was_asked_for(store: &mut dyn Store) {
    assert_eq!(store.sample_ticks(&promotion(1), 10).unwrap(), []);
    store.put_ticks(&promotion(1), &four()).unwrap();
    assert_eq!(store.sample_ticks(&promotion(1), 10).unwrap(), four());
    let long: Vec<Tick> = (0..1_000)
        .flat_map(|secs| [Arm::Canary, Arm::Stable].map(|arm| tick(arm, secs, secs as u64)))
        .collect();
    store.put_ticks(&promotion(2), &long).unwrap();
    let sample = store.sample_ticks(&promotion(2), 10).unwrap();
    assert_eq!(sample.len(), 20);
    assert_eq!((&sample[..2], &sample[18..]), (&long[..2], &long[1_998..]));
    assert!(sample.is_sorted_by_key(|tick| tick.at), "in order of time");
    // An arm that begins later has no tick at the moments before.
    let late = [
        tick(Arm::Stable, 0, 1),
        tick(Arm::Stable, 10, 2),
        tick(Arm::Canary, 10, 1),
    ];
    store.put_ticks(&promotion(3), &late).unwrap();
    let sample = store.sample_ticks(&promotion(3), 3).unwrap();
    assert_eq!(sample.iter().filter(|tick| tick.arm == Arm::Canary).count(), 1);
}

pub(super) fn a_tick_that_would_not_read_back_is_refused(store: &mut dyn Store) {
    let good = tick(Arm::Canary, 0, 10);
    let bad = Tick {
        buckets: vec![(f64::INFINITY, 10)],
        ..tick(Arm::Stable, 0, 10)
    };
    assert!(store.put_ticks(&promotion(1), &[good, bad]).is_err());
    assert_eq!(store.ticks(&promotion(1)).unwrap().0, []);
}

pub(super) fn content_is_kept_by_digest(store: &mut dyn Store) {
    let twice = Append {
        blobs: vec![blob(b"<testsuite/>"), blob(b""), blob(b"<testsuite/>")],
        ..nothing()
    };
    accept(store, 0, &twice);
    accept(store, 0, &twice);
    assert_eq!(
        store.blob(&Digest::of(b"<testsuite/>")).unwrap().unwrap(),
        b"<testsuite/>"
    );
    assert_eq!(store.blob(&Digest::of(b"")).unwrap().unwrap(), b"");
    assert_eq!(store.blob(&Digest::of(b"else")).unwrap(), None);
}

pub(super) fn content_is_read_back_in_pieces(store: &mut dyn Store) {
    let bytes: Vec<u8> = (0..2 * PIECE_BYTES + 3).map(|at| (at / 1_000) as u8).collect();
    let digest = Digest::of(&bytes);
    let item = Append {
        blobs: vec![blob(&bytes)],
        ..nothing()
    };
    accept(store, 0, &item);
    let mut reading = BlobReading::begin(&*store, &digest).unwrap().unwrap();
    assert_eq!(reading.bytes(), bytes.len() as u64);
    let mut pieces = Vec::new();
    while let Some(piece) = reading.next(&*store).unwrap() {
        pieces.push(piece);
    }
    let lengths: Vec<usize> = pieces.iter().map(Vec::len).collect();
    assert_eq!(lengths, [PIECE_BYTES, PIECE_BYTES, 3]);
    assert!(pieces.concat() == bytes);
    assert_eq!(store.blob_piece(&digest, 3).unwrap(), None);
    assert_eq!(store.blob_piece(&Digest::of(b"else"), 0).unwrap(), None);
    assert_eq!(store.blob_bytes(&Digest::of(b"else")).unwrap(), None);
}

pub(super) fn content_of_an_append_that_is_refused_is_not_kept(store: &mut dyn Store) {
    let stale = Append {
        blobs: vec![blob(b"content")],
        ..one(stream(1), 7)
    };
    assert!(store.append(at(0), &[stale]).unwrap()[0].is_err());
    assert_eq!(store.blob(&Digest::of(b"content")).unwrap(), None);
}

pub(super) fn erasing_keeps_root_leaves_and_bodies(store: &mut dyn Store) {
    for version in 0..3 {
        let mut item = one(stream(1), version);
        if version > 0 {
            item.events[0].private = Some(([version as u8; 16], private("Ana")));
        }
        accept(store, 0, &item);
    }
    let (root, leaves) = (store.head().unwrap().root, store.leaves(0, 10).unwrap());
    let before = store.read(0, 10).unwrap();
    assert_eq!(before[1].private, Some(private("Ana")));
    assert_eq!(store.erase(&[0, 1, 1, 7]).unwrap(), 1);
    let after = store.read(0, 10).unwrap();
    assert_eq!(
        (after[1].private.clone(), after[2].private.clone()),
        (None, Some(private("Ana")))
    );
    let bodies = |all: &[gateline_model::Recorded]| all.iter().map(|it| it.event.clone()).collect::<Vec<_>>();
    assert_eq!(bodies(&after), bodies(&before));
    assert_eq!(
        (store.head().unwrap().root, store.leaves(0, 10).unwrap()),
        (root, leaves)
    );
    assert_eq!(store.erase(&[1]).unwrap(), 0, "it is erased already");
}

pub(super) fn trying_to_write_changes_nothing(store: &mut dyn Store) {
    accept(store, 1, &one(stream(1), 0));
    let (head, raw) = (store.head().unwrap(), store.raw(0, 10).unwrap());
    store.try_write().unwrap();
    assert_eq!(store.head().unwrap(), head);
    assert_eq!(store.raw(0, 10).unwrap(), raw);
    accept(store, 2, &one(stream(1), 1));
}

pub(super) fn a_text_goes_with_the_event_that_says_so(store: &mut dyn Store) {
    for version in 0..3 {
        let mut item = one(stream(1), version);
        item.events[0].private = Some(([7; 16], private("Ana")));
        accept(store, 0, &item);
    }
    let says = |version, events: &[u64]| {
        let mut item = one(named("project/gateline"), version);
        item.events[0].event = Event::TextErased {
            events: events.to_vec(),
        };
        item.events[0].private = Some(([8; 16], private("Bo")));
        item
    };
    // The one that is refused erases nothing, and its neighbour does.
    let answers = store
        .append(at(1), &[says(7, &[1]), says(0, &[0, 2, 9])])
        .unwrap();
    assert!(answers[0].is_err() && answers[1].is_ok(), "{answers:?}");
    let names = |store: &dyn Store| -> Vec<Option<String>> {
        let read = store.read(0, 10).unwrap().into_iter();
        read.map(|one| one.private.and_then(|private| private.actor_name))
            .collect()
    };
    let (ana, bo) = (Some("Ana".to_owned()), Some("Bo".to_owned()));
    assert_eq!(names(store), [None, ana, None, bo.clone()]);
    for raw in store.raw(0, 10).unwrap() {
        assert_eq!(raw.differences(), [], "event {} hashes to its leaf", raw.number);
    }
    // It may name itself: then nobody reads why.
    accept(store, 2, &says(1, &[1, 4]));
    assert_eq!(names(store), [None, None, None, bo, None]);
}
