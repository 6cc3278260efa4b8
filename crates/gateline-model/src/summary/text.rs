//! A summary as rows of text: the same words on a page, in a terminal, in a message. It fits one screen.

use jiff::Timestamp;

use super::{Act, Brings, GateNow, GateStands, Summary};
use crate::PromotionKind;

/// Most lines of a summary's text.
pub const SUMMARY_LINES_MAX: usize = 24;
/// Most characters of one of its lines.
pub const SUMMARY_COLUMNS_MAX: usize = 100;

/// Columns before the words of a row.
const INDENT: usize = 12;
/// Most factors that are shown of a risk.
const FACTORS_MAX: usize = 3;
/// Most gates that are shown besides their count.
const EXCEPTIONS_MAX: usize = 3;
/// Most layers.
const LAYERS_SHOWN_MAX: usize = 2;
/// Most answers of no that are shown.
const REFUSALS_MAX: usize = 2;

/// The row of what is recommended. It may take two lines, as the next may.
const DO: &str = "do";
/// The row of who is told, and when.
const TOLD: &str = "told";

/// One part of a summary: its name and its lines, the first of which says the most.
pub type SummaryRow = (&'static str, Vec<String>);

/// A moment in a text that is read somewhere else: whole, and in UTC.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

impl Summary {
    /// What it is about, as one line without the code.
    pub fn title(&self) -> String {
        let Self {
            promotion, version, ..
        } = self;
        let into = match self.kind {
            PromotionKind::Forward => "into",
            PromotionKind::Rollback => "back into",
        };
        let stage = &promotion.stage;
        format!("{}@{version} {into} {}", stage.pipeline, stage.stage)
    }

    /// All parts, in the order in which they are read. `time` says a moment as the reader's clock has it.
    pub fn rows(&self, time: impl Fn(Timestamp) -> String) -> Vec<SummaryRow> {
        let mut rows = vec![
            ("changes", self.brings.lines(&time)),
            ("risk", self.risk_lines()),
            ("gates", self.gate_lines()),
        ];
        let ahead = &self.ahead;
        let mut next = vec![ahead.rollout.clone(), ahead.rollback.clone()];
        next.extend(ahead.forecast.clone());
        rows.push(("next", next));
        let mut asked: Vec<String> = self.refusals.iter().take(REFUSALS_MAX).cloned().collect();
        asked.extend(capped(
            self.asked.iter().map(|layer| layer.says.clone()).collect(),
            LAYERS_SHOWN_MAX,
            "layers",
        ));
        if asked.is_empty() {
            asked.push("nobody".to_owned());
        }
        rows.push(("asked", asked));
        let expires = format!("the promotion expires {}", time(self.expires_at));
        rows.push((
            "until",
            vec![match self.answer_by {
                Some(at) => format!("answer by {}; {expires}", time(at)),
                None => expires,
            }],
        ));
        let told = self
            .told
            .iter()
            .map(|told| format!("{}: {}", told.when, told.who));
        let told = told.collect::<Vec<_>>().join("; ");
        rows.push((TOLD, if told.is_empty() { Vec::new() } else { vec![told] }));
        rows.push((DO, vec![self.recommendation()]));
        rows.retain(|(_, lines)| !lines.is_empty());
        rows
    }

    /// The recommended act with its reason, as one line.
    pub fn recommendation(&self) -> String {
        format!("{}: {}", self.recommended.act.words(), self.recommended.because)
    }

    /// The whole as plain text: at most [`SUMMARY_LINES_MAX`] lines of [`SUMMARY_COLUMNS_MAX`] characters.
    pub fn text(&self, time: impl Fn(Timestamp) -> String) -> String {
        let mut lines = vec![cut(
            &format!("{}   decision code {}", self.title(), self.code),
            SUMMARY_COLUMNS_MAX,
        )];
        for (name, row) in self.rows(time) {
            let columns = SUMMARY_COLUMNS_MAX - INDENT;
            let row: Vec<String> = match name {
                DO | TOLD => row.iter().flat_map(|line| folded(line, columns)).collect(),
                _ => row,
            };
            for (index, line) in row.iter().enumerate() {
                let name = if index == 0 { name } else { "" };
                let words = cut(line, columns);
                lines.push(format!("  {name:<width$}{words}", width = INDENT - 2));
            }
        }
        // The caps of the rows keep it below; a new row that forgets its cap is cut before the recommendation.
        while lines.len() > SUMMARY_LINES_MAX {
            lines.remove(lines.len() - 2);
        }
        lines.join("\n")
    }

    fn risk_lines(&self) -> Vec<String> {
        let weighing: Vec<_> = self
            .risk
            .factors
            .iter()
            .filter(|factor| factor.points > 0 || factor.is_unknown())
            .collect();
        let mut lines = vec![format!("{}: {}", self.risk.level.word(), self.risk.why)];
        lines.extend(capped(
            weighing.iter().map(|factor| factor.line()).collect(),
            FACTORS_MAX,
            "factors",
        ));
        lines
    }

    fn gate_lines(&self) -> Vec<String> {
        let exceptional: Vec<&GateNow> = self
            .gates
            .iter()
            .filter(|gate| gate.stands != GateStands::Satisfied)
            .collect();
        let satisfied = self.gates.len() - exceptional.len();
        let counted = match (exceptional.len(), satisfied) {
            (0, 0) => "none in front of you".to_owned(),
            (0, 1) => "the only one is satisfied".to_owned(),
            (0, all) => format!("all {all} satisfied, none by exception"),
            (some, all) => format!("{some} to look at, {all} satisfied"),
        };
        let one = |gate: &&GateNow| format!("{} {}: {}", gate.stands.word(), gate.gate, gate.says);
        let mut lines = vec![counted];
        lines.extend(capped(
            exceptional.iter().map(one).collect(),
            EXCEPTIONS_MAX,
            "gates",
        ));
        lines
    }

    /// Whether somebody is asked now, so that an answer counts.
    pub fn is_asked(&self) -> bool {
        matches!(self.recommended.act, Act::Approve | Act::Look)
    }
}

impl Brings {
    fn lines(&self, time: &impl Fn(Timestamp) -> String) -> Vec<String> {
        let Self {
            kind,
            live,
            live_since,
            differs,
            tickets,
            text,
        } = self;
        let place = match (live, live_since) {
            (Some(live), Some(since)) => format!("in place of {live}, live since {}", time(*since)),
            (Some(live), None) => format!("in place of {live}"),
            (None, _) => "the first release here".to_owned(),
        };
        let mut lines = vec![format!("{kind}; {place}"), differs.clone()];
        if let Some(text) = text {
            let mut said = Vec::new();
            if !text.authors.is_empty() {
                said.push(format!("by {}", text.authors.join(", ")));
            }
            if !tickets.is_empty() {
                said.push(tickets.join(", "));
            }
            let note = text.notes.lines().map(str::trim).find(|line| !line.is_empty());
            said.extend(note.map(|note| format!("\"{note}\"")));
            lines.push(said.join("; "));
        } else if !tickets.is_empty() {
            lines.push(tickets.join(", "));
        }
        lines.retain(|line| !line.is_empty());
        lines
    }
}

/// The first lines, and how many more there are where they are too many.
fn capped(mut lines: Vec<String>, most: usize, what: &str) -> Vec<String> {
    if lines.len() > most {
        let more = lines.len() - most + 1;
        lines.truncate(most - 1);
        lines.push(format!("and {more} more {what}"));
    }
    lines
}

/// A line in two where one is too short for it, at a space.
fn folded(line: &str, columns: usize) -> Vec<String> {
    let first: String = line.chars().take(columns + 1).collect();
    match first.rfind(' ').filter(|_| first.chars().count() > columns) {
        Some(at) => vec![line[..at].to_owned(), line[at + 1..].to_owned()],
        None => vec![line.to_owned()],
    }
}

/// One line of so many characters: line breaks become spaces, and what is too long ends in `..`.
fn cut(line: &str, columns: usize) -> String {
    let line: String = line
        .chars()
        .map(|letter| if crate::plays_tricks(letter) { ' ' } else { letter })
        .collect();
    if line.chars().count() <= columns {
        return line.trim_end().to_owned();
    }
    let kept: String = line.chars().take(columns - 2).collect();
    format!("{}..", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Ahead, AssessedBy, Assessment, ChangeText, Digest, FactorPart, LayerSays, PromotionId, Recommended,
        Risk, Side, Told,
    };

    fn long() -> String {
        "words that go on and on ".repeat(20)
    }

    fn summary(many: usize) -> Summary {
        let promotion: PromotionId = "payments/payment-service/production/7".parse().unwrap();
        let factor = |index: usize| FactorPart {
            factor: format!("factor{index}"),
            of: Side::Impact,
            value: None,
            points: 10,
            at_most: 10,
            why: long(),
        };
        Summary {
            promotion,
            version: "1.4.0".parse().unwrap(),
            kind: PromotionKind::Forward,
            question: Digest::of(b"question"),
            code: "7f3a 90c2".to_owned(),
            brings: Brings {
                kind: "feature, breaking".to_owned(),
                live: None,
                live_since: None,
                differs: long(),
                tickets: vec!["PAY-1".to_owned(); many],
                text: Some(ChangeText {
                    authors: vec!["Ann".to_owned(); many],
                    notes: "\n\nFirst line\u{1b}[31m\nsecond".to_owned(),
                }),
            },
            risk: Assessment {
                level: Risk::High,
                by: AssessedBy::Table,
                factors: (0..many).map(factor).collect(),
                why: long(),
                ..Assessment::default()
            },
            gates: (0..many)
                .map(|index| GateNow {
                    gate: format!("gate{index}").parse().unwrap(),
                    stands: GateStands::Overridden,
                    says: long(),
                })
                .collect(),
            ahead: Ahead {
                rollout: long(),
                rollback: long(),
                forecast: Some(long()),
            },
            asked: vec![
                LayerSays {
                    now: true,
                    complete: false,
                    says: long(),
                };
                many
            ],
            refusals: vec![long(); many],
            answer_by: Some(Timestamp::UNIX_EPOCH),
            expires_at: Timestamp::UNIX_EPOCH,
            told: vec![
                Told {
                    when: "now".to_owned(),
                    who: long(),
                };
                many
            ],
            recommended: Recommended {
                act: Act::Look,
                because: long(),
            },
        }
    }

    #[test]
    fn a_summary_fits_one_screen_however_much_there_is_to_say() {
        for many in [0, 1, 2, 3, 40] {
            let text = summary(many).text(|at| at.to_string());
            assert!(text.lines().count() <= SUMMARY_LINES_MAX, "{many}: {text}");
            assert!(
                text.lines()
                    .all(|line| line.chars().count() <= SUMMARY_COLUMNS_MAX),
                "{text}"
            );
            assert!(
                text.lines()
                    .rev()
                    .take(2)
                    .any(|line| line.contains("look closer")),
                "{text}"
            );
        }
    }

    #[test]
    fn no_part_is_left_out_where_there_is_much_to_say() {
        let summary = summary(40);
        let names: Vec<&str> = summary
            .rows(|at| at.to_string())
            .iter()
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(
            names,
            ["changes", "risk", "gates", "next", "asked", "until", "told", "do"]
        );
        let lines: usize = summary
            .rows(|at| at.to_string())
            .iter()
            .map(|(_, lines)| lines.len())
            .sum();
        assert!(
            // The title, and the second lines of two rows.
            lines + 3 <= SUMMARY_LINES_MAX,
            "{lines} lines are more than is shown, and one would be dropped"
        );
    }

    #[test]
    fn a_note_cannot_write_on_the_terminal() {
        let text = summary(1).text(|at| at.to_string());
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.contains("First line"), "{text}");
    }
}
