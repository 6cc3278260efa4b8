//! Recorded rollouts, judged offline.

use std::fmt::Write as _;
use std::path::PathBuf;

use gateline_api::Exit;

use super::{Ran, run};

/// A recording of twenty minutes after ten of the stable arm alone; the canary fails so many requests in a thousand.
fn recording(dir: &tempfile::TempDir, canary_bad: u64) -> PathBuf {
    let mut text = String::new();
    for tick in 0..120 {
        let mut line = |arm: &str, pod: u64, requests: u64, bad: u64| {
            let errors = requests * (bad + (tick * 7 + pod * 3) % 5) / 1_000;
            let slow = requests * (40 + (tick * 5 + pod) % 11) / 1_000;
            let within = requests - slow;
            writeln!(
                text,
                r#"{{"t":{},"arm":"{arm}","pod":"{arm}-{pod}","requests":{requests},"errors":{errors},"buckets":{{"0.25":{within},"+Inf":{requests}}},"weight":25}}"#,
                tick * 15
            )
            .expect("a text grows");
        };
        (0..3).for_each(|pod| line("stable", pod, 500, 8));
        if tick >= 40 {
            line("canary", 0, 500, canary_bad);
        }
    }
    let path = dir.path().join("rollout.jsonl");
    std::fs::write(&path, text).expect("a folder of the test's own");
    path
}

fn replayed(path: &std::path::Path, more: &[&str]) -> Ran {
    let ticks = path.to_string_lossy();
    let line: Vec<&str> = ["judge", "replay", "--ticks", &ticks]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    run("http://127.0.0.1:9", &line)
}

#[test]
fn a_recording_is_judged_for_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let good = replayed(&recording(&dir, 8), &[]);
    let bad = replayed(&recording(&dir, 40), &[]);
    assert_eq!(
        (good.exit, bad.exit),
        (Exit::Done, Exit::Done),
        "{}{}",
        good.talk,
        bad.talk
    );
    assert!(
        good.data.starts_with("SAFE TO PROMOTE: errors at most "),
        "{}",
        good.data
    );
    assert!(bad.data.starts_with("ROLLED BACK after "), "{}", bad.data);
    for part in [
        "bad requests",
        "against it",
        "for it",
        "exposure",
        "decides at 20",
        "noise x",
        "limit 2x",
    ] {
        assert!(good.data.contains(part), "{part}: {}", good.data);
    }
}

#[test]
fn the_answer_in_json_has_the_ruling_when_it_came_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let ran = replayed(&recording(&dir, 40), &["--json"]);
    let answer: serde_json::Value = serde_json::from_str(&ran.data).unwrap();
    assert_eq!(answer["ruling"], "roll_back", "{}", ran.data);
    assert!((600.0..1_800.0).contains(&answer["at"].as_f64().unwrap()));
    assert!(answer["headline"].as_str().unwrap().starts_with("ROLLED BACK"));
    assert_eq!(answer["metrics"][0]["name"], "errors");
    assert_eq!(ran.data, replayed(&recording(&dir, 40), &["--json"]).data);
}

#[test]
fn other_settings_may_say_other_things() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(&dir, 40);
    let lenient = dir.path().join("lenient.yaml");
    std::fs::write(&lenient, "recipe: tempered\nerrors: {ratio: 20, share: 0.2}\n").unwrap();
    let ran = replayed(&path, &["--with", &lenient.to_string_lossy()]);
    assert!(ran.data.contains("limit 22x"), "{}", ran.data);
    assert!(replayed(&path, &[]).data.contains("limit 2x"));
    for (wrong, why) in [
        ("recipe: nonsense\n", "there is no recipe `nonsense`"),
        (
            "errors: {ratio: 0.5, share: 0.2}\n",
            "`errors.ratio` must be above 1",
        ),
        ("erors: {}\n", "erors"),
    ] {
        std::fs::write(&lenient, wrong).unwrap();
        let ran = replayed(&path, &["--with", &lenient.to_string_lossy()]);
        assert_eq!(ran.exit, Exit::Usage);
        assert!(ran.talk.contains(why), "{}", ran.talk);
    }
}

#[test]
fn a_bad_line_is_refused_with_its_number_and_field() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.jsonl");
    std::fs::write(&path, "{\"t\":0,\"arm\":\"canary\",\"requests\":1,\"errors\":0}\n{\"t\":15,\"arm\":\"canary\",\"requests\":\"many\"}\n").unwrap();
    let ran = replayed(&path, &[]);
    assert_eq!(ran.exit, Exit::Usage);
    assert!(
        ran.talk.contains("line 2: `requests` is no whole number"),
        "{}",
        ran.talk
    );
    assert!(ran.talk.contains("judge-ticks.md"), "{}", ran.talk);
}
