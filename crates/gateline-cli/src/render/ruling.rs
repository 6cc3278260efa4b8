//! A ruling in full, for a terminal: the sentence, four numbers, meters, a sparkline of the ratio, and each metric's row.

use gateline_model::RulingKind;
use gateline_model::ruling::{BandPoint, FullRuling, Meter, MetricReading, Replay};

use super::{Line, Page, Style, Table};

/// Columns of a meter.
const METER_WIDTH: usize = 20;
/// Columns of a sparkline.
const SPARK_WIDTH: usize = 48;
/// Heights of a sparkline's columns.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Everything that is shown of a ruling.
pub(crate) fn ruling(ruling: &FullRuling) -> Page {
    let mut page = Page::default();
    page.line(Line::new().piece(style(ruling.ruling), &ruling.headline));
    page.gap();
    page.table(numbers(ruling));
    if !ruling.metrics.is_empty() {
        page.gap();
        page.table(metrics(ruling));
    }
    for metric in &ruling.metrics {
        page.line(Line::new().dim(format!("{}: {}", metric.name, metric.calibration)));
    }
    if let Some((index, metric)) = drawn(ruling) {
        page.gap();
        spark(&mut page, &ruling.band, index, metric);
    }
    if !ruling.why_not.is_empty() || !ruling.notes.is_empty() || !ruling.dropped.is_empty() {
        page.gap();
    }
    for line in &ruling.why_not {
        page.line(Line::new().strong("but ").plain(line));
    }
    for dropped in &ruling.dropped {
        page.line(Line::new().dim(format!(
            "{} ticks from {} to {} s did not count: {}",
            dropped.ticks,
            dropped.from,
            dropped.to,
            dropped.why.why()
        )));
    }
    for note in &ruling.notes {
        page.line(Line::new().wait("note ").plain(note));
    }
    page
}

/// A rollout that was judged again: each ruling that was new, and the last one in full.
pub(crate) fn replay(replay: &Replay) -> Page {
    let full = replay.last.as_ref().and_then(|last| last.full.as_ref());
    let mut page = Page::default();
    page.line(match (replay.same, replay.rulings.len()) {
        (_, 0) => Line::new().dim("nothing was judged in this rollout"),
        (Some(true), count) => {
            Line::new().good(format!("{count} rulings, each the same as recorded, bit for bit"))
        }
        (Some(false), _) => Line::new().bad("the record comes out otherwise"),
        (None, count) => Line::new().plain(format!("{count} rulings by these settings")),
    });
    for ruled in &replay.rulings {
        let at = ruled.ruling.at.strftime("%H:%M:%S").to_string();
        let says = ruled.ruling.says;
        page.line(
            Line::new()
                .dim(format!("{at}  step {}  ", ruled.step + 1))
                .piece(style(says), says.word())
                .plain(format!("  {}", ruled.ruling.headline)),
        );
        if let Some(recorded) = &ruled.recorded {
            page.line(Line::new().bad(format!(
                "          recorded: {}: {}",
                recorded.says.word(),
                recorded.headline
            )));
        }
    }
    match full {
        Some(full) => {
            page.gap();
            page.then(ruling(full))
        }
        None => page,
    }
}

fn style(says: RulingKind) -> Style {
    match says {
        RulingKind::Advance => Style::Good,
        RulingKind::Wait => Style::Run,
        RulingKind::RollBack => Style::Bad,
        RulingKind::Inconclusive => Style::Wait,
    }
}

