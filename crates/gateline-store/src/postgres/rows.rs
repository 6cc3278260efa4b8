//! Rows of the read models: a document each, beside the columns that it is found by.

use std::collections::BTreeMap;

use tokio_postgres::Row as SqlRow;

use super::link::{Answer, Link};
use super::place::Place;
use super::read::{capped, column, micros, signed};
use super::sql;
use crate::kept::{PromotionKeys, ReleaseKeys, doc};
use crate::{PromotionRow, PromotionSearch, ReleaseRow, ReleaseSearch, Row, StoreError};

/// Rows to insert or to replace, as arrays; the last of those with the same key.
#[derive(Debug, Default)]
pub(super) struct Rows {
    promotions: Promotions,
    releases: Releases,
}

#[derive(Debug, Default)]
struct Promotions {
    projects: Vec<String>,
    pipelines: Vec<String>,
    stages: Vec<String>,
    numbers: Vec<i64>,
    releases: Vec<Vec<u8>>,
    requested: Vec<i64>,
    ended: Vec<bool>,
    docs: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Releases {
    ids: Vec<Vec<u8>>,
    projects: Vec<String>,
    pipelines: Vec<String>,
    versions: Vec<String>,
    registered: Vec<i64>,
    docs: Vec<Vec<u8>>,
}

fn bytes(row: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(row).expect("rows of names, numbers and times always serialise")
}

impl Rows {
    pub(super) fn of<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Self {
        let (mut promotions, mut releases) = (BTreeMap::new(), BTreeMap::new());
        for row in rows {
            match row {
                Row::Promotion(row) => drop(promotions.insert(&row.id, row)),
                Row::Release(row) => drop(releases.insert(row.id, row)),
            }
        }
        let mut arrays = Self::default();
        promotions
            .into_values()
            .for_each(|row| arrays.promotions.push(row));
        releases.into_values().for_each(|row| arrays.releases.push(row));
        arrays
    }

    /// The statements that keep them.
    pub(super) fn put<'l>(&'l self, link: &'l Link) -> Vec<Answer<'l, u64>> {
        let mut statements: Vec<Answer<'l, u64>> = Vec::new();
        if !self.promotions.docs.is_empty() {
            statements.push(Box::pin(self.promotions.put(link)));
        }
        if !self.releases.docs.is_empty() {
            statements.push(Box::pin(self.releases.put(link)));
        }
        statements
    }
}

impl Promotions {
    fn push(&mut self, row: &PromotionRow) {
        let PromotionKeys {
            project,
            pipeline,
            stage,
            number,
            release,
            requested_us,
            ended,
        } = PromotionKeys::of(row);
        self.projects.push(project);
        self.pipelines.push(pipeline);
        self.stages.push(stage);
        self.numbers.push(number);
        self.releases.push(release);
        self.requested.push(requested_us);
        self.ended.push(ended);
        self.docs.push(bytes(row));
    }

    async fn put(&self, link: &Link) -> Result<u64, tokio_postgres::Error> {
        let Self {
            projects,
            pipelines,
            stages,
            numbers,
            releases,
            requested,
            ended,
            docs,
        } = self;
        link.execute(
            &sql::PROMOTIONS_PUT,
            &[
                projects, pipelines, stages, numbers, releases, requested, ended, docs,
            ],
        )
        .await
    }
}

impl Releases {
    fn push(&mut self, row: &ReleaseRow) {
        let ReleaseKeys {
            id,
            project,
            pipeline,
            version,
            registered_us,
        } = ReleaseKeys::of(row);
        self.ids.push(id);
        self.projects.push(project);
        self.pipelines.push(pipeline);
        self.versions.push(version);
        self.registered.push(registered_us);
        self.docs.push(bytes(row));
    }

    async fn put(&self, link: &Link) -> Result<u64, tokio_postgres::Error> {
        let Self {
            ids,
            projects,
            pipelines,
            versions,
            registered,
            docs,
        } = self;
        link.execute(
            &sql::RELEASES_PUT,
            &[ids, projects, pipelines, versions, registered, docs],
        )
        .await
    }
}

fn docs<T: serde::de::DeserializeOwned>(rows: &[SqlRow]) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| doc(column(row, 0)?, "a row")).collect()
}

pub(super) fn promotions(place: &Place, search: &PromotionSearch) -> Result<Vec<PromotionRow>, StoreError> {
    let PromotionSearch {
        pipeline,
        stage,
        release,
        ended,
        after,
        limit,
    } = search;
    let after_id = after.as_ref().map(|(_, id)| id);
    let rows = place.read(
        "read promotions",
        &sql::PROMOTIONS,
        &[
            &pipeline.as_ref().map(|of| of.project.as_str()),
            &pipeline.as_ref().map(|of| of.pipeline.as_str()),
            &stage.as_ref().map(|stage| stage.as_str()),
            &release.as_ref().map(|release| release.as_bytes().as_slice()),
            ended,
            &after.as_ref().map(|(at, _)| micros(*at)),
            &after_id.map(|id| id.stage.project.as_str()),
            &after_id.map(|id| id.stage.pipeline.as_str()),
            &after_id.map(|id| id.stage.stage.as_str()),
            &after_id.map(|id| signed(id.number)),
            &capped(*limit),
        ],
    )?;
    docs(&rows)
}

pub(super) fn releases(place: &Place, search: &ReleaseSearch) -> Result<Vec<ReleaseRow>, StoreError> {
    let ReleaseSearch {
        pipeline,
        version,
        after,
        limit,
    } = search;
    let rows = place.read(
        "read releases",
        &sql::RELEASES,
        &[
            &pipeline.as_ref().map(|of| of.project.as_str()),
            &pipeline.as_ref().map(|of| of.pipeline.as_str()),
            &version.as_ref().map(|version| version.as_str()),
            &after.as_ref().map(|(at, _)| micros(*at)),
            &after.as_ref().map(|(_, id)| id.as_bytes().as_slice()),
            &capped(*limit),
        ],
    )?;
    docs(&rows)
}
