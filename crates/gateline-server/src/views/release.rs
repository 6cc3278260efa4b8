//! Releases: the list, and one with its evidence and its life through the stages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateline_api::{
    LifeStage, Page, ReleaseName, ReleaseQuery, ReleaseSummary, ReleaseView, entry, page_size,
};
use gateline_core::{ReleaseState, Sight, World};
use gateline_model::{ChangeText, Digest, Private, Recorded, ReleaseId, StageRef, StreamId};
use gateline_store::{PromotionSearch, READ_EVENTS_MAX, Read, ReleaseRow, ReleaseSearch};
use jiff::Timestamp;

use super::evidence::evidence;
use super::names::release_named;
use super::promotions::{pipeline_of, summaries};
use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::seen_rows;

/// Parts of a cursor are joined by this; no id or time contains it.
const CURSOR_JOINT: char = '~';

/// The page of releases that is asked for.
///
/// # Errors
/// 422 for a query that does not fit together.
pub(crate) async fn releases(
    hub: &Hub,
    sight: &Sight,
    query: ReleaseQuery,
) -> Result<Page<ReleaseSummary>, Refused> {
    let ReleaseQuery {
        project,
        pipeline,
        version,
        after,
        limit,
    } = query;
    let pipeline = pipeline_of(project, pipeline)?;
    let after = after.map(|text| cursor(&text)).transpose()?;
    let size = page_size(limit);
    let search = ReleaseSearch {
        pipeline,
        version,
        after,
        limit: 0,
    };
    let sight = sight.clone();
    let read = move |store: &dyn Read| {
        let read = |after: Option<(Timestamp, ReleaseId)>, limit| {
            store.releases(&ReleaseSearch {
                after: after.or(search.after),
                limit,
                ..search.clone()
            })
        };
        let sees = |row: &ReleaseRow| sight.sees_pipeline(&row.of);
        let place = |row: &ReleaseRow| (row.registered_at, row.id);
        seen_rows((size, None), &sight, read, sees, place)
    };
    let found = hub.read(read).await?;
    Ok(Page {
        items: found.items.into_iter().map(summary).collect(),
        next: found.next.map(|(at, id)| format!("{at}{CURSOR_JOINT}{id}")),
    })
}

fn summary(row: ReleaseRow) -> ReleaseSummary {
    let ReleaseRow {
        id,
        of,
        version,
        number,
        kind,
        breaking,
        registered_at,
    } = row;
    ReleaseSummary {
        id,
        of,
        version,
        number,
        kind,
        breaking,
        registered_at,
    }
}

fn cursor(text: &str) -> Result<(Timestamp, ReleaseId), Refused> {
    let parts = text.split_once(CURSOR_JOINT);
    let read = parts.and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    read.ok_or_else(|| {
        Refused::new(
            &entry::QUERY,
            "`after` is no cursor: give `next` of the page before",
        )
    })
}

/// A release.
///
/// # Errors
/// 404 if there is none of this name, 422 if there are several.
pub(crate) async fn release(hub: &Hub, sight: &Sight, name: &ReleaseName) -> Result<ReleaseView, Refused> {
    let now = Timestamp::now();
    let (state, mut life) = hub.with_world(|world| {
        let state = release_named(world, sight, name)?;
        let life = life(world, sight, &state, now);
        Ok::<_, Refused>((state, life))
    })?;
    let search = PromotionSearch {
        release: Some(state.id),
        limit: READ_EVENTS_MAX,
        ..PromotionSearch::default()
    };
    for summary in summaries(hub, search).await? {
        if let Some(stage) = life
            .iter_mut()
            .find(|stage| stage.stage == summary.id.stage.stage)
        {
            stage.promotions.push(summary);
        }
    }
    let stream = StreamId::Release(state.id);
    let first = hub
        .read(move |store| store.read_stream(&stream, 0))
        .await?
        .into_iter()
        .next();
    let ReleaseState {
        id,
        release,
        number,
        registered_by: _,
        registered_at,
        evidence: records,
    } = &*state;
    Ok(ReleaseView {
        id: *id,
        of: release.of.clone(),
        version: release.version.clone(),
        number: *number,
        registered_at: *registered_at,
        artifacts: release.artifacts.clone(),
        change: release.change.clone(),
        text: text_of(&state, first),
        evidence: records.iter().map(|(id, record)| evidence(*id, record)).collect(),
        life,
    })
}

fn life(world: &World, sight: &Sight, release: &ReleaseState, now: Timestamp) -> Vec<LifeStage> {
    let of = &release.release.of;
    let pipeline = world
        .project(&of.project)
        .and_then(|project| project.pipeline(&of.pipeline));
    let stages = pipeline.iter().flat_map(|pipeline| {
        let all = pipeline.stages.iter();
        all.filter(|stage| sight.sees_stage(&pipeline.stage_ref(&stage.name)))
    });
    let stage = |stage: &gateline_model::Stage| {
        let reference = StageRef {
            project: of.project.clone(),
            pipeline: of.pipeline.clone(),
            stage: stage.name.clone(),
        };
        let state = world.stage(&reference).cloned().unwrap_or_default();
        LifeStage {
            stage: stage.name.clone(),
            live: state.live.as_ref().is_some_and(|live| live.release == release.id),
            verified: state.verified.contains_key(&release.id),
            soaked: state.soaked(&release.id, now),
            barred_by: state.barred.get(&release.id).cloned(),
            promotions: Vec::new(),
        }
    };
    stages.map(stage).collect()
}

