//! Successful answers.

use crate::api::error::ApiError;
use crate::store::Page;
use crate::wire::list::List;
use serde::Serialize;
use warp::http::StatusCode;
use warp::reply::{Reply, Response};

/// What a handler gives back.
pub(super) type Answer = Result<Response, ApiError>;

/// 200 with a resource.
pub(super) fn ok(body: &impl Serialize) -> Answer {
    Ok(warp::reply::json(body).into_response())
}

/// 201 with what was made.
pub(super) fn created(body: &impl Serialize) -> Answer {
    Ok(warp::reply::with_status(warp::reply::json(body), StatusCode::CREATED).into_response())
}

/// 202 with what will change soon.
pub(super) fn accepted(body: &impl Serialize) -> Answer {
    Ok(warp::reply::with_status(warp::reply::json(body), StatusCode::ACCEPTED).into_response())
}

/// 204: done, and there is nothing to show.
pub(super) fn no_content() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// 200 with a page of a list.
pub(super) fn page<T, B: Serialize>(page: Page<T>, body: impl FnMut(T) -> B) -> Answer {
    let next = page.next.map(|cursor| cursor.to_string());
    ok(&List { data: page.data.into_iter().map(body).collect(), next })
}
