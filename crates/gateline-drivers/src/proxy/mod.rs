//! The traffic proxy: the data plane of the `process` driver, and a process of its own (`gateline proxy`).
//!
//! One listener per route; per route a stable and a canary arm with weights that are kept exactly, cohorts that always
//! get the canary, users who keep their arm, and copies of requests that nobody waits for. It outlives the server, keeps its routes over its own restarts, and is told everything over a control socket (`wire`).
//! HTTP/1.1 only: no TLS, no upgrades. Knows no releases beyond their names, and never decides who gets traffic.

mod client;
mod control;
mod copy;
mod counters;
mod forward;
mod listener;
mod route;
mod table;
mod whose;
mod wire;

pub use client::{ANSWER_WITHIN, ClientError, ProxyClient};
pub use control::{ProxyError, run};
pub use copy::{COPIES_IN_FLIGHT_MAX, COPY_ANSWER_BYTES_MAX, COPY_BODY_BYTES_MAX, COPY_HEADER};
pub use counters::BUCKET_BOUNDS_SECS;
pub use forward::{
    ANSWER_HEAD_WITHIN, BODY_IDLE_WITHIN, CONNECT_WITHIN, IDLE_BACKEND_CONNECTIONS_MAX,
    REQUEST_BODY_BYTES_MAX,
};
pub use listener::{CONNECTIONS_PER_ROUTE_MAX, HEADERS_BYTES_MAX, HEADERS_WITHIN};
pub use table::TableError;
pub(crate) use table::write_whole;
pub use wire::{
    ArmSettings, Arms, BACKENDS_MAX, CohortRule, Counts, LINE_BYTES_MAX, REPLY_BYTES_MAX, ROUTES_MAX, Reply,
    Request, Route, RouteError, RouteName, RouteView, TEXT_BYTES_MAX, View,
};
