//! The server's verbs: everything that runs on the host of the data. All other verbs are the command line's.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use gateline_api::Exit;
use gateline_drivers::{payment_service, proxy};
use serde::Deserialize;

use crate::backup::BackupError;
use crate::doctor::Illness;
use crate::place::Place;
use crate::serve::LISTEN_DEFAULT;
use crate::{backup, demo, doctor, serve};

/// How long work off the runtime's threads may take to end once all else has.
const LEFT_BEHIND_SECS: u64 = 2;

/// Verbs that run on the host of the data.
#[derive(Debug, Clone, Subcommand)]
pub enum ServerVerb {
    /// Run the server: API, pages and engine.
    #[command(after_help = "Examples:
  gateline serve
  gateline serve --store postgres://gateline@localhost/gateline
  gateline serve --store 'postgres://gateline@db.example/gateline?password=file:/run/secrets/db' --listen 0.0.0.0:7474")]
    Serve {
        /// Folder of the database and of the drivers' state.
        #[arg(long, default_value = "gateline-data", env = "GATELINE_DIR")]
        dir: PathBuf,
        /// Where the log is kept: `sqlite:PATH`, or `postgres://USER@HOST/DATABASE` for several servers at once; a file in the
        /// folder where nothing is said.
        #[arg(long, value_name = "PLACE", env = "GATELINE_STORE", hide_env_values = true)]
        store: Option<String>,
        /// Address to listen on.
        #[arg(long, default_value = LISTEN_DEFAULT, value_parser = listen)]
        listen: SocketAddr,
        /// Write the first admin token to this file (mode 0600) instead of printing it.
        #[arg(long, value_name = "FILE")]
        admin_token_file: Option<PathBuf>,
        /// File with the server's settings: its address, proxies, and providers of identities.
        #[arg(long, value_name = "FILE", env = "GATELINE_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Show everything at work: a server, a proxy, a real service and four releases.
    #[command(after_help = "Examples:
  gateline demo
  gateline demo --once
  gateline demo --scenario canary")]
    Demo {
        /// Tell one rollout instead, and exit 0 only if it went as told; on a terminal it stays up until Ctrl-C, to be looked at.
        #[arg(long, value_enum)]
        scenario: Option<demo::Scenario>,
        /// End after the story; exit 0 only if every ending was as told.
        #[arg(long)]
        once: bool,
        /// Stay up after a scenario where stdout is no terminal, too.
        #[arg(long, conflicts_with = "once", requires = "scenario")]
        stay: bool,
        /// Print one JSON line per finished promotion, and nothing else.
        #[arg(long)]
        json: bool,
        /// Folder to use; a fresh temporary one where it is not given.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Run the traffic proxy of the process driver.
    Proxy {
        /// Path of the control socket.
        #[arg(long)]
        control: PathBuf,
    },
    /// Hash and fold the log again, and compare: leaves, Merkle root, planned work and read models.
    ///
    /// Changes nothing, and may run beside a server. Ends with 5 and names each event, row and piece of work that
    /// differs.
    #[command(after_help = "Examples:
  gateline doctor --dir /var/lib/gateline
  gateline log --checkpoint --json > kept.json          # keep it elsewhere
  gateline doctor --checkpoint kept.json                # the log of then is the beginning of the log of now")]
    Doctor {
        /// Folder of the database.
        #[arg(long, default_value = "gateline-data", env = "GATELINE_DIR")]
        dir: PathBuf,
        /// Where the log is kept, as for `serve`.
        #[arg(long, value_name = "PLACE", env = "GATELINE_STORE", hide_env_values = true)]
        store: Option<String>,
        /// Make read models and planned work anew from the log, which must be whole; the server must be stopped.
        #[arg(long)]
        rebuild: bool,
        /// Hold the log against what it was once, as `gateline log --checkpoint --json` wrote it; more than one may be given.
        #[arg(long, value_name = "FILE", conflicts_with = "rebuild")]
        checkpoint: Vec<PathBuf>,
    },
    /// Write everything that the store keeps into one file; servers may go on.
    ///
    /// People's sessions are left out: they sign in again after a restore.
    #[command(after_help = "Examples:
  gateline backup --to /var/backups/gateline-2026-11-22
  gateline backup --to nightly --store 'postgres://gateline@db.example/gateline?password=env:GATELINE_DB'")]
    Backup {
        /// The file to write (mode 0600). It must not be there.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Which store.
        #[command(flatten)]
        of: Of,
    },
    /// Fill an empty store from a backup, and examine it.
    #[command(after_help = "Examples:
  gateline restore /var/backups/gateline-2026-11-22 --dir gateline-data
  gateline restore nightly --store postgres://gateline@localhost/gateline")]
    Restore {
        /// The backup.
        #[arg(value_name = "FILE")]
        from: PathBuf,
        /// Which store.
        #[command(flatten)]
        of: Of,
    },
    /// Move the store.
    #[command(subcommand)]
    Store(StoreVerb),
    /// The demonstration's service.
    #[command(hide = true, disable_version_flag = true)]
    PaymentService {
        /// Port on 127.0.0.1.
        #[arg(long)]
        port: u16,
        /// The version that it says it is.
        #[arg(long)]
        version: String,
        /// JSON file with `error_percent`, `latency_ms`, `tail_ms`, `bursts` and `start_up_ms`.
        #[arg(long)]
        settings: PathBuf,
    },
}

/// Which store.
#[derive(Debug, Clone, Args)]
pub struct Of {
    /// Folder of the database.
    #[arg(long, default_value = "gateline-data", env = "GATELINE_DIR")]
    dir: PathBuf,
    /// Where the log is kept, as for `serve`.
    #[arg(long, value_name = "PLACE", env = "GATELINE_STORE", hide_env_values = true)]
    store: Option<String>,
}

/// What is done with a store as a whole.
#[derive(Debug, Clone, Subcommand)]
pub enum StoreVerb {
    /// Copy a store into an empty one, with its log numbers and hashes, and examine it. Stop its servers first.
    #[command(after_help = "Examples:
  gateline store copy sqlite:gateline-data/gateline.db postgres://gateline@localhost/gateline
  gateline store copy postgres://gateline@localhost/gateline sqlite:copy.db")]
    Copy {
        /// Where it is: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`.
        #[arg(value_name = "FROM")]
        from: String,
        /// Where it goes.
        #[arg(value_name = "TO")]
        to: String,
    },
}

impl Of {
    fn place(&self) -> Result<Place, Ended> {
        Place::of(self.store.as_deref(), &self.dir).map_err(Ended::usage)
    }
}

/// Why a verb did not do its work.
struct Ended {
    exit: Exit,
    why: String,
}

impl Ended {
    /// What was typed, or a file that it names, is wrong.
    fn usage(err: impl std::error::Error) -> Self {
        Self {
            exit: Exit::Usage,
            why: chain(err),
        }
    }

    /// One or the other, as the error itself says.
    fn by<E: std::error::Error>(is_of_what_was_typed: fn(&E) -> bool) -> impl Fn(E) -> Self {
        move |err| match is_of_what_was_typed(&err) {
            true => Self::usage(err),
            false => Self::unknown(err),
        }
    }

    /// Something was not found out.
    fn unknown(err: impl std::error::Error) -> Self {
        chain(err).into()
    }
}

impl From<String> for Ended {
    fn from(why: String) -> Self {
        Self {
            exit: Exit::Unknown,
            why,
        }
    }
}

/// The address to listen on.
fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!(
            "write an IP address and a port, such as {LISTEN_DEFAULT}, or 0.0.0.0:7474 to be reached from other machines"
        )
    })
}

