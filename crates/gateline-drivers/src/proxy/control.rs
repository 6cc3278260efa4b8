//! The control socket: who may speak to the proxy is whoever may open the socket (mode 0600).

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, Semaphore};

use super::table::{Table, TableError};
use super::wire::{LINE_BYTES_MAX, Reply, Request};

/// Most control connections at once.
const CONTROL_CONNECTIONS_MAX: usize = 64;
/// Longest silence on a control connection.
const CONTROL_IDLE_WITHIN: Duration = Duration::from_secs(60);
/// How long requests in flight may take to finish when the proxy is asked to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Why the proxy cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Another proxy has the socket.
    #[error("another proxy already runs on `{}`: end it first, or give this one another control socket", .0.display())]
    Taken(PathBuf),
    /// The socket or its lock file cannot be made.
    #[error("could not make the control socket `{}`: {err}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        err: io::Error,
    },
    /// The routes cannot be read back.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Runs the proxy until SIGTERM or SIGINT; requests in flight finish first.
///
/// # Errors
/// [`ProxyError`] when it cannot start; once it runs, errors are answers.
pub async fn run(control: &Path) -> Result<(), ProxyError> {
    let socket_error = |err| ProxyError::Socket {
        path: control.to_owned(),
        err,
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(socket_error)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(socket_error)?;

    // The kernel frees the lock with the process, however that ends: a socket without it is stale.
    let lock = std::fs::File::create(beside(control, "lock")).map_err(socket_error)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(ProxyError::Taken(control.to_owned())),
        Err(std::fs::TryLockError::Error(err)) => return Err(socket_error(err)),
    }
    let table = Arc::new(Mutex::new(Table::load(beside(control, "state.json"))?));
    let listener = listen(control).map_err(socket_error)?;
    tracing::info!("The proxy listens for control on `{}`", control.display());

    let room = Arc::new(Semaphore::new(CONTROL_CONNECTIONS_MAX));
    let take = async {
        loop {
            let permit = room
                .clone()
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            match listener.accept().await {
                Ok((stream, _)) => {
                    let table = table.clone();
                    tokio::spawn(async move {
                        if let Err(err) = serve(stream, &table).await {
                            tracing::debug!("A control connection broke off: {err}");
                        }
                        drop(permit);
                    });
                }
                Err(err) => {
                    tracing::warn!("Could not take a control connection: {err}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    tokio::select! {
        () = take => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // An error only leaves a stale socket, which the next proxy replaces.
    let _ = std::fs::remove_file(control);
    let mut table = table.lock().await;
    table.end();
    let finished = async {
        while table.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(END_WITHIN, finished).await.is_err() {
        tracing::warn!("Ended with {} requests in flight", table.in_flight());
    }
    drop(lock);
    Ok(())
}

/// `<control>.<ending>`: the proxy's other files lie beside its socket.
fn beside(control: &Path, ending: &str) -> PathBuf {
    let mut path = control.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

/// Makes the socket at its place only when its mode is right, and replaces a stale one in the same breath.
fn listen(control: &Path) -> io::Result<UnixListener> {
    let fresh = beside(control, "new");
    match std::fs::remove_file(&fresh) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&fresh, control)?;
    Ok(listener)
}

async fn serve(stream: UnixStream, table: &Mutex<Table>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut reader).take(LINE_BYTES_MAX as u64 + 1);
        let read = tokio::time::timeout(CONTROL_IDLE_WITHIN, bounded.read_until(b'\n', &mut line));
        if read
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??
            == 0
        {
            return Ok(());
        }
        let too_long = line.len() > LINE_BYTES_MAX;
        let reply = if too_long {
            Reply::Refused {
                why: format!("the line is longer than {LINE_BYTES_MAX} bytes"),
            }
        } else {
            answer(&line, table).await
        };
        let mut text = serde_json::to_vec(&reply).expect("replies are plain data");
        text.push(b'\n');
        writer.write_all(&text).await?;
        if too_long {
            return Ok(());
        }
    }
}

async fn answer(line: &[u8], table: &Mutex<Table>) -> Reply {
    let request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(err) => {
            return Reply::Refused {
                why: format!("the line is not a request: {err}"),
            };
        }
    };
    let mut table = table.lock().await;
    let done = match request {
        Request::Set(route) => {
            let name = route.route.clone();
            let done = table.set(*route).await;
            if let Ok(true) = done {
                tracing::info!(route = %name, "Set route `{name}`");
            }
            done.map(|changed| Reply::Set { changed })
        }
        Request::Get(name) => Ok(Reply::View(Box::new(table.view(&name.route)))),
        Request::List {} => Ok(Reply::Routes(table.names())),
        Request::Remove(name) => table
            .remove(&name.route)
            .map(|existed| Reply::Removed { existed }),
    };
    done.unwrap_or_else(|err| Reply::Refused { why: err.to_string() })
}
