//! `gateline evidence`: what tools wrote, submitted for a release or read offline.

use std::path::PathBuf;

use gateline_api::{
    Empty, EvidenceQuery, EvidenceView, Exit, FetchEvidence, GetRelease, ReleaseName, ReleasePath,
};
use gateline_evidence::{Ask, Complete, Detached, EVIDENCE_BYTES_MAX, Format, ReadError, Trust};
use gateline_model::{AttestationFacts, Digest, Facts, Found, Signature, StageName};
use serde_json::json;

use crate::failure::Failure;
use crate::files;
use crate::render;
use crate::session::Session;

/// Largest file of one key.
const KEY_BYTES_MAX: usize = 16 * 1024;
/// Files from this length on tell how far they have come.
const PROGRESS_FROM_BYTES: u64 = 8 << 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Submit what tools wrote about a release
    Add(Add),
    /// Fetch what is attached to a release's artifacts in their registries
    Fetch(Fetch),
    /// List the evidence of a release
    List(Of),
    /// Show what the evidence of a release says, with each finding's identity
    Show(Of),
    /// Read what a tool wrote, without a server
    Read(Read),
    /// Hold signed statements against keys, without a server
    Verify(Verify),
}

/// How a report is to be read.
#[derive(Debug, clap::Args)]
struct How {
    /// The format, where its content does not tell it
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<Format>,
    /// What any JSON is, in a word, as `chaos`; with `--as json`
    #[arg(long = "type", value_name = "WORD")]
    of: Option<String>,
    /// Where in any JSON the value is, as `.result.runs[0]`; with `--as json`
    #[arg(long)]
    path: Option<String>,
}

impl How {
    fn ask(&self) -> Ask<'_> {
        Ask {
            format: self.format,
            of: self.of.as_deref(),
            path: self.path.as_deref(),
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline evidence add payment-service@1.4.0 junit.xml --name unit
  gateline evidence add payment-service@1.4.0 coverage.lcov lint.sarif
  gateline evidence add payment-service@1.4.0 drill.json --as json --type chaos --path .summary")]
struct Add {
    /// The release, as PIPELINE@VERSION
    release: ReleaseName,
    /// Files as tools wrote them; `docs/reference/evidence-formats.md` lists what is read
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A name that gates may ask for, as `unit`
    #[arg(long)]
    name: Option<String>,
    /// The stage that it was made in or for
    #[arg(long)]
    stage: Option<StageName>,
    #[command(flatten)]
    how: How,
    /// Digests of the artifacts that the tool looked at; all of the release's where none is given
    #[arg(long = "artifact", value_name = "DIGEST")]
    artifacts: Vec<Digest>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits with 0 when the report is read, with 5 when it says too little to be judged, is cut off or against the
rules of its format, and with 2 when its format is not known.

Examples:
  gateline evidence read junit.xml
  gateline evidence read drill.json --as json --type chaos --path .summary"
)]
struct Read {
    /// A file as a tool wrote it; `-` is stdin
    file: PathBuf,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits with 0 when every statement is signed by one of the keys for one of the artifacts, with 3 when one is not, with 5
when the file says too little or is cut off, and with 2 when it is no signed statement or a key cannot be read.

Examples:
  gateline evidence verify provenance.intoto.jsonl --key ci.pub --artifact sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  gateline evidence verify SHA256SUMS.sig --signs SHA256SUMS --key release.pub --artifact sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)]
struct Verify {
    /// DSSE envelopes, Sigstore bundles or cosign's signatures, one a line, or a signature of SSH or minisign; `-` is stdin
    file: PathBuf,
    /// The file beside which a signature of SSH or minisign stands
    #[arg(long, value_name = "FILE")]
    signs: Option<PathBuf>,
    /// A file with a public key that is trusted: PEM, SSH (or its allowed signers), minisign
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// The digest of an artifact that it must be about
    #[arg(long = "artifact", value_name = "DIGEST", required = true)]
    artifacts: Vec<Digest>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The server fetches it, from the registries that the pipeline declares with `attestations`. Gates on signed statements
do so by themselves, again in each stage. What was fetched before is not recorded again.

Examples:
  gateline evidence fetch payment-service@1.4.0"
)]
struct Fetch {
    /// The release, as PIPELINE@VERSION
    release: ReleaseName,
}

