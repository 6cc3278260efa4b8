//! Waivers, one row each.

use gateline_api::WaiverView;
use jiff::Timestamp;

use super::time::clock;
use super::{Line, Page, Table, reason};

/// Waivers, those that end first in front.
pub(crate) fn waivers(list: &[WaiverView], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no waivers");
        return page;
    }
    let mut table = Table::headed([
        "waiver", "finding", "severity", "where", "until", "by", "ticket", "reason",
    ]);
    for view in list {
        let waiver = &view.waiver;
        let stage = waiver
            .stage
            .as_ref()
            .map_or("every stage".to_owned(), ToString::to_string);
        let rule = waiver.rule.as_deref().unwrap_or(&waiver.finding);
        table.row([
            Line::from(view.id.short()),
            format!("{rule} in {}", waiver.place).into(),
            waiver.severity.name().into(),
            format!("{}: {stage}", waiver.pipeline).into(),
            clock(waiver.until, now).into(),
            (&waiver.by).into(),
            waiver.ticket.as_deref().unwrap_or("").into(),
            reason(view.reason.as_deref(), view.erased.as_ref(), now).into(),
        ]);
    }
    page.table(table);
    page
}
