//! What random people, reporters and the outside do.

use std::sync::Arc;

use gateline_core::{Actor, Command, Credential, Signed};
use gateline_model::{
    ActorId, Artifact, ArtifactAt, Change, ChangeKind, CoverageFacts, Digest, Evidence, Facts, Found, Health,
    Key, No, OnCall, OnCallSource, Pipeline, PipelineRef, Private, PromotionId, ProposalId, Protection,
    Release, ReleaseId, Roles, Scope, Span, StageRef, Team, TestFacts, Tier,
};

use super::Run;
use crate::outside::{Answer, Trick};
use crate::traffic::Load;

/// So few that requests meet each other.
const VERSIONS: u64 = 8;
/// Keys of everybody together.
const KEYS: u64 = 12;
/// Everybody.
const PEOPLE: [&str; 4] = ["ana", "bo", "cy", "dee"];

/// Everybody in turn.
pub(super) fn anybody(turn: u64) -> ActorId {
    let name = PEOPLE[(turn % PEOPLE.len() as u64) as usize];
    name.parse().expect("it is a legal id")
}

impl Run {
    pub(super) fn one(&mut self) {
        match self.sim.rng.below(100) {
            0..20 => self.register(),
            20..48 => self.report(),
            48..56 => self.promote(),
            56..70 => self.approve(),
            70..72 => self.answer(),
            72..73 => self.change_teams(),
            73..75 => self.override_gate(),
            75..77 => self.freeze(),
            77..80 => self.roll_back(),
            80..84 => self.steer(),
            84..86 => self.lift_bar(),
            86..90 => self.change_rules(),
            90..93 => self.incident(),
            _ => self.change_outside(),
        }
    }

    pub(super) fn pipeline(&mut self) -> Arc<Pipeline> {
        self.sim.rng.pick(&self.pipelines).clone()
    }

    pub(super) fn stage(&mut self) -> StageRef {
        let pipeline = self.pipeline();
        let stage = self.sim.rng.pick(&pipeline.stages);
        pipeline.stage_ref(&stage.name)
    }

    fn known_release(&mut self, of: &PipelineRef) -> Option<(ReleaseId, String)> {
        let version = format!("{}.0.0", self.sim.rng.below(VERSIONS) + 1);
        let state = self.sim.book.world.labelled(of, &version.parse().ok()?)?;
        Some((state.id, version))
    }

    pub(super) fn open_promotion(&mut self) -> Option<PromotionId> {
        let mut open: Vec<PromotionId> = self
            .sim
            .book
            .world
            .promotions()
            .map(|open| open.id.clone())
            .collect();
        open.sort();
        (!open.is_empty()).then(|| self.sim.rng.pick(&open).clone())
    }

    pub(super) fn person(&mut self) -> Actor {
        let name = *self.sim.rng.pick(&PEOPLE);
        Actor {
            id: name.parse().expect("it is a legal id"),
            name: Some(name.to_owned()),
            shown: Credential::Token(Scope::ALL.to_vec()),
        }
    }

    /// Somebody joins or leaves a team.
    pub(super) fn change_teams(&mut self) {
        let pipeline = self.pipeline();
        let mut team = |name: &str| {
            let mut members: Vec<ActorId> = PEOPLE
                .iter()
                .map(|who| who.parse().expect("it is a legal id"))
                .collect();
            members.retain(|_| self.sim.rng.chance(700));
            members.push("ana".parse().expect("it is a legal id"));
            members.dedup();
            // Of two sources, so that another declaration comes again as well.
            let paged = self.sim.rng.below(4);
            Team {
                name: name.parse().expect("it is a legal name"),
                members,
                claims: Vec::new(),
                on_call: (paged < 2).then(|| OnCall::Source(pager(paged))),
            }
        };
        let roles = Arc::new(Roles {
            project: pipeline.project.clone(),
            teams: vec![team("tech-lead"), team("product")],
            roles: Vec::new(),
            owners: Vec::new(),
            machines: Vec::new(),
            protected: gateline_model::Protected::default(),
        });
        let source = roles.version();
        let actor = self.person();
        let says = format!("applies the roles of {}", pipeline.project);
        self.ask(
            actor,
            Command::ApplyRoles {
                roles,
                source,
                written: None,
            },
            says,
        );
    }

