//! What owners may, and what they may not.

use std::sync::Arc;

use gateline_model::{
    AccountName, Commit, Decision, Digest, Event, Key, Machine, NewVersion, Notifications, PROPOSAL_LASTS,
    Proposal, ProposalId, ProposalOutcome, Protected, Protection, Recorded, Roles, Scope, Span, StreamId,
    Team, Tier, Written,
};
use jiff::Timestamp;

use crate::{
    Actor, Backtest, Command, Credential, Facts, PREVIEW_PROMOTIONS_MAX, PROPOSALS_OPEN_MAX, Signed, World,
    decide, proposals_for,
};

/// A project whose policies, calendars and roles are protected.
struct Place {
    world: World,
    now: Timestamp,
    /// How strongly each yes must be bound.
    signed: Tier,
}

impl Place {
    fn new(count: u32) -> Self {
        Self::asking(count, Tier::Session)
    }

    fn asking(count: u32, signed: Tier) -> Self {
        let mut place = Self {
            world: World::default(),
            now: "2026-11-22T09:00:00Z".parse().unwrap(),
            signed,
        };
        place.roles("ana", &["ana", "bo", "cy"], count).unwrap();
        place
    }

    fn act(&mut self, who: &str, command: &Command) -> Result<Vec<Event>, &'static str> {
        let facts = Facts {
            now: self.now,
            actor: actor(who),
        };
        let decided = decide(&self.world, command, &facts).map_err(|rejection| rejection.code)?;
        let events: Vec<Event> = decided.events.iter().map(|one| one.event.clone()).collect();
        for proposed in decided.events {
            let version = self.world.version(&proposed.stream) + 1;
            let recorded = Recorded {
                number: self.world.next(),
                stream: proposed.stream,
                version,
                at: self.now,
                actor: facts.actor.id.clone(),
                event: proposed.event,
                private: None,
            };
            self.world.fold(&recorded).unwrap();
        }
        Ok(events)
    }

    fn roles(&mut self, who: &str, members: &[&str], count: u32) -> Result<Vec<Event>, &'static str> {
        let protection = Protection {
            owners: vec!["platform".parse().unwrap()],
            count,
            signed: self.signed,
        };
        let roles = Roles {
            project: "shop".parse().unwrap(),
            teams: vec![Team {
                name: "platform".parse().unwrap(),
                members: members.iter().map(|who| who.parse().unwrap()).collect(),
                claims: Vec::new(),
                on_call: None,
            }],
            roles: Vec::new(),
            owners: Vec::new(),
            machines: Vec::new(),
            protected: match count {
                0 => Protected::default(),
                _ => Protected {
                    policies: Some(protection.clone()),
                    notifications: Some(protection.clone()),
                    roles: Some(protection),
                    ..Protected::default()
                },
            },
        };
        let apply = Command::ApplyRoles {
            source: roles.version(),
            roles: Arc::new(roles),
            written: None,
        };
        self.act(who, &apply)
    }

    fn policy(&mut self, who: &str, name: &str, text: &str) -> Result<Vec<Event>, &'static str> {
        let apply = Command::ApplyPolicy {
            project: "shop".parse().unwrap(),
            name: name.parse().unwrap(),
            module: Digest::of(text.as_bytes()),
            written: None,
        };
        self.act(who, &apply)
    }

    fn approve(&mut self, who: &str, number: u64) -> Result<Vec<Event>, &'static str> {
        let approve = Command::ApproveProposal {
            proposal: id(number),
            question: None,
            comment: None,
            signed: None,
        };
        self.act(who, &approve)
    }

    /// A yes that a key of somebody signed.
    fn sign(&mut self, who: &str, key: &str, statement: &str) -> Result<Vec<Event>, &'static str> {
        let statement = Digest::of(statement.as_bytes());
        let approve = Command::ApproveProposal {
            proposal: id(1),
            question: None,
            comment: None,
            signed: Some(Signed {
                key: key.to_owned(),
                statement,
                proof: statement,
                counter: None,
            }),
        };
        self.act(who, &approve)
    }

    fn enrol(&mut self, who: &str, fingerprint: &str, tier: Tier) {
        let key = Key {
            fingerprint: fingerprint.to_owned(),
            actor: who.parse().unwrap(),
            tier,
            public: format!("public half of {fingerprint}"),
            label: String::new(),
            counter: 0,
            synced: false,
        };
        self.act(who, &Command::EnrolKey { key }).unwrap();
    }

    fn delegate(&mut self, by: &str, to: &str) {
        let delegate = Command::Delegate {
            project: "shop".parse().unwrap(),
            to: to.parse().unwrap(),
            team: None,
            from: None,
            until: Span::from_secs(86_400).after(self.now),
            reason: "away".to_owned(),
        };
        self.act(by, &delegate).unwrap();
    }

    fn withdraw(&mut self, who: &str, number: u64) -> Result<Vec<Event>, &'static str> {
        let withdraw = Command::WithdrawProposal {
            proposal: id(number),
            reason: "not yet".to_owned(),
        };
        self.act(who, &withdraw)
    }
}

