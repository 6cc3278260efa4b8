//! Signals: instances of a release that ended although nobody asked them to, since the step that stands began.

use std::io;

use gateline_model::ReleaseId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instance::{Folder, Instance};

/// Most signals of one tick; further ones say nothing more.
pub const SIGNALS_MAX: usize = 8;

/// When the step that stands became true first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Began {
    key: String,
    at: Timestamp,
}

/// Notes that a step is true now, unless it was before.
pub(super) fn note(folder: &Folder, key: &str, now: Timestamp) -> io::Result<()> {
    if read(folder).is_some_and(|began| began.key == key) {
        return Ok(());
    }
    let began = Began {
        key: key.to_owned(),
        at: now,
    };
    folder.write(
        "step.began",
        &serde_json::to_vec(&began).expect("it is plain data"),
    )
}

/// What is wrong with the release's instances.
pub(super) async fn of(folder: &Folder, release: ReleaseId) -> io::Result<Vec<String>> {
    let began = read(folder);
    let mut signals = Vec::new();
    for instance in folder.instances_of(release)? {
        let Instance {
            n,
            version,
            started_at,
            restarts,
            ..
        } = &instance;
        if instance.alive().await?.is_none() {
            signals.push(match folder.how_it_ended(&instance) {
                Some(how) => format!("instance {n} of `{version}` ended {how}"),
                None => format!("instance {n} of `{version}` is gone"),
            });
        } else if *restarts > 0 && began.as_ref().is_some_and(|began| *started_at > began.at) {
            signals.push(format!(
                "instance {n} of `{version}` ended by itself and was started again"
            ));
        }
    }
    signals.truncate(SIGNALS_MAX);
    Ok(signals)
}

/// Without it, only what is wrong now is told.
fn read(folder: &Folder) -> Option<Began> {
    serde_json::from_slice(&folder.read("step.began")?).ok()
}
