//! What a decision costs as pipelines and history grow: a large database and the smallest one take turns in one process, so
//! that what else the machine and its disk do weighs on both alike. A growth is the median of the rounds' ratios.

use std::path::Path;
use std::time::Duration;

use gateline_server::hub::Hub;

use super::history::{History, reference};
use super::load::{self, HELD, Mover, Reporter, movers, reporters};
use super::numbers::{median, percent};
use super::place::{APART, Place, apply, hub, runtime};
use super::{Scale, children};

/// Rounds of each line.
const ROUNDS: usize = 7;
/// How long a round of one kind of decision lasts.
const FOR: Duration = Duration::from_millis(700);
/// Clients that ask at once, beside one alone.
const CLIENTS: usize = 64;
/// Named limit: how much more a decision may cost.
const AIM: f64 = 0.10;
/// More than are decided per second: no client may run out of releases.
const DECISIONS_PER_SEC_MAX: u64 = 30_000;

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let place = Place::new("growth")?;
    println!(
        "| pipelines x 5 | events | beside | evidence, 1 client | growth | {CLIENTS} clients | growth | promotion held and aborted, 1 client | growth | {CLIENTS} clients | growth |"
    );
    println!("{}|", "|---".repeat(11));
    let (pipelines, events) = scale.of(
        ([100, 1_000, 10_000], [10_000, 100_000, 1_000_000, 2_000_000]),
        ([64, 70, 80], [4_000, 5_000, 6_000, 7_000]),
    );
    // The first database is what the others stand beside.
    let mut history = History::begin(&place.path("growing.db"), pipelines[0], events[3])?;
    for (number, events) in events.into_iter().enumerate() {
        history.grow_to(events)?;
        history.copy_to(&place.path(&format!("events-{number}.db")))?;
        beside(&place, "events-0.db", &format!("events-{number}.db"), scale)?;
    }
    drop(history);
    for (number, pipelines) in pipelines.into_iter().enumerate().skip(1) {
        let mut history = History::begin(&place.path("more.db"), pipelines, events[2])?;
        history.grow_to(events[2])?;
        history.copy_to(&place.path(&format!("pipelines-{number}.db")))?;
        drop(history);
        std::fs::remove_file(place.path("more.db")).map_err(|err| err.to_string())?;
        beside(&place, "events-2.db", &format!("pipelines-{number}.db"), scale)?;
    }
    println!(
        "\nTime per durable decision, embedded, medians of {} rounds; the growth is of the same round, beside the database that is \
         named. Named limit: {} more. The first line stands beside a copy of itself: what the measurement itself is off by.",
        scale.of(ROUNDS, 2),
        percent(AIM, 1.0)
    );
    Ok(())
}

/// Measures one beside the other, on copies of both.
fn beside(place: &Place, small: &str, large: &str, scale: Scale) -> Result<(), String> {
    for (from, to) in [(small, "a.db"), (large, "b.db")] {
        for file in [to.to_owned(), format!("{to}-wal"), format!("{to}-shm")] {
            let _ = std::fs::remove_file(place.path(&file));
        }
        std::fs::copy(place.path(from), place.path(to)).map_err(|err| err.to_string())?;
    }
    children::run("growth", &[place.word("a.db"), place.word("b.db"), scale.word()])
}

/// One line, in a process of its own.
pub(super) fn part(arguments: &[String]) -> Result<(), String> {
    let [small, large, scale] = arguments else {
        return Err("two databases and a scale were expected".to_owned());
    };
    runtime()?.block_on(line(Path::new(small), Path::new(large), Scale::read(scale)))
}

/// A server on a database, and those who ask it.
struct Side {
    reporters: [Vec<Reporter>; 2],
    movers: [Vec<Mover>; 2],
    events: u64,
    pipelines: usize,
}

impl Side {
    async fn begin(path: &Path, scale: Scale) -> Result<Self, String> {
        let hub = hub(path)?;
        let (events, pipelines) = hub.with_world(|world| {
            let pipelines = world.projects().map(|(_, project)| project.in_force.len());
            (world.next(), pipelines.sum())
        });
        let pipeline = apply(&hub, APART).await?;
        let seconds = during(scale).as_secs_f64() * rounds(scale) as f64;
        let reports = (DECISIONS_PER_SEC_MAX as f64 * seconds) as u64;
        let hubs = [hub.clone()];
        let report = async |mark, clients, reports| reporters(&hubs, &pipeline, mark, clients, reports).await;
        Ok(Self {
            reporters: [
                report("1", 1, reports / 4).await?,
                report("2", CLIENTS, reports).await?,
            ],
            movers: [held(&hub, "3", 1).await?, held(&hub, "4", CLIENTS).await?],
            events,
            pipelines,
        })
    }

    /// Seconds per decision: of evidence by one and by many clients, and of promotions by one and by many.
    async fn round(&mut self, during: Duration) -> Result<[f64; 4], String> {
        let [alone, many] = &mut self.reporters;
        let evidence = [
            load::round(alone, during).await?,
            load::round(many, during).await?,
        ];
        let [alone, many] = &mut self.movers;
        let held = [
            load::round(alone, during).await?,
            load::round(many, during).await?,
        ];
        let [a, b] = evidence.map(|asked| 1.0 / asked.rate());
        let [c, d] = held.map(|asked| 1.0 / asked.rate());
        Ok([a, b, c, d])
    }
}

async fn held(hub: &Hub, mark: &str, clients: usize) -> Result<Vec<Mover>, String> {
    let pipelines: Vec<_> = (0..clients).map(reference).collect();
    movers(hub, &pipelines, mark, HELD).await
}

fn rounds(scale: Scale) -> usize {
    scale.of(ROUNDS, 2)
}

fn during(scale: Scale) -> Duration {
    scale.of(FOR, FOR / 4)
}

async fn line(small: &Path, large: &Path, scale: Scale) -> Result<(), String> {
    let mut small = Side::begin(small, scale).await?;
    let mut large = Side::begin(large, scale).await?;
    let (mut costs, mut growths) = ([const { Vec::new() }; 4], [const { Vec::new() }; 4]);
    for number in 0..rounds(scale) {
        // Who is first takes turns too.
        let (a, b) = if number % 2 == 0 {
            let a = small.round(during(scale)).await?;
            (a, large.round(during(scale)).await?)
        } else {
            let b = large.round(during(scale)).await?;
            (small.round(during(scale)).await?, b)
        };
        for kind in 0..4 {
            costs[kind].push(b[kind]);
            growths[kind].push(b[kind] / a[kind] - 1.0);
        }
    }
    let cells: Vec<String> = std::iter::zip(costs, growths)
        .map(|(costs, growths)| {
            let growth = median(growths);
            let over = if growth < AIM { "" } else { " (over)" };
            format!("{:.1} µs | {:+.0} %{over}", median(costs) * 1e6, growth * 100.0)
        })
        .collect();
    println!(
        "| {} | {} | {} x 5, {} | {} |",
        large.pipelines,
        large.events,
        small.pipelines,
        small.events,
        cells.join(" | ")
    );
    Ok(())
}
