//! Scenarios: one rollout each, told as it goes, and checked that it ended as told.

use std::time::{Duration, Instant};

use gateline_api::{PromotionState, PromotionView};
use gateline_model::{PauseReason, PromotionId, PromotionOutcome, RulingKind};

use super::DemoError;
use super::client::Client;
use super::place::Place;
use super::report::{Report, steps};
use super::story::{expect, promotion};

/// How long a scenario's rollout may take: minutes, and twice that on a busy machine.
const ROLLOUT_WITHIN: Duration = Duration::from_secs(600);
/// How long the old release serves alone, so that the judge learns how noisy it is.
const BEFORE: Duration = Duration::from_secs(3);
/// How long a question stands before the story answers it.
const ASKED_FOR: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// One rollout that shows one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// Evidence sets the weights of a release that fails five times as often, and takes it back
    Canary,
    /// All traffic is switched to a release that fails, and switched back
    BlueGreen,
    /// A release that is a third slower, and fails no more, is found
    Latency,
    /// A good release amid bursts of errors is not taken back
    Noisy,
    /// With a few requests a second nothing can be told, and a person is asked
    LowTraffic,
}

/// How the releases of a scenario behave, and who uses them.
struct Play {
    rps: u32,
    before: &'static str,
    release: &'static str,
    rollout: &'static str,
}

const BY_EVIDENCE: &str = "        canary:
          pace: evidence
          judge: {by: evidence, every: 1s, patience: 8m}";
const SWITCHED: &str = "        blue_green:
          preview: 2s
          keep: 30s
          judge: {every: 500ms, errors: {at_most: 2%}, at_least_requests: 100, patience: 60s}";
const BRIEFLY: &str = "        canary:
          pace: evidence
          judge: {by: evidence, every: 1s, patience: 20s, inconclusive: ask}";

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Scenario::Canary => "canary",
            Scenario::BlueGreen => "blue-green",
            Scenario::Latency => "latency",
            Scenario::Noisy => "noisy",
            Scenario::LowTraffic => "low-traffic",
        }
    }

    fn play(self) -> Play {
        let play = |rps, before, release, rollout| Play {
            rps,
            before,
            release,
            rollout,
        };
        let usual = r#"{"latency_ms": 2, "error_percent": 1}"#;
        match self {
            Scenario::Canary => {
                let worse = r#"{"latency_ms": 2, "error_percent": 5}"#;
                play(400, usual, worse, BY_EVIDENCE)
            }
            Scenario::BlueGreen => {
                let worse = r#"{"latency_ms": 2, "error_percent": 8}"#;
                play(200, r#"{"latency_ms": 2}"#, worse, SWITCHED)
            }
            Scenario::Latency => {
                let (fast, slow) = (
                    r#"{"tail_ms": 30, "error_percent": 1}"#,
                    r#"{"tail_ms": 41, "error_percent": 1}"#,
                );
                play(300, fast, slow, BY_EVIDENCE)
            }
            Scenario::Noisy => {
                let noisy = r#"{"latency_ms": 2, "error_percent": 1, "bursts": 4}"#;
                play(400, noisy, noisy, BY_EVIDENCE)
            }
            Scenario::LowTraffic => play(3, usual, usual, BRIEFLY),
        }
    }

    /// Its pipeline.
    pub(super) fn pipeline(self) -> String {
        include_str!("scenario.yaml").replace("@ROLLOUT@", self.play().rollout)
    }
}

/// Tells a scenario to its end. An ending that differs is an error.
pub(super) async fn tell(scenario: Scenario, place: &mut Place, report: &Report) -> Result<(), DemoError> {
    let client = place.client()?;
    let play = scenario.play();
    register(place, "1.0.0", play.before).await?;
    let first = follow(&client, report, "1.0.0").await?;
    expect(first.outcome == Some(PromotionOutcome::Verified), || {
        format!("1.0.0 is {}: {}", first.state, first.says)
    })?;
    place.let_customers_in(play.rps)?;
    tokio::time::sleep(BEFORE).await;
    register(place, "1.1.0", play.release).await?;
    report.say(&format!(
        "Look at {}/promotions/payments/payment-service/production/2",
        place.url()
    ));
    let view = follow(&client, report, "1.1.0").await?;
    let says = match scenario {
        Scenario::Canary => taken_back(&view, |metric| metric == "errors")?,
        Scenario::Latency => taken_back(&view, |metric| metric != "errors")?,
        Scenario::BlueGreen => switched_back(&view)?,
        Scenario::Noisy => not_taken_back(&view)?,
        Scenario::LowTraffic => asks_and_goes_on(place, &client, report, &view).await?,
    };
    report.told(scenario.name(), &says);
    Ok(())
}

async fn register(place: &Place, version: &str, settings: &str) -> Result<(), DemoError> {
    let artifact = place.write(&format!("releases/{version}/service.json"), settings.as_bytes())?;
    let artifact = format!("service=file:{}", artifact.display());
    let release = format!("payment-service@{version}");
    place
        .gateline(&["release", "create", &release, "--artifact", &artifact])
        .await
        .map(drop)
}

