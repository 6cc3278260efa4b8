//! Setting the outside: traffic, checks, health, targets that do not behave, and how long things take.

use gateline_model::{Health, Percent, Span};

use super::Script;
use super::row::{Row, ScenarioError};
use crate::outside::{Answer, Trick};
use crate::traffic::Load;

impl Script<'_> {
    fn set_traffic(&mut self, row: &Row) -> Result<(), ScenarioError> {
        let outside = &mut self.sim.outside;
        row.only(1, &["errors", "latency", "rps", "uncounted"])?;
        if let Some(why) = row.get("uncounted") {
            outside.uncounted = Some(why.to_owned()).filter(|why| !why.is_empty());
        }
        if let Some(rps) = row.value("rps")? {
            outside.rps = rps;
        }
        if let Ok(version) = row.word(0, "a release") {
            let errors: Option<Percent> = row.value("errors")?;
            let latency: Option<Span> = row.value("latency")?;
            let load = Load {
                errors_ppm: errors.map_or(0, |percent| (percent.as_f64() * 10_000.0) as u64),
                latency_ms: latency
                    .map_or(Load::default().latency_ms, |span| span.as_millis().unsigned_abs()),
            };
            outside.loads.insert(row.parse(version)?, load);
        }
        Ok(())
    }

    pub(super) fn set_outside(&mut self, row: &Row) -> Result<(), ScenarioError> {
        let outside = &mut self.sim.outside;
        match row.verb() {
            "traffic" => self.set_traffic(row)?,
            "check" => {
                row.only(1, &["status", "latency", "value", "exit", "errored", "noise"])?;
                let latency: Option<Span> = row.value("latency")?;
                let answer = Answer {
                    status: row.value("status")?,
                    latency_ms: latency.map(|span| span.as_millis().unsigned_abs()),
                    value: row.value("value")?,
                    exit_code: row.value("exit")?,
                    errored: row.get("errored").map(str::to_owned),
                    noise: row.value("noise")?.unwrap_or(0),
                    body: row.body.clone(),
                };
                outside.answers.insert(row.parse(row.word(0, "a gate")?)?, answer);
            }
            "health" => {
                row.only(2, &[])?;
                let health = match row.word(1, "`healthy`, `unhealthy` or `unknown`")? {
                    "healthy" => Health::Healthy,
                    "unhealthy" => Health::Unhealthy,
                    "unknown" => Health::Unknown,
                    other => {
                        return Err(row.error(
                            format!("`{other}` is no health"),
                            "write `healthy`, `unhealthy` or `unknown`",
                        ));
                    }
                };
                outside.health.insert(row.parse(row.word(0, "a stage")?)?, health);
            }
            "on-call" => {
                row.only(1, &["says", "errored"])?;
                let names = row.get("says").into_iter().flat_map(|names| names.split(','));
                let names = names.filter(|name| !name.is_empty());
                let who = match row.get("errored") {
                    Some(why) => Err(why.to_owned()),
                    None => Ok(names.map(|name| row.parse(name)).collect::<Result<_, _>>()?),
                };
                outside.on_call.insert(row.parse(row.word(0, "a team")?)?, who);
            }
            "channel" => {
                row.only(2, &["why"])?;
                let channel = row.parse(row.word(0, "a channel")?)?;
                match row.word(1, "`takes` or `fails`")? {
                    "takes" => drop(outside.channels.remove(&channel)),
                    "fails" => {
                        let why = row.get("why").unwrap_or("no answer").to_owned();
                        outside.channels.insert(channel, why);
                    }
                    other => {
                        let meant = "write `takes` or `fails`";
                        return Err(row.error(format!("a channel does not do `{other}`"), meant));
                    }
                }
            }
            "target" => {
                row.only(2, &["why", "times"])?;
                let why = row.get("why").unwrap_or("no answer").to_owned();
                let trick = match row.word(1, "`fails`, `unknown`, `applied-but-unknown` or `lies`")? {
                    "fails" => Trick::Fail(why),
                    "unknown" => Trick::Unknown(why),
                    "applied-but-unknown" => Trick::AppliedButUnknown(why),
                    "lies" => Trick::Lie,
                    other => {
                        let meant = "write `fails`, `unknown`, `applied-but-unknown` or `lies`";
                        return Err(row.error(format!("a target does not do `{other}`"), meant));
                    }
                };
                let times = row.value("times")?.unwrap_or(1);
                let tricks = outside
                    .tricks
                    .entry(row.parse(row.word(0, "a stage")?)?)
                    .or_default();
                tricks.extend(std::iter::repeat_n(trick, times));
            }
            _ => {
                row.only(0, &["step", "check"])?;
                self.sim.faults.step = row.value("step")?.unwrap_or(self.sim.faults.step);
                self.sim.faults.check = row.value("check")?.unwrap_or(self.sim.faults.check);
            }
        }
        Ok(())
    }
}
