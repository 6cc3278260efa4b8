//! Scenarios: commands in, a transcript out. One command a line; `#` begins a comment; time passes only with `advance`.
//!
//! The transcript repeats each line and tells what happened, in the words of the log.

mod incidents;
mod make;
mod outside;
mod proposals;
mod row;
mod show;
mod times;

use std::path::Path;

use gateline_core::{Actor, Command};
use gateline_engine::{Receipt, Refusal};
use gateline_model::{PipelineRef, PromotionId, ReleaseId, Span, StageRef, StreamId};
use gateline_store::{READ_EVENTS_MAX, Read};
use jiff::Timestamp;

use crate::faults::Faults;
use crate::says;
use crate::sim::Sim;
use row::Row;
pub use row::ScenarioError;

/// Every scenario begins on a Monday morning.
const BEGIN: Timestamp = Timestamp::constant(1_772_442_000, 0);

/// Runs a scenario. `name` is how errors call it; `dir` is where its pipeline files are.
///
/// # Errors
/// A [`ScenarioError`] with the line that could not be understood. What Gateline refuses is no error: the transcript says so.
pub fn run_scenario(name: &str, text: &str, dir: &Path) -> Result<String, ScenarioError> {
    let mut stage = Script {
        sim: Sim::new(BEGIN, 1, 0, Faults::none()),
        dir,
        pipeline: None,
        shown: 0,
        out: String::new(),
    };
    let mut lines = text.lines().enumerate();
    let mut played = false;
    while let Some((index, line)) = lines.next() {
        stage.out.push_str(line);
        stage.out.push('\n');
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (line, end) = match line.split_once("<<") {
            Some((line, end)) => (line, Some(end.trim().to_owned())),
            None => (line, None),
        };
        let mut row = Row::read(name, index + 1, line)?;
        if let Some(end) = end {
            let mut body = String::new();
            loop {
                let Some((_, line)) = lines.next() else {
                    return Err(row.error(
                        format!("`<<{end}` has no end"),
                        format!("write `{end}` on a line of its own"),
                    ));
                };
                stage.out.push_str(line);
                stage.out.push('\n');
                if line.trim() == end {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            row.body = Some(body);
        }
        stage.play(&row)?;
        played = true;
    }
    match played {
        true => Ok(stage.out),
        false => Err(ScenarioError {
            file: name.to_owned(),
            line: 1,
            what: "it says nothing to play".to_owned(),
            meant: "write a command on each line, such as those of `scenarios/soak.scenario`".to_owned(),
        }),
    }
}

/// A scenario while it runs.
struct Script<'a> {
    sim: Sim,
    dir: &'a Path,
    /// The pipeline that rows speak of: the one applied last.
    pipeline: Option<PipelineRef>,
    /// How much of the log was shown.
    shown: u64,
    out: String,
}

impl Script<'_> {
    fn play(&mut self, row: &Row) -> Result<(), ScenarioError> {
        match row.verb() {
            "pipeline" | "policy" | "roles" | "notifications" | "release" | "evidence" | "promote"
            | "approve-proposal" | "reject-proposal" | "withdraw-proposal" | "approve" | "reject"
            | "request-changes" | "withdraw" | "ask" | "delegate" | "end-delegation" | "override"
            | "confirm-override" | "withdraw-override" | "review" | "calendar" | "waive" | "freeze"
            | "lift-freeze" | "resend-letter" | "enrol-key" | "revoke-key" | "rollback" | "abort"
            | "pause" | "resume" | "advance-rollout" | "lift-bar" | "incident" | "alert" | "lift-suspect"
            | "close-incident" => {
                if let Some(token) = self.token_for_groups(row)? {
                    self.ask(Actor::gateline(), token);
                }
                let (actor, command) = self.command(row)?;
                self.ask(actor, command);
            }
            "traffic" | "check" | "health" | "target" | "channel" | "on-call" | "takes" => {
                self.set_outside(row)?
            }
            "advance" => {
                row.only(1, &[])?;
                let span: Span = row.parse(row.word(0, "a duration")?)?;
                let until = span.after(self.sim.now);
                self.sim.run_until(until);
                self.show_events();
            }
            "crash" => {
                row.only(0, &[])?;
                self.sim.crash(0, Span::from_secs(1));
                let until = Span::from_secs(1).after(self.sim.now);
                self.sim.run_until(until);
                self.say("the server is killed and started again, from the log");
                self.show_events();
            }
            "stop" => {
                row.only(0, &[])?;
                self.sim.stop(0, Span::from_secs(1));
                self.say("the server is told to stop; a second later another one begins");
            }
            "explain" => self.explain(row)?,
            "summary" => self.summary(row)?,
            "preview" => self.preview(row)?,
            "status" => self.status(row)?,
            "log" => self.log(row)?,
            other => {
                return Err(row.error(
                    format!("`{other}` is no command"),
                    "see the list in scenarios/README.md",
                ));
            }
        }
        match self.sim.book.violations.first() {
            Some(violation) => Err(row.error(
                format!("an invariant is violated: {violation}"),
                "this is a bug of Gateline",
            )),
            None => Ok(()),
        }
    }

    fn ask(&mut self, actor: Actor, command: Command) {
        let ticket = self.sim.request(0, actor, command, None);
        self.sim.run_until(self.sim.now);
        self.show_events();
        match self.sim.told.remove(&ticket) {
            Some(Ok(Receipt::Recorded(events))) if events.is_empty() => self.say("nothing changes"),
            Some(Ok(Receipt::Recorded(_) | Receipt::Before(_))) => {}
            Some(Err(Refusal::Rejected(rejection))) => {
                self.say(&format!("not accepted ({}): {}", rejection.code, rejection.says));
                if !rejection.hint.is_empty() {
                    self.say(&format!("  {}", rejection.hint));
                }
            }
            Some(Err(refusal)) => self.say(&format!("not accepted: {refusal:?}")),
            None => self.say("nobody answers"),
        }
    }

    fn say(&mut self, text: &str) {
        self.out.push_str("    ");
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Tells what was recorded since the last time.
    fn show_events(&mut self) {
        let events = self
            .sim
            .store
            .read(self.shown, READ_EVENTS_MAX)
            .expect("memory can be read");
        for recorded in &events {
            if let Some(sentence) = says::event(&self.sim.book.world, recorded) {
                self.say(&format!("{}  {sentence}", says::time(recorded.at)));
            }
        }
        self.shown += events.len() as u64;
    }

    fn pipeline_ref(&self, row: &Row) -> Result<&PipelineRef, ScenarioError> {
        let none = || {
            row.error(
                "no pipeline was applied yet",
                "apply one first with `pipeline FILE`",
            )
        };
        self.pipeline.as_ref().ok_or_else(none)
    }

    fn stage_ref(&self, row: &Row, stage: &str) -> Result<StageRef, ScenarioError> {
        let PipelineRef { project, pipeline } = self.pipeline_ref(row)?.clone();
        let stage = row.parse(stage)?;
        Ok(StageRef {
            project,
            pipeline,
            stage,
        })
    }

    /// The release with this label. One that was never registered has an id that nobody knows.
    fn release_id(&self, row: &Row, version: &str) -> Result<ReleaseId, ScenarioError> {
        let of = self.pipeline_ref(row)?;
        let known = self.sim.book.world.labelled(of, &row.parse(version)?);
        Ok(known.map_or_else(
            || gateline_model::Digest::of(version.as_bytes()),
            |state| state.id,
        ))
    }

    /// The open promotion of a release into a stage, or the last one that there was.
    fn promotion(&self, row: &Row) -> Result<PromotionId, ScenarioError> {
        self.promotion_of(row, row.word(0, "a release")?)
    }

    fn promotion_of(&self, row: &Row, version: &str) -> Result<PromotionId, ScenarioError> {
        let release = self.release_id(row, version)?;
        let stage = self.stage_ref(row, row.need("to")?)?;
        let events = self
            .sim
            .store
            .read_stream(&StreamId::Stage(stage.clone()), 0)
            .expect("memory can be read");
        let last = events.iter().rev().find_map(|recorded| match &recorded.event {
            gateline_model::Event::PromotionOpened {
                promotion,
                release: of,
                ..
            } if *of == release => Some(promotion.clone()),
            _ => None,
        });
        last.ok_or_else(|| {
            row.error(
                format!("there was no promotion of {version} into {}", stage.stage),
                "promote it first",
            )
        })
    }
}
