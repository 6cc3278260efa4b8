//! Notifications: the rules in force, and the letters that tell people.

use gateline_api::{LettersQuery, NotificationsView, entry};
use gateline_core::Sight;
use gateline_model::{Letter, LetterState, ProjectName};

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
pub(crate) fn letters(hub: &Hub, sight: &Sight, project: &ProjectName, query: &LettersQuery) -> Vec<Letter> {
    let mut all = all_letters(hub, sight, Some(project));
    all.retain(|letter| query.state.is_none_or(|state| letter.state == state));
    all
}

/// The same of all projects, or of one. A letter is seen by those who see everything that it tells.
pub(crate) fn all_letters(hub: &Hub, sight: &Sight, only: Option<&ProjectName>) -> Vec<Letter> {
    let mut all: Vec<Letter> = hub.with_world(|world| {
        let of = world
            .tellings()
            .filter(|(name, _)| only.is_none_or(|only| only == *name) && sight.sees_project(name));
        let seen = |letter: &&Letter| {
            let mut told = letter.notices.iter();
            told.all(|told| sight.sees_stream(world, &told.notice.stream))
        };
        of.flat_map(|(_, telling)| telling.pending.values().chain(&telling.ended))
            .map(AsRef::as_ref)
            .filter(seen)
            .cloned()
            .collect()
    });
    let place = |letter: &Letter| {
        let waits = letter.state == LetterState::Pending;
        let millis = letter.due.as_millisecond();
        (
            !waits,
            if waits { millis } else { -millis },
            letter.project.clone(),
            letter.number,
        )
    };
    all.sort_by_cached_key(place);
    all
}
