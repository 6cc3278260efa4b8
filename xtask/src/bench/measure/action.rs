//! From the last piece of evidence to the driver's first action: the evidence is committed, the gates are judged, the
//! promotion is admitted, its first step is leased, and a process of the command driver runs.

use std::time::{Duration, Instant};

use super::numbers::{Times, ms};
use super::place::{Place, apply, register, release, runtime, submit, tests_passed};

/// How many promotions are measured.
const RUNS: u64 = 300;
/// How long one may take at the most.
const WITHIN: Duration = Duration::from_secs(10);

pub(super) fn run() -> Result<(), String> {
    let place = Place::new("action")?;
    let runtime = runtime()?;
    let (mut times, mut spawns) = runtime.block_on(measure(&place))?;
    println!("| | p50 | p99 |\n|---|---|---|");
    println!(
        "| evidence to first action | {} | {} |",
        ms(times.percentile(0.5)),
        ms(times.percentile(0.99))
    );
    println!(
        "| of which any process takes to start (`/bin/touch`) | {} | {} |",
        ms(spawns.percentile(0.5)),
        ms(spawns.percentile(0.99))
    );
    println!("\nNamed limit: 10 ms (p99). {RUNS} promotions, one after the other.");
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

async fn measure(place: &Place) -> Result<(Times, Times), String> {
    let marks = place.path("marks");
    std::fs::create_dir_all(&marks).map_err(|err| err.to_string())?;
    let hub = place.hub()?;
    let pipeline = apply(&hub, &pipeline(&marks.display().to_string())).await?;
    let (mut times, mut spawns) = (Times::default(), Times::default());
    for number in 0..RUNS {
        let version = format!("1.{number}");
        let release = release(pipeline.reference(), &version);
        register(&hub, &release).await?;
        let mark = marks.join(&version);
        let asked = Instant::now();
        submit(&hub, tests_passed(&release, number)).await?;
        times.push(seen_after(asked, &mark).await?);

        let mark = marks.join(format!("bare-{number}"));
        let asked = Instant::now();
        let mut touch = tokio::process::Command::new("/bin/touch")
            .arg(&mark)
            .spawn()
            .map_err(|err| err.to_string())?;
        spawns.push(seen_after(asked, &mark).await?);
        touch.wait().await.map_err(|err| err.to_string())?;
        // The rest of the rollout must not disturb the next measurement.
        tokio::time::sleep(Duration::from_millis(30)).await;
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
