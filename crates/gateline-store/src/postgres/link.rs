//! A link: one connection, used from a thread that waits. Whoever waits carries its messages; one thread of the process wakes
//! him when there are any, and carries those of a connection that hears.
//!
//! Keeps nothing in the session that must outlive a transaction, so that a pooler may give each transaction another server.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, Fuse, join, join_all, select, try_join_all};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Handle};
use tokio::task::{AbortHandle, unconstrained};
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row, Socket, Statement};

use super::error::{Failure, why};
use super::sql::{self, Plan, Sql};
use super::{PostgresAddress, PostgresError, direct, tls};

/// How long a transaction waits for the lock of another one, as the server counts.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server waits for a client that holds a transaction open and says nothing: a replica that stands still must
/// not hold the log.
pub const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take before the connection is given up: longer than both, so that the server speaks first.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long a read of much may take.
pub const READ_WITHIN: Duration = Duration::from_secs(60);

/// What is planned once is planned while the tables are small, and must find its rows as fast when they are large: by an index,
/// which each of its statements has.
pub(super) const FOR_ANY_SIZE: &str = "SET enable_seqscan = off; SET jit = off";

/// Parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// What a statement does, once it is sent.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + 'a>>;

/// Where to pass on what others tell.
pub(super) type Heard = Option<Sender<String>>;

/// One connection. It ends with the value, without a word to the server.
pub(super) struct Link {
    client: Client,
    io: Handle,
    /// None where a pooler stands in between: then each statement is planned each time.
    prepared: Option<RefCell<HashMap<&'static str, Statement>>>,
    begin: String,
    /// How often the server said that a commit is not where it should be.
    doubts: Arc<AtomicU64>,
    carrier: Carrier,
}

