//! A deployment's log for as long as the deployment runs: as server-sent events (WHATWG HTML §9.2), and over a WebSocket.
//!
//! Each event is a message whose id is the line's number, so that a client which comes back (`Last-Event-ID`) goes on where
//! it was. An event `end` with the deployment's status says that nothing will follow. A WebSocket gets the same lines, and
//! the status as the reason with which it is closed.
//!
//! Lines come from the journal in pieces, and what is sent of a piece is made once for all who follow.

use crate::api::Api;
use crate::api::logs::Wanted;
use crate::api::passing::{KEEP_ALIVE, pass_on};
use crate::api::socket::End;
use crate::auth::principal::Principal;
use crate::journal::Piece;
use crate::model::deployment::Deployment;
use crate::model::id::DeploymentId;
use crate::model::log::LogLine;
use crate::store::LogFilter;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use warp::reply::{Reply, Response};

/// Pieces that wait for a client that reads slowly; then the log waits, not the build.
const BUFFER: usize = 2;
/// Before a log that has ended without its deployment is followed again.
const FOLLOW_AGAIN: Duration = Duration::from_millis(500);
/// A comment that keeps proxies from ending a silent connection.
const COMMENT: &[u8] = b":\n\n";

/// Follows the log of a deployment as server-sent events.
pub(super) fn events(
    api: &Arc<Api>,
    caller: &Principal,
    deployment: &Deployment,
    wanted: Wanted,
) -> Response {
    let events = stream::unfold(follow(api, caller, deployment, wanted), async |mut pieces| {
        let events = match timeout(KEEP_ALIVE, pieces.recv()).await {
            Ok(Some(Ok(piece))) => piece.events().text(),
            Ok(Some(Err(End::Over(Some(status))))) => end_event(status),
            Ok(Some(Err(End::Over(None) | End::Refused | End::Stopping)) | None) => return None,
            Err(_) => Bytes::from_static(COMMENT),
        };
        Some((Ok::<_, Infallible>(events), pieces))
    });
    let mut response = warp::reply::stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The lines of a deployment that are wanted, and why there are no more.
pub(super) fn follow(
    api: &Arc<Api>,
    caller: &Principal,
    deployment: &Deployment,
    wanted: Wanted,
) -> mpsc::Receiver<Result<Arc<Piece>, End>> {
    let pieces = pieces(Arc::clone(api), deployment.id, wanted);
    pass_on(api, caller, deployment.project_id, pieces, BUFFER)
}

/// The same for as long as the deployment has more, whoever reads them.
fn pieces(
    api: Arc<Api>,
    deployment: DeploymentId,
    Wanted { after, filter }: Wanted,
) -> impl Stream<Item = Result<Arc<Piece>, End>> + Send {
    let pieces = api.ports.follower.follow(deployment, after);
    stream::unfold(Some((api, pieces, after)), move |following| async move {
        let (api, mut pieces, mut after) = following?;
        loop {
            if let Some(piece) = pieces.next().await {
                after = piece.last();
                if let Some(piece) = piece.only(|line| is_wanted(filter, line)) {
                    return Some((Ok(piece), Some((api, pieces, after))));
                }
            } else if let Some(status) = end_of(&api, deployment).await {
                return Some((Err(End::Over(Some(status))), None));
            } else {
                // Its outcome is known and it still cleans up, or the database was away: there may be more.
                tokio::time::sleep(FOLLOW_AGAIN).await;
                pieces = api.ports.follower.follow(deployment, after);
            }
        }
    })
}

/// The status of a deployment that is final: nothing will follow.
async fn end_of(api: &Api, deployment: DeploymentId) -> Option<&'static str> {
    let state = api.store.deployment(deployment).await.ok()?.state;
    state.is_final().then(|| state.status().as_str())
}

fn end_event(status: &str) -> Bytes {
    format!("event:end\ndata:{}\n\n", json!({ "status": status })).into()
}

fn is_wanted(filter: LogFilter, line: &LogLine) -> bool {
    let LogFilter { level, step } = filter;
    level.is_none_or(|level| level == line.line.level) && step.is_none_or(|step| step == line.line.step)
}
