//! Reading large reports: megabytes a second and the most memory held, beside the parsers that one would else use and
//! beside a copy of the same bytes in memory.
//!
//! Needs neither the server nor its feature: the reader is built as an example of its crate, and runs as a process of
//! its own as the others do, so that each pays for its start and for its memory alone.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often the memory of a running parser is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Reads any JSON.
const PYTHON_JSON: &str = "import json, sys; json.load(open(sys.argv[1], 'rb'))";
/// Reads any XML element by element, and forgets each.
const PYTHON_XML: &str =
    "import sys, xml.etree.ElementTree as e\nfor _, x in e.iterparse(sys.argv[1]): x.clear()";

/// A report that is generated.
struct Report {
    name: &'static str,
    megabytes: usize,
    head: &'static str,
    /// One of many; `{n}` is its number.
    unit: &'static str,
    between: &'static str,
    tail: &'static str,
}

const REPORTS: [Report; 3] = [
    Report {
        name: "SARIF",
        megabytes: 100,
        head: r#"{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"bench","rules":[{"id":"R1","defaultConfiguration":{"level":"warning"}}]}},"results":["#,
        unit: r#"{"ruleId":"R1","ruleIndex":0,"level":"warning","message":{"text":"value {n} is used before it is set, which can be seen from the call above"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/module_{n}.c","uriBaseId":"%SRCROOT%"},"region":{"startLine":12,"startColumn":5,"endLine":12,"endColumn":31,"snippet":{"text":"    if (value) {\n"}}}}],"partialFingerprints":{"primaryLocationLineHash":"39fa2ee980eb94b0:{n}"}}"#,
        between: ",\n",
        tail: "]}]}",
    },
    Report {
        name: "JUnit XML",
        megabytes: 200,
        head: "<?xml version=\"1.0\"?><testsuites><testsuite name=\"bench\">\n",
        unit: "<testcase classname=\"tests.module\" name=\"test_case_{n}\" time=\"0.012\"><system-out>request {n} answered &lt;200&gt; in 3 ms &amp; was logged\nconnection closed</system-out></testcase>",
        between: "\n",
        tail: "</testsuite></testsuites>\n",
    },
    Report {
        name: "CycloneDX",
        megabytes: 50,
        head: r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"component":{"type":"application","name":"bench","version":"1"}},"components":["#,
        unit: r#"{"bom-ref":"pkg:npm/part-{n}@1.2.3","type":"library","name":"part-{n}","version":"1.2.3","licenses":[{"license":{"id":"MIT"}}],"purl":"pkg:npm/part-{n}@1.2.3","hashes":[{"alg":"SHA-256","content":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],"externalReferences":[{"type":"vcs","url":"https://example.com/part-{n}"}]}"#,
        between: ",\n",
        tail: "]}",
    },
];

/// What one reading took.
struct Took {
    time: Duration,
    peak_kb: u64,
}

pub(super) fn run() -> Result<(), String> {
    println!("\n## evidence\n\n`cargo xtask bench evidence`\n");
    let reader = super::build::example("gateline-evidence", "read")?;
    println!("| report | reader | MB/s | of a copy | peak memory | beside Gateline |");
    println!("|---|---|---|---|---|---|");
    REPORTS.iter().try_for_each(|report| measure(report, &reader))
}

/// Sends the JUnit report to a server instead of reading it.
pub(super) fn upload() -> Result<(), String> {
    println!("\n## upload\n\n`cargo xtask bench upload`");
    let junit = &REPORTS[1];
    with_file(junit, super::upload::measure)
}

fn measure(report: &Report, reader: &Path) -> Result<(), String> {
    with_file(report, |path, megabytes| rows(report, reader, path, megabytes))
}

/// Writes a report, and removes it after its use.
fn with_file(report: &Report, use_it: impl FnOnce(&Path, f64) -> Result<(), String>) -> Result<(), String> {
    let path = std::env::temp_dir().join(format!(
        "gateline-bench-{}-{}",
        report.megabytes,
        std::process::id()
    ));
    let measured = write(report, &path).map_err(|err| format!("could not write {}: {err}", path.display()));
    let measured = measured.and_then(|megabytes| use_it(&path, megabytes));
    let _ = std::fs::remove_file(&path);
    measured
}

fn rows(report: &Report, reader: &Path, path: &Path, megabytes: f64) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|err| format!("could not read {}: {err}", path.display()))?;
    let mut copy = vec![1_u8; bytes.len()];
    let began = Instant::now();
    copy.copy_from_slice(&bytes);
    let copied = megabytes / began.elapsed().as_secs_f64();
    drop((bytes, std::hint::black_box(copy)));
    println!(
        "| {} {megabytes:.0} MB | a copy in memory | {copied:.0} | 1 | | |",
        report.name
    );
    let python = if report.name == "JUnit XML" {
        PYTHON_XML
    } else {
        PYTHON_JSON
    };
    let mut readers = vec![
        ("Gateline", Command::new(reader)),
        ("Python", Command::new("python3")),
    ];
    readers[1].1.args(["-c", python]);
    if report.name != "JUnit XML" {
        readers.push(("jq", Command::new("jq")));
        readers[2].1.args(["-n", "input | length"]);
    }
    let mut ours = None;
    for (name, mut command) in readers {
        let took = time(command.arg(path))?;
        let speed = megabytes / took.time.as_secs_f64();
        let ours: f64 = *ours.get_or_insert(speed);
        println!(
            "| | {name} | {speed:.0} | 1/{:.0} | {:.0} MB | {:.2} |",
            copied / speed,
            took.peak_kb as f64 / 1024.0,
            speed / ours
        );
    }
    Ok(())
}

/// Writes a report; returns its megabytes.
fn write(report: &Report, path: &Path) -> std::io::Result<f64> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut bytes = file.write(report.head.as_bytes())?;
    let mut n = 0_u64;
    while bytes < report.megabytes * 1_000_000 {
        let between = if n == 0 { "" } else { report.between };
        let unit = report.unit.replace("{n}", &n.to_string());
        file.write_all(between.as_bytes())?;
        file.write_all(unit.as_bytes())?;
        bytes += between.len() + unit.len();
        n += 1;
    }
    file.write_all(report.tail.as_bytes())?;
    file.flush()?;
    Ok((bytes + report.tail.len()) as f64 / 1_000_000.0)
}

/// Runs a parser to its end, and looks at the most memory that it has held.
fn time(command: &mut Command) -> Result<Took, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let began = Instant::now();
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut child = spawned.map_err(|err| format!("could not start {name}: {err}"))?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kb = 0;
    loop {
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
        peak_kb = peak.unwrap_or(0).max(peak_kb);
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(Some(status)) => return Err(format!("{name} ended with {status}")),
            Ok(None) => std::thread::sleep(LOOK_EVERY),
            Err(err) => return Err(format!("could not wait for {name}: {err}")),
        }
    }
    Ok(Took {
        time: began.elapsed(),
        peak_kb,
    })
}
