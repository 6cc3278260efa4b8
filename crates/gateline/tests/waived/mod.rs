//! A finding that is accepted: from the refusal to the waiver, to its end, and to the refusal again.

use crate::{Place, all, eventually, text_of};

const REPORT: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff"}}, "results": [
    {"ruleId": "S608", "level": "error", "message": {"text": "SQL made from text"},
     "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/pay.py"}, "region": {"startLine": 88}}}]}]}]}"#;
const FINDINGS: &str =
    "      gates:\n        - findings: {high: 0}\n          because: What was found once is found again.\n";

/// Registers a release in which the tool found the same as ever, and waits until it is refused for that.
fn found_in(place: &Place, version: &str) {
    place.release(version, &[]);
    let file = place.write("lint.sarif", REPORT);
    place.ok(&["evidence", "add", &format!("app@{version}"), text_of(&file)]);
}

fn refused(place: &Place, version: &str) -> String {
    let release = format!("app@{version}");
    eventually(&format!("{version} is refused"), || {
        let explained = place.gateline(&["explain", &release, "--to", "live"]);
        explained.status.code() == Some(3)
    });
    all(&place.gateline(&["explain", &release, "--to", "live"]))
}

fn waive(place: &Place, finding: &str, version: &str, until: &str) -> std::process::Output {
    let release = format!("app@{version}");
    place.gateline(&[
        "waive",
        finding,
        "--release",
        &release,
        "--until",
        until,
        "--ticket",
        "PAY-77",
        "--reason",
        "no text from outside",
    ])
}

fn listed(place: &Place) -> serde_json::Value {
    serde_json::from_str(&place.ok(&["waiver", "list", "--json"])).unwrap()
}

#[test]
fn a_finding_keeps_a_release_out_until_it_is_waived_and_again_when_the_waiver_has_ended() {
    let place = Place::new();
    place.apply(&format!(
        "    - name: live\n      target: {}\n{FINDINGS}",
        place.target()
    ));
    found_in(&place, "1.0.0");
    let why = refused(&place, "1.0.0");
    for said in [
        "1 high by ruff",
        "src/pay.py:88: SQL made from text [S608] (finding ",
        "gateline waive",
    ] {
        assert!(why.contains(said), "`{said}` in {why}");
    }

    // By its rule; a finding that there is not, or no end ahead, is refused with a way on.
    let unknown = waive(&place, "S101", "1.0.0", "14d");
    assert_eq!(unknown.status.code(), Some(2), "{}", all(&unknown));
    assert!(
        all(&unknown).contains("no evidence of this release has it"),
        "{}",
        all(&unknown)
    );
    let past = waive(&place, "S608", "1.0.0", "2020-01-01T00:00:00Z");
    assert_eq!(past.status.code(), Some(2), "{}", all(&past));
    let waived = waive(&place, "S608", "1.0.0", "14d");
    assert!(waived.status.success(), "{}", all(&waived));
    for said in [
        "S608 in src/pay.py:88",
        "app: every stage",
        "PAY-77",
        "no text from outside",
    ] {
        assert!(all(&waived).contains(said), "`{said}` in {}", all(&waived));
    }
    place.becomes("app@1.0.0", "live", "verified");
    let id = listed(&place)[0]["id"].as_str().unwrap().to_owned();
    let verdict = &place.state("app@1.0.0", "live")["decision"]["verdicts"][0];
    assert_eq!(verdict["waivers"], serde_json::json!([id]));
    let explained = all(&place.gateline(&["explain", "app@1.0.0", "--to", "live"]));
    for said in ["1 waived", "waived until"] {
        assert!(explained.contains(said), "`{said}` in {explained}");
    }

    // Who may not waive may not lift either.
    let made = place.ok(&[
        "token", "create", "bo", "--actor", "bo", "--scope", "promote", "--json",
    ]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    place.write("bo", made["token"].as_str().unwrap());
    let short = id.trim_start_matches("sha256:")[..12].to_owned();
    let lift = ["waiver", "lift", &short, "--reason", "it does take text"];
    assert_eq!(place.gateline_as("bo", &lift).status.code(), Some(3));
    place.ok(&lift);
    assert_eq!(listed(&place), serde_json::json!([]));
    found_in(&place, "1.1.0");
    refused(&place, "1.1.0");

    // A short one ends by itself, and lets no later release pass.
    let short = waive(&place, "S608", "1.1.0", "3s");
    assert!(short.status.success(), "{}", all(&short));
    place.becomes("app@1.1.0", "live", "verified");
    eventually("the waiver has ended", || {
        place.ok(&["waiver", "list"]).contains("no waivers")
    });
    found_in(&place, "1.2.0");
    refused(&place, "1.2.0");
    let log = place.ok(&["log", "--event", "waiver_granted"]);
    assert_eq!(log.matches("S608").count(), 2, "{log}");
}
