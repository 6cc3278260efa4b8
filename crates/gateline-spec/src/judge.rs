//! Judges: what they may be told, and what would make them say yes to everything, or nothing for ever.

use std::ops::Range;

use gateline_model::limits::JUDGE_EVERY_MIN;
use gateline_model::{JudgeBy, JudgeSettings, Percent, Span, TrafficSource};

use crate::diagnostic::{Diagnostics, Sink};
use crate::node::{Entry, Node};
use crate::stage;

/// What a judge may be told, wherever it is written.
pub(crate) fn check_judge(judge: &JudgeSettings, node: &Node, at: &Range<usize>, sink: &Sink<'_>) {
    let field = |name: &str| node.get(name);
    // A judge that looks again at once would do nothing else.
    if let (Span::ZERO, Some(every)) = (judge.every, field("every")) {
        stage::refuse_zero(sink, "every", every.at());
    }
    let is_of = |fields: &[&str], by: &[JudgeBy]| {
        for name in fields.iter().filter(|_| !by.contains(&judge.by)) {
            if let Some(entry) = field(name) {
                let message = format!("the judge `{}` does not read `{name}`", judge.by.word());
                let words: Vec<&str> = by.iter().map(|by| by.word()).collect();
                let help = format!("remove it, or write `by: {}`", words.join("` or `by: "));
                sink.error_with("rollout.judge", &entry.key_span, message, Some(help));
            }
        }
    };
    is_of(
        &["errors", "latency", "at_least_requests"],
        &[JudgeBy::Thresholds],
    );
    is_of(&["tolerate"], &[JudgeBy::Evidence, JudgeBy::GroupSequential]);
    is_of(&["kayenta"], &[JudgeBy::Kayenta]);
    check_limits(judge, node, at, sink);
    check_looks(judge, node, sink);
    check_tolerance(judge, at, sink);
    if let (Some(source), Some(entry)) = (&judge.source, field("source")) {
        check_source(judge, source, entry, sink);
    }
}

/// A judge without a limit, or with one that nothing can exceed, would let everything pass; with one that everything
/// exceeds, nothing.
fn check_limits(judge: &JudgeSettings, node: &Node, at: &Range<usize>, sink: &Sink<'_>) {
    if judge.by != JudgeBy::Thresholds {
        return;
    }
    let refuse = |path: &[&str], message: &str, help: &str| {
        let at = node.entry(path).map_or(at, |entry| entry.at());
        sink.error_with("judge.limit", at, message.to_owned(), Some(help.to_owned()));
    };
    let open = |share: &Percent| share.share() > 0.0 && share.share() < 1.0;
    if judge.errors.is_none() && judge.latency.is_none() {
        let help = "name one, as in `errors: {at_most: 2%}` or `latency: {quantile: 95%, at_most: 300ms}`";
        refuse(
            &[],
            "the judge `thresholds` is given no limit: it would let everything pass",
            help,
        );
    }
    if judge.at_least_requests == 0 {
        let help = "ask for as many as tell something, as in `at_least_requests: 100`";
        refuse(
            &["at_least_requests"],
            "no request at all would be enough to go on",
            help,
        );
    }
    if judge
        .errors
        .as_ref()
        .is_some_and(|errors| errors.at_most.share() >= 1.0)
    {
        let help = "write a share below 100%, as in `2%`";
        refuse(
            &["errors", "at_most"],
            "no share of errors is above 100%: nothing would be taken back",
            help,
        );
    }
    if let Some(latency) = &judge.latency {
        if !open(&latency.quantile) {
            let help = "write a share between both, as in `95%`";
            refuse(
                &["latency", "quantile"],
                "a quantile is above 0% and below 100%",
                help,
            );
        }
        if latency.at_most == Span::ZERO {
            let help = "write a duration such as `300ms`";
            refuse(
                &["latency", "at_most"],
                "no request takes no time: everything would be taken back",
                help,
            );
        }
    }
}

/// How often it looks, and how long it waits for an answer.
fn check_looks(judge: &JudgeSettings, node: &Node, sink: &Sink<'_>) {
    check_warm_up(judge, node, sink);
    let Some(entry) = node.get("every").filter(|_| judge.every > Span::ZERO) else {
        return;
    };
    let refuse = |message: String, help: &str| {
        sink.error_with("judge.looks", entry.at(), message, Some(help.to_owned()));
    };
    if judge.every < JUDGE_EVERY_MIN {
        let message = format!(
            "`every` is {}; it may be {JUDGE_EVERY_MIN} or longer",
            judge.every
        );
        refuse(message, "write a duration such as `5s`");
    }
    if judge.every > judge.patience {
        let message = format!(
            "it looks every {} and gives up after {}: it would never look twice",
            judge.every, judge.patience
        );
        refuse(
            message,
            "look more often with `every`, or give it more `patience`",
        );
    }
}

