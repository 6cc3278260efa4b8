//! The binary: picks `serve`, `demo` or a client command.

fn main() {}
