//! Pages by address: read the address, build the view, render. What the API shows, in HTML.

mod evidence;
mod inbox;
mod incidents;
mod keys;
mod letters;
mod overrides;
mod password;
mod people;
mod proposal;
mod rules;
mod waivers;
mod windows;

use axum::extract::{Query, State};
use axum::response::Response;
use gateline_api::{
    BoardOrder, BoardQuery, Checkpoint, LogPage, LogQuery, Named, Names, PromotionPath, PromotionView,
    ReleaseName, ReleaseQuery, ReleaseView, StagePath, entry,
};
use gateline_core::gates::found_in;
use gateline_model::{
    PipelineName, PipelineRef, ProjectName, ReleaseId, ReleaseRef, Stage, StageName, StageRef, StreamId,
    Tick, Version, WaiverId,
};
use maud::Markup;
use serde::Deserialize;

use super::fields::until_of;
use super::forms::Tried;
use super::promotion::{PLOT_MOMENTS, Shown};
use super::visit::Visit;
use super::{board as board_page, log as log_page, login as login_page, promote as promote_page};
use super::{
    promotion as promotion_page, release as release_page, releases as releases_page,
    sessions as sessions_page, stage as stage_page,
};
use crate::auth::own_path;
use crate::call::App;
use crate::refused::Refused;
use crate::views;

pub(super) use evidence::{EvidenceAddress, evidence, evidence_again};
pub(super) use inbox::{inbox, inbox_again};
pub(super) use incidents::{incidents, incidents_again};
pub(super) use keys::{keys, keys_again};
pub(super) use letters::letters;
pub(super) use overrides::{overrides, overrides_again};
pub(super) use password::{password, password_again};
pub(super) use people::people;
pub(super) use proposal::{proposal, proposal_again};
pub(super) use rules::{policies, rules};
pub(super) use waivers::{waivers, waivers_again};
pub(super) use windows::windows;

/// Pipelines on one page of the board.
const BOARD_ROWS: u32 = 50;

/// What the board's address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BoardAddress {
    q: String,
    show: String,
    after: String,
}

pub(super) async fn board(visit: Visit) -> Result<Markup, Refused> {
    let BoardAddress { q, show, after } = visit.query()?;
    let text = q.trim();
    let query = BoardQuery {
        text: given(text),
        show: given(&show).map(|show| word(&show, "show")).transpose()?,
        order: Some(BoardOrder::Need),
        after: given(&after),
        limit: Some(BOARD_ROWS),
    };
    let board = views::board(&visit.app.hub, &visit.sight, &query);
    let asked = board_page::Asked {
        text,
        show: &show,
        after: !after.is_empty(),
    };
    Ok(board_page::page(&visit.visitor, &board, &asked))
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A word of a closed set, as JSON writes it.
fn word<T: serde::de::DeserializeOwned>(text: &str, name: &str) -> Result<T, Refused> {
    serde_json::from_value(text.into()).map_err(|err| Refused::new(&entry::QUERY, format!("`{name}`: {err}")))
}

fn name<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Option<T>, Refused> {
    given(text.trim())
        .map(|text| {
            text.parse()
                .map_err(|err| Refused::new(&entry::QUERY, format!("{err}")))
        })
        .transpose()
}

/// What the address of the list of releases may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ReleasesAddress {
    project: String,
    pipeline: String,
    after: String,
}

pub(super) async fn releases(visit: Visit) -> Result<Markup, Refused> {
    let ReleasesAddress {
        project,
        pipeline,
        after,
    } = visit.query()?;
    let query = ReleaseQuery {
        project: name(&project)?,
        pipeline: name(&pipeline)?,
        version: None,
        after: given(&after),
        limit: None,
    };
    let of = query.project.clone().zip(query.pipeline.clone());
    let list = views::releases(&visit.app.hub, &visit.sight, query).await?;
    // The newest releases are on the first page.
    let trends = of.filter(|_| after.is_empty()).map(|(project, pipeline)| {
        let releases = list.items.iter().map(|one| one.id);
        (
            PipelineRef { project, pipeline },
            views::trends(&visit.app.hub, releases),
        )
    });
    let asked = releases_page::Asked {
        project: project.trim(),
        pipeline: pipeline.trim(),
        after: !after.is_empty(),
        trends: trends.as_ref().map(|(of, reported)| (of, &reported[..])),
    };
    Ok(releases_page::page(&visit.visitor, &list, &asked))
}

