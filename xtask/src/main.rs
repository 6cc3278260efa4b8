//! test, bench, tidy, docs: the repository's own chores.

fn main() {}
