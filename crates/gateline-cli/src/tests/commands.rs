//! Whole commands: what they ask, what they print and how they end.

use std::path::Path;

use gateline_api::{ApplyReply, Exit, Page, PipelineBrief, PromotionState, PromotionView};
use gateline_model::{Digest, PromotionOutcome};
use test_case::test_case;

use super::http::{Answer, Server};
use super::run;
use super::views::{bare, board, ended, held, id, paused, release, rolling_out, stage, summary};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/payment-service");

fn view(state: PromotionState) -> PromotionView {
    bare(state)
}

#[test_case(held(), Exit::Held; "held")]
#[test_case(view(PromotionState::Refused), Exit::Refused; "refused")]
#[test_case(rolling_out(), Exit::Done; "rolling out")]
#[test_case(paused(), Exit::Held; "paused")]
#[test_case(ended(PromotionOutcome::Verified, ""), Exit::Done; "verified")]
#[test_case(ended(PromotionOutcome::RolledBack, ""), Exit::Failed; "rolled back")]
#[test_case(ended(PromotionOutcome::RollbackFailed, ""), Exit::Failed; "rollback failed")]
#[test_case(ended(PromotionOutcome::Superseded, ""), Exit::Refused; "superseded")]
fn explain_ends_as_the_promotion_stands(view: PromotionView, exit: Exit) {
    let server = Server::giving(vec![Answer::ok(&view)]);
    let ran = run(&server.url, &["explain", "payments/payment-service/production/7"]);
    assert_eq!(ran.exit, exit);
    let asked = &server.asked()[0];
    assert!(
        asked.starts_with("get /api/v1/promotions/payments/payment-service/production/7 "),
        "{asked}"
    );
    assert!(asked.contains("authorization: bearer glt_test"), "{asked}");
}

#[test]
fn json_is_the_servers_view_whole() {
    let server = Server::giving(vec![Answer::ok(&held())]);
    let ran = run(&server.url, &["explain", "a/b/c/1", "--json"]);
    assert_eq!(serde_json::from_str::<PromotionView>(&ran.data).unwrap(), held());
    assert_eq!(ran.talk, "");
}

#[test]
fn watching_without_a_terminal_tells_each_change_once_and_ends_with_the_promotion() {
    let server = Server::giving(vec![
        Answer::ok(&held()),
        Answer::ok(&held()),
        Answer::ok(&rolling_out()),
        // How the pinned pipeline rolls out is not worth failing for.
        Answer::Full("404 Not Found", String::new()),
        Answer::ok(&rolling_out()),
        Answer::Full("404 Not Found", String::new()),
        Answer::ok(&ended(
            PromotionOutcome::RolledBack,
            "12% of 240 requests failed, limit 1%",
        )),
    ]);
    let ran = run(&server.url, &["explain", "a/b/c/1", "--watch"]);
    assert_eq!(ran.exit, Exit::Failed);
    insta::assert_snapshot!(ran.data);
}

#[test]
fn watching_ends_when_a_gate_refuses_or_the_time_is_over() {
    let server = Server::giving(vec![Answer::ok(&view(PromotionState::Refused))]);
    assert_eq!(
        run(&server.url, &["explain", "a/b/c/1", "--watch"]).exit,
        Exit::Refused
    );
    let server = Server::giving(vec![Answer::ok(&held())]);
    let ran = run(&server.url, &["explain", "a/b/c/1", "--watch", "--timeout", "0s"]);
    assert_eq!(ran.exit, Exit::Held);
}

#[test]
fn a_watched_server_that_stays_away_could_not_be_asked() {
    let server = Server::giving(vec![Answer::ok(&held()), Answer::Nothing]);
    let ran = run(&server.url, &["explain", "a/b/c/1", "--watch"]);
    assert_eq!(ran.exit, Exit::Unknown);
    assert!(
        ran.talk
            .starts_with("the server does not answer; trying again\nerror: "),
        "{}",
        ran.talk
    );
}

#[test]
fn status_prints_the_board_and_asks_for_what_was_asked() {
    let server = Server::giving(vec![Answer::ok(&board())]);
    let ran = run(
        &server.url,
        &["status", "payments", "--show", "held", "--limit", "5"],
    );
    assert_eq!(ran.exit, Exit::Done);
    assert!(
        ran.data.starts_with("payments/payment-service\n  dev "),
        "{}",
        ran.data
    );
    assert!(server.asked()[0].starts_with("get /api/v1/board?limit=5&show=held&text=payments "));
}

