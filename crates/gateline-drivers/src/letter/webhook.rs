//! Letters to an address: a CloudEvent in structured JSON, signed as Standard Webhooks has it.
//!
//! The letter's name is the event's id and the webhook's id: who gets it twice can tell.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateline_model::{Delivered, WebhookChannel};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::sign::sha256_mac;
use super::{Envelope, ask, secret};
use crate::fetch::shown;
use crate::outbound;

/// How secrets of Standard Webhooks begin; the rest is base64.
const SECRET_PREFIX: &str = "whsec_";

pub(super) async fn send(envelope: Envelope<'_>, webhook: &WebhookChannel) -> Result<String, Delivered> {
    let url = outbound::allowed(&webhook.url, &envelope.reach()).map_err(Delivered::Never)?;
    let at = shown(&url);
    let body = event(envelope).to_string().into_bytes();
    let key = key(&secret(&webhook.secret).await?).map_err(Delivered::Never)?;
    let (id, timestamp) = (envelope.letter.id(), envelope.now.as_second().to_string());
    let mac = sha256_mac(&key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", &body]);
    let request = envelope
        .client()?
        .post(url)
        .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
        .header("webhook-id", &id)
        .header("webhook-timestamp", &timestamp)
        .header("webhook-signature", format!("v1,{}", STANDARD.encode(mac)))
        .body(body);
    let answered = ask(request, &at).await?;
    let status = answered.status.as_u16();
    answered.taken(&at)?;
    Ok(format!("`{at}` answered {status}"))
}

/// The bytes of a secret: of its base64 where it says so, else as it is.
fn key(secret: &str) -> Result<Vec<u8>, String> {
    match secret.strip_prefix(SECRET_PREFIX) {
        None => Ok(secret.as_bytes().to_vec()),
        Some(rest) => STANDARD.decode(rest).map_err(|_| {
            format!("the webhook's secret begins with `{SECRET_PREFIX}` and goes on with no base64")
        }),
    }
}

fn event(envelope: Envelope<'_>) -> Value {
    let letter = envelope.letter;
    let kind = match &letter.notices[..] {
        [only] if letter.more == 0 => only.notice.event.as_str(),
        _ => "digest",
    };
    let subject = letter
        .notices
        .first()
        .map(|first| first.notice.stream.to_string());
    let notices: Vec<Value> = letter
        .notices
        .iter()
        .map(|enclosed| {
            let page = enclosed
                .notice
                .promotion
                .as_ref()
                .and_then(|brief| envelope.page(&brief.id));
            let mut notice = json!(enclosed);
            if let Some(page) = page {
                notice["page"] = page.into();
            }
            notice
        })
        .collect();
    json!({
        "specversion": "1.0",
        "id": letter.id(),
        "source": envelope.url.unwrap_or("urn:gateline"),
        "type": format!("dev.gateline.{kind}.v1"),
        "time": letter.planned_at,
        "subject": subject.unwrap_or_default(),
        "datacontenttype": "application/json",
        "data": {
            "project": letter.project,
            "letter": letter.number,
            "to": letter.to,
            "says": super::subject(letter),
            "notices": notices,
            "more": letter.more,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::deliver;
    use super::super::tests::{channel, envelope, kept, letter};
    use super::*;
    use crate::fake::{Fake, ok, raw, status};

    fn header<'t>(request: &'t str, name: &str) -> &'t str {
        let mut lines = request.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap()
    }

    #[tokio::test]
    async fn a_letter_arrives_as_a_signed_cloud_event() {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake::always(status("202 Accepted", "text/plain", "")).await;
        let secret = format!("whsec_{}", STANDARD.encode(b"hunter2hunter2"));
        let channel = channel(
            "webhook",
            json!({"url": fake.url("/in?key=hidden"), "secret": kept(&dir, &secret)}),
        );
        let letter = letter();
        let delivered = deliver(envelope(&letter, &channel)).await;
        let Delivered::Sent(says) = delivered else {
            panic!("{delivered:?}")
        };
        assert!(
            says.ends_with("answered 202") && !says.contains("hidden"),
            "{says}"
        );
        let request = &fake.asked()[0];
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let signed = format!("payments/7.{}.{body}", header(request, "webhook-timestamp"));
        let mac = sha256_mac(b"hunter2hunter2", &[signed.as_bytes()]);
        assert_eq!(
            header(request, "webhook-signature"),
            format!("v1,{}", STANDARD.encode(mac))
        );
        let event: Value = serde_json::from_str(body).unwrap();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "dev.gateline.approval_asked.v1");
        assert_eq!(event["id"], header(request, "webhook-id"));
        let gate = &event["data"]["notices"][0]["notice"]["promotion"]["gates"][0];
        assert_eq!(gate["because"], "Money moves <b>here</b>.");
        assert_eq!(
            event["data"]["notices"][0]["page"],
            "https://gateline.example.com/promotions/payments/payment-service/production/3"
        );
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_another_host_hears_nothing() {
        let elsewhere = Fake::always(ok("text/plain", "")).await;
        let to = elsewhere.url("/");
        let moved = raw(&format!(
            "HTTP/1.1 307 Moved\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
        ));
        let fake = Fake::always(moved).await;
        let dir = tempfile::tempdir().unwrap();
        let channel = channel(
            "webhook",
            json!({"url": fake.url("/"), "secret": kept(&dir, "s")}),
        );
        let letter = letter();
        assert!(matches!(
            deliver(envelope(&letter, &channel)).await,
            Delivered::Never(_)
        ));
        assert!(elsewhere.asked().is_empty());
    }

    #[tokio::test]
    async fn an_address_that_is_not_allowed_is_never_connected_to() {
        let fake = Fake::always(ok("text/plain", "")).await;
        let dir = tempfile::tempdir().unwrap();
        let by_name = fake.url("/").replace("127.0.0.1", "localhost");
        for url in [fake.url("/"), by_name] {
            let mut channel = channel("webhook", json!({"url": url, "secret": kept(&dir, "s")}));
            channel.allow.clear();
            let letter = letter();
            let delivered = deliver(envelope(&letter, &channel)).await;
            assert!(!matches!(delivered, Delivered::Sent(_)), "{delivered:?}");
        }
        assert!(fake.asked().is_empty());
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_off() {
        let fake = Fake::always(ok("text/plain", &"x".repeat(super::super::CHANNEL_BYTES_MAX + 1))).await;
        let dir = tempfile::tempdir().unwrap();
        let channel = channel(
            "webhook",
            json!({"url": fake.url("/"), "secret": kept(&dir, "s")}),
        );
        let letter = letter();
        let delivered = deliver(envelope(&letter, &channel)).await;
        let Delivered::Later(why, _) = delivered else {
            panic!("{delivered:?}")
        };
        assert!(why.contains("more than 1048576 bytes"), "{why}");
    }
}
