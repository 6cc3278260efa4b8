//! Signing on the command line: the statement is shown, held against what was read, and signed by the person's own `ssh-keygen`.
//!
//! Keys in a file, in `ssh-agent` and in a security key all work as they do for `ssh-keygen`; no key is read here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gateline_api::{
    Empty, GetProposalStatement, GetRelease, GetStatement, KeyView, PromotionPath, PromotionView,
    ProposalPath, ProposalView, ReleaseName, ReleasePath, StatementQuery, StatementReply, WhoAmI,
};
use gateline_evidence::{SIGNATURE_BYTES_MAX, SshKey, verify_ssh};
use gateline_model::{
    ANSWER_PURPOSE, About, Answer, AnswerStatement, Digest, Proof, Said, SignedStatement, Tier,
    comment_digest,
};

use crate::client::Client;
use crate::failure::Failure;
use crate::session::Session;
use crate::{files, render};

/// Largest public key that is read.
const PUBLIC_BYTES_MAX: usize = 16 * 1024;
/// Where `ssh-keygen` keeps keys, by their usual names.
const USUAL_KEYS: [&str; 4] = ["id_ed25519_sk", "id_ecdsa_sk", "id_ed25519", "id_ecdsa"];

/// Whether an answer is signed, and with which key.
#[derive(Debug, Default, clap::Args)]
pub struct Sign {
    /// Sign the answer with this SSH key; without a file, with a key of yours that is enrolled and that `ssh-agent` or `~/.ssh` has
    #[arg(long, value_name = "KEYFILE", num_args = 0..=1)]
    sign: Option<Option<PathBuf>>,
}

/// What was read, and is answered.
struct Seen {
    about: About,
    question: Option<Digest>,
    /// How it is read again.
    again: String,
}

impl Sign {
    /// The signature of an answer to the promotion that was seen; nothing where none is asked for.
    pub async fn answer(
        &self,
        session: &mut Session,
        client: &Client,
        path: &PromotionPath,
        view: &PromotionView,
        (answer, text): (Answer, &str),
    ) -> Result<Option<SignedStatement>, Failure> {
        let Some(file) = &self.sign else { return Ok(None) };
        let query = StatementQuery {
            answer,
            comment: comment_digest(text),
        };
        let asked = client.get::<GetStatement>(path, &query).await?;
        let seen = Seen {
            about: About::Promotion {
                id: view.id.clone(),
                release: view.release,
                version: view.version.clone(),
            },
            question: view.decision.as_ref().map(|decision| decision.question),
            again: format!("gateline explain {}", view.id),
        };
        let read = as_seen(client, &seen, &asked.statement, &query).await?;
        let path = ReleasePath {
            release: ReleaseName::Id(view.release),
        };
        let release = client.get::<GetRelease>(&path, &Empty {}).await?;
        if AnswerStatement::new(&release.artifacts, read.said.clone()) != read {
            return Err(not_as_seen("other artifacts"));
        }
        let what = format!("of {} into {}", view.version, view.id.stage.stage);
        sign_as(session, file.as_deref(), &asked, &read.said, &what).map(Some)
    }

    /// The signature of a yes to the proposal that was seen; nothing where none is asked for.
    pub async fn proposal(
        &self,
        session: &mut Session,
        client: &Client,
        path: &ProposalPath,
        view: &ProposalView,
        comment: &str,
    ) -> Result<Option<SignedStatement>, Failure> {
        let Some(file) = &self.sign else { return Ok(None) };
        let query = StatementQuery {
            answer: Answer::Approve,
            comment: comment_digest(comment),
        };
        let asked = client.get::<GetProposalStatement>(path, &query).await?;
        let seen = Seen {
            about: About::Proposal {
                id: view.id(),
                of: view.of.clone(),
                version: view.version,
            },
            question: Some(view.question),
            again: format!("gateline proposal show {}", view.id()),
        };
        let read = as_seen(client, &seen, &asked.statement, &query).await?;
        if AnswerStatement::new(&[], read.said.clone()) != read {
            return Err(not_as_seen("another version"));
        }
        let what = format!("of version {} of {}", view.version.short(), view.of);
        sign_as(session, file.as_deref(), &asked, &read.said, &what).map(Some)
    }
}

/// Shows what is signed, and signs it.
fn sign_as(
    session: &mut Session,
    file: Option<&Path>,
    asked: &StatementReply,
    said: &Said,
    what: &str,
) -> Result<SignedStatement, Failure> {
    let ssh: Vec<&KeyView> = asked.keys.iter().filter(|key| key.tier == Tier::Ssh).collect();
    let (file, key) = match file {
        Some(file) => (file.to_owned(), of_file(file, &ssh)?),
        None => usual(&ssh)?,
    };
    session.out.say(&format!(
        "you sign as {}: {} {what}, decision code {}",
        said.actor,
        word(said.answer),
        said.code
    ));
    session.out.say(&asked.statement);
    let signature = sign(&file, &key.public, ANSWER_PURPOSE, &asked.statement)?;
    Ok(SignedStatement {
        statement: asked.statement.clone(),
        key: key.fingerprint.clone(),
        proof: Proof::Ssh { signature },
    })
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Approve => "approval",
        Answer::Reject => "rejection",
        Answer::RequestChanges => "a request to change something",
    }
}

fn not_as_seen(what: &str) -> Failure {
    let why = format!("the server wants {what} signed that is not what it shows");
    Failure::refused("signature.not_as_seen", "Nothing was signed", why).hint("tell an administrator")
}