fn id(number: u64) -> ProposalId {
    ProposalId {
        project: "shop".parse().unwrap(),
        number,
    }
}

fn actor(name: &str) -> Actor {
    Actor {
        id: name.parse().unwrap(),
        name: None,
        shown: Credential::Token(Scope::ALL.to_vec()),
    }
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}

fn outcome(events: &[Event]) -> Option<ProposalOutcome> {
    events.iter().find_map(|event| match event {
        Event::ProposalEnded { outcome, .. } => Some(*outcome),
        _ => None,
    })
}

#[test]
fn an_owners_yes_brings_it_into_force_and_the_proposers_does_not() {
    let mut place = Place::new(1);
    assert_eq!(
        names(&place.policy("ana", "rules", "a").unwrap()),
        ["version_proposed"]
    );
    assert_eq!(
        place.policy("bo", "rules", "a").unwrap(),
        [],
        "it is proposed already"
    );
    assert_eq!(place.approve("ana", 1), Err("proposal.own"));
    assert_eq!(place.approve("eve", 1), Err("proposal.not_owner"));
    let wanted = ["proposal_approved", "proposal_ended", "policy_applied"];
    assert_eq!(names(&place.approve("bo", 1).unwrap()), wanted);
    assert_eq!(place.approve("cy", 1), Err("proposal.ended"));
    assert_eq!(place.approve("cy", 2), Err("proposal.unknown"));
}

#[test]
fn nobody_answers_twice_or_for_whoever_proposed_it() {
    let mut place = Place::new(2);
    place.policy("ana", "rules", "a").unwrap();
    place.delegate("ana", "eve");
    place.delegate("bo", "dee");
    assert_eq!(place.approve("eve", 1), Err("proposal.own"));
    place.approve("dee", 1).unwrap();
    assert_eq!(place.approve("bo", 1), Err("proposal.seat_answered"));
    assert_eq!(place.approve("dee", 1).unwrap(), [], "once is enough");
    assert_eq!(
        names(&place.withdraw("dee", 1).unwrap()),
        ["proposal_approval_withdrawn"]
    );
    assert_eq!(names(&place.approve("cy", 1).unwrap()), ["proposal_approved"]);
    assert_eq!(place.withdraw("eve", 1), Err("proposal.none_of_yours"));
    assert_eq!(
        names(&place.approve("bo", 1).unwrap()).last(),
        Some(&"policy_applied")
    );
}

#[test]
fn who_was_handed_two_seats_answers_from_the_one_that_is_free() {
    let mut place = Place::new(2);
    place.policy("ana", "rules", "a").unwrap();
    place.delegate("ana", "eve");
    place.delegate("bo", "eve");
    assert_eq!(
        names(&place.approve("eve", 1).unwrap()),
        ["proposal_approved"],
        "not for ana, who proposed it, but for bo"
    );
    assert_eq!(place.approve("bo", 1), Err("proposal.seat_answered"));
    assert_eq!(
        names(&place.approve("cy", 1).unwrap()).last(),
        Some(&"policy_applied"),
        "both count"
    );
}

