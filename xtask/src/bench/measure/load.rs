//! Clients: who asks a hub for decisions, one after the other each, and how long each of them took.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateline_core::Command;
use gateline_model::{Pipeline, PipelineRef, PromotionId, Release, StageRef, StreamId};
use gateline_server::hub::Hub;

use super::numbers::Times;
use super::place::{register, release, report, submit, submit_once, tests_passed};

/// Reports per release, under the limit that a release may have.
const REPORTS: u64 = 900;

/// What one client reports about: releases of its own, so that no two clients write one stream.
pub(super) struct Reporter {
    hub: Hub,
    name: String,
    releases: Vec<Arc<Release>>,
    number: u64,
}

/// As many clients, spread over the hubs, with releases enough for so many reports of all of them. `mark` makes their
/// releases others than before.
pub(super) async fn reporters(
    hubs: &[Hub],
    pipeline: &Pipeline,
    mark: &str,
    clients: usize,
    reports: u64,
) -> Result<Vec<Reporter>, String> {
    let each = reports / REPORTS / clients as u64 + 1;
    let mut reporters = Vec::new();
    for client in 0..clients {
        let mut releases = Vec::new();
        for number in 0..each {
            let release = release(pipeline.reference(), &format!("{mark}.{client}.{number}"));
            register(&hubs[0], &release).await?;
            releases.push(release);
        }
        reporters.push(Reporter {
            hub: hubs[client % hubs.len()].clone(),
            name: format!("{mark}.{client}"),
            releases,
            number: 0,
        });
    }
    caught_up(hubs).await;
    Ok(reporters)
}

/// Waits until each has folded what any of them wrote.
async fn caught_up(hubs: &[Hub]) {
    let next = |hub: &Hub| hub.with_world(|world| world.next());
    let last = hubs.iter().map(next).max().unwrap_or(0);
    while hubs.iter().any(|hub| next(hub) < last) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Reporter {
    async fn report(&mut self) -> Result<(), String> {
        let release = self
            .releases
            .get((self.number / REPORTS) as usize)
            .ok_or("a client ran out of releases")?;
        let command = tests_passed(release, self.number);
        let key = format!("{}.{}", self.name, self.number);
        self.number += 1;
        submit_once(&self.hub, command, key).await.map(drop)
    }
}

/// What a client does next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Move {
    /// Registers the next release.
    Register,
    /// Reports something that no gate asks for.
    Report,
    /// Requests that the release enters the first stage, whose gate holds it.
    Promote,
    /// Aborts that.
    Abort,
}

/// A pipeline's life without a rollout, six decisions each time.
pub(super) const LIFE: &[Move] = &[
    Move::Register,
    Move::Report,
    Move::Promote,
    Move::Report,
    Move::Report,
    Move::Abort,
];
/// A stage's: a promotion is requested, held, and aborted.
pub(super) const HELD: &[Move] = &[Move::Promote, Move::Abort];

/// A client with a pipeline of its own.
pub(super) struct Mover {
    hub: Hub,
    of: PipelineRef,
    entry: StageRef,
    moves: &'static [Move],
    mark: String,
    release: Arc<Release>,
    promotion: Option<PromotionId>,
    number: u64,
}

/// A client for each of these pipelines, each with a release that is registered.
pub(super) async fn movers(
    hub: &Hub,
    pipelines: &[PipelineRef],
    mark: &str,
    moves: &'static [Move],
) -> Result<Vec<Mover>, String> {
    let mut movers = Vec::new();
    for of in pipelines {
        let entry = hub.with_world(|world| {
            let pipeline = world.project(&of.project)?.pipeline(&of.pipeline)?.clone();
            let stage = pipeline.entries().next()?.name.clone();
            Some(pipeline.stage_ref(&stage))
        });
        let release = release(of.clone(), &format!("{mark}.0"));
        register(hub, &release).await?;
        movers.push(Mover {
            hub: hub.clone(),
            of: of.clone(),
            entry: entry.ok_or_else(|| format!("there is no pipeline `{of}`"))?,
            moves,
            mark: mark.to_owned(),
            release,
            promotion: None,
            number: 0,
        });
    }
    Ok(movers)
}

impl Mover {
    async fn next(&mut self) -> Result<(), String> {
        self.number += 1;
        match self.moves[(self.number - 1) as usize % self.moves.len()] {
            Move::Register => {
                self.release = release(self.of.clone(), &format!("{}.{}", self.mark, self.number));
                register(&self.hub, &self.release).await
            }
            Move::Report => submit(&self.hub, report(&self.release, "lint", self.number))
                .await
                .map(drop),
            Move::Promote => {
                let command = Command::Promote {
                    release: self.release.id(),
                    stage: self.entry.clone(),
                };
                let receipt = submit(&self.hub, command).await?;
                self.promotion = receipt.events.iter().find_map(|recorded| match &recorded.stream {
                    StreamId::Promotion(id) => Some(id.clone()),
                    _ => None,
                });
                Ok(())
            }
            Move::Abort => {
                let promotion = self.promotion.take().ok_or("nothing was requested")?;
                let reason = "it was measured".to_owned();
                let command = Command::Abort { promotion, reason };
                submit(&self.hub, command).await.map(drop)
            }
        }
    }
}

/// One who asks for decisions.
pub(super) trait Client: Send + 'static {
    /// Asks for one, and returns when it is durable.
    fn one(&mut self) -> impl Future<Output = Result<(), String>> + Send;
}

impl Client for Reporter {
    async fn one(&mut self) -> Result<(), String> {
        self.report().await
    }
}

impl Client for Mover {
    async fn one(&mut self) -> Result<(), String> {
        self.next().await
    }
}

/// What clients came to.
pub(super) struct Asked {
    pub times: Times,
    pub seconds: f64,
}

impl Asked {
    /// Decisions a second.
    pub(super) fn rate(&self) -> f64 {
        self.times.count() as f64 / self.seconds
    }
}

/// All clients at once, each as fast as it is answered, until the time is over.
pub(super) async fn round<C: Client>(clients: &mut Vec<C>, during: Duration) -> Result<Asked, String> {
    paced(clients, during, Duration::ZERO).await
}

/// The same, where none asks more often than every so often; they take turns.
pub(super) async fn paced<C: Client>(
    clients: &mut Vec<C>,
    during: Duration,
    every: Duration,
) -> Result<Asked, String> {
    let began = Instant::now();
    let count = clients.len() as u32;
    let tasks: Vec<_> = std::mem::take(clients)
        .into_iter()
        .enumerate()
        .map(|(turn, client)| {
            let first = began + every * turn as u32 / count.max(1);
            tokio::spawn(one(client, began + during, (first, every)))
        })
        .collect();
    let mut times = Times::default();
    for task in tasks {
        let (client, own) = task.await.map_err(|err| err.to_string())??;
        clients.push(client);
        times.extend(own);
    }
    Ok(Asked {
        times,
        seconds: began.elapsed().as_secs_f64(),
    })
}

async fn one<C: Client>(
    mut client: C,
    until: Instant,
    (first, every): (Instant, Duration),
) -> Result<(C, Times), String> {
    let mut times = Times::default();
    let mut due = first;
    while Instant::now() < until {
        if !every.is_zero() {
            tokio::time::sleep_until(due.into()).await;
            due += every;
        }
        let asked = Instant::now();
        client.one().await?;
        times.push(asked.elapsed());
    }
    Ok((client, times))
}