/// A release, and which of its evidence.
#[derive(Debug, clap::Args)]
struct Of {
    /// The release, as PIPELINE@VERSION
    release: ReleaseName,
    /// Only the evidence with this id, name, format or kind; the beginning of an id is enough
    evidence: Option<String>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Add(add) => submit(add, session).await,
        Verb::Fetch(args) => fetch(args, session).await,
        Verb::List(of) => {
            let (views, now) = (of_release(&of, session).await?, session.now());
            session
                .out
                .answer(&views, || render::evidence_list(&views, now))?;
            Ok(Exit::Done)
        }
        Verb::Show(of) => {
            let (views, now) = (of_release(&of, session).await?, session.now());
            session.out.answer(&views, || {
                let both = |view| render::evidence(view, now).then(render::facts(view));
                views
                    .iter()
                    .map(both)
                    .fold(render::Page::default(), render::Page::then)
            })?;
            Ok(Exit::Done)
        }
        Verb::Read(read) => offline(&read, session),
        Verb::Verify(args) => verify(&args, session),
    }
}

/// The evidence of a release that is asked for, the newest first.
async fn of_release(of: &Of, session: &mut Session) -> Result<Vec<EvidenceView>, Failure> {
    let client = session.connect()?;
    let path = ReleasePath {
        release: session.named(&of.release),
    };
    let release = client.get::<GetRelease>(&path, &Empty {}).await?;
    let is_meant = |view: &EvidenceView| {
        of.evidence.as_deref().is_none_or(|word| {
            let hex = word.strip_prefix("sha256:").unwrap_or(word);
            view.id.hex().starts_with(hex)
                || view.format == word
                || view.name.as_deref() == Some(word)
                || view.kind.as_deref() == Some(word)
        })
    };
    let views: Vec<EvidenceView> = release.evidence.into_iter().rev().filter(is_meant).collect();
    match &of.evidence {
        Some(word) if views.is_empty() => Err(Failure::no_such(
            "evidence.unknown",
            format!("evidence `{word}`"),
            "the release has none that is called that; list it with `gateline evidence list`",
        )),
        Some(_) | None => Ok(views),
    }
}

