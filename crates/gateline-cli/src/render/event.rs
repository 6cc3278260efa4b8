//! Events: a row each, with the sentence that says what happened.

use gateline_api::ErasedView;
use gateline_model::{Digest, Recorded};
use jiff::Timestamp;

use super::Line;
use super::time::clock;

/// The reason that was given, or when it was erased and by whom.
pub(crate) fn reason(given: Option<&str>, erased: Option<&ErasedView>, now: Timestamp) -> String {
    match (given, erased) {
        (Some(reason), _) => reason.to_owned(),
        (None, Some(erased)) => format!(
            "the reason was erased on {} by {}",
            clock(erased.at, now),
            erased.by
        ),
        (None, None) => "the reason is not known".to_owned(),
    }
}

/// The cells of one event's row.
pub(crate) fn event_line(recorded: &Recorded, erased: &[ErasedView], now: Timestamp) -> [Line; 5] {
    let reason = recorded
        .private
        .as_ref()
        .and_then(|private| private.reason.as_deref());
    let mut says = Line::new().plain(recorded.says(|at| clock(at, now), Digest::short));
    if let Some(reason) = reason {
        says = says.dim(format!("  \"{reason}\""));
    }
    if let Some(erased) = erased.iter().find(|erased| erased.number == recorded.number) {
        says = says.dim(format!(
            "  text erased on {} by {}",
            clock(erased.at, now),
            erased.by
        ));
    }
    [
        Line::new().dim(format!("#{}", recorded.number)),
        clock(recorded.at, now).into(),
        (&recorded.actor).into(),
        Line::new().dim(short(&recorded.stream.to_string())),
        says,
    ]
}

/// A stream's name with its digest cut to what a person recognises.
fn short(stream: &str) -> String {
    match stream.split_once("sha256:") {
        Some((before, hex)) => format!("{before}{}", hex.get(..12).unwrap_or(hex)),
        None => stream.to_owned(),
    }
}