/// Who carries a connection's messages.
enum Carrier {
    /// The thread that serves sockets: for a connection that hears while nobody waits.
    Served(AbortHandle),
    /// Whoever waits for an answer: no other thread stands between him and the server.
    Waiting(RefCell<Fuse<BoxFuture<'static, ()>>>),
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if let Self::Served(task) = self {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("is_direct", &self.is_direct())
            .finish_non_exhaustive()
    }
}

/// The thread that serves all sockets of this process.
pub(super) fn io() -> std::io::Result<Handle> {
    static IO: OnceLock<Handle> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = IO.get() {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("gateline-postgres".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(IO.get_or_init(|| handle).clone())
}

/// Waits for what is done on the thread of the sockets. Not longer than `within`.
pub(super) fn wait<T>(
    io: &Handle,
    within: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Failure> {
    let _timers = io.enter();
    // Not tokio's: readers wait on threads that belong to the server's runtime. Whose budget of polls nobody renews here, so
    // that whoever heeded it would spin for ever.
    let done = futures::executor::block_on(unconstrained(async { tokio::time::timeout(within, work).await }));
    match done {
        Ok(done) => done.map_err(Failure::Said),
        Err(_) => Err(Failure::Late(within)),
    }
}

/// Connects to one host; gives what is asked with it and what carries that.
async fn connect<T>(
    host: &Config,
    tls: T,
    counted: &Arc<AtomicU64>,
    heard: &Heard,
) -> Result<(Client, BoxFuture<'static, ()>), tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + Unpin + 'static,
{
    let (client, connection) = host.connect(tls).await?;
    Ok((client, serve(connection, counted.clone(), heard.clone()).boxed()))
}

/// Why no host let us in; of several each is named: the last one is not always the one that tells.
fn why_of_each(refused: &[(Config, tokio_postgres::Error)]) -> String {
    if let [(_, err)] = refused {
        return why(err);
    }
    let named = refused.iter().map(|(host, err)| {
        let name = match host.get_hosts() {
            [Host::Tcp(name), ..] => name.clone(),
            [Host::Unix(path), ..] => path.display().to_string(),
            [] => "a host".to_owned(),
        };
        let port = host.get_ports().first().copied().unwrap_or(5432);
        format!("`{name}:{port}`: {}", why(err))
    });
    named.collect::<Vec<_>>().join(" | ")
}

impl Link {
    /// Connects.
    pub(super) fn open(address: &PostgresAddress) -> Result<Self, PostgresError> {
        Self::hearing(address, None)
    }

    /// Connects, and passes on what others tell.
    pub(super) fn hearing(address: &PostgresAddress, heard: Heard) -> Result<Self, PostgresError> {
        let open = |why: String| PostgresError::Open {
            address: address.to_string(),
            why,
        };
        let hosts = address.hosts()?;
        let io = io().map_err(|err| open(format!("no thread for it: {err}")))?;
        let doubts = Arc::new(AtomicU64::new(0));
        // Each host has its own time to answer, and then there are our questions.
        let within = super::CONNECT_TIMEOUT * hosts.len() as u32 + ANSWER_WITHIN;
        let connector = address.tls.as_ref().map(tls::connector).transpose()?;
        let (hears, counted) = (heard.is_some(), doubts.clone());
        let connected = wait(&io, within, async move {
            let mut refused = Vec::new();
            for host in hosts {
                let connected = match &connector {
                    Some(connector) => connect(&host, connector.clone(), &counted, &heard).await,
                    None => connect(&host, NoTls, &counted, &heard).await,
                };
                match connected {
                    Ok(connected) => return Ok(Ok(connected)),
                    Err(err) => refused.push((host, err)),
                }
            }
            Ok(Err(refused))
        });
        let connected = connected.map_err(|failure| open(failure.why()))?;
        let (client, serving) = connected.map_err(|refused| open(why_of_each(&refused)))?;
        let carrier = match hears {
            true => Carrier::Served(io.spawn(serving).abort_handle()),
            false => Carrier::Waiting(RefCell::new(serving.fuse())),
        };
        let mut link = Self {
            client,
            io,
            prepared: None,
            begin: String::new(),
            doubts,
            carrier,
        };
        link.introduce(address).map_err(|failure| match failure {
            Failure::Closed(err) => err,
            Failure::Said(_) | Failure::Late(_) => open(failure.why()),
        })?;
        Ok(link)
    }

    /// Learns what stands at the other end.
    fn introduce(&mut self, address: &PostgresAddress) -> Result<(), Failure> {
        let encrypted = address.tls.is_some();
        let (told, rows) = self.wait(ANSWER_WITHIN, async {
            let told = direct::told_process(&self.client, encrypted).await;
            Ok((told, self.query(&sql::BACKEND, &[]).await?))
        })?;
        let found = |why: &str| {
            Failure::Closed(PostgresError::Open {
                address: address.to_string(),
                why: why.to_owned(),
            })
        };
        let row = rows.first().ok_or_else(|| found("it does not say who it is"))?;
        let (process, commit, encoding): (i32, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let version: i32 = row.try_get(3)?;
        if version < SERVER_VERSION_MIN {
            return Err(found("it is older than PostgreSQL 13; upgrade it"));
        }
        if encoding != "UTF8" {
            return Err(found(
                "its encoding is not UTF8; make the database with `createdb --encoding=UTF8`",
            ));
        }
        self.begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '{}s'; \
             SET LOCAL idle_in_transaction_session_timeout = '{}s'; SET LOCAL statement_timeout = 0",
            LOCK_TIMEOUT.as_secs(),
            IDLE_IN_TRANSACTION_TIMEOUT.as_secs()
        );
        // Nothing is acknowledged that a power failure could take back, whatever else the database is used for.
        if matches!(commit.as_str(), "off" | "local") {
            self.begin.push_str("; SET LOCAL synchronous_commit = on");
        }
        if told == Some(process) {
            self.prepared = Some(RefCell::default());
        }
        Ok(())
    }

    /// Plans what every batch runs, in one round trip.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        let Some(prepared) = &self.prepared else {
            return Ok(());
        };
        let once = sql::ALL.iter().filter(|sql| sql.plan == Plan::Once);
        let planned = once.map(|sql| async move {
            let statement = self.client.prepare_typed(sql.text, sql.types).await?;
            Ok((sql.text, statement))
        });
        let planned = self.wait(ANSWER_WITHIN, async {
            self.batch(FOR_ANY_SIZE).await?;
            try_join_all(planned).await
        })?;
        prepared.borrow_mut().extend(planned);
        Ok(())
    }

    /// Whether nobody stands between this connection and its server.
    pub(super) fn is_direct(&self) -> bool {
        self.prepared.is_some()
    }

    /// Whether the connection is gone.
    pub(super) fn is_closed(&self) -> bool {
        if let Carrier::Waiting(carrier) = &self.carrier {
            // What came while nobody waited.
            let _ = unconstrained(&mut *carrier.borrow_mut()).now_or_never();
        }
        self.client.is_closed()
    }

    /// How often the server said that a commit is not where it should be.
    pub(super) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Acquire)
    }

    pub(super) fn wait<T>(
        &self,
        within: Duration,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        let Carrier::Waiting(carrier) = &self.carrier else {
            return wait(&self.io, within, work);
        };
        let mut carrier = carrier.borrow_mut();
        wait(&self.io, within, async {
            match select(pin!(work), &mut *carrier).await {
                Either::Left((done, _)) => done,
                // Nothing is carried any more: what is asked hears so.
                Either::Right(((), work)) => work.await,
            }
        })
    }

    /// Sends a statement when it is first polled: those that are polled one after another share a round trip.
    pub(super) async fn query(
        &self,
        sql: &Sql,
        params: Params<'_>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let prepared = self
            .prepared
            .as_ref()
            .and_then(|all| all.borrow().get(sql.text).cloned());
        match prepared {
            Some(statement) => self.client.query(&statement, params).await,
            None => self.client.query_typed(sql.text, &typed(sql, params)).await,
        }
    }

    /// The same for a statement that gives no rows; tells how many it changed.
    pub(super) async fn execute(&self, sql: &Sql, params: Params<'_>) -> Result<u64, tokio_postgres::Error> {
        let prepared = self
            .prepared
            .as_ref()
            .and_then(|all| all.borrow().get(sql.text).cloned());
        match prepared {
            Some(statement) => self.client.execute(&statement, params).await,
            None => self.client.execute_typed(sql.text, &typed(sql, params)).await,
        }
    }

    /// One text from one row, for what is asked before the tables are known.
    pub(super) async fn text(&self, sql: &str) -> Result<Option<String>, tokio_postgres::Error> {
        let rows = self.client.query_typed(sql, &[]).await?;
        rows.first().map_or(Ok(None), |row| row.try_get(0))
    }

    /// Plans a statement and forgets it.
    #[cfg(test)]
    pub(super) async fn check(&self, sql: &Sql) -> Result<(), tokio_postgres::Error> {
        self.client.prepare_typed(sql.text, sql.types).await.map(drop)
    }

    /// Text without parameters, as migrations are.
    pub(super) async fn batch(&self, text: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(text).await
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<(), tokio_postgres::Error> {
        self.batch(&self.begin).await
    }

    /// Runs statements and the commit in one round trip. Tells how many rows each changed.
    ///
    /// # Errors
    /// With the first statement's failure, if one failed: then the commit was none.
    pub(super) fn commit(&self, statements: Vec<Answer<'_, u64>>) -> Result<Vec<u64>, Failure> {
        let doubts = self.doubts();
        let done = self.wait(ANSWER_WITHIN, async {
            // In this order on the wire, because in this order they are polled first.
            let (changed, committed) = join(in_order(statements), self.batch("COMMIT")).await;
            let changed = changed.into_iter().collect::<Result<Vec<_>, _>>()?;
            committed.map(|()| changed)
        })?;
        // The server gave up waiting for its standby and committed all the same: a failover may take it back.
        if self.doubts() != doubts {
            return Err(Failure::Late(ANSWER_WITHIN));
        }
        Ok(done)
    }

    /// Leaves a transaction that is not to be committed. A connection that cannot is no more of use.
    pub(super) fn roll_back(&self) -> Result<(), Failure> {
        self.wait(ANSWER_WITHIN, self.batch("ROLLBACK"))
    }
}

/// The oldest server that has what the statements use (`gen_random_uuid`).
const SERVER_VERSION_MIN: i32 = 130_000;

/// Polls each in turn, so that all are sent before the first is answered.
async fn in_order(statements: Vec<Answer<'_, u64>>) -> Vec<Result<u64, tokio_postgres::Error>> {
    // Up to thirty are kept in a row and polled from its front; more would be polled as they wake.
    debug_assert!(statements.len() <= 30, "a batch has a statement a table");
    join_all(statements).await
}

fn typed<'a>(sql: &Sql, params: Params<'a>) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params.iter().copied().zip(sql.types.iter().cloned()).collect()
}

/// Carries messages until either side hangs up.
async fn serve<S, T>(mut connection: Connection<S, T>, doubts: Arc<AtomicU64>, heard: Heard)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            // Told before the acknowledgement that it takes the worth of.
            AsyncMessage::Notice(notice) if *notice.code() == SqlState::WARNING => {
                doubts.fetch_add(1, Ordering::Release);
            }
            AsyncMessage::Notification(told) => {
                if let Some(heard) = &heard {
                    // Nobody listens any more: then nobody is woken.
                    let _ = heard.send(told.payload().to_owned());
                }
            }
            _ => {}
        }
    }
}
