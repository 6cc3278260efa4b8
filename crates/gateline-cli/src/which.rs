//! Which promotion, pipeline or stage is meant by what a person writes.

use std::str::FromStr;

use gateline_api::{
    Empty, GetRelease, GetStage, ListPipelines, PAGE_MAX, PipelineQuery, PromotionPath, PromotionState,
    PromotionSummary, ReleaseName, ReleasePath, StagePath,
};
use gateline_model::{PipelineName, PipelineRef, ProjectName, PromotionId, StageName};

use crate::client::Client;
use crate::failure::Failure;
use crate::session::Session;

/// Pages of pipelines that are looked through for a project: ten thousand pipelines.
const PAGES_MAX: usize = 20;

/// A promotion, as a person names it.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// A promotion PROJECT/PIPELINE/STAGE/NUMBER, or a release PIPELINE@VERSION
    #[arg(value_name = "PROMOTION|RELEASE")]
    what: Subject,
    /// The stage that the release is to enter
    #[arg(long, value_name = "STAGE")]
    to: Option<StageName>,
}

/// A promotion, or the release of one.
#[derive(Debug, Clone)]
enum Subject {
    Promotion(PromotionId),
    Release(ReleaseName),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('@') || text.starts_with("sha256:") {
            return text.parse().map(Subject::Release).map_err(|err| format!("{err}"));
        }
        text.parse().map(Subject::Promotion).map_err(|_| {
            "write a promotion PROJECT/PIPELINE/STAGE/NUMBER, or a release PIPELINE@VERSION".to_owned()
        })
    }
}

impl Which {
    /// The promotion to look at: the open one, or else the newest.
    pub async fn to_look_at(&self, session: &Session, client: &Client) -> Result<PromotionPath, Failure> {
        let release = match &self.what {
            Subject::Promotion(id) => return Ok(id.into()),
            Subject::Release(release) => session.named(release),
        };
        let known = self.promotions(&release, client).await?;
        // `max_by_key` takes the last of equals: the furthest stage.
        let best = known
            .iter()
            .max_by_key(|one| (one.ended_at.is_none(), one.requested_at));
        best.map(|one| (&one.id).into())
            .ok_or_else(|| self.none(&release, "no promotion"))
    }

    /// The promotion to act on: there must be exactly one that is open.
    pub async fn to_act_on(&self, session: &Session, client: &Client) -> Result<PromotionPath, Failure> {
        let release = match &self.what {
            Subject::Promotion(id) => return Ok(id.into()),
            Subject::Release(release) => session.named(release),
        };
        let (open, ended): (Vec<PromotionSummary>, Vec<PromotionSummary>) = self
            .promotions(&release, client)
            .await?
            .into_iter()
            .partition(|one| one.ended_at.is_none());
        match &open[..] {
            [] => Err(match ended.iter().max_by_key(|one| one.ended_at) {
                Some(last) => self.over(&release, last, client).await,
                None => self.none(&release, "no open promotion"),
            }),
            [one] => Ok((&one.id).into()),
            several => {
                let ids: Vec<String> = several.iter().map(|one| one.id.to_string()).collect();
                let why = format!(
                    "`{release}` has {} open promotions: {}",
                    ids.len(),
                    ids.join(", ")
                );
                Err(Failure::usage("it is not clear which promotion is meant", why)
                    .hint("add `--to STAGE`, or name the promotion"))
            }
        }
    }

    async fn promotions(
        &self,
        release: &ReleaseName,
        client: &Client,
    ) -> Result<Vec<PromotionSummary>, Failure> {
        let path = ReleasePath {
            release: release.clone(),
        };
        let view = client.get::<GetRelease>(&path, &Empty {}).await?;
        let life = view.life.into_iter();
        let asked = life.filter(|stage| self.to.as_ref().is_none_or(|to| *to == stage.stage));
        Ok(asked.flat_map(|stage| stage.promotions).collect())
    }

    /// There was one, and it is over.
    async fn over(&self, release: &ReleaseName, last: &PromotionSummary, client: &Client) -> Failure {
        let into = self
            .to
            .as_ref()
            .map_or_else(String::new, |stage| format!(" into `{stage}`"));
        let why = format!(
            "`{release}` has no open promotion{into}: {} has ended {}: {}",
            last.id, last.state, last.says
        );
        let hint = match is_stuck(last, client).await {
            true => format!("take it back again with `gateline rollback {}`", last.id.stage),
            false => format!("see it with `gateline explain {}`", last.id),
        };
        Failure::no_such("promotion.ended", "The promotion has ended", why).hint(hint)
    }

