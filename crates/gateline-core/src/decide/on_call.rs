//! Deciding about what a source of who is on call said: whether it is news, and when it is asked again.

use gateline_model::limits::{ON_CALL_NAMES_MAX, ON_CALL_WHY_BYTES_MAX};
use gateline_model::{ActorId, Digest, Event, GroupName, ProjectName, StreamId};
use jiff::Timestamp;

use crate::draft::Draft;

/// Records what a source said where it is news. An answer of a source that is declared otherwise by now is nobody's.
pub(super) fn report(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    team: &GroupName,
    source: &Digest,
    who: &Result<Vec<ActorId>, String>,
) -> Option<Timestamp> {
    let state = draft.project(project)?;
    let asked = state.on_call.get(team).filter(|asked| asked.id == *source)?;
    let now = draft.facts.now;
    let who = believed(who);
    if asked.is_news(&who, now) {
        let (team, source) = (team.clone(), *source);
        let event = match who.clone() {
            Ok(who) => Event::OnCallLearned { team, source, who },
            Err(why) => Event::OnCallErrored { team, source, why },
        };
        draft.emit(StreamId::Project(project.clone()), event);
    }
    Some(asked.again(&who, now))
}

/// The answer in one order, each name once; none where it is longer than any team, or names Gateline itself.
fn believed(who: &Result<Vec<ActorId>, String>) -> Result<Vec<ActorId>, String> {
    let mut who = who.clone().map_err(cut)?;
    who.sort();
    who.dedup();
    if who.len() > ON_CALL_NAMES_MAX {
        return Err(format!(
            "it names {} people; it may name {ON_CALL_NAMES_MAX} (ON_CALL_NAMES_MAX)",
            who.len()
        ));
    }
    let itself = crate::Actor::gateline().id;
    match who.contains(&itself) {
        true => Err(format!("it names `{itself}`, which is Gateline itself")),
        false => Ok(who),
    }
}

fn cut(mut why: String) -> String {
    why.truncate(why.floor_char_boundary(ON_CALL_WHY_BYTES_MAX));
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_in_one_order_and_refused_where_it_names_too_many_or_gateline() {
        let names = |names: &[&str]| Ok(names.iter().map(|name| name.parse().unwrap()).collect());
        assert_eq!(believed(&names(&["bo", "ann", "bo"])), names(&["ann", "bo"]));
        assert!(believed(&names(&["ann", "gateline"])).is_err());
        let many = |most: usize| {
            Ok((0..most)
                .map(|number| format!("a{number}").parse().unwrap())
                .collect())
        };
        assert!(believed(&many(ON_CALL_NAMES_MAX)).is_ok());
        let err = believed(&many(ON_CALL_NAMES_MAX + 1)).unwrap_err();
        assert!(err.contains("ON_CALL_NAMES_MAX"), "{err}");
        let long = believed(&Err("ä".repeat(ON_CALL_WHY_BYTES_MAX))).unwrap_err();
        assert!(long.len() <= ON_CALL_WHY_BYTES_MAX);
    }
}
