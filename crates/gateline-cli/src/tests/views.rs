//! Views as a server would give them.

use gateline_api::{
    Board, BoardPipeline, BoardStage, EvidenceView, FreezeView, LifeStage, LiveView, OverrideView, PauseView,
    PromotionState, PromotionSummary, PromotionView, Proposed, ReleaseView, RolloutBrief, RolloutView,
    StageView, StepView, StepWord,
};
use gateline_model::{
    Admission, Artifact, Assessment, Change, ChangeKind, ChangeText, Decision, Digest, Found, Freeze,
    GateVerdict, Health, Outcome, Override, PauseReason, PromotionId, PromotionKind, PromotionOutcome, Risk,
    Ruling, RulingKind, Served, Span, StepAction, Verdict, Weight,
};
use jiff::Timestamp;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("the test writes a legal time")
}

pub(super) fn id(stage: &str) -> PromotionId {
    format!("payments/payment-service/{stage}/7")
        .parse()
        .expect("the test writes a legal id")
}

fn gate(name: &str, verdict: Verdict, says: &str) -> GateVerdict {
    GateVerdict {
        gate: name.parse().expect("the test writes a legal name"),
        kind: name.to_owned(),
        because: format!("The reason for {name}."),
        verdict,
        code: format!("{name}.code"),
        says: says.to_owned(),
        numbers: Vec::new(),
        evidence: Vec::new(),
        since: at("2026-11-21T10:41:07Z"),
        until: None,
        check_due: None,
        changed_by: Vec::new(),
        next: String::new(),
        details: Vec::new(),
        waivers: Vec::new(),
        mode: Default::default(),
        owner: None,
        runbook: None,
        overridden: None,
    }
}

pub(super) fn decision(admission: Admission, verdicts: Vec<GateVerdict>) -> Decision {
    Decision {
        release: Digest::of(b"1.3.0"),
        version: "1.3.0".parse().expect("a version"),
        stage: id("production").stage,
        pipeline: Digest::of(b"pipeline"),
        headline: format!("{}: as told", admission.state()),
        admission,
        verdicts,
        risk: Risk::High,
        assessment: Assessment {
            level: Risk::High,
            why: "by the rule `change.breaking`".to_owned(),
            ..Assessment::default()
        },
        question: Digest::of(b"question"),
        at: at("2026-11-21T10:41:07Z"),
        until: None,
        opening: None,
    }
}

/// A breaking change before production: two gates wait, one is overridden, one refuses nothing.
pub(super) fn held() -> PromotionView {
    let mut soak = gate("soak", Verdict::Waiting, "11m of 15m healthy in staging");
    soak.until = Some(at("2026-11-21T10:45:30Z"));
    soak.changed_by = vec!["time, by itself".to_owned()];
    let mut approval = gate(
        "approval",
        Verdict::Waiting,
        "0 of 1 from tech-lead; asked after soak",
    );
    approval.changed_by = vec!["tech-lead".to_owned()];
    approval.next = "approve with `gateline approve payments/payment-service/production/7`".to_owned();
    let mut coverage = gate("coverage", Verdict::Refused, "71% of lines, limit >= 80%");
    let permission = Override {
        gate: coverage.gate.clone(),
        by: "ana".parse().expect("an actor"),
        at: at("2026-11-21T10:41:00Z"),
        until: at("2026-11-21T12:00:00Z"),
        confirmed_by: None,
    };
    coverage.overridden = Some(permission.clone());
    let verdicts = vec![
        gate("tests", Verdict::Satisfied, "412 passed, 0 failed, 3 skipped"),
        coverage,
        soak,
        approval,
        gate("freeze", Verdict::Satisfied, "none"),
    ];
    let Override {
        gate,
        by,
        at: granted,
        until,
        confirmed_by,
    } = permission;
    let decision = decision(Admission::Hold, verdicts);
    PromotionView {
        overrides: vec![OverrideView {
            gate,
            by,
            at: granted,
            until,
            confirmed_by,
            waits: false,
            reason: Some("the report is of the wrong directory".to_owned()),
            erased: None,
        }],
        says: decision.headline.clone(),
        decision: Some(decision),
        decision_log: Some(48_211),
        ..bare(PromotionState::Held)
    }
}

pub(super) fn bare(state: PromotionState) -> PromotionView {
    PromotionView {
        id: id("production"),
        release: Digest::of(b"1.3.0"),
        version: "1.3.0".parse().expect("a version"),
        stage: id("production").stage,
        kind: PromotionKind::Forward,
        automatic: true,
        pipeline: Digest::of(b"pipeline"),
        requested_at: at("2026-11-21T10:30:00Z"),
        requested_by: "pipeline".parse().expect("an actor"),
        reason: None,
        state,
        says: "requested".to_owned(),
        decision: None,
        decision_log: None,
        approvals: Vec::new(),
        overrides: Vec::new(),
        checks: Vec::new(),
        rollout: None,
        admitted_at: None,
        ended_at: None,
        outcome: None,
        ended_because: None,
        since_then: None,
        superseded_by: None,
        watch: None,
        suspected: Vec::new(),
        served: Served::default(),
        log_index: 48_211,
        events: Vec::new(),
    }
}