/// A release in an address, and where it is to go.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ReleaseAddress {
    project: ProjectName,
    pipeline: PipelineName,
    version: Version,
}

/// A release and a stage in an address.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PromoteAddress {
    #[serde(flatten)]
    release: ReleaseAddress,
    pub(super) stage: StageName,
}

impl ReleaseAddress {
    async fn view(&self, visit: &Visit) -> Result<ReleaseView, Refused> {
        views::release(&visit.app.hub, &visit.sight, &self.release()).await
    }

    fn release(&self) -> ReleaseName {
        let Self {
            project,
            pipeline,
            version,
        } = self.clone();
        ReleaseName::Label(ReleaseRef {
            project: Some(project),
            pipeline,
            version,
        })
    }
}

impl Names for ReleaseAddress {
    const OF_A_PROJECT: bool = true;

    fn named(&self) -> Vec<Named> {
        vec![Named::Release(self.release())]
    }
}

impl Names for PromoteAddress {
    const OF_A_PROJECT: bool = true;

    fn named(&self) -> Vec<Named> {
        vec![
            Named::Release(self.release.release()),
            Named::Stage(self.stage_ref()),
        ]
    }
}

impl PromoteAddress {
    pub(super) async fn release(&self, visit: &Visit) -> Result<ReleaseView, Refused> {
        self.release.view(visit).await
    }

    pub(super) fn stage_ref(&self) -> StageRef {
        StageRef {
            project: self.release.project.clone(),
            pipeline: self.release.pipeline.clone(),
            stage: self.stage.clone(),
        }
    }
}

pub(super) async fn release(mut visit: Visit) -> Result<Markup, Refused> {
    let address: ReleaseAddress = visit.path().await?;
    let release = address.view(&visit).await?;
    Ok(release_page::page(&visit.visitor, &release))
}

pub(super) async fn promote(mut visit: Visit) -> Result<Markup, Refused> {
    let address = visit.path().await?;
    promote_again(&visit, &address, None).await
}

pub(super) async fn promote_again(
    visit: &Visit,
    address: &PromoteAddress,
    tried: Option<&Tried>,
) -> Result<Markup, Refused> {
    let release = address.release(visit).await?;
    let stage = views::stage(&visit.app.hub, &address.stage_ref()).await?;
    let live = known(visit, stage.live.map(|live| live.release)).await;
    let problem = tried.map(|tried| &tried.problem);
    Ok(promote_page::page(
        &visit.visitor,
        &release,
        live.as_ref(),
        &address.stage,
        problem,
    ))
}

/// A release that is shown beside another one: the page does without it where it cannot be read.
async fn known(visit: &Visit, id: Option<ReleaseId>) -> Option<ReleaseView> {
    let name = ReleaseName::Id(id?);
    views::release(&visit.app.hub, &visit.sight, &name).await.ok()
}

pub(super) async fn promotion(mut visit: Visit) -> Result<Markup, Refused> {
    let path = visit.path().await?;
    promotion_again(&visit, &path, None).await
}

pub(super) async fn promotion_again(
    visit: &Visit,
    path: &PromotionPath,
    tried: Option<&Tried>,
) -> Result<Markup, Refused> {
    let app = &visit.app;
    let mut view = views::promotion(&app.hub, &path.id()).await?;
    with_band(app, &mut view).await;
    let id = path.id();
    let sample = move |store: &dyn gateline_store::Read| store.sample_ticks(&id, PLOT_MOMENTS);
    let ticks: Vec<Tick> = app.hub.read(sample).await?;
    let release = known(visit, Some(view.release)).await;
    let live = before(app, &view).filter(|live| *live != view.release);
    let against = known(visit, live).await;
    let found = live.and_then(|live| {
        app.hub
            .with_world(|world| world.release(&live).map(|live| found_in(live)))
    });
    let verdicts = view.decision.iter().flat_map(|decision| &decision.verdicts);
    let waivers: Vec<WaiverId> = verdicts.flat_map(|gate| gate.waivers.iter().copied()).collect();
    let waivers = views::waivers_of(&app.hub, &view.stage.project, &waivers).await?;
    let stage = pinned(app, &view);
    let actor = &visit.visitor.actor;
    let may_answer = views::may_answer(&app.hub, actor, &view.id);
    let summary = views::summary(&visit.app.hub, &view.id).await?;
    let shown = Shown {
        view: &view,
        release: release.as_ref(),
        against: against.as_ref(),
        summary: summary.as_ref(),
        stage: stage.as_ref(),
        ticks: &ticks,
        known: found.as_ref(),
        waivers: &waivers,
        may_answer: &may_answer,
        answered: views::has_answered(&app.hub, actor, &view.id),
        passkey: visit.has_passkey(),
        tried,
    };
    Ok(promotion_page::page(&visit.visitor, &shown))
}

