//! What a project tells: letters that wait, those that ended, what was told once, and how much goes to each channel.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use gateline_model::limits::NOTICES_PER_LETTER_MAX;
use gateline_model::{ChannelName, Enclosed, Event, Letter, LetterState, ProjectName, Recipient, Span};
use jiff::Timestamp;

use super::IllegalEvent;

/// How long it is remembered that something was told once.
pub const ONCE_KEPT: Span = Span::from_secs(30 * 86_400);
/// Most things that are remembered as told once in one project; the oldest are forgotten first.
pub const ONCE_MAX: usize = 10_000;
/// Letters that ended and are still shown with all that they told; the log has all of them.
pub const LETTERS_SHOWN_MAX: usize = 200;
/// The time in which letters to one channel are counted.
const WITHIN: Span = Span::from_secs(3_600);
/// A letter that is due so soon may be on its way: nothing is added to it any more.
const CLOSED_BEFORE: Span = Span::from_secs(5);

/// What a stream of notifications has come to. Its parts are shared: every decision that tells somebody copies it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Telling {
    /// The last letter's number.
    pub last: u64,
    /// Letters that are to be sent, by number.
    pub pending: BTreeMap<u64, Arc<Letter>>,
    /// Letters that were sent or given up, the latest last; at most [`LETTERS_SHOWN_MAX`].
    pub ended: VecDeque<Arc<Letter>>,
    /// What was told once, and when.
    pub once: Arc<BTreeMap<Arc<str>, Timestamp>>,
    /// When letters went to each channel within the last hour.
    pub sent: BTreeMap<ChannelName, VecDeque<Timestamp>>,
}

/// Where a notice goes: into a letter that waits already, or into a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub letter: u64,
    pub due: Timestamp,
}

impl Telling {
    /// A letter that waits, or ended of late.
    pub(crate) fn letter(&self, number: u64) -> Option<&Letter> {
        let ended = || self.ended.iter().find(|one| one.number == number);
        self.pending.get(&number).or_else(ended).map(Arc::as_ref)
    }

    /// Whether something was told already that is told once.
    pub(crate) fn was_told(&self, once: &str, now: Timestamp) -> bool {
        self.once.get(once).is_some_and(|at| now < ONCE_KEPT.after(*at))
    }

    /// The letter for a notice: one to the same recipient that is sent no later and not just now, else a new one, which
    /// waits for as long as the channel has had its share.
    pub(crate) fn place(&self, to: &Recipient, gather: Span, per_hour: u32, now: Timestamp) -> Place {
        let wanted = gather.after(now);
        let due = self.room(&to.channel, wanted, per_hour, now);
        let open = self.pending.values().find(|letter| {
            letter.to == *to
                && letter.attempts == 0
                && letter.due <= due
                && CLOSED_BEFORE.after(now) < letter.due
        });
        match open {
            Some(letter) => Place {
                letter: letter.number,
                due: letter.due,
            },
            None => Place {
                letter: self.last + 1,
                due,
            },
        }
    }

    /// The first moment from `wanted` on at which the channel takes one more.
    fn room(&self, channel: &ChannelName, wanted: Timestamp, per_hour: u32, now: Timestamp) -> Timestamp {
        let gone = self.sent.get(channel).into_iter().flatten().copied();
        let waiting = self
            .pending
            .values()
            .filter(|letter| letter.to.channel == *channel);
        let mut times: Vec<Timestamp> = gone
            .chain(waiting.map(|letter| letter.due))
            .filter(|at| now < WITHIN.after(*at))
            .collect();
        times.sort();
        match times.len().checked_sub(per_hour as usize) {
            None => wanted,
            Some(over) => times.get(over).map_or(wanted, |at| wanted.max(WITHIN.after(*at))),
        }
    }

