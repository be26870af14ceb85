//! Reading the log of a deployment, from any line, to its end.

use super::live::Found;
use super::{Conclusion, Journal};
use crate::model::id::DeploymentId;
use crate::model::log::LogLine;
use crate::store::{LogFilter, StoreError};
use std::time::Duration;

/// How long a lost signal can delay a reader.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Lines read from the database at once.
const PAGE: i64 = 500;

/// A place in the log of a deployment.
pub struct Reader {
    journal: Journal,
    deployment: DeploymentId,
    after: i64,
}

/// What comes next in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Lines(Vec<LogLine>),
    /// Everything was read that comes before the outcome.
    End(Conclusion),
}

impl Reader {
    pub(super) const fn new(journal: Journal, deployment: DeploymentId, after: i64) -> Self {
        Self { journal, deployment, after }
    }

    /// Waits for what comes next, and for a database that does not answer: the deployment may go live meanwhile. Being
    /// dropped while it waits loses nothing.
    ///
    /// # Errors
    /// When the database does not know the deployment, or refuses.
    pub async fn next(&mut self) -> Result<Next, StoreError> {
        loop {
            let mut logs_changed = self.journal.changed.subscribe();
            let found = match self.journal.live(self.deployment) {
                Some(live) => {
                    let mut changed = live.subscribe();
                    match live.after(self.after) {
                        Found::Nothing => {
                            // Either end of the wait is a reason to look again.
                            tokio::time::timeout(LOOK_AGAIN, changed.changed()).await.ok();
                            continue;
                        }
                        found => found,
                    }
                }
                None => unless_away(self.without_writer().await)?,
            };
            match found {
                Found::Lines(lines) => return Ok(self.advance(lines)),
                Found::Concluded(conclusion) => return Ok(Next::End(conclusion)),
                Found::InDatabase => {
                    let stored = unless_away(self.stored().await.map(Found::Lines))?;
                    if let Found::Lines(lines) = stored
                        && !lines.is_empty()
                    {
                        return Ok(self.advance(lines));
                    }
                }
                Found::Nothing => {}
            }
            tokio::time::timeout(LOOK_AGAIN, logs_changed.changed()).await.ok();
        }
    }

    /// What there is while nobody writes: before the deployment has begun, or after it has ended.
    async fn without_writer(&self) -> Result<Found, StoreError> {
        // The state first: lines that are written before the state becomes final are then seen below.
        let deployment = self.journal.store.deployment(self.deployment).await?;
        let lines = self.stored().await?;
        if !lines.is_empty() {
            return Ok(Found::Lines(lines));
        }
        Ok(Conclusion::of(&deployment).map_or(Found::Nothing, Found::Concluded))
    }

    async fn stored(&self) -> Result<Vec<LogLine>, StoreError> {
        self.journal.store.log_lines(self.deployment, self.after, PAGE, LogFilter::default()).await
    }

    fn advance(&mut self, lines: Vec<LogLine>) -> Next {
        self.after = lines.last().map_or(self.after, |line| line.seq);
        Next::Lines(lines)
    }
}

/// Nothing is found in a database that does not answer.
fn unless_away(found: Result<Found, StoreError>) -> Result<Found, StoreError> {
    match found {
        Err(StoreError::Unavailable(error)) => {
            tracing::debug!(error = &*error as &dyn std::error::Error, "a reader waits for the database");
            Ok(Found::Nothing)
        }
        found => found,
    }
}