#[test]
fn a_release_without_its_project_takes_the_one_of_the_options() {
    let server = Server::giving(vec![Answer::ok(&held())]);
    run(
        &server.url,
        &[
            "promote",
            "payment-service@1.3.0",
            "--to",
            "dev",
            "--project",
            "payments",
        ],
    );
    let asked = &server.asked()[0];
    assert!(
        asked.ends_with(r#"{"release":"payments/payment-service@1.3.0","stage":"dev"}"#),
        "{asked}"
    );
}

fn brief(name: &str) -> PipelineBrief {
    let (project, pipeline) = name.split_once('/').unwrap();
    PipelineBrief {
        of: gateline_model::PipelineRef {
            project: project.parse().unwrap(),
            pipeline: pipeline.parse().unwrap(),
        },
        version: Digest::of(b"pipeline"),
        stages: 3,
        releases: 4,
    }
}

#[test]
fn the_only_project_that_has_the_pipeline_is_meant_and_of_two_none() {
    let page = |items, next: Option<&str>| {
        Answer::ok(&Page {
            items,
            next: next.map(str::to_owned),
        })
    };
    let server = Server::giving(vec![
        page(vec![brief("shop/web")], Some("more")),
        page(vec![brief("payments/api")], None),
        Answer::ok(&held()),
    ]);
    let line = ["rollback", "api/production", "--reason", "slow"];
    assert_eq!(run(&server.url, &line).exit, Exit::Held);
    let asked = server.asked();
    assert!(
        asked[1].starts_with("get /api/v1/pipelines?after=more&limit=500 "),
        "{}",
        asked[1]
    );
    assert!(
        asked[2].starts_with("post /api/v1/stages/payments/api/production/rollback "),
        "{}",
        asked[2]
    );
    assert!(asked[2].ends_with(r#"{"reason":"slow"}"#), "{}", asked[2]);

    let server = Server::giving(vec![page(vec![brief("shop/api"), brief("payments/api")], None)]);
    let ran = run(&server.url, &line);
    assert_eq!((ran.exit, server.asked().len()), (Exit::Usage, 1));
    assert!(ran.talk.contains("shop/api, payments/api"), "{}", ran.talk);
}

#[test]
fn an_approval_is_bound_to_the_question_that_was_seen() {
    let server = Server::giving(vec![Answer::ok(&held())]);
    let code = held().decision.unwrap().code();
    let line = [
        "approve",
        "payments/payment-service/production/7",
        "--code",
        &code,
    ];
    assert_eq!(run(&server.url, &line).exit, Exit::Done);
    let question = Digest::of(b"question");
    assert!(
        server.asked()[1].ends_with(&format!(r#"{{"question":"{question}"}}"#)),
        "{}",
        server.asked()[1]
    );

    let ran = run(
        &server.url,
        &[
            "approve",
            "payments/payment-service/production/7",
            "--code",
            "0000 0000",
        ],
    );
    assert_eq!(ran.exit, Exit::Refused);
    assert_eq!(server.asked().len(), 3, "it was only read");
}

#[test]
fn all_files_are_checked_before_the_first_is_applied() {
    let dir = tempfile::tempdir().unwrap();
    let good = std::fs::read_to_string(format!("{EXAMPLE}/pipeline.yaml")).unwrap();
    std::fs::write(dir.path().join("a.yaml"), &good).unwrap();
    std::fs::write(dir.path().join("b.yml"), good.replace("because: A", "becuase: A")).unwrap();
    std::fs::write(dir.path().join("README.md"), "not a pipeline").unwrap();
    let reply = ApplyReply {
        project: "payments".parse().unwrap(),
        pipeline: "payment-service".parse().unwrap(),
        version: Digest::of(b"pipeline"),
        changed: true,
        proposed: None,
        warnings: Vec::new(),
    };
    let server = Server::giving(vec![Answer::ok(&reply)]);
    let at = dir.path().display().to_string();
    let ran = run(&server.url, &["apply", "-f", &at]);
    assert_eq!((ran.exit, server.asked().len()), (Exit::Usage, 0));
    assert!(
        ran.data.contains("b.yml:") && ran.data.contains("because"),
        "{}",
        ran.data
    );

    std::fs::remove_file(dir.path().join("b.yml")).unwrap();
    let ran = run(&server.url, &["apply", "-f", &at]);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.talk);
    assert!(
        ran.data.starts_with("applied    payments/payment-service  "),
        "{}",
        ran.data
    );
    assert!(server.asked()[0].starts_with("put /api/v1/pipelines "));
}

#[test]
fn a_file_is_hashed_and_the_change_file_sent_with_its_release() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("service");
    std::fs::write(&file, "the program").unwrap();
    let server = Server::giving(vec![Answer::Full("200 OK", "{}".to_owned())]);
    let (artifact, change) = (
        format!("service=file:{}", file.display()),
        format!("{EXAMPLE}/change/1.3.0.yaml"),
    );
    let line = [
        "release",
        "create",
        "payments/payment-service@1.3.0",
        "--artifact",
        &artifact,
        "--change",
        &change,
        "--label",
        "wave=2",
        "--notes",
        "shorter",
    ];
    run(&server.url, &line);
    let asked = &server.asked()[0];
    let (_, body) = asked.split_once("\n\n").unwrap();
    let body: gateline_api::RegisterRequest = serde_json::from_str(body).unwrap();
    let pinned = format!("file:{}@{}", file.display(), Digest::of(b"the program"));
    assert_eq!(body.artifacts.values().next(), Some(&pinned));
    assert!(body.change.breaking);
    assert_eq!(body.change.labels.len(), 2);
    assert_eq!(
        (body.text.notes.as_str(), body.text.authors.len()),
        ("shorter", 1)
    );
}

/// Nothing answers there: these work without a server.
const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn lint_works_offline_and_ends_with_usage_on_an_error() {
    let good = format!("{EXAMPLE}/pipeline.yaml");
    let ran = run(NOWHERE, &["lint", &good]);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.data);
    assert!(
        ran.data.starts_with("ok  ") && ran.data.contains("payments/payment-service, 3 stages"),
        "{}",
        ran.data
    );

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.yaml");
    std::fs::write(&path, "apiVersion: gateline.dev/v1\nkind: Pipelin\n").unwrap();
    let bad = path.display().to_string();
    let ran = run(NOWHERE, &["lint", &good, &bad]);
    assert_eq!(ran.exit, Exit::Usage);
    assert!(ran.data.contains("p.yaml:2:"), "{}", ran.data);
    assert_eq!(ran.talk, "1 of 2 files cannot be used\n");
    let ran = run(NOWHERE, &["lint", &bad, "--json", "--quiet"]);
    let found: serde_json::Value = serde_json::from_str(&ran.data).unwrap();
    let header = found
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["code"] == "file.header");
    assert_eq!((ran.exit, ran.talk.as_str()), (Exit::Usage, ""));
    assert_eq!(header.unwrap()["line"], 2);
}

#[test]
fn evidence_is_read_offline_and_what_says_too_little_is_no_pass() {
    let report = format!("{EXAMPLE}/evidence/1.1.0/junit.xml");
    let ran = run(NOWHERE, &["evidence", "read", &report]);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.talk);
    assert!(ran.data.contains("junit.xml as junit\n  tests "), "{}", ran.data);

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report");
    for (content, exit, says) in [
        ("<testsuites/>", Exit::Unknown, "errored"),
        ("<testsuites>", Exit::Unknown, "errored"),
        ("hello", Exit::Usage, ""),
        ("", Exit::Usage, ""),
    ] {
        std::fs::write(&file, content).unwrap();
        let ran = run(NOWHERE, &["evidence", "read", &file.display().to_string()]);
        assert_eq!(ran.exit, exit, "{content}");
        assert!(ran.data.starts_with(says), "{}", ran.data);
    }
}

