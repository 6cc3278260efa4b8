//! `POST /hooks/github`

use axum::Json;
use axum::response::{IntoResponse, Response};
use gateline_api::{HearGithub, entry};
use gateline_core::Command;
use gateline_drivers::letter::{code_of, reply_on_github, same, sha256_mac};
use gateline_model::{Channel, Digest, No, PromotionId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{answer, forged, header, read};
use crate::call::{App, Call};
use crate::refused::Refused;

/// How old a comment may be when GitHub tells of it. It sends again what nobody answered, and people can have it sent
/// again for days.
pub const COMMENT_SECS_MAX: i64 = 3_600;

/// What GitHub sends of a comment.
#[derive(Debug, Deserialize)]
struct Payload {
    action: String,
    repository: Repository,
    issue: Issue,
    comment: Comment,
}

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Debug, Deserialize)]
struct Issue {
    number: u64,
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    body: String,
    created_at: Timestamp,
    user: User,
}

#[derive(Debug, Deserialize)]
struct User {
    id: u64,
}

/// What a comment asks for, in its first line.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    no: bool,
    promotion: PromotionId,
    code: String,
    text: String,
}

pub(crate) async fn handle(call: Call<HearGithub>) -> Result<Response, Refused> {
    let (app, headers) = (call.app.clone(), call.headers.clone());
    let body = read(call.into_stream()).await?;
    let signature = header(&headers, "x-hub-signature-256").unwrap_or_default();
    let signed = who_signed(&app, signature, &body).await?;
    let ignored = |why: &str| Json(json!({ "ignored": why })).into_response();
    if header(&headers, "x-github-event") != Some("issue_comment") {
        return Ok(ignored("it is no comment"));
    }
    let payload: Payload = serde_json::from_slice(&body)
        .map_err(|err| Refused::new(&entry::BODY, format!("the comment cannot be read: {err}")))?;
    // Others may edit a comment; only its author makes it.
    if payload.action != "created" {
        return Ok(ignored("the comment is not new"));
    }
    let Some(said) = command(&payload.comment.body) else {
        return Ok(ignored("it says neither `/approve` nor `/reject`"));
    };
    let named = |channel: &&Channel| {
        let repository = channel.github.as_ref().map(|github| github.repository.as_str());
        repository.is_some_and(|repository| repository.eq_ignore_ascii_case(&payload.repository.full_name))
    };
    let Some(channel) = signed.iter().find(named) else {
        return Err(forged());
    };
    let said_of_it = decide(&app, channel, &payload, said, &body).await;
    if let Err(refused) = &said_of_it {
        let problem = refused.problem();
        let (channel, issue) = (channel.clone(), payload.issue.number);
        let text = format!("Not accepted: {}; {}", problem.detail, problem.hint);
        // GitHub waits for ten seconds; the person is told beside that.
        tokio::spawn(async move { reply_on_github(&channel, issue, &text).await });
    }
    said_of_it.map(|()| Json(json!({"accepted": true})).into_response())
}

/// The channels whose secret made the signature.
async fn who_signed(app: &App, signature: &str, body: &[u8]) -> Result<Vec<Channel>, Refused> {
    let channels = app.settings.file.channels.iter();
    let declared =
        channels.filter_map(|channel| Some((channel, channel.github.as_ref()?.webhook_secret.as_ref()?)));
    let (mut any, mut signed) = (false, Vec::new());
    for (channel, secret) in declared {
        any = true;
        let secret = gateline_drivers::read_secret(secret).await.map_err(|err| {
            tracing::error!(
                "The webhook secret of channel `{}` cannot be read: {err}",
                channel.name
            );
            Refused::new(&entry::UNAVAILABLE, "a channel's webhook secret cannot be read")
        })?;
        let mac = sha256_mac(secret.as_bytes(), &[body]);
        let expected: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        if same(format!("sha256={expected}").as_bytes(), signature.as_bytes()) {
            signed.push(channel.clone());
        }
    }
    match (any, signed.is_empty()) {
        (false, _) => Err(Refused::new(
            &entry::HOOK_UNDECLARED,
            "no channel of GitHub has a `webhook_secret`",
        )),
        (true, true) => Err(forged()),
        (true, false) => Ok(signed),
    }
}

