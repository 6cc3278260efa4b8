//! What people ask of a long history, over HTTP: the log by each of its indexes, the promotion page, the release page, lists and the
//! board. One request after the other, spread over the whole of the three years.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gateline_model::PipelineRef;
use gateline_server::hub::Hub;
use gateline_store::{Read, SqliteReader};
use jiff::Timestamp;

use super::super::Scale;
use super::super::history::{STAGES, reference};
use super::super::http::{LIMIT, Served, cells};
use super::super::place::{hub, runtime};

/// Requests of each kind.
const REQUESTS: usize = 300;

/// A query, and its address for the nth of all requests.
type Query = (&'static str, Box<dyn Fn(usize) -> String>);

pub(in super::super) fn part(arguments: &[String]) -> Result<(), String> {
    let [path, scale] = arguments else {
        return Err("a database and a scale were expected".to_owned());
    };
    let requests = Scale::read(scale).of(REQUESTS, 10);
    runtime()?.block_on(measure(Path::new(path), requests))
}

async fn measure(path: &Path, requests: usize) -> Result<(), String> {
    let hub = hub(path)?;
    let spread = Spread::over(path, &hub, requests)?;
    let limit = fixed("`/healthz`: the limit of HTTP itself", LIMIT);
    let queries = std::iter::once(limit).chain(log(&spread)).chain(pages(&spread));
    let served = Served::start(hub).await?;
    println!("### Queries\n\n| request | p50 | p99 | bytes |\n|---|---|---|---|");
    let began = Instant::now();
    for (what, address) in queries {
        let (mut times, bytes) = served.ask((0..requests).map(address)).await?;
        println!("| {what} | {} | {bytes} |", cells(&mut times));
    }
    println!(
        "\n{requests} requests of each, one after the other, in {:.0} s.\n",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Places in the history, spread over it so that no page of it stays warm for all.
#[derive(Clone)]
struct Spread {
    requests: usize,
    /// Log numbers.
    size: u64,
    pipelines: usize,
    /// Releases of each pipeline.
    releases: usize,
    times: Arc<Vec<Timestamp>>,
}

impl Spread {
    fn over(path: &Path, hub: &Hub, requests: usize) -> Result<Self, String> {
        let (pipelines, releases) = hub.with_world(|world| {
            let pipelines = world.projects().map(|(_, project)| project.in_force.len());
            (pipelines.sum::<usize>().max(1), world.releases().count())
        });
        let reader = SqliteReader::open(path).map_err(|err| err.to_string())?;
        let mut spread = Self {
            requests,
            size: reader.head().map_err(|err| err.to_string())?.size,
            pipelines,
            releases: (releases / pipelines).max(1),
            times: Arc::default(),
        };
        let mut times = Vec::new();
        for n in 0..requests {
            let found = reader.read(spread.number(n), 1).map_err(|err| err.to_string())?;
            times.extend(found.first().map(|recorded| recorded.at));
        }
        spread.times = Arc::new(times);
        Ok(spread)
    }

    fn number(&self, n: usize) -> u64 {
        (self.size * (n as u64 * 7 % self.requests as u64) / self.requests as u64).max(1)
    }

    fn time(&self, n: usize) -> Timestamp {
        self.times[n % self.times.len()]
    }

    fn of(&self, n: usize) -> PipelineRef {
        reference(n * 13 % self.pipelines)
    }

    /// Project and pipeline, as addresses have them.
    fn place(&self, n: usize) -> String {
        let of = self.of(n);
        format!("{}/{}", of.project, of.pipeline)
    }

    fn stage(&self, n: usize) -> &'static str {
        STAGES[n % STAGES.len()]
    }

    fn round(&self, n: usize) -> usize {
        n * 5 % self.releases + 1
    }

    /// A query that differs from request to request.
    fn each(&self, what: &'static str, address: impl Fn(&Self, usize) -> String + 'static) -> Query {
        let spread = self.clone();
        (what, Box::new(move |n| address(&spread, n)))
    }
}

/// A query that is always the same.
fn fixed(what: &'static str, address: &'static str) -> Query {
    (what, Box::new(move |_| address.to_owned()))
}

/// The log, by each of its indexes.
fn log(spread: &Spread) -> Vec<Query> {
    let events = "/api/v1/log?limit=50";
    let in_log = |what, filter: fn(&Spread, usize) -> String| {
        spread.each(what, move |spread, n| format!("{events}&{}", filter(spread, n)))
    };
    vec![
        fixed("log: the newest 50", events),
        in_log("log: the 50 before a number", |spread, n| {
            format!("before={}", spread.number(n))
        }),
        in_log("log: the 50 before a time", |spread, n| {
            format!("until={}", spread.time(n))
        }),
        in_log("log: by event, a frequent one", |_, _| {
            "event=promotion_admitted".to_owned()
        }),
        in_log("log: by event, before a number", |spread, n| {
            format!("event=promotion_admitted&before={}", spread.number(n))
        }),
        in_log("log: by event, one of the first day", |_, _| {
            "event=pipeline_applied".to_owned()
        }),
        in_log("log: by actor, who did all of it", |_, _| {
            "actor=gateline".to_owned()
        }),
        in_log("log: by actor, who did nothing", |_, _| "actor=nobody".to_owned()),
        in_log("log: of one promotion", |spread, n| {
            format!(
                "stream=promotion/{}/{}/{}",
                spread.place(n),
                spread.stage(n),
                spread.round(n)
            )
        }),
        in_log("log: of one stage", |spread, n| {
            format!("stream=stage/{}/{}", spread.place(n), spread.stage(n))
        }),
        in_log("log: all promotions of one pipeline", |spread, n| {
            format!("prefix=promotion/{}/", spread.place(n))
        }),
        in_log("log: all promotions of one project", |spread, n| {
            format!("prefix=promotion/{}/", spread.of(n).project)
        }),
        in_log("log: all promotions", |_, _| "prefix=promotion/".to_owned()),
        in_log("log: all promotions, an event, in a week", |spread, n| {
            let from = spread.time(n);
            let until = from + std::time::Duration::from_secs(7 * 86_400);
            format!("prefix=promotion/&event=promotion_ended&from={from}&until={until}")
        }),
    ]
}

/// Lists and pages.
fn pages(spread: &Spread) -> Vec<Query> {
    vec![
        fixed("promotions: the newest", "/api/v1/promotions"),
        spread.each("promotions of one pipeline", |spread, n| {
            let of = spread.of(n);
            format!(
                "/api/v1/promotions?project={}&pipeline={}",
                of.project, of.pipeline
            )
        }),
        fixed("releases: the newest", "/api/v1/releases"),
        spread.each("the promotion page", |spread, n| {
            format!(
                "/promotions/{}/{}/{}",
                spread.place(n),
                spread.stage(n),
                spread.round(n)
            )
        }),
        spread.each("the release page", |spread, n| {
            format!("/releases/{}/1.{}", spread.place(n), spread.round(n))
        }),
        spread.each("the stage page", |spread, n| {
            format!("/stages/{}/{}", spread.place(n), spread.stage(n))
        }),
        fixed("the log page", "/log"),
        fixed("the board, JSON", "/api/v1/board"),
        fixed("the board, page", "/"),
    ]
}