async fn submit(add: Add, session: &mut Session) -> Result<Exit, Failure> {
    let mut contents = Vec::new();
    for file in &add.files {
        contents.push(files::steady(file, EVIDENCE_BYTES_MAX)?);
    }
    let client = session.connect()?;
    let path = ReleasePath {
        release: session.named(&add.release),
    };
    let digests: Vec<String> = add.artifacts.iter().map(ToString::to_string).collect();
    let query = EvidenceQuery {
        name: add.name,
        stage: add.stage,
        format: add.how.format.map(|format| format.name().to_owned()),
        of: add.how.of,
        path: add.how.path,
        artifacts: (!digests.is_empty()).then(|| digests.join(",")),
    };
    let mut views: Vec<EvidenceView> = Vec::new();
    for (content, file) in contents.iter().zip(&add.files) {
        let name = file.display();
        let out = &mut session.out;
        let view = client
            .upload(&path, &query, content, &mut |sent| {
                if content.bytes >= PROGRESS_FROM_BYTES {
                    let (sent, all) = (sent >> 20, content.bytes >> 20);
                    out.progress(&format!("`{name}`: {sent} of {all} MiB sent"));
                }
            })
            .await;
        out.progress_ended();
        views.push(view?);
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

async fn fetch(args: Fetch, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = ReleasePath {
        release: session.named(&args.release),
    };
    let fetched = client.send::<FetchEvidence>(&path, &Empty {}).await?;
    let now = session.now();
    session
        .out
        .answer(&fetched, || render::evidence_list(&fetched.evidence, now))?;
    for what in &fetched.passed_over {
        session.out.say(&format!("passed over: {what}"));
    }
    Ok(Exit::Done)
}

fn offline(args: &Read, session: &mut Session) -> Result<Exit, Failure> {
    let bytes = files::bytes(&args.file, EVIDENCE_BYTES_MAX)?;
    let name = args.file.display().to_string();
    let read = match gateline_evidence::read(&bytes, args.how.ask()) {
        Ok(read) => read,
        Err(err) => return not_read(&name, args.how.format, &err, session),
    };
    tell(&name, &read, session)
}

fn verify(args: &Verify, session: &mut Session) -> Result<Exit, Failure> {
    let mut trust = Trust::new();
    for key in &args.keys {
        let name = key.display().to_string();
        let text = files::text(key, KEY_BYTES_MAX)?;
        trust = trust
            .key(&name, &text)
            .map_err(|err| Failure::usage("could not trust that key", err))?;
    }
    let bytes = files::bytes(&args.file, EVIDENCE_BYTES_MAX)?;
    let name = args.file.display().to_string();
    let read = match &args.signs {
        Some(signed) => beside(
            &bytes,
            &files::bytes(signed, EVIDENCE_BYTES_MAX)?,
            &trust,
            &args.artifacts,
        ),
        None => gateline_evidence::verify(&bytes, &trust, &args.artifacts),
    };
    let read = match read {
        Ok(read) => read,
        Err(err) => return not_read(&name, None, &err, session),
    };
    let exit = tell(&name, &read, session)?;
    let holds = matches!(&read.facts, Facts::Attestation(facts) if facts.statements.iter().all(|one| {
        matches!(one.signature, Signature::Verified { .. })
    }));
    match exit {
        Exit::Done if !holds => Ok(Exit::Refused),
        exit => Ok(exit),
    }
}

/// A signature that stands beside its file.
fn beside(
    signature: &[u8],
    signed: &[u8],
    trust: &Trust,
    artifacts: &[Digest],
) -> Result<gateline_evidence::Read, ReadError> {
    let mut read = gateline_evidence::read(signature, None)?;
    let mut detached = Detached::new(signature, trust, artifacts);
    detached.hold(signed);
    read.facts = Facts::Attestation(AttestationFacts {
        statements: vec![detached.statement()],
    });
    Ok(read)
}

/// Says what was read, and whether it is enough.
fn tell(name: &str, read: &gateline_evidence::Read, session: &mut Session) -> Result<Exit, Failure> {
    let (exit, reason) = match &read.complete {
        Complete::Yes => (Exit::Done, None),
        Complete::No { reason } => (Exit::Unknown, Some(reason)),
    };
    let mut reply = json!({
        "file": name, "format": read.format.name(), "kind": read.facts.kind(), "facts": read.facts,
        "complete": reason.is_none(), "warnings": read.warnings,
    });
    if let Some(reason) = reason {
        reply["reason"] = json!(reason);
    }
    session.out.answer(&reply, || render::read_report(name, read))?;
    Ok(exit)
}

/// A report of a known format that is cut off or against its rules is a tool that did not look; any other is not evidence.
fn not_read(
    name: &str,
    asked: Option<Format>,
    err: &ReadError,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let format = match err {
        ReadError::Truncated { format, .. } | ReadError::Malformed { format, .. } => Some(*format),
        ReadError::Empty => asked,
        ReadError::Unrecognised { .. }
        | ReadError::Asked(_)
        | ReadError::TooLarge { .. }
        | ReadError::Io(_) => None,
    };
    let what = format!("could not read `{name}` as evidence");
    let Some(format) = format else {
        return Err(Failure::usage(what, err));
    };
    let reply = json!({
        "file": name, "format": format.name(), "kind": format.kind(), "complete": false, "reason": err.to_string(),
        "warnings": [],
    });
    session
        .out
        .answer(&reply, || render::unread_report(name, format, err))?;
    Ok(Exit::Unknown)
}