    pub(crate) fn evolve(
        &mut self,
        project: &ProjectName,
        event: &Event,
        at: Timestamp,
    ) -> Result<(), IllegalEvent> {
        let illegal = |why| {
            Err(IllegalEvent {
                event: event.name(),
                why,
            })
        };
        match event {
            Event::NotificationPlanned {
                letter,
                to,
                rule,
                once,
                due,
                notice,
            } => {
                if let Some(once) = once {
                    self.remember(once, at);
                }
                let enclosed = Enclosed {
                    rule: rule.clone(),
                    notice: notice.clone(),
                };
                self.last = self.last.max(*letter);
                let number = *letter;
                let new = || Letter {
                    project: project.clone(),
                    number,
                    to: to.clone(),
                    notices: Vec::new(),
                    more: 0,
                    planned_at: at,
                    due: *due,
                    attempts: 0,
                    state: LetterState::Pending,
                    says: None,
                };
                let letter = self.pending.entry(number).or_insert_with(|| Arc::new(new()));
                let letter = Arc::make_mut(letter);
                if letter.notices.len() < NOTICES_PER_LETTER_MAX {
                    letter.notices.push(enclosed);
                } else {
                    letter.more += 1;
                }
            }
            Event::LetterSent {
                letter,
                attempt,
                says,
            } => {
                let Some(mut sent) = self.pending.remove(letter).map(Arc::unwrap_or_clone) else {
                    return illegal("no such letter waits");
                };
                let times = self.sent.entry(sent.to.channel.clone()).or_default();
                times.retain(|time| at < WITHIN.after(*time));
                times.push_back(at);
                sent.attempts = *attempt;
                self.end(sent, LetterState::Sent, says, at);
            }
            Event::LetterFailed {
                letter,
                attempt,
                why,
                again,
            } => {
                let Some(mut failed) = self.pending.remove(letter).map(Arc::unwrap_or_clone) else {
                    return illegal("no such letter waits");
                };
                failed.attempts = *attempt;
                match again {
                    Some(again) => {
                        failed.due = *again;
                        failed.says = Some(why.clone());
                        self.pending.insert(*letter, Arc::new(failed));
                    }
                    None => self.end(failed, LetterState::Failed, why, at),
                }
            }
            Event::LetterResent { letter } => {
                let place = self.ended.iter().position(|one| one.number == *letter);
                let ended = place.and_then(|place| self.ended.remove(place));
                let Some(mut again) = ended.map(Arc::unwrap_or_clone) else {
                    return illegal("no such letter ended of late");
                };
                again.state = LetterState::Pending;
                again.due = at;
                self.pending.insert(*letter, Arc::new(again));
            }
            _ => return illegal("it is not about a letter"),
        }
        Ok(())
    }

    fn end(&mut self, mut letter: Letter, state: LetterState, says: &str, at: Timestamp) {
        letter.state = state;
        letter.says = Some(says.to_owned());
        letter.due = at;
        self.ended.push_back(Arc::new(letter));
        if self.ended.len() > LETTERS_SHOWN_MAX {
            self.ended.pop_front();
        }
    }

