//! Letters by e-mail: as text and as HTML, over SMTP.
//!
//! Encrypted, except on this host. The server's name is looked up and checked here, and the address that was checked is
//! connected to; the certificate must still be the name's.

use std::time::Duration;

use gateline_model::{Delivered, MailChannel, Notice};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reqwest::Url;

use super::{CHANNEL_SECS_MAX, Envelope, secret, text};
use crate::outbound;

/// Most people whom one mail goes to; they do not see each other.
pub const MAIL_TO_MAX: usize = 200;

/// Says that a program wrote it, so that no absence notice answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

pub(super) async fn send(envelope: Envelope<'_>, mail: &MailChannel) -> Result<String, Delivered> {
    let message = message(envelope, mail).map_err(Delivered::Never)?;
    let count = message.envelope().to().len();
    let transport = transport(envelope, mail).await?;
    crate::install_crypto();
    match transport.send(message).await {
        Ok(answer) => {
            let says: String = answer.message().collect::<Vec<_>>().join(" ");
            Ok(format!(
                "the mail server took it for {count} people{}",
                super::said::shown(says.as_bytes())
            ))
        }
        Err(err) => {
            let why = format!("the mail server did not take it: {}", causes(&err));
            Err(match err.is_permanent() {
                true => Delivered::Never(why),
                false => Delivered::Later(why, None),
            })
        }
    }
}

/// An error with what is behind it.
fn causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut inner = err.source();
    while let Some(source) = inner {
        let says = source.to_string();
        if !text.ends_with(&says) {
            text.push_str(": ");
            text.push_str(&says);
        }
        inner = source.source();
    }
    crate::secret::hide(&text)
        .chars()
        .map(|letter| {
            if gateline_model::plays_tricks(letter) {
                ' '
            } else {
                letter
            }
        })
        .take(300)
        .collect()
}

