//! The rim: real time, store and drivers for the engine; routes, auth, pages.
