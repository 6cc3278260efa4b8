//! Letters to Slack: one message with Block Kit, and buttons where somebody is asked.
//!
//! A button holds the promotion and the question that the message shows: an answer is bound to both.

use gateline_model::{Delivered, Letter, Notice, Person, SlackChannel};
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::{Envelope, ask, secret, text};
use crate::outbound;

/// The action of the button that says yes.
pub const SLACK_APPROVE: &str = "gateline_approve";
/// The action of the button that says no.
pub const SLACK_REJECT: &str = "gateline_reject";
/// Longest text of a section; Slack takes 3,000 characters.
const SECTION_CHARS_MAX: usize = 2_900;
/// Errors of Slack's own that pass.
const PASSING: [&str; 6] = [
    "fatal_error",
    "internal_error",
    "ratelimited",
    "rate_limited",
    "request_timeout",
    "service_unavailable",
];

pub(super) async fn send(envelope: Envelope<'_>, slack: &SlackChannel) -> Result<String, Delivered> {
    let at = format!("{}/chat.postMessage", slack.api);
    let url = outbound::allowed(&at, &envelope.reach()).map_err(Delivered::Never)?;
    let token = secret(&slack.token).await?;
    let message = message(envelope, slack);
    let request = envelope
        .client()?
        .post(url)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .json(&message);
    let answered = ask(request, &at).await?;
    let retry_after = answered.retry_after;
    let body = answered.taken(&at)?;
    let reply: Value = serde_json::from_slice(&body).unwrap_or_default();
    let error = reply["error"].as_str().map(crate::secret::hide);
    match (reply["ok"].as_bool(), error.as_deref()) {
        (Some(true), _) => Ok(format!(
            "Slack took it as {} in {}",
            reply["ts"].as_str().unwrap_or("a message"),
            slack.conversation
        )),
        (_, Some(error)) if PASSING.contains(&error) => Err(Delivered::Later(
            format!("Slack answered `{error:.80}`"),
            retry_after,
        )),
        (_, Some(error)) => Err(Delivered::Never(format!("Slack answered `{error:.80}`"))),
        (_, None) => Err(Delivered::Later(
            "Slack's answer could not be read".to_owned(),
            None,
        )),
    }
}

/// The message as Slack takes it.
fn message(envelope: Envelope<'_>, slack: &SlackChannel) -> Value {
    let letter = envelope.letter;
    json!({
        "channel": slack.conversation,
        "text": escape(&text::subject(letter)),
        "blocks": blocks(envelope, slack),
        "unfurl_links": false,
        "unfurl_media": false,
        "metadata": {"event_type": "gateline_letter", "event_payload": {"id": letter.id()}},
    })
}

fn blocks(envelope: Envelope<'_>, slack: &SlackChannel) -> Vec<Value> {
    let letter: &Letter = envelope.letter;
    let mut blocks = Vec::new();
    let named: Vec<String> = envelope.people.iter().filter_map(mention).collect();
    if !named.is_empty() {
        blocks.push(section(&named.join(" ")));
    }
    for (index, enclosed) in letter.notices.iter().enumerate() {
        let notice = &enclosed.notice;
        if index >= text::FULL_MAX {
            blocks.push(section(&escape(&text::title(notice))));
            continue;
        }
        blocks.push(section(&told(envelope, notice)));
        if slack.signing_secret.is_some()
            && let Some(buttons) = buttons(letter, index, notice)
        {
            blocks.push(buttons);
        }
    }
    blocks.extend(text::more(letter).map(|more| section(&escape(&more))));
    blocks
}

fn mention(person: &Person) -> Option<String> {
    person.slack.as_ref().map(|slack| format!("<@{}>", slack.user))
}

fn told(envelope: Envelope<'_>, notice: &Notice) -> String {
    let mut lines = vec![format!("*{}*", escape(&text::title(notice)))];
    if let Some(brief) = &notice.promotion {
        lines.extend(text::standing(envelope, brief).iter().map(|line| escape(line)));
        for gate in &brief.gates {
            let about = text::gate(gate);
            lines.extend(about.iter().enumerate().map(|(index, line)| match index {
                0 => format!("• {}", escape(line)),
                _ => format!("  {}", escape(line)),
            }));
        }
        lines.extend(
            envelope
                .page(&brief.id)
                .map(|page| format!("<{page}|See the promotion>")),
        );
    }
    lines.extend(text::errored(notice).map(|line| escape(&line)));
    lines.join("\n")
}