async fn transport(
    envelope: Envelope<'_>,
    mail: &MailChannel,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Delivered> {
    let never = |why: String| Delivered::Never(why);
    let url = Url::parse(&mail.server).map_err(|err| never(format!("the mail server's address: {err}")))?;
    let wrapped = url.scheme() == "smtps";
    let host = url.host_str().unwrap_or_default();
    let port = url.port().unwrap_or(if wrapped { 465 } else { 587 });
    let later = |why: String| Delivered::Later(why, None);
    let addresses = outbound::look_up(host, port, &envelope.reach())
        .await
        .map_err(later)?;
    let Some(address) = addresses.first() else {
        return Err(later(format!("`{host}` has no address")));
    };
    let trust = TlsParameters::new(host.trim_matches(['[', ']']).to_owned())
        .map_err(|err| later(format!("could not set up TLS: {err}")))?;
    let tls = match (wrapped, address.ip().is_loopback()) {
        (true, _) => Tls::Wrapper(trust),
        (false, true) => Tls::Opportunistic(trust),
        (false, false) => Tls::Required(trust),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
        .port(port)
        .tls(tls)
        .hello_name(ClientId::Domain(ours(envelope)))
        .timeout(Some(Duration::from_secs(CHANNEL_SECS_MAX)));
    if let (Some(user), Some(password)) = (&mail.user, &mail.password) {
        if !wrapped && address.ip().is_loopback() {
            // Nobody but this host hears it; but it must not leave by a forwarded port unencrypted.
            builder = builder.tls(Tls::Required(
                TlsParameters::new(host.to_owned()).map_err(|err| later(err.to_string()))?,
            ));
        }
        builder = builder.credentials(Credentials::new(user.clone(), secret(password).await?));
    }
    Ok(builder.build())
}

/// The host's name that browsers reach us by.
fn ours(envelope: Envelope<'_>) -> String {
    let url = envelope.url.and_then(|url| Url::parse(url).ok());
    let host = url.and_then(|url| url.host_str().map(str::to_owned));
    host.filter(|host| !host.contains([':', '[']))
        .unwrap_or_else(|| "localhost".to_owned())
}

/// The mail as it is sent.
fn message(envelope: Envelope<'_>, mail: &MailChannel) -> Result<Message, String> {
    let letter = envelope.letter;
    let address = |text: &str| {
        text.parse::<Mailbox>()
            .map_err(|err| format!("an address of e-mail cannot be used: {err}"))
    };
    let mut to: Vec<&str> = mail.to.iter().map(String::as_str).collect();
    to.extend(envelope.people.iter().filter_map(|person| person.mail.as_deref()));
    to.sort_unstable();
    to.dedup();
    if to.is_empty() {
        return Err("nobody whom it is for has an address: add `mail` under `people` in the server's file, or `to` to the channel".to_owned());
    }
    if to.len() > MAIL_TO_MAX {
        return Err(format!(
            "it would go to {} people; the limit is {MAIL_TO_MAX} (MAIL_TO_MAX)",
            to.len()
        ));
    }
    let from = address(&mail.from)?;
    let mut envelope_to = Vec::with_capacity(to.len());
    for one in &to {
        envelope_to.push(address(one)?.email);
    }
    let sent_to = lettre::address::Envelope::new(Some(from.email.clone()), envelope_to)
        .map_err(|err| err.to_string())?;
    // One person is written to by name; several do not see each other.
    let shown = match &to[..] {
        [only] => address(only)?,
        _ => from.clone(),
    };
    Message::builder()
        .from(from)
        .to(shown)
        .subject(format!("[{}] {}", letter.project, text::subject(letter)))
        .message_id(Some(format!(
            "<letter-{}-{}@{}>",
            letter.project,
            letter.number,
            ours(envelope)
        )))
        .header(AutoSubmitted)
        .envelope(sent_to)
        .multipart(MultiPart::alternative_plain_html(plain(envelope), html(envelope)))
        .map_err(|err| format!("the mail could not be written: {err}"))
}

fn plain(envelope: Envelope<'_>) -> String {
    let mut lines = Vec::new();
    for notice in shown(envelope) {
        lines.push(text::title(notice));
        if let Some(brief) = &notice.promotion {
            lines.extend(text::standing(envelope, brief));
            for gate in &brief.gates {
                lines.extend(text::gate(gate).into_iter().map(|line| format!("  {line}")));
            }
            lines.extend(answer(brief));
            lines.extend(envelope.page(&brief.id));
        }
        lines.extend(text::errored(notice));
        lines.push(String::new());
    }
    lines.extend(text::more(envelope.letter));
    lines.join("\r\n")
}

fn html(envelope: Envelope<'_>) -> String {
    let mut page = String::from("<!doctype html><html><body>");
    for notice in shown(envelope) {
        page.push_str(&format!("<h2>{}</h2>", escape(&text::title(notice))));
        if let Some(brief) = &notice.promotion {
            for line in text::standing(envelope, brief).iter().chain(answer(brief).iter()) {
                page.push_str(&format!("<p>{}</p>", escape(line)));
            }
            page.push_str("<ul>");
            for gate in &brief.gates {
                let lines: Vec<String> = text::gate(gate).iter().map(|line| escape(line)).collect();
                page.push_str(&format!("<li>{}</li>", lines.join("<br>")));
            }
            page.push_str("</ul>");
            if let Some(link) = envelope.page(&brief.id) {
                let link = escape(&link);
                page.push_str(&format!("<p><a href=\"{link}\">{link}</a></p>"));
            }
        }
        if let Some(line) = text::errored(notice) {
            page.push_str(&format!("<p>{}</p>", escape(&line)));
        }
    }
    if let Some(line) = text::more(envelope.letter) {
        page.push_str(&format!("<p>{}</p>", escape(&line)));
    }
    page.push_str("</body></html>");
    page
}

fn shown<'a>(envelope: Envelope<'a>) -> impl Iterator<Item = &'a Notice> {
    envelope.letter.notices.iter().map(|enclosed| &*enclosed.notice)
}

/// How somebody who is asked answers from a terminal.
fn answer(brief: &gateline_model::NoticeOfPromotion) -> Option<String> {
    brief.question?;
    Some(format!(
        "Answer with `gateline approve {0}` or `gateline reject {0} --reason ..`.",
        brief.id
    ))
}

