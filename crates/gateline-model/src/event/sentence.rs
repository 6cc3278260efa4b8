//! Events as sentences: one wording for command line, pages and transcripts. What decisions, rulings and drivers said
//! is repeated as it was recorded. Knows neither where times are read nor what releases are called: callers say that.

use jiff::Timestamp;

use super::{CheckOf, Event, PauseReason, Recorded, RollbackReason};
use crate::{
    Approval, Cause, Delegation, Digest, Found, GateName, Incident, IncidentSource, Origin, PromotionId,
    PromotionKind, Proposal, ProposalApproval, ReleaseId, SUSPECTS_SHOWN_MAX, StepAction, Tier, Weight,
};

impl Recorded {
    /// What happened, as one sentence without its subject: that is the stream, which stands beside it.
    pub fn says(&self, time: impl Fn(Timestamp) -> String, release: impl Fn(&ReleaseId) -> String) -> String {
        match &self.event {
            Event::PipelineApplied {
                version,
                pipeline,
                origin,
                ..
            } => in_force(&format!("pipeline {}", pipeline.name), version, origin),
            Event::PolicyApplied { name, module, origin } => {
                in_force(&format!("policy {name}"), module, origin)
            }
            Event::RolesApplied {
                version,
                roles,
                origin,
                ..
            } => in_force(&format!("roles of {}", roles.project), version, origin),
            Event::VersionProposed { proposal } => proposed(proposal, time),
            Event::ProposalApproved { number, approval } => {
                let ProposalApproval { by, team, .. } = approval;
                let other = approval.instead_of.iter();
                let other: String = other.map(|other| format!(" instead of {other}")).collect();
                let tier = signed_with(approval.bound.tier);
                format!("proposal {number} approved by {by}{other} for {team}{tier}")
            }
            Event::ProposalApprovalWithdrawn { number, by } => {
                format!("{by} took the approval of proposal {number} back")
            }
            Event::ProposalEnded {
                number,
                of,
                version,
                outcome,
            } => {
                let version = version.short();
                format!(
                    "proposal {number} of {of}, version {version}, ended: {}",
                    outcome.word()
                )
            }
            Event::OnCallLearned { team, who, .. } if who.is_empty() => {
                format!("nobody is on call in {team}, says its source")
            }
            Event::OnCallLearned { team, who, .. } => {
                let who: Vec<&str> = who.iter().map(crate::ActorId::as_str).collect();
                format!("{} on call in {team}, says its source", who.join(", "))
            }
            Event::OnCallErrored { team, why, .. } => {
                format!("nobody is on call in {team}, as its source could not be read: {why}")
            }
            Event::NotificationsApplied {
                version,
                notifications,
                ..
            } => format!(
                "notifications of {} came into force, version {}",
                notifications.project,
                version.short()
            ),
            Event::SignedIn { actor, provider, .. } => format!("{actor} signed in by {provider}"),
            Event::KeyEnrolled { key } => format!(
                "{} key {} of {} enrolled",
                key.tier.word(),
                key.fingerprint,
                key.actor
            ),
            Event::KeyUsed { fingerprint, counter } => {
                format!("key {fingerprint} has signed {counter} times")
            }
            Event::KeyRevoked { fingerprint, actor } => format!("key {fingerprint} of {actor} revoked"),
            Event::DelegationDeclared { delegation } => {
                let (from, until) = (time(delegation.from), time(delegation.until));
                let team = delegation.team.iter().map(|team| format!(" of {team}"));
                let team: String = team.collect();
                let Delegation { by, to, .. } = delegation;
                format!("answers{team} handed on by {by} to {to} from {from} until {until}")
            }
            Event::DelegationEnded { by, to } => format!("delegation of {by} to {to} ended"),
            Event::CalendarApplied {
                name,
                version,
                calendar,
                origin,
            } => {
                let in_force = in_force(&format!("calendar {name}"), version, origin);
                format!("{in_force}, {} entries", calendar.holidays.len())
            }
            Event::FreezeDeclared { freeze } => {
                let (from, until) = (time(freeze.from), time(freeze.until));
                let recurs = freeze.recurs.iter().map(|recurs| format!(", {}", recurs.says()));
                let recurs: String = recurs.collect();
                format!(
                    "freeze {} declared from {from} until {until}{recurs}",
                    freeze.name
                )
            }
            Event::FreezeLifted { name } => format!("freeze {name} lifted"),
            Event::WaiverGranted { waiver } => {
                let what = waiver.rule.as_deref().unwrap_or(&waiver.finding);
                let stage = waiver
                    .stage
                    .as_ref()
                    .map(|stage| format!("/{stage}"))
                    .unwrap_or_default();
                let until = time(waiver.until);
                format!(
                    "{what} in {} waived for {}{stage} until {until}",
                    waiver.place, waiver.pipeline
                )
            }
            Event::WaiverLifted { waiver, finding } => {
                format!("waiver {} of finding {finding} lifted", waiver.short())
            }
            Event::AccountMade { account } => format!("account {account} made"),
            Event::PasswordSet { account } => format!("password of account {account} set"),
            Event::AccountDisabled { account } => format!("account {account} disabled"),
            Event::TokenIssued { id, actor, .. } => format!("token {id} issued to {actor}"),
            Event::TokenRevoked { id } => format!("token {id} revoked"),
            Event::TextErased { events } => match events[..] {
                [] => "nothing erased".to_owned(),
                [one] => format!("names and text beside event #{one} erased"),
                [first, .., last] => {
                    let count = events.len();
                    format!("names and texts beside {count} events erased, #{first} to #{last}")
                }
            },
            Event::ReleaseNumbered {
                pipeline,
                version,
                number,
                ..
            } => {
                format!("{pipeline}@{version} got number {number}")
            }
            Event::ReleaseRegistered { release, number } => {
                format!("{}@{} registered as number {number}", release.of, release.version)
            }
            Event::EvidenceRecorded { evidence } => {
                let name = evidence.name.iter().map(|name| format!(" `{name}`"));
                let name: String = name.collect();
                format!(
                    "{} evidence{name} recorded: {}",
                    evidence.format,
                    found(&evidence.found)
                )
            }
            Event::PromotionOpened { promotion, .. } => format!("promotion {} opened", short(promotion)),
            Event::PromotionClosed { promotion, outcome } => {
                format!("promotion {} closed: {}", short(promotion), words(outcome.word()))
            }
            Event::LaneTaken { target, promotion } => {
                format!("lane of {target} taken by {}", short(promotion))
            }
            Event::LaneFreed { target, promotion } => {
                format!("lane of {target} freed by {}", short(promotion))
            }
            Event::WentLive {
                version, promotion, ..
            } => {
                format!("{version} went live by {}", short(promotion))
            }
            Event::ReleaseBarred {
                release: barred,
                promotion,
            } => {
                format!("{} barred because of {}", release(barred), short(promotion))
            }
            Event::BarLifted { release: barred } => format!("bar of {} lifted", release(barred)),
            Event::HealthObserved {
                health,
                not_seen_from,
                why,
            } => match (not_seen_from, why) {
                (Some(from), _) => format!("health is {health}; nobody looked since {}", time(*from)),
                (None, Some(why)) => format!("health is {health}: {why}"),
                (None, None) => format!("health is {health}"),
            },
            Event::ReviewOpened { review } => format!(
                "review of override of {} for {} owed until {}",
                review.gate,
                review.version,
                time(review.due)
            ),
            Event::ReviewWritten { promotion, gate } => {
                format!("review of override of {gate} for {} written", short(promotion))
            }
            Event::WatchBegan { .. }
            | Event::WatchLooked { .. }
            | Event::NoiseMeasured { .. }
            | Event::WatchEnded { .. } => self.says_of_watch(time, release),
            Event::PromotionRequested {
                release: wanted,
                kind,
                automatic,
                ..
            } => {
                let what = match kind {
                    PromotionKind::Forward => release(wanted),
                    PromotionKind::Rollback => format!("rollback to {}", release(wanted)),
                };
                let by = if *automatic { " by the pipeline" } else { "" };
                format!("{what} requested{by}")
            }
            Event::PipelineRepinned { pipeline } => {
                format!("judged by pipeline version {} from now on", pipeline.short())
            }
            Event::DecisionRecorded { decision } => decision.headline.clone(),
            Event::ApprovalAsked { from, until, .. } => match until {
                Some(until) => format!("{from} asked, to answer until {}", time(*until)),
                None => format!("{from} asked"),
            },
            Event::ApprovalReminded { from, escalated, .. } => match escalated {
                true => format!("{from} reminded; the time of those who were asked first is over"),
                false => format!("{from} reminded"),
            },
            Event::PersonAsked { who } => format!("{who} asked to look"),
            Event::ApprovalGiven { approval } => format!("approved by {}", answered(approval)),
            Event::ApprovalRefused { no, answer } => format!("{} {}", no.words(), answered(answer)),
            Event::ApprovalWithdrawn { by } => format!("answer of {by} withdrawn"),
            Event::ApprovalVoided {
                by,
                revoked: Some(key),
                ..
            } => {
                format!("answer of {by} voided: key {key}, which signed it, was revoked")
            }
            Event::ApprovalVoided {
                by,
                instead_of: Some(delegator),
                ..
            } => {
                format!(
                    "answer of {by} voided: the delegation of {delegator}, instead of whom it was given, is over"
                )
            }
            Event::ApprovalVoided {
                by,
                changed,
                locked_until,
                ..
            } => {
                let locked = locked_until.map(|until| format!(" while locked until {}", time(until)));
                let what = match changed.len() {
                    0 => "the question".to_owned(),
                    _ => changed.join(", "),
                };
                format!(
                    "answer of {by} voided{}: {what} changed",
                    locked.unwrap_or_default()
                )
            }
            Event::OverrideAsked { permission } => {
                let until = time(permission.until);
                format!(
                    "override of gate {} until {until} asked for by {}; a second person is to confirm it",
                    permission.gate, permission.by
                )
            }
            Event::OverrideGranted { permission } => {
                let until = time(permission.until);
                let second = permission.confirmed_by.iter().map(|who| format!(" and {who}"));
                let second: String = second.collect();
                format!(
                    "gate {} overridden by {}{second} until {until}",
                    permission.gate, permission.by
                )
            }
            Event::OverrideWithdrawn { gate, by } => format!("override of gate {gate} by {by} withdrawn"),
            Event::CheckRecorded {
                gate, of, evidence, ..
            } => {
                let of = match of {
                    CheckOf::Entry => "check",
                    CheckOf::Step => "check during the rollout",
                    CheckOf::Verify => "verification",
                    CheckOf::Watch => "watch",
                };
                match &evidence.found {
                    Found::Facts { .. } => format!("{of} {gate} came back"),
                    Found::Errored { reason, .. } => format!("{of} {gate} errored: {reason}"),
                }
            }
            Event::PromotionAdmitted { steps, target, .. } => {
                let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
                format!("rollout on {target} began: {}", steps.join(", "))
            }
            Event::StepIntended {
                step,
                attempt,
                action,
            } => {
                let again = match attempt {
                    0 | 1 => String::new(),
                    again => format!(", attempt {again}"),
                };
                format!("step {}{again}: {}", step + 1, doing(*action))
            }
            Event::StepApplied { step, go_on_at, .. } => match go_on_at {
                Some(until) if *until > self.at => {
                    format!("step {} applied, stands until {}", step + 1, time(*until))
                }
                Some(_) | None => format!("step {} applied", step + 1),
            },
            Event::StepAdded { step, action, says } => {
                format!("step {} is not as planned, {}: {says}", step + 1, doing(*action))
            }
            Event::StepFailed { step, why, .. } => format!("step {} failed: {why}", step + 1),
            Event::StepParked { step, why, .. } => {
                format!(
                    "step {} parked, nobody can tell whether it is true: {why}",
                    step + 1
                )
            }
            Event::RulingChanged { step, ruling, .. } => {
                let ruled = match &ruling.full {
                    // Its headline begins with the ruling.
                    Some(_) => String::new(),
                    None => format!("{}: ", words(ruling.says.word())),
                };
                format!("ruling at step {}: {ruled}{}", step + 1, ruling.headline)
            }
            Event::RolloutPaused { why, says } => {
                let what = says.iter().map(|says| format!(": {says}"));
                let what: String = what.collect();
                format!("paused: {}{what}", paused(*why))
            }
            Event::RolloutResumed {} => "resumed".to_owned(),
            Event::RolloutAdvanced { step } => format!("step {} left by a person's word", step + 1),
            Event::RollbackBegan { why, says, .. } => format!("rollback began, {}: {says}", taken_back(*why)),
            Event::VerificationBegan { checks, .. } if checks.is_empty() => {
                "verification began: nothing to check".to_owned()
            }
            Event::VerificationBegan { checks, until } => {
                let checks: Vec<&str> = checks.iter().map(GateName::as_str).collect();
                format!(
                    "verification began: {}, until {}",
                    checks.join(", "),
                    time(*until)
                )
            }
            Event::PromotionEnded {
                outcome,
                says,
                served,
                ..
            } => {
                let served = match served.requests {
                    0 => String::new(),
                    requests => format!(" ({requests} requests served, {} bad)", served.bad_requests),
                };
                format!("ended {}: {says}{served}", words(outcome.word()))
            }
            Event::IncidentOpened { .. } | Event::SuspectLifted { .. } | Event::IncidentClosed { .. } => {
                self.says_of_incident(time)
            }
            Event::NotificationPlanned {
                letter,
                to,
                rule,
                due,
                notice,
                ..
            } => format!(
                "letter {letter} to {to} by rule {rule}, due {}: {} ({})",
                time(*due),
                notice.event,
                notice.says
            ),
            Event::LetterSent { letter, says, .. } => format!("letter {letter} sent: {says}"),
            Event::LetterFailed {
                letter,
                attempt,
                why,
                again: Some(again),
            } => {
                format!(
                    "letter {letter} not delivered, attempt {attempt}, tried again {}: {why}",
                    time(*again)
                )
            }
            Event::LetterFailed {
                letter, attempt, why, ..
            } => {
                format!("letter {letter} given up after attempt {attempt}: {why}")
            }
            Event::LetterResent { letter } => format!("letter {letter} to be sent again"),
        }
    }

