//! Letters to GitHub: the state of a promotion among a commit's statuses, and a comment on its pull requests.
//!
//! Asked first what is there already: a letter whose answer was lost is not written twice.

use std::time::Duration;

use gateline_model::{Channel, Delivered, GithubChannel, Notice, NoticeOfPromotion, PromotionOutcome};
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};

use super::{CHANNEL_SECS_MAX, Envelope, ask, code_of, secret, text};
use crate::fetch::shown;
use crate::outbound::{self, Reach};

/// The version of GitHub's interface that is spoken.
const VERSION: &str = "2022-11-28";
/// Most pull requests of one commit that get a comment.
const PULLS_MAX: usize = 5;
/// Longest description of a status, in characters.
const DESCRIPTION_CHARS_MAX: usize = 140;
/// Most entries that a list is asked for.
const LISTED_MAX: usize = 100;

/// GitHub, for one letter.
struct Github<'a> {
    client: reqwest::Client,
    token: String,
    base: Url,
    repository: &'a str,
}

pub(super) async fn send(envelope: Envelope<'_>, channel: &GithubChannel) -> Result<String, Delivered> {
    let base = outbound::allowed(&channel.api, &envelope.reach()).map_err(Delivered::Never)?;
    let github = Github {
        client: envelope.client()?,
        token: secret(&channel.token).await?,
        base,
        repository: &channel.repository,
    };
    let mut commits: Vec<&str> = Vec::new();
    let (mut statuses, mut comments) = (0, 0);
    for enclosed in &envelope.letter.notices {
        let notice = &enclosed.notice;
        let Some(brief) = &notice.promotion else { continue };
        let here = brief
            .commits
            .iter()
            .filter(|(url, _)| is_of(url, &channel.repository));
        for (_, commit) in here.filter(|(_, commit)| is_commit(commit)) {
            if channel.statuses {
                statuses += github.tell_state(envelope, notice, brief, commit).await?;
            }
            if !commits.contains(&commit.as_str()) {
                commits.push(commit);
            }
        }
    }
    if commits.is_empty() {
        return Err(Delivered::Never(format!(
            "nothing that it tells was built from a commit of `{}`: register releases with their `source`",
            channel.repository
        )));
    }
    if channel.comments {
        let text = comment(envelope, channel);
        let mut pulls = Vec::new();
        for commit in commits {
            pulls.extend(github.pulls(commit).await?);
        }
        pulls.sort_unstable();
        pulls.dedup();
        for pull in pulls.into_iter().take(PULLS_MAX) {
            comments += github.comment(envelope, pull, &text).await?;
        }
    }
    Ok(format!(
        "GitHub took {statuses} statuses and {comments} comments in {}",
        channel.repository
    ))
}

/// Says something in an issue.
pub(super) async fn reply(
    channel: &Channel,
    github: &GithubChannel,
    issue: u64,
    text: &str,
) -> Result<(), Delivered> {
    let reach = Reach::Public(channel.allow.clone());
    let base = outbound::allowed(&github.api, &reach).map_err(Delivered::Never)?;
    let timeout = Duration::from_secs(CHANNEL_SECS_MAX);
    let github = Github {
        client: outbound::client(&reach, timeout).map_err(Delivered::Never)?,
        token: secret(&github.token).await?,
        base,
        repository: &github.repository,
    };
    let comment = json!({ "body": escape(text) });
    github
        .post(&format!("issues/{issue}/comments"), &comment)
        .await
        .map(drop)
}

/// Whether an address is a repository's, however it is written.
fn is_of(url: &str, repository: &str) -> bool {
    let url = url
        .trim_end_matches('/')
        .trim_end_matches(".git")
        .to_ascii_lowercase();
    let repository = repository.to_ascii_lowercase();
    url.strip_suffix(repository.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || rest.ends_with(':'))
}