/// Refuses to sign anything but the answer to what was read: the server's word is not enough.
async fn as_seen(
    client: &Client,
    seen: &Seen,
    statement: &str,
    query: &StatementQuery,
) -> Result<AnswerStatement, Failure> {
    let read = AnswerStatement::read(statement).map_err(|_| not_as_seen("a statement"))?;
    let said = &read.said;
    if Some(said.question) != seen.question {
        let why = format!("what is asked of {} changed meanwhile", seen.about.answered());
        return Err(
            Failure::refused("approval.question_changed", "The question is another", why)
                .hint(format!("read it again with `{}`", seen.again)),
        );
    }
    let actor = client.get::<WhoAmI>(&Empty {}, &Empty {}).await?.actor;
    if said.actor != actor {
        return Err(not_as_seen("an answer of somebody else"));
    }
    if said.about != seen.about || said.code != render::code(&said.question) {
        return Err(not_as_seen("another decision"));
    }
    if said.answer != query.answer || said.comment != query.comment {
        return Err(not_as_seen("another answer"));
    }
    Ok(read)
}

/// The public half of a key file.
pub(crate) fn public_of(file: &Path) -> Result<SshKey, Failure> {
    let is_public = file.extension().is_some_and(|ending| ending == "pub");
    let public = match is_public {
        true => file.to_owned(),
        false => PathBuf::from(format!("{}.pub", file.display())),
    };
    let text = files::text(&public, PUBLIC_BYTES_MAX).map_err(|failure| {
        failure.hint("the `.pub` file stands beside the key; `ssh-keygen -y -f KEYFILE` writes it")
    })?;
    SshKey::of(&text).map_err(|err| {
        Failure::usage(format!("`{}` cannot be used", public.display()), err)
            .hint("make a key with `ssh-keygen -t ed25519`")
    })
}

fn of_file<'k>(file: &Path, enrolled: &[&'k KeyView]) -> Result<&'k KeyView, Failure> {
    let key = public_of(file)?;
    let found = enrolled.iter().find(|one| one.fingerprint == key.fingerprint);
    found.copied().ok_or_else(|| {
        let why = format!("key {} is not enrolled for you, or was revoked", key.fingerprint);
        Failure::refused("signature.key_unknown", "Nothing was signed", why)
            .hint(format!("enrol it with `gateline key enrol {}`", file.display()))
    })
}

/// A key that is enrolled and at hand: in the agent, where its public half is enough, or in a file with a usual name.
fn usual<'k>(enrolled: &[&'k KeyView]) -> Result<(PathBuf, &'k KeyView), Failure> {
    let agent = without_token("ssh-add").arg("-L").stdin(Stdio::null()).output();
    let agent = agent.map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned());
    let agent = agent.unwrap_or_default();
    for key in enrolled {
        if agent.lines().any(|line| line.starts_with(&key.public)) {
            return Ok((PathBuf::new(), key));
        }
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    for name in USUAL_KEYS {
        let file = home.join(".ssh").join(name);
        let known = public_of(&file).ok();
        let key = known.and_then(|known| enrolled.iter().find(|key| key.fingerprint == known.fingerprint));
        if let Some(key) = key {
            return Ok((file, key));
        }
    }
    let why = match enrolled {
        [] => "no SSH key of yours is enrolled".to_owned(),
        keys => {
            let names: Vec<&str> = keys.iter().map(|key| key.fingerprint.as_str()).collect();
            format!("neither `ssh-agent` nor ~/.ssh has {}", names.join(" or "))
        }
    };
    let hint = match enrolled {
        [] => "enrol one: `gateline key enrol KEYFILE --print` writes what the page /keys takes",
        _ => "name its file: `--sign KEYFILE`",
    };
    Err(Failure::refused("signature.key_unknown", "Nothing was signed", why).hint(hint))
}

/// A program of the person's own, which our token is no business of.
fn without_token(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("GATELINE_TOKEN");
    command
}

/// Signs with `ssh-keygen`, which asks for a passphrase or a touch by itself. Without a file the agent signs.
pub(crate) fn sign(
    file: &Path,
    public: &str,
    purpose: &'static str,
    statement: &str,
) -> Result<String, Failure> {
    let unwritten = |err: std::io::Error| Failure::unknown("could not write the statement", err);
    let dir = tempfile::tempdir().map_err(unwritten)?;
    let (message, of_agent) = (dir.path().join("statement"), dir.path().join("key.pub"));
    std::fs::write(&message, statement).map_err(unwritten)?;
    std::fs::write(&of_agent, public).map_err(unwritten)?;
    let key = if file.as_os_str().is_empty() {
        &of_agent
    } else {
        file
    };
    let ended = without_token("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", purpose, "-f"])
        .arg(key)
        .arg(&message)
        .stdout(Stdio::null())
        .status()
        .map_err(|err| {
            Failure::unknown("could not run `ssh-keygen`", err).hint("install OpenSSH's client")
        })?;
    if !ended.success() {
        let why = format!("`ssh-keygen -Y sign -f {}` ended with {ended}", key.display());
        return Err(Failure::unknown("Nothing was signed", why));
    }
    let signature = files::text(&dir.path().join("statement.sig"), SIGNATURE_BYTES_MAX)?;
    verify_ssh(public, purpose, statement.as_bytes(), &signature)
        .map_err(|err| Failure::unknown("the signature does not hold", err))?;
    Ok(signature)
}
