//! HAProxy by its runtime API: two backends with server slots, and a map with the canary's share.
//!
//! Effect class: *observed*. Every command names the state that is wanted, so that it may be given twice. The frontend of
//! the configuration shares requests out by the map; how it does (cohorts, users who keep their arm) is not shown by
//! HAProxy and stands in the configuration alone. It copies no requests, and tells no latency buckets.

mod socket;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use gateline_model::{Cohort, HaproxySettings, RequestMark};

pub use socket::REPLY_BYTES_MAX;

use self::socket::ask;
use self::table::{Nonsense, Row, Slot, SlotIs};
use super::Shown;
use crate::StepError;
use crate::proxy::{ArmSettings, Arms, CohortRule, Counts, write_whole};

/// Key of the map under which the canary's share lies, in per cent.
const SHARE: &str = "share";

fn backends(settings: &HaproxySettings) -> [String; 2] {
    let name = settings.backend.as_str();
    [format!("{name}_stable"), format!("{name}_canary")]
}

fn wanted(arms: &Arms) -> [&ArmSettings; 2] {
    [&arms.stable, &arms.canary]
}

/// What HAProxy shows.
pub(super) async fn shown(settings: &HaproxySettings, by: Option<&RequestMark>) -> Result<Shown, StepError> {
    let nonsense = |err: Nonsense| unreadable(settings, &err);
    let map = ask(&settings.socket, &format!("show map {}", settings.map.as_str())).await?;
    let map = table::map(&map).map_err(nonsense)?;
    let rows = ask(&settings.socket, "show stat").await?;
    let rows = table::stat(&rows).map_err(nonsense)?;
    let info = ask(&settings.socket, "show info").await?;
    let started = table::info(&info, "Start_time_sec").map_err(nonsense)?;
    let mut in_flight = BTreeMap::new();
    let mut ready = Vec::new();
    let mut counts = Vec::new();
    for backend in backends(settings) {
        let slots = slots(settings, &backend).await?;
        let row = |name: &str| rows.get(&(backend.clone(), name.to_owned())).cloned();
        let Some(Row { counts: all, .. }) = row("BACKEND") else {
            return Err(StepError::unknown(format!(
                "HAProxy at `{}` shows no statistics of `{backend}`",
                settings.socket
            )));
        };
        let mut arm = Counts {
            requests: all.requests,
            errors: all.errors,
            ..Counts::default()
        };
        let mut at_ready = Vec::new();
        for Slot { name, at, is } in slots {
            let (Some(at), Some(row)) = (at.filter(|_| is != SlotIs::Empty), row(&name)) else {
                continue;
            };
            *in_flight.entry(at).or_default() += row.in_flight;
            if is == SlotIs::Ready {
                at_ready.push(at);
                arm.backends.insert(at, row.counts);
            }
        }
        at_ready.sort_unstable();
        ready.push(at_ready);
        counts.push(arm);
    }
    in_flight.retain(|_, count: &mut u64| *count > 0);
    let (Some(canary), Some(stable)) = (counts.pop(), counts.pop()) else {
        unreachable!("there are two backends")
    };
    Ok(Shown {
        arms: arms(settings, &map, by, ready)?,
        started,
        stable,
        canary,
        in_flight,
    })
}

/// The arms as map and slots show them; none where the map names no release.
fn arms(
    settings: &HaproxySettings,
    map: &BTreeMap<String, String>,
    by: Option<&RequestMark>,
    ready: Vec<Vec<SocketAddr>>,
) -> Result<Option<Arms>, StepError> {
    let [mut stable, mut canary] = ["stable", "canary"].map(|arm| ArmSettings {
        release: map.get(arm).cloned(),
        ..ArmSettings::default()
    });
    if stable.release.is_none() && canary.release.is_none() {
        return Ok(None);
    }
    let share = map.get(SHARE).map_or(Ok(0), |share| share.parse::<u8>());
    let share = share.ok().filter(|share| *share <= 100).ok_or_else(|| {
        StepError::unknown(format!(
            "the `{SHARE}` in HAProxy's map `{}` is no per cent",
            settings.map.as_str()
        ))
    })?;
    canary.weight = share;
    stable.weight = 100 - share;
    for (arm, ready) in [&mut stable, &mut canary].into_iter().zip(ready) {
        arm.backends = ready;
    }
    let has = |cohort: Cohort| map.get(cohort.word()).is_some_and(|value| value == "1");
    let upto = [Cohort::Trusted, Cohort::Internal]
        .into_iter()
        .find(|cohort| has(*cohort));
    let unknown = || RequestMark::Header("unknown".parse().expect("it is a plain name"));
    Ok(Some(Arms {
        stable,
        canary,
        cohort: upto.map(|upto| CohortRule {
            by: by.cloned().unwrap_or_else(unknown),
            upto,
        }),
        ..Arms::default()
    }))
}