/// Whether a text is a whole commit id: it becomes part of an address.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Github<'_> {
    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> (RequestBuilder, String) {
        let mut url = self.base.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/repos/{}/{path}", self.repository));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let at = shown(&url);
        let request = self
            .client
            .request(method, url)
            .header(ACCEPT, "application/vnd.github+json")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header("x-github-api-version", VERSION);
        (request, at)
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Delivered> {
        let (request, at) = self.request(Method::GET, path, query);
        let body = ask(request, &at).await?.taken(&at)?;
        let list: Value = serde_json::from_slice(&body).unwrap_or_default();
        let unreadable = || Delivered::Later(format!("`{at}` answered what is no list"), None);
        list.as_array().cloned().ok_or_else(unreadable)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Delivered> {
        let (request, at) = self.request(Method::POST, path, &[]);
        let body = ask(request.json(body), &at).await?.taken(&at)?;
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Shows where a promotion stands among the commit's rollouts, once.
    async fn tell_state(
        &self,
        envelope: Envelope<'_>,
        notice: &Notice,
        brief: &NoticeOfPromotion,
        commit: &str,
    ) -> Result<u32, Delivered> {
        let stage = brief.id.stage.stage.as_str();
        let id = brief.id.to_string();
        let query = [
            ("sha", commit),
            ("environment", stage),
            ("task", "gateline"),
            ("per_page", "100"),
        ];
        let listed = self.get("deployments", &query).await?;
        let ours = listed
            .iter()
            .find(|one| one["payload"]["promotion"] == id.as_str());
        let number = match ours {
            Some(there) => there["id"].as_u64(),
            None => {
                let made = self.post("deployments", &begun(brief, commit, &id)).await?;
                made["id"].as_u64()
            }
        };
        let Some(number) = number else {
            return Err(Delivered::Later(
                "GitHub gave no number to what it made".to_owned(),
                None,
            ));
        };
        let state = state(notice, brief);
        let description = described(notice, brief);
        let path = format!("deployments/{number}/statuses");
        let last = self.get(&path, &[("per_page", "1")]).await?;
        let same = |last: &Value| last["state"] == state && last["description"] == description.as_str();
        if last.first().is_some_and(same) {
            return Ok(0);
        }
        let mut status = json!({"state": state, "description": description, "auto_inactive": false});
        if let Some(page) = envelope.page(&brief.id) {
            status["log_url"] = page.into();
        }
        self.post(&path, &status).await?;
        Ok(1)
    }

    /// The open pull requests that a commit is in.
    async fn pulls(&self, commit: &str) -> Result<Vec<u64>, Delivered> {
        let listed = self.get(&format!("commits/{commit}/pulls"), &[]).await?;
        let numbers = listed.iter().filter_map(|pull| pull["number"].as_u64());
        Ok(numbers.take(PULLS_MAX).collect())
    }

    /// Comments, once: the letter's name stands in the comment, where nobody sees it.
    async fn comment(&self, envelope: Envelope<'_>, pull: u64, text: &str) -> Result<u32, Delivered> {
        let path = format!("issues/{pull}/comments");
        let since = envelope
            .letter
            .planned_at
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let per_page = LISTED_MAX.to_string();
        let listed = self
            .get(&path, &[("since", &since), ("per_page", &per_page)])
            .await?;
        let mark = mark(envelope);
        let is_there = |one: &Value| one["body"].as_str().is_some_and(|body| body.starts_with(&mark));
        if listed.iter().any(is_there) {
            return Ok(0);
        }
        self.post(&path, &json!({ "body": text })).await?;
        Ok(1)
    }
}

fn begun(brief: &NoticeOfPromotion, commit: &str, id: &str) -> Value {
    json!({
        "ref": commit,
        "task": "gateline",
        "environment": brief.id.stage.stage,
        "production_environment": brief.production,
        "description": format!("{} {}", brief.id.stage.pipeline, brief.version),
        "auto_merge": false,
        "required_contexts": [],
        "payload": {"promotion": id},
    })
}

/// The state in GitHub's words.
fn state(notice: &Notice, brief: &NoticeOfPromotion) -> &'static str {
    match (brief.outcome, brief.admitted) {
        (Some(PromotionOutcome::Verified), _) => "success",
        (Some(PromotionOutcome::Refused | PromotionOutcome::RolledBack), _) => "failure",
        (Some(PromotionOutcome::RollbackFailed), _) => "error",
        (Some(PromotionOutcome::Expired | PromotionOutcome::Superseded | PromotionOutcome::Aborted), _) => {
            "inactive"
        }
        (None, _) if notice.event == "step_parked" => "error",
        (None, true) => "in_progress",
        (None, false) => "queued",
    }
}

fn described(notice: &Notice, brief: &NoticeOfPromotion) -> String {
    let text = if brief.headline.is_empty() {
        &notice.says
    } else {
        &brief.headline
    };
    text.chars().take(DESCRIPTION_CHARS_MAX).collect()
}

fn mark(envelope: Envelope<'_>) -> String {
    format!("<!-- gateline:letter {} -->", envelope.letter.id())
}

fn comment(envelope: Envelope<'_>, channel: &GithubChannel) -> String {
    let mut lines = vec![mark(envelope)];
    for enclosed in &envelope.letter.notices {
        let notice = &enclosed.notice;
        lines.push(format!("**{}**", escape(&text::title(notice))));
        lines.push(String::new());
        if let Some(brief) = &notice.promotion {
            lines.extend(
                text::standing(envelope, brief)
                    .iter()
                    .map(|line| format!("{}  ", escape(line))),
            );
            for gate in &brief.gates {
                let about: Vec<String> = text::gate(gate).iter().map(|line| escape(line)).collect();
                lines.push(format!("- {}", about.join("  \n  ")));
            }
            lines.push(String::new());
            lines.extend(
                envelope
                    .page(&brief.id)
                    .map(|page| format!("[See the promotion]({page})")),
            );
            if let (Some(question), true) = (&brief.question, channel.webhook_secret.is_some()) {
                let code = code_of(question);
                lines.push(format!(
                    "Who is asked may answer in a comment of one of these lines, which is bound to what stands here:\n```\n/approve {0} {code}\n/reject {0} {code} REASON\n```",
                    brief.id
                ));
            }
        }
        lines.extend(text::errored(notice).map(|line| escape(&line)));
    }
    lines.extend(text::more(envelope.letter).map(|line| escape(&line)));
    lines.join("\n")
}

/// Text in which nothing is markup, and nobody is called.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // A mark that nobody sees keeps names and numbers from being taken for people and issues.
            '@' | '#' => {
                safe.push(letter);
                safe.push('\u{200b}');
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => {
                safe.push('\\');
                safe.push(letter);
            }
            control if gateline_model::plays_tricks(control) => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::deliver;
    use super::super::tests::{channel, envelope, kept, letter};
    use super::*;
    use crate::fake::{Fake, ok, status};

    /// What the fake of GitHub's REST interface keeps.
    #[derive(Default)]
    struct Kept {
        rollouts: Vec<Value>,
        statuses: Vec<Value>,
        comments: Vec<Value>,
    }

    async fn github() -> (Fake, Arc<Mutex<Kept>>) {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let inside = kept.clone();
        let fake = Fake::answering(move |request| {
            let mut kept = inside.lock().unwrap();
            let line = request.lines().next().unwrap_or_default();
            let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let path = line.split(' ').nth(1).unwrap_or_default();
            let path = path
                .split('?')
                .next()
                .unwrap_or_default()
                .trim_start_matches("/api/repos/acme/payments/");
            let list = |all: &[Value]| ok("application/json", &Value::from(all.to_vec()).to_string());
            let made = |one: &Value| status("201 Created", "application/json", &one.to_string());
            match (line.starts_with("POST "), path) {
                (false, "deployments") => list(&kept.rollouts),
                (true, "deployments") => {
                    let mut one = body;
                    one["id"] = 42.into();
                    kept.rollouts.push(one.clone());
                    made(&one)
                }
                (false, "deployments/42/statuses") => {
                    list(&kept.statuses.iter().rev().cloned().collect::<Vec<_>>())
                }
                (true, "deployments/42/statuses") => {
                    kept.statuses.push(body.clone());
                    made(&body)
                }
                (false, "issues/5/comments") => list(&kept.comments),
                (true, "issues/5/comments") => {
                    kept.comments.push(body.clone());
                    made(&body)
                }
                (false, pulls) if pulls.ends_with("/pulls") => list(&[json!({"number": 5})]),
                _ => status("404 Not Found", "application/json", "{}"),
            }
        })
        .await;
        (fake, kept)
    }

    fn channel_of(dir: &tempfile::TempDir, fake: &Fake) -> Channel {
        let settings = json!({
            "repository": "acme/payments",
            "token": kept(dir, "ghp_hunter2"),
            "webhook_secret": "env:W",
            "api": fake.url("/api"),
        });
        channel("github", settings)
    }

    #[tokio::test]
    async fn a_promotion_is_shown_on_its_commit_and_asked_for_on_its_pull_request_once() {
        let dir = tempfile::tempdir().unwrap();
        let (fake, kept) = github().await;
        let (channel, letter) = (channel_of(&dir, &fake), letter());
        let first = deliver(envelope(&letter, &channel)).await;
        assert_eq!(
            first,
            Delivered::Sent("GitHub took 1 statuses and 1 comments in acme/payments".to_owned())
        );
        // The answer was lost, and it is brought again: nothing is written twice.
        let again = deliver(envelope(&letter, &channel)).await;
        assert_eq!(
            again,
            Delivered::Sent("GitHub took 0 statuses and 0 comments in acme/payments".to_owned())
        );
        let kept = kept.lock().unwrap();
        assert_eq!(
            (kept.rollouts.len(), kept.statuses.len(), kept.comments.len()),
            (1, 1, 1)
        );
        assert_eq!(kept.statuses[0]["state"], "queued");
        assert_eq!(kept.rollouts[0]["auto_merge"], false);
        let comment = kept.comments[0]["body"].as_str().unwrap();
        let code = code_of(&gateline_model::Digest::of(b"question"));
        assert!(
            comment.contains(&format!("/approve payments/payment-service/production/3 {code}")),
            "{comment}"
        );
        assert!(
            comment.contains("Money moves &lt;b&gt;here") && comment.contains("Why it is there"),
            "{comment}"
        );
        assert!(fake.asked().iter().all(|request| {
            request
                .to_ascii_lowercase()
                .contains("authorization: bearer ghp_hunter2")
        }));
    }

    #[tokio::test]
    async fn a_release_of_another_repository_is_not_shown_there() {
        let dir = tempfile::tempdir().unwrap();
        let (fake, kept) = github().await;
        let channel = channel_of(&dir, &fake);
        let mut notice = super::super::tests::notice();
        notice.promotion.as_mut().unwrap().commits = vec![
            ("https://github.com/evil-acme/payments".to_owned(), "b".repeat(40)),
            (
                "https://github.com/acme/payments".to_owned(),
                "../../../user".to_owned(),
            ),
        ];
        let mut letter = letter();
        letter.notices[0].notice = notice.into();
        assert!(matches!(
            deliver(envelope(&letter, &channel)).await,
            Delivered::Never(_)
        ));
        assert!(fake.asked().is_empty() && kept.lock().unwrap().comments.is_empty());
    }

    #[test]
    fn a_repository_is_known_however_it_is_written() {
        for url in [
            "https://github.com/acme/payments",
            "https://github.com/Acme/Payments.git",
            "git@github.com:acme/payments.git",
        ] {
            assert!(is_of(url, "acme/payments"), "{url}");
        }
        assert!(!is_of("https://github.com/acme/payments-two", "acme/payments"));
        assert!(!is_of("https://github.com/evil-acme/payments", "acme/payments"));
    }

    #[test]
    fn no_text_calls_anybody_or_becomes_markup() {
        let safe = escape("@everyone <img src=x> [a](b) `c` #1\r\n");
        assert!(!safe.contains("@e") && !safe.contains("#1") && !safe.contains('<'));
        assert!(safe.contains("\\[a\\]") && safe.contains("\\`c\\`") && !safe.contains('\n'));
    }
}
