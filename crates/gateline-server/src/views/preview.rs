//! The preview of a proposal: the log is folded once more up to the last decision that is looked at, and the gates are judged
//! with the proposed version. It looks at what was before the proposal, so that it says the same each time and is kept.

use std::collections::BTreeMap;

use gateline_api::{GateChange, PreviewView, PreviewedView, entry};
use gateline_core::{Backtest, PREVIEW_PROMOTIONS_MAX, Previewed, Sight};
use gateline_model::{Admission, GateVerdict, NewVersion, PipelineRef, ProjectName, ProposalId};
use gateline_store::{READ_EVENTS_MAX, Read, Search};
use jiff::Timestamp;

use super::proposals::recorded;
use crate::hub::{Hub, SyncModules};
use crate::refused::Refused;

/// Events of the log that a preview folds at most: a minute's work. What is longer has no preview.
pub(crate) const PREVIEW_EVENTS_MAX: u64 = 2_000_000;
/// Decisions that are looked through for the last promotions: each has several.
const DECISIONS_LOOKED_THROUGH_MAX: usize = 2_000;

/// What a proposed version would have decided for the last promotions.
pub(crate) async fn preview(hub: &Hub, sight: &Sight, id: &ProposalId) -> Result<PreviewView, Refused> {
    let (proposal, view) = recorded(hub, sight, id).await?;
    // One at a time: a preview reads much of the log.
    let mut kept = hub.previews().lock().await;
    if let Some(known) = kept.get(id) {
        return Ok(known.clone());
    }
    let (of, at) = (id.project.clone(), view.at);
    let made = hub.read(move |store| make(store, &of, &proposal.new, at)).await;
    let made = made.map_err(|why| Refused::new(&entry::UNAVAILABLE, why))?;
    kept.keep(id.clone(), made.clone());
    Ok(made)
}

fn make(store: &dyn Read, of: &ProjectName, new: &NewVersion, at: Timestamp) -> Result<PreviewView, String> {
    let prefix = match new {
        NewVersion::Pipeline { pipeline, .. } => {
            let PipelineRef { project, pipeline } = pipeline.reference();
            format!("promotion/{project}/{pipeline}/")
        }
        NewVersion::Policy { .. }
        | NewVersion::Calendar { .. }
        | NewVersion::Notifications { .. }
        | NewVersion::Roles { .. } => {
            format!("promotion/{of}/")
        }
    };
    let search = Search {
        stream: None,
        stream_prefix: Some(prefix),
        event: Some("decision_recorded".to_owned()),
        actor: None,
        from: None,
        until: Some(at),
        before: None,
        limit: DECISIONS_LOOKED_THROUGH_MAX,
    };
    let read = |err: gateline_store::StoreError| format!("the log could not be read: {err}");
    let decisions = store.search(&search).map_err(read)?;
    let mut backtest = Backtest::new(of, new, &decisions);
    let Some(until) = backtest.until() else {
        return Ok(PreviewView::default());
    };
    if until > PREVIEW_EVENTS_MAX {
        let says = format!(
            "the log has more events than a preview folds, {PREVIEW_EVENTS_MAX} (PREVIEW_EVENTS_MAX); rehearse the version with `gateline simulate`"
        );
        return Ok(PreviewView {
            unknown: Some(says),
            ..PreviewView::default()
        });
    }
    let mut modules = SyncModules::new(store);
    for from in (0..=until).step_by(READ_EVENTS_MAX) {
        let limit = (until + 1 - from).min(READ_EVENTS_MAX as u64) as usize;
        for recorded in store.read(from, limit).map_err(read)? {
            backtest
                .fold(&recorded, &mut |order, at| modules.run(order, at))
                .map_err(|err| format!("the log does not fold: {err}"))?;
        }
    }
    Ok(shown(backtest.finish()))
}

fn shown(found: Vec<Previewed>) -> PreviewView {
    debug_assert!(found.len() <= PREVIEW_PROMOTIONS_MAX);
    let promotions: Vec<PreviewedView> = found.into_iter().map(one).collect();
    let otherwise = promotions.iter().filter(|one| one.now != Some(one.then));
    PreviewView {
        otherwise: otherwise.count() as u64,
        promotions,
        unknown: None,
    }
}

fn one(found: Previewed) -> PreviewedView {
    let Previewed { promotion, then, now } = found;
    let (admission, says, verdicts): (Option<Admission>, String, Vec<GateVerdict>) = match now {
        Ok(decision) => (Some(decision.admission), decision.headline, decision.verdicts),
        Err(why) => (None, why, Vec::new()),
    };
    let gates = match admission {
        Some(_) => differing(&then.verdicts, &verdicts),
        None => Vec::new(),
    };
    PreviewedView {
        promotion,
        version: then.version,
        at: then.at,
        then: then.admission,
        then_says: then.headline,
        now: admission,
        now_says: says,
        gates,
    }
}

fn differing(then: &[GateVerdict], now: &[GateVerdict]) -> Vec<GateChange> {
    let was: BTreeMap<_, _> = then.iter().map(|gate| (&gate.gate, gate)).collect();
    let changed = now.iter().filter_map(|gate| {
        let before = was.get(&gate.gate).map(|before| before.verdict);
        (before != Some(gate.verdict)).then(|| GateChange {
            gate: gate.gate.clone(),
            then: before,
            now: Some(gate.verdict),
            says: gate.says.clone(),
        })
    });
    let gone = then
        .iter()
        .filter(|gate| !now.iter().any(|other| other.gate == gate.gate));
    let gone = gone.map(|gate| GateChange {
        gate: gate.gate.clone(),
        then: Some(gate.verdict),
        now: None,
        says: String::new(),
    });
    changed.chain(gone).collect()
}
