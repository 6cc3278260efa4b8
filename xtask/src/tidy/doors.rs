//! Every door to the outside is known: where product code connects, looks names up, starts a program or opens a file.
//!
//! A new one is a line in the table below with the rule that it keeps, or it is not. Tests, the simulation and chores are free.

use super::sources::{Source, Sources};

/// One way out, and the texts that open it.
struct Way {
    name: &'static str,
    opened_by: &'static [&'static str],
    /// The files that may, and the rule that each keeps.
    doors: &'static [(&'static str, &'static str)],
}

const WAYS: &[Way] = &[
    Way {
        name: "asks over HTTP",
        opened_by: &["Client::builder()", "Client::new()", "reqwest::get("],
        doors: &[
            (
                "crates/gateline-cli/src/client/mod.rs",
                "the person's own command: the server that was named, no redirect",
            ),
            (
                "crates/gateline-drivers/src/fetch.rs",
                "checked addresses through `outbound::resolver`, redirects on one host alone",
            ),
            (
                "crates/gateline-drivers/src/outbound.rs",
                "the guard itself: checked addresses, no redirect, no proxy",
            ),
            (
                "crates/gateline-server/src/demo/client.rs",
                "the demonstration's own server on this host",
            ),
            (
                "crates/gateline-server/src/demo/place.rs",
                "the demonstration's own server on this host",
            ),
        ],
    },
    Way {
        name: "connects or looks names up",
        opened_by: &[
            "TcpStream::connect",
            "UnixStream::connect",
            "HttpConnector::new()",
            "builder_dangerous(",
            "lookup_host",
            "to_socket_addrs",
        ],
        doors: &[
            (
                "crates/gateline-drivers/src/letter/mail.rs",
                "the number that `outbound::look_up` gave; the certificate must be the name's",
            ),
            (
                "crates/gateline-drivers/src/outbound.rs",
                "the guard itself: what was looked up and checked is what is connected to",
            ),
            (
                "crates/gateline-drivers/src/payment_service/load.rs",
                "the demonstration's callers of its own service",
            ),
            (
                "crates/gateline-drivers/src/process/health.rs",
                "a port on 127.0.0.1 that the driver gave to a process that it started",
            ),
            (
                "crates/gateline-drivers/src/process/traffic/haproxy/socket.rs",
                "a socket file on this host, named by a pipeline",
            ),
            (
                "crates/gateline-drivers/src/process/traffic/mod.rs",
                "the address on which the target itself listens",
            ),
            (
                "crates/gateline-drivers/src/proxy/client.rs",
                "the proxy's socket file on this host",
            ),
            (
                "crates/gateline-drivers/src/proxy/forward.rs",
                "the backends that its control socket names",
            ),
        ],
    },
    Way {
        name: "starts a program",
        opened_by: &["Command::new("],
        doors: &[
            (
                "crates/gateline-cli/src/git.rs",
                "the person's own git, in the person's own environment but for our token and the variables of hooks",
            ),
            (
                "crates/gateline-cli/src/signing.rs",
                "the person's own ssh-keygen and agent, which ask the person; without our token",
            ),
            (
                "crates/gateline-drivers/src/command/run.rs",
                "a clean environment: what the pipeline declares, and `PATH`",
            ),
            (
                "crates/gateline-drivers/src/process/instance.rs",
                "a clean environment: what the pipeline declares, the nonce, and `PATH`",
            ),
            (
                "crates/gateline-server/src/demo/place.rs",
                "this binary itself, for the demonstration",
            ),
        ],
    },
    Way {
        name: "opens a file",
        opened_by: &[
            "File::open(",
            "File::options(",
            "OpenOptions::new(",
            "fs::read(",
            "read_to_string(&",
            "fs::read_to_string(",
        ],
        doors: &[
            (
                "crates/gateline-cli/src/files.rs",
                "the person's own files, to a limit",
            ),
            ("crates/gateline-cli/src/prompt.rs", "the terminal"),
            (
                "crates/gateline-drivers/src/command/degrade.rs",
                "the driver's own notes; names are digests",
            ),
            (
                "crates/gateline-drivers/src/named_file.rs",
                "the guard itself: regular files, none of the kernel's, to a limit",
            ),
            (
                "crates/gateline-drivers/src/process/instance.rs",
                "the driver's own records and logs; names are digests",
            ),
            (
                "crates/gateline-drivers/src/process/procfs.rs",
                "`/proc` of processes by number",
            ),
            (
                "crates/gateline-drivers/src/proxy/table.rs",
                "the proxy's own table, named by who starts it",
            ),
            (
                "crates/gateline-server/src/backup.rs",
                "a backup that the operator names",
            ),
            (
                "crates/gateline-server/src/demo/mod.rs",
                "the demonstration's own token",
            ),
            (
                "crates/gateline-server/src/demo/place.rs",
                "the demonstration's own folder",
            ),
            (
                "crates/gateline-server/src/serve.rs",
                "files that the operator names on the command line",
            ),
            (
                "crates/gateline-server/src/upload/folder.rs",
                "uploads under way; names are digests",
            ),
            (
                "crates/gateline-server/src/verbs.rs",
                "a file that the operator names on the command line",
            ),
            (
                "crates/gateline-store/src/postgres/address.rs",
                "the operator's password file",
            ),
            (
                "crates/gateline-store/src/sqlite/lock.rs",
                "the database's own lock file",
            ),
        ],
    },
];
/// Crates whose code is not the product's, or opens nothing but for tests.
const FREE: &[&str] = &["crates/gateline-sim/"];