#[test]
fn a_yes_is_signed_as_strongly_as_the_protection_asks_and_counts_as_long_as_its_key_does() {
    let mut place = Place::asking(2, Tier::Ssh);
    place.policy("ana", "rules", "a").unwrap();
    place.enrol("bo", "bo-passkey", Tier::Passkey);
    place.enrol("bo", "bo-ssh", Tier::Ssh);
    place.enrol("cy", "cy-ssh", Tier::Ssh);
    assert_eq!(place.approve("bo", 1), Err("approval.tier"));
    assert_eq!(place.sign("bo", "bo-passkey", "1"), Err("approval.tier"));
    assert_eq!(place.sign("bo", "cy-ssh", "1"), Err("signature.key_of_another"));
    assert_eq!(
        names(&place.sign("bo", "bo-ssh", "1").unwrap()),
        ["proposal_approved"]
    );
    place.withdraw("bo", 1).unwrap();
    assert_eq!(place.sign("bo", "bo-ssh", "1"), Err("signature.replayed"));
    place.sign("bo", "bo-ssh", "2").unwrap();
    // Revoked before the last yes: it counts no more, and he says it again with another key.
    let revoke = Command::RevokeKey {
        fingerprint: "bo-ssh".to_owned(),
        reason: "lost".to_owned(),
    };
    place.act("bo", &revoke).unwrap();
    assert_eq!(
        names(&place.sign("cy", "cy-ssh", "3").unwrap()),
        ["proposal_approved"]
    );
    place.enrol("bo", "bo-new", Tier::Ssh);
    let wanted = ["proposal_approved", "proposal_ended", "policy_applied"];
    assert_eq!(names(&place.sign("bo", "bo-new", "4").unwrap()), wanted);
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let mut place = Place::new(1);
    place.policy("ana", "rules", "a").unwrap();
    let mut answer = |question| {
        let approve = Command::ApproveProposal {
            proposal: id(1),
            question,
            comment: None,
            signed: None,
        };
        place.act("bo", &approve).map(drop)
    };
    assert_eq!(answer(Some(Digest::of(b"another"))), Err("proposal.other"));
    let proposal = Proposal {
        number: 1,
        new: NewVersion::Policy {
            name: "rules".parse().unwrap(),
            module: Digest::of(b"a"),
        },
        replaces: None,
        by: "ana".parse().unwrap(),
        until: Timestamp::MAX,
        commit: None,
        written_by: Vec::new(),
    };
    assert_eq!(answer(Some(proposal.question())), Ok(()));
}

#[test]
fn another_version_ends_what_waits_and_so_does_time() {
    let mut place = Place::new(1);
    place.policy("ana", "rules", "a").unwrap();
    let events = place.policy("bo", "rules", "b").unwrap();
    assert_eq!(outcome(&events), Some(ProposalOutcome::Superseded));
    assert_eq!(place.approve("cy", 1), Err("proposal.ended"));
    place.now = PROPOSAL_LASTS.after(place.now);
    assert_eq!(place.approve("cy", 2), Err("proposal.expired"));
    let events = place.policy("bo", "rules", "b").unwrap();
    assert_eq!(outcome(&events), Some(ProposalOutcome::Expired));
    assert_eq!(names(&events), ["proposal_ended", "version_proposed"]);
}

#[test]
fn the_protection_in_force_counts_and_taking_it_away_is_proposed() {
    let mut place = Place::new(2);
    place.policy("ana", "rules", "a").unwrap();
    assert_eq!(
        names(&place.roles("ana", &["ana"], 0).unwrap()),
        ["version_proposed"]
    );
    place.approve("bo", 2).unwrap();
    let events = place.approve("cy", 2).unwrap();
    assert_eq!(names(&events).last(), Some(&"roles_applied"));
    // Nothing protects the module any more: nobody can own the proposal, and applying it again brings it into force.
    assert_eq!(place.approve("bo", 1), Err("proposal.not_protected"));
    let events = place.policy("eve", "rules", "a").unwrap();
    assert_eq!(names(&events), ["proposal_ended", "policy_applied"]);
    assert_eq!(outcome(&events), Some(ProposalOutcome::Superseded));
}

