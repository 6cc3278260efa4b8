//! The routes, asked as clients ask them: a real hub over a real database file.
//! The files mirror `src/routes`; `rules` holds what is true of every route.
#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what helps it")]

mod accounts;
mod attached;
mod attestations;
mod board;
mod declared;
mod erase;
mod evidence;
mod freezes;
mod hooks;
mod inbox;
mod incidents;
mod issuer;
mod keys;
mod leaving;
mod log;
mod machines;
mod notifications;
mod on_call;
mod overload;
mod page_rules;
mod pages;
mod pipelines;
mod policies;
mod promotions;
mod proposals;
mod reading;
mod releases;
mod right_first;
mod rules;
mod server;
mod session;
mod sign_in;
mod stages;
mod support;
mod times;
mod tokens;
mod uploads;
mod waivers;
