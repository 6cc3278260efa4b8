//! Rows about proposals: what owners say to them, and what a proposed version would have decided.

use gateline_core::{Backtest, Command};
use gateline_model::{ProposalId, Recorded, StreamId};
use gateline_store::{READ_EVENTS_MAX, Read};

use super::Script;
use super::row::{Row, ScenarioError};

impl Script<'_> {
    pub(super) fn proposal_command(&self, row: &Row, reason: String) -> Result<Command, ScenarioError> {
        row.only(
            1,
            &["by", "groups", "comment", "reason", "key", "counter", "statement"],
        )?;
        let proposal = self.proposal_id(row)?;
        Ok(match row.verb() {
            "approve-proposal" => Command::ApproveProposal {
                proposal,
                question: None,
                comment: row.get("comment").map(str::to_owned),
                signed: super::make::signed(row)?,
            },
            "reject-proposal" => Command::RejectProposal {
                proposal,
                question: None,
                reason,
            },
            _ => Command::WithdrawProposal { proposal, reason },
        })
    }

    fn proposal_id(&self, row: &Row) -> Result<ProposalId, ScenarioError> {
        Ok(ProposalId {
            project: self.pipeline_ref(row)?.project.clone(),
            number: row.parse(row.word(0, "the number of a proposal")?)?,
        })
    }

    /// What a proposal that waits would have decided for the last promotions. Policy modules are not run here.
    pub(super) fn preview(&mut self, row: &Row) -> Result<(), ScenarioError> {
        row.only(1, &[])?;
        let id = self.proposal_id(row)?;
        let project = self.sim.book.world.project(&id.project);
        let Some(open) = project.and_then(|project| project.proposals.get(&id.number).cloned()) else {
            self.say(&format!("proposal {} does not wait", id.number));
            return Ok(());
        };
        let mut all: Vec<Recorded> = Vec::new();
        loop {
            let page = self.sim.store.read(all.len() as u64, READ_EVENTS_MAX);
            let page = page.expect("memory can be read");
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        let decisions = all.iter().rev().filter(|recorded| {
            recorded.event.name() == "decision_recorded"
                && matches!(recorded.stream, StreamId::Promotion(_))
                && recorded.at <= open.at
        });
        let mut backtest = Backtest::new(&id.project, &open.proposal.new, decisions);
        for recorded in &all {
            let mut none = |_: &_, _| Err("policy modules are not run in scenarios".to_owned());
            let folded = backtest.fold(recorded, &mut none);
            folded.expect("what was recorded folds");
        }
        let found = backtest.finish();
        if found.is_empty() {
            self.say("nothing was promoted before");
        }
        for one in found {
            let (then, promotion) = (&one.then, &one.promotion);
            let with_it = match &one.now {
                Ok(decision) => decision.headline.clone(),
                Err(why) => format!("not known: {why}"),
            };
            self.say(&format!(
                "{} into {} then   {}",
                then.version, promotion.stage.stage, then.headline
            ));
            self.say(&format!("    with proposal {}  {with_it}", id.number));
        }
        Ok(())
    }
}