#[test]
fn who_left_the_team_before_the_last_answer_does_not_count() {
    let mut place = Place::new(2);
    place.policy("ana", "rules", "a").unwrap();
    place.approve("bo", 1).unwrap();
    place.roles("ana", &["ana", "cy", "dee"], 2).unwrap();
    for who in ["bo", "cy"] {
        place.approve(who, 2).unwrap();
    }
    assert_eq!(names(&place.approve("cy", 1).unwrap()), ["proposal_approved"]);
    assert_eq!(
        names(&place.approve("dee", 1).unwrap()).last(),
        Some(&"policy_applied")
    );
}

#[test]
fn what_waits_on_an_owner_is_told_until_it_is_answered() {
    let mut place = Place::new(2);
    place.policy("ana", "rules", "a").unwrap();
    let of = |place: &Place, who: &str| proposals_for(&place.world, &actor(who), place.now);
    assert_eq!(of(&place, "bo"), [id(1)]);
    assert_eq!(of(&place, "ana"), []);
    assert_eq!(of(&place, "eve"), []);
    place.approve("bo", 1).unwrap();
    assert_eq!(of(&place, "bo"), []);
    place.now = PROPOSAL_LASTS.after(place.now);
    assert_eq!(of(&place, "cy"), []);
}

#[test]
fn proposals_that_wait_have_a_limit() {
    let mut place = Place::new(1);
    for number in 0..PROPOSALS_OPEN_MAX {
        place.policy("ana", &format!("rules-{number}"), "a").unwrap();
    }
    assert_eq!(place.policy("ana", "one-more", "a"), Err("proposal.too_many"));
    place.policy("ana", "rules-0", "b").unwrap();
}

#[test]
fn a_commit_that_is_not_named_whole_is_refused() {
    let mut place = Place::new(1);
    let apply = Command::ApplyPolicy {
        project: "shop".parse().unwrap(),
        name: "rules".parse().unwrap(),
        module: Digest::of(b"a"),
        written: Some(Written {
            commit: gateline_model::Commit {
                id: "main".to_owned(),
                repository: None,
            },
            author: None,
            by: Vec::new(),
        }),
    };
    assert_eq!(place.act("ana", &apply), Err("commit.form"));
}

#[test]
fn a_preview_looks_at_the_last_decision_of_so_many_promotions() {
    let decision = |number: u64, at: u64| {
        let stage: gateline_model::StageRef = "shop/shop/live".parse().unwrap();
        let decision: Decision = serde_json::from_value(serde_json::json!({
            "release": Digest::of(b"r"), "version": "1.0.0", "stage": stage, "pipeline": Digest::of(b"p"),
            "admission": "admit", "headline": "", "verdicts": [], "risk": "low",
            "assessment": {"level": "low", "by": "rules", "impact": 0, "uncertainty": 0, "score": 0, "why": "no rule"},
            "question": Digest::of(b"q"), "at": "2026-11-22T09:00:00Z",
        }))
        .unwrap();
        Recorded {
            number: at,
            stream: StreamId::Promotion(gateline_model::PromotionId { stage, number }),
            version: at + 1,
            at: decision.at,
            actor: "gateline".parse().unwrap(),
            event: Event::DecisionRecorded {
                decision: Arc::new(decision),
            },
            private: None,
        }
    };
    let new = NewVersion::Policy {
        name: "rules".parse().unwrap(),
        module: Digest::of(b"a"),
    };
    let of = "shop".parse().unwrap();
    // Two decisions of each of too many promotions, the newest first.
    let promotions = PREVIEW_PROMOTIONS_MAX as u64 + 5;
    let decisions: Vec<Recorded> = (0..promotions * 2)
        .rev()
        .map(|at| decision(at / 2 + 1, at))
        .collect();
    let backtest = Backtest::new(&of, &new, &decisions);
    assert_eq!(backtest.until(), Some(promotions * 2 - 1));
    assert_eq!(backtest.looked_at(), PREVIEW_PROMOTIONS_MAX);
    let other = "store".parse().unwrap();
    assert_eq!(Backtest::new(&other, &new, &decisions).until(), None);
}