/// Follows a rollout, a line for each change, until it ends or stands still for a person.
async fn follow(client: &Client, report: &Report, version: &str) -> Result<PromotionView, DemoError> {
    let id = promotion(client, version, "production").await?;
    let began = Instant::now();
    let mut told = String::new();
    loop {
        let view = client.promotion(&id).await?;
        let stands = view.state == PromotionState::Paused;
        if let Some(line) = line(&view)
            && line.0 != told
        {
            report.say(&format!("  {:>4} s  {}", began.elapsed().as_secs(), line.1));
            told = line.0;
        }
        if view.outcome.is_some() || stands {
            if view.outcome.is_some() {
                report.promotion(&view);
            }
            return Ok(view);
        }
        if began.elapsed() >= ROLLOUT_WITHIN {
            let says = format!("{version} did not end within {ROLLOUT_WITHIN:?}: {}", view.says);
            return Err(DemoError::Ending(says));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What changed, and how it is told.
fn line(view: &PromotionView) -> Option<(String, String)> {
    let rollout = view.rollout.as_ref()?;
    let ruling = rollout.ruling.as_ref()?;
    let odds = ruling.full.as_ref().map_or_else(String::new, |full| {
        let forecast = full.forecast().unwrap_or_default();
        format!("against it {}. {forecast}", full.numbers.evidence.against.says())
    });
    let key = format!("{} {} {}", view.state, rollout.weight, ruling.says.word());
    Some((
        key,
        format!(
            "{} {} of traffic, {}: {}  {odds}",
            view.version,
            rollout.weight,
            ruling.says.word(),
            ruling.headline
        ),
    ))
}

/// It was rolled back by the odds against a metric like this.
fn taken_back(view: &PromotionView, like: impl Fn(&str) -> bool) -> Result<String, DemoError> {
    expect(view.outcome == Some(PromotionOutcome::RolledBack), || {
        format!("1.1.0 is {}, not rolled back: {}", view.state, view.says)
    })?;
    let full = view
        .rollout
        .as_ref()
        .and_then(|rollout| rollout.ruling.as_ref()?.full.as_ref());
    let drawn = full
        .and_then(|full| full.drawn())
        .map(|(_, metric)| metric.name.as_str());
    expect(drawn.is_some_and(like), || {
        format!(
            "the odds were against `{}`: {}",
            drawn.unwrap_or("nothing"),
            view.says
        )
    })?;
    let taken = steps(view);
    expect(
        taken.ends_with(&["withdraw".to_owned(), "discard".to_owned()]),
        || format!("1.1.0 took the steps {taken:?}"),
    )?;
    Ok(format!(
        "{} ({} bad requests of {})",
        view.says, view.served.bad_requests, view.served.requests
    ))
}

fn switched_back(view: &PromotionView) -> Result<String, DemoError> {
    expect(view.outcome == Some(PromotionOutcome::RolledBack), || {
        format!("1.1.0 is {}, not rolled back: {}", view.state, view.says)
    })?;
    let taken = steps(view);
    expect(taken == ["start", "100%", "withdraw", "discard"], || {
        format!("1.1.0 took the steps {taken:?}")
    })?;
    Ok(format!("switched, then switched back: {}", view.says))
}

/// Proven, or a person is asked: both are right. Only taking it back is wrong.
fn not_taken_back(view: &PromotionView) -> Result<String, DemoError> {
    let asks = is_inconclusive(view);
    expect(asks || view.outcome == Some(PromotionOutcome::Verified), || {
        format!("1.1.0 is {}: {}", view.state, view.says)
    })?;
    Ok(match asks {
        true => format!("not taken back; a person is asked: {}", headline(view)),
        false => format!("not taken back: {}", view.says),
    })
}

/// The judge cannot tell; somebody who can says to go on.
async fn asks_and_goes_on(
    place: &Place,
    client: &Client,
    report: &Report,
    view: &PromotionView,
) -> Result<String, DemoError> {
    expect(is_inconclusive(view), || {
        format!("1.1.0 is {}, nobody is asked: {}", view.state, view.says)
    })?;
    let says = headline(view);
    report.say(&format!("  a person is asked: {says}"));
    // Long enough to be seen in the inbox.
    report.say(&format!(
        "  it stands for {} s in {}/inbox",
        ASKED_FOR.as_secs(),
        place.url()
    ));
    tokio::time::sleep(ASKED_FOR).await;
    let id: &PromotionId = &view.id;
    let began = Instant::now();
    while began.elapsed() < ROLLOUT_WITHIN {
        let view = client.promotion(id).await?;
        if view.outcome.is_some() {
            report.promotion(&view);
            expect(view.outcome == Some(PromotionOutcome::Verified), || {
                format!("1.1.0 is {} after it was resumed: {}", view.state, view.says)
            })?;
            return Ok(format!("{says}; went on each time when a person said so"));
        }
        // A person lets it go one step further, and is asked there again.
        if let Some(rollout) = view.rollout.as_ref().filter(|_| is_inconclusive(&view)) {
            report.say(&format!("  a person says to go on from {}", rollout.weight));
            let reason = "Nobody complained, and this service is small.";
            place
                .gateline(&["resume", &id.to_string(), "--reason", reason])
                .await?;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(DemoError::Ending(
        "1.1.0 did not end although it was resumed".to_owned(),
    ))
}

fn is_inconclusive(view: &PromotionView) -> bool {
    let rollout = view.rollout.as_ref();
    let paused = rollout.and_then(|rollout| rollout.paused.as_ref());
    paused.is_some_and(|paused| paused.why == PauseReason::Inconclusive)
}

fn headline(view: &PromotionView) -> String {
    let rollout = view.rollout.as_ref();
    let ruling = rollout.and_then(|rollout| rollout.ruling.as_ref());
    let told = ruling.filter(|ruling| ruling.says == RulingKind::Inconclusive);
    told.map_or_else(|| view.says.clone(), |ruling| ruling.headline.clone())
}
