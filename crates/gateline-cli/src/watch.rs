//! Watching: what moves is drawn over on a terminal, and told line by line elsewhere.

use std::collections::HashMap;
use std::time::Duration;

use gateline_api::{
    Empty, Exit, GetPipeline, GetPromotion, PipelinePath, PromotionPath, PromotionState, PromotionView,
    VersionQuery,
};
use gateline_model::{Span, Strategy};
use tokio::time::Instant;

use crate::client::Client;
use crate::failure::Failure;
use crate::out::Form;
use crate::render::{self, Line, Page};
use crate::session::Session;

/// Time between two looks.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 1 });
/// How long a server may be away before watching ends: a restart and more.
pub(crate) const AWAY_MAX: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 60 });

/// Options of a command that can follow what it shows.
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// Follow it until it ends or is refused
    #[arg(long)]
    pub watch: bool,
    /// Follow it for so long at most, as in `10m`
    #[arg(long, value_name = "SPAN", requires = "watch")]
    pub timeout: Option<Span>,
}

/// Asks again while the server is away for a moment.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    away_since: Option<Instant>,
}

impl Patience {
    /// The answer; `None` where it is worth asking again.
    pub fn take<T>(
        &mut self,
        answer: Result<T, Failure>,
        session: &mut Session,
    ) -> Result<Option<T>, Failure> {
        match answer {
            Ok(answer) => {
                self.away_since = None;
                Ok(Some(answer))
            }
            Err(failure) if failure.exit == Exit::Unknown => {
                let since = *self.away_since.get_or_insert_with(|| {
                    session.out.say("the server does not answer; trying again");
                    Instant::now()
                });
                if since.elapsed() >= AWAY_MAX {
                    return Err(failure);
                }
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Tells what changed since it was told last, by name.
#[derive(Debug, Default)]
pub(crate) struct Told(HashMap<String, String>);

impl Told {
    /// Whether this is new under that name.
    pub fn is_new(&mut self, name: &str, key: String) -> bool {
        let before = self.0.insert(name.to_owned(), key.clone());
        before.as_ref() != Some(&key)
    }
}

/// How a command ends that asked where a promotion stands.
pub(crate) fn exit_of(state: PromotionState) -> Exit {
    match state {
        PromotionState::Held | PromotionState::Paused => Exit::Held,
        PromotionState::Refused
        | PromotionState::Expired
        | PromotionState::Superseded
        | PromotionState::Aborted => Exit::Refused,
        PromotionState::Admitted
        | PromotionState::RollingOut
        | PromotionState::Verifying
        | PromotionState::Verified => Exit::Done,
        PromotionState::RollingBack | PromotionState::RolledBack | PromotionState::RollbackFailed => {
            Exit::Failed
        }
    }
}

/// Shows a promotion as it is.
pub(crate) fn show(view: &PromotionView, session: &mut Session) -> Result<Exit, Failure> {
    let now = session.now();
    session.out.answer(view, || render::promotion(view, None, now))?;
    Ok(exit_of(view.state))
}

/// Follows a promotion until it ends or a gate refuses it: waiting changes no refusal.
pub(crate) async fn follow(
    path: &PromotionPath,
    timeout: Option<Span>,
    client: &Client,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let end = timeout.map(|timeout| Instant::now() + timeout.as_std());
    let mut patience = Patience::default();
    let mut told = Told::default();
    let mut strategy = None;
    loop {
        let answer = client.get::<GetPromotion>(path, &Empty {}).await;
        if let Some(view) = patience.take(answer, session)? {
            if strategy.is_none() && view.rollout.is_some() {
                strategy = strategy_of(&view, client).await;
            }
            tell(&view, strategy.as_ref(), &mut told, session)?;
            let is_over = end.is_some_and(|end| Instant::now() >= end);
            if is_over || view.ended_at.is_some() || view.state == PromotionState::Refused {
                return Ok(exit_of(view.state));
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn tell(
    view: &PromotionView,
    strategy: Option<&Strategy>,
    told: &mut Told,
    session: &mut Session,
) -> Result<(), Failure> {
    let now = session.now();
    if session.out.can_redraw() {
        let left: Option<Span> = match (&view.rollout, strategy) {
            (Some(rollout), Some(strategy)) if view.ended_at.is_none() => {
                render::time_left(rollout, strategy, now)
            }
            (_, _) => None,
        };
        return session.out.redraw(&render::promotion(view, left, now));
    }
    let (line, key) = render::change_line(view, now);
    if !told.is_new("", key) {
        return Ok(());
    }
    match session.out.form() {
        Form::Json => session.out.json_line(view),
        Form::Text => tell_line(line, session),
    }
}

/// One line of what changed.
pub(crate) fn tell_line(line: Line, session: &mut Session) -> Result<(), Failure> {
    let mut page = Page::default();
    page.line(line);
    session.out.page(&page)
}

/// How the pinned pipeline rolls out: for the time that is left, which is not worth failing for.
async fn strategy_of(view: &PromotionView, client: &Client) -> Option<Strategy> {
    let path = PipelinePath {
        project: view.stage.project.clone(),
        pipeline: view.stage.pipeline.clone(),
    };
    let query = VersionQuery {
        version: Some(view.pipeline),
    };
    let pinned = client.get::<GetPipeline>(&path, &query).await.ok()?;
    pinned.pipeline.stage(&view.stage.stage).map(|stage| {
        let level = view.decision.as_ref().map(|decision| decision.risk);
        stage.rollout_at(level.unwrap_or_default()).clone()
    })
}
