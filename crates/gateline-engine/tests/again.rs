//! What concerns many promotions at once is judged again so many at a time: others get in between, and none is forgotten.
#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what helps it")]

use std::collections::VecDeque;
use std::sync::Arc;

use gateline_core::{Actor, Command, Promotion};
use gateline_engine::{ADMITS_WITHIN, Engine, Input, Output, Request, Ticket};
use gateline_model::{
    Artifact, ArtifactAt, Change, ChangeText, Digest, Event, Freeze, Pipeline, PipelineRef, Private, Release,
    Span, TargetTemplate,
};
use gateline_store::{MemStore, READ_EVENTS_MAX, Read as _, Store as _};
use jiff::Timestamp;
use serde_json::json;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
/// Most promotions that are judged again at a time, as it is promised.
const AT_A_TIME: usize = 128;
/// Held promotions: more than are judged at a time, and no multiple of it.
const HELD: usize = 300;

/// An engine, its store, and what is on its way to it.
struct Rim {
    engine: Engine,
    store: MemStore,
    inputs: VecDeque<Input>,
    told: Vec<Ticket>,
    /// How many appends each batch had.
    batches: Vec<usize>,
    /// The moment.
    now: Timestamp,
    /// How long the store takes for the next admission.
    stalls: Span,
}

impl Rim {
    fn new(engine: Engine, store: MemStore) -> Self {
        let (inputs, told, batches) = (VecDeque::new(), Vec::new(), Vec::new());
        Self {
            engine,
            store,
            inputs,
            told,
            batches,
            now: NOW,
            stalls: Span::ZERO,
        }
    }

    fn ask(&mut self, ticket: Ticket, command: Command) {
        self.inputs.push_back(Input::Request(Box::new(Request {
            ticket,
            actor: Actor::gateline(),
            command,
            key: None,
            salt: [0; 16],
            blobs: Vec::new(),
            passwords: Vec::new(),
        })));
    }

    /// Takes the next input; `false` where there is none.
    fn step(&mut self) -> bool {
        let Some(input) = self.inputs.pop_front() else {
            return false;
        };
        let outputs = self.engine.step(self.now, input).unwrap();
        self.carry(outputs);
        true
    }

