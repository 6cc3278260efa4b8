//! The pages: server-rendered HTML over the same views and commands as the API.
//!
//! A page is a function from a view to markup; it judges nothing and prints what was recorded word for word. Every page
//! works without our script, which only fetches it again when something changed. Knows no store and no engine.

mod answers;
mod assets;
mod board;
mod evidence;
mod fields;
mod forms;
mod inbox;
mod incidents;
mod keys;
mod letters;
mod link;
mod log;
mod login;
mod overrides;
mod pages;
mod password;
mod people;
mod plot;
mod promote;
mod promotion;
mod proposal;
mod release;
mod releases;
mod rules;
mod sessions;
mod shell;
mod source;
mod stage;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod trends;
mod visit;
mod waivers;
mod windows;
mod words;

pub(crate) use login::login_again;
pub(crate) use table::router;
pub use table::{PageInfo, pages as page_table};
pub(crate) use visit::nothing_here;
