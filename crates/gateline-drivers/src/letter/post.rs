//! The post: the channels and people of the server's file, and letters brought to them.

use gateline_model::{ActorId, Channel, Delivered, Letter, Person, SlackUser, Summary};
use jiff::Timestamp;

use super::{Envelope, deliver};

/// What the server's file declares of telling people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Post {
    /// The ways to tell people something.
    pub channels: Vec<Channel>,
    /// Who people are on these.
    pub people: Vec<Person>,
    /// How browsers reach the server.
    pub url: Option<String>,
}

impl Post {
    /// Brings a letter to its channel, once. `actors` are the people whom it is for; `summaries` are of the promotions that
    /// it asks about.
    pub async fn deliver(
        &self,
        letter: &Letter,
        actors: &[ActorId],
        summaries: &[Summary],
        now: Timestamp,
    ) -> Delivered {
        let name = &letter.to.channel;
        let Some(channel) = self.channels.iter().find(|channel| channel.name == *name) else {
            // Whoever declares it and starts the server anew gets the letters that wait.
            return Delivered::Later(
                format!(
                    "the server's file declares no channel `{name}`: add it under `channels` and start the server again"
                ),
                None,
            );
        };
        let people: Vec<Person> = self
            .people
            .iter()
            .filter(|person| actors.contains(&person.actor))
            .cloned()
            .collect();
        deliver(Envelope {
            letter,
            channel,
            people: &people,
            summaries,
            url: self.url.as_deref(),
            now,
        })
        .await
    }

    /// Who a user of Slack is here, by ids.
    pub fn by_slack(&self, user: &SlackUser) -> Option<&ActorId> {
        let found = self
            .people
            .iter()
            .find(|person| person.slack.as_ref() == Some(user));
        found.map(|person| &person.actor)
    }

    /// Who a user of GitHub is here, by the user's number.
    pub fn by_github(&self, user: u64) -> Option<&ActorId> {
        let found = self.people.iter().find(|person| person.github == Some(user));
        found.map(|person| &person.actor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::letter;
    use super::*;

    #[tokio::test]
    async fn a_letter_for_a_channel_that_nobody_declared_waits() {
        let delivered = Post::default()
            .deliver(&letter(), &[], &[], Timestamp::UNIX_EPOCH)
            .await;
        assert!(matches!(delivered, Delivered::Later(why, None) if why.contains("no channel `chat`")));
    }
}