/// Looks at what was filled, and says what it is.
fn filled(place: &Place) -> Result<(), Ended> {
    println!(
        "{}",
        doctor::examine(place, Vec::new()).map_err(Ended::by(Illness::is_of_what_was_typed))?
    );
    Ok(())
}

/// Runs a verb to its end.
pub fn run(verb: ServerVerb) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => return told(Err(format!("could not start: {err}").into())),
    };
    let done = runtime.block_on(one(verb));
    // Work off the runtime's threads cannot be called off: it is left behind.
    runtime.shutdown_timeout(std::time::Duration::from_secs(LEFT_BEHIND_SECS));
    told(done)
}

async fn one(verb: ServerVerb) -> Result<(), Ended> {
    match verb {
        ServerVerb::Serve {
            dir,
            store,
            listen,
            admin_token_file,
            config,
        } => {
            log_to_stderr();
            if let Err(err) = gateline_drivers::keep_to_oneself() {
                tracing::warn!("What this process knows can be read by others of its user: {err}");
            }
            serve::serve(serve::Settings {
                dir,
                store,
                listen,
                admin_token_file,
                config,
            })
            .await
            .map_err(Ended::by(serve::ServeError::is_of_what_was_typed))
        }
        ServerVerb::Demo {
            scenario,
            once,
            stay,
            json,
            dir,
        } => {
            let settings = demo::Settings {
                scenario,
                once,
                stay,
                json,
                dir,
            };
            demo::run(settings).await.map_err(Ended::unknown)
        }
        ServerVerb::Proxy { control } => {
            log_to_stderr();
            proxy::run(&control).await.map_err(Ended::unknown)
        }
        ServerVerb::Doctor {
            dir,
            store,
            rebuild,
            checkpoint,
        } => {
            let place = Place::of(store.as_deref(), &dir).map_err(Ended::usage)?;
            let checkpoints = checkpoint.iter().map(|file| doctor::Checkpoint::read(file));
            let checkpoints: Vec<_> = checkpoints
                .collect::<Result<_, _>>()
                .map_err(Ended::by(Illness::is_of_what_was_typed))?;
            let found = if rebuild {
                doctor::rebuild(&place)
            } else {
                doctor::examine(&place, checkpoints)
            };
            println!("{}", found.map_err(Ended::by(Illness::is_of_what_was_typed))?);
            Ok(())
        }
        ServerVerb::Backup { to, of } => {
            let (events, root) =
                backup::back_up(&of.place()?, &to).map_err(Ended::by(BackupError::is_of_what_was_typed))?;
            println!("`{}` has {events} events; Merkle root {root}", to.display());
            Ok(())
        }
        ServerVerb::Restore { from, of } => {
            let place = of.place()?;
            backup::restore(&from, &place).map_err(Ended::by(BackupError::is_of_what_was_typed))?;
            filled(&place)
        }
        ServerVerb::Store(StoreVerb::Copy { from, to }) => {
            let (from, to): (Place, Place) = (
                from.parse().map_err(Ended::usage)?,
                to.parse().map_err(Ended::usage)?,
            );
            backup::copy(&from, &to).map_err(Ended::by(BackupError::is_of_what_was_typed))?;
            filled(&to)
        }
        ServerVerb::PaymentService {
            port,
            version,
            settings,
        } => {
            let settings = service_settings(port, version, &settings)?;
            payment_service::run(settings).await.map_err(Ended::unknown)
        }
    }
}