pub fn find(sources: &Sources) -> Vec<String> {
    let mut wrong = Vec::new();
    for way in WAYS {
        let opens = |source: &&Source| way.opened_by.iter().any(|text| product(source).contains(text));
        let found: Vec<&str> = sources
            .rust()
            .filter(is_product)
            .filter(opens)
            .map(|source| source.path.as_str())
            .collect();
        for path in &found {
            if !way.doors.iter().any(|(door, _)| door == path) {
                wrong.push(format!(
                    "{path}: it {}, and `xtask/src/tidy/doors.rs` does not say under which rule",
                    way.name
                ));
            }
        }
        for (door, _) in way.doors {
            if !found.contains(door) && sources.has(door) {
                wrong.push(format!(
                    "xtask/src/tidy/doors.rs: `{door}` no longer {}; take the line out",
                    way.name
                ));
            }
        }
    }
    wrong
}

fn is_product(source: &&Source) -> bool {
    let path = &source.path;
    let in_crate = path.starts_with("crates/") && path.contains("/src/");
    let of_tests = [
        "/tests/",
        "/tests.rs",
        "/contract",
        "/fake.rs",
        "/examples.rs",
        "/src/bin/",
    ];
    in_crate
        && !of_tests.iter().any(|part| path.contains(part))
        && !FREE.iter().any(|free| path.starts_with(free))
}

/// A file without its tests, which stand at its end, and without what its comments say.
fn product(source: &Source) -> String {
    let code = source
        .text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let said = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(said).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_that_is_not_in_the_table_is_found() {
        let opens = "//! A way out.\nfn go() { TcpStream::connect(\"h:1\"); }\n";
        let tests = "//! None.\n#[cfg(test)]\nmod tests {\n    fn go() { Command::new(\"sh\"); }\n}\n";
        let says = "//! Says `Command::new(` only.\n// File::open(\n";
        let found = find(&Sources::of(&[
            ("crates/gateline-engine/src/a.rs", opens),
            ("crates/gateline-engine/src/b.rs", tests),
            ("crates/gateline-engine/src/c.rs", says),
            ("crates/gateline-engine/src/tests/d.rs", opens),
            ("crates/gateline-sim/src/e.rs", opens),
        ]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("crates/gateline-engine/src/a.rs: it connects"),
            "{found:?}"
        );
    }
}