    fn none(&self, release: &ReleaseName, what: &str) -> Failure {
        let (into, to) = match &self.to {
            Some(stage) => (format!(" into `{stage}`"), stage.as_str()),
            None => (String::new(), "STAGE"),
        };
        Failure::no_such(
            "promotion.unknown",
            "There is no such promotion",
            format!("`{release}` has {what}{into}"),
        )
        .hint(format!("request one with `gateline promote {release} --to {to}`"))
    }
}

/// Whether a promotion could not be taken back and its stage still stands as it left it. What cannot be asked is no hint.
async fn is_stuck(last: &PromotionSummary, client: &Client) -> bool {
    if last.state != PromotionState::RollbackFailed {
        return false;
    }
    let path = StagePath::from(&last.id.stage);
    let stage = client.get::<GetStage>(&path, &Empty {}).await;
    stage.is_ok_and(|stage| stage.stuck.as_ref() == Some(&last.id))
}

/// A pipeline as people write it: PIPELINE or PROJECT/PIPELINE.
#[derive(Debug, Clone)]
pub(crate) struct PipelineWord {
    project: Option<ProjectName>,
    pipeline: PipelineName,
}

impl FromStr for PipelineWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (project, pipeline) = match text.split_once('/') {
            Some((project, pipeline)) => (Some(project.parse().map_err(|err| format!("{err}"))?), pipeline),
            None => (None, text),
        };
        let pipeline = pipeline.parse().map_err(|err| format!("{err}"))?;
        Ok(Self { project, pipeline })
    }
}

impl PipelineWord {
    pub fn new(project: Option<ProjectName>, pipeline: PipelineName) -> Self {
        Self { project, pipeline }
    }

    /// With its project: the one that is named, or the only one that has it.
    pub async fn resolve(&self, session: &Session, client: &Client) -> Result<PipelineRef, Failure> {
        let pipeline = self.pipeline.clone();
        if let Some(project) = self.project.clone().or_else(|| session.options.project.clone()) {
            return Ok(PipelineRef { project, pipeline });
        }
        let mut found: Vec<PipelineRef> = Vec::new();
        let mut query = PipelineQuery {
            limit: Some(PAGE_MAX),
            ..PipelineQuery::default()
        };
        for _ in 0..PAGES_MAX {
            let page = client.get::<ListPipelines>(&Empty {}, &query).await?;
            found.extend(
                page.items
                    .into_iter()
                    .map(|brief| brief.of)
                    .filter(|of| of.pipeline == pipeline),
            );
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        match &found[..] {
            [one] => Ok(one.clone()),
            [] => {
                let why = format!("no project has a pipeline `{pipeline}`");
                Err(
                    Failure::no_such("pipeline.unknown", "There is no such pipeline", why)
                        .hint("list them with `gateline pipeline list`"),
                )
            }
            several => {
                let names: Vec<String> = several.iter().map(ToString::to_string).collect();
                let why = format!("several projects have it: {}", names.join(", "));
                Err(Failure::usage("it is not clear which pipeline is meant", why)
                    .hint("add `--project NAME`, or set `GATELINE_PROJECT`"))
            }
        }
    }
}

/// A stage as people write it: PIPELINE/STAGE or PROJECT/PIPELINE/STAGE.
#[derive(Debug, Clone)]
pub(crate) struct StageWord {
    pipeline: PipelineWord,
    stage: StageName,
}

impl FromStr for StageWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pipeline, stage) = text
            .rsplit_once('/')
            .ok_or("write PIPELINE/STAGE or PROJECT/PIPELINE/STAGE")?;
        Ok(Self {
            pipeline: pipeline.parse()?,
            stage: stage.parse().map_err(|err| format!("{err}"))?,
        })
    }
}

impl StageWord {
    /// With its project.
    pub async fn resolve(&self, session: &Session, client: &Client) -> Result<StagePath, Failure> {
        let PipelineRef { project, pipeline } = self.pipeline.resolve(session, client).await?;
        Ok(StagePath {
            project,
            pipeline,
            stage: self.stage.clone(),
        })
    }
}
