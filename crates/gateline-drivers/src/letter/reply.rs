//! Replies to people who answered on a channel: what became of the answer, or a form that asks for what is missing.
//!
//! Best effort: the answer itself is in the log, or was refused to whoever sent it. What fails is logged.

use std::time::Duration;

use gateline_model::{Channel, Delivered};
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use tracing::warn;

use super::{github, slack};
use crate::outbound::{self, Reach};

/// How long Slack may take: it waits for three seconds itself.
const REPLY_SECS_MAX: u64 = 3;

/// Opens the form that asks for a reason. It holds what the button held.
///
/// # Errors
/// Why it could not be opened, for the person.
pub async fn ask_for_reason(
    channel: &Channel,
    trigger: &str,
    shown: &str,
    title: &str,
) -> Result<(), String> {
    let Some(slack) = &channel.slack else {
        return Err("the channel is not Slack's".to_owned());
    };
    let reach = Reach::Public(channel.allow.clone());
    let url = outbound::allowed(&format!("{}/views.open", slack.api), &reach)?;
    let token = crate::secret::read(&slack.token)
        .await
        .map_err(|err| err.to_string())?;
    let text = |text: &str| json!({"type": "plain_text", "text": text});
    let view = json!({
        "type": "modal",
        "callback_id": "gateline_reason",
        "private_metadata": shown,
        "title": text("Reject"),
        "submit": text("Reject"),
        "close": text("Look again"),
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": title}},
            {
                "type": "input",
                "block_id": "reason",
                "label": text("Why? It is recorded in the log."),
                "element": {"type": "plain_text_input", "action_id": "reason", "multiline": true, "max_length": 3000},
            },
        ],
    });
    let sent = outbound::client(&reach, Duration::from_secs(REPLY_SECS_MAX))?
        .post(url)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .json(&json!({"trigger_id": trigger, "view": view}))
        .send()
        .await
        .map_err(|err| format!("Slack could not be asked to show the form: {}", err.without_url()))?;
    let reply: Value = sent.json().await.unwrap_or_default();
    match reply["ok"].as_bool() {
        Some(true) => Ok(()),
        _ => Err(format!(
            "Slack did not show the form: {:.80}",
            crate::secret::hide(reply["error"].as_str().unwrap_or("no reason"))
        )),
    }
}

/// Tells the person on Slack what became of the answer: everybody there when it counts, else the person alone.
pub async fn reply_on_slack(channel: &Channel, url: &str, text: &str, accepted: bool) {
    let reach = Reach::Public(channel.allow.clone());
    let told = async {
        let url = outbound::allowed(url, &reach)?;
        let reply = json!({
            "response_type": if accepted { "in_channel" } else { "ephemeral" },
            "replace_original": false,
            "text": slack::escape(text),
        });
        let client = outbound::client(&reach, Duration::from_secs(REPLY_SECS_MAX))?;
        let sent = client.post(url).json(&reply).send().await;
        sent.map(drop).map_err(|err| err.without_url().to_string())
    };
    if let Err(why) = told.await {
        warn!(channel.name = %channel.name, "Could not tell on Slack what became of an answer: {why}");
    }
}

/// Tells the person in the issue what became of the answer.
pub async fn reply_on_github(channel: &Channel, issue: u64, text: &str) {
    let Some(github) = &channel.github else { return };
    if let Err(failed) = github::reply(channel, github, issue, text).await {
        let why = match failed {
            Delivered::Sent(why) | Delivered::Later(why, _) | Delivered::Never(why) => why,
        };
        warn!(channel.name = %channel.name, "Could not tell on GitHub what became of an answer: {why}");
    }
}
