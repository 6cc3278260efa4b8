//! The voice: one file per verb, and the rendering for people.
