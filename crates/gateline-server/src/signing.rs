//! Signing: what somebody is to sign here, and what was signed, held against the key before core decides about it.

use std::sync::Arc;

use axum::http::HeaderMap;
use gateline_api::{Endpoint, EnrolKeyRequest, NewKey, Problem, StatementQuery, StatementReply, entry};
use gateline_core::authority::{self, Object};
use gateline_core::{Enrolled, Facts, Signed, ToSign, proposal_to_sign, server_project, to_sign};
use gateline_evidence::{SignatureError, Site, SshKey, enrol_passkey, verify_ssh, verify_statement};
use gateline_model::{
    ANSWER_PURPOSE, ANSWER_STATEMENT_LASTS, Answer, AnswerStatement, Answered, Digest, KEY_LABEL_CHARS_MAX,
    KEY_PURPOSE, Key, KeyStatement, Said, Scope, SignedStatement, StatementError, Tier, comment_digest,
    plays_tricks,
};
use gateline_store::Blob;
use jiff::{SignedDuration, Timestamp};

use crate::auth::{By, Caller, session_began};
use crate::call::{App, Call};
use crate::nonce::nonce;
use crate::refused::Refused;
use crate::views;

/// How long after signing in a person may enrol a key. Whoever finds a browser that was left open, or a token, does not get a
/// key with which to sign in the person's name.
pub const KEY_ENROL_FRESH_SECS: i64 = 15 * 60;

/// A signature that holds, and what is kept of it beside the log.
pub(crate) struct Accepted {
    pub signed: Signed,
    /// What was signed to: the decision's question.
    pub question: Digest,
    pub kept: Arc<Blob>,
}

/// Where this request reaches the server.
pub(crate) fn site(app: &App, headers: &HeaderMap) -> (Option<String>, Option<Site>) {
    let address = app.settings.address(headers);
    let site = address.as_deref().and_then(Site::of);
    (address, site)
}

/// What whoever calls is to sign, with all that signing it takes.
pub(crate) fn to_be_signed<E: Endpoint>(
    call: &Call<E>,
    answered: &Answered,
    query: &StatementQuery,
) -> Result<StatementReply, Refused> {
    let (server, site) = site(&call.app, &call.headers);
    let caller = call.caller()?;
    let StatementQuery { answer, comment } = query;
    let (statement, asked) = statement(&call.app, caller, server, answered, (*answer, *comment))?;
    let statement = statement.text();
    Ok(StatementReply {
        digest: Digest::of(statement.as_bytes()),
        statement,
        code: asked.code,
        tier: asked.tier,
        host: site.map(|site| site.host),
        keys: views::keys_in_force(&call.app.hub, &caller.actor.id),
    })
}

/// What a caller is to sign who answers now.
fn statement(
    app: &App,
    caller: &Caller,
    server: Option<String>,
    answered: &Answered,
    (answer, comment): (Answer, Option<Digest>),
) -> Result<(AnswerStatement, ToSign), Refused> {
    let now = Timestamp::now();
    let facts = Facts {
        now,
        actor: caller.actor.clone(),
    };
    let asked = app.hub.with_world(|world| match answered {
        Answered::Promotion(id) => to_sign(world, id, &facts),
        Answered::Proposal(id) => proposal_to_sign(world, id, &facts),
    })?;
    let said = Said {
        server,
        actor: caller.actor.id.clone(),
        answer,
        about: asked.about.clone(),
        question: asked.question,
        code: asked.code.clone(),
        comment,
        nonce: nonce::<32>()?,
        issued_at: now,
        expires_at: ANSWER_STATEMENT_LASTS.after(now),
    };
    Ok((AnswerStatement::new(&asked.artifacts, said), asked))
}

