//! The board with 1,000 pipelines of 5 stages, the promotion page and the log: in quiet, and with 100 watchers of the event stream
//! while decisions are made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::Scale;
use super::history::{History, STAGES, reference};
use super::http::{LIMIT, Served, cells};
use super::load::{self, LIFE, movers};
use super::numbers::ms;
use super::place::{Place, hub, runtime};

const PIPELINES: usize = 1_000;
/// Requests of each kind.
const REQUESTS: usize = 300;
const WATCHERS: usize = 100;
/// Decisions a second while they watch.
const PER_SEC: u32 = 50;
/// Who asks for these.
const CLIENTS: usize = 20;
/// Longer than all requests take.
const AT_MOST: Duration = Duration::from_secs(600);

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let place = Place::new("board")?;
    let pipelines = scale.of(PIPELINES, 30);
    let mut history = History::begin(&place.path("growing.db"), pipelines, u64::MAX)?;
    // One release of each, live in every stage.
    while history.releases() < pipelines {
        history.grow_to(history.size() + 1)?;
    }
    history.copy_to(&place.path("gateline.db"))?;
    drop(history);
    runtime()?.block_on(measure(&place, pipelines, scale))
}

async fn measure(place: &Place, pipelines: usize, scale: Scale) -> Result<(), String> {
    let hub = hub(&place.path("gateline.db"))?;
    let live = hub.with_world(|world| world.stages().filter(|(_, stage)| stage.live.is_some()).count());
    if live < pipelines * STAGES.len() {
        return Err(format!(
            "only {live} of {} stages are live",
            pipelines * STAGES.len()
        ));
    }
    let served = Served::start(hub.clone()).await?;
    println!(
        "| request | bytes | p50 | p99 | with {WATCHERS} watchers: p50 | p99 |\n|---|---|---|---|---|---|"
    );
    let requests = scale.of(REQUESTS, 20);
    let mut rows = Vec::new();
    for path in paths() {
        let (times, bytes) = served.ask(std::iter::repeat_n(path.clone(), requests)).await?;
        rows.push((path, times, bytes));
    }
    let (told, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    for _ in 0..WATCHERS {
        served.watch(told.clone(), over.clone()).await?;
    }
    let refs: Vec<_> = (0..CLIENTS).map(reference).collect();
    let mut clients = movers(&hub, &refs, "watched", LIFE).await?;
    let before = hub.with_world(|world| world.next());
    let stop = over.clone();
    let asking = tokio::spawn(async move {
        let every = Duration::from_secs(1) * CLIENTS as u32 / PER_SEC;
        let began = std::time::Instant::now();
        let mut times = super::numbers::Times::default();
        while !stop.load(Ordering::Relaxed) && began.elapsed() < AT_MOST {
            times.extend(
                load::paced(&mut clients, Duration::from_secs(1), every)
                    .await?
                    .times,
            );
        }
        Ok::<_, String>(times)
    });
    for (path, mut quiet, bytes) in rows {
        let (mut watched, _) = served.ask(std::iter::repeat_n(path.clone(), requests)).await?;
        println!(
            "| `{path}` | {bytes} | {} | {} |",
            cells(&mut quiet),
            cells(&mut watched)
        );
    }
    over.store(true, Ordering::Relaxed);
    let mut decisions = asking.await.map_err(|err| err.to_string())??;
    let events = hub.with_world(|world| world.next()) - before;
    println!(
        "\n{pipelines} pipelines x {} stages, every stage live; `{LIMIT}` is the limit of the HTTP path itself. While {WATCHERS} watched, \
         {PER_SEC} decisions a second were made: p99 {}; {events} events, told {} times. Watchers, clients and server share this machine.",
        STAGES.len(),
        ms(decisions.percentile(0.99)),
        told.load(Ordering::Relaxed)
    );
    Ok(())
}

fn paths() -> Vec<String> {
    let of = reference(7);
    let stage = STAGES[4];
    vec![
        LIMIT.to_owned(),
        "/api/v1/board".to_owned(),
        "/api/v1/board?limit=500".to_owned(),
        "/".to_owned(),
        format!("/promotions/{}/{}/{stage}/1", of.project, of.pipeline),
        format!("/api/v1/promotions/{}/{}/{stage}/1", of.project, of.pipeline),
        "/api/v1/log?limit=50".to_owned(),
        "/api/v1/log?limit=50&event=promotion_admitted".to_owned(),
        format!("/api/v1/log?limit=50&prefix=promotion/{}/", of.project),
    ]
}
