//! The demonstration: a small supervisor that starts a server, a proxy and a service, and lets four releases go; or one
//! scenario of a rollout alone.
//!
//! Everything is real: processes, traffic, evidence files, the command line. Knows no rule; it only tells a story and
//! checks that it ended as told.

mod client;
mod place;
mod report;
mod scenario;
mod story;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use place::Place;
use report::Report;
pub use scenario::Scenario;

/// What `gateline demo` is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// One rollout alone; the whole story where it is not given.
    pub scenario: Option<Scenario>,
    /// End after the story instead of staying up.
    pub once: bool,
    /// Stay up after a scenario, also where nobody is at a terminal.
    pub stay: bool,
    /// Print JSON lines only.
    pub json: bool,
    /// The folder to use; a fresh one in the system's temporary folder where it is not given.
    pub dir: Option<PathBuf>,
}

/// Why the demonstration did not end as told.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Something could not be started, written or reached.
    #[error("could not {doing}: {why}")]
    Place {
        /// What was being done.
        doing: String,
        /// What went wrong.
        why: String,
    },
    /// A command line did not do what it should.
    #[error("`gateline {command}` ended with {status}:\n{output}")]
    CommandLine {
        /// Its arguments.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        output: String,
    },
    /// An ending differs from the story.
    #[error("told otherwise: {0}")]
    Ending(String),
}

impl DemoError {
    fn place(doing: impl Into<String>, why: impl ToString) -> Self {
        Self::Place {
            doing: doing.into(),
            why: why.to_string(),
        }
    }
}

/// Runs the demonstration.
///
/// # Errors
/// [`DemoError`] says which part was not as told.
pub async fn run(settings: Settings) -> Result<(), DemoError> {
    gateline_drivers::install_crypto();
    let report = Report::new(settings.json);
    let pipeline = settings.scenario.map_or_else(
        || include_str!("pipeline.yaml").to_owned(),
        |scenario| scenario.pipeline(),
    );
    let mut place = Place::open(settings.dir.clone(), settings.once, &pipeline).await?;
    report.say(&format!(
        "Gateline is at {}   (folder {})",
        place.url(),
        place.dir().display()
    ));
    report.say(&format!(
        "Sign in with the token in {}",
        place.token_file().display()
    ));
    let told = match settings.scenario {
        Some(scenario) => scenario::tell(scenario, &mut place, &report).await,
        None => story::tell(&mut place, &report).await.map(|()| report.end()),
    };
    match told {
        Ok(()) => {}
        Err(err) => {
            place.close().await;
            return Err(err);
        }
    }
    // Whoever watched a scenario looks at its page now; a script only wants to know how it ended.
    let watched = settings.stay || std::io::stdout().is_terminal() && !settings.json;
    match settings.scenario {
        _ if settings.once => {}
        None => stay(&mut place, &report).await?,
        Some(_) if watched => look_around(&place, &report).await,
        Some(_) => {}
    }
    place.close().await;
    Ok(())
}

/// Keeps what a scenario left, to be looked at until Ctrl-C.
async fn look_around(place: &Place, report: &Report) {
    report.say(&format!(
        "\nLook around at {}: log in with the token",
        place.url()
    ));
    let token = std::fs::read_to_string(place.token_file()).unwrap_or_default();
    report.say(&format!("  {}", token.trim()));
    report.say(&format!(
        "or in another terminal: gateline --server {} --token file:{} status",
        place.url(),
        place.token_file().display()
    ));
    report.say("Ctrl-C ends everything.");
    crate::serve::ending().await;
}

/// Leaves something to do, and waits for Ctrl-C.
async fn stay(place: &mut Place, report: &Report) -> Result<(), DemoError> {
    story::leave_one_held(place).await?;
    let env = format!(
        "export GATELINE_SERVER={} GATELINE_PROJECT=payments GATELINE_TOKEN=$(cat {})",
        place.url(),
        place.token_file().display()
    );
    report.say("\nNow it is yours. In another terminal:");
    // Whoever came by `cargo run` has no `gateline` in the path yet.
    if let Some(folder) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        report.say(&format!("  export PATH=\"{}:$PATH\"", folder.display()));
    }
    report.say(&format!("  {env}"));
    report.say("  gateline status");
    report.say("  gateline explain payment-service@1.5.0 --to production");
    report.say(&format!(
        "  gateline --token file:{} approve payment-service@1.5.0 --to production",
        place.approver_file().display()
    ));
    report.say("  gateline log --event promotion_ended");
    report.say("Ctrl-C ends everything.");
    crate::serve::ending().await;
    Ok(())
}
