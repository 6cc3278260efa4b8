//! Schemathesis against the real binary, with nobody's, each scope's and an administrator's token: no answer is a fault of the
//! server, and each is as `openapi.json` describes it. Afterwards the server must still decide, and its log be whole.
//!
//! Needs the binary of the step `release`. Knows no route: the document says what there is.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use gateline_model::Scope;

use super::tools;
use crate::shell;

/// The Python package.
const PACKAGE: &str = "schemathesis==4.32.5";
/// How long the server may take to come up.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// What its answers are held against. Whether every input that the document does not allow is refused is not among it: some rules
/// are no JSON Schema.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth,ensure_resource_availability,use_after_free";
/// What the pages share with the API: to a browser the path answers with a page, which is no part of the document.
const WITHOUT: &str = "/login";
/// A pipeline, so that there is something to ask about.
const PIPELINE: &str = "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {name: payment-service, project: payments}\nspec:\n  \
    artifacts: [{name: app, kind: file}]\n  stages:\n    - name: dev\n      target: {command: {apply: [/bin/true], health: [/bin/true]}}\n      \
    gates:\n        - tests: {suite: unit}\n          because: Broken code wastes time.\n    - name: production\n      after: [dev]\n      \
    target: {command: {apply: [/bin/true]}}\n      approval: [{layers: [{from: leads}]}]\n";
const JUNIT: &str = r#"<testsuite name="unit" tests="1"><testcase name="adds"/></testsuite>"#;

/// How much is asked.
pub struct Much {
    /// Examples an operation.
    pub examples: u32,
    /// Its phases for those who see most: nobody, who reads, who administers.
    pub phases: &'static str,
    /// Whether each scope is tried, too.
    pub every_scope: bool,
}

/// Runs it.
///
/// # Errors
/// What did not hold, as Schemathesis says it.
pub fn run(much: &Much) -> Result<(), String> {
    let program = tools::of_pypi("schemathesis", PACKAGE, "schemathesis")?;
    let place = Place::start()?;
    place.seed()?;
    place.ask(&program, None, much.phases, much.examples)?;
    let mut asking = vec![(Scope::Read, much.phases, much.examples)];
    if much.every_scope {
        let others = Scope::ALL.into_iter().filter(|scope| *scope != Scope::Admin);
        asking.extend(others.map(|scope| (scope, "fuzzing", much.examples.div_ceil(3))));
    }
    // Last: who administers finds the token that makes these, and revokes it.
    asking.push((Scope::Admin, much.phases, much.examples));
    for (scope, phases, examples) in asking {
        let token = place.token(scope)?;
        place.ask(&program, Some((scope, &token)), phases, examples)?;
    }
    place.is_whole()
}

/// A server in a folder of its own.
struct Place {
    dir: PathBuf,
    address: String,
    server: Child,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Place {
    fn start() -> Result<Self, String> {
        let dir = shell::target().join("schemathesis");
        let failed = |err: std::io::Error| format!("could not prepare `{}`: {err}", dir.display());
        if dir.exists() {
            std::fs::remove_dir_all(&dir).map_err(failed)?;
        }
        std::fs::create_dir_all(&dir).map_err(failed)?;
        for (name, text) in [("pipeline.yaml", PIPELINE), ("junit.xml", JUNIT), ("app", "app")] {
            std::fs::write(dir.join(name), text).map_err(failed)?;
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let address = free.map_err(failed)?.to_string();
        let log = File::create(dir.join("server.log")).map_err(failed)?;
        let server = Command::new(binary())
            .args(["serve", "--listen", &address, "--dir"])
            .arg(dir.join("data"))
            .arg("--admin-token-file")
            .arg(dir.join("admin"))
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        let place = Self { dir, address, server };
        let began = Instant::now();
        while place.gateline(&["status"]).is_err() {
            if began.elapsed() > UP_WITHIN {
                return Err("the server does not come up; see target/schemathesis/server.log".to_owned());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(place)
    }

    fn gateline(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(binary())
            .args(arguments)
            .arg("--token")
            .arg(format!("file:{}", self.dir.join("admin").display()))
            .env("GATELINE_SERVER", format!("http://{}", self.address))
            .env("GATELINE_PROJECT", "payments")
            .current_dir(&self.dir)
            .output()
            .map_err(|err| err.to_string())?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// One of each noun that a path names.
    fn seed(&self) -> Result<(), String> {
        for arguments in [
            ["apply", "-f", "pipeline.yaml"].as_slice(),
            &[
                "release",
                "create",
                "payment-service@1.0.0",
                "--artifact",
                "app=file:app",
            ],
            &["evidence", "add", "payment-service@1.0.0", "junit.xml"],
        ] {
            self.gateline(arguments)?;
        }
        Ok(())
    }

    fn token(&self, scope: Scope) -> Result<String, String> {
        let (name, word) = (
            format!("st-{}", scope.word().replace('_', "-")),
            scope.word().replace('_', "-"),
        );
        // Twice where it is tried again with another effort.
        let _ = self.gateline(&["token", "revoke", &name]);
        self.gateline(&["token", "create", &name, "--actor", &name, "--scope", &word])
    }

    fn ask(
        &self,
        program: &Path,
        who: Option<(Scope, &str)>,
        phases: &str,
        examples: u32,
    ) -> Result<(), String> {
        let as_whom = who.map_or("nobody", |(scope, _)| scope.word());
        println!("-- as {as_whom}: {phases}, {examples} examples an operation");
        let header = who.map(|(_, token)| format!("headers = {{Authorization = \"Bearer {token}\"}}\n"));
        let settings = self.dir.join("schemathesis.toml");
        std::fs::write(&settings, header.unwrap_or_default())
            .map_err(|err| format!("could not write the settings: {err}"))?;
        let mut ask = Command::new(program);
        ask.arg("--config-file")
            .arg(&settings)
            .arg("run")
            .arg(format!("http://{}/api/openapi.json", self.address))
            .args([
                "--checks",
                CHECKS,
                "--phases",
                phases,
                "--continue-on-failure",
                "--no-color",
            ])
            .current_dir(&self.dir)
            .args([
                "--exclude-path",
                WITHOUT,
                "--warnings",
                "off",
                "--seed",
                "1",
                "--max-examples",
                &examples.to_string(),
            ]);
        shell::must(&mut ask).map(drop)
    }

    /// Whether nothing broke that no answer shows.
    fn is_whole(&self) -> Result<(), String> {
        // Without a token: there may be none left.
        let answer = ready(&self.address).map_err(|err| format!("the server does not answer: {err}"))?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(format!("the server is not ready: {answer}"));
        }
        let log = std::fs::read_to_string(self.dir.join("server.log")).unwrap_or_default();
        if let Some(line) = log.lines().find(|line| line.contains("panicked")) {
            return Err(format!("the server's log says: {line}"));
        }
        let data = self.dir.join("data");
        shell::must(Command::new(binary()).args(["doctor", "--dir"]).arg(data)).map(drop)
    }
}

fn ready(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(UP_WITHIN))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn binary() -> PathBuf {
    shell::target().join("release/gateline")
}
