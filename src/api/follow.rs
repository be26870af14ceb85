//! A deployment's log as server-sent events (WHATWG HTML §9.2), for as long as the deployment runs.
//!
//! Each line is a message whose id is the line's number, so that a client which comes back (`Last-Event-ID`) goes on where
//! it was. An event `end` with the deployment's status says that nothing will follow.

use crate::api::Api;
use crate::api::logs::Wanted;
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

/// Follows the log of a deployment.
pub(super) fn events(
    api: &Arc<Api>,
    caller: &Principal,
    deployment: &Deployment,
    wanted: Wanted,
) -> Response {
    let (sender, receiver) = mpsc::channel(BUFFER);
    let (api, caller, deployment) = (Arc::clone(api), caller.clone(), deployment.clone());
    tokio::spawn(async move { feed(&api, &caller, &deployment, wanted, &sender).await }.in_current_span());
    let events = ReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    warp::sse::reply(warp::sse::keep_alive().interval(KEEP_ALIVE).stream(events)).into_response()
}

async fn feed(
    api: &Api,
    caller: &Principal,
    deployment: &Deployment,
    wanted: Wanted,
    sender: &mpsc::Sender<Event>,
) {
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
                    if is_wanted(filter, &line) && sender.send(line_event(line)).await.is_err() {
                        return;
                    }
                }
                None => if let Some(end) = end_event(api, deployment.id).await {
                    drop(sender.send(end).await);
                    return;
                } else {
                    // Its outcome is known and it still cleans up, or the database was away: there may be more.
                    tokio::time::sleep(FOLLOW_AGAIN).await;
                    lines = api.ports.follower.follow(deployment.id, after);
                }
            },
            _ = recheck.tick() => if !may_still_read(api, caller, deployment.project_id).await {
                return;
            },
            () = &mut stopping => return,
            () = sender.closed() => return,
        }
    }
}

/// What says that nothing will follow, once the deployment is final.
async fn end_event(api: &Api, deployment: DeploymentId) -> Option<Event> {
    let state = api.store.deployment(deployment).await.ok()?.state;
    let status = json!({ "status": state.status() }).to_string();
    state.is_final().then(|| Event::default().event("end").data(status))
}

fn is_wanted(filter: LogFilter, line: &LogLine) -> bool {
    let LogFilter { level, step } = filter;
    level.is_none_or(|level| level == line.line.level) && step.is_none_or(|step| step == line.line.step)
}

fn line_event(line: LogLine) -> Event {
    let id = line.seq.to_string();
    Event::default().id(id).data(json!(LogLineBody::from(line)).to_string())
}

/// Whether the login goes on and the project is still the caller's to read. A database that is away ends nothing.
pub(super) async fn may_still_read(api: &Api, caller: &Principal, project: ProjectId) -> bool {
    match api.accounts.user_still(&caller.credential).await {
        Ok(Some(user)) => {
            let found = projects::find_by_id(&api.store, &user, project, Action::ReadLogs).await;
            matches!(found, Ok(_) | Err(projects::ProjectError::Store(_)))
        }
        Ok(None) => false,
        Err(_) => true,
    }
}
