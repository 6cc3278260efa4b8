//! Fixed views: a release that is held before production, and the same one rolling out.

use gateline_api::{
    Board, DelegationView, EvidenceView, InboxItem, PromotionState, PromotionView, ReleaseSummary,
    ReleaseView, StageView, WaiverView,
};
use gateline_core::Waiting;
use gateline_model::{Digest, ProjectName, Summary, Tick};
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn here() -> Value {
    json!({"project": "payments", "pipeline": "payment-service", "stage": "production"})
}

pub fn board() -> Board {
    let live = |version: &str, health: &str| {
        json!({
            "release": digest(version), "version": version, "promotion": "payments/payment-service/dev/1",
            "since": "2026-11-15T08:10:00Z", "health": health,
        })
    };
    let proposed = |state: &str| {
        json!({
            "promotion": "payments/payment-service/production/7", "release": digest("1.3.0"), "version": "1.3.0",
            "kind": "forward", "state": state, "satisfied": 2, "gates": 3, "headline": "held: 1 of 3 gates not satisfied: approval",
            "since": "2026-11-21T08:21:00Z", "waiting_on": ["tech-lead"], "until": "2026-11-21T10:21:00Z",
        })
    };
    let mut rolling = proposed("rolling_out");
    rolling["waiting_on"] = json!([]);
    rolling["rollout"] = json!({"step": 3, "steps": 5, "weight": "25%", "requests": 18_240, "errors": 61});
    let stage = |name: &str, live: Value, proposed: Vec<Value>| json!({"stage": name, "production": name == "production", "live": live, "proposed": proposed});
    let pipeline = |name: &str, stages: Vec<Value>| json!({"of": {"project": "payments", "pipeline": name}, "stages": stages});
    read(json!({
        "pipelines": [
            pipeline("payment-service", vec![
                stage("dev", live("1.3.0", "healthy"), vec![]),
                stage("production", live("1.2.0", "unhealthy"), vec![proposed("held")]),
            ]),
            pipeline("ledger-api", vec![
                stage("dev", Value::Null, vec![proposed("refused")]),
                stage("production", live("1.2.0", "unknown"), vec![rolling]),
            ]),
            pipeline("fraud-rules", vec![stage("only", Value::Null, vec![])]),
        ],
        "total": 3, "all": 4, "needing": 1, "rolling": 1, "next": "payments/fraud-rules", "log": 48_212,
    }))
}

/// A question that waits for ana, who was asked by name; it was due.
pub fn waiting() -> InboxItem {
    read(json!({
        "promotion": "payments/payment-service/production/7", "version": "1.3.0", "live": "1.2.0", "risk": "high",
        "headline": "held: 1 of 3 gates not satisfied: approval", "says": "0 of 1 from tech-lead", "question": digest("question"),
        "from": "tech-lead", "instead_of": "bo", "since": "2026-11-21T06:21:00Z", "until": "2026-11-21T08:21:00Z",
        "by_name": true, "comment": true, "signed": "session",
    }))
}

/// How ana may answer the promotion that is held.
pub fn seat() -> Waiting {
    Waiting {
        promotion: "payments/payment-service/production/7".parse().unwrap(),
        from: "tech-lead".parse().unwrap(),
        instead_of: None,
        since: "2026-11-21T08:21:00Z".parse().unwrap(),
        until: None,
        by_name: false,
        comment: false,
        signed: gateline_model::Tier::Session,
    }
}

pub fn delegation() -> (ProjectName, DelegationView) {
    let view = read(json!({
        "by": "ana", "to": "cy", "team": "tech-lead", "from": "2026-11-20T08:00:00Z", "until": "2026-11-30T08:00:00Z", "holds": true,
    }));
    ("payments".parse().unwrap(), view)
}

pub fn summary() -> ReleaseSummary {
    read(json!({
        "id": digest("1.3.0"), "of": {"project": "payments", "pipeline": "payment-service"}, "version": "1.3.0",
        "number": 4, "kind": "data_migration", "breaking": true, "registered_at": "2026-11-21T08:00:00Z",
    }))
}

