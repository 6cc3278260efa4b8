//! The pulse: inputs in, outputs out. No threads, no clock, no I/O.