async fn decide(
    app: &App,
    channel: &Channel,
    payload: &Payload,
    said: Said,
    body: &[u8],
) -> Result<(), Refused> {
    let comment = &payload.comment;
    let age = Timestamp::now().as_second() - comment.created_at.as_second();
    if age > COMMENT_SECS_MAX {
        let detail = format!("the comment was written more than {COMMENT_SECS_MAX} s ago");
        return Err(Refused::new(&entry::HOOK_OLD, detail));
    }
    let mut people = app.settings.file.people.iter();
    let Some(person) = people.find(|person| person.github == Some(comment.user.id)) else {
        let detail = format!(
            "the server's file says of nobody that he is user {} of GitHub",
            comment.user.id
        );
        return Err(Refused::new(&entry::HOOK_PERSON, detail));
    };
    let Said {
        no,
        promotion,
        code,
        text,
    } = said;
    if !channel.serves(&promotion.stage.project) {
        let detail = format!(
            "channel `{}` is not for project `{}`",
            channel.name, promotion.stage.project
        );
        return Err(Refused::new(&entry::HOOK_PROJECT, detail));
    }
    let question = Some(question(app, &promotion, &code)?);
    let command = if no {
        Command::Refuse {
            promotion,
            no: No::Reject,
            question,
            reason: text,
            signed: None,
        }
    } else {
        let comment = (!text.is_empty()).then_some(text);
        Command::Approve {
            promotion,
            question,
            comment,
            signed: None,
        }
    };
    answer(
        app,
        person.actor.clone(),
        command,
        format!("github comment {}", comment.id),
        body,
    )
    .await
}

/// The question that a code stands for: the one that is asked now, or none.
fn question(app: &App, promotion: &PromotionId, code: &str) -> Result<Digest, Refused> {
    let asked = app.hub.with_world(|world| {
        let decision = world.promotion(promotion)?.decision.clone()?;
        Some(decision.question)
    });
    match asked {
        Some(question) if code_of(&question) == code => Ok(question),
        // A promotion that is not open gets the judgement's own words, for any question.
        None => Ok(Digest::of(code.as_bytes())),
        Some(question) => Err(Refused::new(
            &entry::HOOK_STALE,
            format!(
                "what the comment answers (`{code:.40}`) is not what is asked now (`{}`)",
                code_of(&question)
            ),
        )),
    }
}

/// `/approve PROMOTION CODE [COMMENT]` or `/reject PROMOTION CODE REASON`, alone in the first line.
fn command(body: &str) -> Option<Said> {
    let line = body.lines().next()?.trim();
    let mut words = line.splitn(4, ' ');
    let no = match words.next()? {
        "/approve" => false,
        "/reject" => true,
        _ => return None,
    };
    Some(Said {
        no,
        promotion: words.next()?.parse().ok()?,
        code: words.next()?.to_owned(),
        text: words.next().unwrap_or_default().trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stands_alone_in_the_first_line() {
        let said = command("/reject shop/app/live/3 abcd not today, sorry\r\nBye").unwrap();
        assert_eq!(
            (said.no, said.code.as_str(), said.text.as_str()),
            (true, "abcd", "not today, sorry")
        );
        let said = command("/approve shop/app/live/3 abcd").unwrap();
        assert_eq!((said.no, said.text.as_str()), (false, ""));
        for other in [
            "please /approve shop/app/live/3 abcd",
            "> /approve shop/app/live/3 abcd",
            "/approve",
            "/approve shop/app/live/3",
            "/approve ../../x abcd",
            "\n/approve shop/app/live/3 abcd",
            "",
        ] {
            assert_eq!(command(other), None, "{other}");
        }
    }

    #[test]
    fn a_spoilt_comment_harms_nobody() {
        let event = br#"{"action":"created","issue":{"number":7},"comment":{"id":1,"body":"/approve shop/app/live/3 abcd","created_at":"2026-11-21T10:00:00Z","user":{"id":583231}},"repository":{"full_name":"acme/app"}}"#;
        crate::spoilt::spoilt(&[event], |bytes| drop(serde_json::from_slice::<Payload>(bytes)));
        crate::spoilt::spoilt(&[b"/reject shop/app/live/3 abcd not today\r\nBye"], |bytes| {
            drop(command(&String::from_utf8_lossy(bytes)));
        });
    }
}
