//! From a request to the endpoint that answers it.

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
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;

/// Every route as one filter, which answers everything itself: what is unknown with 404 or 405.
///
/// One look into the table instead of a filter for each route: warp tries filters one after the other, and each refusal
/// on the way costs an allocation.
pub(super) fn routes(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    let api = Arc::clone(api);
    warp::path::full()
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional())
        .and(raw_query())
        .and(warp::body::stream())
        .then(move |path: FullPath, method: Method, headers: HeaderMap, end, query, body| {
            let api = Arc::clone(&api);
            async move {
                let (mode, id) = (api.options.mode, request_id(&headers));
                let answer = match find(path.as_str(), &method) {
                    Ok((endpoint, parameters)) => {
                        let body =
                            Box::pin(StreamExt::map(body, |chunk: Result<_, warp::Error>| chunk.map(bytes)));
                        let origin = origin::of(end, &headers);
                        let request =
                            Request { endpoint, parameters, headers, origin, query, body, caller: None };
                        admit_and_handle(api, request).await
                    }
                    Err(unknown) => Err(unknown),
                };
                answer.unwrap_or_else(|error| error.into_response(mode, &id))
            }
        })
        .boxed()
}

/// The endpoint of a request, with what stands in its path; 405 where only the path is right, else 404.
fn find(path: &str, method: &Method) -> Result<(Endpoint, Vec<String>), ApiError> {
    let mut methods = Vec::new();
    for endpoint in Endpoint::ALL {
        let row = endpoint.row();
        let Some(parameters) = row.parameters(path) else { continue };
        if row.takes(method) {
            return Ok((*endpoint, parameters.into_iter().map(str::to_owned).collect()));
        }
        methods.push(row.method.to_string());
    }
    if methods.is_empty() {
        Err(ApiError::new(Code::RouteNotFound, "There is nothing at this path."))
    } else {
        Err(ApiError::method_not_allowed(methods.join(", ")))
    }
}

async fn admit_and_handle(api: Arc<Api>, mut request: Request) -> Answer {
    let endpoint = request.endpoint;
    request.caller = match endpoint.row().access {
        Access::Public => None,
        // What the project allows is asked by the handler's first line, which knows the project.
        Access::Account | Access::Project(_) => Some(caller(&api, &request).await?),
    };
    endpoint.handle(api, request).await
}

async fn caller(api: &Api, request: &Request) -> Result<Caller, ApiError> {
    let token = request.bearer_token().ok_or_else(unauthenticated)?;
    let (user, identity) = api.accounts.authenticate(token).await?;
    tracing::Span::current().record("user", tracing::field::display(&user.username));
    Ok(Caller { user, identity })
}

/// A piece of a body. warp's are in one part each, so that nothing is copied.
fn bytes(mut piece: impl Buf) -> Bytes {
    piece.copy_to_bytes(piece.remaining())
}

fn raw_query() -> BoxedFilter<(String,)> {
    warp::query::raw().or(warp::any().map(String::new)).unify().boxed()
}

/// The id that [`super::connection`] gave the request.
fn request_id(headers: &HeaderMap) -> String {
    headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}