    fn remember(&mut self, once: &str, at: Timestamp) {
        let told_once = Arc::make_mut(&mut self.once);
        if told_once.len() >= ONCE_MAX {
            told_once.retain(|_, told| at < ONCE_KEPT.after(*told));
        }
        if told_once.len() >= ONCE_MAX {
            let oldest = told_once.iter().min_by_key(|(_, told)| **told);
            if let Some(oldest) = oldest.map(|(once, _)| once.clone()) {
                told_once.remove(&oldest);
            }
        }
        told_once.insert(once.into(), at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Span::from_secs(secs).after("2026-11-21T10:00:00Z".parse().unwrap())
    }

    fn to(channel: &str) -> Recipient {
        Recipient {
            channel: channel.parse().unwrap(),
            people: Vec::new(),
        }
    }

    fn plan(telling: &mut Telling, to: &Recipient, gather: i64, per_hour: u32, now: i64) -> Place {
        let place = telling.place(to, Span::from_secs(gather), per_hour, at(now));
        let notice = gateline_model::Notice {
            event: "promotion_ended".to_owned(),
            stream: "promotion/shop/app/live/1".parse().unwrap(),
            at: at(now),
            by: "ana".parse().unwrap(),
            says: "ended".to_owned(),
            promotion: None,
            errored: None,
        };
        let planned = Event::NotificationPlanned {
            letter: place.letter,
            to: to.clone(),
            rule: "ends".parse().unwrap(),
            once: Some(format!("ends {now}")),
            due: place.due,
            notice: notice.into(),
        };
        telling
            .evolve(&"shop".parse().unwrap(), &planned, at(now))
            .unwrap();
        place
    }

    fn sent(telling: &mut Telling, letter: u64, now: i64) {
        let sent = Event::LetterSent {
            letter,
            attempt: 1,
            says: "200".to_owned(),
        };
        telling.evolve(&"shop".parse().unwrap(), &sent, at(now)).unwrap();
    }

    #[test]
    fn what_happens_within_the_interval_goes_into_one_letter() {
        let mut telling = Telling::default();
        let chat = to("chat");
        let first = plan(&mut telling, &chat, 600, 30, 0);
        assert_eq!(
            first,
            Place {
                letter: 1,
                due: at(600)
            }
        );
        assert_eq!(plan(&mut telling, &chat, 600, 30, 300), first);
        // It may be on its way: the next one has a letter of its own.
        assert_eq!(plan(&mut telling, &chat, 600, 30, 596).letter, 2);
        assert_eq!(plan(&mut telling, &to("mail"), 600, 30, 300).letter, 3);
        assert_eq!(telling.pending[&1].notices.len(), 2);
        // What is urgent does not wait for what is gathered.
        assert_eq!(plan(&mut telling, &chat, 0, 30, 610).letter, 4);
    }

    #[test]
    fn a_channel_that_has_had_its_share_gets_the_rest_together() {
        let mut telling = Telling::default();
        let chat = to("chat");
        for (letter, now) in [(1, 0), (2, 10)] {
            assert_eq!(
                plan(&mut telling, &chat, 0, 2, now),
                Place { letter, due: at(now) }
            );
            sent(&mut telling, letter, now);
        }
        let waits = plan(&mut telling, &chat, 0, 2, 20);
        assert_eq!(
            waits,
            Place {
                letter: 3,
                due: at(3_600)
            }
        );
        assert_eq!(plan(&mut telling, &chat, 0, 2, 30), waits, "the rest joins it");
        assert_eq!(
            plan(&mut telling, &to("mail"), 0, 2, 30).due,
            at(30),
            "others have their own"
        );
    }

    #[test]
    fn what_a_letter_has_no_room_for_is_counted() {
        let mut telling = Telling::default();
        for now in 0..NOTICES_PER_LETTER_MAX as i64 + 3 {
            plan(&mut telling, &to("chat"), 900, 30, now);
        }
        let letter = &telling.pending[&1];
        assert_eq!((letter.notices.len(), letter.more), (NOTICES_PER_LETTER_MAX, 3));
    }

    #[test]
    fn what_is_told_once_is_remembered_for_a_month_and_the_memory_has_an_end() {
        let mut telling = Telling::default();
        plan(&mut telling, &to("chat"), 0, 30, 0);
        assert!(telling.was_told("ends 0", at(100)));
        assert!(!telling.was_told("ends 0", at(31 * 86_400)));
        for number in 0..ONCE_MAX + 5 {
            telling.remember(&format!("x {number}"), at(10 + number as i64));
        }
        assert_eq!(telling.once.len(), ONCE_MAX);
        assert!(
            !telling.was_told("ends 0", at(100)),
            "the oldest is forgotten first"
        );
    }

    #[test]
    fn a_failed_letter_waits_for_its_next_attempt_and_is_shown_when_given_up() {
        let mut telling = Telling::default();
        plan(&mut telling, &to("chat"), 0, 30, 0);
        let failed = |attempt, again| Event::LetterFailed {
            letter: 1,
            attempt,
            why: "503".to_owned(),
            again,
        };
        let shop = "shop".parse().unwrap();
        telling.evolve(&shop, &failed(1, Some(at(30))), at(1)).unwrap();
        let letter = &telling.pending[&1];
        assert_eq!((letter.due, letter.attempts), (at(30), 1));
        telling.evolve(&shop, &failed(2, None), at(31)).unwrap();
        assert_eq!(telling.ended[0].state, LetterState::Failed);
        assert!(telling.evolve(&shop, &failed(3, None), at(32)).is_err());
        // Its channel was mended, and somebody asks for it: it is sent at once, and its attempts go on counting.
        let resent = Event::LetterResent { letter: 1 };
        telling.evolve(&shop, &resent, at(90)).unwrap();
        let letter = &telling.pending[&1];
        assert_eq!((letter.due, letter.attempts, telling.ended.len()), (at(90), 2, 0));
        assert!(telling.evolve(&shop, &resent, at(91)).is_err());
    }
}