    fn says_of_watch(
        &self,
        time: impl Fn(Timestamp) -> String,
        release: impl Fn(&ReleaseId) -> String,
    ) -> String {
        match &self.event {
            Event::WatchBegan {
                release: watched,
                gates,
                every,
                until,
                ..
            } => {
                let gates: Vec<&str> = gates.iter().map(GateName::as_str).collect();
                format!(
                    "watch of {} began: {} every {every} until {}",
                    release(watched),
                    gates.join(", "),
                    time(*until)
                )
            }
            Event::WatchLooked {
                gate, outcome, says, ..
            } => format!("look at {gate} {}: {says}", outcome.word()),
            Event::NoiseMeasured { gate, noise } => format!("threshold of {gate}: {}", noise.says()),
            Event::WatchEnded {
                outcome, says, looks, ..
            } => format!("watch ended {}: {says} ({looks})", outcome.word()),
            _ => String::new(),
        }
    }

    fn says_of_incident(&self, time: impl Fn(Timestamp) -> String) -> String {
        match &self.event {
            Event::IncidentOpened { incident } => opened(incident, time),
            Event::SuspectLifted { number, promotion } => {
                format!(
                    "incident {number}: {} did not cause it, says {}",
                    short(promotion),
                    self.actor
                )
            }
            Event::IncidentClosed { number, cause } => match cause {
                Cause::Change { promotion } => {
                    format!("incident {number} closed: {} caused it", short(promotion))
                }
                Cause::NotTold | Cause::NoChange => format!("incident {number} closed: {cause}"),
            },
            _ => String::new(),
        }
    }
}

