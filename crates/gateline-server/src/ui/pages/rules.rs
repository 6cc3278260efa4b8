//! The pages of what is in force, and of its versions.

use gateline_api::{Named, Names, PipelineQuery, PolicyQuery, entry};
use gateline_model::{Declared, PipelineName, PipelineRef, ProjectName};
use maud::Markup;
use serde::Deserialize;

use super::name;
use crate::call::App;
use crate::refused::Refused;
use crate::ui::rules::{InForce, Shown, list, page};
use crate::ui::visit::Visit;
use crate::views::{self, VersionView};

/// What the address of the list may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListAddress {
    project: String,
}

pub(in crate::ui) async fn policies(visit: Visit) -> Result<Markup, Refused> {
    let ListAddress { project } = visit.query()?;
    let only: Option<ProjectName> = name(&project)?;
    let hub = &visit.app.hub;
    let query = PolicyQuery {
        project: only.clone(),
    };
    let modules = views::policies(hub, &visit.sight, &query)
        .into_iter()
        .map(|one| InForce {
            project: one.project,
            kind: "policy",
            name: one.name.to_string(),
            version: one.version,
        });
    let query = PipelineQuery {
        project: only.clone(),
        after: None,
        limit: Some(gateline_api::PAGE_MAX),
    };
    let pipelines = views::pipelines(hub, &visit.sight, &query)
        .items
        .into_iter()
        .map(|one| InForce {
            project: one.of.project,
            kind: "pipeline",
            name: one.of.pipeline.to_string(),
            version: one.version,
        });
    let roles = views::roles_in_force(hub, &visit.sight, only.as_ref())
        .into_iter()
        .map(|(project, version)| InForce {
            name: project.to_string(),
            project,
            kind: "roles",
            version,
        });
    let calendars = views::calendars(hub, &visit.sight, only.as_ref())
        .into_iter()
        .map(|one| InForce {
            project: one.project,
            kind: "calendar",
            name: one.name.to_string(),
            version: one.version,
        });
    let all: Vec<InForce> = modules.chain(roles).chain(calendars).chain(pipelines).collect();
    let proposals = views::proposals(hub, &visit.sight, only.as_ref()).await?;
    Ok(list(&visit.visitor, project.trim(), &all, &proposals))
}

/// One of them in an address.
#[derive(Debug, Clone, Deserialize)]
struct RulesAddress {
    project: ProjectName,
    kind: String,
    name: String,
}

impl RulesAddress {
    fn declared(&self) -> Result<Declared, Refused> {
        let Self { kind, name, .. } = self;
        let bad = |err: String| Refused::new(&entry::PATH, err);
        Ok(match kind.as_str() {
            "pipeline" => Declared::Pipeline(name.parse().map_err(|err| bad(format!("{err}")))?),
            "policy" => Declared::Policy(name.parse().map_err(|err| bad(format!("{err}")))?),
            "calendar" => Declared::Calendar(name.parse().map_err(|err| bad(format!("{err}")))?),
            "notifications" => Declared::Notifications,
            "roles" => Declared::Roles,
            _ => {
                let says =
                    format!("`{kind}` is none of `pipeline`, `policy`, `calendar`, `notifications`, `roles`");
                return Err(bad(says));
            }
        })
    }
}

impl Names for RulesAddress {
    const OF_A_PROJECT: bool = true;

    fn named(&self) -> Vec<Named> {
        let project = self.project.clone();
        vec![match self.declared() {
            Ok(declared) => Named::Declared(project, declared),
            Err(_) => Named::Project(project),
        }]
    }
}

/// Which two versions are compared, by log number.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Compared {
    old: Option<String>,
    new: Option<String>,
}

pub(in crate::ui) async fn rules(mut visit: Visit) -> Result<Markup, Refused> {
    let address: RulesAddress = visit.path().await?;
    let declared = address.declared()?;
    let RulesAddress { project, kind, name } = address;
    let compared: Compared = visit.query()?;
    let hub = &visit.app.hub;
    let versions = views::versions(hub, &project, &declared).await?;
    let new = chosen(&versions, compared.new.as_deref())?.unwrap_or(0);
    let old = match compared.old.as_deref() {
        // Where nothing is asked for, what was in force before.
        None => Some(new + 1).filter(|before| *before < versions.len()),
        given => chosen(&versions, given)?,
    };
    let before = old.map(|place| &versions[place]);
    let difference = views::difference(
        hub,
        &declared,
        before.map(|one| one.content),
        versions[new].content,
    )
    .await?;
    let meaning = match (&declared, before) {
        (Declared::Pipeline(name), Some(before)) => {
            meaning(&visit.app, &project, name, before, &versions[new]).await
        }
        (
            Declared::Pipeline(_)
            | Declared::Policy(_)
            | Declared::Calendar(_)
            | Declared::Notifications
            | Declared::Roles,
            _,
        ) => None,
    };
    let mut waiting = views::proposals(hub, &visit.sight, Some(&project)).await?;
    waiting.retain(|one| one.of == declared);
    let shown = Shown {
        project: &project,
        kind: &kind,
        name: &name,
        versions: &versions,
        old,
        new,
        meaning: meaning.as_deref(),
        difference: &difference,
        waiting: &waiting,
    };
    Ok(page(&visit.visitor, &shown))
}

/// The place of the version that a log number names; nothing where it is empty.
fn chosen(versions: &[VersionView], number: Option<&str>) -> Result<Option<usize>, Refused> {
    let Some(number) = number.filter(|number| !number.is_empty()) else {
        return Ok(None);
    };
    let place = versions.iter().position(|one| one.number.to_string() == number);
    let unknown = || {
        Refused::new(
            &entry::QUERY,
            format!("no version came into force at log number `{number}`"),
        )
    };
    place.map(Some).ok_or_else(unknown)
}

/// What two versions of a pipeline mean differently.
async fn meaning(
    app: &App,
    project: &ProjectName,
    name: &PipelineName,
    old: &VersionView,
    new: &VersionView,
) -> Option<Vec<String>> {
    let of = PipelineRef {
        project: project.clone(),
        pipeline: name.clone(),
    };
    let old = views::pipeline(&app.hub, &of, Some(old.version)).await.ok()?;
    let new = views::pipeline(&app.hub, &of, Some(new.version)).await.ok()?;
    let found = gateline_spec::diff(&old.pipeline, &new.pipeline);
    Some(found.iter().map(ToString::to_string).collect())
}
