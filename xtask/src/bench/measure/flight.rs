//! Promotions in flight: some wait for soak, some for people, some stand between two steps of a rollout. What a server takes
//! while they wait, and how long a decision about one of them takes meanwhile.

use std::path::Path;
use std::time::{Duration, Instant};

use gateline_core::Phase;
use gateline_model::{Freeze, FreezeName, ProjectName, Span};
use gateline_server::hub::Hub;
use jiff::Timestamp;

use super::history::{History, look_later};
use super::load::{self, Client};
use super::numbers::{Times, met, ms};
use super::place::{Place, hub, release, report, runtime, submit, tests_passed};
use super::{Scale, children, machine};

/// Promotions in flight, of each ten: four soak, four ask people, two stand between two steps.
const IN_FLIGHT: usize = 10_000;
/// Promotions of a project.
const PER_PROJECT: usize = 500;
/// How long it is looked at while nobody asks.
const IDLE: Duration = Duration::from_secs(60);
/// How long clients ask.
const ASKED: Duration = Duration::from_secs(10);
/// Clients that ask at once.
const CLIENTS: usize = 8;
/// Time between two looks at the health of a live stage.
const HEALTH_EVERY: Span = Span::from_secs(300);
/// Named limits.
const AIM_MEMORY_MB: u64 = 300;
const AIM_P99: Duration = Duration::from_millis(50);

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let place = Place::new("flight")?;
    let path = place.path("gateline.db");
    make(&path, scale.of(IN_FLIGHT, 200))?;
    // A process of its own: its memory is what they take, not what making them took.
    children::run("flight", &[place.word("gateline.db"), scale.word()])
}

/// What one pipeline has in flight.
#[derive(Debug, Clone, Copy)]
enum Waits {
    /// Production waits for a week's soak in staging.
    Soak,
    /// Production asks two layers of people.
    People,
    /// Production is between two steps of a canary that pauses for a day.
    Step,
}

impl Waits {
    fn of(number: usize) -> Self {
        match number % 10 {
            0..4 => Self::Soak,
            4..8 => Self::People,
            _ => Self::Step,
        }
    }

