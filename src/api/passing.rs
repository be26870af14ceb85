//! Lines on their way to somebody who follows them, for as long as they are taken and may be read.

use crate::api::Api;
use crate::api::socket::End;
use crate::auth::access::Action;
use crate::auth::principal::Principal;
use crate::model::id::ProjectId;
use crate::projects;
use futures_util::{Stream, StreamExt};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, interval_at, sleep, timeout};
use tracing::Instrument;

/// Between two comments that keep proxies from ending a silent connection.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Between two looks at whether the caller may still read: a log-out or the removal of a key ends the stream within this time.
pub(super) const RECHECK: Duration = Duration::from_secs(5);
/// How long a client may take none of what is sent to it.
pub(super) const STALLED: Duration = Duration::from_secs(30);

/// Passes lines of a project on to a channel with room for so many, until they end, the caller may not read them any more,
/// the server stops, or nobody takes any for half a minute. The last thing in it is why there are no more.
pub(super) fn pass_on<L: Send + 'static>(
    api: &Arc<Api>,
    caller: &Principal,
    project: ProjectId,
    lines: impl Stream<Item = Result<L, End>> + Send + 'static,
    room: usize,
) -> mpsc::Receiver<Result<L, End>> {
    let (sender, receiver) = mpsc::channel(room);
    let (api, caller) = (Arc::clone(api), caller.clone());
    let pass = async move {
        if let Some(end) = pass(&api, &caller, project, lines, &sender).await {
            drop(timeout(STALLED, sender.send(Err(end))).await);
        }
    };
    tokio::spawn(pass.in_current_span());
    receiver
}

/// Passes the lines on; `None` where nobody takes them any more.
async fn pass<L>(
    api: &Api,
    caller: &Principal,
    project: ProjectId,
    lines: impl Stream<Item = Result<L, End>>,
    sender: &mpsc::Sender<Result<L, End>>,
) -> Option<End> {
    let mut lines = pin!(lines);
    let mut stopping = api.stopping.subscribe();
    let mut stopping = pin!(async move { drop(stopping.wait_for(|stopping| *stopping).await) });
    let mut recheck = interval_at(Instant::now() + RECHECK, RECHECK);
    // A line that waits for room, and how long it does.
    let mut held: Option<L> = None;
    let mut stalled = pin!(sleep(STALLED));
    loop {
        tokio::select! {
            line = lines.next(), if held.is_none() => match line {
                Some(Ok(line)) => match sender.try_send(Ok(line)) {
                    Ok(()) => {}
                    Err(TrySendError::Full(line)) => {
                        held = line.ok();
                        stalled.as_mut().reset(Instant::now() + STALLED);
                    }
                    Err(TrySendError::Closed(_)) => return None,
                },
                Some(Err(end)) => return Some(end),
                None => return Some(End::Over(None)),
            },
            room = sender.reserve(), if held.is_some() => match (room, held.take()) {
                (Ok(room), Some(line)) => room.send(Ok(line)),
                (Ok(_), None) => {}
                (Err(_), _) => return None,
            },
            () = &mut stalled, if held.is_some() => return None,
            _ = recheck.tick() => if !may_still(api, caller, project, Action::ReadLogs).await {
                return Some(End::Refused);
            },
            () = &mut stopping => return Some(End::Stopping),
            () = sender.closed() => return None,
        }
    }
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
