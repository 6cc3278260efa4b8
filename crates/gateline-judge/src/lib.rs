//! The statistics of a rollout: ticks in, a ruling with its numbers out. Pure.
