//! Following the log of a deployment to its end, over connections that may break.

use super::api::Api;
use super::events::{Event, EventReader};
use super::failure::{Exit, Failure};
use super::refusal::parse;
use crate::model::deployment::Status;
use crate::model::id::DeploymentId;
use crate::wire::log::LogLineBody;
use reqwest::Response;
use serde::Deserialize;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

/// Between two looks of a watcher at the clock.
const TICK: Duration = Duration::from_millis(100);
/// The server sends a comment every 15 seconds: a connection that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// Before a connection that broke is made again, the first time; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a server may be away while a log is followed: a restart is not the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever looks at the log while it grows.
pub(super) trait Watcher {
    /// One more line.
    ///
    /// # Errors
    /// When nobody reads what it writes.
    fn line(&mut self, line: &LogLineBody) -> io::Result<()>;

    /// A moment has passed.
    ///
    /// # Errors
    /// When nobody reads what it writes.
    fn tick(&mut self) -> io::Result<()>;
}

/// What says that nothing will follow.
#[derive(Debug, Deserialize)]
struct End {
    status: Status,
}

/// Why a connection was left.
enum Left {
    /// Nothing will follow.
    Ended(Status),
    /// It broke, or the server has ended it.
    Broken,
}

/// Gives a watcher each line of a log once, until the deployment has ended.
///
/// # Errors
/// When the server stays away or refuses, after Ctrl-C, and when the watcher cannot write any more.
pub(super) async fn follow(
    api: &Api,
    id: DeploymentId,
    watcher: &mut dyn Watcher,
) -> Result<Status, Failure> {
    tokio::select! {
        status = follow_on(api, id, watcher) => status,
        _ = tokio::signal::ctrl_c() => Err(Failure::new("You have stopped watching; the deployment goes on.")
            .with_hint(format!("Watch it again: gilgal deployments attach {id}"))
            .with_exit(Exit::Interrupted)),
    }
}

async fn follow_on(api: &Api, id: DeploymentId, watcher: &mut dyn Watcher) -> Result<Status, Failure> {
    let (mut after, mut pause, mut heard) = (0, FIRST_PAUSE, Instant::now());
    loop {
        let before = after;
        let opened = open(api, id, after, watcher).await?;
        let outcome = match opened {
            Ok(response) => read(response, &mut after, watcher).await.map_err(|error| gone(&error))?,
            Err(failure) if failure.exit == Exit::Unreachable && heard.elapsed() < PATIENCE => Left::Broken,
            Err(failure) => return Err(failure),
        };
        match outcome {
            Left::Ended(status) => return Ok(status),
            Left::Broken if after > before => (pause, heard) = (FIRST_PAUSE, Instant::now()),
            Left::Broken => {}
        }
        waiting(sleep(pause), watcher).await.map_err(|error| gone(&error))?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Nobody reads what is written: that is no failure of the deployment, and there is nobody to tell.
fn gone(error: &io::Error) -> Failure {
    Failure::new("The log cannot be written.").caused_by(error)
}

/// Waits for something while the watcher looks at the clock.
async fn waiting<T>(what: impl Future<Output = T>, watcher: &mut dyn Watcher) -> io::Result<T> {
    let mut what = std::pin::pin!(what);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            outcome = &mut what => return Ok(outcome),
            _ = ticks.tick() => watcher.tick()?,
        }
    }
}

async fn open(
    api: &Api,
    id: DeploymentId,
    after: i64,
    watcher: &mut dyn Watcher,
) -> Result<Result<Response, Failure>, Failure> {
    let path = format!("/api/deployments/{id}/logs?after={after}");
    waiting(api.open(&path, "text/event-stream"), watcher).await.map_err(|error| gone(&error))
}

async fn read(mut response: Response, after: &mut i64, watcher: &mut dyn Watcher) -> io::Result<Left> {
    let mut reader = EventReader::default();
    loop {
        let chunk = waiting(timeout(SILENCE, response.chunk()), watcher).await?;
        let Ok(Ok(Some(bytes))) = chunk else { return Ok(Left::Broken) };
        for Event { id: _, name, data } in reader.read(&bytes) {
            let value = serde_json::from_str(&data).unwrap_or_default();
            match name.as_str() {
                "end" => {
                    if let Ok(End { status }) = serde_json::from_value(value) {
                        return Ok(Left::Ended(status));
                    }
                }
                // A kind of event that a newer server may have is not for this program.
                "" | "message" => {
                    if let Ok(line) = parse::<LogLineBody>(value) {
                        *after = line.seq;
                        watcher.line(&line)?;
                    }
                }
                _ => {}
            }
        }
    }
}