/// After its end the record has the ruling without its band: it is drawn from the ticks again, or not at all.
async fn with_band(app: &App, view: &mut PromotionView) {
    let (id, ended) = (view.id.clone(), view.ended_at.is_some());
    let ruling = view.rollout.as_mut().and_then(|rollout| rollout.ruling.as_mut());
    let Some(full) = ruling.and_then(|ruling| ruling.full.as_mut()) else {
        return;
    };
    if ended
        && full.band.is_empty()
        && let Ok(again) = views::replay(&app.hub, &id, None).await
        && let Some(last) = again.last.and_then(|last| last.full)
    {
        full.band = last.band;
    }
}

/// What the release is compared with: what was live when it was admitted, or else what is live now.
fn before(app: &App, view: &PromotionView) -> Option<ReleaseId> {
    let of = view.stage.pipeline_ref();
    app.hub.with_world(|world| match &view.rollout {
        Some(rollout) => world
            .labelled(&of, rollout.live_version.as_ref()?)
            .map(|state| state.id),
        None => world.stage(&view.stage)?.live.as_ref().map(|live| live.release),
    })
}

/// The stage as the pinned version of the pipeline has it.
fn pinned(app: &App, view: &PromotionView) -> Option<Stage> {
    app.hub.with_world(|world| {
        let versions = &world.project(&view.stage.project)?.versions;
        versions.get(&view.pipeline)?.stage(&view.stage.stage).cloned()
    })
}

pub(super) async fn stage(mut visit: Visit) -> Result<Markup, Refused> {
    let path = visit.path().await?;
    stage_again(&visit, &path, None).await
}

pub(super) async fn stage_again(
    visit: &Visit,
    path: &StagePath,
    tried: Option<&Tried>,
) -> Result<Markup, Refused> {
    let view = views::stage(&visit.app.hub, &path.reference()).await?;
    Ok(stage_page::page(&visit.visitor, &view, tried))
}

/// What the log's address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogAddress {
    stream: String,
    event: String,
    actor: String,
    from: String,
    until: String,
    before: String,
}

pub(super) async fn log(visit: Visit) -> Result<Markup, Refused> {
    let LogAddress {
        stream,
        event,
        actor,
        from,
        until,
        before,
    } = visit.query()?;
    let bad = |what: &str, text: &str| Refused::new(&entry::QUERY, format!("`{text}` is no {what}"));
    let moment = |text: &str| {
        given(text)
            .map(|text| until_of(&text).ok_or_else(|| bad("time", &text)))
            .transpose()
    };
    // A whole name is one stream; anything else is the beginning of several.
    let whole: Option<StreamId> = stream.trim().parse().ok();
    let query = LogQuery {
        prefix: if whole.is_some() {
            None
        } else {
            given(stream.trim())
        },
        stream: whole,
        event: given(event.trim()),
        actor: name(&actor)?,
        from: moment(&from)?,
        until: moment(&until)?,
        before: given(&before)
            .map(|text| text.parse().map_err(|_| bad("log number", &text)))
            .transpose()?,
        limit: None,
    };
    let page: LogPage = views::log(&visit.app.hub, &visit.sight, query).await?;
    let checkpoint: Checkpoint = views::checkpoint(&visit.app.hub).await?;
    let asked = log_page::Asked {
        stream,
        event,
        actor,
        from,
        until,
        before,
    };
    Ok(log_page::page(&visit.visitor, &page, &checkpoint, &asked))
}

/// What the login page's address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoginAddress {
    next: String,
}

pub(super) async fn login(
    State(app): State<App>,
    Query(LoginAddress { next }): Query<LoginAddress>,
) -> Response {
    login_page::shown(&app, own_path(Some(&next)))
}

/// One's own sessions.
pub(super) async fn sessions(visit: Visit) -> Result<Markup, Refused> {
    let sessions = views::sessions(&visit.app.hub, &visit.caller).await?;
    let own = views::own_account(&visit.app.hub, &visit.caller).is_some();
    Ok(sessions_page::page(&visit.visitor, &sessions, own))
}