/// A promotion without its project and pipeline: `production/1`.
fn short(id: &PromotionId) -> String {
    format!("{}/{}", id.stage.stage, id.number)
}

fn in_force(what: &str, version: &Digest, origin: &Origin) -> String {
    let Origin { commit, proposal } = origin;
    let commit = commit
        .iter()
        .map(|commit| format!(", from commit {}", commit.short()));
    let commit: String = commit.collect();
    let proposal = proposal.map_or_else(String::new, |number| format!(", by proposal {number}"));
    format!(
        "{what} came into force, version {}{commit}{proposal}",
        version.short()
    )
}

fn proposed(proposal: &Proposal, time: impl Fn(Timestamp) -> String) -> String {
    let Proposal {
        number,
        new,
        replaces,
        by,
        until,
        commit,
        written_by: _,
    } = proposal;
    let version = new.version();
    let of = new.declared();
    let instead = replaces.map_or_else(String::new, |old| format!(" in place of {}", old.short()));
    let commit = commit
        .iter()
        .map(|commit| format!(", from commit {}", commit.short()));
    let commit: String = commit.collect();
    format!(
        "proposal {number} by {by}: {of}, version {}{instead}{commit}; not in force, waits for its owners until {}",
        version.short(),
        time(*until)
    )
}

/// An incident with its suspects, the likeliest in front.
fn opened(incident: &Incident, time: impl Fn(Timestamp) -> String) -> String {
    let Incident {
        number,
        name,
        source,
        labels: _,
        stages,
        since,
        suspects,
    } = incident;
    let by = match source {
        IncidentSource::Actor => "",
        IncidentSource::Alert { .. } => " by an alert",
        IncidentSource::Watch { .. } => " by a watch",
    };
    let at: Vec<String> = stages
        .iter()
        .map(|stage| format!("{}/{}", stage.pipeline, stage.stage))
        .collect();
    let at = match at.is_empty() {
        true => "no stage".to_owned(),
        false => at.join(", "),
    };
    let more = suspects.len().saturating_sub(SUSPECTS_SHOWN_MAX);
    let more = (more > 0).then(|| format!("and {more} more"));
    let named: Vec<String> = suspects
        .iter()
        .take(SUSPECTS_SHOWN_MAX)
        .map(|suspect| format!("{} ({})", suspect.says, suspect.done.says()))
        .chain(more)
        .collect();
    let named = match named.is_empty() {
        true => "nothing changed there before it".to_owned(),
        false => named.join("; "),
    };
    format!(
        "incident {number} opened{by}: {name} in {at} since {}: {named}",
        time(*since)
    )
}