#[test]
fn signed_statements_are_held_against_keys_and_artifacts_offline() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../gateline-evidence/tests/samples");
    let signed = format!("{samples}/dsse-synthetic.intoto.jsonl");
    let (right, other) = (
        format!("{samples}/signed/p256.pub"),
        format!("{samples}/signed/vsa.pub"),
    );
    let artifact = "sha256:51bc0fc1f19104fa6e89ce50be9aa1f57c3346c1ca51ab49f5f00e14ce8f8076";
    let foreign = gateline_model::Digest::of(b"foreign").to_string();
    let second = format!("{samples}/signed/ed25519.pub");
    let gone = format!("{samples}/signed/gone.pub");
    let junit = format!("{EXAMPLE}/evidence/1.1.0/junit.xml");
    for (file, key, artifact, exit, says) in [
        (&signed, &right, artifact, Exit::Done, "signed by"),
        (&signed, &other, artifact, Exit::Refused, "does not hold"),
        (&signed, &right, &foreign, Exit::Refused, "and not for"),
        (&signed, &gone, artifact, Exit::Usage, ""),
        (&junit, &right, artifact, Exit::Usage, ""),
    ] {
        let ran = run(
            NOWHERE,
            &[
                "evidence",
                "verify",
                file,
                "--key",
                &second,
                "--key",
                key,
                "--artifact",
                artifact,
            ],
        );
        assert_eq!(ran.exit, exit, "{} {}", ran.data, ran.talk);
        assert!(ran.data.contains(says), "{}", ran.data);
    }
}