fn numbers(ruling: &FullRuling) -> Table {
    let numbers = &ruling.numbers;
    let bad = &numbers.bad_requests;
    let exposure = &numbers.exposure;
    let mut table = Table::default();
    let budget = bad
        .budget
        .map_or_else(String::new, |budget| format!(" of {budget:.0} allowed"));
    table.row([
        Line::new().dim("bad requests"),
        format!(
            "{} at the canary, {:.1} expected: {:+.1}{budget}",
            bad.canary, bad.expected, bad.excess
        )
        .into(),
    ]);
    table.row([
        Line::new().dim("against it"),
        meter(numbers.evidence.against, Style::Bad),
    ]);
    table.row([
        Line::new().dim("for it"),
        meter(numbers.evidence.safe, Style::Good),
    ]);
    let more = exposure
        .minutes_more
        .filter(|minutes| *minutes >= 1.0 && ruling.ruling == RulingKind::Wait)
        .map_or_else(String::new, |minutes| {
            format!(", about {minutes:.0} more for a good release")
        });
    table.row([
        Line::new().dim("exposure"),
        format!(
            "{:.0}%, {} requests in {:.1} min{more}",
            exposure.weight, exposure.requests, exposure.minutes
        )
        .into(),
    ]);
    table
}

/// A bar on a logarithmic scale, from 1 to the odds that decide.
fn meter(meter: Meter, style: Style) -> Line {
    let full = (meter.share() * METER_WIDTH as f64).round() as usize;
    Line::new()
        .piece(style, "█".repeat(full))
        .dim("░".repeat(METER_WIDTH - full))
        .plain(format!(
            "  {} to 1, decides at {:.0}",
            odds(meter.odds),
            meter.bar
        ))
}

fn odds(odds: f64) -> String {
    match odds {
        large if large >= 1e6 => format!("{large:.0e}"),
        middle if middle >= 10.0 => format!("{middle:.0}"),
        small => format!("{small:.2}"),
    }
}

fn metrics(ruling: &FullRuling) -> Table {
    let mut table = Table::headed(["metric", "canary", "stable", "ratio", "limit", "against", "for"]);
    for metric in &ruling.metrics {
        let interval = &metric.ratio.interval;
        let is_over = interval.low > metric.ratio.limit;
        let ratio = format!(
            "{:.2} [{:.2}, {:.2}]",
            interval.likely, interval.low, interval.high
        );
        table.row([
            metric.name.as_str().into(),
            percent(metric.canary).into(),
            percent(metric.stable).into(),
            Line::new().piece(if is_over { Style::Bad } else { Style::Plain }, ratio),
            format!("{:.2}", metric.ratio.limit).into(),
            odds(metric.against.odds).into(),
            odds(metric.safe.odds).into(),
        ]);
    }
    table
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// The metric that is drawn: the one with the most evidence against the release.
fn drawn(ruling: &FullRuling) -> Option<(usize, &MetricReading)> {
    let all = ruling.metrics.iter().enumerate();
    all.max_by(|(_, one), (_, other)| one.against.odds.total_cmp(&other.against.odds))
}

/// The likeliest ratio over time, on a logarithmic scale from 1/2 to four times the limit.
fn spark(page: &mut Page, band: &[BandPoint], index: usize, metric: &MetricReading) {
    let points: Vec<&BandPoint> = band
        .iter()
        .filter(|point| point.intervals.len() > index)
        .collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    let (low, high) = (0.5_f64.ln(), (4.0 * metric.ratio.limit).ln());
    let columns = points.len().min(SPARK_WIDTH);
    let mut line = Line::new().dim(format!("{} ", metric.name));
    for column in 0..columns {
        let interval = &points[column * points.len() / columns].intervals[index];
        let share = ((interval.likely.ln() - low) / (high - low)).clamp(0.0, 0.999);
        let height = HEIGHTS[(share * HEIGHTS.len() as f64) as usize];
        let style = if interval.likely >= metric.ratio.limit {
            Style::Bad
        } else {
            Style::Good
        };
        line = line.piece(style, height);
    }
    page.line(line.plain(format!(
        "  {:.2}x now, limit {:.2}x",
        metric.ratio.interval.likely, metric.ratio.limit
    )));
    page.line(Line::new().dim(format!("from {} to {} s", first.at, last.at)));
}