    fn carry(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Append(batch, appends) => {
                    self.batches.push(appends.len());
                    if appends.iter().any(|append| append.by.is_some()) {
                        self.now = std::mem::take(&mut self.stalls).after(self.now);
                    }
                    let answers = self.store.append(self.now, &appends);
                    self.inputs.push_back(Input::Committed(batch, answers));
                }
                Output::GoOn => self.inputs.push_back(Input::GoOn),
                Output::Claim(_) => self.inputs.push_back(Input::Leased(Vec::new())),
                Output::Tell(ticket, answer) => {
                    answer.unwrap();
                    self.told.push(ticket);
                }
                Output::Folded(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn until_told(&mut self, ticket: Ticket) {
        while !self.told.contains(&ticket) {
            assert!(self.step(), "request {ticket} was forgotten");
        }
    }

    /// How many promotions are held by a freeze.
    fn frozen(&self) -> usize {
        let is_frozen = |promotion: &Promotion| {
            let verdicts = promotion.decision.iter().flat_map(|decision| &decision.verdicts);
            verdicts
                .filter(|gate| gate.gate.as_str() == "freeze")
                .any(|gate| gate.keeps_out())
        };
        let promotions = self.engine.world().promotions();
        promotions.filter(|promotion| is_frozen(promotion)).count()
    }
}

fn pipeline(number: usize) -> Command {
    gated(
        number,
        &json!([{"name": "tests", "kind": "tests", "params": {"suite": "unit"}, "because": "Why."}]),
    )
}

fn gated(number: usize, gates: &serde_json::Value) -> Command {
    let target_name = TargetTemplate(format!("app-{number}"));
    let pipeline: Pipeline = serde_json::from_value(json!({
        "project": "shop",
        "name": format!("app-{number}"),
        "artifacts": [{"name": "app", "kind": "file"}],
        "windows": {},
        "stages": [{
            "name": "production",
            "production": true,
            "target": {"command": {"apply": ["/bin/true"]}},
            "target_name": target_name,
            "gates": gates,
        }],
    }))
    .unwrap();
    Command::ApplyPipeline {
        pipeline: Arc::new(pipeline),
        source: Digest::of(b"source"),
        written: None,
    }
}

fn release(number: usize) -> Command {
    let release = Release {
        of: PipelineRef {
            project: "shop".parse().unwrap(),
            pipeline: format!("app-{number}").parse().unwrap(),
        },
        version: "1.0.0".parse().unwrap(),
        artifacts: vec![Artifact {
            name: "app".parse().unwrap(),
            at: ArtifactAt::File {
                path: "app".into(),
                digest: Digest::of(b"app"),
            },
        }],
        change: Change::default(),
        text: Digest::of_json(&ChangeText::default()),
    };
    Command::RegisterRelease {
        release: Arc::new(release),
        text: Private::default(),
    }
}

fn freeze() -> Command {
    Command::DeclareFreeze {
        project: "shop".parse().unwrap(),
        freeze: Freeze {
            name: "holidays".parse().unwrap(),
            pipeline: None,
            stages: Vec::new(),
            from: NOW,
            until: Span::from_secs(86_400).after(NOW),
            recurs: None,
            exempt: Vec::new(),
            applies_to_rollback: false,
        },
        reason: "nobody is there".to_owned(),
    }
}

/// As many promotions as said above, each of a pipeline of its own, and nothing under way.
fn held() -> Rim {
    let mut rim = Rim::new(Engine::default(), MemStore::default());
    for number in 0..HELD {
        for command in [pipeline(number), release(number)] {
            rim.ask(0, command);
            while rim.step() {}
        }
    }
    assert_eq!(
        (rim.engine.world().promotions().count(), rim.engine.load()),
        (HELD, (0, 0))
    );
    rim
}

#[test]
fn a_request_gets_in_between_while_a_freeze_is_held_against_everything() {
    let mut rim = held();
    rim.ask(1, freeze());
    rim.until_told(1);
    rim.batches.clear();
    rim.ask(2, pipeline(HELD));
    rim.until_told(2);
    assert!(
        rim.frozen() < HELD,
        "somebody else had a turn before all were judged"
    );
    assert!(
        rim.batches.iter().all(|appends| *appends <= AT_A_TIME + 1),
        "{:?}",
        rim.batches
    );
    while rim.step() {}
    assert_eq!(rim.frozen(), HELD, "none is forgotten");
    assert_eq!(rim.engine.load(), (0, 0));
}

#[test]
fn judging_goes_on_although_nothing_changes_and_nothing_is_committed() {
    let rim = held();
    let mut engine = Engine::default();
    engine
        .restore(&rim.store.read(0, READ_EVENTS_MAX).unwrap())
        .unwrap();
    let mut rim = Rim::new(engine, rim.store);
    let started = rim.engine.start(NOW);
    rim.carry(started);
    let mut left = vec![rim.engine.load().0];
    while rim.step() {
        left.push(rim.engine.load().0);
    }
    left.dedup();
    assert_eq!(left, [HELD - AT_A_TIME, HELD - 2 * AT_A_TIME, 0]);
    assert_eq!(rim.batches, [] as [usize; 0]);
}

#[test]
fn an_admission_that_the_store_commits_late_is_decided_again() {
    for (stalls, again) in [
        (ADMITS_WITHIN, false),
        (ADMITS_WITHIN.plus(Span::from_millis(1)), true),
    ] {
        let mut rim = Rim::new(Engine::default(), MemStore::default());
        rim.ask(0, gated(0, &json!([])));
        while rim.step() {}
        rim.stalls = stalls;
        rim.ask(1, release(0));
        while rim.step() {}
        let log = rim.store.read(0, READ_EVENTS_MAX).unwrap();
        let admitted = log
            .iter()
            .filter(|recorded| matches!(recorded.event, Event::PromotionAdmitted { .. }));
        assert_eq!(admitted.count(), 1);
        let promotion = rim.engine.world().promotions().next().unwrap();
        let decided = promotion.decision.as_ref().unwrap().at;
        assert_eq!(decided, if again { stalls.after(NOW) } else { NOW });
        assert_eq!(rim.told, [0, 1]);
    }
}
