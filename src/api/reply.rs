//! Successful answers.

use crate::api::error::ApiError;
use crate::api::representation::Representation;
use crate::wire::list::List;
use serde::Serialize;
use std::fmt::Display;
use warp::http::StatusCode;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::{Reply, Response};

/// What a handler gives back.
pub(super) type Answer = Result<Response, ApiError>;

/// 200 with a resource.
pub(super) fn ok(body: &impl Serialize) -> Response {
    Representation::response(StatusCode::OK, body)
}

/// 201 with what was made.
pub(super) fn created(body: &impl Serialize) -> Response {
    Representation::response(StatusCode::CREATED, body)
}

/// 202 with what will change soon.
pub(super) fn accepted(body: &impl Serialize) -> Response {
    Representation::response(StatusCode::ACCEPTED, body)
}

/// 204: done, and there is nothing to show.
pub(super) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// 200 with plain text.
pub(super) fn text(text: String) -> Response {
    let mut response = text.into_response();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// 200 with a page of a list; `next` is what `?cursor=` takes for the page after it.
pub(super) fn list(data: Vec<impl Serialize>, next: Option<impl Display>) -> Response {
    ok(&List { data, next: next.map(|cursor| cursor.to_string()) })
}

/// An answer with a secret, of which the audit log is shown `without` only.
pub(super) fn secret(mut response: Response, without: &impl Serialize) -> Response {
    Representation::conceal(&mut response, without);
    response
}