/// A canary at 25 %.
pub(super) fn rolling_out() -> PromotionView {
    let weights = [5, 25, 50, 100].map(|weight| StepAction::expose(Weight::percent(weight)));
    let actions = [&[StepAction::Start], &weights[..], &[StepAction::Finish]].concat();
    let step = |(index, action): (usize, &StepAction)| StepView {
        index: u32::try_from(index).expect("few steps"),
        action: *action,
        state: if index <= 2 {
            StepWord::Done
        } else {
            StepWord::Next
        },
        since: (index <= 2).then(|| at("2026-11-21T10:40:50Z")),
        leased_until: None,
    };
    let rollout = RolloutView {
        steps: actions.iter().enumerate().map(step).collect(),
        weight: Weight::percent(25),
        live_version: Some("1.2.0".parse().expect("a version")),
        requests: 18_240,
        errors: 61,
        ruling: Some(Ruling {
            says: RulingKind::Wait,
            headline: "0.33% of 18240 requests failed, limit 1%".to_owned(),
            at: at("2026-11-21T10:41:00Z"),
            requests: 18_240,
            errors: 61,
            errors_percent: Some(0.33),
            latency_ms: None,
            stable_errors_percent: None,
            weight: None,
            unmeasured: None,
            full: None,
        }),
        saturation: Vec::new(),
        paused: None,
        rollback: None,
        go_on_at: Some(at("2026-11-21T10:41:50Z")),
        waits_for: Vec::new(),
        verify_until: None,
    };
    PromotionView {
        decision: Some(decision(
            Admission::Admit,
            vec![gate(
                "tests",
                Verdict::Satisfied,
                "412 passed, 0 failed, 3 skipped",
            )],
        )),
        decision_log: Some(48_230),
        says: "25% of traffic".to_owned(),
        admitted_at: Some(at("2026-11-21T10:40:00Z")),
        rollout: Some(rollout),
        ..bare(PromotionState::RollingOut)
    }
}

/// The same, standing still.
pub(super) fn paused() -> PromotionView {
    let mut view = rolling_out();
    view.state = PromotionState::Paused;
    if let Some(rollout) = &mut view.rollout {
        rollout.paused = Some(PauseView {
            why: PauseReason::Inconclusive,
            since: at("2026-11-21T10:41:20Z"),
            says: "the judge could not tell in time; a person resumes or aborts it".to_owned(),
            reason: None,
        });
    }
    view
}

/// The same, over.
pub(super) fn ended(outcome: PromotionOutcome, says: &str) -> PromotionView {
    PromotionView {
        state: outcome.into(),
        says: says.to_owned(),
        ended_at: Some(at("2026-11-21T10:41:25Z")),
        outcome: Some(outcome),
        ..rolling_out()
    }
}

pub(super) fn summary(stage: &str, ended_at: Option<&str>) -> PromotionSummary {
    let state = if ended_at.is_some() {
        PromotionState::Verified
    } else {
        PromotionState::Held
    };
    PromotionSummary {
        id: id(stage),
        release: Digest::of(b"1.3.0"),
        version: "1.3.0".parse().expect("a version"),
        kind: PromotionKind::Forward,
        state,
        says: "as told".to_owned(),
        ended_because: None,
        requested_at: at("2026-11-21T10:30:00Z"),
        admitted_at: None,
        ended_at: ended_at.map(at),
        outcome: ended_at.map(|_| PromotionOutcome::Verified),
        steps: Vec::new(),
        served: Served::default(),
    }
}

/// A stage in which nothing was changed since this promotion could not be taken back.
pub(super) fn stage(stuck: Option<PromotionId>) -> StageView {
    StageView {
        of: id("production").stage,
        spec: serde_json::from_value(serde_json::json!({
            "name": "production", "target": {"command": {"apply": ["/bin/true"]}}, "target_name": "production",
        }))
        .expect("a stage"),
        live: None,
        before: None,
        stuck,
        proposed: Vec::new(),
        lanes: Default::default(),
        barred: Vec::new(),
        freezes: Vec::new(),
        frozen_by: Vec::new(),
        opening: None,
        reviews: Vec::new(),
        watch: None,
        incidents: Vec::new(),
        promotions: Vec::new(),
    }
}

