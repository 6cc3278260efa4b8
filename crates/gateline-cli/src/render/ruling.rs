//! A ruling in full, for a terminal: the sentence, four numbers, meters, a sparkline of the ratio, and each metric's row.

use gateline_model::RulingKind;
use gateline_model::ruling::{BandPoint, FullRuling, Meter, MetricReading, Replay, figure, odds, short};

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
    if let Some((index, metric)) = ruling.drawn()
        && let Some((line, (from, until))) = sparkline(&ruling.band, index, metric)
    {
        page.gap();
        page.line(line);
        page.line(Line::new().dim(format!("from {from} to {until} s")));
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
        .plain(format!("┃ {}", meter.says()))
}

/// What moves while a rollout is judged, by name: both meters, the ratio over time, and what is left.
pub(super) fn moving(ruling: &FullRuling) -> Vec<(&'static str, Line)> {
    let evidence = &ruling.numbers.evidence;
    let mut rows = vec![
        ("against it", meter(evidence.against, Style::Bad)),
        ("for it", meter(evidence.safe, Style::Good)),
    ];
    if let Some((index, metric)) = ruling.drawn()
        && let Some((line, _)) = sparkline(&ruling.band, index, metric)
    {
        rows.push(("ratio", line));
    }
    rows.extend(ruling.forecast().map(|forecast| ("forecast", forecast.into())));
    rows
}

/// The same in a few words, for a line of text.
pub(super) fn in_short(ruling: &FullRuling) -> String {
    let against = ruling.numbers.evidence.against;
    let forecast = ruling.forecast().map_or_else(String::new, |forecast| {
        let told = forecast.trim_end_matches('.');
        format!(", {}", told.to_lowercase())
    });
    format!("against it {}{forecast}", against.says())
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
    let percent = share * 100.0;
    match percent.abs() {
        // Two places would show nothing of it.
        small if small < 0.1 => format!("{}%", figure(percent)),
        _ => format!("{percent:.2}%"),
    }
}

/// The likeliest ratio over time as a line, and the stretch that it covers, in seconds.
fn sparkline(band: &[BandPoint], index: usize, metric: &MetricReading) -> Option<(Line, (f64, f64))> {
    let points: Vec<&BandPoint> = band
        .iter()
        .filter(|point| point.intervals.len() > index)
        .collect();
    let (first, last) = (points.first()?, points.last()?);
    // On a logarithmic scale from 1/2 to four times the limit.
    let (low, high) = (0.5_f64.ln(), (4.0 * metric.ratio.limit).ln());
    let columns = points.len().min(SPARK_WIDTH);
    let interval = &metric.ratio.interval;
    // The numbers first: a narrow terminal cuts the end.
    let mut line = Line::new().plain(format!(
        "{} {}x ({} to {}), limit {}x ",
        metric.name,
        short(interval.likely),
        short(interval.low),
        short(interval.high),
        short(metric.ratio.limit)
    ));
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
    Some((line, (first.at, last.at)))
}
