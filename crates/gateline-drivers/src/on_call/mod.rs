//! Source `http` of who is on call: one GET, the names at one place of its JSON, and who these people are here.
//!
//! Effect class: none, it only observes. Addresses are checked before and after names are looked up, and no redirect is
//! followed. What cannot be read as a whole names nobody: half an answer may lack the one who is asked.

mod pointer;

use gateline_model::limits::ON_CALL_NAMES_MAX;
use gateline_model::{ActorId, OnCallSource, Person};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION};
use serde_json::Value;

use crate::CheckError;
use crate::fetch::{read_body, shown, unreachable};
use crate::outbound::{Reach, allowed, client};
use pointer::find;

/// Most bytes of an answer. A list of people is small.
pub const ON_CALL_BYTES_MAX: usize = 1024 * 1024;

/// Asks once who is on call. `people` says who is meant by an address of e-mail, a user of Slack or of GitHub.
///
/// # Errors
/// [`CheckError`] where there was no whole answer in time, or it does not name people: then nobody is known.
pub async fn ask(source: &OnCallSource, people: &[Person]) -> Result<Vec<ActorId>, CheckError> {
    let body = tokio::time::timeout(source.timeout.as_std(), fetch(source)).await;
    let body = body.unwrap_or_else(|_| {
        Err(CheckError::new(format!(
            "it did not finish its answer within {}: look at what serves it, or raise `timeout`",
            source.timeout
        )))
    })?;
    let answer: Value = serde_json::from_slice(&body)
        .map_err(|err| CheckError::new(format!("its answer is not JSON: {err}")))?;
    let found = find(&answer, &source.who).map_err(CheckError::new)?;
    // As many as may be named, and one more to tell that there are too many.
    let names = found.into_iter().take(ON_CALL_NAMES_MAX + 1);
    names.map(|name| who(name, source, people)).collect()
}

async fn fetch(source: &OnCallSource) -> Result<Vec<u8>, CheckError> {
    let reach = Reach::Near;
    let url = allowed(&source.http, &reach).map_err(CheckError::new)?;
    let at = shown(&url);
    let client = client(&reach, source.timeout.as_std()).map_err(CheckError::new)?;
    let mut request = client.get(url).header(ACCEPT, "application/json");
    if let Some(reference) = &source.token {
        let secret = crate::secret::read(reference).await?;
        // Some services have a scheme of their own, as in `Token token=..` and `GenieKey ..`: it stands with the secret.
        let credentials = match secret.contains(' ') {
            true => secret,
            false => format!("Bearer {secret}"),
        };
        let mut value = HeaderValue::from_str(&credentials).map_err(|_| {
            CheckError::new(format!(
                "the secret `{reference}` cannot stand in a header: put only the token there"
            ))
        })?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let response = request.send().await.map_err(|err| unreachable(&at, err))?;
    let status = response.status();
    match status.as_u16() {
        200 => read_body(response, &at, ON_CALL_BYTES_MAX).await,
        300..=399 => {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            Err(CheckError::new(format!(
                "`{at}` answered {} and points to `{:.200}`: redirects are not followed; give the final address",
                status.as_u16(),
                crate::secret::hide(to.unwrap_or_default())
            )))
        }
        401 | 403 => Err(CheckError::new(format!(
            "`{at}` answered {}: give a `token` that may read it",
            status.as_u16()
        ))),
        other => Err(CheckError::new(format!(
            "`{at}` answered {other} instead of 200: look at what serves it"
        ))),
    }
}

/// Who a name is here: whom the server's file says by it, else the actor that is called so.
fn who(name: &Value, source: &OnCallSource, people: &[Person]) -> Result<ActorId, CheckError> {
    let text = match name {
        Value::String(text) => text.trim().to_owned(),
        // Users of GitHub have numbers.
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(CheckError::new(format!(
                "`{}` leads to {}, which is no name",
                source.who,
                pointer::word(name)
            )));
        }
    };
    let mut meant: Vec<&ActorId> = people
        .iter()
        .filter(|person| is_called(person, &text))
        .map(|person| &person.actor)
        .collect();
    meant.sort();
    meant.dedup();
    match meant[..] {
        [one] => return Ok(one.clone()),
        [] => {}
        [..] => {
            return Err(CheckError::new(format!(
                "`{text:.128}` is more than one of `people` in the server's file"
            )));
        }
    }
    let actor = match &source.provider {
        Some(provider) => format!("{provider}:{text}"),
        None => text,
    };
    actor
        .parse()
        .map_err(|err| CheckError::new(format!("it names nobody who could be known here: {err}")))
}

