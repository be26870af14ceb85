//! Watching a deployment for a pusher.

use super::protocol::Verdict;
use super::{Push, Receiver, Terminal};
use crate::journal::{Conclusion, Next};
use crate::model::environment::{Environment, HangUpPolicy};
use crate::model::id::DeploymentId;
use crate::store::StoreError;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A pusher hears from us at least this often.
const TICK: Duration = Duration::from_secs(10);
/// A deployment that has not begun after this time waits for another one.
const WAITING: Duration = Duration::from_millis(700);
/// How long a database that is away is waited for: a deployment that goes on outlives most outages.
const AWAY: Duration = Duration::from_mins(2);
/// Between two questions to a database that is away.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How the time passes while a deployment is watched.
struct Clock {
    begun: Instant,
    quiet_until: Instant,
    /// Whether the deployment has said something.
    has_begun: bool,
    /// Since when the database does not answer.
    away_since: Option<Instant>,
}

impl Receiver {
    /// Shows the log of a deployment until its outcome is known.
    ///
    /// # Errors
    /// The few words that git shows behind the branch: the deployment did not go live, its outcome cannot be known, or
    /// the pusher is gone.
    pub(super) async fn follow(
        &self,
        push: &Push,
        environment: &Environment,
        deployment: DeploymentId,
        terminal: &Terminal,
    ) -> Result<Verdict, String> {
        let mut reader = self.journal.read(deployment, 0);
        let begun = Instant::now();
        let mut clock = Clock { begun, quiet_until: begun + WAITING, has_begun: false, away_since: None };
        let mut ask_at = begun;
        loop {
            let asked = async {
                sleep_until(ask_at).await;
                reader.next().await
            };
            let next = tokio::select! {
                next = asked => next,
                () = sleep_until(clock.quiet_until) => {
                    clock.tick(terminal).await;
                    continue;
                }
                () = push.hung_up() => return self.hang_up(environment, deployment).await,
            };
            match next {
                Ok(Next::Lines(lines)) => {
                    for line in lines {
                        terminal.show(line.line.stream, &line.line.text).await;
                    }
                    clock.heard();
                }
                Ok(Next::End(Conclusion::Live)) => return Ok(Verdict::Taken),
                Ok(Next::End(Conclusion::NotLive(words))) => {
                    if !clock.has_begun {
                        terminal.notice(&format!("Not deployed: {words}.")).await;
                    }
                    return Err(words);
                }
                Err(StoreError::Unavailable(_)) if !clock.is_away_for(AWAY) => {
                    ask_at = Instant::now() + ASK_AGAIN;
                }
                Err(error) => return Err(self.lost_sight(deployment, &error, terminal).await),
            }
        }
    }

    /// Says that a deployment cannot be watched any more, without claiming anything about it that is not known.
    async fn lost_sight(&self, deployment: DeploymentId, error: &StoreError, terminal: &Terminal) -> String {
        tracing::error!(error = error as &dyn Error, %deployment, "a deployment cannot be watched any more");
        let (sentence, words) = match error {
            StoreError::NotFound => {
                terminal.notice("The deployment is gone: its project was deleted.").await;
                return "project deleted".to_owned();
            }
            StoreError::Unavailable(_) => (
                "The server's database does not answer, so the outcome is not known here.",
                "outcome unknown",
            ),
            StoreError::Conflict { .. }
            | StoreError::Stale
            | StoreError::Disabled
            | StoreError::NewerDatabase { .. }
            | StoreError::UnknownUrl
            | StoreError::Other(_) => {
                ("The log cannot be read; the server's own log says why.", "outcome unknown")
            }
        };
        terminal.notice(sentence).await;
        let command = self.address.ssh_command(&format!("logs {deployment}"));
        terminal.notice(&format!("The deployment goes on; see `{command}`.")).await;
        words.to_owned()
    }

    async fn hang_up(&self, environment: &Environment, deployment: DeploymentId) -> Result<Verdict, String> {
        match environment.settings.on_hang_up {
            HangUpPolicy::Detach => {
                tracing::info!(%deployment, "the pusher is gone; the deployment goes on");
            }
            HangUpPolicy::Cancel => match self.patiently(|| self.store.request_cancel(deployment)).await {
                Ok(true) => {
                    tracing::info!(%deployment, "the pusher is gone; the deployment is cancelled");
                    self.interrupts.signal();
                    self.journal.wake_readers();
                }
                Ok(false) => {
                    tracing::info!(%deployment, "the pusher is gone, too late to cancel the deployment");
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn Error, "cannot cancel a deployment");
                }
            },
        }
        Err("pusher gone".to_owned())
    }
}

impl Clock {
    /// Something new was shown.
    fn heard(&mut self) {
        self.has_begun = true;
        self.away_since = None;
        self.quiet_until = Instant::now() + TICK;
    }

    /// Shows that nothing is stuck.
    async fn tick(&mut self, terminal: &Terminal) {
        let what = match (self.away_since, self.has_begun) {
            (Some(_), _) => "the server's database does not answer; the deployment goes on",
            (None, true) => "working",
            (None, false) => "waiting for another deployment to end",
        };
        terminal.detail(&format!("... {what}, {} s", self.begun.elapsed().as_secs())).await;
        self.quiet_until = Instant::now() + TICK;
    }

    /// Whether the database has been away for a time, beginning with the first question.
    fn is_away_for(&mut self, time: Duration) -> bool {
        self.away_since.get_or_insert_with(Instant::now).elapsed() >= time
    }
}
