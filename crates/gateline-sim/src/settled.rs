//! Settled: when nothing goes wrong any more and enough time has passed, nothing may be stuck, and the log is whole.

use gateline_core::{Facts, Phase, Promotion, StepState, judge_gates};
use gateline_log::Tree;
use gateline_model::{Admission, Span};
use gateline_store::{READ_EVENTS_MAX, Read};

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
                StepState::Failed => "failed".to_owned(),
                StepState::Parked => "parked".to_owned(),
            };
            Some(format!("`{id}` is stuck at step {}, {state}", rollout.step))
        }
        Phase::Ended(_) => None,
    }
}

/// Every leaf is where the root says it is, and every event has one.
pub(crate) fn log_is_whole(sim: &mut Sim) {
    let mut tree = Tree::default();
    let mut from = 0;
    loop {
        let leaves = sim
            .store
            .leaves(from, READ_EVENTS_MAX)
            .expect("memory can be read");
        if leaves.is_empty() {
            break;
        }
        from += leaves.len() as u64;
        leaves.into_iter().for_each(|leaf| tree.append(leaf));
    }
    let head = sim.store.head().expect("memory can be read");
    let folded = sim.book.world.next();
    if head.size != from || from != folded {
        let what = format!(
            "the log has {} events, {from} leaves, and {folded} were folded",
            head.size
        );
        sim.book.violated(sim.now, what);
    }
    if tree.head().root != head.root {
        let what = "the log's root is not the root of its leaves".to_owned();
        sim.book.violated(sim.now, what);
    }
}
