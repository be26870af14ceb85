//! From a request to the endpoint that answers it.

use crate::api::Api;
use crate::api::connection::REQUEST_ID;
use crate::api::endpoint::{Access, Endpoint};
use crate::api::error::{ApiError, Code};
use crate::api::reply::Answer;
use crate::api::representation::{Representation, matches};
use crate::api::request::{Request, unauthenticated};
use crate::api::socket::Upgrade;
use crate::api::trail::{Asked, Trail};
use crate::api::{idempotency, origin};
use crate::auth::origin::Origin;
use crate::auth::principal::Principal;
use crate::model::scope::Scope;
use crate::wire::form::Nothing;
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use std::sync::Arc;
use tracing::Instrument;
use warp::filters::BoxedFilter;
use warp::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use warp::http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Reply};

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
        .and(upgrade())
        .and(warp::body::stream())
        .then(move |path: FullPath, method: Method, headers: HeaderMap, ends, query, upgrade, body| {
            let api = Arc::clone(&api);
            async move {
                let (mode, id) = (api.options.mode, request_id(&headers));
                let origin = origin::of(ends, &headers, &api.options.trusted_proxies);
                let answer = match admit(&api, origin, path.as_str(), &method) {
                    Ok((endpoint, parameters)) => {
                        let body =
                            Box::pin(StreamExt::map(body, |chunk: Result<_, warp::Error>| chunk.map(bytes)));
                        let path = path.as_str().to_owned();
                        let (trail, caller) = (Trail::default(), None);
                        let request = Request {
                            endpoint,
                            parameters,
                            path,
                            headers,
                            origin,
                            query,
                            body,
                            archive: None,
                            upgrade,
                            caller,
                            trail,
                        };
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

/// The endpoint of a request, unless its peer has made too many.
fn admit(
    api: &Api,
    origin: Origin,
    path: &str,
    method: &Method,
) -> Result<(Endpoint, Vec<String>), ApiError> {
    let found = find(path, method);
    // Who watches the server has to be answered always.
    if found.as_ref().map_or(true, |(endpoint, _)| endpoint.is_counted()) {
        api.rates.admit_peer(origin).map_err(ApiError::rate_limited)?;
    }
    found
}

async fn admit_and_handle(api: Arc<Api>, mut request: Request) -> Answer {
    let access = request.endpoint.row().access;
    // What the project allows is asked by the handler's first line, which knows the project.
    request.caller = match access.scope() {
        None => None,
        Some(scope) => Some(caller(&api, &request, access, scope).await?),
    };
    match idempotency::key_of(&request)? {
        Some(key) => idempotency::once(api, request, key, carry_out).await,
        None if outlives_its_client(request.endpoint) => {
            let done = tokio::spawn(carry_out(api, request).in_current_span());
            done.await.unwrap_or_else(|error| Err(ApiError::internal(error)))
        }
        None => carry_out(api, request).await,
    }
}

/// Whether what was begun goes on when the client hangs up: its entry in the audit log, or in the list of deliveries, comes
/// at its end.
fn outlives_its_client(endpoint: Endpoint) -> bool {
    (endpoint.is_audited() && !endpoint.is_socket()) || endpoint == Endpoint::ReceiveDelivery
}

async fn caller(api: &Api, request: &Request, access: Access, scope: Scope) -> Result<Principal, ApiError> {
    let token = request.bearer_token().ok_or_else(unauthenticated)?;
    let principal = api.accounts.authenticate(token).await?;
    tracing::Span::current().record("user", tracing::field::display(&principal.user.username));
    api.rates.admit_account(principal.user.id).map_err(ApiError::rate_limited)?;
    if !access.is_open_to(&principal.user) {
        return Err(ApiError::new(Code::Forbidden, "This is for operators of the server."));
    }
    if !principal.credential.reaches(scope) {
        return Err(ApiError::insufficient_scope(scope));
    }
    Ok(principal)
}

/// Calls the handler, and does what every answer needs: the entry in the audit log, the entity tag.
async fn carry_out(api: Arc<Api>, mut request: Request) -> Answer {
    let endpoint = request.endpoint;
    refuse_unread(&mut request).await?;
    let asked = Asked {
        endpoint,
        path: request.path.clone(),
        origin: request.origin,
        request_id: request_id(&request.headers),
    };
    let (trail, caller) = (request.trail.clone(), request.caller.clone());
    let known = request.header(IF_NONE_MATCH).map(str::to_owned);
    let answer = endpoint.handle(Arc::clone(&api), request).await;
    if endpoint.is_audited() && (answer.is_ok() || trail.has_changed()) {
        trail.record(&api, asked, caller.as_ref(), answer.as_ref().ok()).await;
    }
    Ok(tagged(endpoint, known.as_deref(), answer?))
}

/// Refuses what the handler would not look at: parameters of the query that the endpoint does not have, and a body where it
/// takes none. Whoever watches the server may ask as they like, and so may the providers of hooks.
async fn refuse_unread(request: &mut Request) -> Result<(), ApiError> {
    let endpoint = request.endpoint;
    if !endpoint.is_counted() {
        return Ok(());
    }
    let may_have_body = endpoint.row().method != Method::GET;
    if request.query.is_empty() && !may_have_body {
        return Ok(());
    }
    let description = endpoint.describe();
    let mut query = request.query()?;
    for (name, ..) in &description.query {
        query.text(name);
    }
    query.finish()?;
    if may_have_body && !description.takes_body() {
        let Nothing = request.json().await?;
    }
    Ok(())
}

/// Gives the answer to a GET and to a change its entity tag, and nothing to whoever has it already (RFC 9110 §13.1.2).
fn tagged(endpoint: Endpoint, known: Option<&str>, mut response: Response) -> Response {
    let method = endpoint.row().method;
    let tag =
        Representation::of(&response).filter(|_| endpoint.shows_what_it_names()).map(Representation::tag);
    let Some(tag) = tag.filter(|_| response.status() == StatusCode::OK) else { return response };
    if method == Method::GET && known.is_some_and(|known| matches(known, &tag, true)) {
        response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// A piece of a body. warp's are in one part each, so that nothing is copied.
fn bytes(mut piece: impl Buf) -> Bytes {
    piece.copy_to_bytes(piece.remaining())
}

fn raw_query() -> BoxedFilter<(String,)> {
    warp::query::raw().or(warp::any().map(String::new)).unify().boxed()
}

/// What makes a WebSocket of a request that asks for one.
fn upgrade() -> BoxedFilter<(Option<Upgrade>,)> {
    let asked = warp::ws().and(warp::ext::optional()).map(|ws, slot| Some(Upgrade { ws, slot }));
    asked.or(warp::any().map(|| None)).unify().boxed()
}

/// The id that [`super::connection`] gave the request.
fn request_id(headers: &HeaderMap) -> String {
    headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
}
