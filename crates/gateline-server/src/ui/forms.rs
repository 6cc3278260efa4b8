//! Forms: a command each, as the session's actor. Done: back to the page. Refused: the page again, with the problem and
//! what was written.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use gateline_api::{PromotionPath, ReleaseName, StagePath, entry};
use gateline_core::Command;
use gateline_model::{PromotionId, Scope};
use serde::{Deserialize, Serialize};

use super::link;
use super::pages::{PromoteAddress, promote_markup, promotion_markup, stage_markup};
use super::promotion::{Act, Tried, until_of};
use super::stage as stage_page;
use super::visit::{Visit, html, status};
use crate::call::idempotency;
use crate::hub::Receipt;
use crate::refused::Refused;
use crate::views;

/// The fields of every form; each uses some of them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    csrf: String,
    key: String,
    question: String,
    gate: String,
    until: String,
    reason: String,
    release: String,
}

type Sent = Result<Form<Fields>, FormRejection>;

fn fields(visit: &Visit, sent: Sent) -> Result<Fields, Refused> {
    let Form(fields) = sent.map_err(|err| match err.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refused::new(&entry::BODY_TOO_LARGE, err.body_text()),
        _ => Refused::new(&entry::BODY, err.body_text()),
    })?;
    visit.expect_form(&fields.csrf)?;
    Ok(fields)
}

/// Submits as the session's actor; the same form sent twice is one request.
async fn submit(visit: &Visit, route: &str, fields: &Fields, command: Command) -> Result<Receipt, Refused> {
    let request = serde_json::to_vec(fields).unwrap_or_default();
    let key = idempotency(&visit.caller.actor, route, &fields.key, &[&request])?;
    Ok(visit
        .app
        .hub
        .submit(visit.caller.actor.clone(), command, Some(key), Vec::new())
        .await?)
}

/// A promotion and what to do to it.
#[derive(Debug, Deserialize)]
pub(super) struct ActAddress {
    #[serde(flatten)]
    of: PromotionParts,
    act: String,
}

/// Names as texts: a flattened number would be refused by the path's reader.
#[derive(Debug, Deserialize)]
struct PromotionParts {
    project: String,
    pipeline: String,
    stage: String,
    number: String,
}

impl ActAddress {
    fn promotion(&self) -> Result<PromotionPath, Refused> {
        let PromotionParts {
            project,
            pipeline,
            stage,
            number,
        } = &self.of;
        let id: PromotionId = format!("{project}/{pipeline}/{stage}/{number}")
            .parse()
            .map_err(|err| Refused::new(&entry::PATH, format!("{err}")))?;
        Ok(PromotionPath::from(&id))
    }

    fn act(&self) -> Result<Act, Refused> {
        let known = Act::ALL.into_iter().find(|act| act.word() == self.act);
        known.ok_or_else(|| Refused::new(&entry::ROUTE, format!("a promotion has no action `{}`", self.act)))
    }
}

pub(super) async fn steer(mut visit: Visit, sent: Sent) -> Response {
    let read = async {
        let address: ActAddress = visit.path().await?;
        Ok((address.promotion()?, address.act()?, fields(&visit, sent)?))
    };
    let (path, act, fields) = match read.await {
        Ok(read) => read,
        Err(refused) => return visit.show(Err(refused)),
    };
    let done = match steering(&visit, &path, act, &fields) {
        Ok(command) => {
            submit(
                &visit,
                &link::promotion_act(&path.id(), act.word()),
                &fields,
                command,
            )
            .await
        }
        Err(refused) => Err(refused),
    };
    match done {
        Ok(_) => Redirect::to(&link::promotion(&path.id())).into_response(),
        Err(refused) => {
            let Fields {
                gate, until, reason, ..
            } = fields;
            let code = status(refused.problem().status);
            let tried = Tried {
                act,
                problem: refused.problem().clone(),
                gate,
                until,
                reason,
            };
            match promotion_markup(&visit.app, &visit.visitor, &path, Some(&tried)).await {
                Ok(page) => html(code, page),
                Err(refused) => visit.show(Err(refused)),
            }
        }
    }
}

fn steering(visit: &Visit, path: &PromotionPath, act: Act, fields: &Fields) -> Result<Command, Refused> {
    let promotion = path.id();
    let reason = fields.reason.trim().to_owned();
    let bad = |text: String| Refused::new(&entry::BODY, text);
    Ok(match act {
        Act::Approve => {
            visit.needs(Scope::Approve)?;
            let question = fields.question.parse().map_err(|err| bad(format!("{err}")))?;
            Command::Approve {
                promotion,
                question: Some(question),
                comment: (!reason.is_empty()).then_some(reason),
            }
        }
        Act::Override => {
            visit.needs(Scope::Override)?;
            let gate = fields.gate.parse().map_err(|err| bad(format!("{err}")))?;
            let until =
                until_of(&fields.until).ok_or_else(|| bad(format!("`{}` is no time", fields.until)))?;
            Command::Override {
                promotion,
                gate,
                until,
                reason,
            }
        }
        Act::Pause => {
            visit.needs(Scope::Promote)?;
            Command::Pause { promotion, reason }
        }
        Act::Resume => {
            visit.needs(Scope::Promote)?;
            Command::Resume { promotion, reason }
        }
        Act::Abort => {
            visit.needs(Scope::Promote)?;
            Command::Abort { promotion, reason }
        }
    })
}