fn words(word: &str) -> String {
    word.replace('_', " ")
}

fn found(found: &Found) -> String {
    match found {
        Found::Facts { facts } => facts.kind().to_owned(),
        Found::Errored { reason, .. } => format!("errored: {reason}"),
    }
}

fn doing(action: StepAction) -> String {
    match action {
        StepAction::Stop => "stop the old release first".to_owned(),
        StepAction::Start => "start it, without traffic".to_owned(),
        StepAction::Mirror { share } => format!("send it a copy of {share} of the traffic"),
        StepAction::Replace { new, old } => format!("run {new} of it beside {old} of the old release"),
        StepAction::Expose { weight, cohort: None } => format!("give it {weight} of the traffic"),
        StepAction::Expose {
            weight: Weight::NONE,
            cohort: Some(cohort),
        } => format!("let {cohort} people see it"),
        StepAction::Expose {
            weight,
            cohort: Some(cohort),
        } => {
            format!("let {cohort} people see it, and give it {weight} of the other traffic")
        }
        StepAction::Finish => "stop the old release".to_owned(),
        StepAction::Withdraw => "take all traffic back".to_owned(),
        StepAction::Discard => "stop the new release".to_owned(),
        StepAction::Degrade => "run the command for a failed rollout".to_owned(),
    }
}

