//! Uploading a large report: megabytes a second and the server's peak memory, beside a server that only writes the same
//! bytes into a file and waits for the disk. `curl` sends to both, so that the client is the same.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

/// Writes each body into a file and has it on disk before it answers: the limit.
const WRITER: &str = "
import http.server, os, sys
class Writer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        left = int(self.headers['Content-Length'])
        with open(sys.argv[1], 'wb', 1 << 20) as file:
            while left:
                piece = self.rfile.read(min(left, 1 << 20))
                left -= len(piece)
                file.write(piece)
            file.flush()
            os.fdatasync(file.fileno())
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(('127.0.0.1', 0), Writer)
print('listens on http://127.0.0.1:%d' % server.server_port, flush=True)
server.serve_forever()
";
const PIPELINE: &str = "apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: app, project: shop}
spec:
  artifacts: [{name: app, kind: file}]
  stages:
    - name: live
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      gates: [{tests: {suite: bench}, because: It is measured.}]
";
/// Uploads of each kind; the middle one counts.
const ROUNDS: usize = 5;

/// A server that is ended with the value.
struct Server {
    process: Child,
    address: String,
    /// Kept, so that the server may write on.
    _out: BufReader<ChildStdout>,
}

impl Server {
    fn start(command: &mut Command) -> Result<Self, String> {
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = spawned.map_err(|err| format!("could not start a server: {err}"))?;
        let mut out = BufReader::new(process.stdout.take().ok_or("a server without stdout")?);
        let mut line = String::new();
        while !line.contains("listens on ") {
            line.clear();
            if out.read_line(&mut line).map_err(|err| err.to_string())? == 0 {
                return Err(format!("a server ended: {:?}", process.wait()));
            }
        }
        let address = line.rsplit(' ').next().unwrap_or_default().trim().to_owned();
        Ok(Self {
            process,
            address,
            _out: out,
        })
    }

    /// The most memory that it has held, in MB.
    fn peak_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<f64>().ok());
        kb.unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Measures the upload of a report. Each round is other bytes: what is stored already would be answered sooner.
pub(super) fn measure(report: &Path, megabytes: f64) -> Result<(), String> {
    let binary = super::build::optimised(&["--package", "gateline"], "gateline")?;
    let dir = std::env::temp_dir().join(format!("gateline-bench-upload-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|err| err.to_string())?;
    let measured = rounds(&binary, &dir, report, megabytes);
    let _ = std::fs::remove_dir_all(&dir);
    measured
}

fn rounds(binary: &Path, dir: &Path, report: &Path, megabytes: f64) -> Result<(), String> {
    let token = dir.join("admin");
    let gateline = Server::start(
        Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--dir"])
            .arg(dir.join("data"))
            .arg("--admin-token-file")
            .arg(&token),
    )?;
    let writer = Server::start(
        Command::new("python3")
            .args(["-c", WRITER])
            .arg(dir.join("written")),
    )?;
    let ours = |arguments: &[&str]| {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .arg("--token")
            .arg(format!("file:{}", token.display()))
            .env("GATELINE_SERVER", &gateline.address)
            .env("GATELINE_PROJECT", "shop");
        ran(&mut command)
    };
    let pipeline = dir.join("pipeline.yaml");
    std::fs::write(&pipeline, PIPELINE).map_err(|err| err.to_string())?;
    ours(&["apply", "-f", &pipeline.display().to_string()])?;
    let artifact = format!("app=file:{}", pipeline.display());
    ours(&["release", "create", "app@1.0.0", "--artifact", &artifact])?;
    // The server says before the first upload what it holds without one.
    let idle = gateline.peak_mb();
    let secret = std::fs::read_to_string(&token).map_err(|err| err.to_string())?;
    let evidence = format!("{}/api/v1/releases/app@1.0.0/evidence", gateline.address);
    let (mut limit, mut curl, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let send = |address: &str| {
            let mut command = Command::new("curl");
            command
                .args([
                    "--silent",
                    "--fail",
                    "--output",
                    "/dev/null",
                    "--header",
                    "Expect:",
                    "--request",
                    "POST",
                ])
                .arg("--header")
                .arg(format!("Authorization: Bearer {}", secret.trim()))
                .args(["--header", "Content-Type: application/octet-stream"])
                .arg("--upload-file")
                .arg(report)
                .arg(address);
            timed(|| ran(&mut command))
        };
        limit.push(megabytes / send(&writer.address)?);
        append_one(report)?;
        curl.push(megabytes / send(&evidence)?);
        append_one(report)?;
        own.push(
            megabytes / timed(|| ours(&["evidence", "add", "app@1.0.0", &report.display().to_string()]))?,
        );
    }
    let (limit, curl, own) = (middle(limit), middle(curl), middle(own));
    println!(
        "\n| upload of JUnit XML, {megabytes:.0} MB | MB/s | of the limit | server's peak memory |\n|---|---|---|---|"
    );
    println!("| `curl` to a server that writes a file and waits for the disk | {limit:.0} | 100 % | |");
    let peak = gateline.peak_mb();
    println!(
        "| `curl` to Gateline, until the evidence is recorded | {curl:.0} | {:.0} % | {peak:.0} MB, {idle:.0} MB before |",
        100.0 * curl / limit
    );
    println!(
        "| `gateline evidence add`, which hashes it first | {own:.0} | {:.0} % | |",
        100.0 * own / limit
    );
    Ok(())
}

/// Another byte behind the report: white space that says nothing.
fn append_one(report: &Path) -> Result<(), String> {
    let file = std::fs::File::options().append(true).open(report);
    let wrote = file.and_then(|mut file| std::io::Write::write_all(&mut file, b"\n"));
    wrote.map_err(|err| err.to_string())
}

fn ran(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|err| err.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// The seconds that it took.
fn timed(run: impl FnOnce() -> Result<(), String>) -> Result<f64, String> {
    let began = Instant::now();
    run()?;
    Ok(began.elapsed().as_secs_f64())
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
