//! What is known of the sources that say who is on call: what each said last, and when.

use std::collections::BTreeMap;

use gateline_model::{ActorId, Digest, Event, GroupName, OnCall, OnCallSource, Roles, Span};
use jiff::Timestamp;

/// How soon a source is asked again that could not be read, where it is not asked sooner anyway.
pub const ON_CALL_RETRY: Span = Span::from_secs(30);

/// The sources of a project's teams, by team.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OnCallSources(BTreeMap<GroupName, Asked>);

/// A source, and what it said.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The source, as it is declared.
    pub source: OnCallSource,
    /// Which one that is.
    pub id: Digest,
    /// Since when it is declared so.
    pub declared_at: Timestamp,
    /// What it said last, or why it could not be read; none before it was asked.
    pub last: Option<Last>,
}

/// What a source said last.
#[derive(Debug, Clone, PartialEq)]
pub struct Last {
    /// Who, or why it could not be read.
    pub who: Result<Vec<ActorId>, String>,
    /// Since when it says so.
    pub since: Timestamp,
    /// When that was recorded last.
    pub at: Timestamp,
}

impl Asked {
    /// Who is on call at a moment.
    ///
    /// # Errors
    /// Why that is not known: then nobody is.
    pub fn who(&self, now: Timestamp) -> Result<&[ActorId], String> {
        let Some(last) = &self.last else {
            return Err("its source was not asked yet".to_owned());
        };
        let who = last
            .who
            .as_ref()
            .map_err(|why| format!("its source could not be read: {why}"))?;
        match now < self.max_age().after(last.at) {
            true => Ok(who),
            false => Err(format!(
                "what its source said last is older than {} (max_age)",
                self.max_age()
            )),
        }
    }

    /// Whether an answer is recorded: it is another one, or the same one was recorded so long ago that it should be
    /// confirmed before it is too old.
    pub fn is_news(&self, who: &Result<Vec<ActorId>, String>, now: Timestamp) -> bool {
        let Some(last) = &self.last else { return true };
        let confirm = Span::from_millis(self.max_age().as_millis() / 2).after(last.at);
        last.who != *who || (who.is_ok() && now >= confirm)
    }

    /// When it is asked again after an answer.
    pub fn again(&self, who: &Result<Vec<ActorId>, String>, now: Timestamp) -> Timestamp {
        let every = self.source.every;
        match who {
            Ok(_) => every.after(now),
            Err(_) => every.min(ON_CALL_RETRY).after(now),
        }
    }

    fn max_age(&self) -> Span {
        self.source.max_age
    }
}

impl OnCallSources {
    /// The source of a team.
    pub fn get(&self, team: &GroupName) -> Option<&Asked> {
        self.0.get(team)
    }

    /// Every team with a source.
    pub fn iter(&self) -> impl Iterator<Item = (&GroupName, &Asked)> {
        self.0.iter()
    }

