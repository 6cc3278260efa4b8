//! What is there for whom: what a request names is looked up among what its caller may read, and is otherwise answered word for
//! word as if it were not there. Who sees what is core's to say ([`Sight`]); lists are filtered where they are made.

mod rows;

use gateline_api::{ErrorEntry, Named, entry};
use gateline_core::authority::Object;
use gateline_core::{Sight, World};
use gateline_model::{Declared, Digest, Event, PipelineRef, ProjectName};
use gateline_store::{READ_EVENTS_MAX, Search};
use jiff::Timestamp;

use crate::auth::Caller;
use crate::hub::Hub;
use crate::refused::Refused;
use crate::views;

pub(crate) use rows::seen_rows;

/// What a caller may read now; nothing where nobody was let in.
pub(crate) fn sight(hub: &Hub, caller: Option<&Caller>) -> Sight {
    caller.map_or_else(Sight::nothing, |caller| {
        hub.with_world(|world| Sight::of(world, &caller.actor, Timestamp::now()))
    })
}

/// Goes on where everything that is named is seen.
///
/// # Errors
/// The answer for what there is not: which of the two it is, is not told.
pub(crate) async fn refuse_unseen(hub: &Hub, sight: &Sight, named: &[Named]) -> Result<(), Refused> {
    for one in named {
        let seen = match one {
            Named::Content(digest) => content(hub, sight, *digest).await?,
            Named::Release(name) => {
                hub.with_world(|world| views::release_named(world, sight, name))?;
                true
            }
            Named::Project(project) => {
                let is_there = hub.with_world(|world| world.project(project).is_some());
                is_there && sight.sees_project(project)
            }
            Named::Declared(project, declared) => sight.sees(&object(project, declared)),
            Named::Stage(stage) => sight.sees_stage(stage),
            Named::Promotion(id) => sight.sees_stage(&id.stage),
            // Of which pipeline it is, is known once it was read: there it is asked again.
            Named::Proposal(id) => sight.sees_project(&id.project),
        };
        if !seen {
            return Err(not_there(one));
        }
    }
    Ok(())
}

/// The project that something named is of, where it is there and its caller may see it: whoever may not, asks for nothing of it.
pub(crate) fn project(hub: &Hub, sight: &Sight, named: &[Named]) -> Option<ProjectName> {
    hub.with_world(|world| {
        let project = |named: &Named| match named {
            Named::Project(project) | Named::Declared(project, _) => Some(project.clone()),
            Named::Stage(stage) => Some(stage.project.clone()),
            Named::Promotion(id) => Some(id.stage.project.clone()),
            Named::Proposal(id) => Some(id.project.clone()),
            Named::Release(name) => {
                let release = views::release_named(world, sight, name).ok()?;
                Some(release.release.of.project.clone())
            }
            Named::Content(_) => None,
        };
        let found = named.iter().find_map(project)?;
        (world.project(&found).is_some() && sight.sees_project(&found)).then_some(found)
    })
}

/// What is declared in a project, for the rule of reading.
pub(crate) fn object(project: &ProjectName, declared: &Declared) -> Object {
    match declared {
        Declared::Pipeline(pipeline) => Object::pipeline(&PipelineRef {
            project: project.clone(),
            pipeline: pipeline.clone(),
        }),
        Declared::Policy(_) | Declared::Calendar(_) | Declared::Notifications | Declared::Roles => {
            Object::project(project)
        }
    }
}

/// The answer for what there is not, or not for whoever asks.
pub(crate) fn not_there(named: &Named) -> Refused {
    let (code, says): (&ErrorEntry, String) = match named {
        Named::Project(project) => (
            &entry::PROJECT_UNKNOWN,
            format!("there is no project `{project}`"),
        ),
        Named::Declared(project, Declared::Pipeline(name)) => (
            &entry::PIPELINE_UNKNOWN,
            format!("there is no pipeline `{project}/{name}`"),
        ),
        Named::Declared(project, Declared::Policy(name)) => (
            &entry::POLICY_UNKNOWN,
            format!("project `{project}` has no policy module `{name}`"),
        ),
        Named::Declared(project, Declared::Calendar(name)) => (
            &entry::CALENDAR_UNKNOWN,
            format!("project `{project}` has no calendar `{name}`"),
        ),
        Named::Declared(project, Declared::Notifications) => (
            &entry::NOTIFICATIONS_UNKNOWN,
            format!("project `{project}` has no rules of notifications"),
        ),
        Named::Declared(project, Declared::Roles) => (
            &entry::ROLES_UNKNOWN,
            format!("project `{project}` has no roles of its own"),
        ),
        Named::Stage(stage) => (&entry::STAGE_UNKNOWN, format!("there is no stage `{stage}`")),
        Named::Promotion(id) => (&entry::PROMOTION_UNKNOWN, format!("there is no promotion `{id}`")),
        Named::Release(name) => (&entry::RELEASE_UNKNOWN, format!("there is no release `{name}`")),
        Named::Proposal(id) => (&entry::PROPOSAL_UNKNOWN, format!("there is no proposal `{id}`")),
        Named::Content(digest) => (
            &entry::EVIDENCE_UNKNOWN,
            format!("no content with the digest {digest} is kept"),
        ),
    };
    Refused::new(code, says)
}

/// Whether content is evidence of something that is seen. It is kept by digest alone, whosever it is, so it is looked for among
/// what refers to it; what refers to it in several places is seen if one of these is.
async fn content(hub: &Hub, sight: &Sight, digest: Digest) -> Result<bool, Refused> {
    if sight.sees_everything() || hub.with_world(|world| reported(world, sight, &digest)) {
        return Ok(true);
    }
    // Checks of promotions that ended stand in the log only.
    let search = Search {
        event: Some("check_recorded".to_owned()),
        limit: READ_EVENTS_MAX,
        ..Search::default()
    };
    let recorded = hub.read(move |store| store.search(&search)).await?;
    Ok(hub.with_world(|world| {
        recorded.iter().any(|recorded| match &recorded.event {
            Event::CheckRecorded { evidence, .. } => {
                evidence.raw == Some(digest) && sight.sees_event(world, recorded)
            }
            _ => false,
        })
    }))
}

fn reported(world: &World, sight: &Sight, digest: &Digest) -> bool {
    world.releases().any(|release| {
        let mut evidence = release.evidence.iter();
        evidence.any(|(_, evidence)| evidence.raw.as_ref() == Some(digest))
            && sight.sees_pipeline(&release.release.of)
    })
}
