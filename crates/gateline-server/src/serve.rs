//! Serving: opens the store, starts the hub, makes the first token, and answers HTTP until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateline_core::{Actor, Command};
use gateline_drivers::process::ProcessDriver;
use gateline_drivers::{Drivers, named_file};
use gateline_model::Scope;
use gateline_spec::ServerFile;
use gateline_store::{PostgresError, PostgresStore, SqliteError, SqliteStore};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::Cookies;
use crate::auth::draw_secret;
use crate::connections::{SHUTDOWN_SECS_MAX, serve_connections};
use crate::hub::{Hub, Kept, StartError, SubmitError};
use crate::place::{Place, PlaceError};

/// Where the server listens where nothing else is said: this host only.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:7474";

/// What `gateline serve` is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of the database and of the drivers' state. Made when there is none.
    pub dir: PathBuf,
    /// Where the log is kept, as it was typed; a file in the folder where nothing is said.
    pub store: Option<String>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to write the first admin token as well, readable by the owner only.
    pub admin_token_file: Option<PathBuf>,
    /// The file with the server's settings.
    pub config: Option<PathBuf>,
}

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The folder cannot be used.
    #[error("could not use folder `{dir}`: {err}; give another one with `--dir`")]
    Dir {
        /// Which.
        dir: PathBuf,
        /// Why.
        err: std::io::Error,
    },
    /// The file cannot be made or written.
    #[error(
        "could not write `{path}`: {err}; let the server's account write it and its folder, or name another file"
    )]
    Store {
        /// Which.
        path: PathBuf,
        /// Why.
        err: std::io::Error,
    },
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] SqliteError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] PostgresError),
    /// It is not said where the log is kept.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The engine cannot be started.
    #[error("could not start the engine")]
    Start(#[from] StartError),
    /// The address cannot be listened on.
    #[error("could not listen on {listen}: {err}; give another address with `--listen`")]
    Listen {
        /// Which.
        listen: SocketAddr,
        /// Why.
        err: std::io::Error,
    },
    /// The first token could not be made or written.
    #[error("could not make the first token: {0}")]
    Token(String),
    /// The database has another log than the one that was read.
    #[error("{0}; start this server again: it reads the log anew, and knows nothing of what was lost")]
    Lost(String),
    /// The settings cannot be used.
    #[error("{0}")]
    Config(String),
}

