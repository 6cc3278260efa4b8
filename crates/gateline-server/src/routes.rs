//! Routes: one file per verb, one line each in the table below. A handler reads: parse, submit, render.
//!
//! Who may ask is in the endpoint's declaration and was settled before a handler runs.

mod accounts;
mod board;
mod calendars;
mod evidence;
mod freezes;
mod hooks;
mod incidents;
mod keys;
mod log;
mod notifications;
mod overrides;
mod people;
mod pipelines;
mod policies;
mod promotions;
mod proposals;
mod releases;
mod server;
mod session;
mod sessions;
mod stages;
mod tokens;
mod waivers;
mod windows;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Json, Router, middleware};
use gateline_api::{Endpoint, EndpointInfo, Method, entry};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::error;

use crate::auth::Access;
use crate::call::{App, Call, REQUESTS_MAX, REQUESTS_SHARE_MIN};
use crate::headers::secure;
use crate::hub::Hub;
use crate::refused::Refused;
use crate::settings::Settings;
use crate::shares::Shares;
use crate::upload::Uploads;

pub use hooks::{COMMENT_SECS_MAX, HOOK_BYTES_MAX, HOOK_SECS_MAX};
pub use log::{WATCH_BEAT_SECS, WATCHERS_MAX};

/// One line of the table.
pub(crate) struct Route {
    pub(crate) endpoint: EndpointInfo,
    handler: MethodRouter<App>,
}

macro_rules! routes {
    ($($kind:ident $noun:ident::$verb:ident,)*) => {
        /// Every route of the API.
        pub(crate) fn table() -> Vec<Route> {
            vec![$($kind($noun::$verb::handle)),*]
        }
    };
}

routes! {
    json board::show,
    json pipelines::list,
    json pipelines::apply,
    json pipelines::show,
    json policies::list,
    json policies::apply,
    json policies::show,
    json proposals::list,
    json proposals::show,
    json proposals::preview,
    json proposals::approve,
    json proposals::reject,
    json proposals::withdraw,
    json releases::list,
    json releases::register,
    json releases::show,
    json releases::risk,
    json evidence::submit,
    json evidence::fetch,
    raw evidence::upload,
    raw evidence::raw,
    json promotions::list,
    json promotions::request,
    json promotions::show,
    json promotions::summary,
    json promotions::ticks,
    json promotions::replay,
    json promotions::statement,
    json proposals::statement,
    json proposals::signatures,
    json promotions::signatures,
    json promotions::approve,
    json promotions::refuse,
    json promotions::withdraw,
    json promotions::ask,
    json promotions::override_gate,
    json overrides::confirm,
    json overrides::withdraw,
    json overrides::review,
    json overrides::list,
    json promotions::abort,
    json promotions::pause,
    json promotions::resume,
    json promotions::advance,
    json stages::show,
    json stages::rollback,
    json stages::unbar,
    json windows::list,
    json calendars::list,
    json calendars::apply,
    json calendars::show,
    json freezes::list,
    json freezes::declare,
    json freezes::lift,
    json incidents::list,
    json incidents::show,
    json incidents::open,
    json incidents::lift,
    json incidents::close,
    json incidents::alerts,
    json waivers::list,
    json waivers::grant,
    json waivers::lift,
    json people::roles,
    json people::apply_roles,
    json people::delegations,
    json people::delegate,
    json people::end_delegation,
    json people::whoami,
    json people::can,
    json people::inbox,
    json people::inbox_rollouts,
    json notifications::show,
    json notifications::apply,
    json notifications::letters,
    json notifications::resend,
    json keys::list,
    json keys::statement,
    json keys::enrol,
    json keys::revoke,
    json tokens::list,
    json tokens::issue,
    json tokens::revoke,
    json accounts::list,
    json accounts::make,
    json accounts::password,
    json accounts::disable,
    json sessions::list,
    json sessions::end,
    json log::search,
    json log::erase,
    json log::checkpoint,
    raw log::watch,
    json server::openapi,
    raw server::metrics,
    raw server::liveness,
    raw server::readiness,
    raw hooks::slack,
    raw hooks::github,
    raw session::log_in,
    raw session::begin,
    raw session::finish,
    raw session::log_out,
}