    fn text(self, number: usize) -> String {
        let stages = match self {
            Self::Soak => {
                "    - name: staging
      TARGET
    - name: production
      production: true
      after: [staging]
      TARGET
      gates: [{soak: {in: staging, at_least: 7d}, because: Leaks show within the week.}]
"
            }
            Self::People => {
                "    - name: production
      production: true
      TARGET
      gates: [{tests: {suite: unit}, because: Broken code wastes everybody's time.}]
      approval: [{layers: [{from: tech-lead}, {from: product}]}]
"
            }
            Self::Step => {
                "    - name: production
      production: true
      TARGET
      rollout: {canary: {steps: [5%, 25%, 100%], pause: 1d}}
"
            }
        };
        let target = format!(
            "target: {{command: {{apply: [/bin/true], health: [/bin/true]}}}}\n      health_every: {HEALTH_EVERY}"
        );
        format!(
            "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: app-{number}, project: team-{}}}\nspec:\n  \
             artifacts: [{{name: app, kind: file}}]\n  stages:\n{}",
            number / PER_PROJECT,
            stages.replace("TARGET", &target)
        )
    }
}

/// Makes a log with so many in flight, each of a pipeline of its own, all begun an hour ago.
fn make(path: &Path, count: usize) -> Result<(), String> {
    let growing = path.with_extension("growing");
    let hour = Span::from_secs(3_600);
    let mut history = History::empty(&growing, hour.before(Timestamp::now()), u64::MAX)?;
    for number in 0..count {
        let waits = Waits::of(number);
        let pipeline = history.apply(&waits.text(number))?;
        // A canary has something to be compared with only from the second release on.
        let versions: &[&str] = match waits {
            Waits::Soak | Waits::People => &["1.0.0"],
            Waits::Step => &["1.0.0", "1.1.0"],
        };
        for version in versions {
            let release = release(pipeline.reference(), version);
            history.register(&release)?;
            history.record(&tests_passed(&release, 0))?;
            history.run_open(&release.of)?;
        }
    }
    history.copy_to(path)?;
    look_later(path, Span::ZERO, HEALTH_EVERY)
}

/// The server with all of them, in a process of its own.
pub(super) fn part(arguments: &[String]) -> Result<(), String> {
    let [path, scale] = arguments else {
        return Err("a database and a scale were expected".to_owned());
    };
    runtime()?.block_on(measure(Path::new(path), Scale::read(scale)))
}

async fn measure(path: &Path, scale: Scale) -> Result<(), String> {
    let began = Instant::now();
    let hub = hub(path)?;
    let started = began.elapsed();
    let (held, rolling, live) = in_flight(&hub);
    println!("| | | aim |\n|---|---|---|");
    println!("| in flight | {held} held, {rolling} between two steps; {live} stages live | |");
    println!("| start to ready | {} | |", ms(started));
    // The first looks at everything that was held are over when nothing more waits.
    tokio::time::sleep(scale.of(IDLE / 6, IDLE / 60)).await;
    let (before, idle) = (machine::used(), scale.of(IDLE, IDLE / 30));
    let calm = Instant::now();
    tokio::time::sleep(idle).await;
    let (after, seconds) = (machine::used(), calm.elapsed().as_secs_f64());
    let share = |from: Duration, to: Duration| (to - from).as_secs_f64() * 100.0 / seconds;
    println!(
        "| processor while nobody asks | {:.1} % of one core, and {:.1} % in the health commands that it runs ({:.0} a second) | |",
        share(before.own, after.own),
        share(before.children, after.children),
        live as f64 / HEALTH_EVERY.as_secs_f64()
    );
    for (what, kib) in [
        ("memory while nobody asks", machine::held_kib()),
        ("peak memory until then", machine::peak_kib()),
    ] {
        let mb = kib >> 10;
        println!(
            "| {what} | {mb} MB | {AIM_MEMORY_MB} MB: {} |",
            met(mb < AIM_MEMORY_MB)
        );
    }

    let mut clients = askers(&hub);
    let asked = load::round(&mut clients, scale.of(ASKED, ASKED / 20)).await?;
    let rate = asked.rate();
    p99(
        &format!("a decision, {CLIENTS} clients as fast as they can ({rate:.0}/s)"),
        asked.times,
    );
    let every = Duration::from_millis(20) * CLIENTS as u32;
    let asked = load::paced(&mut clients, scale.of(ASKED, ASKED / 20), every).await?;
    p99("a decision, 50 a second", asked.times);

    // Something that concerns everything that is held in a project.
    let during = scale.of(ASKED, ASKED / 20);
    let asking = tokio::spawn(async move {
        let asked = load::paced(&mut clients, during, every).await?;
        Ok::<_, String>((asked, clients))
    });
    tokio::time::sleep(during / 4).await;
    let froze = Instant::now();
    freeze(&hub).await?;
    let took = froze.elapsed();
    let (asked, clients) = asking.await.map_err(|err| err.to_string())??;
    println!(
        "| declaring a freeze of one project ({} promotions) | {} | |",
        per_project(&hub),
        ms(took)
    );
    p99(
        "a decision, 50 a second, while all of these are judged again",
        asked.times,
    );
    let reports: u64 = clients.iter().map(|client| client.number).sum();
    println!(
        "| peak memory, all of this, with {reports} reports more that stay known | {} MB | |",
        machine::peak_kib() >> 10
    );
    Ok(())
}

fn p99(what: &str, mut times: Times) {
    let (p50, p99) = (times.percentile(0.5), times.percentile(0.99));
    println!(
        "| {what} | p50 {}, p99 {} | p99 {} ms: {} |",
        ms(p50),
        ms(p99),
        AIM_P99.as_millis(),
        met(p99 < AIM_P99)
    );
}

fn in_flight(hub: &Hub) -> (usize, usize, usize) {
    hub.with_world(|world| {
        let held = world
            .promotions()
            .filter(|promotion| promotion.phase == Phase::Held);
        let held = held.count();
        let live = world.stages().filter(|(_, stage)| stage.live.is_some()).count();
        (held, world.promotions().count() - held, live)
    })
}

fn first_project() -> ProjectName {
    "team-0".parse().expect("it is a legal name")
}

fn per_project(hub: &Hub) -> usize {
    hub.with_world(|world| {
        let of = world
            .promotions()
            .filter(|promotion| promotion.id.stage.project == first_project());
        of.count()
    })
}

async fn freeze(hub: &Hub) -> Result<(), String> {
    let name: FreezeName = "measured".parse().map_err(|err| format!("{err}"))?;
    let freeze = Freeze {
        name,
        pipeline: None,
        stages: Vec::new(),
        from: Timestamp::now(),
        until: Span::from_secs(86_400).after(Timestamp::now()),
        recurs: None,
        exempt: Vec::new(),
        applies_to_rollback: false,
    };
    let command = gateline_core::Command::DeclareFreeze {
        project: first_project(),
        freeze,
        reason: "it is measured".to_owned(),
    };
    submit(hub, command).await.map(drop)
}

/// Reports about releases that are in flight: each is held against the gates that wait for it.
struct Asker {
    hub: Hub,
    releases: Vec<std::sync::Arc<gateline_model::Release>>,
    number: u64,
}

fn askers(hub: &Hub) -> Vec<Asker> {
    let mut releases: Vec<_> = hub.with_world(|world| {
        let waiting = world
            .promotions()
            .filter_map(|promotion| world.release(&promotion.release));
        waiting.map(|state| state.release.clone()).collect()
    });
    releases.sort_by_key(|release| release.id());
    let asker = |client: usize| Asker {
        hub: hub.clone(),
        releases: releases.iter().skip(client).step_by(CLIENTS).cloned().collect(),
        number: 0,
    };
    (0..CLIENTS).map(asker).collect()
}

impl Client for Asker {
    async fn one(&mut self) -> Result<(), String> {
        self.number += 1;
        let release = &self.releases[self.number as usize % self.releases.len()];
        submit(&self.hub, report(release, "unit", self.number))
            .await
            .map(drop)
    }
}
