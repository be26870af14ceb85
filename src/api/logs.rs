//! `/api/deployments/:id/logs`: the stored log as JSON or text, or followed as server-sent events; over a WebSocket at
//! `…/logs/stream`.

use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::follow;
use crate::api::query::Query;
use crate::api::reply::{self, Answer};
use crate::api::request::Request;
use crate::api::socket::{self, LARGEST_OF_READERS};
use crate::model::deployment::Deployment;
use crate::model::id::DeploymentId;
use crate::model::log::LogLine;
use crate::model::report;
use crate::store::{LogFilter, Store, StoreError};
use crate::wire::log::LogLineBody;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument;
use warp::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use warp::reply::{Reply, Response};

/// Most lines of one JSON answer, and lines that are read at a time for text.
const PAGE: u16 = 1000;

/// How the log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Text,
    Events,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Lines with a number above this one.
    pub(super) after: i64,
    pub(super) filter: LogFilter,
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let deployment = request.deployment(&api).await?;
    let mut query = request.query()?;
    let wanted = wanted(&request, &mut query)?;
    let limit = query.limit(PAGE)?;
    query.finish()?;
    match form_of(request.header(ACCEPT).unwrap_or_default()) {
        Form::Json => json(&api, &deployment, wanted, limit).await,
        Form::Text => Ok(text(&api, &deployment, wanted)),
        Form::Events => Ok(follow::events(&api, request.caller()?, &deployment, wanted)),
    }
}

/// The same lines over a WebSocket: the stored ones, then the others as they come, each as JSON.
pub(super) async fn stream(api: Arc<Api>, mut request: Request) -> Answer {
    let deployment = request.deployment(&api).await?;
    let mut query = request.query()?;
    let wanted = wanted(&request, &mut query)?;
    query.finish()?;
    let handshake = socket::handshake(&api, &mut request, None, LARGEST_OF_READERS)?;
    let caller = request.caller()?.clone();
    Ok(handshake.talk(async move |socket| {
        let pieces = follow::follow(&api, &caller, &deployment, wanted);
        socket::feed(socket, pieces, |piece| piece.events().bodies().collect()).await;
    }))
}

fn wanted(request: &Request, query: &mut Query) -> Result<Wanted, ApiError> {
    let after = query.value::<i64>("after")?;
    // What a JSON page calls `next`: the number of its last line.
    let cursor = query.value::<i64>("cursor")?;
    // Whoever comes back asks for the same URL, and says with this header how far they are (HTML §9.2.4).
    let resumed = request.header("last-event-id").and_then(|id| id.parse().ok());
    Ok(Wanted {
        after: after.or(cursor).max(resumed).unwrap_or(0),
        filter: LogFilter { level: query.word("level")?, step: query.word("step")? },
    })
}

/// The first form in an `Accept` header that there is; weights are not looked at.
pub(super) fn form_of(accept: &str) -> Form {
    let kinds = accept.split(',').filter_map(|kind| kind.split(';').next()).map(str::trim);
    let mut known = kinds.filter_map(|kind| match kind {
        "application/json" | "*/*" => Some(Form::Json),
        "text/plain" => Some(Form::Text),
        "text/event-stream" => Some(Form::Events),
        _ => None,
    });
    known.next().unwrap_or(Form::Json)
}

async fn json(api: &Api, deployment: &Deployment, wanted: Wanted, limit: u16) -> Answer {
    let Wanted { after, filter } = wanted;
    let limit = usize::from(limit);
    let one_more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut lines = api.store.log_lines(deployment.id, after, one_more, filter).await?;
    let more = lines.len() > limit;
    lines.truncate(limit);
    let next = lines.last().filter(|_| more).map(|line| line.seq);
    Ok(reply::list(lines.into_iter().map(LogLineBody::from).collect(), next))
}

/// What has been written so far, as the pusher saw it, read while it is sent.
fn text(api: &Api, deployment: &Deployment, wanted: Wanted) -> Response {
    // A channel between: warp's streams must be `Sync`, which a read of the database is not.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send_pages(api.store.clone(), deployment.id, wanted, sender).in_current_span());
    let mut response = warp::reply::stream(ReceiverStream::new(receiver)).into_response();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// Sends the stored lines a page at a time until there are no more, or nobody takes them.
async fn send_pages(
    store: Store,
    deployment: DeploymentId,
    wanted: Wanted,
    sender: mpsc::Sender<Result<String, StoreError>>,
) {
    let Wanted { mut after, filter } = wanted;
    loop {
        let page = store.log_lines(deployment, after, i64::from(PAGE), filter).await;
        let last = page.as_ref().ok().and_then(|lines| lines.last()).map(|line| line.seq);
        let text = page.map(|lines| lines.iter().map(rendered).collect());
        // An error ends the connection in the middle of the body: the client sees that it has not got everything.
        if last.is_none() && text.is_ok() || sender.send(text).await.is_err() {
            return;
        }
        match last {
            Some(last) => after = last,
            None => return,
        }
    }
}

fn rendered(line: &LogLine) -> String {
    report::render(line.line.stream, &line.line.text, report::Colour::Plain) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_form_is_given() {
        for (accept, form) in [
            ("", Form::Json),
            ("*/*", Form::Json),
            ("text/plain", Form::Text),
            ("text/html, text/plain;q=0.5", Form::Text),
            ("text/event-stream", Form::Events),
            ("image/png", Form::Json),
        ] {
            assert_eq!(form_of(accept), form, "{accept}");
        }
    }
}
