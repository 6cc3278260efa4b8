//! The whole product from outside: the real binary as server and as command line, on a real database and real files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod canary;
mod erased;
mod guide;
mod killed;
mod line;
mod told;
mod waived;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const GATELINE: &str = env!("CARGO_BIN_EXE_gateline");
/// How long anything here may take. Generous: a test machine may be busy.
const WITHIN: Duration = Duration::from_secs(60);

/// A server with its folder; both go with the value.
struct Place {
    dir: tempfile::TempDir,
    address: String,
    server: Option<Child>,
}

impl Place {
    fn new() -> Self {
        let mut place = Self::bare();
        place.start();
        place
    }

    /// Where no server runs yet.
    fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        Self {
            dir,
            address: free.to_string(),
            server: None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn serve(&self, listen: &str) -> Command {
        let mut serve = Command::new(GATELINE);
        serve
            .args(["serve", "--listen", listen, "--dir"])
            .arg(self.path("data"));
        serve
            .arg("--admin-token-file")
            .arg(self.path("admin"))
            .current_dir(self.dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        serve
    }

    fn start(&mut self) {
        self.server = Some(self.serve(&self.address).spawn().unwrap());
        eventually("the server answers", || {
            self.gateline(&["status"]).status.success()
        });
    }

    fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    fn gateline(&self, arguments: &[&str]) -> Output {
        self.gateline_as("admin", arguments)
    }

    fn gateline_as(&self, who: &str, arguments: &[&str]) -> Output {
        Command::new(GATELINE)
            .args(arguments)
            .arg("--token")
            .arg(format!("file:{}", self.path(who).display()))
            .env("GATELINE_SERVER", format!("http://{}", self.address))
            .env("GATELINE_PROJECT", "shop")
            .current_dir(self.dir.path())
            .output()
            .unwrap()
    }

    /// Runs a verb that must succeed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.gateline(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", all(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn apply(&self, stages: &str) {
        let text = format!(
            "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: app, project: shop}}\nspec:\n  \
             artifacts: [{{name: app, kind: file}}]\n  stages:\n{stages}"
        );
        let file = self.write("pipeline.yaml", &text);
        self.ok(&["apply", "-f", text_of(&file)]);
    }

    fn release(&self, version: &str, more: &[&str]) {
        let file = self.write(&format!("app-{version}"), version);
        let artifact = format!("app=file:{}", file.display());
        let release = format!("app@{version}");
        let mut arguments = vec!["release", "create", &release, "--artifact", &artifact];
        arguments.extend(more);
        self.ok(&arguments);
    }

    fn tests_passed(&self, version: &str) {
        let junit = r#"<testsuite name="unit" tests="1"><testcase name="adds"/></testsuite>"#;
        let file = self.write("junit.xml", junit);
        self.ok(&["evidence", "add", &format!("app@{version}"), text_of(&file)]);
    }

    /// A command target that writes down what it is asked.
    fn target(&self) -> String {
        let done = self.path("done");
        let say = format!(
            "echo $GATELINE_VERSION $GATELINE_ACTION $GATELINE_WEIGHT >> {}",
            done.display()
        );
        format!(
            "{{command: {{apply: [/bin/sh, -c, \"{say}\"], revert: [/bin/sh, -c, \"{say}\"], health: [/bin/true]}}}}"
        )
    }

    fn state(&self, release: &str, stage: &str) -> serde_json::Value {
        let output = self.gateline(&["explain", release, "--to", stage, "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn becomes(&self, release: &str, stage: &str, state: &str) {
        eventually(&format!("{release} in {stage} is {state}"), || {
            self.state(release, stage)["state"] == state
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.kill();
    }
}

fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn all(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < WITHIN, "it never happened that {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

const GATED: &str =
    "      gates:\n        - tests: {suite: unit}\n          because: Broken code wastes time.\n";

#[test]
fn a_release_is_held_explains_itself_is_approved_and_goes_live() {
    let place = Place::new();
    let approval = "      approval:\n        - layers: [{from: leads}]\n";
    place.apply(&format!(
        "    - name: live\n      target: {}\n{GATED}{approval}",
        place.target()
    ));
    place.release("1.0.0", &[]);

    let held = place.gateline(&["explain", "app@1.0.0", "--to", "live"]);
    assert_eq!(held.status.code(), Some(1), "{}", all(&held));
    assert!(
        all(&held).contains("no test report named `unit` was reported yet"),
        "{}",
        all(&held)
    );

    place.tests_passed("1.0.0");
    eventually("people are asked", || {
        all(&place.gateline(&["explain", "app@1.0.0", "--to", "live"])).contains("0 of 1 from leads")
    });
    let made = place.ok(&[
        "token", "create", "bo", "--actor", "bo", "--scope", "approve", "--group", "leads", "--json",
    ]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    place.write("bo", made["token"].as_str().unwrap());

    let stranger = place.gateline(&["approve", "app@1.0.0", "--to", "live"]);
    assert_eq!(stranger.status.code(), Some(3), "{}", all(&stranger));
    let bo = place.gateline_as("bo", &["approve", "app@1.0.0", "--to", "live"]);
    assert!(bo.status.success(), "{}", all(&bo));
    place.becomes("app@1.0.0", "live", "verified");
    assert_eq!(
        place.read("done"),
        "1.0.0 start 0\n1.0.0 expose 100\n1.0.0 finish 100\n"
    );

    let again = place.gateline_as("bo", &["approve", "app@1.0.0", "--to", "live"]);
    assert!(all(&again).contains("no open promotion"), "{}", all(&again));
    assert!(place.ok(&["log", "--event", "approval_given"]).contains("bo"));
}

#[test]
fn a_running_rollout_is_paused_resumed_and_aborted() {
    let place = Place::new();
    let canary = "      rollout: {canary: {steps: [10%, 100%], pause: 1h}}\n";
    place.apply(&format!(
        "    - name: live\n      target: {}\n{canary}",
        place.target()
    ));
    place.release("1.0.0", &[]);
    place.becomes("app@1.0.0", "live", "verified");
    place.release("1.1.0", &[]);
    eventually("the canary has its first traffic", || {
        place.read("done").contains("1.1.0 expose 10")
    });

    let silent = place.gateline(&["pause", "app@1.1.0", "--to", "live"]);
    assert_eq!(
        silent.status.code(),
        Some(2),
        "a reason is mandatory: {}",
        all(&silent)
    );
    place.gateline(&["pause", "app@1.1.0", "--to", "live", "--reason", "look at it"]);
    place.becomes("app@1.1.0", "live", "paused");
    place.gateline(&["resume", "app@1.1.0", "--to", "live", "--reason", "looks good"]);
    place.becomes("app@1.1.0", "live", "rolling_out");
    place.gateline(&["abort", "app@1.1.0", "--to", "live", "--reason", "not today"]);
    place.becomes("app@1.1.0", "live", "aborted");
    assert!(
        place
            .read("done")
            .ends_with("1.1.0 withdraw 0\n1.1.0 discard 0\n"),
        "{}",
        place.read("done")
    );
    assert!(place.ok(&["stage", "show", "shop/app/live"]).contains("1.0.0"));
}

#[test]
fn a_killed_server_goes_on_where_it_was_and_a_watch_survives_it() {
    let mut place = Place::new();
    place.apply(&format!(
        "    - name: live\n      target: {}\n{GATED}",
        place.target()
    ));
    place.release("1.0.0", &[]);
    let mut watch = Command::new(GATELINE)
        .args(["explain", "app@1.0.0", "--to", "live", "--watch", "--token"])
        .arg(format!("file:{}", place.path("admin").display()))
        .env("GATELINE_SERVER", format!("http://{}", place.address))
        .env("GATELINE_PROJECT", "shop")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let before = place.ok(&["log", "--json"]);
    place.kill();
    place.start();
    assert_eq!(
        place.ok(&["log", "--json"]),
        before,
        "what was acknowledged is still there, byte for byte"
    );
    place.tests_passed("1.0.0");
    place.becomes("app@1.0.0", "live", "verified");
    assert!(watch.wait().unwrap().success());
    let examined = Command::new(GATELINE)
        .args(["doctor", "--dir"])
        .arg(place.path("data"))
        .output()
        .unwrap();
    assert!(examined.status.success(), "{}", all(&examined));
}

#[test]
fn a_second_server_on_the_same_database_is_refused() {
    let place = Place::new();
    let second = place
        .serve("127.0.0.1:0")
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(all(&second).contains("is in use by process"), "{}", all(&second));
}

#[test]
fn evidence_for_another_digest_and_reports_of_nothing_do_not_pass() {
    let place = Place::new();
    place.apply(&format!(
        "    - name: live\n      target: {}\n{GATED}",
        place.target()
    ));
    place.release("1.0.0", &[]);
    let empty = place.write("empty.xml", r#"<testsuite name="unit" tests="0"></testsuite>"#);
    place.gateline(&["evidence", "add", "app@1.0.0", text_of(&empty)]);
    eventually("the gate says why", || {
        all(&place.gateline(&["explain", "app@1.0.0", "--to", "live"])).contains("could not find out")
    });
    let foreign = format!("sha256:{}", "0".repeat(64));
    let junit = place.write(
        "junit.xml",
        r#"<testsuite name="unit" tests="1"><testcase name="adds"/></testsuite>"#,
    );
    let other = place.gateline(&[
        "evidence",
        "add",
        "app@1.0.0",
        text_of(&junit),
        "--artifact",
        &foreign,
    ]);
    assert_eq!(other.status.code(), Some(2), "{}", all(&other));
    assert!(all(&other).contains("no artifact of"), "{}", all(&other));
    let bomb = place.write(
        "bomb.xml",
        "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><testsuite>&a;</testsuite>",
    );
    let bombed = place.gateline(&["evidence", "add", "app@1.0.0", text_of(&bomb)]);
    assert!(!all(&bombed).contains("panicked"), "{}", all(&bombed));
    assert_eq!(place.state("app@1.0.0", "live")["state"], "held");
    assert_eq!(place.read("done"), "");
}

#[test]
fn a_service_that_never_gets_healthy_is_taken_back_and_barred() {
    let place = Place::new();
    let control = place.path("proxy.sock");
    let mut proxy = Command::new(GATELINE)
        .args(["proxy", "--control"])
        .arg(&control)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the proxy is there", || control.exists());
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let target = format!(
        "{{process: {{command: [/bin/sleep, \"60\"], listen: \"{free}\", proxy: \"{}\", start_timeout: 1s}}}}",
        control.display()
    );
    place.apply(&format!("    - name: live\n      target: {target}\n"));
    place.release("1.0.0", &[]);
    place.becomes("app@1.0.0", "live", "rolled_back");
    let barred = place.gateline(&["promote", "app@1.0.0", "--to", "live"]);
    assert!(all(&barred).contains("barred"), "{}", all(&barred));
    proxy.kill().unwrap();
    proxy.wait().unwrap();
}

#[test]
fn a_step_that_nobody_can_tell_of_says_why_where_people_look() {
    let place = Place::new();
    let target = "{command: {apply: [/bin/true], observe: [/bin/sh, -c, \"echo who knows; exit 7\"]}}";
    place.apply(&format!("    - name: live\n      target: {target}\n"));
    place.release("1.0.0", &[]);
    place.becomes("app@1.0.0", "live", "paused");
    let explained = all(&place.gateline(&["explain", "app@1.0.0", "--to", "live"]));
    assert!(
        explained.contains("nobody can tell whether step `start` is true"),
        "{explained}"
    );
    assert!(explained.contains("who knows"), "{explained}");
}

#[test]
fn the_database_is_for_its_owner_and_a_token_file_is_never_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let mode = std::fs::metadata(place.path("data/gateline.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = Command::new(GATELINE)
        .args(["serve", "--listen", "127.0.0.1:0", "--dir"])
        .arg(place.path("other"))
        .arg("--admin-token-file")
        .arg(place.path("admin"))
        .output()
        .unwrap();
    assert!(!other.status.success());
    assert!(all(&other).contains("name a new file"), "{}", all(&other));
    place.ok(&["status"]);
}

/// Another user than root, who may read everything.
const NOBODY: &str = "65534";

/// A command as somebody who is not root.
fn as_nobody(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", program]);
    command
}

#[test]
fn a_program_of_the_same_user_cannot_read_the_environment_of_the_server() {
    use std::os::unix::fs::PermissionsExt as _;
    // Only root can become two processes of somebody else; others are that already.
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let run = |program: &str| match is_root {
        true => as_nobody(program),
        false => Command::new(program),
    };
    let mut place = Place::bare();
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(place.dir.path(), open).unwrap();
    let binary = place.path("gateline");
    std::fs::copy(GATELINE, &binary).unwrap();
    let serve = place.serve(&place.address);
    let mut serve_as = run(text_of(&binary));
    serve_as
        .args(serve.get_args())
        .env("SECRET_OF_THE_SERVER", "canary");
    place.server = Some(
        serve_as
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    eventually("the server answers", || {
        place.gateline(&["status"]).status.success()
    });
    let environment = |pid: u32| {
        let read = run("cat").arg(format!("/proc/{pid}/environ")).output().unwrap();
        String::from_utf8_lossy(&read.stdout).contains("SECRET_OF_THE_SERVER")
    };
    let mut other = run("sleep")
        .arg("60")
        .env("SECRET_OF_THE_SERVER", "x")
        .spawn()
        .unwrap();
    eventually("another process can be read", || environment(other.id()));
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(!environment(place.server.as_ref().unwrap().id()));
}

/// Sends a report that is too long for one connection; returns the command, still running.
fn add_large(place: &Place, faults: Vec<line::Fault>) -> Child {
    let case = r#"<testcase classname="a" name="b" time="0.1"/>"#;
    let report = format!("<testsuite name=\"unit\">{}</testsuite>", case.repeat(200_000));
    let file = place.write("large.xml", &report);
    let line = line::with(place.address.clone(), faults);
    Command::new(GATELINE)
        .args(["evidence", "add", "app@1.0.0", text_of(&file), "--token"])
        .arg(format!("file:{}", place.path("admin").display()))
        .env("GATELINE_SERVER", format!("http://{line}"))
        .env("GATELINE_PROJECT", "shop")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_large_report_arrives_over_a_line_that_breaks() {
    let place = Place::new();
    place.apply(&format!(
        "    - name: live\n      target: {}\n{GATED}",
        place.target()
    ));
    place.release("1.0.0", &[]);
    let faults = vec![
        line::Fault::BreaksAfter(3 << 20),
        line::Fault::BreaksAfter(2 << 20),
    ];
    let added = add_large(&place, faults).wait_with_output().unwrap();
    assert!(added.status.success(), "{}", all(&added));
    assert!(all(&added).contains("200000 passed"), "{}", all(&added));
}

#[test]
fn a_large_report_arrives_although_the_server_is_killed_in_the_middle() {
    let mut place = Place::new();
    place.apply(&format!(
        "    - name: live\n      target: {}\n{GATED}",
        place.target()
    ));
    place.release("1.0.0", &[]);
    let adding = add_large(&place, vec![line::Fault::StallsAfter(5 << 20)]);
    let arrived = || {
        let files = std::fs::read_dir(place.path("data/gateline.db-uploads"))
            .into_iter()
            .flatten();
        files
            .flatten()
            .any(|file| file.metadata().is_ok_and(|about| about.len() > 4 << 20))
    };
    eventually("a part of it arrived", arrived);
    place.kill();
    place.start();
    let added = adding.wait_with_output().unwrap();
    assert!(added.status.success(), "{}", all(&added));
    assert!(all(&added).contains("200000 passed"), "{}", all(&added));
    let health = Command::new(GATELINE)
        .args(["doctor", "--dir"])
        .arg(place.path("data"))
        .output()
        .unwrap();
    assert!(health.status.success(), "{}", all(&health));
}
