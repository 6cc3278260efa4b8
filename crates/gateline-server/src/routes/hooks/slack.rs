//! `POST /hooks/slack`

use axum::Json;
use axum::response::{IntoResponse, Response};
use gateline_api::{HearSlack, entry};
use gateline_core::Command;
use gateline_drivers::letter::{
    SLACK_APPROVE, SLACK_REJECT, ask_for_reason, reply_on_slack, same, slack_signature,
};
use gateline_model::{ActorId, Channel, Digest, No, PromotionId, SlackUser};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HOOK_SECS_MAX, answer, forged, header, read};
use crate::call::{App, Call};
use crate::refused::Refused;

/// What Slack sends when somebody presses a button, or sends the form that asks for a reason.
#[derive(Debug, Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    team: Option<Id>,
    user: Id,
    #[serde(default)]
    actions: Vec<Action>,
    trigger_id: Option<String>,
    response_url: Option<String>,
    view: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Action {
    action_id: String,
    #[serde(default)]
    value: String,
}

/// What a button holds: the promotion, and the question that its message shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    promotion: PromotionId,
    question: Digest,
}

#[derive(Deserialize)]
struct Form {
    payload: String,
}

pub(crate) async fn handle(call: Call<HearSlack>) -> Result<Response, Refused> {
    let (app, headers) = (call.app.clone(), call.headers.clone());
    let body = read(call.into_stream()).await?;
    let timestamp = header(&headers, "x-slack-request-timestamp").unwrap_or_default();
    let signature = header(&headers, "x-slack-signature").unwrap_or_default();
    let channel = who_signed(&app, timestamp, signature, &body).await?;
    fresh(timestamp, Timestamp::now())?;
    let wrong = |why: String| Refused::new(&entry::BODY, why);
    let form: Form = serde_urlencoded::from_bytes(&body)
        .map_err(|err| wrong(format!("the body is no form with a `payload`: {err}")))?;
    let payload: Payload = serde_json::from_str(&form.payload)
        .map_err(|err| wrong(format!("the payload cannot be read: {err}")))?;
    let actor = known(&app, &payload)?;
    let from = format!("slack {timestamp} {signature}");
    match payload.kind.as_str() {
        "block_actions" => pressed(&app, &channel, actor, payload, from, &body).await,
        "view_submission" => Ok(reasoned(&app, &channel, actor, &payload, from, &body).await),
        other => Err(wrong(format!("`{other:.40}` is nothing that Gateline asks for"))),
    }
}

/// The channel whose secret made the signature.
async fn who_signed(app: &App, timestamp: &str, signature: &str, body: &[u8]) -> Result<Channel, Refused> {
    let channels = app.settings.file.channels.iter();
    let declared =
        channels.filter_map(|channel| Some((channel, channel.slack.as_ref()?.signing_secret.as_ref()?)));
    let mut any = false;
    for (channel, secret) in declared {
        any = true;
        let secret = gateline_drivers::read_secret(secret).await.map_err(|err| {
            tracing::error!(
                "The signing secret of channel `{}` cannot be read: {err}",
                channel.name
            );
            Refused::new(&entry::UNAVAILABLE, "a channel's signing secret cannot be read")
        })?;
        let expected = slack_signature(&secret, timestamp, body);
        if same(expected.as_bytes(), signature.as_bytes()) {
            return Ok(channel.clone());
        }
    }
    match any {
        true => Err(forged()),
        false => Err(Refused::new(
            &entry::HOOK_UNDECLARED,
            "no channel of Slack has a `signing_secret`",
        )),
    }
}

/// Whether a signed time is near enough to now.
fn fresh(timestamp: &str, now: Timestamp) -> Result<(), Refused> {
    let sent: Option<i64> = timestamp.parse().ok();
    if sent.is_some_and(|sent| now.as_second().saturating_sub(sent).saturating_abs() <= HOOK_SECS_MAX) {
        return Ok(());
    }
    let detail = format!("the request was signed more than {HOOK_SECS_MAX} s ago, or ahead");
    Err(Refused::new(&entry::HOOK_OLD, detail))
}

/// Who it is here, by ids alone.
fn known(app: &App, payload: &Payload) -> Result<ActorId, Refused> {
    let team = payload
        .team
        .as_ref()
        .map(|team| team.id.as_str())
        .unwrap_or_default();
    let user = SlackUser {
        team: team.to_owned(),
        user: payload.user.id.clone(),
    };
    let mut people = app.settings.file.people.iter();
    let found = people.find(|person| person.slack.as_ref() == Some(&user));
    found.map(|person| person.actor.clone()).ok_or_else(|| {
        Refused::new(
            &entry::HOOK_PERSON,
            format!("the server's file says of nobody that he is `{user:.80}` on Slack"),
        )
    })
}

