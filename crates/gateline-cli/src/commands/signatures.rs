//! `gateline promotion signatures`: what people signed, looked at again here, and written down for others to look at.

use std::path::{Path, PathBuf};

use gateline_api::{Empty, Exit, Holds, ListSignatures, SignatureView};
use gateline_evidence::{Site, verify_statement};
use gateline_model::{ANSWER_PURPOSE, Answer, AnswerStatement, Digest, Proof, SignedStatement};
use jiff::Timestamp;

use super::key::allowed_signers;
use crate::failure::Failure;
use crate::render::{self, Line, Page, Table};
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each signature is held here against the key that the log has, over the statement as it was signed. Exits with 3
where one does not hold. `--into` writes for each the statement and its proof, with `allowed_signers` for SSH keys:

  ssh-keygen -Y verify -f allowed_signers -I ann -n approval@gateline.dev -s 12.ssh.sig < 12.json

Examples:
  gateline promotion signatures payments/payment-service/production/7
  gateline promotion signatures payment-service@1.4.0 --to production --into audit/"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Write statements, signatures and keys into this folder
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_look_at(session, &client).await?;
    let list = client.get::<ListSignatures>(&path, &Empty {}).await?;
    look(&list, args.into.as_deref(), session)
}

/// Holds signatures against their keys, shows what came of it, and writes them down where that is wanted.
pub(super) fn look(
    list: &[SignatureView],
    into: Option<&Path>,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let looked: Vec<Result<(), String>> = list.iter().map(again).collect();
    if let Some(into) = into {
        write(list, into)
            .map_err(|err| Failure::unknown(format!("could not write into `{}`", into.display()), err))?;
    }
    let now = session.now();
    session.out.answer(&list, || page(list, &looked, now))?;
    if let Some(into) = into {
        session.out.say(&format!(
            "written into {}; look again there with:",
            into.display()
        ));
        commands(list).iter().for_each(|command| session.out.say(command));
    }
    match looked.iter().all(Result::is_ok) {
        true => Ok(Exit::Done),
        false => Ok(Exit::Refused),
    }
}

/// Holds a signature once more, by what is in the reply alone.
fn again(view: &SignatureView) -> Result<(), String> {
    let SignatureView {
        no,
        by,
        at,
        bound,
        statement,
        proof,
        key,
        holds,
        ..
    } = view;
    if let Holds::No(why) = holds {
        return Err(why.clone());
    }
    let read = AnswerStatement::read(statement).map_err(|err| err.to_string())?;
    let same = read.said.actor == *by
        && read.said.answer == Answer::from(*no)
        && read.said.about.answered() == view.answered
        && bound.statement == Some(Digest::of(statement.as_bytes()));
    let in_force = key.actor == *by && key.since <= *at && key.revoked.is_none_or(|revoked| *at < revoked);
    if !same || !in_force {
        return Err("the log has another answer, or the key was not in force".to_owned());
    }
    let signed = SignedStatement {
        statement: statement.clone(),
        key: key.fingerprint.clone(),
        proof: proof.clone(),
    };
    let site = read.said.server.as_deref().and_then(Site::of);
    verify_statement(&signed, key.tier, &key.public, site.as_ref(), ANSWER_PURPOSE)
        .map(drop)
        .map_err(|err| err.to_string())
}

fn page(list: &[SignatureView], looked: &[Result<(), String>], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no answer was signed");
    }
    let mut table = Table::headed(["log", "who", "says", "with", "when", ""]);
    for (view, looked) in list.iter().zip(looked) {
        let says = match Answer::from(view.no) {
            Answer::Approve => "yes",
            Answer::Reject => "no",
            Answer::RequestChanges => "not before something is changed",
        };
        let holds = match looked {
            Ok(()) => Line::new().good("holds"),
            Err(why) => Line::new().bad(format!("does not hold: {why}")),
        };
        table.row([
            view.log_index.to_string().into(),
            (&view.by).into(),
            says.into(),
            format!("{} {}", view.key.tier.word(), view.key.fingerprint).into(),
            render::clock(view.at, now).into(),
            holds,
        ]);
    }
    page.table(table);
    page
}

/// One file for each statement and each proof, called after the place in the log.
fn write(list: &[SignatureView], into: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(into)?;
    for view in list {
        let file = |ending: &str| into.join(format!("{}.{ending}", view.log_index));
        std::fs::write(file("json"), &view.statement)?;
        match &view.proof {
            Proof::Ssh { signature } => std::fs::write(file("ssh.sig"), signature)?,
            Proof::Passkey { .. } => {
                let proof = serde_json::json!({"key": view.key, "proof": view.proof});
                std::fs::write(file("passkey.json"), format!("{proof:#}\n"))?;
            }
        }
    }
    let keys: Vec<_> = list.iter().map(|view| view.key.clone()).collect();
    let mut lines: Vec<String> = allowed_signers(&keys).lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(into.join("allowed_signers"), text)
}

/// How to look at the signatures of SSH keys without Gateline.
fn commands(list: &[SignatureView]) -> Vec<String> {
    let of_ssh = list.iter().filter(|view| matches!(view.proof, Proof::Ssh { .. }));
    let command = |view: &SignatureView| {
        let (number, by) = (view.log_index, &view.by);
        let at = view.at.strftime("%Y%m%d%H%M%SZ");
        format!(
            "  ssh-keygen -Y verify -f allowed_signers -I {by} -n {ANSWER_PURPOSE} -Overify-time={at} -s {number}.ssh.sig < {number}.json"
        )
    };
    of_ssh.map(command).collect()
}
