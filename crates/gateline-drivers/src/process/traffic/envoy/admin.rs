//! Envoy's admin interface: what it has taken from the files, and what it has counted.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use gateline_model::{EnvoySettings, PodCounts, Span};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::fetch::{Ask, get, shown, url};
use crate::metrics::latency_of;
use crate::process::traffic::ANSWER_WITHIN;
use crate::{CheckError, StepError};

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One endpoint of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Endpoint {
    pub(super) at: SocketAddr,
    pub(super) is_draining: bool,
    pub(super) counts: PodCounts,
    pub(super) in_flight: u64,
}

/// The route configuration that is in force, as it was read; none before the first.
pub(super) async fn route(settings: &EnvoySettings) -> Result<Option<Value>, StepError> {
    #[derive(Deserialize)]
    struct Dump {
        #[serde(default)]
        configs: Vec<Config>,
    }
    #[derive(Deserialize)]
    struct Config {
        route_config: Option<Value>,
    }
    let text = ask(settings, "config_dump?resource=dynamic_route_configs").await?;
    let dump: Dump = read(settings, &text)?;
    let named = |config: Config| {
        let route = config.route_config?;
        (route["name"] == settings.route.as_str()).then_some(route)
    };
    let found = dump.configs.into_iter().find_map(named);
    Ok(found)
}

/// When it began to run, in seconds.
pub(super) async fn started(settings: &EnvoySettings) -> Result<i64, StepError> {
    #[derive(Deserialize)]
    struct Info {
        uptime_current_epoch: String,
    }
    let now = Timestamp::now().as_second();
    let text = ask(settings, "server_info").await?;
    let Info { uptime_current_epoch } = read(settings, &text)?;
    let seconds = uptime_current_epoch
        .strip_suffix('s')
        .and_then(|seconds| seconds.parse::<i64>().ok());
    seconds
        .map(|seconds| now - seconds)
        .ok_or_else(|| nonsense(settings, "it does not tell how long it runs"))
}

/// The endpoints of all clusters, by the cluster's name.
pub(super) async fn endpoints(
    settings: &EnvoySettings,
) -> Result<BTreeMap<String, Vec<Endpoint>>, StepError> {
    #[derive(Deserialize)]
    struct Clusters {
        #[serde(default)]
        cluster_statuses: Vec<Cluster>,
    }
    #[derive(Deserialize)]
    struct Cluster {
        name: String,
        #[serde(default)]
        host_statuses: Vec<Host>,
    }
    #[derive(Deserialize)]
    struct Host {
        address: Address,
        #[serde(default)]
        stats: Vec<Stat>,
        #[serde(default)]
        health_status: Health,
    }
    #[derive(Deserialize)]
    struct Address {
        socket_address: Option<Socket>,
    }
    #[derive(Deserialize)]
    struct Socket {
        address: IpAddr,
        port_value: u16,
    }
    #[derive(Deserialize)]
    struct Stat {
        name: String,
        #[serde(default)]
        value: Option<String>,
    }
    #[derive(Deserialize, Default)]
    struct Health {
        #[serde(default)]
        eds_health_status: String,
    }
    let text = ask(settings, "clusters?format=json").await?;
    let clusters: Clusters = read(settings, &text)?;
    let mut all = BTreeMap::new();
    for Cluster { name, host_statuses } in clusters.cluster_statuses {
        let mut endpoints = Vec::new();
        for Host {
            address,
            stats,
            health_status,
        } in host_statuses
        {
            let Some(Socket { address, port_value }) = address.socket_address else {
                continue;
            };
            let number = |name: &str| match stats.iter().find(|stat| stat.name == name) {
                None | Some(Stat { value: None, .. }) => Ok(0),
                Some(Stat {
                    value: Some(text), ..
                }) => text
                    .parse::<u64>()
                    .map_err(|_| nonsense(settings, "a count is no number")),
            };
            let requests = number("rq_total")?;
            endpoints.push(Endpoint {
                at: SocketAddr::new(address, port_value),
                is_draining: health_status.eds_health_status == "DRAINING",
                counts: PodCounts {
                    requests,
                    errors: number("rq_error")?.min(requests),
                    buckets: Vec::new(),
                },
                in_flight: number("rq_active")?,
            });
        }
        all.insert(name, endpoints);
    }
    Ok(all)
}

/// What the clusters have counted, in their order. The latency is asked for last: it may know more than the counts.
pub(super) async fn counts(
    settings: &EnvoySettings,
    clusters: &[String; 2],
) -> Result<Vec<PodCounts>, StepError> {
    let filter = |what: &str| {
        let [one, other] = clusters;
        format!("stats/prometheus?filter=^cluster\\.({one}|{other})\\.upstream_rq_({what})$")
    };
    let counted = ask(settings, &filter("completed|5xx")).await?;
    let latency = ask(settings, &filter("time")).await?;
    let one = |cluster: &String| {
        let said = |err: CheckError| nonsense(settings, &err.why);
        let label = [("envoy_cluster_name", cluster.as_str())];
        let of = |name: &str, more: &[(&str, &str)]| {
            let labels = [&label[..], more].concat();
            crate::metrics::count_of(&counted, name, &labels).map_err(said)
        };
        let requests = of("envoy_cluster_upstream_rq_completed", &[])?;
        let errors = of(
            "envoy_cluster_upstream_rq_xx",
            &[("envoy_response_code_class", "5")],
        )?;
        let buckets = latency_of(&latency, "envoy_cluster_upstream_rq_time_bucket", &label).map_err(said)?;
        Ok(PodCounts {
            requests,
            errors: errors.min(requests),
            // It counts milliseconds.
            buckets: buckets
                .into_iter()
                .map(|(bound, count)| (bound / 1_000.0, count.min(requests)))
                .collect(),
        })
    };
    clusters.iter().map(one).collect()
}

async fn ask(settings: &EnvoySettings, path: &str) -> Result<Vec<u8>, StepError> {
    let unknown = |err: CheckError| StepError::unknown(err.why);
    let base = url(&settings.admin).map_err(unknown)?;
    let at = base.join(path).map_err(|err| {
        StepError::failed(format!(
            "the address of Envoy's admin interface cannot be used: {err}"
        ))
    })?;
    let ask = Ask {
        url: &at,
        timeout: Span::from_millis(i64::try_from(ANSWER_WITHIN.as_millis()).unwrap_or(i64::MAX)),
        token: None,
        body_bytes_max: ANSWER_BYTES_MAX,
    };
    let answer = get(&ask, "*/*").await.map_err(unknown)?;
    if answer.status != 200 {
        return Err(unknown(answer.refused(&shown(&at))));
    }
    Ok(answer.body)
}

fn read<'a, T: Deserialize<'a>>(settings: &EnvoySettings, text: &'a [u8]) -> Result<T, StepError> {
    serde_json::from_slice(text).map_err(|err| nonsense(settings, &err.to_string()))
}

pub(super) fn nonsense(settings: &EnvoySettings, why: &str) -> StepError {
    StepError::unknown(format!(
        "Envoy at `{}` cannot be understood: {why}",
        settings.admin
    ))
}