/// Holds a signed answer against what is asked of this caller now, and against the key.
///
/// # Errors
/// With a code of its own for each thing that does not hold.
pub(crate) fn accept(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    answered: &Answered,
    (answer, text): (Answer, &str),
    signed: &SignedStatement,
) -> Result<Accepted, Refused> {
    let (server, site) = site(app, headers);
    let read = AnswerStatement::read(&signed.statement).map_err(not_this)?;
    let comment = comment_digest(text);
    let (asked, _) = statement(app, caller, server, answered, (answer, comment))?;
    read.must_be(&asked, Timestamp::now()).map_err(not_this)?;
    let key = enrolled(app, &signed.key).ok_or_else(|| {
        let says = format!("key `{}` is enrolled for nobody", signed.key);
        coded(
            "signature.key_unknown",
            403,
            says,
            "sign with a key of yours: `gateline key list`",
        )
    })?;
    let Key { tier, public, .. } = &key.key;
    let asserted =
        verify_statement(signed, *tier, public, site.as_ref(), ANSWER_PURPOSE).map_err(not_held)?;
    let kept = Blob::of(signed.text().as_bytes())
        .map_err(|err| Refused::new(&entry::BODY_TOO_LARGE, err.to_string()))?;
    Ok(Accepted {
        question: read.said.question,
        signed: Signed {
            key: signed.key.clone(),
            statement: Digest::of(signed.statement.as_bytes()),
            proof: kept.digest(),
            counter: asserted.counter,
        },
        kept: Arc::new(kept),
    })
}

/// The signature of a request, where it has one, held as by [`accept`].
pub(crate) async fn of_call<E: Endpoint>(
    call: &Call<E>,
    answered: &Answered,
    answer: (Answer, &str),
    signed: Option<&SignedStatement>,
) -> Result<Option<Accepted>, Refused> {
    let Some(signed) = signed else { return Ok(None) };
    if let Some(key) = &call.key
        && call.app.hub.recall(key).await?.is_some()
    {
        // The same request again: it is told what became of it, and decides nothing.
        return Ok(None);
    }
    let caller = call.caller()?;
    accept(&call.app, caller, &call.headers, answered, answer, signed).map(Some)
}

/// What goes into the command, the question that was signed, and what is kept beside the log.
pub(crate) fn parts(accepted: Option<Accepted>) -> (Option<Signed>, Option<Digest>, Vec<Arc<Blob>>) {
    match accepted {
        None => (None, None, Vec::new()),
        Some(Accepted {
            signed,
            question,
            kept,
        }) => (Some(signed), Some(question), vec![kept]),
    }
}

/// A key that is or was enrolled.
pub(crate) fn enrolled(app: &App, fingerprint: &str) -> Option<Enrolled> {
    app.hub.with_world(|world| {
        let server = world.project(&server_project())?;
        server.keys.get(fingerprint).cloned()
    })
}

/// What a caller's key is to sign to be enrolled.
pub(crate) fn key_statement(caller: &Caller, server: Option<String>) -> Result<KeyStatement, Refused> {
    let actor = caller.actor.id.clone();
    Ok(KeyStatement::new(server, actor, nonce::<32>()?, Timestamp::now()))
}

