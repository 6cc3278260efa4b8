//! The board: pipelines by stages. Narrowed and cut into pages here, so that a thousand stages stay quick.

use gateline_api::{
    Board, BoardOrder, BoardPipeline, BoardQuery, BoardShow, BoardStage, LiveView, PromotionState, Proposed,
    page_size,
};
use gateline_core::{Promotion, Sight, StageState, World};
use gateline_model::{Health, Pipeline, PipelineRef};

use super::promotion::says_of;
use super::standing::{proposed, state};
use crate::hub::Hub;

/// The page of the board that is asked for.
pub(crate) fn board(hub: &Hub, sight: &Sight, query: &BoardQuery) -> Board {
    let mut board = hub.with_world(|world| page(world, sight, query));
    let cells = board
        .pipelines
        .iter_mut()
        .flat_map(|pipeline| &mut pipeline.stages);
    for one in cells.flat_map(|stage| &mut stage.proposed) {
        with_traffic(hub, one);
    }
    board
}

/// Adds what the engine counts. Apart from the fold: both are behind the same lock.
pub(super) fn with_traffic(hub: &Hub, proposed: &mut Proposed) {
    if let Some(rollout) = &mut proposed.rollout {
        let served = hub.traffic(&proposed.promotion);
        rollout.requests = served.requests;
        rollout.errors = served.bad_requests;
        if let Some(says) = says_of(hub, &proposed.promotion) {
            proposed.headline = says;
        }
    }
}

fn page(world: &World, sight: &Sight, query: &BoardQuery) -> Board {
    let mut pipelines: Vec<(PipelineRef, &Pipeline)> = world
        .projects()
        .flat_map(|(name, project)| {
            project.in_force.keys().filter_map(move |pipeline| {
                let of = PipelineRef {
                    project: name.clone(),
                    pipeline: pipeline.clone(),
                };
                Some((of, &**project.pipeline(pipeline)?))
            })
        })
        .collect();
    pipelines.retain(|(of, _)| sight.sees_pipeline(of));
    let all = pipelines.len() as u64;
    pipelines.retain(|(of, pipeline)| matches(world, sight, of, pipeline, query));
    let total = pipelines.len() as u64;
    let mut ranked: Vec<(Need, PipelineRef, &Pipeline)> = pipelines
        .into_iter()
        .map(|(of, pipeline)| (need(world, sight, pipeline), of, pipeline))
        .collect();
    let with = |wanted: Need| ranked.iter().filter(|(need, ..)| *need == wanted).count() as u64;
    let (needing, rolling) = (with(Need::Somebody), with(Need::Nobody(Going::RollingOut)));
    // By the text that is also the cursor: both must order alike.
    let place = |(need, of, _): &(Need, PipelineRef, &Pipeline)| match query.order.unwrap_or_default() {
        BoardOrder::Name => of.to_string(),
        BoardOrder::Need => format!("{} {of}", need.rank()),
    };
    ranked.sort_by_cached_key(place);

    let from = match &query.after {
        Some(after) => ranked.partition_point(|one| place(one) <= *after),
        None => 0,
    };
    let until = (from + page_size(query.limit)).min(ranked.len());
    let shown = &ranked[from..until];
    let next = if until < ranked.len() {
        shown.last().map(place)
    } else {
        None
    };
    let pipelines = shown
        .iter()
        .map(|(_, of, pipeline)| row(world, sight, of, pipeline))
        .collect();
    Board {
        pipelines,
        total,
        all,
        needing,
        rolling,
        next,
        log: world.next(),
    }
}

/// Whether a pipeline needs somebody, or what goes on in it without anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Somebody,
    Nobody(Going),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    RollingOut,
    Held,
    Nothing,
}

impl Need {
    fn rank(self) -> u8 {
        match self {
            Need::Somebody => 0,
            Need::Nobody(Going::RollingOut) => 1,
            Need::Nobody(Going::Held) => 2,
            Need::Nobody(Going::Nothing) => 3,
        }
    }
}

/// The stages of a pipeline that are seen and have a history.
fn stages<'a>(
    world: &'a World,
    sight: &'a Sight,
    pipeline: &'a Pipeline,
) -> impl Iterator<Item = &'a StageState> {
    let all = pipeline
        .stages
        .iter()
        .map(|stage| pipeline.stage_ref(&stage.name));
    all.filter(|of| sight.sees_stage(of))
        .filter_map(|of| world.stage(&of).map(|state| &**state))
}