    fn answer(&mut self) {
        let Some(promotion) = self.open_promotion() else {
            return self.report();
        };
        let actor = self.person();
        let reason = "it is so".to_owned();
        let (command, says) = match self.sim.rng.below(6) {
            4 => {
                let fingerprint = self.key();
                let says = format!("revokes key {fingerprint}");
                (Command::RevokeKey { fingerprint, reason }, says)
            }
            5 => {
                let key = Key {
                    fingerprint: self.key(),
                    actor: actor.id.clone(),
                    tier: *self.sim.rng.pick(&[Tier::Passkey, Tier::Ssh]),
                    public: "public".to_owned(),
                    label: String::new(),
                    counter: 0,
                    synced: false,
                };
                let says = format!("enrols key {}", key.fingerprint);
                (Command::EnrolKey { key }, says)
            }
            0 => {
                let project = promotion.stage.project.clone();
                let to: ActorId = self.sim.rng.pick(&PEOPLE).parse().expect("it is a legal id");
                let until = Span::from_secs(self.sim.rng.between(60, 7_200)).after(self.sim.now);
                let says = format!("hands answers on to {to}");
                let delegate = Command::Delegate {
                    project,
                    to,
                    team: None,
                    from: None,
                    until,
                    reason,
                };
                (delegate, says)
            }
            1 => {
                let says = format!("takes the answer to {promotion} back");
                (Command::Withdraw { promotion, reason }, says)
            }
            _ => {
                let no = *self.sim.rng.pick(&[No::Reject, No::RequestChanges]);
                let says = format!("says no to {promotion}");
                let question = None;
                let refuse = Command::Refuse {
                    promotion,
                    no,
                    question,
                    reason,
                    signed: None,
                };
                (refuse, says)
            }
        };
        self.ask(actor, command, says);
    }

    pub(super) fn apply(&mut self, pipeline: Arc<Pipeline>) {
        let source = pipeline.version();
        let actor = self.person();
        let says = format!("applies {}", pipeline.name);
        self.ask(
            actor,
            Command::ApplyPipeline {
                pipeline,
                source,
                written: None,
            },
            says,
        );
    }

    /// Somebody changes a pipeline, or answers what somebody wants to change.
    fn change_rules(&mut self) {
        let mut waiting: Vec<ProposalId> = Vec::new();
        for (project, state) in self.sim.book.world.projects() {
            waiting.extend(state.proposals.keys().map(|number| ProposalId {
                project: project.clone(),
                number: *number,
            }));
        }
        waiting.sort();
        if waiting.is_empty() || self.sim.rng.chance(300) {
            return self.change_pipeline();
        }
        let proposal = self.sim.rng.pick(&waiting).clone();
        let actor = self.person();
        let reason = "it is so".to_owned();
        let (word, command) = match self.sim.rng.below(8) {
            0 => (
                "rejects",
                Command::RejectProposal {
                    proposal: proposal.clone(),
                    question: None,
                    reason,
                },
            ),
            1 => (
                "withdraws",
                Command::WithdrawProposal {
                    proposal: proposal.clone(),
                    reason,
                },
            ),
            _ => (
                "approves",
                Command::ApproveProposal {
                    proposal: proposal.clone(),
                    question: None,
                    comment: None,
                    signed: self.signed(),
                },
            ),
        };
        self.ask(actor, command, format!("{word} proposal {proposal}"));
    }

    /// A pipeline that asks for a little more, or a little less.
    fn change_pipeline(&mut self) {
        let index = self.sim.rng.below(2) as usize;
        let mut pipeline = (*self.pipelines[index]).clone();
        let last = pipeline.stages.len() - 1;
        pipeline.stages[last].verify_within = Span::from_secs(self.sim.rng.between(60, 600));
        let signed = *self.sim.rng.pick(&[Tier::Session, Tier::Session, Tier::Passkey]);
        for rule in pipeline.stages[last].approval.iter_mut() {
            rule.signed = if rule.automatic { Tier::Session } else { signed };
        }
        let owners = vec!["tech-lead".parse().expect("it is a legal name")];
        let count = self.sim.rng.between(1, 2) as u32;
        pipeline.protected = self.sim.rng.chance(700).then_some(Protection {
            owners,
            count,
            signed,
        });
        pipeline.stages[last].expires = Span::from_secs(self.sim.rng.between(3_600, 6 * 3_600));
        let pipeline = Arc::new(pipeline);
        self.pipelines[index] = pipeline.clone();
        self.apply(pipeline);
    }