#[test]
fn what_is_read_offline_is_told_in_json() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report");
    let read = |content: &str, more: &[&str]| {
        std::fs::write(&file, content).unwrap();
        let name = file.display().to_string();
        let line: Vec<&str> = ["evidence", "read", &name, "--json"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let ran = run(NOWHERE, &line);
        let reply: serde_json::Value = serde_json::from_str(&ran.data).unwrap_or_default();
        (ran.exit, reply, ran.talk)
    };
    let drill = r#"{"summary": {"recovery_s": 12}}"#;
    let (exit, reply, _) = read(drill, &["--as", "json", "--type", "chaos", "--path", ".summary"]);
    assert_eq!(exit, Exit::Done);
    assert_eq!(
        (&reply["format"], &reply["kind"]),
        (&"json".into(), &"custom".into())
    );
    assert_eq!(
        (&reply["complete"], &reply["warnings"]),
        (&true.into(), &serde_json::json!([]))
    );
    assert_eq!(reply["facts"]["value"]["recovery_s"], 12);
    assert_eq!(reply.get("reason"), None);

    for content in ["<testsuites/>", "<testsuites>"] {
        let (exit, reply, _) = read(content, &[]);
        assert_eq!(exit, Exit::Unknown);
        assert_eq!(
            (&reply["format"], &reply["kind"]),
            (&"junit".into(), &"tests".into())
        );
        assert_eq!(reply["complete"], false);
        assert!(
            reply["reason"].as_str().is_some_and(|why| !why.is_empty()),
            "{reply}"
        );
    }

    let (exit, _, talk) = read(drill, &["--as", "json"]);
    assert_eq!(exit, Exit::Usage);
    assert!(talk.contains("--type"), "{talk}");
    let (exit, _, talk) = read(drill, &["--as", "junit", "--type", "chaos"]);
    assert_eq!(exit, Exit::Usage);
    assert!(talk.contains("not for `junit`"), "{talk}");
}

#[test]
fn the_schema_is_json_and_needs_no_server() {
    let ran = run(NOWHERE, &["schema"]);
    assert_eq!(ran.exit, Exit::Done);
    let schema: serde_json::Value = serde_json::from_str(&ran.data).unwrap();
    assert!(schema["$schema"].is_string());
}

#[test_case(&["override", "a/b/c/1", "--gate", "soak", "--until", "2h"]; "an override")]
#[test_case(&["abort", "a/b/c/1"]; "an abort")]
#[test_case(&["freeze", "declare", "x", "--until", "2h"]; "a freeze")]
#[test_case(&["freeze", "lift", "x"]; "the end of a freeze")]
#[test_case(&["rollback", "a/b"]; "a rollback")]
#[test_case(&["release", "unbar", "a@1", "--stage", "b"]; "a lifted bar")]
#[test_case(&["pause", "a/b/c/1", "--reason", "  "]; "white space is no reason")]
fn what_others_must_understand_needs_a_reason(line: &[&str]) {
    use clap::Parser;
    let words = ["gateline"].iter().chain(line);
    let error = super::Gateline::try_parse_from(words).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("--reason"), "{error}");
}

#[test]
fn a_missing_file_is_usage() {
    assert!(!Path::new("no-such-file").exists());
    let ran = run(NOWHERE, &["lint", "no-such-file"]);
    assert_eq!(ran.exit, Exit::Usage);
    assert!(
        ran.talk.starts_with("error: could not read `no-such-file`\n  "),
        "{}",
        ran.talk
    );
}