fn need(world: &World, sight: &Sight, pipeline: &Pipeline) -> Need {
    // Looked up once: a board has thousands of stages.
    let stages: Vec<&StageState> = stages(world, sight, pipeline).collect();
    let proposed: Vec<&Promotion> = stages.iter().flat_map(|stage| open(world, stage)).collect();
    let unhealthy = |stage: &&StageState| stage.live.is_some() && stage.health == Health::Unhealthy;
    if stages.iter().any(unhealthy) || proposed.iter().any(|promotion| needs_somebody(promotion)) {
        Need::Somebody
    } else if proposed.iter().any(|promotion| promotion.rollout().is_some()) {
        Need::Nobody(Going::RollingOut)
    } else if !proposed.is_empty() {
        Need::Nobody(Going::Held)
    } else {
        Need::Nobody(Going::Nothing)
    }
}

/// Whether nothing changes by itself: the first gate that keeps it out is the one that is waited for.
fn needs_somebody(promotion: &Promotion) -> bool {
    match state(promotion) {
        PromotionState::Refused | PromotionState::Paused => true,
        PromotionState::Held => {
            let verdicts = promotion.decision.iter().flat_map(|decision| &decision.verdicts);
            let mut keeping_out = verdicts.filter(|gate| gate.keeps_out());
            keeping_out
                .next()
                .is_some_and(|gate| gate.until.is_none() && gate.check_due.is_none())
        }
        PromotionState::Admitted
        | PromotionState::RollingOut
        | PromotionState::Verifying
        | PromotionState::RollingBack
        | PromotionState::Verified
        | PromotionState::Expired
        | PromotionState::Superseded
        | PromotionState::Aborted
        | PromotionState::RolledBack
        | PromotionState::RollbackFailed => false,
    }
}

fn matches(world: &World, sight: &Sight, of: &PipelineRef, pipeline: &Pipeline, query: &BoardQuery) -> bool {
    if query
        .text
        .as_ref()
        .is_some_and(|text| !of.to_string().contains(text.as_str()))
    {
        return false;
    }
    let Some(show) = query.show else { return true };
    stages(world, sight, pipeline).any(|stage| shows(world, stage, show))
}

fn shows(world: &World, stage: &StageState, show: BoardShow) -> bool {
    let any =
        |wanted: fn(PromotionState) -> bool| open(world, stage).any(|promotion| wanted(state(promotion)));
    match show {
        BoardShow::Open => !stage.open.is_empty(),
        BoardShow::Held => any(|state| matches!(state, PromotionState::Held | PromotionState::Refused)),
        BoardShow::RollingOut => open(world, stage).any(|promotion| promotion.rollout().is_some()),
        BoardShow::NotHealthy => stage.live.is_some() && stage.health != Health::Healthy,
    }
}

fn open<'a>(world: &'a World, stage: &'a StageState) -> impl Iterator<Item = &'a Promotion> {
    stage
        .open
        .iter()
        .filter_map(|open| world.promotion(&open.id))
        .map(|promotion| &**promotion)
}

fn row(world: &World, sight: &Sight, of: &PipelineRef, pipeline: &Pipeline) -> BoardPipeline {
    let cell = |stage: &gateline_model::Stage| {
        let state = world.stage(&pipeline.stage_ref(&stage.name));
        BoardStage {
            stage: stage.name.clone(),
            production: stage.production,
            live: state.and_then(|state| live(state)),
            proposed: state.map(|state| all_proposed(world, state)).unwrap_or_default(),
        }
    };
    let stages = pipeline.stages.iter();
    let seen = stages.filter(|stage| sight.sees_stage(&pipeline.stage_ref(&stage.name)));
    BoardPipeline {
        of: of.clone(),
        stages: seen.map(cell).collect(),
    }
}

/// What is live in a stage.
pub(super) fn live(state: &StageState) -> Option<LiveView> {
    let live = state.live.as_ref()?;
    Some(LiveView {
        release: live.release,
        version: live.version.clone(),
        promotion: live.promotion.clone(),
        since: live.since,
        health: state.health,
        health_why: state.health_why.clone(),
        health_since: state.health_since,
    })
}

/// What is proposed in a stage, oldest first.
pub(super) fn all_proposed(world: &World, state: &StageState) -> Vec<Proposed> {
    open(world, state)
        .filter_map(|promotion| proposed(promotion, world))
        .collect()
}