/// All backends that are wanted have a slot that is ready. Nobody loses his.
pub(super) async fn join(settings: &HaproxySettings, arms: &Arms) -> Result<(), StepError> {
    let rows = ask(&settings.socket, "show stat").await?;
    let rows = table::stat(&rows).map_err(|err| unreadable(settings, &err))?;
    for (backend, arm) in backends(settings).iter().zip(wanted(arms)) {
        let slots = slots(settings, backend).await?;
        let is_idle = |slot: &&Slot| {
            let row = rows.get(&(backend.clone(), slot.name.clone()));
            slot.is == SlotIs::Empty
                || (slot.is == SlotIs::Draining && row.is_none_or(|row| row.in_flight == 0))
        };
        let mut missing: BTreeSet<SocketAddr> = arm.backends.iter().copied().collect();
        for slot in &slots {
            if let Some(at) = slot
                .at
                .filter(|at| slot.is != SlotIs::Empty && missing.remove(at))
                && slot.is == SlotIs::Draining
            {
                occupy(settings, backend, &slot.name, at).await?;
            }
        }
        let taken =
            |slot: &&Slot| slot.at.is_some_and(|at| arm.backends.contains(&at)) && slot.is != SlotIs::Empty;
        let mut free = slots.iter().filter(|slot| is_idle(slot) && !taken(slot));
        for at in missing {
            let Some(slot) = free.next() else {
                return Err(StepError::failed(format!(
                    "the backend `{backend}` of HAProxy has {} slots, too few for {} instances beside those that finish: raise the number of its `server-template`",
                    slots.len(),
                    arm.backends.len()
                )));
            };
            occupy(settings, backend, &slot.name, at).await?;
        }
    }
    Ok(())
}

async fn occupy(
    settings: &HaproxySettings,
    backend: &str,
    slot: &str,
    at: SocketAddr,
) -> Result<(), StepError> {
    let (ip, port) = (at.ip(), at.port());
    for command in [
        format!("set server {backend}/{slot} state maint"),
        format!("set server {backend}/{slot} addr {ip} port {port}"),
        format!("set server {backend}/{slot} state ready"),
    ] {
        // What it says of it is for people; whether it is so is looked at afterwards.
        ask(&settings.socket, &command).await?;
    }
    Ok(())
}

/// Requests are shared out as wanted, all at once: the map is replaced whole.
pub(super) async fn share(settings: &HaproxySettings, arms: &Arms) -> Result<(), StepError> {
    let path = settings.map.as_str();
    let mut lines = format!("{SHARE} {}\n", arms.canary.weight);
    for (name, arm) in ["stable", "canary"].into_iter().zip(wanted(arms)) {
        if let Some(release) = &arm.release {
            lines.push_str(&format!("{name} {release}\n"));
        }
    }
    for cohort in [Cohort::Internal, Cohort::Trusted] {
        if arms.cohort.as_ref().is_some_and(|rule| cohort <= rule.upto) {
            lines.push_str(&format!("{cohort} 1\n"));
        }
    }
    let told = ask(&settings.socket, &format!("prepare map {path}")).await?;
    let version = told
        .trim()
        .strip_prefix("New version created: ")
        .and_then(|version| version.parse::<u64>().ok());
    let Some(version) = version else {
        return Err(StepError::failed(format!(
            "HAProxy at `{}` begins no new map `{path}`: {}",
            settings.socket,
            told.trim()
        )));
    };
    for command in [
        format!("add map @{version} {path} <<\n{lines}"),
        format!("commit map @{version} {path}"),
    ] {
        let told = ask(&settings.socket, &command).await?;
        if !told.trim().is_empty() {
            return Err(StepError::unknown(format!(
                "HAProxy at `{}` does not take the map `{path}`: {}",
                settings.socket,
                told.trim()
            )));
        }
    }
    // A restarted HAProxy reads the file: from here on it begins as this one is.
    write_whole(Path::new(path), lines.as_bytes())
        .map_err(|err| StepError::unknown(format!("could not write HAProxy's map `{path}`: {err}")))
}

/// Backends that are not wanted any more get no new request; slots where nobody has one any more are emptied.
pub(super) async fn leave(settings: &HaproxySettings, arms: &Arms) -> Result<(), StepError> {
    let rows = ask(&settings.socket, "show stat").await?;
    let rows = table::stat(&rows).map_err(|err| unreadable(settings, &err))?;
    for (backend, arm) in backends(settings).iter().zip(wanted(arms)) {
        for slot in slots(settings, backend).await? {
            let is_wanted = slot.at.is_some_and(|at| arm.backends.contains(&at));
            let in_flight = rows
                .get(&(backend.clone(), slot.name.clone()))
                .map_or(0, |row| row.in_flight);
            let state = match slot.is {
                SlotIs::Ready if !is_wanted => "drain",
                SlotIs::Draining if in_flight == 0 => "maint",
                SlotIs::Ready | SlotIs::Draining | SlotIs::Empty => continue,
            };
            let command = format!("set server {backend}/{} state {state}", slot.name);
            ask(&settings.socket, &command).await?;
        }
    }
    let Some(file) = &settings.state_file else {
        return Ok(());
    };
    let state = ask(&settings.socket, "show servers state").await?;
    write_whole(Path::new(file), state.as_bytes())
        .map_err(|err| StepError::unknown(format!("could not write HAProxy's state file `{file}`: {err}")))
}

async fn slots(settings: &HaproxySettings, backend: &str) -> Result<Vec<Slot>, StepError> {
    let text = ask(&settings.socket, &format!("show servers state {backend}")).await?;
    table::slots(&text).map_err(|err| unreadable(settings, &err))
}

fn unreadable(settings: &HaproxySettings, err: &Nonsense) -> StepError {
    StepError::unknown(format!(
        "HAProxy at `{}` cannot be understood: {err}",
        settings.socket
    ))
}