async fn pressed(
    app: &App,
    channel: &Channel,
    actor: ActorId,
    payload: Payload,
    from: String,
    body: &[u8],
) -> Result<Response, Refused> {
    let ours = |action: &&Action| [SLACK_APPROVE, SLACK_REJECT].contains(&action.action_id.as_str());
    let Some(action) = payload.actions.iter().find(ours) else {
        // A link in a message is told too.
        return Ok(Json(json!({})).into_response());
    };
    let shown = of_button(channel, &action.value)?;
    if action.action_id == SLACK_REJECT {
        let trigger = payload.trigger_id.unwrap_or_default();
        let asked = ask_for_reason(channel, &trigger, &action.value, &shown.promotion.to_string()).await;
        return match asked {
            Ok(()) => Ok(Json(json!({})).into_response()),
            Err(why) => Err(Refused::new(&entry::UNAVAILABLE, why)),
        };
    }
    let command = Command::Approve {
        promotion: shown.promotion.clone(),
        question: Some(shown.question),
        comment: None,
        signed: None,
    };
    let said = answer(app, actor.clone(), command, from, body).await;
    let text = match &said {
        Ok(()) => format!("{actor} approved {}", shown.promotion),
        Err(refused) => not_accepted(refused),
    };
    if let Some(url) = payload.response_url {
        let (channel, accepted) = (channel.clone(), said.is_ok());
        // Slack waits for three seconds; the person is told beside that.
        tokio::spawn(async move { reply_on_slack(&channel, &url, &text, accepted).await });
    }
    // Slack shows a mark of its own for anything else, which tells the person nothing.
    Ok(match said {
        Ok(()) => Json(json!({})).into_response(),
        Err(refused) => Json(json!({"refused": refused.problem()})).into_response(),
    })
}

/// A no with its reason. What Slack is answered stands beside the field of the form.
async fn reasoned(
    app: &App,
    channel: &Channel,
    actor: ActorId,
    payload: &Payload,
    from: String,
    body: &[u8],
) -> Response {
    let view = payload.view.as_ref().unwrap_or(&Value::Null);
    let reason = view["state"]["values"]["reason"]["reason"]["value"]
        .as_str()
        .unwrap_or_default();
    let shown = of_button(channel, view["private_metadata"].as_str().unwrap_or_default());
    let said = match shown {
        Ok(shown) => {
            let command = Command::Refuse {
                promotion: shown.promotion,
                no: No::Reject,
                question: Some(shown.question),
                reason: reason.to_owned(),
                signed: None,
            };
            answer(app, actor, command, from, body).await
        }
        Err(refused) => Err(refused),
    };
    match said {
        Ok(()) => Json(json!({"response_action": "clear"})).into_response(),
        Err(refused) => Json(json!({
            "response_action": "errors",
            "errors": {"reason": not_accepted(&refused)},
            "refused": refused.problem(),
        }))
        .into_response(),
    }
}

/// What a button or a form holds; only of projects that the channel is for.
fn of_button(channel: &Channel, value: &str) -> Result<Shown, Refused> {
    let shown: Shown = serde_json::from_str(value)
        .map_err(|err| Refused::new(&entry::BODY, format!("the button's value cannot be read: {err}")))?;
    if !channel.serves(&shown.promotion.stage.project) {
        let detail = format!(
            "channel `{}` is not for project `{}`",
            channel.name, shown.promotion.stage.project
        );
        return Err(Refused::new(&entry::HOOK_PROJECT, detail));
    }
    Ok(shown)
}

fn not_accepted(refused: &Refused) -> String {
    let problem = refused.problem();
    let hint = if problem.hint.is_empty() {
        String::new()
    } else {
        format!("; {}", problem.hint)
    };
    format!("Not accepted: {}{hint}", problem.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoilt_press_of_a_button_harms_nobody() {
        let payload = br#"payload=%7B%22type%22%3A%22block_actions%22%2C%22team%22%3A%7B%22id%22%3A%22T1%22%7D%2C%22user%22%3A%7B%22id%22%3A%22U1%22%7D%2C%22actions%22%3A%5B%7B%22action_id%22%3A%22gateline_approve%22%2C%22value%22%3A%22x%22%7D%5D%7D"#;
        let plain = br#"{"type":"view_submission","user":{"id":"U1"},"view":{"private_metadata":"{\"promotion\":\"a/b/c/1\"}","state":{"values":{"reason":{"reason":{"value":"no"}}}}}}"#;
        crate::spoilt::spoilt(&[payload, plain], |bytes| {
            drop(serde_urlencoded::from_bytes::<Form>(bytes));
            drop(serde_json::from_slice::<Payload>(bytes));
            drop(serde_json::from_slice::<Shown>(bytes));
        });
    }
}
