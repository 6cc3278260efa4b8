//! Uploads: large bodies on their way in, in a folder beside the database, until they are read and stored.
//!
//! What arrived under an idempotency key and an announced digest is kept for a while when its body breaks off, and the
//! same actor goes on with it. Everything that lies there is bounded: by actor, in all, and in time. Knows no report
//! and no endpoint. Another replica has another folder: there an upload begins anew.

mod arrive;
mod content;
mod folder;
mod told;

pub(crate) use arrive::receive;
pub(crate) use content::Content;
pub(crate) use folder::Uploads;
pub use folder::{
    UPLOAD_BYTES_MAX, UPLOAD_BYTES_PER_ACTOR_MAX, UPLOAD_KEPT, UPLOADS_MAX, UPLOADS_PER_ACTOR_MAX,
};
pub(crate) use told::{Purpose, Told};

/// Bytes of a body that are held in memory. Most reports are shorter, and never touch the disk on their way.
pub const UPLOAD_MEMORY_BYTES_MAX: usize = 1024 * 1024;
/// How long a body may be silent.
pub const UPLOAD_IDLE_SECS_MAX: u64 = 30;
/// How long one body may take in all, however steadily it comes. What arrived is gone on with in the next one.
pub const UPLOAD_SECS_MAX: u64 = 600;
/// How long a request waits until the one that it takes an upload over from has let go. That one may be reading it.
pub const UPLOAD_TAKE_OVER_SECS_MAX: u64 = 10;
