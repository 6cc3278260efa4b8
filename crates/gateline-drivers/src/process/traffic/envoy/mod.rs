//! Envoy by files: a route configuration and the endpoints of two clusters, which it takes as soon as they are moved into
//! place, and by its admin interface, where it shows what it has taken.
//!
//! Effect class: *observed*. The files outlive Envoy, so that a restart begins where the last one ended.

mod admin;
mod files;

use std::net::SocketAddr;

use gateline_model::{EnvoySettings, PodCounts};
use tokio::time::{Instant, sleep};

use self::admin::Endpoint;
use super::{LOOK_EVERY, Shown, TOLD_WITHIN};
use crate::StepError;
use crate::proxy::{Arms, Counts};

/// What Envoy shows.
pub(super) async fn shown(settings: &EnvoySettings) -> Result<Shown, StepError> {
    let clusters = files::clusters(settings);
    let started = admin::started(settings).await?;
    let route = admin::route(settings).await?;
    let counted = admin::counts(settings, &clusters).await?;
    let mut endpoints = admin::endpoints(settings).await?;
    let mut shown = Shown {
        arms: None,
        started,
        stable: Counts::default(),
        canary: Counts::default(),
        in_flight: Default::default(),
    };
    let mut ready: [Vec<SocketAddr>; 2] = Default::default();
    let sides = clusters
        .iter()
        .zip(counted)
        .zip(&mut ready)
        .zip([&mut shown.stable, &mut shown.canary]);
    for (((cluster, all), ready), counts) in sides {
        let Some(found) = endpoints.remove(cluster) else {
            return Err(admin::nonsense(
                settings,
                &format!("it has no cluster `{cluster}`"),
            ));
        };
        let PodCounts {
            requests,
            errors,
            buckets,
        } = all;
        (counts.requests, counts.errors, counts.buckets) = (requests, errors, buckets);
        for Endpoint {
            at,
            is_draining,
            counts: served,
            in_flight,
        } in found
        {
            if in_flight > 0 {
                *shown.in_flight.entry(at).or_default() += in_flight;
            }
            if !is_draining {
                ready.push(at);
                counts.backends.insert(at, served);
            }
        }
        ready.sort_unstable();
    }
    let Some(route) = route else {
        return Ok(shown);
    };
    let Some(arms) = files::arms_of(settings, &route) else {
        return Err(admin::nonsense(
            settings,
            &format!(
                "its route configuration `{}` is not one that was written here; look who else writes `{}`",
                settings.route, settings.folder
            ),
        ));
    };
    let [stable, canary] = ready;
    shown.arms = arms.map(|mut arms| {
        (arms.stable.backends, arms.canary.backends) = (stable, canary);
        arms
    });
    Ok(shown)
}

/// All backends that are wanted are endpoints. Nobody loses his place.
pub(super) async fn join(settings: &EnvoySettings, arms: &Arms) -> Result<(), StepError> {
    place(settings, arms, Rest::Stays).await
}

/// Backends that are not wanted any more get no new request; those that have none any more are forgotten.
pub(super) async fn leave(settings: &EnvoySettings, arms: &Arms) -> Result<(), StepError> {
    place(settings, arms, Rest::Drains).await
}

/// What becomes of backends that are not wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Stays,
    Drains,
}

async fn place(settings: &EnvoySettings, arms: &Arms, rest: Rest) -> Result<(), StepError> {
    let mut endpoints = admin::endpoints(settings).await?;
    let mut wanted = Vec::new();
    for (cluster, arm) in files::clusters(settings)
        .into_iter()
        .zip([&arms.stable, &arms.canary])
    {
        let mut ready = arm.backends.clone();
        let mut draining = Vec::new();
        for Endpoint {
            at,
            is_draining,
            in_flight,
            ..
        } in endpoints.remove(&cluster).unwrap_or_default()
        {
            if ready.contains(&at) {
                continue;
            }
            match (rest, is_draining) {
                (Rest::Stays, false) => ready.push(at),
                (Rest::Drains, false) => draining.push(at),
                (Rest::Stays | Rest::Drains, true) if in_flight > 0 => draining.push(at),
                (Rest::Stays | Rest::Drains, true) => {}
            }
        }
        let resource = files::endpoints(&cluster, &ready, &draining);
        write(settings, &format!("{cluster}.eds.json"), &resource)?;
        ready.sort_unstable();
        wanted.push((cluster, ready));
    }
    let deadline = Instant::now() + TOLD_WITHIN;
    loop {
        let found = admin::endpoints(settings).await?;
        let has = |(cluster, ready): &(String, Vec<SocketAddr>)| {
            let endpoints = found.get(cluster).map(Vec::as_slice).unwrap_or_default();
            let mut taking: Vec<SocketAddr> = endpoints
                .iter()
                .filter(|endpoint| !endpoint.is_draining)
                .map(|endpoint| endpoint.at)
                .collect();
            taking.sort_unstable();
            taking == *ready
        };
        if wanted.iter().all(has) {
            return Ok(());
        }
        late(settings, deadline)?;
        sleep(LOOK_EVERY).await;
    }
}

/// Requests are shared out as wanted, all at once.
pub(super) async fn share(settings: &EnvoySettings, arms: &Arms) -> Result<(), StepError> {
    let resource = files::route(settings, arms);
    write(settings, &format!("{}.rds.json", settings.route), &resource)?;
    let deadline = Instant::now() + TOLD_WITHIN;
    while admin::route(settings).await?.as_ref() != Some(&resource) {
        late(settings, deadline)?;
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn write(settings: &EnvoySettings, name: &str, resource: &serde_json::Value) -> Result<(), StepError> {
    files::write(settings, name, resource).map_err(|err| {
        StepError::failed(format!(
            "could not write `{name}` in `{}`: {err}; make the folder, and let Envoy read it",
            settings.folder
        ))
    })
}

fn late(settings: &EnvoySettings, deadline: Instant) -> Result<(), StepError> {
    if Instant::now() < deadline {
        return Ok(());
    }
    Err(StepError::unknown(format!(
        "Envoy at `{}` does not take the files in `{}` within {} seconds: look at its log, and whether it reads these files",
        settings.admin,
        settings.folder,
        TOLD_WITHIN.as_secs()
    )))
}