fn check_warm_up(judge: &JudgeSettings, node: &Node, sink: &Sink<'_>) {
    let (Some(warm_up), Some(entry)) = (judge.warm_up, node.get("warm_up")) else {
        return;
    };
    let refuse = |message: String, help: &str| {
        sink.error_with("judge.looks", entry.at(), message, Some(help.to_owned()));
    };
    if judge.by != JudgeBy::Evidence {
        let message = format!("`{}` knows no `warm_up`", judge.by.word());
        refuse(message, "remove it, or write `by: evidence`");
    } else if warm_up >= judge.patience {
        let message = format!(
            "it is cold for {warm_up} and gives up after {}: it would never judge",
            judge.patience
        );
        refuse(message, "give it more `patience`, or less `warm_up`");
    }
}

/// What cannot be measured so: the judge would wait for it in vain.
fn check_source(judge: &JudgeSettings, source: &TrafficSource, entry: &Entry, sink: &Sink<'_>) {
    for gauge in judge.tolerate.gauges.keys() {
        if !source.gauges.contains_key(gauge) {
            let message = format!("`tolerate.gauges.{gauge}` is a gauge that `source.gauges` does not have");
            let help = format!("add its query, `gauges: {{{gauge}: ..}}`, or remove the tolerance");
            sink.error_with("rollout.judge", entry.at(), message, Some(help));
        }
    }
    let groups = |query: &str| query.contains(" by (") || query.contains(" by(");
    for (name, query) in [("requests", &source.requests), ("errors", &source.errors)] {
        if source.pod.is_none() && groups(query) {
            let at = entry.value.get(name).map_or_else(|| entry.at(), Entry::at);
            sink.warning(
                "rollout.judge",
                at,
                &format!("`{name}` may give several series, and without `pod` the judge takes one"),
                "name the label that tells instances apart, `pod: pod`, or sum over it",
            );
        }
    }
}

fn check_tolerance(judge: &JudgeSettings, at: &Range<usize>, sink: &Sink<'_>) {
    let tolerate = &judge.tolerate;
    let share = |share: f64| share > 0.0 && share < 1.0;
    let ratio = |ratio: f64| ratio > 1.0 && ratio < 64.0;
    let slow = tolerate.latency.iter().flatten();
    let most = gateline_model::WATCHED_MAX;
    let rules = [
        (
            tolerate
                .errors
                .is_none_or(|errors| ratio(errors.ratio) && share(errors.share)),
            "`tolerate.errors` has a `ratio` above 1 and below 64 and a `share` above 0 and below 1"
                .to_owned(),
        ),
        (
            slow.clone().all(|slow| ratio(slow.ratio) && share(slow.share)),
            "`tolerate.latency` has a `ratio` above 1 and below 64 and a `share` above 0 and below 1"
                .to_owned(),
        ),
        (
            slow.count() <= most && tolerate.gauges.len() <= most,
            format!("`tolerate` has at most {most} entries of `latency`, and of `gauges`"),
        ),
        (
            tolerate.slo.is_none_or(|slo| share(slo.share())),
            "`tolerate.slo` is a share above 0% and below 100%".to_owned(),
        ),
        (
            tolerate
                .gauges
                .values()
                .all(|gauge| gauge.above >= 0.0 && gauge.above.is_finite()),
            "`above` of a gauge is a share that is not below 0".to_owned(),
        ),
        (
            judge.kayenta.pass <= 100 && judge.kayenta.marginal < judge.kayenta.pass,
            "`kayenta` has `marginal` below `pass`, and both from 0 to 100".to_owned(),
        ),
    ];
    for (_, message) in rules.into_iter().filter(|(holds, _)| !holds) {
        sink.error("rollout.judge", at, message);
    }
}

/// Reads a judge alone, as a pipeline writes it: a word or a map.
///
/// # Errors
/// What is wrong with it, with its place in the text.
pub fn read_judge(text: &str) -> Result<JudgeSettings, Diagnostics> {
    let sink = Sink::new("judge", text);
    let root = crate::yaml::read(&sink).ok().flatten();
    let read = root.and_then(|root| {
        let judge: JudgeSettings = crate::de::read(&root, &root.span, &sink)?;
        check_judge(&judge, &root, &root.span, &sink);
        Some(judge)
    });
    match (read, sink.finish()) {
        (Some(judge), (_, false)) => Ok(judge),
        (_, (found, _)) => Err(Diagnostics(found)),
    }
}
