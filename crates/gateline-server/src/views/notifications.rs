//! Notifications: the rules in force, and the letters that tell people.

use gateline_api::{LettersQuery, NotificationsView, entry};
use gateline_model::{Letter, ProjectName};

use crate::hub::Hub;
use crate::refused::Refused;

/// The rules in force of a project.
pub(crate) fn notifications(hub: &Hub, project: &ProjectName) -> Result<NotificationsView, Refused> {
    let rules = hub.with_world(|world| world.project(project)?.notifications.clone());
    let unknown = || {
        let detail = format!("project `{project}` has no rules of notifications");
        Refused::new(&entry::NOTIFICATIONS_UNKNOWN, detail)
    };
    let rules = rules.ok_or_else(unknown)?;
    Ok(NotificationsView {
        version: rules.version(),
        notifications: (*rules).clone(),
    })
}

/// A project's letters: those that wait, soonest first, then those that ended, newest first.
pub(crate) fn letters(hub: &Hub, project: &ProjectName, query: &LettersQuery) -> Vec<Letter> {
    hub.with_world(|world| {
        let Some(telling) = world.telling(project) else {
            return Vec::new();
        };
        let mut waiting: Vec<&Letter> = telling.pending.values().collect();
        waiting.sort_by_key(|letter| (letter.due, letter.number));
        let all = waiting.into_iter().chain(telling.ended.iter().rev());
        all.filter(|letter| query.state.is_none_or(|state| letter.state == state))
            .cloned()
            .collect()
    })
}
