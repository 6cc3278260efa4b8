//! Policy modules, as they are in force.

use gateline_api::{PolicyBrief, PolicyPath, PolicyQuery, PolicyView, entry};

use crate::hub::Hub;
use crate::refused::Refused;

/// The modules of a project, or of all, by project and name.
pub(crate) fn policies(hub: &Hub, query: &PolicyQuery) -> Vec<PolicyBrief> {
    let mut found: Vec<PolicyBrief> = hub.with_world(|world| {
        let asked = world
            .projects()
            .filter(|(name, _)| query.project.as_ref().is_none_or(|project| project == *name));
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
        let says = format!(
            "project `{}` has no policy module `{}`",
            path.project, path.policy
        );
        return Err(Refused::new(&entry::POLICY_UNKNOWN, says));
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
