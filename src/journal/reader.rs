//! Reading the log of a deployment, from any line, to its end.

use super::live::Found;
use super::piece::Piece;
use super::silence::Silence;
use super::{Conclusion, Journal};
use crate::model::id::DeploymentId;
use crate::model::log::LogLine;
use crate::store::{LogFilter, StoreError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How long a lost signal can delay a reader.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Lines read from the database at once.
const PAGE: i64 = 500;

/// How long a database that is away is waited for: a deployment that goes on outlives most outages.
const AWAY: Duration = Duration::from_mins(2);

/// Reads the log of a deployment.
pub struct Reader {
    place: Place,
    silence: Silence,
}

/// A place in the log of a deployment.
struct Place {
    journal: Journal,
    deployment: DeploymentId,
    after: i64,
    /// What was read from the database and comes next.
    ahead: VecDeque<Arc<Piece>>,
}

/// What comes next in a log.
#[derive(Debug, Clone)]
pub enum Next {
    Lines(Arc<Piece>),
    /// Everything was read that comes before the outcome.
    End(Conclusion),
}

impl Reader {
    pub(super) const fn new(journal: Journal, deployment: DeploymentId, after: i64) -> Self {
        let place = Place { journal, deployment, after, ahead: VecDeque::new() };
        Self { place, silence: Silence::new(AWAY) }
    }

    /// Waits for what comes next, and two minutes for a database that does not answer: the deployment may go live
    /// meanwhile. Being dropped while it waits loses nothing.
    ///
    /// # Errors
    /// When the database does not know the deployment, refuses, or stays away.
    pub async fn next(&mut self) -> Result<Next, StoreError> {
        let Self { place, silence } = self;
        if let Some(piece) = place.ahead.pop_front() {
            return Ok(place.advance(piece));
        }
        loop {
            let mut logs_changed = place.journal.changed.subscribe();
            let stored = match place.journal.live(place.deployment) {
                Some(live) => {
                    let mut changed = live.subscribe();
                    match live.after(place.after) {
                        Found::Lines(piece) => {
                            silence.end();
                            return Ok(place.advance(piece));
                        }
                        Found::Concluded(conclusion) => return Ok(Next::End(conclusion)),
                        Found::Nothing => {
                            silence.end();
                            // Either end of the wait is a reason to look again.
                            tokio::time::timeout(LOOK_AGAIN, changed.changed()).await.ok();
                            continue;
                        }
                        Found::InDatabase => silence.ask(place.stored()).await?.map(|lines| (lines, None)),
                    }
                }
                None => silence.ask(place.without_writer()).await?,
            };
            if let Some((lines, conclusion)) = stored {
                place.ahead.extend(Piece::all_of(lines));
                if let Some(piece) = place.ahead.pop_front() {
                    return Ok(place.advance(piece));
                }
                if let Some(conclusion) = conclusion {
                    return Ok(Next::End(conclusion));
                }
            }
            tokio::time::timeout(LOOK_AGAIN, logs_changed.changed()).await.ok();
        }
    }

    /// Whether it waits for a database that is away, and has for longer than a moment.
    #[must_use]
    pub fn is_kept_waiting(&self) -> bool {
        self.silence.lasts()
    }
}

impl Place {
    /// What there is while nobody writes: before the deployment has begun, or after it has ended. The conclusion is what
    /// comes when there are no lines.
    async fn without_writer(&self) -> Result<(Vec<LogLine>, Option<Conclusion>), StoreError> {
        // The state first: lines that are written before the state becomes final are then seen below.
        let deployment = self.journal.store.deployment(self.deployment).await?;
        Ok((self.stored().await?, self.journal.conclusion(&deployment)))
    }

    async fn stored(&self) -> Result<Vec<LogLine>, StoreError> {
        self.journal.store.log_lines(self.deployment, self.after, PAGE, LogFilter::default()).await
    }

    fn advance(&mut self, piece: Arc<Piece>) -> Next {
        self.after = piece.last();
        Next::Lines(piece)
    }
}