/// The API and the pages over a running hub.
pub fn router(hub: Hub, settings: Settings) -> Router {
    let uploads = Uploads::open(hub.beside("uploads"));
    let app = App {
        hub,
        settings: Arc::new(settings),
        access: Arc::new(Access::new()),
        requests: Shares::new(REQUESTS_MAX, REQUESTS_SHARE_MIN),
        requests_of_projects: Shares::new(REQUESTS_MAX, REQUESTS_SHARE_MIN),
        watchers: Shares::new(WATCHERS_MAX, 1),
        uploads,
    };
    let mut router = Router::new();
    for Route { endpoint, handler } in table() {
        router = router.route(endpoint.path, handler);
    }
    let count = middleware::from_fn_with_state(app.hub.clone(), count_busy);
    let router = router
        .merge(crate::ui::router())
        .fallback(crate::ui::nothing_here);
    around(router).layer(count).with_state(app)
}

/// Counts who is told to come again, whatever was too much: every such answer passes here.
async fn count_busy(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE
        && response.headers().contains_key(header::RETRY_AFTER)
    {
        hub.count_busy();
    }
    response
}

/// What is around every route: answers for methods that there are not, for panics, and the headers of every answer.
fn around<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .method_not_allowed_fallback(async |method: axum::http::Method, uri: Uri| {
            let detail = format!("`{}` does not take {method}", uri.path());
            Refused::new(&entry::METHOD, detail).at(uri.path())
        })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            // The panic itself, with its place, was logged by the process's hook.
            error!("A handler panicked; the caller was told of a bug");
            Refused::new(&entry::BUG, "a handler of this request stopped half-way").into_response()
        }))
        .layer(middleware::from_fn(secure))
}

/// A route that replies with JSON.
fn json<E, H, F>(handler: H) -> Route
where
    E: Endpoint,
    H: Fn(Call<E>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<E::Reply, Refused>> + Send,
{
    raw(move |call| {
        let reply = handler(call);
        async move { reply.await.map(|reply| Json(reply).into_response()) }
    })
}

/// A route that makes its response itself.
fn raw<E, H, F>(handler: H) -> Route
where
    E: Endpoint,
    H: Fn(Call<E>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, Refused>> + Send,
{
    let filter = match E::METHOD {
        Method::Get => MethodFilter::GET,
        Method::Put => MethodFilter::PUT,
        Method::Post => MethodFilter::POST,
    };
    let answer = |State(app): State<App>, request: Request| async move {
        let path = request.uri().path().to_owned();
        let answered = match Call::read(app, request).await {
            Ok(call) => handler(call).await,
            Err(refused) => Err(refused),
        };
        answered.unwrap_or_else(|refused| refused.at(&path).into_response())
    };
    Route {
        endpoint: EndpointInfo::of::<E>(),
        handler: on(filter, answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_a_route_and_every_route_an_endpoint() {
        let routes: Vec<&str> = table().iter().map(|route| route.endpoint.name).collect();
        let endpoints: Vec<&str> = gateline_api::ENDPOINTS
            .iter()
            .map(|endpoint| endpoint.name)
            .collect();
        assert_eq!(routes, endpoints);
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_told_as_our_bug_with_all_headers() {
        async fn broken() {
            panic!("on purpose")
        }
        let router: Router = around(Router::new().route("/", axum::routing::get(broken)));
        let request = Request::get("/").body(axum::body::Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("content-security-policy"));
        let body = http_body_util::BodyExt::collect(response.into_body()).await;
        let problem: gateline_api::Problem = serde_json::from_slice(&body.unwrap().to_bytes()).unwrap();
        assert_eq!((problem.code.as_str(), problem.exit().code()), ("bug", 70));
        assert!(!problem.detail.contains("on purpose"));
    }
}
