//! `/api/environments/:id/logs`: what the instances of an environment print, as JSON or text, or followed as server-sent
//! events or as text; over a WebSocket at `…/logs/stream`.

use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::logs::{Form, form_of};
use crate::api::passing::{KEEP_ALIVE, pass_on};
use crate::api::query::Query;
use crate::api::reply::{self, Answer};
use crate::api::request::Request;
use crate::api::socket::{self, End, LARGEST_OF_READERS};
use crate::auth::principal::Principal;
use crate::model::environment::Environment;
use crate::model::report::{self, Colour};
use crate::model::time::Timestamp;
use crate::processes::{AppLine, LineSource, LogRequest, OutputStream};
use crate::wire::process::{AppLineBody, AppStream};
use futures_util::StreamExt;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use warp::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use warp::reply::{Reply, Response};
use warp::sse::Event;

/// Lines that were printed already, of which at most so many are told; and how many unless it is said.
const MOST: u16 = 1000;
const USUAL: u16 = 100;

/// `follow=true` makes text go on with what is printed; server-sent events always do.
pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let mut query = request.query()?;
    let wanted = wanted(&mut query)?;
    let follow = query.value::<bool>("follow")?.unwrap_or_default();
    query.finish()?;
    match form_of(request.header(ACCEPT).unwrap_or_default()) {
        Form::Json => {
            let lines = api.ports.processes.printed(&environment, &wanted).await?;
            Ok(reply::list(lines.into_iter().map(shown).collect(), None::<String>))
        }
        Form::Text if follow => {
            let lines = followed(&api, request.caller()?, &environment, wanted).await?;
            let lines = ReceiverStream::new(lines).filter_map(async |told| told.ok());
            let text = lines.map(|line| Ok::<_, Infallible>(rendered(&line)));
            Ok(plain(warp::reply::stream(text).into_response()))
        }
        Form::Text => {
            let lines = api.ports.processes.printed(&environment, &wanted).await?;
            Ok(reply::text(lines.iter().map(rendered).collect()))
        }
        Form::Events => {
            let lines = followed(&api, request.caller()?, &environment, wanted).await?;
            let event = |line| Event::default().data(json!(shown(line)).to_string());
            let lines = ReceiverStream::new(lines).filter_map(async |told| told.ok());
            let events = lines.map(move |line| Ok::<_, Infallible>(event(line)));
            let kept = warp::sse::keep_alive().interval(KEEP_ALIVE).stream(events);
            Ok(warp::sse::reply(kept).into_response())
        }
    }
}

/// The same lines over a WebSocket: those that were printed already, then the others as they come, each as JSON.
pub(super) async fn stream(api: Arc<Api>, mut request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let mut query = request.query()?;
    let wanted = wanted(&mut query)?;
    query.finish()?;
    // First: what cannot be followed is told by a status.
    let lines = followed(&api, request.caller()?, &environment, wanted).await?;
    let handshake = socket::handshake(&api, &mut request, None, LARGEST_OF_READERS)?;
    Ok(handshake.talk(async move |socket| {
        socket::feed(socket, lines, |line| vec![json!(shown(line)).to_string()]).await;
    }))
}

fn wanted(query: &mut Query) -> Result<LogRequest, ApiError> {
    let since = query.value::<Timestamp>("since")?;
    let tail = query.limit_called("tail", MOST)?.unwrap_or(USUAL);
    let (process, search) = (query.value("process")?, query.value("search")?);
    Ok(LogRequest { since, tail: tail.into(), process, search })
}

/// The lines for as long as the caller takes them, may read them, and the server runs.
async fn followed(
    api: &Arc<Api>,
    caller: &Principal,
    environment: &Environment,
    wanted: LogRequest,
) -> Result<mpsc::Receiver<Result<AppLine, End>>, ApiError> {
    let lines = api.ports.processes.follow(environment, wanted).await?;
    let lines = ReceiverStream::new(lines).map(Ok);
    Ok(pass_on(api, caller, environment.project_id, lines, 1))
}

fn plain(mut response: Response) -> Response {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

fn shown(line: AppLine) -> AppLineBody {
    let stream = match line.source {
        LineSource::App(OutputStream::Stdout) => AppStream::Stdout,
        LineSource::App(OutputStream::Stderr) => AppStream::Stderr,
        LineSource::Server => AppStream::Gilgal,
    };
    AppLineBody { time: line.at, process: line.process, stream, text: line.text }
}

fn rendered(line: &AppLine) -> String {
    report::render_behind(&line.prefix(), &line.text, Colour::Plain) + "\n"
}
