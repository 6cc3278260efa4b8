//! The wire: each endpoint declared once as types; server route, CLI client and OpenAPI document come from it.
//!
//! Read [`ENDPOINTS`] first: it is the list of everything that can be asked. Knows no HTTP library, no server state and
//! no judgement: it says what goes over the wire, not what it means.

mod address;
mod endpoint;
mod endpoints;
mod errors;
mod named;
mod openapi;
mod page;
mod problem;
mod release_name;
mod upload;

pub use address::{address, encode};
pub use endpoint::{Empty, Endpoint, EndpointInfo, Media, Method, OPENMETRICS_MEDIA, Rule, Schemas};
pub use endpoints::*;
pub use errors::{ERRORS, ErrorEntry, Exit, entry, exit_of};
pub use named::{Named, Names};
pub use openapi::openapi;
pub use page::{LimitError, PAGE_DEFAULT, PAGE_MAX, Page, page_limit, page_size};
pub use problem::{Finding, Problem};
pub use release_name::{ReleaseName, ReleaseNameError};
pub use upload::{
    REPR_DIGEST_HEADER, UPLOAD_COMPLETE_HEADER, UPLOAD_OFFSET_HEADER, read_repr_digest, repr_digest,
};

/// The header that makes a repeated write recognisable.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 200;
/// Media type of problem documents.
pub const PROBLEM_MEDIA: &str = "application/problem+json";
