//! The files that Envoy reads: a route configuration and the endpoints of two clusters, written whole and moved into place.
//!
//! What is written here is read back from Envoy by `route_of`; the two are held against each other by a test.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use gateline_model::{Cohort, Digest, EnvoySettings, RequestMark};
use serde_json::{Value, json};

use crate::proxy::{ANSWER_HEAD_WITHIN, ArmSettings, Arms, CohortRule, write_whole};

/// The names of the two clusters: stable and canary.
pub(super) fn clusters(settings: &EnvoySettings) -> [String; 2] {
    let name = settings.route.as_str();
    [format!("{name}_stable"), format!("{name}_canary")]
}

/// The route configuration of these arms; one that answers 503 where no release serves.
pub(super) fn route(settings: &EnvoySettings, arms: &Arms) -> Value {
    let [stable, canary] = clusters(settings);
    let timeout = format!("{}s", ANSWER_HEAD_WITHIN.as_secs());
    let mut routes = Vec::new();
    if let Some(CohortRule { by, upto }) = &arms.cohort {
        let words = match upto {
            Cohort::Internal => "internal",
            Cohort::Trusted => "internal|trusted",
        };
        let (name, regex) = match by {
            RequestMark::Header(name) => (name.as_str(), format!("({words})")),
            RequestMark::Cookie(name) => ("cookie", format!("(.*; ?)?{name}=\"?({words})\"?(;.*)?")),
        };
        routes.push(json!({
            "match": {"prefix": "/", "headers": [{"name": name, "string_match": {"safe_regex": {"regex": regex}}}]},
            "route": {"cluster": canary, "timeout": timeout},
        }));
    }
    if arms.stable.release.is_none() && arms.canary.release.is_none() {
        routes.push(json!({"match": {"prefix": "/"}, "direct_response": {"status": 503}}));
    } else {
        let mut action = json!({
            "weighted_clusters": {"clusters": [
                {"name": canary, "weight": arms.canary.weight},
                {"name": stable, "weight": arms.stable.weight},
            ]},
            "timeout": timeout,
        });
        if let Some(mark) = &arms.sticky {
            action["weighted_clusters"]["use_hash_policy"] = json!(true);
            action["hash_policy"] = match mark {
                RequestMark::Header(name) => json!([{"header": {"header_name": name}}]),
                RequestMark::Cookie(name) => json!([{"cookie": {"name": name}}]),
            };
        }
        if arms.mirror > 0 {
            let fraction = json!({"default_value": {"numerator": arms.mirror}});
            action["request_mirror_policies"] = json!([{"cluster": canary, "runtime_fraction": fraction}]);
        }
        let mut releases = json!({});
        for (name, arm) in [("stable", &arms.stable), ("canary", &arms.canary)] {
            if let Some(release) = &arm.release {
                releases[name] = json!(release);
            }
        }
        if let Some(CohortRule { by, upto }) = &arms.cohort {
            releases["cohort"] = json!(upto.word());
            releases["by"] = json!(mark_text(by));
        }
        routes.push(json!({
            "match": {"prefix": "/"},
            "route": action,
            "metadata": {"filter_metadata": {"gateline": releases}},
        }));
    }
    json!({
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": settings.route,
        "virtual_hosts": [{"name": settings.route, "domains": ["*"], "routes": routes}],
    })
}

/// A mark as one word, for the metadata: values there are texts.
fn mark_text(mark: &RequestMark) -> String {
    match mark {
        RequestMark::Header(name) => format!("header {name}"),
        RequestMark::Cookie(name) => format!("cookie {name}"),
    }
}

fn mark_of(text: &str) -> Option<RequestMark> {
    match text.split_once(' ')? {
        ("header", name) => Some(RequestMark::Header(name.parse().ok()?)),
        ("cookie", name) => Some(RequestMark::Cookie(name.parse().ok()?)),
        _ => None,
    }
}

