//! The story: four releases, four endings, each checked against what the log says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gateline_api::{ListPromotions, Page, PromotionQuery, PromotionState, PromotionSummary, PromotionView};
use gateline_model::{Event, PromotionId, PromotionOutcome, Recorded, Verdict};

use super::DemoError;
use super::client::Client;
use super::place::Place;
use super::report::{Report, steps};

/// How long one promotion may take. The whole unattended run stays under two minutes.
const PROMOTION_WITHIN: Duration = Duration::from_secs(60);
/// Requests per second that customers send to production.
const CUSTOMERS_RPS: u32 = 400;
/// Longest time into the rollout at which the server is killed.
const KILL_WITHIN_MILLIS: u64 = 4_000;

const ALL_STEPS: [&str; 6] = ["start", "5%", "25%", "50%", "100%", "finish"];

/// One release with everything that is reported for it.
struct Chapter {
    version: &'static str,
    /// Settings of the service: they are its artifact.
    settings: &'static str,
    change: &'static str,
    evidence: [(&'static str, &'static [u8]); 3],
}

macro_rules! chapter {
    ($version:literal, $evidence:literal, $settings:expr) => {
        Chapter {
            version: $version,
            settings: $settings,
            change: include_str!(concat!(
                "../../../../examples/payment-service/change/",
                $evidence,
                ".yaml"
            )),
            evidence: [
                ("junit.xml", chapter!(@file $evidence, "junit.xml")),
                ("coverage.lcov", chapter!(@file $evidence, "coverage.lcov")),
                ("lint.sarif", chapter!(@file $evidence, "lint.sarif")),
            ],
        }
    };
    (@file $version:literal, $file:literal) => {
        include_bytes!(concat!("../../../../examples/payment-service/evidence/", $version, "/", $file))
    };
}