impl ServeError {
    /// Whether what was typed, or a file that it names, is wrong.
    pub fn is_of_what_was_typed(&self) -> bool {
        match self {
            Self::Place(_) | Self::Config(_) | Self::Database(PostgresError::Address(_)) => true,
            Self::Dir { .. }
            | Self::Store { .. }
            | Self::File(_)
            | Self::Database(_)
            | Self::Start(_)
            | Self::Listen { .. }
            | Self::Lost(_)
            | Self::Token(_) => false,
        }
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`], before the first request is answered or when listening breaks.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    gateline_drivers::install_crypto();
    let Settings {
        dir,
        store,
        listen,
        admin_token_file,
        config,
    } = settings;
    let place = Place::of(store.as_deref(), &dir)?;
    let file = match &config {
        Some(path) => config_file(path)?,
        None => ServerFile::default(),
    };
    std::fs::create_dir_all(&dir).map_err(|err| ServeError::Dir {
        dir: dir.clone(),
        err,
    })?;
    let kept = open(&place, &dir)?;
    let drivers = Drivers {
        process: ProcessDriver {
            state_dir: dir.join("processes"),
        },
        post: std::sync::Arc::new(gateline_drivers::letter::Post {
            channels: file.channels.clone(),
            people: file.people.clone(),
            url: file.url.clone(),
        }),
    };
    let hub = Hub::start(kept, drivers, &format!("serve-{}", std::process::id()))?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|err| ServeError::Listen { listen, err })?;
    first_token(&hub, admin_token_file.as_deref()).await?;
    let address = listener.local_addr().unwrap_or(listen);
    println!("Gateline listens on http://{address}");
    info!(listen = %address, "Listening on {address}");
    let (stop, mut stopping) = watch::channel(false);
    // Whoever listens beyond this host is expected to put TLS in front; then the cookie may not go without it.
    let encrypted = file.url.as_ref().is_some_and(|url| url.starts_with("https:"));
    let cookies = if address.ip().is_loopback() && !encrypted {
        Cookies::Anywhere
    } else {
        Cookies::HttpsOnly
    };
    let settings = crate::Settings {
        cookies,
        file,
        stopping: stopping.clone(),
    };
    let proxies = settings.file.proxies.clone();
    let router = crate::router(hub.clone(), settings);
    let served = serve_connections(listener, router, proxies, async move {
        // Nobody can stop it any more when the sender is gone, and then this function has ended.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    });
    let left = async {
        ending().await;
        info!("Stopping: no more work is taken, and what is under way has {SHUTDOWN_SECS_MAX} s");
        // Streams of events would otherwise keep their connections, and so the server, open.
        stop.send_replace(true);
        hub.leave(Duration::from_secs(SHUTDOWN_SECS_MAX)).await;
    };
    let stopped = async { tokio::join!(served, left) };
    tokio::pin!(stopped);
    tokio::select! {
        _ = &mut stopped => {}
        // Whoever says it twice does not want to wait.
        () = async { ending().await; ending().await } => warn!("Told twice to stop: leases expire by themselves"),
        why = hub.lost() => return Err(ServeError::Lost(why)),
    }
    Ok(())
}

/// Opens the store, and makes it where there is none.
fn open(place: &Place, dir: &Path) -> Result<Kept, ServeError> {
    match place {
        Place::File(path) => {
            // Readable by the owner only: SQLite gives its side files the same rights.
            private(path, Existing::Keep).map_err(|err| ServeError::Store {
                path: path.clone(),
                err,
            })?;
            Ok(SqliteStore::open(path)?.into())
        }
        Place::Database(address) => Ok(Kept::Database {
            store: Box::new(PostgresStore::open(address)?),
            dir: dir.to_owned(),
        }),
    }
}

/// Longest settings file that is read, in bytes.
const CONFIG_BYTES_MAX: u64 = 256 * 1024;

/// Reads the server's settings; what is wrong is told with its line.
fn config_file(path: &Path) -> Result<ServerFile, ServeError> {
    let text = named_file::text(path, CONFIG_BYTES_MAX)
        .map_err(|err| ServeError::Config(format!("could not read `{}`: {err}", path.display())))?;
    gateline_spec::read_server(&path.display().to_string(), &text).map_err(|found| {
        let rendered = found.render(&text, false);
        ServeError::Config(format!(
            "the settings in `{}` have errors:\n{rendered}",
            path.display()
        ))
    })
}

/// The first server without a token makes one, prints it once, and keeps its hash.
async fn first_token(hub: &Hub, file: Option<&Path>) -> Result<(), ServeError> {
    if has_token(hub) {
        return Ok(());
    }
    // The file first: a token that could be written nowhere must not be made.
    let mut kept = match file {
        Some(file) => {
            let fail = |err| {
                ServeError::Token(format!(
                    "could not make `{}`: {err}; name a new file",
                    file.display()
                ))
            };
            Some(private(file, Existing::Refuse).map_err(fail)?)
        }
        None => None,
    };
    let secret = match issue_first(hub).await {
        Ok(secret) => secret,
        // Another server on the same database was first, and prints it.
        Err(SubmitError::Rejected(_)) if has_token(hub) => {
            if let Some(file) = file {
                // It is empty: whoever looks for a token looks elsewhere.
                let _ = std::fs::remove_file(file);
            }
            return Ok(());
        }
        Err(err) => return Err(ServeError::Token(format!("{err:?}"))),
    };
    match (&mut kept, file) {
        // In one place only: what is printed stands in the host's log for ever.
        (Some(kept), Some(file)) => {
            let written = std::io::Write::write_all(kept, secret.as_bytes());
            written.map_err(|err| ServeError::Token(format!("could not write it to its file: {err}")))?;
            println!("The first token (scope admin) is in {}", file.display());
        }
        (Some(_) | None, _) => println!("The first token, shown once (scope admin): {secret}"),
    }
    Ok(())
}

/// Whether anybody has a token of this server.
fn has_token(hub: &Hub) -> bool {
    let project = gateline_core::server_project();
    hub.with_world(|world| {
        world
            .project(&project)
            .is_some_and(|project| !project.tokens.is_empty())
    })
}

/// Makes the token `admin` and gives its secret.
///
/// # Errors
/// When the machine has no randomness, or the token exists.
pub async fn first_secret(hub: &Hub) -> Result<String, String> {
    issue_first(hub).await.map_err(|err| format!("{err:?}"))
}

async fn issue_first(hub: &Hub) -> Result<String, SubmitError> {
    let secret = draw_secret().map_err(|err| SubmitError::Unavailable(format!("no randomness: {err}")))?;
    let command = Command::IssueToken {
        id: "admin".parse().expect("it is a legal token id"),
        hash: secret.hash,
        actor: "admin".parse().expect("it is a legal actor id"),
        scopes: vec![Scope::Admin],
        groups: Vec::new(),
        expires: None,
    };
    hub.submit(Actor::gateline(), command, None, Vec::new()).await?;
    Ok(secret.text)
}

/// What to do with a file that is there.
pub(crate) enum Existing {
    Keep,
    Refuse,
}

/// Opens a file for writing that its owner alone may read. What is no regular file is refused, and not waited for.
pub(crate) fn private(file: &Path, existing: Existing) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut open = std::fs::OpenOptions::new();
    match existing {
        Existing::Keep => open.append(true).create(true),
        Existing::Refuse => open.write(true).create_new(true),
    };
    if file.metadata().is_ok_and(|there| !there.is_file()) {
        return Err(std::io::Error::other("it is no regular file"));
    }
    open.mode(0o600).open(file)
}

/// Until somebody ends the program, at the terminal or by a signal.
pub(crate) async fn ending() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
