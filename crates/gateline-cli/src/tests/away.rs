//! What a command says when there is no answer, or a strange one.

use std::net::TcpListener;

use gateline_api::{Exit, Problem, UploadView, entry};
use test_case::test_case;

use super::http::{Answer, Server};
use super::views::held;
use super::{Ran, run};
use crate::client::ATTEMPTS_MAX;

const EXPLAIN: &[&str] = &["explain", "payments/payment-service/production/7"];

fn problem(head: &'static str, problem: &Problem) -> Answer {
    Answer::Full(head, serde_json::to_string(problem).unwrap())
}

fn explain(answer: Answer) -> (Ran, usize) {
    let server = Server::giving(vec![answer]);
    let ran = run(&server.url, EXPLAIN);
    assert_eq!(ran.data, "", "an error leaves nothing on stdout");
    (ran, server.asked().len())
}

#[test]
fn a_server_that_is_not_there_could_not_be_asked() {
    // Bound and let go: nobody listens there now.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ran = run(&format!("http://127.0.0.1:{port}"), EXPLAIN);
    assert_eq!(ran.exit, Exit::Unknown);
    insta::assert_snapshot!(ran.talk.replace(&port.to_string(), "PORT"));
}

#[test]
fn a_missing_token_is_refused_and_says_where_to_put_one() {
    let unauthorized = Problem::new(&entry::UNAUTHORIZED, "the token is not known");
    let (ran, asked) = explain(problem(
        "401 Unauthorized\r\ncontent-type: application/problem+json",
        &unauthorized,
    ));
    assert_eq!((ran.exit, asked), (Exit::Refused, 1));
    insta::assert_snapshot!(ran.talk);
}

#[test]
fn a_rejection_keeps_its_sentence_and_its_hint() {
    let barred = Problem::coded(
        "release.barred",
        409,
        "The state does not allow it now",
        "release `1.2.0` was rolled back in `production`",
        "lift it with `gateline release unbar payment-service@1.2.0 --stage production --reason ..`",
    );
    let (ran, asked) = explain(problem(
        "409 Conflict\r\ncontent-type: application/problem+json",
        &barred,
    ));
    assert_eq!((ran.exit, asked), (Exit::Refused, 1));
    insta::assert_snapshot!(ran.talk);
}

#[test]
fn a_bug_of_the_server_has_the_exit_code_of_bugs() {
    let bug = Problem::new(&entry::BUG, "it panicked");
    let (ran, _) = explain(problem(
        "500 Internal Server Error\r\ncontent-type: application/problem+json",
        &bug,
    ));
    assert_eq!(ran.exit, Exit::Bug);
}

#[test_case("502 Bad Gateway\r\ncontent-type: text/html", "<html>bad gateway"; "a proxy's page")]
#[test_case("200 OK\r\ncontent-type: text/html", "<html>log in"; "a page instead of the answer")]
#[test_case("302 Found\r\nlocation: https://login.example.com/", ""; "a way to somewhere else is not taken")]
#[test_case("404 Not Found\r\ncontent-type: application/json", "{\"message\":\"no Route matched\"}"; "a gateway's own error")]
#[test_case("200 OK\r\ncontent-type: application/json", "{\"id\":\"payments/"; "JSON that ends early")]
#[test_case("200 OK\r\ncontent-type: application/json", "{\"id\":7}"; "JSON of another shape")]
#[test_case("200 OK\r\ncontent-type: application/json", ""; "nothing at all")]
fn what_is_not_an_answer_is_never_taken_for_one(head: &'static str, body: &str) {
    let (ran, asked) = explain(Answer::Full(head, body.to_owned()));
    assert_eq!((ran.exit, asked), (Exit::Unknown, 1), "{}", ran.talk);
    assert!(
        ran.talk
            .contains("see whether `--server` names a Gateline server"),
        "{}",
        ran.talk
    );
}

#[test]
fn a_deeply_nested_answer_is_an_error_and_no_overflow() {
    let (ran, _) = explain(Answer::Full(
        "200 OK\r\ncontent-type: application/json",
        "[".repeat(1_000_000),
    ));
    assert_eq!(ran.exit, Exit::Unknown);
}

#[test]
fn an_answer_over_the_limit_is_not_read_to_its_end() {
    let body = "x".repeat((64 << 20) + 1);
    let (ran, asked) = explain(Answer::Full("200 OK\r\ncontent-type: application/json", body));
    assert_eq!((ran.exit, asked), (Exit::Unknown, 1));
    assert!(ran.talk.contains("the answer is too large"), "{}", ran.talk);
}

#[test_case(Answer::CutOff; "an answer that breaks off")]
#[test_case(Answer::Nothing; "a connection that is closed without a word")]
#[test_case(Answer::Full("503 Service Unavailable\r\nretry-after: 0", "starting".to_owned()); "a server that is busy")]
fn what_may_be_over_soon_is_tried_again_within_the_limit(answer: Answer) {
    let (ran, asked) = explain(answer);
    assert_eq!((ran.exit, asked), (Exit::Unknown, ATTEMPTS_MAX as usize));
}