fn paused(why: PauseReason) -> &'static str {
    match why {
        PauseReason::Asked => "an actor asked",
        PauseReason::Inconclusive => "the judge could not tell in time",
        PauseReason::Irreversible => "the release is never taken back by itself; a person is called",
        PauseReason::Parked => "a step could not be observed; a person is called",
        PauseReason::GoAhead => "a person says when to go on",
        PauseReason::Failed => "it failed; a person is called",
        PauseReason::Incident => "stopped for an incident; a person lifts it, resumes or aborts",
    }
}

fn taken_back(why: RollbackReason) -> &'static str {
    match why {
        RollbackReason::Judged => "the judge ruled so",
        RollbackReason::StepFailed => "a step failed",
        RollbackReason::VerificationFailed => "verification failed",
        RollbackReason::Aborted => "an actor aborted it",
        RollbackReason::Superseded => "a hotfix takes the lane",
        RollbackReason::TimedOut => "it took too long",
        RollbackReason::Incident => "an incident is open here",
    }
}

/// How an answer is bound, where it is signed.
fn signed_with(tier: Tier) -> &'static str {
    match tier {
        Tier::Session => "",
        Tier::Ssh => ", signed with an SSH key",
        Tier::Passkey => ", signed with a passkey",
    }
}

/// Who answered, by which right, instead of whom and how strongly bound.
fn answered(approval: &Approval) -> String {
    let instead = approval.instead_of.iter().map(|who| format!(" instead of {who}"));
    let tier = signed_with(approval.bound.tier);
    let instead: String = instead.collect();
    format!("{}{instead} for {}{tier}", approval.by, approval.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, Served, Weight};

    fn says(event: Event) -> String {
        let recorded = Recorded {
            number: 7,
            stream: "promotion/shop/app/live/3".parse().unwrap(),
            version: 1,
            at: "2026-11-21T10:00:00Z".parse().unwrap(),
            actor: "ana".parse().unwrap(),
            event,
            private: None,
        };
        recorded.says(|at| at.strftime("%H:%M").to_string(), |_| "1.4.0".to_owned())
    }

    fn applied(go_on_at: &str) -> Event {
        Event::StepApplied {
            step: 1,
            attempt: 1,
            go_on_at: Some(go_on_at.parse().unwrap()),
            measure_every: None,
            checks: None,
        }
    }

    fn requested(kind: PromotionKind, automatic: bool) -> Event {
        Event::PromotionRequested {
            release: Digest::of(b""),
            kind,
            pipeline: Digest::of(b""),
            automatic,
        }
    }

    #[test]
    fn names_and_times_are_the_callers_and_steps_count_from_one() {
        let weight = Weight::percent(5);
        for (event, sentence) in [
            (
                requested(PromotionKind::Forward, true),
                "1.4.0 requested by the pipeline",
            ),
            (
                requested(PromotionKind::Rollback, false),
                "rollback to 1.4.0 requested",
            ),
            (
                applied("2026-11-21T10:15:00Z"),
                "step 2 applied, stands until 10:15",
            ),
            (applied("2026-11-21T10:00:00Z"), "step 2 applied"),
            (
                Event::StepIntended {
                    step: 1,
                    attempt: 2,
                    action: StepAction::expose(weight),
                },
                "step 2, attempt 2: give it 5% of the traffic",
            ),
        ] {
            assert_eq!(says(event), sentence);
        }
    }

    #[test]
    fn an_end_tells_its_traffic_where_there_was_any() {
        let ended = |requests| Event::PromotionEnded {
            outcome: crate::PromotionOutcome::RolledBack,
            says: "too many errors".to_owned(),
            superseded_by: None,
            served: Served {
                requests,
                bad_requests: requests / 2,
            },
        };
        assert_eq!(says(ended(0)), "ended rolled back: too many errors");
        assert_eq!(
            says(ended(8)),
            "ended rolled back: too many errors (8 requests served, 4 bad)"
        );
    }
}
