//! From the last piece of evidence to the driver's first action: the evidence is committed, the gates are judged, the
//! promotion is admitted, its first step is leased, and a process of the command driver runs.

use std::path::Path;
use std::time::{Duration, Instant};

use gateline_server::hub::Hub;

use super::Scale;
use super::numbers::{Times, met, ms};
use super::place::{Place, apply, register, release, runtime, submit, tests_passed};
use super::postgres::{self, Server};

/// How many promotions are measured.
const RUNS: u64 = 300;
/// How long one may take at the most.
const WITHIN: Duration = Duration::from_secs(10);
/// How long nothing is asked between two: the rest of a rollout must not disturb the next measurement.
const REST: Duration = Duration::from_millis(50);
/// Named limits, at the 99th percentile.
const AIM_EMBEDDED: Duration = Duration::from_millis(10);
const AIM_POSTGRES: Duration = Duration::from_millis(25);

pub(super) fn run(scale: Scale) -> Result<(), String> {
    let runs = scale.of(RUNS, 10);
    println!("| store | | p50 | p99 | aim |\n|---|---|---|---|---|");
    let place = Place::new("action")?;
    runtime()?.block_on(async {
        line(
            "SQLite",
            AIM_EMBEDDED,
            &[place.hub()?],
            &place.path("marks"),
            runs,
        )
        .await
    })?;
    let server = Server::start()?;
    for replicas in [1, 3] {
        let place = Place::new(&format!("action-{replicas}"))?;
        let database = server.database(&format!("action_{replicas}"));
        runtime()?.block_on(async {
            let hubs = (0..replicas).map(|replica| postgres::hub(&database, &place.path("own"), replica));
            let hubs: Vec<Hub> = hubs.collect::<Result<_, _>>()?;
            let many = if replicas == 1 { "" } else { "s" };
            let store = format!("PostgreSQL, {replicas} replica{many}");
            line(&store, AIM_POSTGRES, &hubs, &place.path("marks"), runs).await
        })?;
    }
    println!(
        "\n{runs} promotions, one after the other, asked of one replica; any of them may act. The aim is of p99."
    );
    Ok(())
}

async fn line(store: &str, aim: Duration, hubs: &[Hub], marks: &Path, runs: u64) -> Result<(), String> {
    let (mut times, mut spawns) = measure(&hubs[0], marks, runs).await?;
    let p99 = times.percentile(0.99);
    let met = met(p99 < aim);
    println!(
        "| {store} | evidence to first action | {} | {} | {} ms: {met} |",
        ms(times.percentile(0.5)),
        ms(p99),
        aim.as_millis()
    );
    println!(
        "| | of which any process takes to start (`/bin/touch`) | {} | {} | |",
        ms(spawns.percentile(0.5)),
        ms(spawns.percentile(0.99))
    );
    Ok(())
}

/// Each release has a target of its own, so that none waits for another's lane.
fn pipeline(marks: &str) -> String {
    format!(
        "
apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {{name: app, project: bench}}
spec:
  artifacts: [{{name: app, kind: file}}]
  stages:
    - name: dev
      lane: parallel
      target_name: \"bench/{{version}}\"
      target: {{command: {{apply: [/bin/touch, \"{marks}/{{version}}\"]}}}}
      gates:
        - tests: {{suite: unit}}
          because: It is what is waited for.
"
    )
}

async fn measure(hub: &Hub, marks: &Path, runs: u64) -> Result<(Times, Times), String> {
    std::fs::create_dir_all(marks).map_err(|err| err.to_string())?;
    let pipeline = apply(hub, &pipeline(&marks.display().to_string())).await?;
    let (mut times, mut spawns) = (Times::default(), Times::default());
    for number in 0..runs {
        let version = format!("1.{number}");
        let release = release(pipeline.reference(), &version);
        register(hub, &release).await?;
        let mark = marks.join(&version);
        let asked = Instant::now();
        submit(hub, tests_passed(&release, number)).await?;
        times.push(seen_after(asked, &mark).await?);

        let mark = marks.join(format!("bare-{number}"));
        let asked = Instant::now();
        let mut touch = tokio::process::Command::new("/bin/touch")
            .arg(&mark)
            .spawn()
            .map_err(|err| err.to_string())?;
        spawns.push(seen_after(asked, &mark).await?);
        touch.wait().await.map_err(|err| err.to_string())?;
        tokio::time::sleep(REST).await;
    }
    Ok((times, spawns))
}

/// How long after `asked` the file was there. It is looked for again and again: the kernel stamps files with a clock
/// that is too coarse.
async fn seen_after(asked: Instant, file: &std::path::Path) -> Result<Duration, String> {
    while !file.exists() {
        if asked.elapsed() > WITHIN {
            return Err(format!("{} was never made", file.display()));
        }
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    Ok(asked.elapsed())
}
