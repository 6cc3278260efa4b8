//! `gateline waive`: one named finding is accepted for a time.

use gateline_api::{
    Empty, Exit, GetRelease, GrantWaiver, ReleaseName, ReleasePath, ReleaseView, WaiverRequest,
};
use gateline_model::{Facts, Finding, Found, StageName};

use super::Reason;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The finding is named by its identity, by the beginning of it, or by its rule or CVE where only one finding has it.
`gateline evidence show RELEASE` and the decision list findings with their identities.

Examples:
  gateline waive CVE-2026-1234 --release payment-service@1.4.0 --until 14d --ticket PAY-77 \\
    --reason 'the vulnerable function is not called'
  gateline waive 3f2a9c04d1e8b775 --release payment-service@1.4.0 --stage staging --until 2026-12-24T00:00:00Z \\
    --reason 'test data, not a secret'"
)]
pub struct Args {
    /// The finding: identity, rule or CVE
    finding: String,
    /// A release whose evidence has it, as PIPELINE@VERSION
    #[arg(long)]
    release: ReleaseName,
    /// Only in this stage; in every stage of the pipeline where none is given
    #[arg(long)]
    stage: Option<StageName>,
    /// When it ends: a time, or so long from now
    #[arg(long, value_name = "TIME|SPAN")]
    until: Moment,
    /// Where it is written down what is done about it
    #[arg(long)]
    ticket: Option<String>,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let now = session.now();
    let path = ReleasePath {
        release: session.named(&args.release),
    };
    let release = client.get::<GetRelease>(&path, &Empty {}).await?;
    let finding = named(&release, &args.finding)?;
    let request = WaiverRequest {
        release: release.id,
        finding: finding.identity.clone(),
        stage: args.stage,
        until: args.until.ahead(now),
        ticket: args.ticket,
        reason: args.reason.reason,
    };
    let view = client.send::<GrantWaiver>(&Empty {}, &request).await?;
    session
        .out
        .answer(&view, || render::waivers(std::slice::from_ref(&view), now))?;
    Ok(Exit::Done)
}

/// Least digits of an identity that name a finding.
const IDENTITY_DIGITS_MIN: usize = 6;

/// The one finding that is meant.
fn named<'a>(release: &'a ReleaseView, name: &str) -> Result<&'a Finding, Failure> {
    let mut found: Vec<&Finding> = Vec::new();
    for evidence in release.evidence.iter().rev() {
        let Found::Facts {
            facts: Facts::Findings(facts),
        } = &evidence.found
        else {
            continue;
        };
        for finding in &facts.findings {
            let is_meant = (name.len() >= IDENTITY_DIGITS_MIN && finding.identity.starts_with(name))
                || finding.rule.as_deref() == Some(name)
                || finding.aliases.iter().any(|alias| alias == name);
            if finding.identity == name {
                return Ok(finding);
            }
            if is_meant && !found.iter().any(|other| other.identity == finding.identity) {
                found.push(finding);
            }
        }
    }
    match found[..] {
        [one] => Ok(one),
        [] => Err(Failure::no_such(
            "finding.unknown",
            format!("finding `{name}`"),
            "no evidence of this release has it; list findings with `gateline evidence show`",
        )),
        [..] => {
            let list: Vec<String> = found
                .iter()
                .map(|one| format!("  {}  {one}", one.identity))
                .collect();
            Err(Failure::usage(
                format!("finding `{name}`"),
                format!(
                    "{} findings are called that; name one by its identity:
{}",
                    found.len(),
                    list.join(
                        "
"
                    )
                ),
            ))
        }
    }
}
