//! A deployment's log for as long as the deployment runs: as server-sent events (WHATWG HTML §9.2), and over a WebSocket.
//!
//! Each event is a message whose id is the line's number, so that a client which comes back (`Last-Event-ID`) goes on where
//! it was. An event `end` with the deployment's status says that nothing will follow. A WebSocket gets the same lines, and
//! the status as the reason with which it is closed.

use crate::api::Api;
use crate::api::logs::Wanted;
use crate::api::passing::{KEEP_ALIVE, pass_on};
use crate::api::socket::End;
use crate::auth::principal::Principal;
use crate::model::deployment::Deployment;
use crate::model::id::DeploymentId;
use crate::model::log::LogLine;
use crate::store::LogFilter;
use crate::wire::log::LogLineBody;
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use warp::reply::{Reply, Response};
use warp::sse::Event;

/// Events that wait for a client that reads slowly; then the log waits, not the build.
const BUFFER: usize = 256;
/// Before a log that has ended without its deployment is followed again.
const FOLLOW_AGAIN: Duration = Duration::from_millis(500);

/// Follows the log of a deployment as server-sent events.
pub(super) fn events(
    api: &Arc<Api>,
    caller: &Principal,
    deployment: &Deployment,
    wanted: Wanted,
) -> Response {
    let events = ReceiverStream::new(follow(api, caller, deployment, wanted)).filter_map(async |told| {
        Some(Ok::<_, Infallible>(match told {
            Ok(line) => line_event(line),
            Err(End::Over(Some(status))) => end_event(status),
            Err(End::Over(None) | End::Refused | End::Stopping) => return None,
        }))
    });
    warp::sse::reply(warp::sse::keep_alive().interval(KEEP_ALIVE).stream(events)).into_response()
}

/// The lines of a deployment that are wanted, and why there are no more.
pub(super) fn follow(
    api: &Arc<Api>,
    caller: &Principal,
    deployment: &Deployment,
    wanted: Wanted,
) -> mpsc::Receiver<Result<LogLine, End>> {
    let lines = lines(Arc::clone(api), deployment.id, wanted);
    pass_on(api, caller, deployment.project_id, lines, BUFFER)
}

/// The same for as long as the deployment has more, whoever reads them.
fn lines(
    api: Arc<Api>,
    deployment: DeploymentId,
    Wanted { after, filter }: Wanted,
) -> impl Stream<Item = Result<LogLine, End>> + Send {
    let lines = api.ports.follower.follow(deployment, after);
    stream::unfold(Some((api, lines, after)), move |following| async move {
        let (api, mut lines, mut after) = following?;
        loop {
            if let Some(line) = lines.next().await {
                after = line.seq;
                if is_wanted(filter, &line) {
                    return Some((Ok(line), Some((api, lines, after))));
                }
            } else if let Some(status) = end_of(&api, deployment).await {
                return Some((Err(End::Over(Some(status))), None));
            } else {
                // Its outcome is known and it still cleans up, or the database was away: there may be more.
                tokio::time::sleep(FOLLOW_AGAIN).await;
                lines = api.ports.follower.follow(deployment, after);
            }
        }
    })
}

/// The status of a deployment that is final: nothing will follow.
async fn end_of(api: &Api, deployment: DeploymentId) -> Option<&'static str> {
    let state = api.store.deployment(deployment).await.ok()?.state;
    state.is_final().then(|| state.status().as_str())
}

fn end_event(status: &str) -> Event {
    Event::default().event("end").data(json!({ "status": status }).to_string())
}

fn is_wanted(filter: LogFilter, line: &LogLine) -> bool {
    let LogFilter { level, step } = filter;
    level.is_none_or(|level| level == line.line.level) && step.is_none_or(|step| step == line.line.step)
}

fn line_event(line: LogLine) -> Event {
    let id = line.seq.to_string();
    Event::default().id(id).data(json!(LogLineBody::from(line)).to_string())
}