    fn register(&mut self) {
        let pipeline = self.pipeline();
        let of = pipeline.reference();
        let version = format!("{}.0.0", self.sim.rng.below(VERSIONS) + 1);
        let kind = if self.sim.rng.chance(150) {
            ChangeKind::Hotfix
        } else {
            ChangeKind::Feature
        };
        let (breaking, irreversible) = (self.sim.rng.chance(300), self.sim.rng.chance(100));
        let artifact = Artifact {
            name: "image".parse().expect("it is a legal name"),
            at: ArtifactAt::Oci {
                repository: "registry.example/image".to_owned(),
                digest: Digest::of(version.as_bytes()),
            },
        };
        let release = Release {
            of,
            version: version.parse().expect("it is a legal version"),
            artifacts: vec![artifact],
            change: Change {
                kind,
                breaking,
                irreversible,
                ..Change::default()
            },
            text: Digest::of(b""),
        };
        let says = format!(
            "registers {}@{version}, {kind:?}, breaking {breaking}, irreversible {irreversible}",
            pipeline.name
        );
        let command = Command::RegisterRelease {
            release: Arc::new(release),
            text: Private::default(),
        };
        self.ask(reporter(), command, says);
    }

    pub(super) fn report(&mut self) {
        let pipeline = self.pipeline();
        let Some((release, version)) = self.known_release(&pipeline.reference()) else {
            return self.register();
        };
        let failed = if self.sim.rng.chance(200) {
            self.sim.rng.below(5)
        } else {
            0
        };
        let lines_hit = if self.sim.rng.chance(200) {
            70
        } else {
            80 + self.sim.rng.below(20)
        };
        let errored = self.sim.rng.chance(100);
        let tests = self.sim.rng.chance(600);
        let facts = if tests {
            Facts::Tests(TestFacts {
                total: 100 + failed,
                passed: 100,
                failed,
                ..TestFacts::default()
            })
        } else {
            Facts::Coverage(CoverageFacts {
                files: 1,
                lines_total: 100,
                lines_hit,
                ..CoverageFacts::default()
            })
        };
        let says = format!(
            "reports on {}@{version}: {facts:?}, errored {errored}",
            pipeline.name
        );
        let found = if errored {
            Found::Errored {
                reason: "the file ends early".to_owned(),
                of: Some(facts.kind().to_owned()),
                from: Vec::new(),
            }
        } else {
            Found::Facts { facts }
        };
        let evidence = Evidence {
            artifacts: vec![Digest::of(version.as_bytes())],
            stage: None,
            name: Some("unit".to_owned()),
            found,
            raw: Some(Digest::of(says.as_bytes())),
            format: if tests { "junit" } else { "lcov" }.to_owned(),
            warnings: Vec::new(),
            by: reporter().id,
            at: self.sim.now,
        };
        self.ask(
            reporter(),
            Command::SubmitEvidence {
                release,
                evidence: Arc::new(evidence),
            },
            says,
        );
    }

    fn promote(&mut self) {
        let stage = self.stage();
        let Some((release, version)) = self.known_release(&stage.pipeline_ref()) else {
            return self.register();
        };
        let actor = self.person();
        let says = format!("promotes {version} to {stage}");
        self.ask(actor, Command::Promote { release, stage }, says);
    }

    fn approve(&mut self) {
        let Some(promotion) = self.open_promotion() else {
            return self.report();
        };
        let actor = self.person();
        let signed = self.signed();
        let with = signed.as_ref().map(|signed| format!(" with key {}", signed.key));
        let says = format!("approves {promotion}{}", with.unwrap_or_default());
        self.ask(
            actor,
            Command::Approve {
                promotion,
                question: None,
                comment: None,
                signed,
            },
            says,
        );
    }

    /// One of so few keys that they are revoked, lent and used again.
    fn key(&mut self) -> String {
        format!("key-{}", self.sim.rng.below(KEYS))
    }

    /// A signature, perhaps one that was used before, with a counter that may go back.
    fn signed(&mut self) -> Option<Signed> {
        if !self.sim.rng.chance(400) {
            return None;
        }
        let key = self.key();
        let statement = Digest::of(&self.sim.rng.below(1_000).to_be_bytes());
        let counter = self.sim.rng.chance(300).then(|| self.sim.rng.below(100) as u32);
        Some(Signed {
            key,
            statement,
            proof: statement,
            counter,
        })
    }

    fn roll_back(&mut self) {
        let stage = self.stage();
        let actor = self.person();
        let says = format!("rolls {stage} back");
        self.ask(
            actor,
            Command::RollBack {
                stage,
                reason: "it is bad".to_owned(),
            },
            says,
        );
    }

