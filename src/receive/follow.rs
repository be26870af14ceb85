//! Watching a deployment for a pusher.

use super::protocol::Verdict;
use super::{Push, Receiver, Terminal};
use crate::journal::{Conclusion, Next};
use crate::model::environment::{Environment, HangUpPolicy};
use crate::model::id::DeploymentId;
use std::time::Duration;
use tokio::time::Instant;

/// A pusher hears from us at least this often.
const TICK: Duration = Duration::from_secs(10);
/// A deployment that has not begun after this time waits for another one.
const WAITING: Duration = Duration::from_millis(700);

impl Receiver {
    /// Shows the log of a deployment until its outcome is known.
    ///
    /// # Errors
    /// The few words that git shows behind the branch: the deployment did not go live, or the pusher is gone.
    pub(super) async fn follow(
        &self,
        push: &Push,
        environment: &Environment,
        deployment: DeploymentId,
        terminal: &Terminal,
    ) -> Result<Verdict, String> {
        let mut reader = self.journal.read(deployment, 0);
        let begun = Instant::now();
        let mut quiet_until = begun + WAITING;
        let mut has_begun = false;
        loop {
            let next = tokio::select! {
                next = reader.next() => next,
                () = tokio::time::sleep_until(quiet_until) => {
                    let what = if has_begun { "working" } else { "waiting for another deployment to end" };
                    terminal.detail(&format!("... {what}, {} s", begun.elapsed().as_secs())).await;
                    quiet_until = Instant::now() + TICK;
                    continue;
                }
                () = push.hung_up() => return self.hang_up(environment, deployment).await,
            };
            match next {
                Ok(Next::Lines(lines)) => {
                    has_begun = true;
                    for line in lines {
                        terminal.show(line.line.stream, &line.line.text).await;
                    }
                    quiet_until = Instant::now() + TICK;
                }
                Ok(Next::End(Conclusion::Live)) => return Ok(Verdict::Taken),
                Ok(Next::End(Conclusion::NotLive(words))) => {
                    if !has_begun {
                        terminal.notice(&format!("Not deployed: {words}.")).await;
                    }
                    return Err(words);
                }
                Err(error) => {
                    terminal.notice(&super::policy::unavailable(&error)).await;
                    return Err("database away".to_owned());
                }
            }
        }
    }

    async fn hang_up(&self, environment: &Environment, deployment: DeploymentId) -> Result<Verdict, String> {
        match environment.settings.on_hang_up {
            HangUpPolicy::Detach => {
                tracing::info!(%deployment, "the pusher is gone; the deployment goes on");
            }
            HangUpPolicy::Cancel => match self.store.request_cancel(deployment).await {
                Ok(true) => {
                    tracing::info!(%deployment, "the pusher is gone; the deployment is cancelled");
                    self.interrupts.signal();
                    self.journal.wake_readers();
                }
                Ok(false) => {
                    tracing::info!(%deployment, "the pusher is gone, too late to cancel the deployment");
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot cancel a deployment");
                }
            },
        }
        Err("pusher gone".to_owned())
    }
}
