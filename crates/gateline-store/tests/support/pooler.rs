//! pgbouncer, for tests: pools by transactions, as the strictest users have it.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use super::cluster::{as_postgres, free_port};

/// A pooler in front of the shared server, with fewer connections to it than there are clients.
pub struct Pooler {
    pub port: u16,
    child: Child,
    dir: PathBuf,
}

impl Pooler {
    /// Starts one.
    pub fn to(port: u16) -> Self {
        let own = free_port();
        let dir = std::env::temp_dir().join(format!("gateline-pooler-{}-{own}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("there is room for a folder");
        let users = dir.join("users.txt");
        std::fs::write(&users, "\"postgres\" \"\"\n").expect("it can be written");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\n\
             auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 2\nunix_socket_dir =\n",
            users.display()
        );
        let file = dir.join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("it can be written");
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
            dir,
        }
    }

    /// The address of a database through it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