#[test]
fn of_several_open_promotions_none_is_acted_on_until_one_is_named() {
    let ended = [summary("dev", Some("2026-11-21T10:35:00Z"))];
    let (staging, production) = ([summary("staging", None)], [summary("production", None)]);
    let view = release(&[
        ("dev", &ended),
        ("staging", &staging),
        ("production", &production),
    ]);
    let line = ["abort", "payment-service@1.3.0", "--reason", "late"];

    let server = Server::giving(vec![Answer::ok(&view), Answer::ok(&held())]);
    let ran = run(&server.url, &line);
    assert_eq!((ran.exit, server.asked().len()), (Exit::Usage, 1));
    assert!(
        ran.talk.contains("payments/payment-service/staging/7, payments"),
        "{}",
        ran.talk
    );

    let server = Server::giving(vec![Answer::ok(&view), Answer::ok(&held())]);
    let ran = run(&server.url, &[&line[..], &["--to", "staging"]].concat());
    assert_eq!(ran.exit, Exit::Done, "{}", ran.talk);
    assert!(
        server.asked()[1].starts_with("post /api/v1/promotions/payments/payment-service/staging/7/abort ")
    );
}

#[test_case(true, "gateline rollback payments/payment-service/production"; "as its stage still stands")]
#[test_case(false, "gateline explain payments/payment-service/production/7"; "not when something changed since")]
fn what_could_not_be_taken_back_is_taken_back_again(stands: bool, hint: &str) {
    let mut failed = summary("production", Some("2026-11-21T10:50:00Z"));
    failed.state = PromotionState::RollbackFailed;
    let view = release(&[("production", &[failed])]);
    let stuck = stands.then(|| id("production"));
    let server = Server::giving(vec![Answer::ok(&view), Answer::ok(&stage(stuck))]);
    let line = ["abort", "payment-service@1.3.0", "--to", "production"];
    let ran = run(&server.url, &[&line[..], &["--reason", "late"]].concat());
    assert_eq!(ran.exit, Exit::Usage, "{}", ran.talk);
    assert!(ran.talk.contains("has ended rollback failed"), "{}", ran.talk);
    assert!(ran.talk.contains(hint), "{}", ran.talk);
    let asked = &server.asked()[1];
    assert!(
        asked.starts_with("get /api/v1/stages/payments/payment-service/production "),
        "{asked}"
    );
}

#[test]
fn a_release_that_nobody_promotes_is_answered_with_the_way_to_do_it() {
    let server = Server::giving(vec![Answer::ok(&release(&[("dev", &[])]))]);
    let ran = run(&server.url, &["explain", "payment-service@1.3.0", "--to", "dev"]);
    assert_eq!(ran.exit, Exit::Usage);
    assert!(
        ran.talk
            .contains("`gateline promote payment-service@1.3.0 --to dev`"),
        "{}",
        ran.talk
    );
}

#[test]
fn a_scenario_and_a_seed_are_played_offline() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../scenarios/abort_midway.scenario"
    );
    let told = std::fs::read_to_string(file.replace(".scenario", ".transcript")).unwrap();
    let ran = run(NOWHERE, &["simulate", file]);
    assert_eq!((ran.exit, ran.data), (Exit::Done, told), "{}", ran.talk);
    let ran = run(NOWHERE, &["simulate", "--seeds", "3"]);
    assert_eq!(
        (ran.exit, ran.data.as_str()),
        (Exit::Done, "3 seeds, 0 violations\n")
    );
    let ran = run(NOWHERE, &["simulate", "--seed", "1"]);
    assert!(ran.data.ends_with("seed 1: 0 violations\n"), "{}", ran.data);
}

#[test]
fn advance_is_about_the_step_that_stood_when_it_was_asked_for() {
    let server = Server::giving(vec![Answer::ok(&rolling_out()), Answer::ok(&rolling_out())]);
    let ran = run(
        &server.url,
        &[
            "advance",
            "payments/payment-service/production/7",
            "--at",
            "25%",
            "--reason",
            "It is good.",
        ],
    );
    assert_eq!(ran.exit, Exit::Done);
    let asked = &server.asked()[1];
    assert!(
        asked.contains(r#""step":2"#) && asked.contains(r#""weight":"25%""#),
        "{asked}"
    );
}
