//! The rim: gives the engine real time, store and drivers; routes, authorisation and pages stand on it.

pub mod hub;