/// Somebody loads the address of a form again: the page itself is meant.
pub(super) async fn back_to_promotion(mut visit: Visit) -> Response {
    let address: Result<ActAddress, Refused> = visit.path().await;
    match address.and_then(|address| address.promotion()) {
        Ok(path) => Redirect::to(&link::promotion(&path.id())).into_response(),
        Err(refused) => visit.show(Err(refused)),
    }
}

pub(super) async fn promote(mut visit: Visit, sent: Sent) -> Response {
    let read = async {
        let address: PromoteAddress = visit.path().await?;
        Ok((address, fields(&visit, sent)?))
    };
    let (address, fields) = match read.await {
        Ok(read) => read,
        Err(refused) => return visit.show(Err(refused)),
    };
    match request(&visit, &address, &fields).await {
        Ok(promotion) => Redirect::to(&link::promotion(&promotion)).into_response(),
        Err(refused) => {
            let code = status(refused.problem().status);
            match promote_markup(&visit, &address, Some(refused.problem())).await {
                Ok(page) => html(code, page),
                Err(refused) => visit.show(Err(refused)),
            }
        }
    }
}

async fn request(visit: &Visit, address: &PromoteAddress, fields: &Fields) -> Result<PromotionId, Refused> {
    visit.needs(Scope::Promote)?;
    let release = address.release(visit).await?;
    let stage = gateline_model::StageRef {
        project: release.of.project.clone(),
        pipeline: release.of.pipeline.clone(),
        stage: address.stage.clone(),
    };
    let route = link::promote_act(&release.of, &release.version, &address.stage);
    let command = Command::Promote {
        release: release.id,
        stage: stage.clone(),
    };
    let receipt = submit(visit, &route, fields, command).await?;
    views::opened(&visit.app.hub, &receipt, &stage, Some(&release.id))
}

pub(super) async fn back_to_promote(visit: Visit) -> Response {
    back(&visit)
}

/// A stage and what to do to it.
#[derive(Debug, Deserialize)]
pub(super) struct StageActAddress {
    #[serde(flatten)]
    of: StagePath,
    act: String,
}

pub(super) async fn stage(mut visit: Visit, sent: Sent) -> Response {
    let read = async {
        let address: StageActAddress = visit.path().await?;
        Ok((address, fields(&visit, sent)?))
    };
    let (StageActAddress { of, act }, fields) = match read.await {
        Ok(read) => read,
        Err(refused) => return visit.show(Err(refused)),
    };
    match change(&visit, &of, &act, &fields).await {
        Ok(page) => Redirect::to(&page).into_response(),
        Err(refused) => {
            let code = status(refused.problem().status);
            let Fields { reason, release, .. } = fields;
            let tried = stage_page::Tried {
                act,
                problem: refused.problem().clone(),
                reason,
                release,
            };
            match stage_markup(&visit, &of, Some(&tried)).await {
                Ok(page) => html(code, page),
                Err(refused) => visit.show(Err(refused)),
            }
        }
    }
}

/// Changes the stage; the page to go to then.
async fn change(visit: &Visit, of: &StagePath, act: &str, fields: &Fields) -> Result<String, Refused> {
    visit.needs(Scope::Promote)?;
    let stage = of.reference();
    let route = link::stage_act(&stage, act);
    let reason = fields.reason.trim().to_owned();
    match act {
        "rollback" => {
            let receipt = submit(
                visit,
                &route,
                fields,
                Command::RollBack {
                    stage: stage.clone(),
                    reason,
                },
            )
            .await?;
            Ok(link::promotion(&views::opened(
                &visit.app.hub,
                &receipt,
                &stage,
                None,
            )?))
        }
        "unbar" => {
            let name: ReleaseName = fields
                .release
                .parse()
                .map_err(|err| Refused::new(&entry::BODY, format!("{err}")))?;
            let release = visit
                .app
                .hub
                .with_world(|world| views::release_named(world, &name))?
                .id;
            submit(
                visit,
                &route,
                fields,
                Command::LiftBar {
                    stage: stage.clone(),
                    release,
                    reason,
                },
            )
            .await?;
            Ok(link::stage(&stage))
        }
        other => Err(Refused::new(
            &entry::ROUTE,
            format!("a stage has no action `{other}`"),
        )),
    }
}

pub(super) async fn back_to_stage(mut visit: Visit) -> Response {
    let address: Result<StageActAddress, Refused> = visit.path().await;
    match address {
        Ok(StageActAddress { of, act: _ }) => Redirect::to(&link::stage(&of.reference())).into_response(),
        Err(refused) => visit.show(Err(refused)),
    }
}

/// The page whose form this address is: the same without its first part.
fn back(visit: &Visit) -> Response {
    let path = visit.address();
    Redirect::to(path.strip_prefix("/ui").unwrap_or("/")).into_response()
}
