//! Sources of a judge's counts: what no source can give is refused when the file is read.

use gateline_model::{GAUGES_MAX, Span};

use crate::diagnostic::Sink;
use crate::node::Node;

/// Looks at every judge's source of these stages, wherever their rollouts have one.
pub(crate) fn check(stages: &[Node], sink: &Sink<'_>) {
    let rollouts = |stage: &'_ Node| -> Vec<Node> {
        let plans = ["rollout", "rollout_at_risk"]
            .iter()
            .filter_map(|name| stage.get(name));
        plans.map(|entry| entry.value.clone()).collect()
    };
    for rollout in stages.iter().flat_map(rollouts) {
        each(&rollout, sink);
    }
}

fn each(node: &Node, sink: &Sink<'_>) {
    for item in node.items() {
        each(item, sink);
    }
    for entry in node.entries() {
        if entry.key == "judge"
            && let Some(source) = entry.value.get("source")
        {
            refuse_impossible(&source.value, sink);
        }
        each(&entry.value, sink);
    }
}

fn refuse_impossible(source: &Node, sink: &Sink<'_>) {
    let error = |entry: &crate::node::Entry, message: String, help: &str| {
        sink.error_with("judge.source", entry.at(), message, Some(help.to_owned()));
    };
    for kind in ["prometheus", "openmetrics"] {
        if let Some(url) = source.entry(&["from", kind, "url"])
            && !url.value.text().is_none_or(is_address)
        {
            let help = "write scheme and host, as in `http://127.0.0.1:9090`";
            error(
                url,
                "that is not an address that can be asked over HTTP".to_owned(),
                help,
            );
        }
    }
    for query in ["requests", "errors"] {
        if let Some(entry) = source.get(query)
            && entry.value.text().is_some_and(|text| text.trim().is_empty())
        {
            error(
                entry,
                format!("`{query}` asks for nothing"),
                "write the query of a counter",
            );
        }
    }
    if let Some(history) = source.get("history") {
        let is_page = source.entry(&["from", "openmetrics"]).is_some();
        if is_page {
            let help = "ask a `prometheus` server, or leave `history` out";
            error(history, "a page of metrics has no past".to_owned(), help);
        }
        if history.value.text().and_then(|text| text.parse().ok()) == Some(Span::ZERO) {
            let help = "write a time such as `24h`, or leave `history` out";
            error(history, "a history of no time tells nothing".to_owned(), help);
        }
    }
    if let Some(pod) = source.get("pod")
        && !pod.value.text().is_none_or(is_label)
    {
        let help = "write the label alone, as in `pod: instance`";
        error(pod, "that is not the name of a label".to_owned(), help);
    }
    if let Some(gauges) = source.get("gauges")
        && gauges.value.entries().len() > GAUGES_MAX
    {
        let message = format!("a source has at most {GAUGES_MAX} gauges");
        error(gauges, message, "watch those that a person would look at");
    }
}

/// Whether a request can be sent there at all. Whether it may be is known when it is sent.
fn is_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let is_host = |host: &str| !host.is_empty() && !host.starts_with(':');
    host.is_some_and(is_host) && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

fn is_label(text: &str) -> bool {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && text.chars().all(legal)
}
