//! Random histories: the stores in memory, in SQLite and in PostgreSQL answer alike, also when the latter are opened again.

use gateline_model::{Arm, Digest, PipelineRef, Span, StreamId, Tick};
use jiff::Timestamp;
use proptest::prelude::*;

use super::cluster::Database;
use super::sample::{
    self, Dir, at, blob, event, id, key, named, nothing, private, promotion, promotion_row, release_row,
    stream, work,
};
use crate::{
    Append, Fence, MemStore, NewEvent, PromotionSearch, Read, ReleaseSearch, Row, Search, SqliteStore, Store,
};

/// One call. Small numbers, so that they meet.
#[derive(Debug, Clone)]
enum Op {
    Append(Vec<Item>),
    Lease(usize),
    Release(usize, i64),
    Renew(usize, i64),
    Ticks(u64, Vec<(bool, i64, u64)>),
    Erase(Vec<u64>),
    /// Time passes, or the clock is set back.
    Time(i64),
    /// The store is opened again.
    Reopen,
}

#[derive(Debug, Clone)]
struct Item {
    stream: u64,
    /// What is added to the version that is there.
    stale: u64,
    events: usize,
    private: bool,
    key: Option<(u8, u8)>,
    /// Which of the leases so far.
    fence: Option<usize>,
    add: Vec<(u64, i64)>,
    remove: Vec<u64>,
    row: Option<(u64, bool)>,
}

fn item() -> impl Strategy<Value = Item> {
    let stale = prop_oneof![9 => Just(0), 1 => Just(1_u64)];
    let key = prop::option::of((0..4_u8, 0..2_u8));
    let plan = (
        prop::collection::vec((0..5_u64, 0..100_i64), 0..3),
        prop::collection::vec(0..5_u64, 0..2),
    );
    let row = prop::option::of((0..4_u64, any::<bool>()));
    (
        0..4_u64,
        stale,
        0..3_usize,
        any::<bool>(),
        key,
        prop::option::weighted(0.2, 0..9_usize),
        plan,
        row,
    )
        .prop_map(
            |(stream, stale, events, private, key, fence, (add, remove), row)| Item {
                stream,
                stale,
                events,
                private,
                key,
                fence,
                add,
                remove,
                row,
            },
        )
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => prop::collection::vec(item(), 1..5).prop_map(Op::Append),
        2 => (1..4_usize).prop_map(Op::Lease),
        1 => (0..9_usize, 0..100_i64).prop_map(|(lease, due)| Op::Release(lease, due)),
        1 => (0..9_usize, 0..200_i64).prop_map(|(lease, until)| Op::Renew(lease, until)),
        1 => (0..2_u64, prop::collection::vec((any::<bool>(), 0..9_i64, 0..99_u64), 0..4))
            .prop_map(|(rollout, ticks)| Op::Ticks(rollout, ticks)),
        1 => prop::collection::vec(0..20_u64, 0..3).prop_map(Op::Erase),
        2 => prop_oneof![9 => -5..40_i64, 1 => Just(8 * 86_400)].prop_map(Op::Time),
        1 => Just(Op::Reopen),
    ]
}

/// What the calls refer to.
#[derive(Default)]
struct World {
    now: i64,
    leases: Vec<Fence>,
}

impl World {
    fn append(&self, store: &dyn Store, pending: &mut [u64; 4], item: &Item) -> Append {
        let name = stream(item.stream);
        let version =
            store.read_stream(&name, 0).unwrap().len() as u64 + pending[item.stream as usize] + item.stale;
        pending[item.stream as usize] += item.events as u64;
        let private = item.private.then(|| ([item.stream as u8; 16], private("Ana")));
        let new = |step| NewEvent {
            stream: name.clone(),
            event: event(step),
            private: private.clone(),
        };
        let row = |(number, ended): (u64, bool)| {
            let mut row = promotion_row(&promotion(number).to_string(), self.now % 7);
            row.ended_at = ended.then(|| at(self.now));
            [
                Row::Promotion(Box::new(row)),
                Row::Release(release_row(&format!("1.{number}"), self.now % 5)),
            ]
        };
        Append {
            key: item
                .key
                .and_then(|(scope, request)| key(&scope.to_string(), &request.to_string())),
            expects: vec![(name.clone(), version)],
            by: None,
            fence: item.fence.and_then(|index| self.leases.get(index).cloned()),
            events: (0..item.events as u32).map(new).collect(),
            work_add: item.add.iter().map(|(number, due)| work(*number, *due)).collect(),
            work_remove: item.remove.iter().map(|number| id(*number)).collect(),
            rows: item.row.into_iter().flat_map(row).collect(),
            blobs: vec![blob(&[item.stream as u8])],
            ..nothing()
        }
    }

