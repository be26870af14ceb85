//! A row of the table and a handler, made into a filter.

use crate::api::Api;
use crate::api::connection::REQUEST_ID;
use crate::api::endpoint::{Access, Endpoint};
use crate::api::error::{ApiError, Code};
use crate::api::origin;
use crate::api::reply::Answer;
use crate::api::request::{Caller, Request, unauthenticated};
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use std::sync::Arc;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

/// The filter of one endpoint. It rejects what is for another one and answers everything else itself, so that no
/// failure of a handler makes warp try the routes behind it.
pub(super) fn route<H, F>(api: &Arc<Api>, endpoint: Endpoint, handler: H) -> BoxedFilter<(Response,)>
where
    H: Fn(Arc<Api>, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let api = Arc::clone(api);
    matching(endpoint)
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional())
        .and(raw_query())
        .and(warp::body::stream())
        .then(move |parameter, headers: HeaderMap, end, query, body| {
            let (api, handler) = (Arc::clone(&api), handler.clone());
            let id = request_id(&headers);
            let body = Box::pin(StreamExt::map(body, |chunk: Result<_, warp::Error>| chunk.map(bytes)));
            let origin = origin::of(end, &headers);
            let request = Request { endpoint, parameter, headers, origin, query, body, caller: None };
            async move {
                let mode = api.options.mode;
                let answer = admit_and_handle(api, request, handler).await;
                answer.unwrap_or_else(|error| error.into_response(mode, &id))
            }
        })
        .boxed()
}

async fn admit_and_handle<H, F>(api: Arc<Api>, mut request: Request, handler: H) -> Answer
where
    H: Fn(Arc<Api>, Request) -> F,
    F: Future<Output = Answer>,
{
    request.caller = match request.endpoint.row().access {
        Access::Public => None,
        // What the project allows is asked by the handler's first line, which knows the project.
        Access::Account | Access::Project(_) => Some(caller(&api, &request).await?),
    };
    handler(api, request).await
}

async fn caller(api: &Api, request: &Request) -> Result<Caller, ApiError> {
    let token = request.bearer_token().ok_or_else(unauthenticated)?;
    let (user, identity) = api.accounts.authenticate(token).await?;
    tracing::Span::current().record("user", tracing::field::display(&user.username));
    Ok(Caller { user, identity })
}

/// Passes requests for an endpoint, with what stands for `:id`.
fn matching(endpoint: Endpoint) -> impl Filter<Extract = (String,), Error = Rejection> + Clone {
    let row = endpoint.row();
    warp::path::full().and(warp::method()).and_then(move |path: FullPath, method: Method| {
        let parameter = row.parameter(path.as_str()).filter(|_| row.takes(&method)).map(str::to_owned);
        std::future::ready(parameter.ok_or_else(warp::reject))
    })
}

/// A piece of a body. warp's are in one part each, so that nothing is copied.
fn bytes(mut piece: impl Buf) -> Bytes {
    piece.copy_to_bytes(piece.remaining())
}

fn raw_query() -> BoxedFilter<(String,)> {
    warp::query::raw().or(warp::any().map(String::new)).unify().boxed()
}

/// Answers what no endpoint takes: 405 where the path is right, else 404.
pub(super) fn unknown(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    let mode = api.options.mode;
    warp::path::full()
        .and(warp::header::headers_cloned())
        .map(move |path: FullPath, headers: HeaderMap| {
            let rows = Endpoint::ALL.map(Endpoint::row).into_iter();
            let methods: Vec<_> = rows
                .filter(|row| row.parameter(path.as_str()).is_some())
                .map(|row| row.method.to_string())
                .collect();
            let error = if methods.is_empty() {
                ApiError::new(Code::RouteNotFound, "There is nothing at this path.")
            } else {
                ApiError::method_not_allowed(methods.join(", "))
            };
            error.into_response(mode, &request_id(&headers)).into_response()
        })
        .boxed()
}

/// The id that [`super::connection`] gave the request.
fn request_id(headers: &HeaderMap) -> String {
    headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}
