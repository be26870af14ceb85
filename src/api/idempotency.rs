//! `Idempotency-Key`: a request that was sent twice is carried out once.
//!
//! The key belongs to an account and to one request, told by the hash of its method, path, query and body. The answer is
//! kept for a day, sealed, since it may carry a secret. Refusals are not kept: they have changed nothing.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::new_deployment::{sends_archive, take_archive};
use crate::api::reply::Answer;
use crate::api::representation::Representation;
use crate::api::request::Request;
use crate::model::id::UserId;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::store::Begun;
use bytes::Bytes;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;
use warp::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// On an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Hours for which an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// Characters that a key may have.
const LONGEST_KEY: usize = 255;
/// How long one that comes second waits for the first one's answer, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    body: Option<String>,
}

/// The key of a request that has one and may have one: a POST of somebody.
pub(super) fn key_of(request: &Request) -> Result<Option<String>, ApiError> {
    if request.endpoint.row().method != Method::POST || request.caller.is_none() {
        return Ok(None);
    }
    let Some(key) = request.headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let valid = (1..=LONGEST_KEY).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    match key.to_str() {
        Ok(key) if valid => Ok(Some(key.to_owned())),
        Ok(_) | Err(_) => {
            let message = "An Idempotency-Key has 1 to 255 visible characters of ASCII, such as a UUID.";
            Err(ApiError::new(Code::InvalidIdempotencyKey, message))
        }
    }
}

/// Carries a request out with `work` unless it was before, and gives the answer that it had.
///
/// The work goes on when the client hangs up: whoever comes again with the key is told how it has ended.
pub(super) async fn once<W, F>(api: Arc<Api>, mut request: Request, key: String, work: W) -> Answer
where
    W: FnOnce(Arc<Api>, Request) -> F,
    F: Future<Output = Answer> + Send + 'static,
{
    let user_id = request.caller()?.user.id;
    let hash = if sends_archive(&request) {
        let archive = take_archive(&api, &mut request).await?;
        let hash = hash(&request, &archive.digest);
        request.archive = Some(archive);
        hash
    } else {
        request.check_media_type_of_body()?;
        let body = request.read().await?;
        let hash = hash(&request, &body);
        request.put_back(Bytes::from(body));
        hash
    };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match api.store.begin_request(user_id, &key, &hash, now() - KEPT).await? {
            Begun::New => break,
            Begun::Answered(sealed) => return again(&api, user_id, &sealed),
            Begun::Other => {
                let message =
                    "This Idempotency-Key was sent with another request. Use a new key for each request.";
                return Err(ApiError::new(Code::IdempotencyKeyReused, message));
            }
            Begun::UnderWay if tokio::time::Instant::now() >= deadline => {
                let message = "The request with this Idempotency-Key was begun, and how it ended is not known. Look \
                               whether it has happened before you send it with another key.";
                return Err(ApiError::new(Code::RequestUnderWay, message));
            }
            Begun::UnderWay => tokio::time::sleep(PAUSE).await,
        }
    }
    let trail = request.trail.clone();
    let work = work(Arc::clone(&api), request);
    let done = tokio::spawn(
        async move {
            let answer = work.await;
            // What has failed half-way is not done again: whoever comes with the key is told to look.
            if answer.is_ok() || !trail.has_changed() {
                keep(&api, user_id, &key, answer.as_ref().ok()).await;
            }
            answer
        }
        .in_current_span(),
    );
    done.await.unwrap_or_else(|error| Err(ApiError::internal(error)))
}

/// Stands for a request; `body` is the whole one, or what stands for it.
fn hash(request: &Request, body: &[u8]) -> String {
    let row = request.endpoint.row();
    let mut hash = Sha256::new();
    for part in [row.method.as_str().as_bytes(), request.path.as_bytes(), request.query.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// Keeps a good answer, and forgets that there was a request where it was refused. An answer that is a stream cannot be
/// kept.
async fn keep(api: &Api, user_id: UserId, key: &str, response: Option<&Response>) {
    let kept = response.and_then(|response| {
        let body = Representation::of(response).map(|body| String::from_utf8_lossy(&body.sent).into_owned());
        let status = response.status();
        (body.is_some() || status == StatusCode::NO_CONTENT).then(|| Kept { status: status.as_u16(), body })
    });
    let outcome = match kept.and_then(|kept| serde_json::to_string(&kept).ok()) {
        Some(text) => {
            let sealed = api.master_key.seal(&purpose(user_id), &Secret::new(text));
            api.store.answer_request(user_id, key, &sealed).await
        }
        None => api.store.forget_request(user_id, key).await,
    };
    if let Err(error) = outcome {
        tracing::error!(error = &error as &dyn std::error::Error, "the answer to a request was not kept");
    }
}

/// The answer that was given before.
fn again(api: &Api, user_id: UserId, sealed: &str) -> Answer {
    let text = api.master_key.open(&purpose(user_id), sealed).map_err(ApiError::internal)?;
    let Kept { status, body } = serde_json::from_str(text.expose()).map_err(ApiError::internal)?;
    let status = StatusCode::from_u16(status).map_err(ApiError::internal)?;
    let mut response = match body {
        Some(body) => {
            let mut response = Response::new(body.into());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        None => status.into_response(),
    };
    *response.status_mut() = status;
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn purpose(user_id: UserId) -> String {
    format!("answer to {user_id}")
}