    /// Keeps what an event says; others say nothing of it.
    pub(crate) fn evolve(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::RolesApplied { roles, .. } => self.declare(roles, at),
            Event::OnCallLearned { team, source, who } => self.note(team, source, Ok(who.clone()), at),
            Event::OnCallErrored { team, source, why } => self.note(team, source, Err(why.clone()), at),
            _ => {}
        }
    }

    /// A source that is declared as before is known as before.
    fn declare(&mut self, roles: &Roles, at: Timestamp) {
        let mut before = std::mem::take(&mut self.0);
        for team in &roles.teams {
            let Some(OnCall::Source(source)) = &team.on_call else {
                continue;
            };
            let id = source.digest();
            let same = before.remove(&team.name).filter(|asked| asked.id == id);
            let asked = same.unwrap_or_else(|| Asked {
                source: source.clone(),
                id,
                declared_at: at,
                last: None,
            });
            self.0.insert(team.name.clone(), asked);
        }
    }

    fn note(&mut self, team: &GroupName, source: &Digest, who: Result<Vec<ActorId>, String>, at: Timestamp) {
        let asked = self.0.get_mut(team).filter(|asked| asked.id == *source);
        if let Some(asked) = asked {
            let same = asked.last.as_ref().filter(|last| last.who == who);
            let since = same.map_or(at, |last| last.since);
            asked.last = Some(Last { who, since, at });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Span::from_secs(secs).after("2026-11-21T10:00:00Z".parse().unwrap())
    }

    fn roles(path: &str) -> Event {
        let roles: Roles = serde_json::from_value(serde_json::json!({
            "project": "shop",
            "teams": [{"name": "ops", "on_call": {"http": format!("https://pager.example.com/{path}"), "who": "/x"}}],
        }))
        .unwrap();
        Event::RolesApplied {
            version: roles.version(),
            roles: Arc::new(roles),
            source: Digest::of(b"roles"),
            origin: gateline_model::Origin::default(),
        }
    }

    fn ops() -> GroupName {
        "ops".parse().unwrap()
    }

    fn learned(of: &OnCallSources, who: &[&str]) -> Event {
        Event::OnCallLearned {
            team: ops(),
            source: of.get(&ops()).unwrap().id,
            who: who.iter().map(|who| who.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn nobody_is_on_call_before_the_source_spoke_nor_once_that_is_too_old() {
        let mut of = OnCallSources::default();
        of.evolve(&roles("a"), at(0));
        let who = |of: &OnCallSources, now| of.get(&ops()).unwrap().who(at(now)).map(<[ActorId]>::len);
        assert!(who(&of, 0).unwrap_err().contains("was not asked yet"));
        of.evolve(&learned(&of, &["ann"]), at(10));
        assert_eq!(who(&of, 10), Ok(1));
        assert_eq!(who(&of, 10 + 1_799), Ok(1));
        let old = who(&of, 10 + 1_800).unwrap_err();
        assert_eq!(old, "what its source said last is older than 30m (max_age)");
        of.evolve(&learned(&of, &[]), at(4_000));
        assert_eq!(who(&of, 4_000), Ok(0), "it names nobody: that is known");
        let errored = Event::OnCallErrored {
            team: ops(),
            source: of.get(&ops()).unwrap().id,
            why: "it answered 503".to_owned(),
        };
        of.evolve(&errored, at(4_100));
        assert_eq!(
            who(&of, 4_100).unwrap_err(),
            "its source could not be read: it answered 503"
        );
    }

    #[test]
    fn the_same_answer_is_recorded_again_only_to_confirm_it_and_keeps_its_beginning() {
        let mut of = OnCallSources::default();
        of.evolve(&roles("a"), at(0));
        of.evolve(&learned(&of, &["ann"]), at(10));
        let asked = of.get(&ops()).unwrap().clone();
        let (same, other) = (Ok(vec!["ann".parse().unwrap()]), Ok(vec!["bo".parse().unwrap()]));
        assert!(!asked.is_news(&same, at(10 + 899)));
        assert!(asked.is_news(&same, at(10 + 900)));
        assert!(asked.is_news(&other, at(11)));
        assert!(asked.is_news(&Err("503".to_owned()), at(11)));
        assert_eq!(asked.again(&same, at(10)), at(310));
        assert_eq!(asked.again(&Err("503".to_owned()), at(10)), at(40));
        of.evolve(&learned(&of, &["ann"]), at(910));
        let last = of.get(&ops()).unwrap().last.clone().unwrap();
        assert_eq!((last.since, last.at), (at(10), at(910)));
    }

    #[test]
    fn what_another_declaration_learnt_does_not_count() {
        let mut of = OnCallSources::default();
        of.evolve(&roles("a"), at(0));
        let late = learned(&of, &["ann"]);
        of.evolve(&late, at(10));
        of.evolve(&roles("a"), at(20));
        assert!(
            of.get(&ops()).unwrap().last.is_some(),
            "the same is known as before"
        );
        of.evolve(&roles("b"), at(30));
        assert!(of.get(&ops()).unwrap().last.is_none());
        of.evolve(&late, at(40));
        assert!(of.get(&ops()).unwrap().last.is_none());
    }
}
