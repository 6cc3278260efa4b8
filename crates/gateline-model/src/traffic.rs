//! Traffic: which program shares a target's requests out, and how a request says whose it is.
//!
//! Knows no proxy's language: that is a driver's.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{StepAction, Target};

/// Longest name of a header or cookie, in bytes.
pub const MARK_BYTES_MAX: usize = 64;

/// The program that shares requests out between two releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Proxy {
    /// `gateline proxy`, by its control socket.
    Own(String),
    /// Another one.
    Other(OtherProxy),
}

/// A proxy that is not Gateline's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OtherProxy {
    /// HAProxy, by its runtime API.
    Haproxy(HaproxySettings),
    /// Envoy, by files that it reads its routes and endpoints from.
    Envoy(EnvoySettings),
}

/// HAProxy, version 2.4 or later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HaproxySettings {
    /// The stats socket, with `level admin`.
    pub socket: String,
    /// Its two backends are this with `_stable` and `_canary`.
    pub backend: MarkName,
    /// The map file with the canary's share, as the configuration writes its path.
    pub map: PlainPath,
    /// The file of `load-server-state-from-file`, kept up to date so that a restart begins where the last one ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_file: Option<String>,
}

/// Envoy, version 1.24 or later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvoySettings {
    /// Base address of the admin interface.
    pub admin: String,
    /// Folder of the files that Envoy reads: `ROUTE.rds.json`, `ROUTE_stable.eds.json` and `ROUTE_canary.eds.json`.
    pub folder: String,
    /// Name of the route configuration; its two clusters are this with `_stable` and `_canary`.
    pub route: MarkName,
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> serde::de::Visitor<'de> for Read {
            type Value = Proxy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the control socket of `gateline proxy`, or a map with `haproxy` or `envoy`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Proxy, E> {
                Ok(Proxy::Own(text.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Proxy, A::Error> {
                OtherProxy::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Proxy::Other)
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proxy::Own(socket) => write!(f, "the proxy at `{socket}`"),
            Proxy::Other(OtherProxy::Haproxy(settings)) => write!(f, "HAProxy at `{}`", settings.socket),
            Proxy::Other(OtherProxy::Envoy(settings)) => write!(f, "Envoy at `{}`", settings.admin),
        }
    }
}

/// Where a request says whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RequestMark {
    /// In this header.
    Header(MarkName),
    /// In this cookie.
    Cookie(MarkName),
}

impl fmt::Display for RequestMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestMark::Header(name) => write!(f, "header `{name}`"),
            RequestMark::Cookie(name) => write!(f, "cookie `{name}`"),
        }
    }
}

/// The name of a header or a cookie: a token of RFC 9110, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkName(String);

/// Why a text is not a [`MarkName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name of a header or cookie: use up to {MARK_BYTES_MAX} letters, digits, `-` and `_`")]
pub struct MarkNameError(String);

impl MarkName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MarkName {
    type Err = MarkNameError;

    fn from_str(text: &str) -> Result<Self, MarkNameError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=MARK_BYTES_MAX).contains(&text.len()) || !text.bytes().all(legal) {
            return Err(MarkNameError(text.chars().take(MARK_BYTES_MAX).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MarkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for MarkName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MarkName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for MarkName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MarkName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "description": "name of a header or cookie"})
    }
}

/// A path that can be written into a command of HAProxy: without blanks and what has a meaning there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPath(String);

/// Why a text is not a [`PlainPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a path that HAProxy's commands can name: leave out blanks, `;`, `<`, `@`, `#` and `\\`"
)]
pub struct PlainPathError(String);

impl PlainPath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlainPath {
    type Err = PlainPathError;

    fn from_str(text: &str) -> Result<Self, PlainPathError> {
        let bad = |letter: char| letter.is_whitespace() || letter.is_control() || ";<\\@#".contains(letter);
        if text.is_empty() || text.len() > 4_096 || text.contains(bad) {
            return Err(PlainPathError(text.chars().take(80).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Serialize for PlainPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PlainPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for PlainPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PlainPath".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[^\\s;<@#\\\\]+$", "description": "a path without blanks"})
    }
}

impl Target {
    /// Why this target can never make such a step true, whatever happens; none where it can.
    pub fn cannot(&self, action: StepAction) -> Option<String> {
        let Target::Process(target) = self else {
            return None;
        };
        match (action, &target.proxy) {
            (StepAction::Mirror { .. }, Proxy::Other(OtherProxy::Haproxy(_))) => Some(
                "HAProxy copies no requests: use `gateline proxy` or Envoy where a step mirrors traffic"
                    .to_owned(),
            ),
            (
                StepAction::Expose {
                    cohort: Some(cohort), ..
                },
                _,
            ) if target.cohort.is_none() => Some(format!(
                "nothing says which requests are of the cohort `{cohort}`: give the target `cohort: {{header: NAME}}` or `cohort: {{cookie: NAME}}`"
            )),
            (
                StepAction::Stop
                | StepAction::Start
                | StepAction::Mirror { .. }
                | StepAction::Replace { .. }
                | StepAction::Expose { .. }
                | StepAction::Finish
                | StepAction::Withdraw
                | StepAction::Discard
                | StepAction::Degrade,
                _,
            ) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Cohort, Weight};

    #[test]
    fn a_proxy_is_a_socket_or_a_map_and_is_written_as_it_was_read() {
        for text in [
            json!("run/proxy.sock"),
            json!({"haproxy": {"socket": "h.sock", "backend": "shop", "map": "shop.map"}}),
            json!({"envoy": {"admin": "http://127.0.0.1:9901", "folder": "run/envoy", "route": "shop"}}),
        ] {
            let proxy: Proxy = serde_json::from_value(text.clone()).unwrap();
            assert_eq!(serde_json::to_value(&proxy).unwrap(), text);
        }
        for bad in [
            json!({"nginx": {}}),
            json!({"haproxy": {"socket": "h"}}),
            json!(5),
        ] {
            assert!(serde_json::from_value::<Proxy>(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_target_can_never_do_is_told_before_it_is_tried() {
        let target = |proxy, more: serde_json::Value| -> Target {
            let mut target = json!({"command": ["x"], "listen": "127.0.0.1:1", "proxy": proxy});
            target
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            serde_json::from_value(json!({ "process": target })).unwrap()
        };
        let haproxy = json!({"haproxy": {"socket": "h.sock", "backend": "shop", "map": "shop.map"}});
        let mirror = StepAction::Mirror {
            share: Weight::percent(10),
        };
        let people = StepAction::Expose {
            weight: Weight::NONE,
            cohort: Some(Cohort::Internal),
        };
        let why = target(haproxy.clone(), json!({})).cannot(mirror).unwrap();
        assert!(why.contains("HAProxy copies no requests"), "{why}");
        assert_eq!(target(json!("p.sock"), json!({})).cannot(mirror), None);
        let why = target(haproxy.clone(), json!({})).cannot(people).unwrap();
        assert!(why.contains("cohort: {header: NAME}"), "{why}");
        let marked = target(haproxy, json!({"cohort": {"header": "x-cohort"}}));
        assert_eq!(marked.cannot(people), None);
    }

    #[test]
    fn a_mark_is_a_plain_name() {
        for bad in ["", "x y", "x:", "ü", "a;b", &"x".repeat(MARK_BYTES_MAX + 1)] {
            assert!(bad.parse::<MarkName>().is_err(), "{bad}");
        }
        assert!(serde_json::from_value::<RequestMark>(json!({"cookie": "cohort"})).is_ok());
        assert!(serde_json::from_value::<RequestMark>(json!({"query": "cohort"})).is_err());
    }
}