fn buttons(letter: &Letter, index: usize, notice: &Notice) -> Option<Value> {
    let brief = notice.promotion.as_ref()?;
    let question = brief.question?;
    let value = json!({"promotion": brief.id.to_string(), "question": question}).to_string();
    let button = |action: &str, label: &str, style: &str, value: &str| {
        json!({
            "type": "button",
            "action_id": action,
            "style": style,
            "text": {"type": "plain_text", "text": label},
            "value": value,
        })
    };
    let mut yes = button(SLACK_APPROVE, "Approve", "primary", &value);
    yes["confirm"] = json!({
        "title": {"type": "plain_text", "text": "Approve?"},
        "text": {"type": "plain_text", "text": format!("{} {} into {}", brief.id.stage.pipeline, brief.version, brief.id.stage.stage)},
        "confirm": {"type": "plain_text", "text": "Approve"},
        "deny": {"type": "plain_text", "text": "Look again"},
    });
    Some(json!({
        "type": "actions",
        "block_id": format!("{}/{index}", letter.id()),
        "elements": [yes, button(SLACK_REJECT, "Reject", "danger", &value)],
    }))
}

/// Text in which nothing is a link or calls anybody.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn section(text: &str) -> Value {
    let mut text: String = text.to_owned();
    if let Some((end, _)) = text.char_indices().nth(SECTION_CHARS_MAX) {
        text.truncate(end);
        text.push_str("...");
    }
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

#[cfg(test)]
mod tests {
    use gateline_model::Channel;

    use super::super::deliver;
    use super::super::tests::{channel, envelope, kept, letter};
    use super::*;
    use crate::fake::{Fake, ok, raw};

    fn slack(dir: &tempfile::TempDir, fake: &Fake) -> Channel {
        let settings = json!({
            "conversation": "C01",
            "token": kept(dir, "xoxb-hunter2"),
            "signing_secret": "env:S",
            "api": fake.url("/api"),
        });
        channel("slack", settings)
    }

    #[tokio::test]
    async fn who_is_asked_gets_buttons_that_hold_what_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake::always(ok("application/json", r#"{"ok":true,"ts":"17.01"}"#)).await;
        let (channel, letter) = (slack(&dir, &fake), letter());
        let mut envelope = envelope(&letter, &channel);
        let person: Person = serde_json::from_value(json!({"actor": "ana", "slack": "T01/U02"})).unwrap();
        let people = [person];
        envelope.people = &people;
        assert_eq!(
            deliver(envelope).await,
            Delivered::Sent("Slack took it as 17.01 in C01".to_owned())
        );
        let request = &fake.asked()[0];
        assert!(request.starts_with("POST /api/chat.postMessage "));
        assert!(
            request
                .to_ascii_lowercase()
                .contains("authorization: bearer xoxb-hunter2")
        );
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let message: Value = serde_json::from_str(body).unwrap();
        let blocks = message["blocks"].as_array().unwrap();
        assert_eq!(blocks[0]["text"]["text"], "<@U02>");
        let told = blocks[1]["text"]["text"].as_str().unwrap();
        assert!(
            told.contains("Why it is there: Money moves &lt;b&gt;here&lt;/b&gt;."),
            "{told}"
        );
        assert!(
            told.contains("&lt;!channel&gt; &amp;") && !told.contains("<!"),
            "{told}"
        );
        let value = blocks[2]["elements"][0]["value"].as_str().unwrap();
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(value["promotion"], "payments/payment-service/production/3");
        assert_eq!(
            value["question"],
            gateline_model::Digest::of(b"question").to_string()
        );
    }

    #[tokio::test]
    async fn what_slack_says_no_to_for_good_is_not_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let said = |text: &str| ok("application/json", text);
        let letter = letter();
        for (answer, again) in [
            (said(r#"{"ok":false,"error":"channel_not_found"}"#), false),
            (said(r#"{"ok":false,"error":"ratelimited"}"#), true),
            (said("nonsense"), true),
            (
                raw("HTTP/1.1 429 Too Many\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n"),
                true,
            ),
        ] {
            let fake = Fake::always(answer).await;
            let channel = slack(&dir, &fake);
            let delivered = deliver(envelope(&letter, &channel)).await;
            assert_eq!(matches!(delivered, Delivered::Later(..)), again, "{delivered:?}");
        }
    }

    #[test]
    fn what_nobody_can_answer_has_no_buttons_and_a_long_text_is_cut() {
        let mut letter = letter();
        let mut notice = super::super::tests::notice();
        notice.promotion.as_mut().unwrap().question = None;
        assert!(buttons(&letter, 0, &notice).is_none());
        notice.says = "x".repeat(10_000);
        letter.notices[0].notice = notice.into();
        let slack = json!({"conversation": "C", "token": "env:T", "signing_secret": "env:S"});
        let channel = channel("slack", slack);
        let message = message(envelope(&letter, &channel), channel.slack.as_ref().unwrap());
        for block in message["blocks"].as_array().unwrap() {
            assert!(block["text"]["text"].as_str().unwrap().chars().count() <= 3_000);
        }
    }
}
