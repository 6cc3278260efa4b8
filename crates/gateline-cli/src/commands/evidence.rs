//! `gateline evidence`: what tools wrote, submitted for a release or read offline.

use std::path::PathBuf;

use gateline_api::{EvidenceQuery, EvidenceView, Exit, ReleaseName, ReleasePath, SubmitEvidence};
use gateline_evidence::{Complete, EVIDENCE_BYTES_MAX, Format};
use gateline_model::{Digest, Found, StageName};
use serde_json::json;

use crate::failure::Failure;
use crate::files;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Submit what tools wrote about a release
    Add(Add),
    /// Read what a tool wrote, without a server
    Read(Read),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline evidence add payment-service@1.4.0 junit.xml --name unit
  gateline evidence add payment-service@1.4.0 coverage.lcov lint.sarif")]
struct Add {
    /// The release, as PIPELINE@VERSION
    release: ReleaseName,
    /// Files as tools wrote them: JUnit, LCOV or SARIF
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A name that gates may ask for, as `unit`
    #[arg(long)]
    name: Option<String>,
    /// The stage that it was made in or for
    #[arg(long)]
    stage: Option<StageName>,
    /// The format, where its content does not tell it
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<Format>,
    /// Digests of the artifacts that the tool looked at; all of the release's where none is given
    #[arg(long = "artifact", value_name = "DIGEST")]
    artifacts: Vec<Digest>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits with 5 when the report says too little to be judged, or cannot be read.

Examples:
  gateline evidence read junit.xml"
)]
struct Read {
    /// A file as a tool wrote it; `-` is stdin
    file: PathBuf,
    /// The format, where its content does not tell it
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<Format>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Add(add) => submit(add, session).await,
        Verb::Read(read) => offline(&read, session),
    }
}

async fn submit(add: Add, session: &mut Session) -> Result<Exit, Failure> {
    let mut contents = Vec::new();
    for file in &add.files {
        contents.push(files::bytes(file, EVIDENCE_BYTES_MAX)?);
    }
    let client = session.connect()?;
    let path = ReleasePath {
        release: session.named(&add.release),
    };
    let digests: Vec<String> = add.artifacts.iter().map(ToString::to_string).collect();
    let query = EvidenceQuery {
        name: add.name,
        stage: add.stage,
        format: add.format.map(|format| format.name().to_owned()),
        artifacts: (!digests.is_empty()).then(|| digests.join(",")),
    };
    let mut views: Vec<EvidenceView> = Vec::new();
    for content in contents {
        views.push(
            client
                .send_bytes::<SubmitEvidence>(&path, &query, content)
                .await?,
        );
    }
    let now = session.now();
    session.out.answer(&views, || {
        let pages = views.iter().map(|view| render::evidence(view, now));
        pages.reduce(render::Page::then).unwrap_or_default()
    })?;
    for (view, file) in views.iter().zip(&add.files) {
        if let Found::Errored { reason, .. } = &view.found {
            session
                .out
                .say(&format!("`{}` is errored evidence: {reason}", file.display()));
        }
    }
    Ok(Exit::Done)
}

fn offline(args: &Read, session: &mut Session) -> Result<Exit, Failure> {
    let bytes = files::bytes(&args.file, EVIDENCE_BYTES_MAX)?;
    let name = args.file.display().to_string();
    let read = gateline_evidence::read(&bytes, args.format)
        .map_err(|err| Failure::unknown(format!("could not read `{name}` as evidence"), err))?;
    let (exit, errored) = match &read.complete {
        Complete::Yes => (Exit::Done, None),
        Complete::No { reason } => (Exit::Unknown, Some(reason)),
    };
    let reply = json!({
        "file": name, "format": read.format.name(), "facts": read.facts, "errored": errored, "warnings": read.warnings,
    });
    session.out.answer(&reply, || render::read_report(&name, &read))?;
    Ok(exit)
}
