//! The endpoint: one request and its reply, as types and constants.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use gateline_model::Scope;

use crate::Names;

/// One request that the server answers.
pub trait Endpoint: Send + Sync + 'static {
    /// Its stable name: the operation id.
    const NAME: &'static str;
    /// One sentence on what it does.
    const SUMMARY: &'static str;
    /// The HTTP method.
    const METHOD: Method;
    /// The path; parameters in braces are the fields of `Path`.
    const PATH: &'static str;
    /// Who may ask.
    const RULE: Rule;
    /// The form of the request's body.
    const BODY: Media;
    /// The form of the reply's body.
    const REPLY: Media;
    /// Whether it takes an `Idempotency-Key` header: every write of an actor does.
    const TAKES_KEY: bool = matches!(
        (Self::METHOD, Self::RULE),
        (Method::Put | Method::Post, Rule::Scope(_))
    );

    /// Parameters in the path.
    type Path: Names + Serialize + DeserializeOwned + JsonSchema + Send;
    /// Parameters after `?`.
    type Query: Serialize + DeserializeOwned + JsonSchema + Send;
    /// The body, where it is JSON or a form.
    type Body: Serialize + DeserializeOwned + JsonSchema + Send;
    /// The reply, where it is JSON; one item of it, where it is a stream of events.
    type Reply: Serialize + DeserializeOwned + JsonSchema + Send;
}

/// The HTTP methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads, and changes nothing.
    Get,
    /// Brings content into force.
    Put,
    /// Asks for something to happen.
    Post,
}

impl Method {
    /// The method as HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Put => "PUT",
            Method::Post => "POST",
        }
    }
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Everybody, without a token.
    Open,
    /// Actors whose token has this scope, or `admin`. Every token may read.
    Scope(Scope),
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// There is none.
    None,
    /// JSON.
    Json,
    /// JSON with a secret in it: no digest of it is kept, so a repeated write is known by its key alone.
    Secret,
    /// Bytes as they are.
    Bytes,
    /// The fields of an HTML form.
    Form,
    /// Server-sent events.
    Events,
    /// OpenMetrics or plain text.
    Text,
}

/// The media type of numbers for a monitoring system, with its version.
pub const OPENMETRICS_MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Media {
    /// The media type; none where there is no body.
    pub const fn media_type(self) -> Option<&'static str> {
        match self {
            Media::None => None,
            Media::Json | Media::Secret => Some("application/json"),
            Media::Bytes => Some("application/octet-stream"),
            Media::Form => Some("application/x-www-form-urlencoded"),
            Media::Events => Some("text/event-stream"),
            Media::Text => Some("text/plain"),
        }
    }
}

/// No parameters, or no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// One line of the table of endpoints.
#[derive(Debug, Clone, Copy)]
pub struct EndpointInfo {
    /// See [`Endpoint::NAME`].
    pub name: &'static str,
    /// See [`Endpoint::SUMMARY`].
    pub summary: &'static str,
    /// See [`Endpoint::METHOD`].
    pub method: Method,
    /// See [`Endpoint::PATH`].
    pub path: &'static str,
    /// See [`Endpoint::RULE`].
    pub rule: Rule,
    /// See [`Endpoint::BODY`].
    pub body: Media,
    /// See [`Endpoint::REPLY`].
    pub reply: Media,
    /// See [`Endpoint::TAKES_KEY`].
    pub takes_key: bool,
    /// Whether its path names something of a project, which is there for those alone who may read it.
    pub of_a_project: bool,
    /// Makes the schemas of its types.
    pub schemas: fn(&mut SchemaGenerator) -> Schemas,
}

/// The schemas of one endpoint's types.
#[derive(Debug, Clone)]
pub struct Schemas {
    /// Of the path's parameters, as an object in place.
    pub path: Schema,
    /// Of the query's parameters, as an object in place.
    pub query: Schema,
    /// Of the body.
    pub body: Schema,
    /// Of the reply.
    pub reply: Schema,
}

impl EndpointInfo {
    /// The table's line for an endpoint.
    pub const fn of<E: Endpoint>() -> Self {
        Self {
            name: E::NAME,
            summary: E::SUMMARY,
            method: E::METHOD,
            path: E::PATH,
            rule: E::RULE,
            body: E::BODY,
            reply: E::REPLY,
            takes_key: E::TAKES_KEY,
            of_a_project: E::Path::OF_A_PROJECT,
            schemas: |generator| Schemas {
                path: E::Path::json_schema(generator),
                query: E::Query::json_schema(generator),
                body: generator.subschema_for::<E::Body>(),
                reply: generator.subschema_for::<E::Reply>(),
            },
        }
    }
}

/// Declares one endpoint: doc comment (its summary), name, method, path, rule, then its types.
macro_rules! endpoint {
    (
        #[doc = $summary:literal]
        $name:ident: $method:ident $path:literal, $rule:expr,
        path $path_type:ty, query $query:ty, body $body:ty $(as $body_media:ident)?, reply $reply:ty $(as $reply_media:ident)?
    ) => {
        #[doc = $summary]
        #[derive(Debug)]
        pub struct $name;

        impl $crate::Endpoint for $name {
            const NAME: &'static str = stringify!($name);
            const SUMMARY: &'static str = $summary.trim_ascii();
            const METHOD: $crate::Method = $crate::Method::$method;
            const PATH: &'static str = $path;
            const RULE: $crate::Rule = $rule;
            const BODY: $crate::Media =
                $crate::endpoint::media(&[$($crate::Media::$body_media,)? $crate::endpoint::body_of($crate::Method::$method)]);
            const REPLY: $crate::Media = $crate::endpoint::media(&[$($crate::Media::$reply_media,)? $crate::Media::Json]);
            type Path = $path_type;
            type Query = $query;
            type Body = $body;
            type Reply = $reply;
        }
    };
}

/// The media that was named, or else the usual one behind it.
pub(crate) const fn media(named_then_usual: &[Media]) -> Media {
    named_then_usual[0]
}

/// What a method's body usually is.
pub(crate) const fn body_of(method: Method) -> Media {
    match method {
        Method::Get => Media::None,
        Method::Put | Method::Post => Media::Json,
    }
}

/// The rule for a scope, in short.
pub(crate) const fn needs(scope: Scope) -> Rule {
    Rule::Scope(scope)
}

pub(crate) use endpoint;