/// Holds a new key against the statement of whose it is.
///
/// # Errors
/// When the key did not sign it, or the caller may not enrol one now.
pub(crate) async fn new_key(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    request: &EnrolKeyRequest,
) -> Result<Key, Refused> {
    let (server, site) = site(app, headers);
    may_enrol(app, caller).await?;
    let statement =
        KeyStatement::read(&request.statement, server.as_deref(), Timestamp::now()).map_err(not_this)?;
    let label: String = request.label.trim().to_owned();
    if label.chars().count() > KEY_LABEL_CHARS_MAX || label.chars().any(plays_tricks) {
        let says = format!("a key's name has at most {KEY_LABEL_CHARS_MAX} visible characters");
        return Err(Refused::new(&entry::BODY, says));
    }
    let actor = statement.actor;
    match &request.key {
        NewKey::Ssh { public, signature } => {
            let key = SshKey::of(public).map_err(not_held)?;
            verify_ssh(&key.line, KEY_PURPOSE, request.statement.as_bytes(), signature).map_err(not_held)?;
            Ok(Key {
                fingerprint: key.fingerprint,
                actor,
                tier: Tier::Ssh,
                public: key.line,
                label: if label.is_empty() { key.comment } else { label },
                counter: 0,
                synced: false,
            })
        }
        NewKey::Passkey {
            client_data,
            authenticator_data,
        } => {
            let site = site.ok_or_else(|| {
                coded(
                    "key.no_site",
                    409,
                    "passkeys do not work at this address: browsers have them for names over HTTPS, and for `localhost`"
                        .to_owned(),
                    "set `url` in the server's file, or open the page at `http://localhost`",
                )
            })?;
            let digest = Digest::of(request.statement.as_bytes());
            let passkey = enrol_passkey(&site, &digest, client_data, authenticator_data).map_err(not_held)?;
            Ok(Key {
                fingerprint: passkey.credential,
                actor,
                tier: Tier::Passkey,
                public: passkey.public,
                label,
                counter: passkey.counter,
                synced: passkey.synced,
            })
        }
    }
}

/// Whoever has only a token, or an old session, must not come by a key: it binds more strongly than either.
async fn may_enrol(app: &App, caller: &Caller) -> Result<(), Refused> {
    let now = Timestamp::now();
    let object = Object::project(&server_project());
    let admin = app
        .hub
        .with_world(|world| authority::may(world, &caller.actor, Scope::Admin, &object, now).is_ok());
    if admin {
        return Ok(());
    }
    let began = match &caller.by {
        By::Session(id) => session_began(app, id).await?,
        By::Token(_) | By::Signed => None,
    };
    let fresh = SignedDuration::from_secs(KEY_ENROL_FRESH_SECS);
    match began {
        Some(began) if now < began + fresh => Ok(()),
        Some(_) => Err(Refused::new(
            &entry::KEY_FRESH,
            format!(
                "you signed in more than {} minutes ago",
                KEY_ENROL_FRESH_SECS / 60
            ),
        )),
        None => Err(Refused::new(
            &entry::KEY_FRESH,
            "this is by a token, and a key binds more strongly than a token",
        )),
    }
}

fn coded(code: &str, status: u16, says: String, hint: &str) -> Refused {
    Problem::coded(code, status, "The signature does not count", says, hint).into()
}

fn not_this(err: StatementError) -> Refused {
    let (status, hint) = match &err {
        StatementError::Unreadable(_) => (422, "sign what `gateline approve .. --sign` or the page gives"),
        StatementError::Stale { .. } => (409, "look again and answer what you see"),
        StatementError::Expired(_) => (409, "sign anew"),
        StatementError::Clock { .. } => (422, "set the clock of the machine that made it, and sign anew"),
        StatementError::OtherServer(_)
        | StatementError::OtherDecision(_)
        | StatementError::OtherActor(_)
        | StatementError::OtherAnswer
        | StatementError::OtherComment => (403, "sign this very answer yourself"),
    };
    coded(err.code(), status, err.to_string(), hint)
}

fn not_held(err: SignatureError) -> Refused {
    let (status, hint) = match &err {
        SignatureError::Unreadable(_) | SignatureError::Key(_) => (422, "sign anew"),
        SignatureError::Purpose { .. } => (403, "sign for what it is meant: `ssh-keygen -Y sign -n`"),
        SignatureError::NotVerified | SignatureError::NotPresent => (
            403,
            "set a fingerprint, a face or a PIN up on the device, and sign again",
        ),
        SignatureError::OtherKey
        | SignatureError::Altered
        | SignatureError::Type(_)
        | SignatureError::Challenge
        | SignatureError::Origin { .. }
        | SignatureError::Site(_) => (
            403,
            "sign anew, on a page of this server or on your own command line",
        ),
    };
    coded(err.code(), status, err.to_string(), hint)
}
