//! Letters: what people are told, brought to the channel that the server's file declares. One file per kind of channel.
//!
//! Effect class: at least once. Every channel gets the letter's name, which stays the same for ever; one that can be asked
//! is asked first whether it has the letter. Knows no rule and no log: whether it is tried again is not said here.

mod github;
mod mail;
mod post;
mod reply;
mod said;
mod sign;
mod slack;
mod text;
mod webhook;

use std::time::Duration;

use gateline_model::{Channel, Delivered, Letter, Person, Span, Summary};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use crate::fetch::read_body;
use crate::outbound::{self, Reach};

pub use mail::MAIL_TO_MAX;
pub use post::Post;
pub use reply::{ask_for_reason, reply_on_github, reply_on_slack};
pub use sign::{code_of, same, sha256_mac, slack_signature};
pub use slack::{SLACK_APPROVE, SLACK_REJECT};
pub use text::subject;

/// How long a channel may take to answer once.
pub const CHANNEL_SECS_MAX: u64 = 15;
/// Most bytes of a channel's answer.
pub const CHANNEL_BYTES_MAX: usize = 1024 * 1024;

/// A letter with what it takes to bring it.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The letter.
    pub letter: &'a Letter,
    /// Where it goes.
    pub channel: &'a Channel,
    /// The people whom it is for, as the server's file knows them.
    pub people: &'a [Person],
    /// What those who are asked see, of the promotions that it asks about.
    pub summaries: &'a [Summary],
    /// How browsers reach the server, where it is declared.
    pub url: Option<&'a str>,
    /// The moment.
    pub now: jiff::Timestamp,
}

/// Brings a letter to its channel, once.
pub async fn deliver(envelope: Envelope<'_>) -> Delivered {
    let channel = envelope.channel;
    if !channel.serves(&envelope.letter.project) {
        return Delivered::Never(format!(
            "channel `{}` is not for project `{}`: add it to its `projects` in the server's file",
            channel.name, envelope.letter.project
        ));
    }
    let brought = match (&channel.webhook, &channel.slack, &channel.mail, &channel.github) {
        (Some(webhook), ..) => webhook::send(envelope, webhook).await,
        (None, Some(slack), ..) => slack::send(envelope, slack).await,
        (None, None, Some(mail), _) => mail::send(envelope, mail).await,
        (None, None, None, Some(github)) => github::send(envelope, github).await,
        (None, None, None, None) => Err(Delivered::Never(format!(
            "channel `{}` is of no kind",
            channel.name
        ))),
    };
    brought.map_or_else(|failed| failed, Delivered::Sent)
}

impl Envelope<'_> {
    fn reach(&self) -> Reach {
        Reach::Public(self.channel.allow.clone())
    }

    fn client(&self) -> Result<Client, Delivered> {
        let timeout = Duration::from_secs(CHANNEL_SECS_MAX);
        outbound::client(&self.reach(), timeout).map_err(|why| Delivered::Later(why, None))
    }

    /// The page of a promotion.
    fn page(&self, id: &gateline_model::PromotionId) -> Option<String> {
        Some(format!("{}/promotions/{id}", self.url?))
    }
}

/// A secret, read now.
async fn secret(reference: &gateline_model::SecretRef) -> Result<String, Delivered> {
    let read = crate::secret::read(reference).await;
    // It can be put there without the letter being written anew.
    read.map_err(|err| Delivered::Later(err.to_string(), None))
}

/// What a channel answered.
struct Answered {
    status: StatusCode,
    retry_after: Option<Span>,
    body: Vec<u8>,
}

