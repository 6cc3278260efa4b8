//! What waits while the store has a batch: it may be handed over before the answers are taken, and is refused when it waits
//! for too long. Commands on streams of their own.
#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what helps it")]

use std::sync::Arc;

use gateline_core::{Actor, Command};
use gateline_engine::{BatchId, COMMAND_WAITS_MAX, Engine, Input, Output, Refusal, Request};
use gateline_model::{Digest, Pipeline};
use gateline_store::{Append, MemStore, Store as _, StoreError};
use jiff::Timestamp;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// As many decided appends as are worth handing over ahead.
const WORTH: u64 = 16;

/// Applies a pipeline to the project of this number.
fn request(ticket: u64, project: u64) -> Input {
    let pipeline = Pipeline {
        tier: None,
        protected: None,
        project: format!("project-{project}").parse().unwrap(),
        name: format!("pipeline-{ticket}").parse().unwrap(),
        artifacts: Vec::new(),
        windows: Default::default(),
        stages: Vec::new(),
    };
    Input::Request(Box::new(Request {
        ticket,
        actor: Actor::gateline(),
        command: Command::ApplyPipeline {
            pipeline: Arc::new(pipeline),
            source: Digest::of(b"source"),
            written: None,
        },
        key: None,
        salt: [0; 16],
        blobs: Vec::new(),
        passwords: Vec::new(),
    }))
}

fn batch(outputs: Vec<Output>) -> Option<(BatchId, Vec<Append>)> {
    outputs.into_iter().find_map(|output| match output {
        Output::Append(batch, appends) => Some((batch, appends)),
        _ => None,
    })
}

fn told(outputs: &[Output]) -> Vec<u64> {
    let told = outputs.iter().filter_map(|output| match output {
        Output::Tell(ticket, Ok(_)) => Some(*ticket),
        _ => None,
    });
    told.collect()
}

/// An engine with one append at the store, and so many more decided behind it.
fn busy(decided: u64) -> (Engine, (BatchId, Vec<Append>)) {
    let mut engine = Engine::default();
    let first = batch(engine.step(NOW, request(0, 0)).unwrap()).expect("the store was free");
    for number in 1..=decided {
        let outputs = engine.step(NOW, request(number, number)).unwrap();
        assert_eq!(batch(outputs), None, "the store is not free");
    }
    (engine, first)
}

#[test]
fn enough_for_a_commit_is_handed_over_ahead_and_less_waits_for_the_answers() {
    let (mut engine, _) = busy(WORTH - 1);
    assert_eq!(engine.hand_over_ahead(NOW), []);
    let (mut engine, _) = busy(WORTH);
    let (_, ahead) = batch(engine.hand_over_ahead(NOW)).expect("it is worth a commit");
    assert_eq!(ahead.len() as u64, WORTH);
    assert_eq!(engine.hand_over_ahead(NOW), [], "at most one is ahead");
}

#[test]
fn nothing_is_handed_over_ahead_on_a_stream_that_is_not_folded() {
    let (mut engine, _) = busy(WORTH);
    engine.step(NOW, request(100, 0)).unwrap();
    let (_, ahead) = batch(engine.hand_over_ahead(NOW)).expect("it is worth a commit");
    let again = "project/project-0";
    let touches = |append: &Append| {
        append
            .expects
            .iter()
            .any(|(stream, _)| stream.to_string() == again)
    };
    assert!(!ahead.iter().any(touches));
}

#[test]
fn what_was_decided_too_long_ago_is_not_handed_over_ahead() {
    let (mut engine, _) = busy(WORTH);
    assert_eq!(
        engine.hand_over_ahead("1970-01-01T00:00:02Z".parse().unwrap()),
        []
    );
}

#[test]
fn what_waits_for_too_long_is_refused_and_never_comes_true() {
    let (mut engine, (first, appends)) = busy(2);
    // One that is not even decided: the store has what it reads.
    engine.step(NOW, request(3, 0)).unwrap();
    let refused = |outputs: Vec<Output>| {
        let refused = outputs.into_iter().map(|output| match output {
            Output::Tell(ticket, Err(Refusal::Unavailable(why))) if why.contains("nothing was done") => {
                ticket
            }
            other => panic!("{other:?}"),
        });
        let mut refused: Vec<u64> = refused.collect();
        refused.sort_unstable();
        refused
    };
    let at = COMMAND_WAITS_MAX.after(NOW);
    assert_eq!(engine.refuse_late(at), []);
    let late = at + std::time::Duration::from_millis(1);
    assert_eq!(refused(engine.refuse_late(late)), [1, 2, 3]);

    // What the store had is answered by the store, and nothing else comes after it.
    let answers = MemStore::default().append(NOW, &appends);
    let outputs = engine.step(late, Input::Committed(first, answers)).unwrap();
    assert_eq!((told(&outputs), batch(outputs)), (vec![0], None));
    // Nothing is in the way of who asks again.
    assert!(batch(engine.step(late, request(4, 1)).unwrap()).is_some());
}

#[test]
fn both_batches_are_folded_and_answered_in_whatever_order_their_answers_come() {
    for turned in [false, true] {
        let (mut engine, first) = busy(WORTH);
        let second = batch(engine.hand_over_ahead(NOW)).expect("it is worth a commit");
        let mut store = MemStore::default();
        let mut answers: Vec<_> = [first, second]
            .map(|(batch, appends)| Input::Committed(batch, store.append(NOW, &appends)))
            .into();
        if turned {
            answers.reverse();
        }
        let mut all = Vec::new();
        for answer in answers {
            all.extend(told(&engine.step(NOW, answer).unwrap()));
        }
        all.sort_unstable();
        assert_eq!(all, (0..=WORTH).collect::<Vec<_>>());
        assert_eq!(engine.world().next(), WORTH + 1);
    }
}

#[test]
fn a_batch_that_failed_leaves_the_one_ahead_of_its_answers_alone() {
    let (mut engine, (failed, _)) = busy(WORTH);
    let (second, appends) = batch(engine.hand_over_ahead(NOW)).expect("it is worth a commit");
    let unavailable = StoreError::Unavailable {
        doing: "append",
        why: "the disk is full".into(),
    };
    let outputs = engine
        .step(NOW, Input::Committed(failed, Err(unavailable)))
        .unwrap();
    assert!(
        outputs
            .iter()
            .any(|output| matches!(output, Output::Tell(0, Err(_))))
    );
    let answers = MemStore::default().append(NOW, &appends);
    let outputs = engine.step(NOW, Input::Committed(second, answers)).unwrap();
    assert_eq!(told(&outputs), (1..=WORTH).collect::<Vec<_>>());
}
