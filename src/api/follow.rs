//! A deployment's log for as long as the deployment runs: as server-sent events (WHATWG HTML §9.2), and over a WebSocket.
//!
//! Each event is a message whose id is the line's number, so that a client which comes back (`Last-Event-ID`) goes on where
//! it was. An event `end` with the deployment's status says that nothing will follow. A WebSocket gets the same lines, and
//! the status as the reason with which it is closed.

use crate::api::Api;
use crate::api::logs::Wanted;
use crate::api::socket::End;
use crate::auth::access::Action;
use crate::auth::principal::Principal;
use crate::model::deployment::Deployment;
use crate::model::id::{DeploymentId, ProjectId};
use crate::model::log::LogLine;
use crate::projects;
use crate::store::LogFilter;
use crate::wire::log::LogLineBody;
use futures_util::StreamExt;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument;
use warp::reply::{Reply, Response};
use warp::sse::Event;

/// Events that wait for a client that reads slowly; then the log waits, not the build.
const BUFFER: usize = 256;
/// Between two comments that keep proxies from ending a silent connection.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Between two looks at whether the caller may still read: a log-out or the removal of a key ends the stream within this time.
pub(super) const RECHECK: Duration = Duration::from_secs(5);
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
    let (sender, receiver) = mpsc::channel(BUFFER);
    let (api, caller, deployment) = (Arc::clone(api), caller.clone(), deployment.clone());
    let pass = async move {
        if let Some(end) = pass(&api, &caller, &deployment, wanted, &sender).await {
            drop(sender.send(Err(end)).await);
        }
    };
    tokio::spawn(pass.in_current_span());
    receiver
}

/// Passes the lines on; `None` where nobody takes them any more.
async fn pass(
    api: &Api,
    caller: &Principal,
    deployment: &Deployment,
    wanted: Wanted,
    sender: &mpsc::Sender<Result<LogLine, End>>,
) -> Option<End> {
    let Wanted { mut after, filter } = wanted;
    let mut stopping = api.stopping.subscribe();
    let stopping = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
    let mut stopping = std::pin::pin!(stopping);
    let mut recheck = interval_at(Instant::now() + RECHECK, RECHECK);
    let mut lines = api.ports.follower.follow(deployment.id, after);
    loop {
        tokio::select! {
            line = lines.next() => match line {
                Some(line) => {
                    after = line.seq;
                    if is_wanted(filter, &line) && sender.send(Ok(line)).await.is_err() {
                        return None;
                    }
                }
                None => if let Some(status) = end_of(api, deployment.id).await {
                    return Some(End::Over(Some(status)));
                } else {
                    // Its outcome is known and it still cleans up, or the database was away: there may be more.
                    tokio::time::sleep(FOLLOW_AGAIN).await;
                    lines = api.ports.follower.follow(deployment.id, after);
                }
            },
            _ = recheck.tick() => {
                if !may_still(api, caller, deployment.project_id, Action::ReadLogs).await {
                    return Some(End::Refused);
                }
            },
            () = &mut stopping => return Some(End::Stopping),
            () = sender.closed() => return None,
        }
    }
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

/// Whether the login goes on and its account may still do this to the project. A database that is away ends nothing.
pub(super) async fn may_still(api: &Api, caller: &Principal, project: ProjectId, action: Action) -> bool {
    match api.accounts.user_still(&caller.credential).await {
        Ok(Some(user)) => {
            let found = projects::find_by_id(&api.store, &user, project, action).await;
            matches!(found, Ok(_) | Err(projects::ProjectError::Store(_)))
        }
        Ok(None) => false,
        Err(_) => true,
    }
}