    fn steer(&mut self) {
        let Some(promotion) = self.open_promotion() else {
            return self.report();
        };
        let actor = self.person();
        let reason = "so be it".to_owned();
        let (command, says) = match self.sim.rng.below(5) {
            4 => (
                Command::Advance {
                    promotion: promotion.clone(),
                    step: None,
                    weight: None,
                    reason,
                },
                "advances",
            ),
            0 => (
                Command::Abort {
                    promotion: promotion.clone(),
                    reason,
                },
                "aborts",
            ),
            1 => (
                Command::Pause {
                    promotion: promotion.clone(),
                    reason,
                },
                "pauses",
            ),
            _ => (
                Command::Resume {
                    promotion: promotion.clone(),
                    reason,
                },
                "resumes",
            ),
        };
        self.ask(actor, command, format!("{says} {promotion}"));
    }

    fn lift_bar(&mut self) {
        let stage = self.stage();
        let barred = self
            .sim
            .book
            .world
            .stage(&stage)
            .and_then(|state| state.barred.keys().next().copied());
        let Some(release) = barred else {
            return self.report();
        };
        let actor = self.person();
        let says = format!("lifts the bar of {} in {stage}", release.short());
        self.ask(
            actor,
            Command::LiftBar {
                stage,
                release,
                reason: "it is mended".to_owned(),
            },
            says,
        );
    }

    fn change_outside(&mut self) {
        let stage = self.stage();
        let rng = &mut self.sim.rng;
        let outside = &mut self.sim.outside;
        let says = match rng.below(6) {
            0 => {
                let version: gateline_model::Version = format!("{}.0.0", rng.below(VERSIONS) + 1)
                    .parse()
                    .expect("it is a legal version");
                let load = Load {
                    errors_ppm: rng.below(2) * 100_000,
                    latency_ms: 20 + rng.below(2) * 400,
                };
                let says = format!("traffic of {version}: {load:?}");
                outside.loads.insert(version, load);
                says
            }
            1 => {
                let answer = match rng.below(3) {
                    0 => Answer {
                        status: Some(500),
                        ..Answer::default()
                    },
                    1 => Answer {
                        errored: Some("connection refused".to_owned()),
                        ..Answer::default()
                    },
                    _ => Answer::default(),
                };
                let says = format!("the http check: {answer:?}");
                let gate = *rng.pick(&["http", "http", "watched"]);
                let says = format!("{gate}: {says}");
                outside
                    .answers
                    .insert(gate.parse().expect("it is a legal name"), answer);
                says
            }
            2 | 3 => {
                let health = *rng.pick(&[
                    Health::Healthy,
                    Health::Healthy,
                    Health::Unhealthy,
                    Health::Unknown,
                ]);
                outside.health.insert(stage.stage.clone(), health);
                format!("{} is {health}", stage.stage)
            }
            4 => {
                let team = *rng.pick(&["tech-lead", "product"]);
                let who = match rng.below(4) {
                    0 => Err("it answered 503".to_owned()),
                    1 => Ok(Vec::new()),
                    turn => Ok(vec![anybody(turn)]),
                };
                let says = format!("the pager of {team}: {who:?}");
                outside
                    .on_call
                    .insert(team.parse().expect("it is a legal name"), who);
                says
            }
            _ => {
                let why = "no answer".to_owned();
                let trick = match rng.below(4) {
                    0 => Trick::Fail(why),
                    1 => Trick::Unknown(why),
                    2 => Trick::Lie,
                    _ => Trick::AppliedButUnknown(why),
                };
                let says = format!("the targets of {} once: {trick:?}", stage.stage);
                outside
                    .tricks
                    .entry(stage.stage.clone())
                    .or_default()
                    .push_back(trick);
                says
            }
        };
        self.lines.push((self.sim.now, format!("* {says}")));
    }
}

fn pager(which: u64) -> OnCallSource {
    OnCallSource {
        http: format!("https://pager.example/{which}"),
        who: "/names/*".to_owned(),
        every: Span::from_secs(60),
        max_age: Span::from_secs(180),
        timeout: Span::from_secs(10),
        token: None,
        provider: None,
    }
}

fn reporter() -> Actor {
    Actor {
        id: "ci".parse().expect("it is a legal id"),
        name: None,
        shown: Credential::Token(vec![Scope::Register, Scope::SubmitEvidence]),
    }
}