pub fn release(version: &str, number: u64) -> ReleaseView {
    let artifact = json!({"name": "service", "kind": "oci", "repository": "registry/payment-service", "digest": digest(version)});
    let evidence = |name: &str, found: Value, says: &str| {
        let outcome = if found["kind"] == "errored" {
            json!("errored")
        } else {
            Value::Null
        };
        json!({
            "id": digest(name), "name": name, "kind": found["facts"]["kind"], "outcome": outcome, "says": says, "found": found,
            "format": "junit", "artifacts": [digest(version)], "raw": digest("raw"), "by": "ci", "at": "2026-11-21T08:01:00Z",
        })
    };
    let tests = json!({"kind": "facts", "facts": {
        "kind": "tests", "suites": ["unit"], "total": 412, "passed": 411, "failed": 1, "errored": 0, "skipped": 0, "flaky": 0,
        "duration_secs": 41.2, "failed_cases": [{"name": "pay::twice", "file": "src/pay.rs", "line": 88, "message": "paid <b>bold</b> twice"}],
    }});
    let errored = json!({"kind": "errored", "reason": "the file ends in the middle of a tag"});
    read(json!({
        "id": digest(version), "of": {"project": "payments", "pipeline": "payment-service"}, "version": version,
        "number": number, "registered_at": "2026-11-21T08:00:00Z", "artifacts": [artifact],
        "change": {
            "kind": "feature", "breaking": true, "tickets": ["PAY-1188"], "labels": {"team": "pay"},
            "source": {"repository": "git.example/payments", "commit": "9c1e2ab", "range": "4f1c0de..9c1e2ab"},
        },
        "text": {"authors": ["Bo"], "notes": "Pays in two steps.\nNot <b>bold</b>."},
        "evidence": [evidence("unit", tests, "411 passed, 1 failed"), evidence("lint", errored, "errored: the file ends in the middle of a tag")],
        "life": [
            {"stage": "dev", "live": true, "verified": true, "soaked": "1h 2m", "promotions": []},
            {"stage": "production", "live": false, "verified": false, "soaked": "0s", "promotions": [],
             "barred_by": "payments/payment-service/production/6"},
        ],
    }))
}

/// Evidence with these facts, named in the verdict of `tests`.
pub fn evidence(facts: &Value) -> EvidenceView {
    read(json!({
        "id": digest("unit"), "name": "scan", "kind": facts["kind"], "outcome": null, "says": "what was found", "stage": "production",
        "found": {"kind": "facts", "facts": facts}, "format": "sarif", "artifacts": [digest("1.3.0")], "raw": digest("raw"),
        "warnings": ["one rule has no level"], "by": "ci", "at": "2026-11-21T08:01:00Z",
    }))
}

pub fn findings() -> Value {
    let finding = |identity: &str, severity: &str, rule: &str| {
        json!({
            "identity": identity, "tool": "grype", "rule": rule, "level": "error", "severity": severity, "message": "Reads <b>bold past the end",
        })
    };
    let mut in_package = finding("0123456789abcdef", "critical", "CVE-2026-1234");
    in_package["score"] = json!(9.8);
    in_package["package"] = json!({"name": "libpng", "version": "1.2", "fixed_in": "1.3"});
    let mut in_file = finding("fedcba9876543210", "medium", "S105");
    in_file["file"] = json!("src/pay.py");
    in_file["line"] = json!(12);
    json!({
        "kind": "findings", "tools": ["grype"], "runs": 1, "errors": 2, "warnings": 0, "notes": 0, "none": 0, "suppressed": 1,
        "critical": 1, "high": 0, "medium": 1, "low": 0, "info": 0, "findings": [in_package, in_file],
    })
}

pub fn waiver() -> WaiverView {
    let waiver = json!({
        "finding": "fedcba9876543210", "place": "src/pay.py:12", "severity": "medium", "pipeline": "payment-service", "stage": "production",
        "by": "cy", "at": "2026-11-20T08:00:00Z", "until": "2026-11-30T08:00:00Z",
    });
    read(
        json!({"id": digest("waiver"), "project": "payments", "waiver": waiver, "reason": "A <b>bold test key."}),
    )
}

