//! Leaving: a server that is told to stop takes no more work, lets what acts on the outside end while there is time, and
//! gives everything else back, so that another server goes on at once instead of when the leases have run out.
//!
//! Requests are still answered meanwhile. What is not over in time is ended and given back like what only looks: another
//! server observes before it applies, as after a crash.

use std::time::Duration;

use gateline_engine::{HandOver, Input};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{info, warn};

use super::{Hub, lock};

/// How long giving the work back may take, with a database that answers slowly. Then the leases expire by themselves.
pub const HAND_OVER_SECS_MAX: u64 = 5;
/// Time between two looks at whether everything has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What of this server's work is ended, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ended {
    /// Nothing: it serves.
    Nothing,
    /// What only looks.
    Looks,
    /// Everything.
    All,
}

impl Hub {
    /// Hands all work over. What acts on the outside may end by itself until `within` is over; then it is ended.
    pub async fn leave(&self, within: Duration) {
        let began = Instant::now();
        self.hand_over(Ended::Looks, HandOver::Looks, began + within)
            .await;
        while !self.is_idle() && began.elapsed() < within {
            sleep_until(Instant::now() + LOOK_EVERY).await;
        }
        if !self.is_idle() {
            warn!(
                "Work was still under way after {} s; it is ended here and given back",
                within.as_secs()
            );
        }
        let until = Instant::now() + Duration::from_secs(HAND_OVER_SECS_MAX);
        match self.hand_over(Ended::All, HandOver::All, until).await {
            true => info!("Handed all work over"),
            false => warn!(
                "Not all work could be given back within {HAND_OVER_SECS_MAX} s; its leases expire by themselves"
            ),
        }
    }

    /// Ends what is done here, gives it back, and tells the others. Tells whether the store has taken all of it.
    async fn hand_over(&self, ended: Ended, what: HandOver, until: Instant) -> bool {
        self.shared.ended.send_replace(ended);
        if ended == Ended::All {
            // Every piece that is performed holds a receiver until it is gone.
            let _ = timeout_at(until, self.shared.ended.closed()).await;
        }
        let (tell, told) = oneshot::channel();
        *lock(&self.shared.handed_over) = Some(tell);
        let asked = self.shared.inputs.send(Input::HandOver(what));
        let done = asked.is_ok() && matches!(timeout_at(until, told).await, Ok(Ok(())));
        if let (true, Some(others)) = (done, self.shared.others.clone()) {
            // They would look by themselves within a second.
            let _ = timeout_at(until, tokio::task::spawn_blocking(move || others.tell())).await;
        }
        done
    }

    fn is_idle(&self) -> bool {
        let engine = self.shared.engine.read();
        engine
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .is_idle()
    }
}

/// Returns when work of this kind is ended here; never while the server serves.
pub(super) async fn until_ended(mut ended: watch::Receiver<Ended>, at: Ended) {
    if ended.wait_for(|now| *now >= at).await.is_err() {
        // Nobody can end it any more.
        std::future::pending::<()>().await;
    }
}