/// The names under which the erasable part keeps a release's text.
pub(crate) mod text_names {
    /// Release notes.
    pub(crate) const NOTES: &str = "notes";
    /// Who wrote the commits, one a line.
    pub(crate) const AUTHORS: &str = "authors";
    /// What keeps the digest of both from being guessed back to them, in base64.
    pub(crate) const SALT: &str = "salt";
}

/// The digest by which a release names its text, and the salt that is in it; none where there is no text.
pub(crate) struct TextDigest {
    pub(crate) digest: Digest,
    salt: Option<String>,
}

impl TextDigest {
    /// Of a text that is new.
    ///
    /// # Errors
    /// Where the machine has no randomness.
    pub(crate) fn of(text: &ChangeText) -> Result<Self, Refused> {
        if *text == ChangeText::default() {
            return Ok(Self {
                digest: Digest::of_json(text),
                salt: None,
            });
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)
            .map_err(|err| Refused::new(&entry::UNAVAILABLE, format!("no randomness: {err}")))?;
        Ok(Self::salted(text, URL_SAFE_NO_PAD.encode(salt)))
    }

    fn salted(text: &ChangeText, salt: String) -> Self {
        Self {
            digest: Digest::of_json(&(&salt, text)),
            salt: Some(salt),
        }
    }
}

/// The digest that this text has where it is the one of a release that is there: with the salt of that. Where that was erased
/// nothing can be compared any more, and any text is taken for it.
///
/// # Errors
/// When the store cannot be read, or there is no randomness.
pub(crate) async fn text_digest(hub: &Hub, id: &ReleaseId, text: &ChangeText) -> Result<TextDigest, Refused> {
    let there = hub.with_world(|world| world.release(id).map(|state| state.release.text));
    if there.is_none() || there == Some(Digest::of_json(&ChangeText::default())) {
        return TextDigest::of(text);
    }
    let stream = StreamId::Release(*id);
    let first = hub.read(move |store| store.read_stream(&stream, 0)).await?;
    let private = first.into_iter().next().and_then(|first| first.private);
    match (private, there) {
        (None, Some(digest)) => Ok(TextDigest { digest, salt: None }),
        (Some(private), _) => match private.text.get(text_names::SALT) {
            Some(salt) => Ok(TextDigest::salted(text, salt.clone())),
            None => TextDigest::of(text),
        },
        (None, None) => TextDigest::of(text),
    }
}

/// A release's text from its first event; `None` where it was erased.
pub(super) fn text_of(state: &ReleaseState, first: Option<Recorded>) -> Option<ChangeText> {
    match first.and_then(|event| event.private) {
        Some(private) => Some(text(&private)),
        // Nothing was given: nothing was erased either.
        None if state.release.text == Digest::of_json(&ChangeText::default()) => Some(ChangeText::default()),
        None => None,
    }
}

fn text(private: &Private) -> ChangeText {
    let part = |name: &str| private.text.get(name).map(String::as_str).unwrap_or_default();
    ChangeText {
        authors: part(text_names::AUTHORS).lines().map(str::to_owned).collect(),
        notes: part(text_names::NOTES).to_owned(),
    }
}

/// A release's text, as the erasable part keeps it.
pub(crate) fn erasable(text: &ChangeText, digest: &TextDigest) -> Private {
    let ChangeText { authors, notes } = text;
    let parts = [
        (text_names::AUTHORS, authors.join("\n")),
        (text_names::NOTES, notes.clone()),
        (text_names::SALT, digest.salt.clone().unwrap_or_default()),
    ];
    let text = parts.into_iter().filter(|(_, part)| !part.is_empty());
    Private {
        text: text.map(|(name, part)| (name.to_owned(), part)).collect(),
        ..Private::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_releases_text_comes_back_from_its_erasable_part() {
        let written = ChangeText {
            authors: vec!["Ana".into(), "Bo".into()],
            notes: "One\n\ntwo".into(),
        };
        let digest = TextDigest::of(&written).unwrap();
        assert_eq!(text(&erasable(&written, &digest)), written);
        let salt = digest.salt.clone().unwrap();
        assert_eq!(TextDigest::salted(&written, salt).digest, digest.digest);
        let other = TextDigest::of(&written).unwrap();
        assert_ne!(
            other.digest, digest.digest,
            "a guess cannot be confirmed without the salt"
        );
        assert_eq!(text(&Private::default()), ChangeText::default());
    }
}
