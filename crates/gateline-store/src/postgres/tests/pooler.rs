//! Through pgbouncer, which gives each transaction another server.

use std::process::{Child, Stdio};

use super::*;
use crate::contract::cluster::{as_postgres, free_port};

/// A pooler in front of the shared server, with fewer connections to it than there are clients.
struct Pooler {
    port: u16,
    child: Child,
    _dir: crate::contract::Dir,
}

impl Pooler {
    fn to(port: u16) -> Self {
        let dir = crate::contract::Dir::new();
        let own = free_port();
        let users = dir.path("users.txt");
        std::fs::write(&users, "\"postgres\" \"\"\n").unwrap();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\n\
             auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 2\nunix_socket_dir =\n",
            users.display()
        );
        let file = dir.path("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        let child = as_postgres("pgbouncer")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|err| {
            panic!("`pgbouncer` does not start ({err}); run `cargo xtask test --only install`, or install it")
        });
        while std::net::TcpStream::connect(("127.0.0.1", own)).is_err() {
            std::thread::yield_now();
        }
        Self {
            port: own,
            child,
            _dir: dir,
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn writers_and_readers_share_a_pooler_s_few_connections() {
    let database = Database::new();
    let pooler = Pooler::to(database.port);
    let url = pooler.url(&database.name);
    let write = |writer: u64| {
        let mut store = store(&url);
        assert!(!store.is_direct().unwrap(), "a pooler is seen");
        let reader = store.reader();
        for version in 0..10 {
            let item = Append {
                key: sample::key(&format!("{writer} {version}"), "body"),
                work_add: vec![sample::work(writer, 0)],
                blobs: vec![sample::blob(&[writer as u8])],
                ..sample::one(sample::stream(writer), version)
            };
            append(&mut store, item).unwrap();
            assert_eq!(
                reader
                    .read_stream(&sample::stream(writer), version)
                    .unwrap()
                    .len(),
                1
            );
        }
        reader.at_one_moment(|reader| reader.head()).unwrap();
    };
    std::thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || write(writer));
        }
    });
    let direct = store(&database.url());
    assert!(direct.is_direct().unwrap(), "nobody is in between");
    let head = direct.head().unwrap();
    assert_eq!(head.size, 40);
    let raw = direct.raw(0, 100).unwrap();
    assert!(raw.iter().all(|raw| raw.differences().is_empty()));
}

#[test]
fn nothing_of_a_transaction_s_settings_stays_with_the_pooler() {
    let database = Database::new();
    let pooler = Pooler::to(database.port);
    let mut store = store(&pooler.url(&database.name));
    append(&mut store, sample::one(sample::stream(1), 0)).unwrap();
    let mut psql = as_postgres(crate::contract::cluster::programs().join("psql"));
    psql.args([
        "-X",
        "-t",
        "-A",
        "-h",
        "127.0.0.1",
        "-U",
        "postgres",
        "-p",
        &pooler.port.to_string(),
    ]);
    psql.args([
        "-d",
        &database.name,
        "-c",
        "SHOW lock_timeout",
        "-c",
        "SELECT count(*) FROM pg_prepared_statements",
    ]);
    let output = psql.output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["0", "0"]
    );
}
