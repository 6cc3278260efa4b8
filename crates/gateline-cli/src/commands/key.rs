//! `gateline key`: the keys that sign answers.

use std::path::PathBuf;

use gateline_api::{
    Empty, EnrolKey, EnrolKeyRequest, Exit, GetKeyStatement, KeyQuery, KeyView, ListKeys, NewKey, RevokeKey,
    RevokeKeyRequest,
};
use gateline_model::{ANSWER_PURPOSE, ActorId, KEY_PURPOSE, Tier};
use jiff::Timestamp;

use super::Reason;
use crate::failure::Failure;
use crate::render::{self, Line, Page, Table};
use crate::session::Session;
use crate::{files, signing};

/// Largest proof that `--from` reads.
const PROOF_BYTES_MAX: usize = 128 * 1024;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Enrol an SSH key, so that it may sign your answers
    Enrol(Enrol),
    /// Revoke a key at once: what it signed counts no more where it is not admitted yet
    Revoke(Revoke),
    /// List the keys that were ever enrolled
    List {
        /// Only this actor's
        #[arg(long)]
        actor: Option<ActorId>,
    },
    /// Print who may sign with which SSH key and when, as `ssh-keygen -Y verify -f` reads it
    AllowedSigners,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The key signs that it is yours. A key binds more strongly than a token, so a token alone does not enrol one:
sign in, and paste on the page /keys what `--print` writes; or give that to an administrator, who enrols it with `--from`.

Examples:
  gateline key enrol ~/.ssh/id_ed25519 --print
  gateline key enrol --from ann.json"
)]
struct Enrol {
    /// The key; its `.pub` file stands beside it
    #[arg(value_name = "KEYFILE", required_unless_present = "from")]
    file: Option<PathBuf>,
    /// How you call it; what stands in its `.pub` file where it is not given
    #[arg(long, value_name = "TEXT", conflicts_with = "from")]
    label: Option<String>,
    /// Only print what is to be enrolled; nothing is enrolled
    #[arg(long, conflicts_with = "from")]
    print: bool,
    /// Enrol what somebody printed with `--print`
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    from: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline key revoke SHA256:Zx0.. --reason 'the laptop was stolen'")]
struct Revoke {
    /// The key's fingerprint, as `gateline key list` shows it
    fingerprint: String,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let now = session.now();
    match args.verb {
        Verb::Enrol(enrol) => return self::enrol(enrol, session).await,
        Verb::Revoke(Revoke { fingerprint, reason }) => {
            let request = RevokeKeyRequest {
                fingerprint,
                reason: reason.reason,
            };
            let key = client.send::<RevokeKey>(&Empty {}, &request).await?;
            let said = format!("key {} of {} revoked", key.fingerprint, key.actor);
            session
                .out
                .answer(&key, || page(std::slice::from_ref(&key), now))?;
            session.out.say(&said);
        }
        Verb::List { actor } => {
            let list = client.get::<ListKeys>(&Empty {}, &KeyQuery { actor }).await?;
            session.out.answer(&list, || page(&list, now))?;
        }
        Verb::AllowedSigners => {
            let list = client.get::<ListKeys>(&Empty {}, &KeyQuery::default()).await?;
            let text = allowed_signers(&list);
            session.out.answer_text(&list, &text)?;
        }
    }
    Ok(Exit::Done)
}

async fn enrol(enrol: Enrol, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let request = match (&enrol.from, &enrol.file) {
        (Some(from), _) => {
            let text = files::text(from, PROOF_BYTES_MAX)?;
            serde_json::from_str(&text).map_err(|err| {
                Failure::usage(format!("`{}` cannot be read", from.display()), err)
                    .hint("it is what `gateline key enrol KEYFILE --print` writes")
            })?
        }
        (None, Some(file)) => {
            let key = signing::public_of(file)?;
            let asked = client.get::<GetKeyStatement>(&Empty {}, &Empty {}).await?;
            let signature = signing::sign(file, &key.line, KEY_PURPOSE, &asked.statement)?;
            EnrolKeyRequest {
                statement: asked.statement,
                label: enrol.label.unwrap_or(key.comment),
                key: NewKey::Ssh {
                    public: key.line,
                    signature,
                },
            }
        }
        (None, None) => return Err(Failure::usage("no key is named", "nothing else tells which")),
    };
    if enrol.print {
        let text = serde_json::to_string(&request).map_err(Failure::bug)?;
        session.out.answer_text(&request, &format!("{text}\n"))?;
        return Ok(Exit::Done);
    }
    let key = client.send::<EnrolKey>(&Empty {}, &request).await?;
    let now = session.now();
    session
        .out
        .answer(&key, || page(std::slice::from_ref(&key), now))?;
    session
        .out
        .say(&format!("key {} of {} enrolled", key.fingerprint, key.actor));
    Ok(Exit::Done)
}

fn page(list: &[KeyView], now: Timestamp) -> Page {
    let mut page = Page::default();
    let mut table = Table::headed(["key", "actor", "kind", "called", "since", ""]);
    for key in list {
        let kind = match (key.tier, key.synced) {
            (Tier::Passkey, true) => "passkey, on several devices",
            (tier, _) => tier.word(),
        };
        let ended = match key.revoked {
            Some(at) => Line::new().bad(format!("revoked {}", render::clock(at, now))),
            None => Line::new(),
        };
        table.row([
            (&key.fingerprint).into(),
            (&key.actor).into(),
            kind.into(),
            (&key.label).into(),
            render::clock(key.since, now).into(),
            ended,
        ]);
    }
    page.table(table);
    page
}

/// SSH keys in the form of ssh-keygen(1), "ALLOWED SIGNERS": with the time in which each may sign.
pub(super) fn allowed_signers(keys: &[KeyView]) -> String {
    let mut text = String::new();
    let time = |at: Timestamp| at.strftime("%Y%m%d%H%M%SZ").to_string();
    for key in keys.iter().filter(|key| key.tier == Tier::Ssh) {
        let until = key.revoked.map(|at| format!(",valid-before=\"{}\"", time(at)));
        text.push_str(&format!(
            "{} namespaces=\"{ANSWER_PURPOSE}\",valid-after=\"{}\"{} {}\n",
            key.actor,
            time(key.since),
            until.unwrap_or_default(),
            key.public
        ));
    }
    text
}
