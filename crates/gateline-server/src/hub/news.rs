//! News: servers that share a database tell each other that there is something to read. The log says what; whoever hears
//! nothing finds it at his next look.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, sync_channel};
use std::time::Duration;

use gateline_store::{PostgresAddress, PostgresListener, PostgresReader, PostgresStore};
use tracing::{info, warn};

use super::run::StartError;
use super::storekeeper::Job;

/// How long a server that is told of news goes without a look of its own.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same for one that a pooler keeps from being told.
pub(super) const LOOK_OFTEN: Duration = Duration::from_millis(200);
/// Least time between two tellings of one server: a notification is a commit of the whole database's.
const TELL_EVERY: Duration = Duration::from_millis(50);
/// How long a listener waits before it asks whether it is still wanted, or tries again.
const LISTEN_FOR: Duration = Duration::from_secs(5);

/// How a server hears of the others, and they of it.
pub(super) struct News {
    /// How long until the next look.
    pub look_every: Duration,
    /// Tells the others. Full when they are about to be told anyway.
    pub tell: std::sync::mpsc::SyncSender<()>,
}

/// The other servers on the database.
#[derive(Debug, Clone)]
pub(super) struct Others {
    address: PostgresAddress,
    /// Of this server: what it tells is no news to itself.
    name: String,
}

impl Others {
    pub(super) fn of(store: &PostgresStore) -> Self {
        Self {
            address: store.address().clone(),
            name: store.name().to_owned(),
        }
    }

    /// Tells them that there is news, now and from this thread.
    pub(super) fn tell(&self) {
        if let Err(err) = PostgresReader::at(&self.address).wake_others(&self.name) {
            warn!("Could not tell other servers of news; they look by themselves: {err}");
        }
    }
}

/// Starts listening and telling.
pub(super) fn start(store: &PostgresStore, jobs: &Sender<Job>) -> Result<News, StartError> {
    let (address, name) = (store.address().clone(), store.name().to_owned());
    let listener = PostgresListener::open(&address, &name)?;
    let look_every = if listener.is_some() {
        LOOK_EVERY
    } else {
        LOOK_OFTEN
    };
    match listener {
        Some(listener) => {
            let jobs = jobs.clone();
            spawn("gateline-listen", move || listen(listener, &jobs))?;
        }
        None => info!(
            "A pooler stands before the database: other servers' news is looked for every {} ms",
            LOOK_OFTEN.as_millis()
        ),
    }
    // One waiting is enough: they are told that there is news, not which.
    let (tell, told) = sync_channel(1);
    spawn("gateline-tell", move || tell_others(&address, &name, &told))?;
    Ok(News { look_every, tell })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
    std::thread::Builder::new().name(name.into()).spawn(work)?;
    Ok(())
}

fn listen(mut listener: PostgresListener, jobs: &Sender<Job>) {
    loop {
        let is_news = listener.wait(LISTEN_FOR).unwrap_or_else(|err| {
            warn!("Could not listen for other servers' news: {err}");
            std::thread::sleep(LISTEN_FOR);
            false
        });
        // The store's thread is gone: so is the server.
        if is_news && jobs.send(Job::LookOn).is_err() {
            return;
        }
    }
}

fn tell_others(address: &PostgresAddress, name: &str, told: &Receiver<()>) {
    let reader = PostgresReader::at(address);
    loop {
        match told.recv_timeout(LISTEN_FOR) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Err(err) = reader.wake_others(name) {
            warn!("Could not tell other servers of news; they look by themselves: {err}");
        }
        std::thread::sleep(TELL_EVERY);
    }
}
