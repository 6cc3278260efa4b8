//! The memory: append, read, lease work; mem and SQLite under one contract suite.