/// Tells the whole story. An ending that differs is an error.
pub(super) async fn tell(place: &mut Place, report: &Report) -> Result<(), DemoError> {
    let client = place.client()?;

    report.say("\n1. A release goes from dev to production by itself.");
    let first = chapter!("1.0.0", "1.0.0", r#"{"latency_ms": 3}"#);
    walk(place, &client, report, &first, &["start", "100%", "finish"]).await?;
    place.let_customers_in(CUSTOMERS_RPS)?;
    let second = chapter!("1.1.0", "1.1.0", r#"{"latency_ms": 3, "start_up_ms": 200}"#);
    walk(place, &client, report, &second, &ALL_STEPS).await?;

    report.say("\n2. A bad one comes back by itself.");
    comes_back(place, &client, report).await?;

    report.say("\n3. A held one explains itself.");
    is_held_and_approved(place, &client, report).await?;

    report.say("\n4. The server is killed during a rollout, and nothing is lost or done twice.");
    survives_a_kill(place, &client, report).await
}

/// Leaves a breaking release waiting for a person, for whoever tries the demonstration.
pub(super) async fn leave_one_held(place: &mut Place) -> Result<(), DemoError> {
    let client = place.client()?;
    let chapter = chapter!("1.5.0", "1.3.0", r#"{"latency_ms": 2}"#);
    register(place, &chapter).await?;
    let id = promotion(&client, chapter.version, "production").await?;
    until(&client, &id, "waits for a person", |view| {
        view.state == PromotionState::Held
    })
    .await
    .map(drop)
}

/// Registers a release and reports its evidence, on the command line.
async fn register(place: &Place, chapter: &Chapter) -> Result<(), DemoError> {
    let Chapter {
        version,
        settings,
        change,
        evidence,
    } = chapter;
    let artifact = place.write(&format!("releases/{version}/service.json"), settings.as_bytes())?;
    let change = place.write(&format!("releases/{version}/change.yaml"), change.as_bytes())?;
    let release = format!("payment-service@{version}");
    let artifact = format!("service=file:{}", artifact.display());
    place
        .gateline(&[
            "release",
            "create",
            &release,
            "--artifact",
            &artifact,
            "--change",
            &change.display().to_string(),
        ])
        .await?;
    for (name, bytes) in evidence {
        let file = place.write(&format!("releases/{version}/{name}"), bytes)?;
        place
            .gateline(&["evidence", "add", &release, &file.display().to_string()])
            .await?;
    }
    Ok(())
}

/// The newest promotion of a version into a stage, once there is one.
pub(super) async fn promotion(client: &Client, version: &str, stage: &str) -> Result<PromotionId, DemoError> {
    let began = Instant::now();
    let release = format!("payments/payment-service@{version}");
    let query = PromotionQuery {
        release: Some(
            release
                .parse()
                .map_err(|err| DemoError::place("name the release", err))?,
        ),
        ..PromotionQuery::default()
    };
    while began.elapsed() < PROMOTION_WITHIN {
        let page: Page<PromotionSummary> = client
            .get::<ListPromotions>(&gateline_api::Empty {}, &query)
            .await?;
        if let Some(found) = page
            .items
            .into_iter()
            .find(|found| found.id.stage.stage.as_str() == stage)
        {
            return Ok(found.id);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(DemoError::Ending(format!(
        "{version} was never promoted to {stage}"
    )))
}

/// Waits until a promotion is as it should become.
pub(super) async fn until(
    client: &Client,
    id: &PromotionId,
    what: &str,
    reached: impl Fn(&PromotionView) -> bool,
) -> Result<PromotionView, DemoError> {
    let began = Instant::now();
    loop {
        let view = client.promotion(id).await?;
        if reached(&view) {
            return Ok(view);
        }
        let late = began.elapsed() >= PROMOTION_WITHIN;
        if late || view.outcome.is_some() {
            let says = format!("promotion {id} never {what}; it is {}: {}", view.state, view.says);
            return Err(DemoError::Ending(says));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ended(
    client: &Client,
    report: &Report,
    version: &str,
    stage: &str,
) -> Result<PromotionView, DemoError> {
    let id = promotion(client, version, stage).await?;
    let view = until(client, &id, "ended", |view| view.outcome.is_some()).await?;
    report.promotion(&view);
    Ok(view)
}

pub(super) fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), DemoError> {
    if holds {
        Ok(())
    } else {
        Err(DemoError::Ending(otherwise()))
    }
}

fn verified(view: &PromotionView) -> Result<(), DemoError> {
    expect(view.outcome == Some(PromotionOutcome::Verified), || {
        format!(
            "{} in {} is {}, not verified: {}",
            view.version, view.stage.stage, view.state, view.says
        )
    })
}

/// A release goes through all stages alone.
async fn walk(
    place: &mut Place,
    client: &Client,
    report: &Report,
    chapter: &Chapter,
    steps_in_production: &[&str],
) -> Result<(), DemoError> {
    register(place, chapter).await?;
    for stage in ["dev", "staging", "production"] {
        let view = ended(client, report, chapter.version, stage).await?;
        verified(&view)?;
        if stage == "production" {
            let taken = steps(&view);
            expect(taken == steps_in_production, || {
                format!("{} took the steps {taken:?}", chapter.version)
            })?;
            let held = view.events.iter().any(|recorded| {
                matches!(&recorded.event, Event::DecisionRecorded { decision }
                    if decision.verdicts.iter().any(|gate| gate.kind == "soak" && gate.verdict == Verdict::Waiting))
            });
            expect(held, || {
                format!(
                    "{} entered production without having waited for its soak",
                    chapter.version
                )
            })?;
        }
    }
    Ok(())
}

/// A release that fails under production traffic only.
async fn comes_back(place: &mut Place, client: &Client, report: &Report) -> Result<(), DemoError> {
    let chapter = chapter!("1.2.0", "1.2.0", r#"{"latency_ms": 3, "error_percent": 25}"#);
    register(place, &chapter).await?;
    for stage in ["dev", "staging"] {
        verified(&ended(client, report, chapter.version, stage).await?)?;
    }
    let view = ended(client, report, chapter.version, "production").await?;
    let taken = steps(&view);
    expect(view.outcome == Some(PromotionOutcome::RolledBack), || {
        format!("1.2.0 is {}, not rolled back", view.state)
    })?;
    expect(taken == ["start", "5%", "withdraw", "discard"], || {
        format!("1.2.0 was not taken back at a low weight: {taken:?}")
    })?;
    expect(view.served.bad_requests > 0, || {
        "1.2.0 was taken back although it failed nobody".to_owned()
    })?;
    let again = place
        .gateline(&["promote", "payment-service@1.2.0", "--to", "production"])
        .await;
    expect(
        matches!(&again, Err(DemoError::CommandLine { output, .. }) if output.contains("barred")),
        || format!("1.2.0 is not barred after it was rolled back: {again:?}"),
    )
}

/// A breaking change waits for a person, who is asked by name and answers on the command line.
async fn is_held_and_approved(place: &mut Place, client: &Client, report: &Report) -> Result<(), DemoError> {
    let chapter = chapter!("1.3.0", "1.3.0", r#"{"latency_ms": 2}"#);
    register(place, &chapter).await?;
    for stage in ["dev", "staging"] {
        verified(&ended(client, report, chapter.version, stage).await?)?;
    }
    let id = promotion(client, chapter.version, "production").await?;
    let asked = |view: &PromotionView| {
        let decision = view.decision.as_ref();
        decision.is_some_and(|decision| decision.verdicts.iter().any(|gate| gate.code == "approval.asked"))
    };
    let view = until(client, &id, "asked for an approval", asked).await?;
    let gate = view
        .decision
        .iter()
        .flat_map(|decision| &decision.verdicts)
        .find(|gate| gate.kind == "approval");
    let who = gate.map(|gate| gate.changed_by.join(", ")).unwrap_or_default();
    expect(who == "tech-lead", || {
        format!("the decision asks `{who}`, not `tech-lead`")
    })?;
    report.say(&format!("  {}; asks {who}", view.says));

    let own = place.gateline(&["approve", &id.to_string()]).await;
    expect(own.is_err(), || {
        "somebody who is no tech lead could approve".to_owned()
    })?;
    place
        .gateline_as(
            &place.approver_file(),
            &["approve", "payment-service@1.3.0", "--to", "production"],
        )
        .await?;
    report.say("  approved by bo on the command line");
    verified(&ended(client, report, chapter.version, "production").await?)
}

/// The server is killed at a random moment of a rollout and started again.
async fn survives_a_kill(place: &mut Place, client: &Client, report: &Report) -> Result<(), DemoError> {
    let chapter = chapter!("1.4.0", "1.4.0", r#"{"latency_ms": 3}"#);
    let before = place.customers();
    register(place, &chapter).await?;
    for stage in ["dev", "staging"] {
        verified(&ended(client, report, chapter.version, stage).await?)?;
    }
    let id = promotion(client, chapter.version, "production").await?;
    until(client, &id, "rolled out", |view| {
        view.state == PromotionState::RollingOut
    })
    .await?;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|err| DemoError::place("choose a moment", err))?;
    let moment = Duration::from_millis(u64::from_le_bytes(random) % KILL_WITHIN_MILLIS);
    tokio::time::sleep(moment).await;
    // Everything that the server has shown is acknowledged.
    let acknowledged = client.log().await?;
    place.kill_server().await?;
    report.say(&format!(
        "  killed {:.1} s into the rollout of 1.4.0, started again",
        moment.as_secs_f64()
    ));
    place.start_server().await?;

    let view = ended(client, report, chapter.version, "production").await?;
    verified(&view)?;
    let taken = steps(&view);
    expect(taken == ALL_STEPS, || format!("1.4.0 took the steps {taken:?}"))?;
    once_each(&view)?;
    let log = client.log().await?;
    nothing_lost(&acknowledged, &log)?;
    let after = place.customers();
    let (sent, bad) = (
        after.ok + after.bad - before.ok - before.bad,
        after.bad - before.bad,
    );
    expect(sent > 0 && bad == 0, || {
        format!("{bad} of {sent} requests failed while the server was away")
    })?;
    report.say(&format!(
        "  {sent} requests meanwhile, {bad} failed; {} log entries, none lost",
        log.len()
    ));
    Ok(())
}

/// Each step was intended once and became true once.
fn once_each(view: &PromotionView) -> Result<(), DemoError> {
    let mut counts: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for recorded in &view.events {
        match &recorded.event {
            Event::StepIntended { step, .. } => counts.entry(*step).or_default().0 += 1,
            Event::StepApplied { step, .. } => counts.entry(*step).or_default().1 += 1,
            _ => {}
        }
    }
    let twice = counts.iter().find(|(_, times)| **times != (1, 1));
    expect(twice.is_none(), || {
        format!("a step was not taken exactly once: {twice:?}")
    })
}

fn nothing_lost(acknowledged: &[Recorded], log: &[Recorded]) -> Result<(), DemoError> {
    let lost = acknowledged
        .iter()
        .find(|recorded| log.get(recorded.number as usize) != Some(recorded));
    expect(lost.is_none(), || {
        format!("an acknowledged event is gone or changed: {lost:?}")
    })
}
