//! The hands: one folder per outside system; each observes or performs, never decides.
//!
//! Knows no promotion and no log: an order comes in, what was seen or done goes out.

mod check;
pub mod command;
#[cfg(test)]
mod fake;
mod fetch;
mod fill;
pub mod http_check;
pub mod letter;
pub mod metrics;
pub mod named_file;
pub mod oci;
pub mod on_call;
pub mod outbound;
pub mod payment_service;
pub mod process;
pub mod proxy;
mod secret;
#[cfg(test)]
mod spoilt;
mod step;

use gateline_model::{CheckOrder, HealthSeen, Reading, StepAction, StepOrder, Target, TargetView, Tick};

pub use check::CheckError;
pub use fetch::REDIRECTS_MAX;
pub use secret::{
    HIDDEN, HIDDEN_BYTES_MIN, HIDDEN_MAX, SECRET_BYTES_MAX, hide as hide_secrets, read as read_secret,
};
pub use step::{Applied, Observed, StepError, StepErrorKind};

use process::ProcessDriver;

/// The table of drivers: which one speaks to which target. Keeps no memory but theirs.
#[derive(Debug, Clone)]
pub struct Drivers {
    /// Processes on this host.
    pub process: ProcessDriver,
    /// The channels on which people are told.
    pub post: std::sync::Arc<letter::Post>,
}

impl Drivers {
    /// Looks whether a step is true of its target.
    pub async fn observe(&self, order: &StepOrder) -> Observed {
        if let (StepAction::Degrade, Some(check)) = (order.action, &order.degrade) {
            return command::is_degraded(&self.process.state_dir, order, check);
        }
        match &order.target {
            Target::Process(_) => self.process.observe(order).await,
            Target::Command(target) => command::observe(target, order).await,
        }
    }

    /// Makes a step true of its target.
    ///
    /// # Errors
    /// [`StepError`], whose kind says whether the target can have changed.
    pub async fn apply(&self, order: &StepOrder) -> Result<Applied, StepError> {
        if let (StepAction::Degrade, Some(check)) = (order.action, &order.degrade) {
            return command::degrade(&self.process.state_dir, order, check).await;
        }
        match &order.target {
            Target::Process(_) => self.process.apply(order).await,
            Target::Command(target) => command::apply(target, order).await,
        }
    }

    /// Looks whether the live release works.
    pub async fn health(&self, view: &TargetView) -> HealthSeen {
        match &view.target {
            Target::Process(_) => self.process.health(view).await,
            Target::Command(target) => command::health(target, view).await,
        }
    }

    /// What the target itself counts of its traffic, one tick per arm.
    ///
    /// # Errors
    /// [`StepError`] where the target cannot be looked at, or counts nothing.
    pub async fn measure(&self, view: &TargetView) -> Result<Vec<Tick>, StepError> {
        match &view.target {
            Target::Process(_) => self.process.measure(view).await,
            Target::Command(_) => Err(StepError::failed(format_args!(
                "the target `{}` runs commands and counts no traffic: give the judge a `source`",
                view.target_name
            ))),
        }
    }

    /// Makes one live observation.
    ///
    /// # Errors
    /// [`CheckError`] whenever there is no trustworthy reading.
    pub async fn check(&self, order: &CheckOrder) -> Result<Reading, CheckError> {
        check::check(order).await
    }
}