/// Facts of several kinds, each with what its page says in this order.
pub fn facts() -> Vec<(Value, Vec<&'static str>)> {
    let file = |path: &str, hit: &str, missed: &str| json!({"path": path, "hit": hit, "missed": missed});
    let component =
        |name: &str, licences: Value| json!({"name": name, "version": "1.0", "licences": licences});
    let change = |action: &str| json!({"address": format!("db.{action}"), "of": "db", "action": action, "because": ["engine"]});
    let signed = |by: &str| json!({"is": "verified", "signer": by});
    vec![
        (
            findings(),
            vec![
                "CVSS 9.8",
                "libpng 1.2",
                "src/pay.py:12",
                "waived in production until 30 Nov 2026 08:00 (in 8 days) by cy : A <b>bold test key.",
            ],
        ),
        (
            json!({
                "kind": "tests", "suites": ["unit"], "total": 3, "passed": 2, "failed": 1, "errored": 0, "skipped": 0, "flaky": 1,
                "flaky_cases": ["pay::often"], "duration_secs": 1.0, "failed_cases": [{"name": "pay::twice", "message": "paid twice"}],
                "slow_cases": [{"name": "pay::bank", "secs": 12.5}], "skipped_cases": ["pay::never"],
            }),
            vec![
                "pay::twice",
                "paid twice",
                "pay::bank",
                "12.50 s",
                "pay::often",
                "pay::never",
            ],
        ),
        (
            json!({
                "kind": "coverage", "files": 2, "lines_total": 10, "lines_hit": 6,
                "by_file": [file("src/good.rs", "1-5", ""), file("src/bad.rs", "1", "2-4,9")],
            }),
            vec![
                "60.0%",
                "src/bad.rs 20.0% 1 of 5 2-4, 9",
                "src/good.rs 100.0% 5 of 5",
            ],
        ),
        (
            json!({
                "kind": "sbom", "spec": "CycloneDX 1.6", "tools": [], "total": 2, "without_version": 0, "without_licence": 1, "without_purl": 2,
                "relations": true, "components": [component("free", json!(["MIT"])), component("unknown", json!([]))],
            }),
            vec!["unknown 1.0 △ none", "free 1.0 MIT"],
        ),
        (
            json!({
                "kind": "plan", "tool": "terraform 1.11.4", "create": 1, "update": 0, "delete": 1, "replace": 0, "unchanged": 0, "drifted": 0,
                "changes": [change("create"), change("delete")],
            }),
            vec!["db.delete", "db.create"],
        ),
        (
            json!({"kind": "attestation", "statements": [{
                "predicate_type": "https://slsa.dev/provenance/v1", "subjects": [digest("1.3.0")], "signature": signed("release key"),
                "provenance": {"builder": "the builder", "build_type": "make"},
            }]}),
            vec!["release key", "the builder", "signer ✓ release key"],
        ),
        (
            json!({"kind": "vex", "statements": [{"vulnerability": ["CVE-2026-1"], "status": "not_affected"}]}),
            vec!["not affected CVE-2026-1 the whole release no reason given"],
        ),
        (
            json!({"kind": "patch", "added": 4, "removed": 1, "files": [{"path": "src/pay.rs", "added": "3-6"}]}),
            vec!["src/pay.rs 4 3-6"],
        ),
        (
            json!({"kind": "custom", "of": "chaos", "value": {"recovered": true}}),
            vec!["chaos", "\"recovered\": true"],
        ),
    ]
}

pub fn stage() -> StageView {
    read(json!({
        "of": here(),
        "spec": {
            "name": "production", "after": ["dev"], "production": true,
            "target": {"command": {"apply": ["/bin/true"]}}, "target_name": "production",
            "gates": [{"name": "soak", "kind": "soak", "params": {"in": "dev", "at_least": "1h"}, "because": "Leaks show within the hour."}],
            "approval": [{"when": "change.breaking", "layers": [{"from": "tech-lead", "sla": "2h"}]}, {"automatic": true}],
            "rollout": {"canary": {
                "steps": ["5%", {"weight": "100%", "pause": "10m"}], "pause": "15m",
                "judge": {"errors": {"at_most": "1%"}, "latency": {"quantile": "95%", "at_most": "300ms"}},
            }},
        },
        "live": {
            "release": digest("1.2.0"), "version": "1.2.0", "promotion": "payments/payment-service/production/5",
            "since": "2026-11-15T08:10:00Z", "health": "healthy", "health_since": "2026-11-15T08:10:05Z",
        },
        "before": "1.1.0", "proposed": [], "lanes": {"production": "payments/payment-service/production/7"},
        "barred": [{"release": digest("1.2.1"), "version": "1.2.1", "by": "payments/payment-service/production/6"}],
        "freezes": [{"name": "year-end", "from": "2026-11-20T00:00:00Z", "until": "2026-12-01T00:00:00Z"}],
        "promotions": [],
    }))
}

