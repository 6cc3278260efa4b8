//! Settled: when nothing goes wrong any more and enough time has passed, nothing may be stuck, and the log is whole.

use gateline_core::{Facts, Phase, Promotion, StepState, World, judge_gates};
use gateline_engine::replay;
use gateline_model::{Admission, Digest, PromotionId, Span, StreamId};
use gateline_store::{READ_EVENTS_MAX, Read, Store as _};

use crate::sim::Sim;

/// Work that was due so long ago is done by nobody.
const OVERDUE: Span = Span::from_secs(120);

/// Notes everything that is stuck.
pub(crate) fn nothing_is_stuck(sim: &mut Sim) {
    let now = sim.now;
    let mut found: Vec<String> = sim
        .book
        .world
        .promotions()
        .filter_map(|promotion| stuck(sim, promotion))
        .collect();
    for row in sim.store.work().expect("memory can be read") {
        if OVERDUE.after(row.free_at()) < now {
            found.push(format!(
                "`{}` was free at {} and nobody took it",
                row.work.id(),
                row.free_at()
            ));
        }
    }
    for (index, replica) in sim.replicas.iter().enumerate() {
        match &replica.engine {
            None => found.push(format!("replica {index} never came back")),
            Some(engine) => {
                let (waiting, _) = engine.load();
                if waiting > 0 {
                    found.push(format!("replica {index} still has {waiting} commands to decide"));
                }
                if engine.world().next() != sim.book.world.next() {
                    found.push(format!(
                        "replica {index} folded up to #{} only",
                        engine.world().next()
                    ));
                }
            }
        }
    }
    for what in found {
        sim.book.violated(now, what);
    }
}

fn stuck(sim: &Sim, promotion: &Promotion) -> Option<String> {
    let id = &promotion.id;
    match &promotion.phase {
        Phase::Held => {
            let facts = Facts {
                now: sim.now,
                actor: gateline_core::Actor::gateline(),
            };
            let decision = match judge_gates(&sim.book.world, id, &facts) {
                Ok(decision) => decision,
                Err(error) => return Some(format!("`{id}` cannot be judged: {error}")),
            };
            let state = sim.book.world.stage(&id.stage)?;
            let rolling = |other: &&gateline_core::OpenPromotion| {
                let open = sim.book.world.promotion(&other.id);
                open.is_some_and(|open| open.rollout().is_some())
            };
            let holder = state.open.iter().find(rolling);
            (decision.admission == Admission::Admit && holder.is_none()).then(|| {
                format!(
                    "`{id}` is held although everything would admit it: {}",
                    decision.headline
                )
            })
        }
        Phase::Rolling(rollout) => {
            // A person was called: it stands still on purpose.
            if rollout.paused.is_some() && rollout.rollback.is_none() {
                return None;
            }
            let state = match rollout.state {
                StepState::Intended { since } => format!("intended since {since}"),
                StepState::Applied { since, .. } => format!("true since {since}"),
                StepState::Failed { .. } => "failed".to_owned(),
                StepState::Parked { .. } => "parked".to_owned(),
            };
            Some(format!("`{id}` is stuck at step {}, {state}", rollout.step))
        }
        Phase::Ended(_) => None,
    }
}

/// Without any name and text the log has the same leaves and the same fold. Last: nothing is left of them.
pub(crate) fn erasing_changes_nothing(sim: &mut Sim) {
    let before = sim.store.head().expect("memory can be read");
    let all: Vec<u64> = (0..before.size).collect();
    sim.store.erase(&all).expect("memory can be written");
    let mut world = World::default();
    while world.next() < before.size {
        let page = sim.store.read(world.next(), READ_EVENTS_MAX);
        for recorded in page.expect("memory can be read") {
            let folded = world.fold(&recorded);
            if folded.is_err() || recorded.private.is_some() {
                let what = format!("event #{} without its text: {folded:?}", recorded.number);
                return sim.book.violated(sim.now, what);
            }
        }
    }
    if world != sim.book.world {
        let what = "the fold of the log without its texts is another one".to_owned();
        sim.book.violated(sim.now, what);
    }
    let after = sim.store.head().expect("memory can be read");
    if after != before {
        sim.book
            .violated(sim.now, "erasing changed the log's root".to_owned());
    }
}

/// Every event has a leaf, and the root is the root of the leaves: RFC 6962, written down once more.
pub(crate) fn log_is_whole(sim: &mut Sim) {
    let mut leaves: Vec<Digest> = Vec::new();
    loop {
        let page = sim.store.leaves(leaves.len() as u64, READ_EVENTS_MAX);
        let page = page.expect("memory can be read");
        if page.is_empty() {
            break;
        }
        leaves.extend(page.iter().map(|leaf| Digest::from_bytes(*leaf.as_bytes())));
    }
    let head = sim.store.head().expect("memory can be read");
    let (count, folded) = (leaves.len() as u64, sim.book.world.next());
    if head.size != count || count != folded {
        let what = format!(
            "the log has {} events, {count} leaves, and {folded} were folded",
            head.size
        );
        sim.book.violated(sim.now, what);
    }
    if root(&leaves).as_bytes() != head.root.as_bytes() {
        let what = "the log's root is not the root of its leaves".to_owned();
        sim.book.violated(sim.now, what);
    }
}

/// Every ruling comes out again from the ticks that were kept, whichever replica made it.
pub(crate) fn rulings_come_out_again(sim: &mut Sim) {
    let ids: Vec<PromotionId> = sim
        .book
        .world
        .promotions()
        .map(|promotion| promotion.id.clone())
        .collect();
    for id in ids {
        let events = sim.store.read_stream(&StreamId::Promotion(id.clone()), 0);
        let events = events.expect("memory can be read");
        let (ticks, _) = sim.store.ticks(&id).expect("memory can be read");
        let world = &sim.book.world;
        let pinned = world.promotion(&id).map(|promotion| promotion.pipeline);
        let versions = world.project(&id.stage.project).map(|project| &project.versions);
        let pipeline = pinned
            .zip(versions)
            .and_then(|(pinned, versions)| versions.get(&pinned));
        let Some(stage) = pipeline.and_then(|pipeline| pipeline.stage(&id.stage.stage)) else {
            continue;
        };
        let replay = replay(&id, &events, stage, &ticks, None).expect("simulated ticks are finite");
        if let Some(other) = replay.rulings.iter().find(|ruled| ruled.recorded.is_some()) {
            let what = format!("a ruling of `{id}` comes out otherwise: {other:?}");
            sim.book.violated(sim.now, what);
        }
    }
}

/// The left subtree has as many leaves as the largest power of two below the whole.
fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            let nodes = [root(left), root(right)];
            Digest::of(&[&[1], &nodes[0].as_bytes()[..], &nodes[1].as_bytes()[..]].concat())
        }
    }
}