    /// Makes one call and tells everything that it answered.
    fn call(&mut self, store: &mut dyn Store, op: &Op) -> String {
        let held = |index: &usize| {
            self.leases.get(*index).cloned().unwrap_or(Fence {
                work: id(0),
                fence: 99,
            })
        };
        match op {
            Op::Append(items) => {
                let mut pending = [0; 4];
                let batch: Vec<_> = items
                    .iter()
                    .map(|item| self.append(store, &mut pending, item))
                    .collect();
                format!("{:?}", store.append(at(self.now), &batch))
            }
            Op::Lease(limit) => {
                let leased = store.lease(at(self.now), "replica-1", *limit, Span::from_secs(20));
                self.leases
                    .extend(leased.iter().flatten().map(super::sample::fence));
                format!("{leased:?}")
            }
            Op::Release(lease, due) => format!("{:?}", store.release(&held(lease), at(*due))),
            Op::Renew(lease, until) => format!("{:?}", store.renew(&held(lease), at(*until))),
            Op::Ticks(rollout, ticks) => {
                let tick = |(canary, secs, requests): &(bool, i64, u64)| Tick {
                    requests: *requests,
                    // A sum that has no short decimal form: what is read back must be the same float.
                    buckets: vec![(0.1 + *requests as f64 * 0.1, *requests)],
                    ..Tick::none(at(*secs), if *canary { Arm::Canary } else { Arm::Stable })
                };
                format!(
                    "{:?}",
                    store.put_ticks(&promotion(*rollout), &ticks.iter().map(tick).collect::<Vec<_>>())
                )
            }
            Op::Erase(numbers) => format!("{:?}", store.erase(numbers)),
            Op::Time(secs) => {
                self.now += secs;
                String::new()
            }
            Op::Reopen => String::new(),
        }
    }
}

/// Everything that can be read.
fn everything(store: &dyn Read) -> Vec<String> {
    let of = PipelineRef {
        project: "payments".parse().unwrap(),
        pipeline: "payment-service".parse().unwrap(),
    };
    let promotions = |search| format!("{:?}", store.promotions(&PromotionSearch { limit: 3, ..search }));
    let releases = |search| format!("{:?}", store.releases(&ReleaseSearch { limit: 3, ..search }));
    let search = |search| format!("{:?}", store.search(&Search { limit: 7, ..search }));
    let streams: Vec<StreamId> = (0..4).map(stream).collect();
    vec![
        format!("{:?}", store.head()),
        format!("{:?}", store.read(0, 1_000)),
        format!("{:?}", store.leaves(0, 1_000)),
        format!("{:?}", store.work()),
        format!("{:?}", store.next_due()),
        format!(
            "{:?}",
            streams
                .iter()
                .map(|stream| store.read_stream(stream, 1))
                .collect::<Vec<_>>()
        ),
        format!(
            "{:?}",
            (0..2)
                .map(|rollout| store.ticks(&promotion(rollout)))
                .collect::<Vec<_>>()
        ),
        format!(
            "{:?}",
            (0..4)
                .map(|byte| store.blob(&Digest::of(&[byte])))
                .collect::<Vec<_>>()
        ),
        search(Search {
            from: Some(at(10)),
            until: Some(at(60)),
            ..Search::default()
        }),
        search(Search {
            stream_prefix: Some("promotion/payments/".into()),
            before: Some(9),
            ..Search::default()
        }),
        search(Search {
            event: Some("step_intended".into()),
            from: Some(Timestamp::MIN),
            ..Search::default()
        }),
        search(Search {
            stream: Some(named("project/payments")),
            ..Search::default()
        }),
        promotions(PromotionSearch::default()),
        promotions(PromotionSearch {
            pipeline: Some(of.clone()),
            ended: Some(false),
            ..Default::default()
        }),
        promotions(PromotionSearch {
            after: Some((at(4), promotion(1))),
            ..Default::default()
        }),
        releases(ReleaseSearch {
            pipeline: Some(of),
            ..Default::default()
        }),
        releases(ReleaseSearch {
            after: Some((at(2), Digest::of(b"1.2"))),
            ..Default::default()
        }),
    ]
}

/// Makes the calls to the store in memory and to another one, which `open` opens the first time and again.
fn agree<S: Store>(ops: &[Op], open: impl Fn() -> S) -> Result<S, TestCaseError> {
    let (mut mem, mut mem_world) = (MemStore::default(), World::default());
    let (mut kept, mut kept_world) = (Some(open()), World::default());
    for op in ops {
        if matches!(op, Op::Reopen) {
            drop(kept.take());
            kept = Some(open());
        }
        let kept = kept.as_mut().unwrap();
        prop_assert_eq!(mem_world.call(&mut mem, op), kept_world.call(kept, op));
    }
    let kept = kept.unwrap();
    prop_assert_eq!(everything(&mem), everything(&kept));
    Ok(kept)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn a_file_answers_like_the_memory(ops in prop::collection::vec(op(), 1..40)) {
        let dir = Dir::new();
        let store = agree(&ops, || SqliteStore::open(dir.path("gateline.db")).unwrap())?;
        prop_assert_eq!(everything(&store), everything(&store.reader().unwrap()));
    }
}

proptest! {
    // A database each: fewer, so that they take as long as the files.
    #![proptest_config(config(25))]

    #[test]
    fn a_server_answers_like_the_memory(ops in prop::collection::vec(op(), 1..40)) {
        let database = Database::new();
        let store = agree(&ops, || sample::postgres(&database))?;
        prop_assert_eq!(everything(&store), everything(&store.reader()));
    }
}
