//! Reading the server's answers, through the same endpoints as everybody.

use std::time::Duration;

use gateline_api::{
    Empty, Endpoint, GetPromotion, LogPage, LogQuery, PromotionPath, PromotionView, SearchLog, address,
};
use gateline_model::{PromotionId, Recorded};

use super::DemoError;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Events per page of the log.
const PAGE: u32 = 500;

pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    pub(super) fn new(url: String, token: String) -> Result<Self, DemoError> {
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).build();
        let http = http.map_err(|err| DemoError::place("make an HTTP client", err))?;
        Ok(Self { http, url, token })
    }

    pub(super) async fn get<E: Endpoint>(
        &self,
        path: &E::Path,
        query: &E::Query,
    ) -> Result<E::Reply, DemoError> {
        let url = format!("{}{}", self.url, address::<E>(path, query));
        let fail = |err: reqwest::Error| DemoError::place(format!("read {url}"), err);
        let answer = self
            .http
            .get(&url)
            .bearer_auth(&self.token)
            .send()
            .await
            .map_err(fail)?;
        answer
            .error_for_status()
            .map_err(fail)?
            .json()
            .await
            .map_err(fail)
    }

    pub(super) async fn promotion(&self, id: &PromotionId) -> Result<PromotionView, DemoError> {
        self.get::<GetPromotion>(&PromotionPath::from(id), &Empty {})
            .await
    }

    /// The whole log, oldest first.
    pub(super) async fn log(&self) -> Result<Vec<Recorded>, DemoError> {
        let mut events = Vec::new();
        let mut before = None;
        loop {
            let query = LogQuery {
                before,
                limit: Some(PAGE),
                ..LogQuery::default()
            };
            let page: LogPage = self.get::<SearchLog>(&Empty {}, &query).await?;
            events.extend(page.events);
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        events.reverse();
        Ok(events)
    }
}