pub(super) fn board() -> Board {
    let live = |version: &str, health| LiveView {
        release: Digest::of(version.as_bytes()),
        version: version.parse().expect("a version"),
        promotion: id("dev"),
        since: at("2026-11-21T08:00:00Z"),
        health,
        health_why: (health == Health::Unknown).then(|| "the proxy does not answer".to_owned()),
        health_since: None,
    };
    let proposed = |version: &str, state, rollout| Proposed {
        promotion: id("production"),
        release: Digest::of(version.as_bytes()),
        version: version.parse().expect("a version"),
        kind: PromotionKind::Forward,
        state,
        satisfied: 3,
        gates: 5,
        headline: "held: 2 of 5 gates not satisfied: soak, approval".to_owned(),
        opening: None,
        since: at("2026-11-21T10:41:07Z"),
        waiting_on: vec!["tech-lead".to_owned()],
        until: Some(at("2026-11-21T10:45:30Z")),
        rollout,
    };
    let brief = RolloutBrief {
        step: 3,
        steps: 6,
        weight: Weight::percent(25),
        requests: 1_240,
        errors: 3,
    };
    let stage = |name: &str, live, proposed| BoardStage {
        stage: name.parse().expect("a stage"),
        production: name == "production",
        live,
        proposed,
    };
    Board {
        pipelines: vec![BoardPipeline {
            of: id("dev").stage.pipeline_ref(),
            stages: vec![
                stage("dev", Some(live("1.4.0", Health::Healthy)), vec![]),
                stage("staging", None, vec![]),
                stage(
                    "production",
                    Some(live("1.2.0", Health::Unhealthy)),
                    vec![
                        proposed("1.3.0", PromotionState::Held, None),
                        proposed("1.3.1", PromotionState::RollingOut, Some(brief)),
                    ],
                ),
            ],
        }],
        total: 3,
        all: 40,
        needing: 1,
        rolling: 1,
        next: Some("x".to_owned()),
        log: 48_212,
    }
}

/// A release that is on its way.
pub(super) fn release(life: &[(&str, &[PromotionSummary])]) -> ReleaseView {
    let digest = Digest::of(b"the program");
    let stage = |(stage, promotions): &(&str, &[PromotionSummary])| LifeStage {
        stage: stage.parse().expect("a stage"),
        live: *stage == "dev",
        verified: *stage == "dev",
        soaked: Span::from_secs(660),
        barred_by: (*stage == "staging").then(|| id("staging")),
        promotions: promotions.to_vec(),
    };
    ReleaseView {
        id: Digest::of(b"1.3.0"),
        of: id("dev").stage.pipeline_ref(),
        version: "1.3.0".parse().expect("a version"),
        number: 4,
        registered_at: at("2026-11-21T10:20:00Z"),
        artifacts: vec![Artifact {
            name: "service".parse().expect("a name"),
            at: format!("file:target/service@{digest}")
                .parse()
                .expect("an address"),
        }],
        change: Change {
            kind: ChangeKind::Feature,
            breaking: true,
            labels: [("team".to_owned(), "payments".to_owned())].into(),
            tickets: vec!["PAY-130".to_owned()],
            ..Change::default()
        },
        text: Some(ChangeText {
            authors: vec!["Mei Tanaka".to_owned()],
            notes: "Amounts are written\nwith the currency first.".to_owned(),
        }),
        evidence: vec![evidence()],
        life: life.iter().map(stage).collect(),
    }
}

pub(super) fn evidence() -> EvidenceView {
    EvidenceView {
        id: Digest::of(b"evidence"),
        name: Some("unit".to_owned()),
        stage: None,
        kind: None,
        outcome: Some(Outcome::Errored),
        says: "the report names no tests".to_owned(),
        found: Found::Errored {
            reason: "the report names no tests".to_owned(),
            of: Some("tests".to_owned()),
            from: Vec::new(),
        },
        format: "junit".to_owned(),
        artifacts: vec![Digest::of(b"the program")],
        raw: None,
        warnings: vec!["suite `a` has no time".to_owned()],
        by: "ci@payments".parse().expect("an actor"),
        at: at("2026-11-21T10:21:00Z"),
    }
}

pub(super) fn freeze() -> FreezeView {
    FreezeView {
        erased: None,
        project: "payments".parse().expect("a project"),
        freeze: Freeze {
            name: "year-end".parse().expect("a name"),
            pipeline: None,
            stages: Vec::new(),
            from: at("2026-11-21T00:00:00Z"),
            until: at("2027-01-04T08:00:00Z"),
            recurs: None,
            exempt: Vec::new(),
            applies_to_rollback: false,
        },
        in_force: true,
        next: None,
        by: Some("ana".parse().expect("an actor")),
        reason: Some("nobody is here to look".to_owned()),
    }
}

/// A rollout that is compared with the stable release, with its gauges.
pub(super) fn judged() -> PromotionView {
    let mut view = rolling_out();
    if let Some(rollout) = &mut view.rollout {
        let read = |text| serde_json::from_str(text).expect("a ruling in full");
        let full: gateline_model::FullRuling =
            read(include_str!("../../../gateline-server/src/ui/tests/ruling.json"));
        if let Some(ruling) = &mut rollout.ruling {
            ruling.headline.clone_from(&full.headline);
            ruling.full = Some(Box::new(full));
        }
        rollout.saturation = vec![gateline_model::Saturation {
            gauge: "cpu".to_owned(),
            steps: [(5, 0.13), (25, 0.21)]
                .map(|(weight, canary)| gateline_model::SaturationStep {
                    weight,
                    canary,
                    stable: Some(0.6),
                    ticks: 8,
                })
                .to_vec(),
            forecast: Some(0.51),
            from: gateline_model::ForecastFrom::Line,
            limit: Some(0.4),
            passes_at: Some(72.6),
        }];
    }
    view
}
