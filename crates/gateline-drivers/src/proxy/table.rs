//! All routes of the proxy, and the file that they survive a restart in.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::forward::{Client, client};
use super::listener::Listener;
use super::route::{InFlight, LiveRoute};
use super::wire::{ROUTES_MAX, Route, RouteError, RouteView, View};

/// Why the routes could not be read back or changed.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The route itself is wrong.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// There are too many routes.
    #[error("the proxy already has {ROUTES_MAX} routes: remove one first")]
    Full,
    /// The same key came with another setting.
    #[error("the key `{0}` was already used for another setting of this route: use a new key")]
    KeyReused(String),
    /// The route's address cannot be had.
    #[error("could not listen on {listen}: {err}; free the address or give the route another one")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        #[source]
        err: io::Error,
    },
    /// The state file cannot be read or written.
    #[error("could not keep the routes in `{}`: {err}", path.display())]
    File {
        /// The state file.
        path: PathBuf,
        /// What the system says.
        #[source]
        err: io::Error,
    },
    /// The state file says nothing that makes sense.
    #[error("`{}` does not hold routes: {why}; move it away to start without routes", path.display())]
    Malformed {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// What the state file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    routes: Vec<Route>,
}

/// The routes.
#[derive(Debug)]
pub(super) struct Table {
    entries: BTreeMap<String, Entry>,
    in_flight: Arc<InFlight>,
    client: Client,
    path: PathBuf,
}

#[derive(Debug)]
struct Entry {
    live: Arc<LiveRoute>,
    listener: Listener,
}

impl Table {
    /// The routes of the state file, serving; none when there is no file.
    pub(super) fn load(path: PathBuf) -> Result<Self, TableError> {
        let malformed = |why: String| TableError::Malformed {
            path: path.clone(),
            why,
        };
        let kept: Kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|err| malformed(err.to_string()))?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => Kept { routes: Vec::new() },
            Err(err) => return Err(TableError::File { path, err }),
        };
        let mut table = Self {
            entries: BTreeMap::new(),
            in_flight: Arc::default(),
            client: client(),
            path: path.clone(),
        };
        for route in kept.routes {
            route.check().map_err(|err| malformed(err.to_string()))?;
            let (name, listen) = (route.route.clone(), route.listen);
            let live = Arc::new(LiveRoute::new(route, table.in_flight.clone()));
            let listener = Listener::serve_when_free(listen, live.clone(), table.client.clone());
            table.entries.insert(name, Entry { live, listener });
        }
        Ok(table)
    }

    /// Makes the route as asked; false when it was so before.
    pub(super) async fn set(&mut self, route: Route) -> Result<bool, TableError> {
        route.check()?;
        let before = self
            .entries
            .get(&route.route)
            .map(|entry| (entry.live.view().0, entry.listener.is_listening()));
        let mut listener = None;
        match &before {
            Some((set, true)) if *set == route => return Ok(false),
            Some((set, _)) if set.key == route.key && *set != route => {
                return Err(TableError::KeyReused(route.key));
            }
            Some((set, true)) if set.listen == route.listen => {}
            None if self.entries.len() >= ROUTES_MAX => return Err(TableError::Full),
            Some(_) | None => {
                let listen = route.listen;
                listener = Some(
                    TcpListener::bind(listen)
                        .await
                        .map_err(|err| TableError::Listen { listen, err })?,
                );
            }
        }
        // Kept before it is true: after a crash in between, the restarted proxy makes it true.
        self.keep(|routes| {
            routes.insert(route.route.clone(), route.clone());
        })?;
        let name = route.route.clone();
        let live = match self.entries.get(&name) {
            Some(entry) => {
                entry.live.change(route);
                entry.live.clone()
            }
            None => Arc::new(LiveRoute::new(route, self.in_flight.clone())),
        };
        if let Some(listener) = listener {
            let listener = Listener::serve(listener, live.clone(), self.client.clone());
            self.entries.insert(name, Entry { live, listener });
        }
        Ok(true)
    }

    /// Ends the route; false when there was none.
    pub(super) fn remove(&mut self, name: &str) -> Result<bool, TableError> {
        if !self.entries.contains_key(name) {
            return Ok(false);
        }
        self.keep(|routes| {
            routes.remove(name);
        })?;
        if let Some(Entry { live, listener }) = self.entries.remove(name) {
            drop(listener);
            live.end();
        }
        Ok(true)
    }

    pub(super) fn view(&self, name: &str) -> View {
        let route = self.entries.get(name).map(|Entry { live, listener }| {
            let (set, stable, canary) = live.view();
            RouteView {
                set,
                listening: listener.is_listening(),
                stable,
                canary,
            }
        });
        View {
            route,
            in_flight: self.in_flight.counts(),
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// Takes no new connections; requests in flight go on. The state file stays.
    pub(super) fn end(&mut self) {
        for (_, Entry { live, listener }) in std::mem::take(&mut self.entries) {
            drop(listener);
            live.ending.send_replace(true);
        }
    }

    /// Requests in flight, over all routes.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.counts().values().sum()
    }

    fn keep(&self, change: impl FnOnce(&mut BTreeMap<String, Route>)) -> Result<(), TableError> {
        let mut routes = self
            .entries
            .iter()
            .map(|(name, entry)| (name.clone(), entry.live.view().0))
            .collect();
        change(&mut routes);
        let kept = Kept {
            routes: routes.into_values().collect(),
        };
        let bytes = serde_json::to_vec_pretty(&kept).expect("routes are plain data");
        write_whole(&self.path, &bytes).map_err(|err| TableError::File {
            path: self.path.clone(),
            err,
        })
    }
}

/// Replaces a file's content at once: after a crash it holds the old or the new content, never a part.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}
