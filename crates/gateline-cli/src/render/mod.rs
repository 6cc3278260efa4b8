//! Rendering: what a reply looks like to a person. Pure: a view and the time in, a page out.
//!
//! Words, shapes and colours say the same thing, so that none is needed. Text that comes from elsewhere cannot move the
//! cursor: control characters are replaced.

mod board;
mod decision;
mod event;
mod evidence;
mod incident;
mod notifications;
mod people;
mod pipeline;
mod promotion;
mod proposal;
mod release;
mod risk;
mod ruling;
mod stage;
mod table;
mod time;
mod times;
mod waiver;

use std::fmt::Display;

pub(crate) use board::{board, cell_line};
pub(crate) use event::{event_line, reason};
pub(crate) use evidence::{evidence, evidence_list, facts, read_report, unread_report};
pub(crate) use incident::{incident, incidents};
pub(crate) use notifications::{letters, tell_rules};
pub(crate) use people::{can, code, delegations, inbox, roles, who_am_i};
pub(crate) use pipeline::{difference, pipeline, pipelines};
pub(crate) use promotion::{change_line, promotion, promotions, rolling, time_left};
pub(crate) use proposal::{proposal, proposal_detail, proposals};
pub(crate) use release::{release, releases};
pub(crate) use risk::risk;
pub(crate) use ruling::{replay, ruling};
pub(crate) use stage::{freezes, stage};
pub(crate) use table::Table;
pub(crate) use time::{ago, clock, in_future};
pub(crate) use times::{calendar, calendars, overrides, timetables};
pub(crate) use waiver::waivers;

use gateline_api::PromotionState;
use gateline_model::{Health, plays_tricks};

/// What a piece of text is, which picks its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Dim,
    Good,
    Wait,
    Run,
    Bad,
}

impl Style {
    /// The SGR parameters of the terminal.
    fn code(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Strong => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Wait => "33",
            Style::Run => "34",
            Style::Bad => "1;31",
        }
    }

    /// Of a promotion's state.
    pub fn of_state(state: PromotionState) -> Style {
        match state {
            PromotionState::Held | PromotionState::Paused => Style::Wait,
            PromotionState::Admitted | PromotionState::RollingOut | PromotionState::Verifying => Style::Run,
            PromotionState::Verified => Style::Good,
            PromotionState::Refused
            | PromotionState::RollingBack
            | PromotionState::RolledBack
            | PromotionState::RollbackFailed => Style::Bad,
            PromotionState::Expired | PromotionState::Superseded | PromotionState::Aborted => Style::Dim,
        }
    }

    /// Of what is live.
    pub fn of_health(health: Health) -> Style {
        match health {
            Health::Healthy => Style::Good,
            Health::Unhealthy => Style::Bad,
            Health::Unknown => Style::Wait,
        }
    }
}

/// A line, or a cell of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Style, String)>);

macro_rules! pieces {
    ($($name:ident: $style:ident;)*) => {$(
        pub fn $name(self, text: impl Display) -> Self {
            self.piece(Style::$style, text)
        }
    )*};
}

#[expect(dead_code, reason = "one method per style, used or not")]
impl Line {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn piece(mut self, style: Style, text: impl Display) -> Self {
        let text: String = text.to_string().chars().map(harmless).collect();
        if !text.is_empty() {
            self.0.push((style, text));
        }
        self
    }

    pieces! { plain: Plain; strong: Strong; dim: Dim; good: Good; wait: Wait; run: Run; bad: Bad; }

    /// Columns that it takes; every character counts one.
    fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// The same in lines of at most so many columns, cut between words; what is cut stands below the line's last column, where
    /// there is room for it.
    fn wrapped(&self, columns: usize) -> Vec<Line> {
        if self.width() <= columns {
            return vec![self.clone()];
        }
        let text: String = self.0.iter().map(|(_, text)| text.as_str()).collect();
        let hang = hang(&text, columns);
        let (mut lines, mut line, mut at) = (Vec::new(), Line::new(), 0);
        for (style, text) in &self.0 {
            for word in text.split_inclusive(' ') {
                // A space at the border needs no room.
                let mut rest = word;
                let needs = word.trim_end_matches(' ').chars().count();
                if at > hang && at + needs > columns {
                    lines.push(std::mem::take(&mut line));
                    line = line.plain(" ".repeat(hang));
                    at = hang;
                    rest = word.trim_start_matches(' ');
                }
                // A word that is wider than the whole is cut.
                while at + rest.trim_end_matches(' ').chars().count() > columns {
                    let room = columns.saturating_sub(at).max(1);
                    let cut = rest
                        .char_indices()
                        .nth(room)
                        .map_or(rest.len(), |(index, _)| index);
                    lines.push(std::mem::take(&mut line).piece(*style, &rest[..cut]));
                    line = line.plain(" ".repeat(hang));
                    at = hang;
                    rest = &rest[cut..];
                }
                at += rest.chars().count();
                line = line.piece(*style, rest);
            }
        }
        lines.push(line);
        lines
    }

