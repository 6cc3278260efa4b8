//! Making commands of rows: calendars, freezes, and what is asked of overrides.

use std::sync::Arc;

use gateline_core::Command;
use gateline_model::{Freeze, Recurs, Span, Window, Zone};

use super::Script;
use super::make::listed;
use super::row::{Row, ScenarioError};

impl Script<'_> {
    pub(super) fn calendar_command(&self, row: &Row) -> Result<Command, ScenarioError> {
        row.only(1, &["by"])?;
        let text = row.body.clone().unwrap_or_default();
        let today = Zone::utc().date(self.sim.now);
        let calendar = gateline_spec::read_calendar(&text, today)
            .map_err(|err| row.error(format!("the calendar is wrong: {err}"), "mend it"))?;
        Ok(Command::ApplyCalendar {
            project: self.pipeline_ref(row)?.project.clone(),
            name: row.parse(row.word(0, "a name")?)?,
            calendar: Arc::new(calendar),
            written: None,
        })
    }

    pub(super) fn freeze_command(&self, row: &Row, reason: String) -> Result<Command, ScenarioError> {
        let project = self.pipeline_ref(row)?.project.clone();
        if row.verb() == "lift-freeze" {
            row.only(1, &["by", "reason"])?;
            return Ok(Command::LiftFreeze {
                project,
                name: row.parse(row.word(0, "a name")?)?,
                reason,
            });
        }
        row.only(
            2,
            &[
                "stages", "from", "until", "every", "hours", "zone", "calendar", "exempt", "by", "reason",
            ],
        )?;
        let span = |text| row.parse::<Span>(text).map(|span| span.after(self.sim.now));
        let kinds: Vec<String> = listed(row, "exempt")?;
        let exempt = kinds.into_iter().map(|kind| {
            serde_json::from_value(kind.as_str().into())
                .map_err(|_| row.error(format!("`{kind}` is no kind of change"), "write hotfix, fix, .."))
        });
        Ok(Command::DeclareFreeze {
            project,
            freeze: Freeze {
                name: row.parse(row.word(0, "a name")?)?,
                pipeline: None,
                stages: listed(row, "stages")?,
                from: row.get("from").map(span).transpose()?.unwrap_or(self.sim.now),
                until: span(row.need("until")?)?,
                recurs: recurs(row)?,
                exempt: exempt.collect::<Result<_, _>>()?,
                applies_to_rollback: row.has("applies-to-rollback"),
            },
            reason,
        })
    }

    pub(super) fn override_command(&self, row: &Row, reason: String) -> Result<Command, ScenarioError> {
        row.only(1, &["to", "by", "gate", "until", "reason"])?;
        let gate = row.parse(row.need("gate")?)?;
        Ok(match row.verb() {
            "override" => {
                let lasts: Span = row.parse(row.need("until")?)?;
                Command::Override {
                    promotion: self.promotion(row)?,
                    gate,
                    until: lasts.after(self.sim.now),
                    reason,
                }
            }
            "withdraw-override" => Command::WithdrawOverride {
                promotion: self.promotion(row)?,
                gate,
                reason,
            },
            "confirm-override" => Command::ConfirmOverride {
                promotion: self.promotion(row)?,
                gate,
                asked_at: None,
            },
            _ => {
                let release = self.release_id(row, row.word(0, "a release")?)?;
                let stage = self.stage_ref(row, row.need("to")?)?;
                let state = self.sim.book.world.stage(&stage);
                let mut reviews = state.iter().flat_map(|state| &state.reviews);
                let open = reviews.find(|review| review.release == release && review.gate == gate);
                let promotion = open.map(|review| review.promotion.clone());
                Command::WriteReview {
                    promotion: match promotion {
                        Some(promotion) => promotion,
                        None => self.promotion(row)?,
                    },
                    gate,
                    text: reason,
                }
            }
        })
    }
}

fn recurs(row: &Row) -> Result<Option<Recurs>, ScenarioError> {
    let zone: Zone = row
        .get("zone")
        .map_or_else(|| Ok(Zone::utc()), |zone| row.parse(zone))?;
    if let Some(name) = row.get("calendar") {
        let name = row.parse(name)?;
        return Ok(Some(Recurs::Calendar { name, zone }));
    }
    if row.get("every").is_none() {
        return Ok(None);
    }
    let hours = row.get("hours").unwrap_or("00:00-24:00");
    let (from, to) = hours
        .split_once('-')
        .ok_or_else(|| row.error(format!("`{hours}` are no hours"), "write 09:00-17:00"))?;
    Ok(Some(Recurs::Hours(Window {
        zone,
        days: listed(row, "every")?,
        months: Vec::new(),
        from: row.parse(from)?,
        to: row.parse(to)?,
        holidays: Vec::new(),
        applies_to_rollback: false,
    })))
}