/// How a release of the demonstration's service behaves: its artifact.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ServiceSettings {
    error_percent: f64,
    latency_ms: u64,
    tail_ms: u64,
    bursts: f64,
    start_up_ms: u64,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        let payment_service::Settings {
            port: _,
            version: _,
            error_percent,
            latency_ms,
            tail_ms,
            bursts,
            start_up_ms,
        } = payment_service::Settings::default();
        Self {
            error_percent,
            latency_ms,
            tail_ms,
            bursts,
            start_up_ms,
        }
    }
}

fn service_settings(
    port: u16,
    version: String,
    file: &std::path::Path,
) -> Result<payment_service::Settings, String> {
    let text =
        std::fs::read_to_string(file).map_err(|err| format!("could not read `{}`: {err}", file.display()))?;
    let ServiceSettings {
        error_percent,
        latency_ms,
        tail_ms,
        bursts,
        start_up_ms,
    } = serde_json::from_str(&text).map_err(|err| format!("could not read `{}`: {err}", file.display()))?;
    Ok(payment_service::Settings {
        port,
        version,
        error_percent,
        latency_ms,
        tail_ms,
        bursts,
        start_up_ms,
    })
}

/// Logs go to stderr; `GATELINE_LOG` filters them.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GATELINE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(|| WithoutSecrets(std::io::stderr()))
        .init();
}

/// The log's way out: a secret that this process has read does not pass, whoever wrote it into a line.
struct WithoutSecrets<W>(W);

impl<W: std::io::Write> std::io::Write for WithoutSecrets<W> {
    /// A whole line at once, as the log writes it.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0
            .write_all(gateline_drivers::hide_secrets(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// An error with its causes, each on a line of its own.
fn chain(err: impl std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text.push_str(&format!("\n  because {err}"));
        cause = err.source();
    }
    text
}

fn told(done: Result<(), Ended>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended { exit, why }) => {
            eprintln!("error: {why}");
            ExitCode::from(exit.code())
        }
    }
}
