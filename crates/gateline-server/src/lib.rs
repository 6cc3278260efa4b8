//! The rim: gives the engine real time, store and drivers; routes, authorisation and pages stand on it.

pub mod auth;
mod authors;
mod backup;
mod call;
mod connections;
mod demo;
mod doctor;
mod headers;
pub mod hub;
mod noise;
mod nonce;
mod place;
mod refused;
mod routes;
mod seen;
pub mod serve;
mod settings;
mod shares;
mod signing;
#[cfg(test)]
#[path = "../../gateline-drivers/src/spoilt.rs"]
mod spoilt;
mod ui;
mod upload;
mod verbs;
mod views;

pub use call::{BODY_SECS_MAX, FORM_BYTES_MAX, JSON_BYTES_MAX, REQUESTS_MAX};
pub use connections::{
    CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, HEAD_SECS_MAX, SHUTDOWN_SECS_MAX, serve_connections,
};
pub use headers::CONTENT_SECURITY_POLICY;
pub use place::{Place, PlaceError};
pub use refused::Refused;
pub use routes::{COMMENT_SECS_MAX, HOOK_BYTES_MAX, HOOK_SECS_MAX, WATCH_BEAT_SECS, WATCHERS_MAX, router};
pub use settings::{Cookies, Settings};
pub use signing::KEY_ENROL_FRESH_SECS;
pub use ui::{PageInfo, page_table};
pub use upload::{
    UPLOAD_BYTES_MAX, UPLOAD_BYTES_PER_ACTOR_MAX, UPLOAD_IDLE_SECS_MAX, UPLOAD_KEPT, UPLOAD_MEMORY_BYTES_MAX,
    UPLOAD_SECS_MAX, UPLOAD_TAKE_OVER_SECS_MAX, UPLOADS_MAX, UPLOADS_PER_ACTOR_MAX,
};
pub use verbs::{ServerVerb, run};