/// The arms of a route configuration as Envoy shows it, without their backends; the inner none where no release serves.
/// None where it is not one that [`route`] writes, whatever its numbers.
pub(super) fn arms_of(settings: &EnvoySettings, shown: &Value) -> Option<Option<Arms>> {
    let routes = shown.pointer("/virtual_hosts/0/routes").and_then(Value::as_array);
    let Some(main) = routes.and_then(|routes| routes.last()) else {
        // As it is before the first setting.
        let is_empty = shown
            .get("virtual_hosts")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty);
        return is_empty.then_some(None);
    };
    if main.get("direct_response").is_some() {
        return (*shown == route(settings, &Arms::default())).then_some(None);
    }
    let releases = main.pointer("/metadata/filter_metadata/gateline");
    let text = |name: &str| Some(releases?.get(name)?.as_str()?.to_owned());
    let weight = |name: &str| {
        let clusters = main.pointer("/route/weighted_clusters/clusters")?.as_array()?;
        let cluster = clusters.iter().find(|cluster| cluster["name"] == name)?;
        u8::try_from(cluster.get("weight")?.as_u64()?).ok()
    };
    let [stable, canary] = clusters(settings);
    let arm = |name: &str, cluster: &str| {
        Some(ArmSettings {
            release: text(name),
            weight: weight(cluster)?,
            backends: Vec::new(),
        })
    };
    let mirror = main.pointer("/route/request_mirror_policies/0/runtime_fraction/default_value/numerator");
    let cohort = match (text("cohort"), text("by")) {
        (Some(word), Some(by)) => Some(CohortRule {
            by: mark_of(&by)?,
            upto: [Cohort::Internal, Cohort::Trusted]
                .into_iter()
                .find(|cohort| cohort.word() == word)?,
        }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let policy = main.pointer("/route/hash_policy/0");
    let name = |at: &str| policy?.pointer(at)?.as_str()?.parse().ok();
    let sticky = name("/header/header_name")
        .map(RequestMark::Header)
        .or_else(|| name("/cookie/name").map(RequestMark::Cookie));
    let arms = Arms {
        stable: arm("stable", &stable)?,
        canary: arm("canary", &canary)?,
        mirror: mirror.map_or(Some(0), |mirror| u8::try_from(mirror.as_u64()?).ok())?,
        cohort,
        sticky,
    };
    // Whatever else stands there is not known here, and must not pass for what is.
    (*shown == route(settings, &arms)).then_some(Some(arms))
}

/// The endpoints of one cluster: those that take requests, and those that finish theirs.
pub(super) fn endpoints(cluster: &str, ready: &[SocketAddr], draining: &[SocketAddr]) -> Value {
    let endpoint = |at: &SocketAddr, health: &str| {
        let address = json!({"address": at.ip().to_string(), "port_value": at.port()});
        json!({"endpoint": {"address": {"socket_address": address}}, "health_status": health})
    };
    let all: Vec<Value> = ready
        .iter()
        .map(|at| endpoint(at, "HEALTHY"))
        .chain(draining.iter().map(|at| endpoint(at, "DRAINING")))
        .collect();
    json!({
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster,
        "endpoints": [{"lb_endpoints": all}],
    })
}

/// Writes one resource where Envoy reads it; its version is its digest.
pub(super) fn write(settings: &EnvoySettings, name: &str, resource: &Value) -> io::Result<()> {
    let version = Digest::of_json(resource).short();
    let file = json!({"version_info": version, "resources": [resource]});
    write_whole(&path(settings, name), file.to_string().as_bytes())
}

fn path(settings: &EnvoySettings, name: &str) -> PathBuf {
    Path::new(&settings.folder).join(name)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn settings() -> EnvoySettings {
        serde_json::from_value(json!({"admin": "http://127.0.0.1:1", "folder": "x", "route": "shop"}))
            .unwrap()
    }

    fn arms(weight: u8) -> Arms {
        let arm = |release: &str, weight| ArmSettings {
            release: Some(release.into()),
            weight,
            backends: Vec::new(),
        };
        Arms {
            stable: arm("sha256:a", 100 - weight),
            canary: arm("sha256:b", weight),
            ..Arms::default()
        }
    }

    fn mark(text: &str) -> Option<RequestMark> {
        mark_of(text)
    }

    #[test_case(arms(0); "no weight")]
    #[test_case(arms(25); "a weight")]
    #[test_case(Arms { mirror: 10, ..arms(0) }; "a mirror")]
    #[test_case(Arms { sticky: mark("header x-user"), ..arms(5) }; "users by header")]
    #[test_case(Arms { sticky: mark("cookie user"), ..arms(5) }; "users by cookie")]
    #[test_case(Arms { cohort: mark("header x-cohort").map(|by| CohortRule { by, upto: Cohort::Internal }), ..arms(0) }; "a cohort by header")]
    #[test_case(Arms { cohort: mark("cookie cohort").map(|by| CohortRule { by, upto: Cohort::Trusted }), ..arms(5) }; "a cohort by cookie")]
    fn what_is_written_is_read_back(arms: Arms) {
        let written = route(&settings(), &arms);
        assert_eq!(arms_of(&settings(), &written), Some(Some(arms)));
    }

    #[test]
    fn what_somebody_else_wrote_is_not_taken_for_ours() {
        let nobody = route(&settings(), &Arms::default());
        assert_eq!(arms_of(&settings(), &nobody), Some(None));
        let first = json!({"name": "shop"});
        assert_eq!(arms_of(&settings(), &first), Some(None), "nothing is set yet");
        let ours = route(&settings(), &arms(25));
        let mut other_weight = ours.clone();
        other_weight["virtual_hosts"][0]["routes"][0]["route"]["weighted_clusters"]["clusters"][0]["weight"] =
            json!(75);
        other_weight["virtual_hosts"][0]["routes"][0]["route"]["weighted_clusters"]["clusters"][1]["weight"] =
            json!(25);
        assert_eq!(
            arms_of(&settings(), &other_weight),
            Some(Some(arms(75))),
            "a changed weight is seen"
        );
        let mut more = ours.clone();
        more["virtual_hosts"][0]["routes"][0]["route"]["prefix_rewrite"] = json!("/v2");
        let mut foreign = ours.clone();
        foreign["virtual_hosts"][0]["routes"] =
            json!([{"match": {"prefix": "/"}, "route": {"cluster": "other"}}]);
        let mut beside = ours;
        beside["virtual_hosts"][0]["routes"]
            .as_array_mut()
            .unwrap()
            .insert(0, json!({"match": {"prefix": "/a"}}));
        for bad in [
            more,
            foreign,
            beside,
            json!({"virtual_hosts": [{"routes": [{}]}]}),
        ] {
            assert_eq!(arms_of(&settings(), &bad), None, "{bad}");
        }
    }

    #[test]
    fn a_spoilt_route_of_envoy_harms_nobody() {
        let written = [
            arms(25),
            Arms {
                mirror: 10,
                ..arms(0)
            },
        ]
        .map(|arms| route(&settings(), &arms).to_string());
        let samples: Vec<&[u8]> = written.iter().map(|text| text.as_bytes()).collect();
        crate::spoilt::spoilt(&samples, |bytes| {
            if let Ok(shown) = serde_json::from_slice::<Value>(bytes) {
                drop(arms_of(&settings(), &shown));
            }
        });
    }
}
