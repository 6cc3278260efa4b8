//! The limits: group commit with nothing around it, and `fdatasync` of the same bytes.
//!
//! A group committer is what anybody would write first: clients on tokio channels, one who takes all that wait, writes
//! their rows in one transaction, and answers when that is durable. It checks, hashes and serialises nothing.

pub(super) mod postgres;
pub(super) mod sqlite;

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::numbers::Times;

/// Which rows a bare committer writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tables {
    /// All that the store writes, into its own tables with their indexes.
    Same,
    /// The body alone.
    Fewest,
}

/// Rows, and who waits for them.
type Ask<R> = (R, oneshot::Sender<()>);

/// One who commits for whoever waits.
pub(super) struct Committer<R> {
    asks: mpsc::UnboundedSender<Ask<R>>,
    commits: Arc<AtomicU64>,
}

/// What a round of a limit came to.
pub(super) struct Round {
    pub seconds: f64,
    pub commits: u64,
    pub times: Times,
}

/// Has so many clients, spread over the committers, write these rows, each waiting for one before it sends the next.
pub(super) async fn round<R: Clone + Send + 'static>(
    committers: &[Committer<R>],
    rows: &[R],
    clients: usize,
) -> Result<Round, String> {
    let commits = || -> u64 {
        let all = committers.iter();
        all.map(|one| one.commits.load(Ordering::Relaxed)).sum()
    };
    let before = commits();
    let mut shares = vec![Vec::new(); clients];
    for (number, rows) in rows.iter().enumerate() {
        shares[number % clients].push(rows.clone());
    }
    let began = Instant::now();
    let tasks = shares.into_iter().enumerate().map(|(client, share)| {
        let asks = committers[client % committers.len()].asks.clone();
        tokio::spawn(async move {
            let mut times = Times::default();
            for rows in share {
                let asked = Instant::now();
                let (tell, told) = oneshot::channel();
                let _ = asks.send((rows, tell));
                told.await.map_err(|_| "the bare committer stopped".to_owned())?;
                times.push(asked.elapsed());
            }
            Ok::<_, String>(times)
        })
    });
    let mut times = Times::default();
    for task in tasks.collect::<Vec<_>>() {
        times.extend(task.await.map_err(|err| err.to_string())??);
    }
    Ok(Round {
        seconds: began.elapsed().as_secs_f64(),
        commits: commits() - before,
        times,
    })
}

/// How long it takes to append these bytes to a file, each batch made durable.
pub(super) fn fdatasync(file: &mut File, pieces: &[Vec<u8>], per_sync: usize) -> Result<Duration, String> {
    let batches: Vec<Vec<u8>> = pieces.chunks(per_sync.max(1)).map(<[_]>::concat).collect();
    let began = Instant::now();
    for batch in batches {
        file.write_all(&batch)
            .and_then(|()| file.sync_data())
            .map_err(|err| format!("bare file: {err}"))?;
    }
    Ok(began.elapsed())
}
