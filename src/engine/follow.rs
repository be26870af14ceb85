//! What an instance prints, for as long as it lives.

use super::{Engine, EngineError, LogPart, OutputLine};
use crate::model::instance::{InstanceId, InstanceState};
use crate::model::time::Timestamp;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Before an instance is read again whose log has ended before it did.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an instance is silent before it is looked whether it is.
const SILENCE: Duration = Duration::from_secs(15);

/// Reads what an instance prints until it ends, however often its log does: when the engine is away for a moment, when the
/// instance is started again, and where much is printed: Docker's engine is known to stop telling those who follow a log when
/// it begins a new file.
pub struct LogFollower {
    engine: Arc<dyn Engine>,
    instance: InstanceId,
    /// When the last line was printed that was given.
    last: Option<Timestamp>,
    open: Option<Open>,
}

/// A log that is being read.
struct Open {
    lines: BoxStream<'static, Result<OutputLine, EngineError>>,
    /// What was given before.
    after: Option<Timestamp>,
    /// When the newest line of it was printed.
    at: Option<Timestamp>,
}

impl LogFollower {
    /// Begins behind what was printed at a moment, or with the first line.
    #[must_use]
    pub const fn new(engine: Arc<dyn Engine>, instance: InstanceId, after: Option<Timestamp>) -> Self {
        Self { engine, instance, last: after, open: None }
    }

    /// The next line; `None` once the instance has ended. It may be started again: then another one reads on behind
    /// [`Self::last`].
    pub async fn next(&mut self) -> Option<OutputLine> {
        loop {
            if let Some(line) = self.next_of_this().await {
                return Some(line);
            }
            self.open = None;
            match self.engine.inspect(&self.instance).await.map(|found| found.map(|found| found.state)) {
                Ok(Some(InstanceState::Running | InstanceState::Created)) | Err(_) => {}
                Ok(Some(InstanceState::Exited { .. }) | None) => return None,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// When the last line was printed that was given, or that was not wanted.
    #[must_use]
    pub const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// The next line of the log as it is open now.
    async fn next_of_this(&mut self) -> Option<OutputLine> {
        loop {
            let open = self.open.get_or_insert_with(|| {
                let part = LogPart { follow: true, timed: true, since: self.last, tail: None };
                Open { lines: self.engine.logs(&self.instance, part), after: self.last, at: None }
            });
            let mut line = match timeout(SILENCE, open.lines.next()).await {
                Ok(Some(Ok(line))) => line,
                Ok(Some(Err(_)) | None) => return None,
                Err(_elapsed) if has_newer(&*self.engine, &self.instance, self.last).await => return None,
                Err(_elapsed) => continue,
            };
            // What has no time belongs to the line before it.
            open.at = line.at.or(open.at);
            line.at = open.at;
            // Exact to the second is what the engine begins at.
            if open.after.zip(line.at).is_some_and(|(after, at)| at <= after) {
                continue;
            }
            self.last = self.last.max(line.at);
            return Some(line);
        }
    }
}

/// Whether something was printed since the last line that was told.
async fn has_newer(engine: &dyn Engine, instance: &InstanceId, last: Option<Timestamp>) -> bool {
    let part = LogPart { follow: false, timed: true, since: None, tail: Some(1) };
    let newest = engine.logs(instance, part).filter_map(async |line| line.ok()?.at);
    newest.fold(None, async |newest, at| newest.max(Some(at))).await > last
}