fn assessment() -> Value {
    json!({
        "level": "high", "by": "table", "impact": 80, "uncertainty": 60, "score": 48,
        "why": "48 of 100: impact 80 x uncertainty 60",
        "factors": [
            {"factor": "kind", "of": "impact", "value": "data_migration", "points": 30, "at_most": 30, "why": "data_migration"},
            {"factor": "coverage_drop", "of": "uncertainty", "points": 20, "at_most": 20, "why": "not known: nobody reported coverage"},
            {"factor": "size", "of": "uncertainty", "value": "12 lines", "points": 0, "at_most": 20, "why": "12 lines"}
        ]
    })
}

/// The summary of the promotion that is held.
pub(super) fn asked_summary() -> Summary {
    let view = json!({
        "promotion": "payments/payment-service/production/7", "version": "1.3.0", "kind": "forward",
        "question": digest("question"), "code": "7f3a 90c2",
        "brings": {
            "kind": "data migration", "live": "1.2.0", "live_since": "2026-11-20T08:00:00Z", "differs": "2 releases later, other bytes of service",
            "tickets": ["PAY-7"], "text": {"authors": ["Ana <ana@example>"], "notes": "Retry <refunds>"}
        },
        "risk": assessment(),
        "gates": [
            {"gate": "findings", "stands": "overridden", "says": "1 finding of CVE-2026-1"},
            {"gate": "tests", "stands": "satisfied", "says": "31 of 31 passed"}
        ],
        "ahead": {"rollout": "canary 5% for 15m, 100%", "rollback": "traffic returns to 1.2.0 by itself", "forecast": "at least 15m"},
        "asked": [{"now": true, "complete": false, "says": "0 of 1 from tech-lead"}],
        "answer_by": "2026-11-21T10:21:00Z", "expires_at": "2026-12-05T08:00:00Z",
        "told": [{"when": "now", "who": "tech-lead"}],
        "recommended": {"act": "look", "because": "findings (overridden); the risk is high; not known: coverage_drop"}
    });
    read(view)
}

fn decision() -> Value {
    let gate = |name: &str, verdict: &str, code: &str, says: &str| {
        json!({
            "gate": name, "kind": name, "because": format!("Because of {name}."), "verdict": verdict, "code": code, "says": says,
            "since": "2026-11-21T08:21:00Z",
        })
    };
    let mut soak = gate("soak", "waiting", "soak.running", "20m of 1h healthy in dev");
    soak["overridden"] =
        json!({"gate": "soak", "by": "cy", "at": "2026-11-21T08:20:00Z", "until": "2026-11-21T12:00:00Z"});
    let mut tests = gate("tests", "satisfied", "tests.passed", "411 passed, 0 failed");
    tests["numbers"] = json!([{"name": "passed", "value": 411.0, "limit": ">= 10"}]);
    tests["evidence"] = json!([digest("unit")]);
    let mut approval = gate("approval", "waiting", "approval.asked", "0 of 1 from tech-lead");
    approval["until"] = json!("2026-11-21T10:21:00Z");
    approval["changed_by"] = json!(["tech-lead"]);
    approval["next"] = json!("approve with `gateline approve payments/payment-service/production/7`");
    json!({
        "release": digest("1.3.0"), "version": "1.3.0", "stage": here(), "pipeline": digest("pipeline"),
        "admission": "hold", "headline": "held: 1 of 3 gates not satisfied: approval", "verdicts": [tests, soak, approval],
        "risk": "high", "assessment": assessment(), "question": digest("question"), "at": "2026-11-21T08:21:00Z", "until": "2026-11-21T10:21:00Z",
    })
}