    fn write(&self, color: bool, to: &mut String) {
        for (style, text) in &self.0 {
            if color && *style != Style::Plain {
                to.push_str("\x1b[");
                to.push_str(style.code());
                to.push('m');
                to.push_str(text);
                to.push_str("\x1b[0m");
            } else {
                to.push_str(text);
            }
        }
    }
}

impl<T: Display> From<T> for Line {
    fn from(text: T) -> Self {
        Line::new().plain(text)
    }
}

/// Where the last column of a line begins that still leaves half of the width; two spaces and more are between columns.
fn hang(text: &str, columns: usize) -> usize {
    let (mut last, mut spaces) = (0, 0);
    for (at, c) in text.chars().enumerate().take(columns / 2) {
        if c != ' ' && spaces >= 2 {
            last = at;
        }
        spaces = if c == ' ' { spaces + 1 } else { 0 };
    }
    last
}

/// A character that only stands where it is written.
fn harmless(c: char) -> char {
    match c {
        '\n' | '\t' | '\r' => ' ',
        c if plays_tricks(c) => '\u{fffd}',
        c => c,
    }
}

/// What is shown for one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page(Vec<Line>);

impl Page {
    pub fn line(&mut self, line: impl Into<Line>) {
        self.0.push(line.into());
    }

    /// An empty line, where something stands above.
    pub fn gap(&mut self) {
        if self.0.last().is_some_and(|line| !line.0.is_empty()) {
            self.0.push(Line::new());
        }
    }

    /// Both, one below the other.
    pub fn then(mut self, below: Page) -> Page {
        self.0.extend(below.0);
        self
    }

    pub fn table(&mut self, table: Table) {
        self.0.extend(table.into_lines());
    }

    /// What to do next.
    pub fn hint(&mut self, hint: &str) {
        self.0.push(Line::new().strong("hint").plain(format!(": {hint}")));
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The same with no line wider than so many columns.
    pub fn wrapped(&self, columns: usize) -> Page {
        Page(self.0.iter().flat_map(|line| line.wrapped(columns)).collect())
    }

    /// At most so many lines; the last one says how many more there are.
    pub fn clipped(&self, lines_max: usize) -> Page {
        if self.0.len() <= lines_max {
            return self.clone();
        }
        let kept = lines_max.saturating_sub(1);
        let mut lines = self.0[..kept].to_vec();
        lines.push(Line::new().dim(format!("and {} more lines", self.0.len() - kept)));
        Page(lines)
    }

    pub fn to_text(&self, color: bool) -> String {
        let mut text = String::new();
        for line in &self.0 {
            line.write(color, &mut text);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_move_the_cursor() {
        let mut page = Page::default();
        page.line("a\x1b[2Jb\nc\u{9b}d\u{202e}e");
        assert_eq!(page.to_text(true), "a\u{fffd}[2Jb c\u{fffd}d\u{fffd}e\n");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let mut page = Page::default();
        page.line(Line::new().good("ok").plain(" tests"));
        assert_eq!(page.to_text(false), "ok tests\n");
        assert_eq!(page.to_text(true), "\x1b[32mok\x1b[0m tests\n");
    }

    #[test]
    fn a_narrow_terminal_gets_every_word_below_the_column_that_it_is_of() {
        let mut page = Page::default();
        page.line("  ruling  WAITING: the canary is warming up, and that takes time");
        page.line(Line::new().strong("short"));
        let told =
            "  ruling  WAITING: the canary is\n          warming up, and that\n          takes time\nshort\n";
        let text = page.wrapped(34).to_text(false).replace(" \n", "\n");
        assert_eq!(text, told);
        let mut long = Page::default();
        long.line("a sha256:0123456789abcdef");
        let cut = long.wrapped(10).to_text(false).replace(" \n", "\n");
        assert!(cut.lines().all(|line| line.chars().count() <= 10), "{cut}");
        assert_eq!(cut.replace('\n', ""), "asha256:0123456789abcdef", "{cut}");
    }

    #[test]
    fn a_clipped_page_says_what_is_missing() {
        let mut page = Page::default();
        for n in 1..=5 {
            page.line(n);
        }
        assert_eq!(page.clipped(3).to_text(false), "1\n2\nand 3 more lines\n");
        assert_eq!(page.clipped(5), page);
    }
}