/// Text in which nothing is markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use gateline_model::{Channel, Person};
    use serde_json::json;

    use super::super::deliver;
    use super::super::tests::{channel, envelope, letter, notice};
    use super::*;

    /// A real mail server that keeps what it gets in a folder.
    struct Sink {
        child: Child,
        port: u16,
        dir: tempfile::TempDir,
    }

    impl Sink {
        async fn start() -> Self {
            let dir = tempfile::tempdir().unwrap();
            // A port that nobody has now; the server itself cannot choose one and tell.
            let port = {
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                free.local_addr().unwrap().port()
            };
            let child = Command::new("aiosmtpd")
                .args([
                    "-n",
                    "-l",
                    &format!("127.0.0.1:{port}"),
                    "-c",
                    "aiosmtpd.handlers.Mailbox",
                ])
                .arg(dir.path().join("mail"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("`aiosmtpd` is there: `cargo xtask test` installs it");
            let sink = Self { child, port, dir };
            while tokio::net::TcpStream::connect(("127.0.0.1", sink.port))
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            sink
        }

        fn mails(&self) -> Vec<String> {
            let folder = self.dir.path().join("mail/new");
            let files = std::fs::read_dir(folder).into_iter().flatten();
            files
                .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
                .collect()
        }

        fn channel(&self, to: &[&str]) -> Channel {
            let settings = json!({
                "server": format!("smtp://127.0.0.1:{}", self.port),
                "from": "Gateline <gateline@example.com>",
                "to": to,
            });
            channel("mail", settings)
        }
    }

    impl Drop for Sink {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    fn ana() -> [Person; 1] {
        [serde_json::from_value(json!({"actor": "ana", "mail": "ana@example.com"})).unwrap()]
    }

    #[tokio::test]
    async fn a_letter_arrives_at_a_real_mail_server() {
        let sink = Sink::start().await;
        let (channel, letter, people) = (sink.channel(&["all@example.com"]), letter(), ana());
        let mut envelope = envelope(&letter, &channel);
        envelope.people = &people;
        let delivered = deliver(envelope).await;
        let Delivered::Sent(says) = delivered else {
            panic!("{delivered:?}")
        };
        assert!(says.starts_with("the mail server took it for 2 people"), "{says}");
        let mails = sink.mails();
        assert_eq!(mails.len(), 1);
        let mail = &mails[0];
        for header in [
            "Subject: [payments] payment-service@1.4.0 into production: tech-lead asked",
            "From: \"Gateline\" <gateline@example.com>",
            "Auto-Submitted: auto-generated",
            "Message-ID: <letter-payments-7@gateline.example.com>",
        ] {
            assert!(
                mail.replace("\r\n", "\n").contains(header) || mail.contains(&header.replace('"', "")),
                "{header}\n{mail}"
            );
        }
        let text = mail.replace("=\n", "").replace("=3D", "=");
        assert!(
            text.contains("Why it is there: Money moves <b>here</b>."),
            "{mail}"
        );
        assert!(text.contains("Money moves &lt;b&gt;here&lt;/b&gt;."), "{mail}");
        assert!(!text.contains("<p>Money moves <b>"), "{mail}");
    }

    #[tokio::test]
    async fn no_name_or_sentence_begins_another_header() {
        let sink = Sink::start().await;
        let mut evil = notice();
        evil.says = "asked\r\nBcc: thief@example.com\r\n\r\nbody".to_owned();
        let mut letter = letter();
        letter.notices[0].notice = evil.into();
        let channel = sink.channel(&["all@example.com"]);
        assert!(matches!(
            deliver(envelope(&letter, &channel)).await,
            Delivered::Sent(_)
        ));
        let mails = sink.mails();
        let (head, _) = mails[0].split_once("\n\n").unwrap();
        assert!(
            !head
                .lines()
                .any(|line| line.to_ascii_lowercase().starts_with("bcc:")),
            "{head}"
        );
        // An address with a line end is none, and nothing is sent.
        let channel = sink.channel(&["all@example.com\r\nRCPT TO:<thief@example.com>"]);
        assert!(matches!(
            deliver(envelope(&letter, &channel)).await,
            Delivered::Never(_)
        ));
        assert_eq!(sink.mails().len(), 1);
    }

    #[tokio::test]
    async fn a_mail_for_nobody_is_not_sent_and_an_address_that_is_not_allowed_not_connected_to() {
        let sink = Sink::start().await;
        let letter = letter();
        let channel = sink.channel(&[]);
        let Delivered::Never(why) = deliver(envelope(&letter, &channel)).await else {
            panic!()
        };
        assert!(why.contains("nobody whom it is for has an address"), "{why}");
        let mut channel = sink.channel(&["all@example.com"]);
        channel.allow.clear();
        let Delivered::Later(why, _) = deliver(envelope(&letter, &channel)).await else {
            panic!()
        };
        assert!(why.contains("no address that this channel may reach"), "{why}");
        assert!(sink.mails().is_empty());
    }

    #[tokio::test]
    async fn a_password_never_goes_unencrypted() {
        let sink = Sink::start().await;
        let dir = tempfile::tempdir().unwrap();
        let mut channel = sink.channel(&["all@example.com"]);
        let mail = channel.mail.as_mut().unwrap();
        mail.user = Some("gateline".to_owned());
        mail.password = Some(super::super::tests::kept(&dir, "hunter2").parse().unwrap());
        let letter = letter();
        let Delivered::Later(why, _) = deliver(envelope(&letter, &channel)).await else {
            panic!()
        };
        assert!(!why.contains("hunter2"), "{why}");
        assert!(sink.mails().is_empty());
    }
}
