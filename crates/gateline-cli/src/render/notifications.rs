//! Letters, one row each, and the rules that plan them.

use gateline_api::NotificationsView;
use gateline_model::{Letter, LetterState, TellRule, TellTo, Whom};
use jiff::Timestamp;

use super::time::clock;
use super::{Line, Page, Table};

/// Letters, those that wait in front.
pub(crate) fn letters(list: &[Letter], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no letters");
        return page;
    }
    let mut table = Table::headed(["letter", "state", "to", "at", "tries", "tells", "channel said"]);
    for letter in list {
        let state = match letter.state {
            LetterState::Pending => Line::from("pending"),
            LetterState::Sent => Line::new().good("sent"),
            LetterState::Failed => Line::new().bad("failed"),
        };
        let more = letter.notices.len() + letter.more as usize;
        let first = letter.notices.first().map(|first| {
            let notice = &first.notice;
            format!("{}: {}", notice.stream, notice.says)
        });
        let tells = match more {
            0 | 1 => first.unwrap_or_default(),
            more => format!("{} and {} more", first.unwrap_or_default(), more - 1),
        };
        table.row([
            Line::from(letter.number.to_string()),
            state,
            letter.to.to_string().into(),
            clock(letter.due, now).into(),
            letter.attempts.to_string().into(),
            tells.into(),
            letter.says.as_deref().unwrap_or("").into(),
        ]);
    }
    page.table(table);
    page
}

/// The rules in force.
pub(crate) fn tell_rules(view: &NotificationsView) -> Page {
    let mut page = Page::default();
    let rules = &view.notifications;
    page.line(
        Line::new()
            .strong(format!("notifications of {}", rules.project))
            .dim(format!("  {}", view.version.short())),
    );
    let mut table = Table::headed(["rule", "on", "when", "to", "once", "digest"]);
    for rule in &rules.rules {
        let TellRule {
            name,
            on,
            when,
            to,
            once,
            digest,
        } = rule;
        let to: Vec<String> = to.iter().map(told).collect();
        table.row([
            Line::from(name.to_string()),
            on.join(", ").into(),
            when.as_deref().unwrap_or("always").into(),
            to.join("; ").into(),
            once.as_deref().unwrap_or("").into(),
            digest.map(|digest| digest.to_string()).unwrap_or_default().into(),
        ]);
    }
    page.table(table);
    for (channel, most) in &rules.per_hour {
        page.line(format!("at most {most} letters an hour to {channel}"));
    }
    page
}

fn told(told: &TellTo) -> String {
    let people: Vec<String> = told.people.iter().map(Whom::to_string).collect();
    match people.is_empty() {
        true => told.channel.to_string(),
        false => format!("{} ({})", told.channel, people.join(", ")),
    }
}
