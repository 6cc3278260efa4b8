//! Policy modules, as they are in force.

use gateline_api::{Named, PolicyBrief, PolicyPath, PolicyQuery, PolicyView, entry};
use gateline_core::Sight;
use gateline_model::Declared;

use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::not_there;

/// The modules of a project, or of all, by project and name.
pub(crate) fn policies(hub: &Hub, sight: &Sight, query: &PolicyQuery) -> Vec<PolicyBrief> {
    let mut found: Vec<PolicyBrief> = hub.with_world(|world| {
        let asked = world
            .projects()
            .filter(|(name, _)| query.project.as_ref().is_none_or(|project| project == *name))
            .filter(|(name, _)| sight.sees_project(name));
        let briefs = asked.flat_map(|(project, state)| {
            state.policies.iter().map(|(name, version)| PolicyBrief {
                project: project.clone(),
                name: name.clone(),
                version: *version,
            })
        });
        briefs.collect()
    });
    found.sort_by(|a, b| (&a.project, &a.name).cmp(&(&b.project, &b.name)));
    found
}

/// One module with its files.
pub(crate) async fn policy(hub: &Hub, path: &PolicyPath) -> Result<PolicyView, Refused> {
    let version = hub.with_world(|world| world.project(&path.project)?.policies.get(&path.policy).copied());
    let Some(version) = version else {
        let declared = Declared::Policy(path.policy.clone());
        return Err(not_there(&Named::Declared(path.project.clone(), declared)));
    };
    let module = hub
        .policy(version)
        .await
        .map_err(|why| Refused::new(&entry::UNAVAILABLE, why))?;
    Ok(PolicyView {
        project: path.project.clone(),
        name: path.policy.clone(),
        version,
        revision: module.module.revision().map(str::to_owned),
        packages: module.module.packages().into_iter().collect(),
        files: module
            .files
            .iter()
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect(),
    })
}