pub fn promotion(state: PromotionState) -> PromotionView {
    let event = |number: u64, event: Value| {
        json!({
            "number": number, "stream": "promotion/payments/payment-service/production/7", "version": number, "actor": "gateline",
            "at": "2026-11-21T08:20:00Z", "event": event, "private": {"reason": "<b>bold"},
        })
    };
    let mut view = json!({
        "id": "payments/payment-service/production/7", "release": digest("1.3.0"), "version": "1.3.0",
        "stage": here(), "kind": "forward", "automatic": true, "pipeline": digest("pipeline"),
        "requested_at": "2026-11-21T08:20:00Z", "requested_by": "gateline", "state": state, "says": "held: 1 of 3 gates not satisfied: approval",
        "decision": decision(), "decision_log": 48_211, "approvals": [], "checks": [],
        "overrides": [{"gate": "soak", "by": "cy", "at": "2026-11-21T08:20:00Z", "until": "2026-11-21T12:00:00Z", "reason": "Customers <b>bold wait."}],
        "served": {"requests": 0, "bad_requests": 0}, "log_index": 48_211,
        "events": [
            event(48_210, json!({"type": "promotion_requested", "release": digest("1.3.0"), "kind": "forward", "pipeline": digest("pipeline"), "automatic": true})),
            event(48_211, json!({"type": "decision_recorded", "decision": decision()})),
        ],
    });
    if state != PromotionState::Held {
        let step = |index: u32, action: Value, state: &str, since: Value| json!({"index": index, "action": action, "state": state, "since": since});
        view["rollout"] = json!({
            "steps": [
                step(0, json!({"do": "start"}), "done", json!("2026-11-21T09:33:00Z")),
                step(1, json!({"do": "expose", "weight": "5%"}), "done", json!("2026-11-21T09:34:00Z")),
                step(2, json!({"do": "expose", "weight": "100%"}), "next", Value::Null),
            ],
            "weight": "5%", "live_version": "1.2.0", "requests": 1_200, "errors": 12, "go_on_at": "2026-11-21T09:49:00Z",
            "ruling": {"says": "wait", "headline": "1200 of 5000 requests seen", "at": "2026-11-21T09:48:00Z", "requests": 1200, "errors": 12,
                       "errors_percent": 1.0, "latency_ms": 250.0, "stable_errors_percent": 1.0},
        });
        view["admitted_at"] = json!("2026-11-21T09:33:00Z");
    }
    if [PromotionState::RollingOut, PromotionState::Paused].contains(&state) {
        view["says"] = view["rollout"]["ruling"]["headline"].clone();
    }
    if state == PromotionState::Paused {
        view["rollout"]["paused"] = json!({
            "why": "inconclusive", "since": "2026-11-21T09:40:00Z", "says": "the judge could not tell in time; a person resumes or aborts it",
        });
    }
    if state == PromotionState::Verified {
        view["ended_at"] = json!("2026-11-21T09:41:00Z");
        view["outcome"] = json!("verified");
    }
    read(view)
}

pub fn ticks() -> Vec<Tick> {
    let tick = |minute: u64, arm: &str, errors: u64| {
        json!({
            "at": format!("2026-11-21T09:{}:00Z", 34 + minute), "arm": arm, "weight": 5, "requests": minute * 100, "errors": errors,
            "buckets": [[0.1, minute * 90], [0.25, minute * 100]],
        })
    };
    let both = |minute: u64| [tick(minute, "canary", minute * 2), tick(minute, "stable", minute)];
    (0..6).flat_map(both).map(read).collect()
}

/// A rollout that is compared with the stable release, with its gauges.
pub fn judged() -> PromotionView {
    let mut view = promotion(PromotionState::RollingOut);
    let rollout = view.rollout.as_mut().unwrap();
    let full: gateline_model::FullRuling = serde_json::from_str(include_str!("ruling.json")).unwrap();
    let ruling = rollout.ruling.as_mut().unwrap();
    ruling.headline.clone_from(&full.headline);
    view.says.clone_from(&full.headline);
    ruling.full = Some(Box::new(full));
    rollout.saturation = read(json!([
        {"gauge": "cpu", "steps": [{"weight": 5, "canary": 0.13, "stable": 0.6, "ticks": 8}, {"weight": 25, "canary": 0.21, "stable": 0.5, "ticks": 8}],
         "forecast": 0.51, "from": "line", "limit": 0.4, "passes_at": 72.6},
        {"gauge": "memory <b>bold", "steps": [{"weight": 5, "canary": 210.0, "ticks": 8}], "from": "one_weight"},
    ]));
    view
}