/// Makes *ring* the process's cryptography for TLS. Called once by the binary; a second call changes nothing.
pub fn install_crypto() {
    // The error only says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Keeps other processes of the same user, those that pipelines start among them, from reading this one's environment and
/// memory. Its children begin without this.
///
/// # Errors
/// Where the kernel does not take it.
pub fn keep_to_oneself() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_degrading_command_runs_once_for_its_key_whatever_the_target() {
        let dir = tempfile::tempdir().unwrap();
        let drivers = Drivers {
            process: ProcessDriver {
                state_dir: dir.path().join("state"),
            },
            post: Default::default(),
        };
        let told = dir.path().join("told");
        let release = json!({"id": gateline_model::Digest::of(b"x"), "version": "1.4.0", "artifacts": []});
        let order = |key: &str, run: String| -> StepOrder {
            serde_json::from_value(json!({
                "key": key,
                "stage": {"project": "payments", "pipeline": "payment-service", "stage": "production"},
                "target_name": "payments/production",
                "target": {"process": {"command": ["x"], "listen": "127.0.0.1:1", "proxy": "no.sock"}},
                "release": release, "live": release, "action": {"do": "degrade"},
                "degrade": {"run": ["/bin/sh", "-c", run]},
            }))
            .unwrap()
        };
        let say = format!(
            "echo $GATELINE_ACTION $GATELINE_KEY $GATELINE_LIVE_VERSION >> {}",
            told.display()
        );
        let once = order("a/1", say.clone());
        assert!(matches!(drivers.observe(&once).await, Observed::NotApplied(_)));
        for _ in 0..2 {
            drivers.apply(&once).await.unwrap();
            assert_eq!(drivers.observe(&once).await, Observed::Applied);
        }
        drivers.apply(&order("a/2", say)).await.unwrap();
        assert_eq!(
            std::fs::read_to_string(&told).unwrap(),
            "degrade a/1 1.4.0\ndegrade a/2 1.4.0\n"
        );

        let refused = order("a/3", "echo no switch >&2; exit 4".to_owned());
        let err = drivers.apply(&refused).await.unwrap_err();
        assert!(
            err.why.contains("exit code 4") && err.why.contains("no switch"),
            "{err}"
        );
        assert!(
            matches!(drivers.observe(&refused).await, Observed::NotApplied(_)),
            "it may be tried again"
        );

        // Begun, and then the server died.
        let lost = order("a/4", "kill -9 $$".to_owned());
        assert_eq!(
            drivers.apply(&lost).await.unwrap_err().kind,
            StepErrorKind::Unknown
        );
        let seen = drivers.observe(&lost).await;
        assert!(
            matches!(&seen, Observed::Unknown(why) if why.contains("whether it was done")),
            "{seen:?}"
        );
        assert_eq!(
            drivers.apply(&lost).await.unwrap_err().kind,
            StepErrorKind::Unknown,
            "never twice"
        );
    }

    #[tokio::test]
    async fn an_order_reaches_the_driver_of_its_target() {
        let dir = tempfile::tempdir().unwrap();
        let drivers = Drivers {
            process: ProcessDriver {
                state_dir: dir.path().to_owned(),
            },
            post: Default::default(),
        };
        let say = |text: &str| json!(["/bin/sh", "-c", text]);
        let target = json!({"command": {"apply": say("echo done"), "observe": say("exit 1"), "health": say("exit 0")}});
        let release = json!({"id": gateline_model::Digest::of(b"x"), "version": "1.4.0", "artifacts": []});
        let order: StepOrder = serde_json::from_value(json!({
            "key": "promotion-1/1/1",
            "stage": {"project": "payments", "pipeline": "payment-service", "stage": "production"},
            "target_name": "payments/production", "target": target, "release": release, "live": null,
            "action": {"do": "start"},
        }))
        .unwrap();
        assert!(matches!(drivers.observe(&order).await, Observed::NotApplied(_)));
        assert_eq!(drivers.apply(&order).await.unwrap().says, "done\n");

        let StepOrder {
            target_name,
            target,
            release,
            ..
        } = order;
        let view = TargetView {
            target_name,
            target,
            release,
        };
        assert_eq!(
            drivers.health(&view).await,
            HealthSeen::from(gateline_model::Health::Healthy)
        );
        let err = drivers.measure(&view).await.unwrap_err();
        assert!(
            err.why
                .contains("`payments/production` runs commands and counts no traffic"),
            "{err}"
        );
    }
}