#[test]
fn who_wrote_the_commit_does_not_approve_it_nor_does_anybody_instead() {
    let mut place = Place::new(1);
    let apply = Command::ApplyPolicy {
        project: "shop".parse().unwrap(),
        name: "rules".parse().unwrap(),
        module: Digest::of(b"a"),
        written: Some(Written {
            commit: Commit {
                id: "a1".repeat(20),
                repository: None,
            },
            author: Some("Bo".to_owned()),
            by: vec!["bo".parse().unwrap()],
        }),
    };
    place.act("ana", &apply).unwrap();
    place.delegate("bo", "eve");
    for (who, code) in [
        ("ana", "proposal.own"),
        ("bo", "proposal.author"),
        ("eve", "proposal.author"),
    ] {
        assert_eq!(place.approve(who, 1), Err(code), "{who}");
    }
    let waits_on = |who: &str| proposals_for(&place.world, &actor(who), place.now).len();
    assert_eq!((waits_on("bo"), waits_on("cy")), (0, 1));
    let events = place.approve("cy", 1).unwrap();
    assert_eq!(names(&events).last(), Some(&"policy_applied"));
}

#[test]
fn rules_of_notifications_are_proposed_where_they_are_protected() {
    let mut place = Place::new(1);
    let rules = |per_hour: u32| Notifications {
        project: "shop".parse().unwrap(),
        rules: Vec::new(),
        per_hour: [("audit".parse().unwrap(), per_hour)].into(),
    };
    let apply = |per_hour: u32| Command::ApplyNotifications {
        source: Digest::of(b""),
        notifications: Arc::new(rules(per_hour)),
        written: None,
    };
    assert_eq!(names(&place.act("ana", &apply(1)).unwrap()), ["version_proposed"]);
    let wanted = ["proposal_approved", "proposal_ended", "notifications_applied"];
    assert_eq!(names(&place.approve("bo", 1).unwrap()), wanted);
    assert_eq!(place.act("ana", &apply(1)).unwrap(), [], "it is in force");
}

#[test]
fn whose_account_was_disabled_owns_nothing_any_more() {
    let mut place = Place::new(2);
    place.policy("ana", "rules", "a").unwrap();
    let administers = |place: &mut Place, command: &Command| place.act("ana", command).map(drop).unwrap();
    let account: AccountName = "bo".parse().unwrap();
    administers(
        &mut place,
        &Command::MakeAccount {
            account: account.clone(),
        },
    );
    place.approve("bo", 1).unwrap();
    administers(&mut place, &Command::DisableAccount { account });
    // What bo said does not count, and bo is asked no more.
    assert_eq!(names(&place.approve("cy", 1).unwrap()), ["proposal_approved"]);
    assert_eq!(proposals_for(&place.world, &actor("bo"), place.now), []);
}

#[test]
fn a_job_that_is_a_machine_of_another_project_is_not_taken_from_it() {
    let mut place = Place::new(0);
    let mut machine = |project: &str, claims: &[(&str, &str)]| {
        let roles = Roles {
            project: project.parse().unwrap(),
            machines: vec![Machine {
                actor: format!("ci@{project}").parse().unwrap(),
                issuer: "https://ci.example.com".to_owned(),
                audience: "gateline".to_owned(),
                claims: claims
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            }],
            ..(**place
                .world
                .project(&"shop".parse().unwrap())
                .unwrap()
                .roles
                .as_ref()
                .unwrap())
            .clone()
        };
        let apply = Command::ApplyRoles {
            source: roles.version(),
            roles: Arc::new(roles),
            written: None,
        };
        place.act("ana", &apply).map(drop)
    };
    assert_eq!(machine("pay", &[("repository_id", "74")]), Ok(()));
    assert_eq!(machine("evil", &[("repository_id", "74")]), Err("machines.taken"));
    assert_eq!(
        machine("evil", &[("repository_owner_id", "9")]),
        Err("machines.taken")
    );
    assert_eq!(machine("web", &[("repository_id", "75")]), Ok(()));
    assert_eq!(
        machine("pay", &[("repository_id", "74"), ("ref", "main")]),
        Ok(()),
        "its own"
    );
}
