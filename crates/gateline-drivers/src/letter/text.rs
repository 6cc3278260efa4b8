//! What a letter says, in lines: the same words for every channel. Escaping is each channel's own.

use gateline_model::{Letter, Notice, NoticeGate, NoticeOfPromotion, Summary, moment};

use super::Envelope;

/// Notices that are told in full; of the others there is one line each.
pub(super) const FULL_MAX: usize = 5;

/// One line for the whole letter, without line ends.
pub fn subject(letter: &Letter) -> String {
    let count = letter.notices.len() + letter.more as usize;
    let text = match letter.notices.first() {
        Some(only) if count == 1 => title(&only.notice),
        _ => format!("{count} things happened in {}", letter.project),
    };
    text.chars()
        .map(|letter| {
            if gateline_model::plays_tricks(letter) {
                ' '
            } else {
                letter
            }
        })
        .collect()
}

/// What happened to what.
pub(super) fn title(notice: &Notice) -> String {
    match &notice.promotion {
        Some(brief) => {
            let stage = &brief.id.stage;
            format!(
                "{}@{} into {}: {}",
                stage.pipeline, brief.version, stage.stage, notice.says
            )
        }
        None => format!("{}: {}", notice.stream, notice.says),
    }
}

/// Where the promotion stands: its number, risk and headline. Where it asks, also what those who are asked see elsewhere;
/// gates are said apart, each with its reason.
pub(super) fn standing(envelope: Envelope<'_>, brief: &NoticeOfPromotion) -> Vec<String> {
    let risk = brief
        .risk
        .map(|risk| format!(", risk {}", risk.word()))
        .unwrap_or_default();
    let (satisfied, all) = brief.satisfied;
    let gates = if all > 0 {
        format!(", {satisfied} of {all} gates satisfied")
    } else {
        String::new()
    };
    let mut lines = vec![format!("Promotion {}{risk}{gates}", brief.id)];
    if !brief.headline.is_empty() {
        lines.push(brief.headline.clone());
    }
    // What is asked now is not what this letter asked, once the question has changed.
    let asks = |summary: &&Summary| summary.promotion == brief.id && brief.question == Some(summary.question);
    if let Some(summary) = envelope.summaries.iter().find(asks) {
        let rows = summary
            .rows(moment)
            .into_iter()
            .filter(|(name, _)| *name != "gates");
        lines.extend(rows.map(|(name, row)| format!("{name}: {}", row.join("; "))));
    }
    lines
}

/// A gate that is not satisfied: what it says, why it is there, and what would satisfy it.
pub(super) fn gate(gate: &NoticeGate) -> Vec<String> {
    let NoticeGate {
        gate,
        verdict,
        says,
        because,
        next,
    } = gate;
    let mut lines = vec![
        format!("{gate} {verdict}: {says}"),
        format!("Why it is there: {because}"),
    ];
    if !next.is_empty() {
        lines.push(format!("What would satisfy it: {next}"));
    }
    lines
}

/// What else is to be said of a notice.
pub(super) fn errored(notice: &Notice) -> Option<String> {
    let why = notice.errored.as_ref()?;
    Some(format!(
        "It is told although the rule's condition could not be judged: {why}"
    ))
}

/// What there was no room for.
pub(super) fn more(letter: &Letter) -> Option<String> {
    (letter.more > 0).then(|| format!("and {} more; see the log", letter.more))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{letter, notice};
    use super::*;

    #[test]
    fn a_subject_is_one_line_whatever_is_in_it() {
        let mut letter = letter();
        assert_eq!(
            subject(&letter),
            "payment-service@1.4.0 into production: tech-lead asked"
        );
        let mut evil = notice();
        evil.says = "x\r\nBcc: all@example.com".to_owned();
        letter.notices[0].notice = evil.into();
        assert!(!subject(&letter).contains(['\r', '\n']));
        letter.more = 2;
        assert_eq!(subject(&letter), "3 things happened in payments");
    }

    #[test]
    fn a_gate_says_why_it_is_there_and_what_would_satisfy_it() {
        let notice = notice();
        let lines = gate(&notice.promotion.unwrap().gates[0]);
        assert!(lines[1].starts_with("Why it is there: Money moves"));
        assert!(lines[2].starts_with("What would satisfy it: approve"));
    }
}
