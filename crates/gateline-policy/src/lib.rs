//! Conditions (CEL): text and facts in, outcome with reasons out. Pure and bounded.
