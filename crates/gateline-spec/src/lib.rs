//! The reading of pipeline files: YAML with places in, a [`Pipeline`](gateline_model::Pipeline) or [`Diagnostics`] out.
//!
//! One pass finds everything that is wrong, so that a person mends a file once. Strict: what is not known is an error,
//! with the name that was probably meant. Knows no file system, no server and no gate kind by itself.

mod approval;
mod artifact;
mod calendar;
mod channel;
mod condition;
mod de;
mod diagnostic;
mod diff;
mod fault;
mod fields;
mod file;
mod gate;
mod graph;
mod judge;
mod kinds;
mod nearest;
mod node;
mod notifications;
mod placeholder;
mod protection;
mod risk;
mod roles;
mod rollout;
mod schema;
mod secret;
mod server_file;
mod stage;
mod target;
mod teams;
mod watch;
mod window;
mod yaml;

pub use calendar::{CALENDAR_YEARS, CalendarError, RULES_MAX, read_calendar};
pub use channel::{CHANNELS_MAX, PEOPLE_MAX};
pub use diagnostic::{DIAGNOSTICS_MAX, Diagnostic, Diagnostics, Severity};
pub use diff::{Difference, What, diff, diff_notifications, diff_roles};
pub use file::{API_VERSION, Document, KIND, Read, read, read_document};
pub use judge::read_judge;
pub use kinds::{GateInfo, gate_kinds};
pub use notifications::{DIGEST_MAX, DIGEST_MIN, NOTIFICATIONS_KIND, ReadNotifications, read_notifications};
pub use roles::{PATTERN_BYTES_MAX, ROLES_KIND, ReadRoles, read_roles};
pub use schema::schema;
pub use server_file::{PROVIDERS_MAX, PROXIES_MAX, Provider, SERVER_KIND, ServerFile, read_server};
pub use teams::unknown_teams;
pub use watch::noisy_thresholds;
pub use yaml::{PIPELINE_BYTES_MAX, YAML_DEPTH_MAX, YAML_VALUES_MAX};