/// Sends a request; no answer is worth another attempt.
async fn ask(request: RequestBuilder, at: &str) -> Result<Answered, Delivered> {
    let later = |why: String| Delivered::Later(why, None);
    let response: Response = request.send().await.map_err(|err| {
        // Where an address is refused, waiting does not make it allowed; but the file may change, and letters end.
        later(crate::fetch::unreachable(at, err).to_string())
    })?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let body = read_body(response, at, CHANNEL_BYTES_MAX)
        .await
        .map_err(|err| later(err.to_string()))?;
    Ok(Answered {
        status,
        retry_after,
        body,
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Span> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim()
        .parse::<u32>()
        .ok()
        .map(|secs| Span::from_secs(i64::from(secs)))
}

impl Answered {
    /// What the channel took, or what is to be thought of its no.
    fn taken(self, at: &str) -> Result<Vec<u8>, Delivered> {
        let Answered {
            status,
            retry_after,
            body,
        } = self;
        if status.is_success() {
            return Ok(body);
        }
        let says = said::shown(&body);
        let why = match status.as_u16() {
            300..=399 => format!(
                "`{at}` answered {}: redirects are not followed; give the final address",
                status.as_u16()
            ),
            code => format!("`{at}` answered {code}{says}"),
        };
        let again = matches!(status.as_u16(), 408 | 409 | 425 | 429 | 500..=599);
        // GitHub says so where too much was asked within a time.
        let limited = status == StatusCode::FORBIDDEN && retry_after.is_some();
        Err(match again || limited {
            true => Delivered::Later(why, retry_after),
            false => Delivered::Never(why),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use gateline_model::{Enclosed, LetterState, Notice, NoticeGate, NoticeOfPromotion, Recipient, Verdict};

    use super::*;

    /// A letter that asks for an answer.
    pub(crate) fn letter() -> Letter {
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        Letter {
            project: "payments".parse().unwrap(),
            number: 7,
            to: Recipient {
                channel: "chat".parse().unwrap(),
                people: Vec::new(),
            },
            notices: vec![Enclosed {
                rule: "ask".parse().unwrap(),
                notice: notice().into(),
            }],
            more: 0,
            planned_at: at,
            due: at,
            attempts: 0,
            state: LetterState::Pending,
            says: None,
        }
    }

    pub(crate) fn notice() -> Notice {
        Notice {
            event: "approval_asked".to_owned(),
            stream: "promotion/payments/payment-service/production/3".parse().unwrap(),
            at: "2026-11-21T10:00:00Z".parse().unwrap(),
            by: "gateline".parse().unwrap(),
            says: "tech-lead asked".to_owned(),
            promotion: Some(NoticeOfPromotion {
                id: "payments/payment-service/production/3".parse().unwrap(),
                version: "1.4.0".parse().unwrap(),
                risk: Some(gateline_model::Risk::High),
                headline: "held: 1 of 3 gates waits".to_owned(),
                question: Some(gateline_model::Digest::of(b"question")),
                asked: vec!["tech-lead".parse().unwrap()],
                commits: vec![("https://github.com/acme/payments".to_owned(), "a".repeat(40))],
                production: true,
                admitted: false,
                outcome: None,
                gates: vec![NoticeGate {
                    gate: "approval".parse().unwrap(),
                    verdict: Verdict::Waiting,
                    says: "0 of 1 from tech-lead <!channel> & \"co\"".to_owned(),
                    because: "Money moves <b>here</b>.".to_owned(),
                    next: "approve with `gateline approve`".to_owned(),
                }],
                satisfied: (2, 3),
            }),
            errored: None,
        }
    }

    /// A channel on this host.
    pub(crate) fn channel(kind: &str, settings: serde_json::Value) -> Channel {
        let channel = serde_json::json!({"name": "chat", "allow": ["127.0.0.1"], kind: settings});
        serde_json::from_value(channel).unwrap()
    }

    pub(crate) fn envelope<'a>(letter: &'a Letter, channel: &'a Channel) -> Envelope<'a> {
        Envelope {
            letter,
            channel,
            people: &[],
            summaries: &[],
            url: Some("https://gateline.example.com"),
            now: "2026-11-21T10:00:05Z".parse().unwrap(),
        }
    }

    /// A secret in a file.
    pub(crate) fn kept(dir: &tempfile::TempDir, secret: &str) -> String {
        let path = dir.path().join(format!("secret-{}", secret.len()));
        std::fs::write(&path, secret).unwrap();
        format!("file:{}", path.display())
    }

    #[tokio::test]
    async fn a_channel_serves_the_projects_that_it_is_for() {
        let letter = letter();
        let mut channel = channel(
            "webhook",
            serde_json::json!({"url": "http://127.0.0.1:1/", "secret": "env:NO"}),
        );
        channel.projects = vec!["store".parse().unwrap()];
        let delivered = deliver(envelope(&letter, &channel)).await;
        let Delivered::Never(why) = delivered else {
            panic!("{delivered:?}")
        };
        assert!(why.contains("is not for project `payments`"), "{why}");
    }

    #[test]
    fn what_a_status_means_for_another_attempt() {
        let answered = |status: u16, retry_after| {
            Answered {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after,
                body: b"busy".to_vec(),
            }
            .taken("x")
        };
        assert!(answered(204, None).is_ok());
        let minute = Some(Span::from_secs(60));
        assert_eq!(
            answered(429, minute),
            Err(Delivered::Later("`x` answered 429: busy".to_owned(), minute))
        );
        assert!(matches!(answered(503, None), Err(Delivered::Later(..))));
        assert!(matches!(answered(403, minute), Err(Delivered::Later(..))));
        assert!(matches!(answered(403, None), Err(Delivered::Never(_))));
        assert!(matches!(answered(404, None), Err(Delivered::Never(_))));
        let Err(Delivered::Never(why)) = answered(302, None) else {
            panic!()
        };
        assert!(why.contains("redirects are not followed"), "{why}");
    }
}