fn is_called(person: &Person, name: &str) -> bool {
    let mail = person.mail.as_ref();
    let slack = person.slack.as_ref();
    mail.is_some_and(|mail| mail.eq_ignore_ascii_case(name))
        || slack.is_some_and(|slack| slack.to_string() == name)
        || person.github.is_some_and(|github| github.to_string() == name)
}

#[cfg(test)]
mod tests {
    use gateline_model::{SecretRef, Span};
    use serde_json::json;

    use super::*;
    use crate::fake::{Fake, ok, raw, status};

    fn source(http: String, who: &str) -> OnCallSource {
        OnCallSource {
            http,
            who: who.to_owned(),
            every: Span::from_secs(60),
            max_age: Span::from_secs(600),
            timeout: Span::from_secs(5),
            token: None,
            provider: None,
        }
    }

    async fn names(body: &str, who: &str) -> Result<Vec<String>, String> {
        let fake = Fake::always(ok("application/json", body)).await;
        let found = ask(&source(fake.url("/oncalls"), who), &[]).await;
        found
            .map(|found| found.iter().map(ToString::to_string).collect())
            .map_err(|err| err.why)
    }

    fn person(text: &str) -> Person {
        serde_json::from_str(text).unwrap()
    }

    #[tokio::test]
    async fn the_names_of_an_answer_are_read_where_they_stand() {
        let pager =
            r#"{"oncalls": [{"user": {"email": "ann@example.com"}}, {"user": {"email": "bo@example.com"}}]}"#;
        assert_eq!(
            names(pager, "/oncalls/*/user/email").await.unwrap(),
            ["ann@example.com", "bo@example.com"]
        );
        assert_eq!(names(r#"["ann"]"#, "/0").await.unwrap(), ["ann"]);
        assert!(
            names(r#"{"oncalls": []}"#, "/oncalls/*/user")
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn what_is_not_a_list_of_names_names_nobody() {
        for (body, says) in [
            ("<html>", "its answer is not JSON"),
            ("", "its answer is not JSON"),
            (r#"{"other": 1}"#, "has no `oncalls`"),
            (r#"{"oncalls": "ann"}"#, "is text"),
            (r#"{"oncalls": [{"user": "ann"}, {}]}"#, "has no `user`"),
            (r#"{"oncalls": [{"user": null}]}"#, "nothing, which is no name"),
            (
                r#"{"oncalls": [{"user": "Ann Example"}]}"#,
                "names nobody who could be known",
            ),
        ] {
            let err = names(body, "/oncalls/*/user").await.unwrap_err();
            assert!(err.contains(says), "{body}: {err}");
        }
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        assert!(names(&deep, "/0").await.unwrap_err().contains("is not JSON"));
    }

    #[tokio::test]
    async fn more_names_than_may_be_are_told_by_one_too_many() {
        let many: Vec<String> = (0..ON_CALL_NAMES_MAX * 3)
            .map(|number| format!("a{number}"))
            .collect();
        let found = names(&json!(many).to_string(), "/*").await.unwrap();
        assert_eq!(found.len(), ON_CALL_NAMES_MAX + 1);
    }

    #[tokio::test]
    async fn an_answer_over_the_limit_a_hang_a_redirect_and_a_refusal_are_told_apart() {
        let long = format!("\"{}\"", "x".repeat(ON_CALL_BYTES_MAX));
        let moved =
            raw("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n");
        for (answer, says) in [
            (ok("application/json", &long), "more than 1048576 bytes"),
            (moved, "redirects are not followed"),
            (status("401 Unauthorized", "text/plain", ""), "give a `token`"),
            (
                status("503 Service Unavailable", "text/plain", ""),
                "answered 503",
            ),
            (
                raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[\"ann\""),
                "broke off",
            ),
        ] {
            let fake = Fake::always(answer).await;
            let err = ask(&source(fake.url("/"), "/0"), &[]).await.unwrap_err();
            assert!(err.why.contains(says), "{err}");
            assert_eq!(fake.asked().len(), 1);
        }
        for fake in [Fake::hangs().await, Fake::trickles().await] {
            let slow = OnCallSource {
                timeout: Span::from_millis(200),
                ..source(fake.url("/"), "/0")
            };
            let err = ask(&slow, &[]).await.unwrap_err();
            assert!(!err.why.is_empty());
        }
    }

    #[tokio::test]
    async fn where_a_machine_keeps_its_secrets_is_never_asked() {
        for bad in [
            "https://169.254.169.254/",
            "http://pager.example.com/",
            "https://a:b@pager.example.com/",
        ] {
            let err = ask(&source(bad.to_owned(), "/0"), &[]).await.unwrap_err();
            assert!(!err.why.contains("a:b"), "{err}");
        }
    }

    #[tokio::test]
    async fn a_token_is_shown_as_bearer_or_with_the_scheme_that_stands_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        for (secret, header) in [
            ("hunter2\n", "bearer hunter2"),
            ("Token token=hunter2", "token token=hunter2"),
        ] {
            std::fs::write(&path, secret).unwrap();
            let fake = Fake::always(ok("application/json", "[]")).await;
            let with = OnCallSource {
                token: Some(SecretRef::File(path.display().to_string())),
                ..source(fake.url("/"), "/*")
            };
            ask(&with, &[]).await.unwrap();
            let asked = fake.asked()[0].to_ascii_lowercase();
            assert!(asked.contains(&format!("authorization: {header}")), "{asked}");
        }
    }

    #[tokio::test]
    async fn a_name_is_whom_the_servers_file_says_or_somebody_of_a_provider_or_as_it_is_written() {
        let people = [
            person(r#"{"actor": "corp:ana", "mail": "Ana@example.com", "github": 77}"#),
            person(r#"{"actor": "corp:bo", "slack": "T0123/U0456"}"#),
            person(r#"{"actor": "cy", "mail": "team@example.com"}"#),
            person(r#"{"actor": "dee", "mail": "team@example.com"}"#),
        ];
        let mut source = source("https://pager.example.com".to_owned(), "/x");
        let mut is = |name: Value, provider: Option<&str>| {
            source.provider = provider.map(|name| name.parse().unwrap());
            super::who(&name, &source, &people)
                .map(|who| who.to_string())
                .map_err(|err| err.why)
        };
        assert_eq!(is(json!("ana@EXAMPLE.com"), None).unwrap(), "corp:ana");
        assert_eq!(is(json!(77), Some("corp")).unwrap(), "corp:ana");
        assert_eq!(is(json!("T0123/U0456"), None).unwrap(), "corp:bo");
        assert_eq!(is(json!("eve"), None).unwrap(), "eve");
        assert_eq!(
            is(json!("eve@example.com"), Some("corp")).unwrap(),
            "corp:eve@example.com"
        );
        assert!(
            is(json!("team@example.com"), None)
                .unwrap_err()
                .contains("more than one")
        );
    }

    #[test]
    fn a_spoilt_answer_or_pointer_harms_nobody() {
        let answer = br#"{"oncalls":[{"user":{"email":"ana@example.com","id":7}},{"user":{"email":"bo@example.com"}}],"more":false}"#;
        let source = source("https://h".to_owned(), "/oncalls/*/user/email");
        crate::spoilt::spoilt(&[answer], |bytes| {
            let Ok(answer) = serde_json::from_slice::<Value>(bytes) else {
                return;
            };
            for name in find(&answer, &source.who)
                .into_iter()
                .flatten()
                .take(ON_CALL_NAMES_MAX)
            {
                drop(who(name, &source, &[]));
            }
        });
        let answer: Value = serde_json::from_slice(answer).unwrap();
        crate::spoilt::spoilt(&[b"/oncalls/*/user/email", b"/a~1b/~0/0/-"], |bytes| {
            drop(find(&answer, &String::from_utf8_lossy(bytes)));
        });
    }
}
