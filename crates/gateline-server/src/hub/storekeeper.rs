//! The storekeeper: the one thread that writes. Answers every job with an input for the engine.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};

use gateline_engine::{BatchId, Input, LEASE, Task};
use gateline_model::{PromotionId, Tick};
use gateline_store::{Append, Fence, READ_EVENTS_MAX, Read, SqliteStore, Store};
use jiff::Timestamp;
use tracing::{error, warn};

use super::clock::Clock;
use super::lock;

/// What the engine asks of the store.
pub(super) enum Job {
    Append(BatchId, Vec<Append>),
    Read(u64),
    Claim(usize),
    KeepTicks {
        promotion: PromotionId,
        ticks: Vec<Tick>,
        all: bool,
        task: Box<Task>,
    },
    Release(Fence, Timestamp),
    Renew(Fence, Timestamp),
    /// Something beside the log, for somebody who waits for it himself.
    Beside(WriteBeside),
}

/// A write of something that is no event.
pub(super) type WriteBeside = Box<dyn FnOnce(&mut dyn Store) + Send>;

/// When work is due next, as far as the store knows; the engine's thread wakes then.
pub(super) type NextDue = Arc<Mutex<Option<Timestamp>>>;

/// Does jobs until the engine's side hangs up.
pub(super) fn keep(
    mut store: SqliteStore,
    owner: &str,
    mut clock: Clock,
    jobs: &Receiver<Job>,
    inputs: &Sender<Input>,
    next_due: &NextDue,
) {
    while let Ok(job) = jobs.recv() {
        let moves_work = job.moves_work();
        let input = one(&mut store, owner, clock.now(), job);
        if moves_work {
            note_due(&store, next_due);
        }
        if let Some(input) = input
            && inputs.send(input).is_err()
        {
            return;
        }
    }
}

impl Job {
    /// Whether it can change when work is due next.
    fn moves_work(&self) -> bool {
        match self {
            Job::Append(_, appends) => appends.iter().any(|append| {
                append.fence.is_some() || !append.work_add.is_empty() || !append.work_remove.is_empty()
            }),
            Job::Claim(_) | Job::Release(..) | Job::Renew(..) => true,
            Job::Read(_) | Job::KeepTicks { .. } | Job::Beside(_) => false,
        }
    }
}

fn note_due(store: &SqliteStore, next_due: &NextDue) {
    match store.next_due() {
        Ok(due) => *lock(next_due) = due,
        Err(err) => warn!("Could not see when work is due next: {err}"),
    }
}

fn one(store: &mut SqliteStore, owner: &str, now: Timestamp, job: Job) -> Option<Input> {
    match job {
        Job::Append(batch, appends) => {
            let answers = store.append(now, &appends);
            if let Err(err) = &answers {
                error!(batch, "Could not commit a batch of {}: {err}", appends.len());
            }
            Some(Input::Committed(batch, answers))
        }
        Job::Read(from) => {
            let mut events = Vec::new();
            loop {
                let next = from + events.len() as u64;
                match store.read(next, READ_EVENTS_MAX) {
                    Ok(page) if page.is_empty() => break,
                    Ok(page) => events.extend(page),
                    Err(err) => {
                        error!("Could not read the log from #{next}: {err}");
                        break;
                    }
                }
            }
            Some(Input::Logged(events))
        }
        Job::Claim(limit) => {
            let due = matches!(store.next_due(), Ok(Some(due)) if due <= now);
            let leased = if due {
                store.lease(now, owner, limit, LEASE)
            } else {
                Ok(Vec::new())
            };
            Some(Input::Leased(leased.unwrap_or_else(|err| {
                error!("Could not lease work: {err}");
                Vec::new()
            })))
        }
        Job::KeepTicks {
            promotion,
            ticks,
            all,
            task,
        } => {
            let kept = store.put_ticks(&promotion, &ticks).and_then(|root| {
                let ticks = if all { store.ticks(&promotion)?.0 } else { ticks };
                Ok((ticks, root))
            });
            Some(match kept {
                Ok((ticks, root)) => Input::TicksKept {
                    promotion,
                    root,
                    ticks,
                    all,
                    task,
                },
                Err(err) => {
                    error!(promotion.id = %promotion, "Could not keep ticks of `{promotion}`: {err}");
                    Input::TicksLost(task)
                }
            })
        }
        Job::Release(fence, due) => {
            if let Err(err) = store.release(&fence, due) {
                warn!(
                    "Could not give the lease of `{}` back; it expires by itself: {err}",
                    fence.work
                );
            }
            None
        }
        Job::Renew(fence, until) => {
            if let Err(err) = store.renew(&fence, until) {
                warn!("Could not extend the lease of `{}`: {err}", fence.work);
            }
            None
        }
        Job::Beside(work) => {
            work(store);
            None
        }
    }
}
