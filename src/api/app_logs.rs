//! `/api/environments/:id/logs`: what the instances of an environment print, as JSON or text, or followed as server-sent
//! events or as text.

use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::follow::{KEEP_ALIVE, RECHECK, may_still_read};
use crate::api::logs::{Form, form_of};
use crate::api::reply::{self, Answer};
use crate::api::request::Request;
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
use tokio::time::{Instant, interval_at};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument;
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
    let since = query.value::<Timestamp>("since")?;
    let tail = query.limit_called("tail", MOST)?.unwrap_or(USUAL);
    let wanted = LogRequest { since, tail: tail.into(), process: query.value("process")? };
    let follow = query.value::<bool>("follow")?.unwrap_or_default();
    query.finish()?;
    match form_of(request.header(ACCEPT).unwrap_or_default()) {
        Form::Json => {
            let lines = api.ports.processes.printed(&environment, &wanted).await?;
            Ok(reply::list(lines.into_iter().map(shown).collect(), None::<String>))
        }
        Form::Text if follow => {
            let lines = followed(&api, request.caller()?, &environment, wanted).await?;
            let text = ReceiverStream::new(lines).map(|line| Ok::<_, Infallible>(rendered(&line)));
            Ok(plain(warp::reply::stream(text).into_response()))
        }
        Form::Text => {
            let lines = api.ports.processes.printed(&environment, &wanted).await?;
            Ok(reply::text(lines.iter().map(rendered).collect()))
        }
        Form::Events => {
            let lines = followed(&api, request.caller()?, &environment, wanted).await?;
            let event = |line| Event::default().data(json!(shown(line)).to_string());
            let events = ReceiverStream::new(lines).map(move |line| Ok::<_, Infallible>(event(line)));
            let kept = warp::sse::keep_alive().interval(KEEP_ALIVE).stream(events);
            Ok(warp::sse::reply(kept).into_response())
        }
    }
}

/// The lines for as long as the caller takes them, may read them, and the server runs.
async fn followed(
    api: &Arc<Api>,
    caller: &Principal,
    environment: &Environment,
    wanted: LogRequest,
) -> Result<mpsc::Receiver<AppLine>, ApiError> {
    let mut lines = api.ports.processes.follow(environment, wanted).await?;
    let (sender, receiver) = mpsc::channel(1);
    let (api, caller, project) = (Arc::clone(api), caller.clone(), environment.project_id);
    let pass = async move {
        let mut stopping = api.stopping.subscribe();
        let stopping = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
        let mut stopping = std::pin::pin!(stopping);
        let mut recheck = interval_at(Instant::now() + RECHECK, RECHECK);
        loop {
            tokio::select! {
                line = lines.recv() => match line {
                    Some(line) => if sender.send(line).await.is_err() {
                        return;
                    },
                    None => return,
                },
                _ = recheck.tick() => if !may_still_read(&api, &caller, project).await {
                    return;
                },
                () = &mut stopping => return,
                () = sender.closed() => return,
            }
        }
    };
    tokio::spawn(pass.in_current_span());
    Ok(receiver)
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