#[test]
fn every_attempt_of_a_write_carries_the_same_key_and_a_later_one_succeeds() {
    let busy = Problem::new(&entry::BUSY, "1000 commands wait");
    let server = Server::giving(vec![
        Answer::Nothing,
        problem(
            "503 Service Unavailable\r\nretry-after: 0\r\ncontent-type: application/problem+json",
            &busy,
        ),
        Answer::ok(&held()),
    ]);
    let ran = run(
        &server.url,
        &["promote", "payment-service@1.3.0", "--to", "production"],
    );
    assert_eq!(ran.exit, Exit::Held, "{}", ran.talk);
    let keys: Vec<String> = server.asked().iter().map(|request| key(request)).collect();
    assert_eq!(keys.len(), 3);
    assert!(
        keys.iter().all(|key| key.len() > 20 && *key == keys[0]),
        "{keys:?}"
    );
}

#[test]
fn two_writes_of_one_command_have_two_keys_and_reads_have_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("junit.xml");
    std::fs::write(&file, "<testsuites/>").unwrap();
    let file = file.display().to_string();
    let server = Server::giving(vec![Answer::Full("200 OK", "{}".to_owned())]);
    // The first answer cannot be read, so only the first of both is sent: its key is the one that was given.
    let line = [
        "evidence",
        "add",
        "a@1",
        &file,
        &file,
        "--idempotency-key",
        "mine",
    ];
    assert_eq!(run(&server.url, &line).exit, Exit::Unknown);
    assert_eq!(key(&server.asked()[0]), "mine");
    let reads = Server::giving(vec![Answer::ok(&held())]);
    run(&reads.url, EXPLAIN);
    assert!(!reads.asked()[0].contains("idempotency-key"));
}

fn key(request: &str) -> String {
    let line = request
        .lines()
        .find_map(|line| line.strip_prefix("idempotency-key: "));
    line.expect("a write has a key").to_owned()
}

#[test]
fn an_error_for_a_program_is_one_line_of_json_on_stderr() {
    let server = Server::giving(vec![problem(
        "404 Not Found\r\ncontent-type: application/problem+json",
        &Problem::new(&entry::PROMOTION_UNKNOWN, "there is no promotion 7"),
    )]);
    let ran = run(&server.url, &[EXPLAIN, &["--json"]].concat());
    let error: serde_json::Value = serde_json::from_str(&ran.talk).unwrap();
    assert_eq!(error["error"]["code"], "promotion.unknown");
    assert_eq!(error["error"]["exit"], 2);
    assert_eq!(ran.data, "");
}

/// A server that knows nothing of an upload, or has this much of it.
fn stands(offset: u64, complete: bool) -> Answer {
    Answer::ok(&UploadView {
        offset,
        complete,
        until: None,
    })
}

#[test]
fn a_large_file_goes_on_where_the_server_has_it_under_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("junit.xml");
    std::fs::write(&file, "x".repeat(3_000_000)).unwrap();
    let server = Server::giving(vec![
        stands(0, false),
        Answer::Nothing,
        stands(2_000_000, false),
        problem(
            "409 Conflict\r\ncontent-type: application/problem+json",
            &Problem::new(&entry::UPLOAD_OFFSET, "the upload stands at byte 2999990"),
        ),
        stands(2_999_990, false),
        Answer::ok(&super::views::evidence()),
    ]);
    let ran = run(
        &server.url,
        &["evidence", "add", "a@1", &file.display().to_string()],
    );
    assert_eq!(ran.exit, Exit::Done, "{}", ran.talk);
    let asked = server.asked();
    let lengths: Vec<usize> = asked
        .iter()
        .map(|request| request.split_once("\n\n").unwrap().1.len())
        .collect();
    assert_eq!(lengths, [0, 3_000_000, 0, 1_000_000, 0, 10]);
    assert!(!asked[1].contains("upload-offset"), "{:.500}", asked[1]);
    assert!(asked[5].contains("upload-offset: 2999990"), "{}", asked[5]);
    assert!(
        asked
            .iter()
            .all(|request| request.contains("repr-digest: sha-256=:"))
    );
    assert!([3, 5].iter().all(|at| key(&asked[*at]) == key(&asked[1])));
    assert!(
        asked[0].contains(&format!("/uploads/{}", key(&asked[1]))),
        "{}",
        asked[0]
    );
}

#[test]
fn a_large_file_that_was_accepted_is_not_sent_again_for_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("junit.xml");
    std::fs::write(&file, "x".repeat(2_000_000)).unwrap();
    let server = Server::giving(vec![stands(0, true), Answer::ok(&super::views::evidence())]);
    let line = [
        "evidence",
        "add",
        "a@1",
        &file.display().to_string(),
        "--idempotency-key",
        "mine",
    ];
    assert_eq!(run(&server.url, &line).exit, Exit::Done);
    assert!(
        server.asked()[1].contains("content-length: 0"),
        "{:.500}",
        server.asked()[1]
    );
}

#[test]
fn an_upload_that_comes_no_further_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("junit.xml");
    std::fs::write(&file, "x".repeat(2_000_000)).unwrap();
    let mut answers = vec![stands(0, false)];
    (0..10).for_each(|_| answers.extend([Answer::Nothing, stands(0, false)]));
    let server = Server::giving(answers);
    let ran = run(
        &server.url,
        &["evidence", "add", "a@1", &file.display().to_string()],
    );
    assert_eq!(ran.exit, Exit::Unknown, "{}", ran.talk);
    let sent = server
        .asked()
        .iter()
        .filter(|request| request.starts_with("post"))
        .count();
    assert_eq!(sent, ATTEMPTS_MAX as usize);
}
