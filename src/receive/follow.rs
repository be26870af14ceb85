//! Watching a deployment for a pusher.

use super::protocol::Verdict;
use super::{Push, Receiver, Terminal};
use crate::journal::{Conclusion, Next, Reader};
use crate::model::environment::{Environment, HangUpPolicy};
use crate::model::id::DeploymentId;
use crate::model::time::now;
use crate::store::StoreError;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a pusher hears nothing at most.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Until a deployment that has not begun is said to wait for another one.
    waiting: Duration,
    /// Between two signs that nothing is stuck.
    tick: Duration,
}

const PACE: Pace = Pace { waiting: Duration::from_millis(700), tick: Duration::from_secs(10) };

/// How the time passes while a deployment is watched.
struct Clock {
    pace: Pace,
    /// How long the deployment was there before it was watched.
    waited: Duration,
    begun: Instant,
    quiet_until: Instant,
    /// Whether the deployment has said something.
    has_begun: bool,
}

/// How watching a deployment has ended.
enum Watched {
    ToItsEnd {
        conclusion: Conclusion,
        /// Whether the deployment has said something.
        has_begun: bool,
    },
    HungUp,
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
        let reader = self.journal.read(deployment, 0);
        // Not since it is watched: somebody may have joined it late.
        let created_at = self.store.deployment(deployment).await.map(|deployment| deployment.created_at);
        let waited = created_at.map(|since| (now() - since).to_std().unwrap_or_default()).unwrap_or_default();
        let before = |has_begun: bool| async move {
            if has_begun {
                return self.deployments.builds.before(deployment);
            }
            self.store.deployments_before(deployment).await.ok().flatten()
        };
        match watch(reader, Clock::new(PACE, waited), terminal, before, push.hung_up()).await {
            Ok(Watched::ToItsEnd { conclusion: Conclusion::Live, .. }) => Ok(Verdict::Taken),
            Ok(Watched::ToItsEnd { conclusion: Conclusion::NotLive(words), has_begun }) => {
                if !has_begun {
                    terminal.notice(&format!("Not deployed: {words}.")).await;
                }
                Err(words)
            }
            Ok(Watched::HungUp) => self.hang_up(environment, deployment).await,
            Err(error) => Err(self.lost_sight(deployment, &error, terminal).await),
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
            | StoreError::NoFile { .. }
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
            HangUpPolicy::Cancel if self.pushes.are_cut_off() => {
                tracing::info!(%deployment, "the server stops; the deployment goes on without its pusher");
            }
            HangUpPolicy::Detach => {
                tracing::info!(%deployment, "the pusher is gone; the deployment goes on");
            }
            HangUpPolicy::Cancel => match self.patiently(|| self.deployments.cancel(deployment)).await {
                Ok(true) => tracing::info!(%deployment, "the pusher is gone; the deployment is cancelled"),
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

/// Shows a log until its end, or until the pusher is gone, with signs of life while it says nothing. `before`: how many
/// deployments are to begin before this one or, once it has begun, how many builds.
async fn watch<Count: Future<Output = Option<u32>>>(
    mut reader: Reader,
    mut clock: Clock,
    terminal: &Terminal,
    before: impl Fn(bool) -> Count,
    hung_up: impl Future<Output = ()>,
) -> Result<Watched, StoreError> {
    tokio::pin!(hung_up);
    loop {
        let next = tokio::select! {
            next = reader.next() => next?,
            () = sleep_until(clock.quiet_until) => {
                clock.tick(reader.is_kept_waiting(), before(clock.has_begun), terminal).await;
                continue;
            }
            () = &mut hung_up => return Ok(Watched::HungUp),
        };
        match next {
            Next::Lines(piece) => {
                for line in piece.lines() {
                    terminal.show(line.line.stream, &line.line.text).await;
                }
                clock.heard();
            }
            Next::End(conclusion) => {
                return Ok(Watched::ToItsEnd { conclusion, has_begun: clock.has_begun });
            }
        }
    }
}

impl Clock {
    fn new(pace: Pace, waited: Duration) -> Self {
        let begun = Instant::now();
        Self { pace, waited, begun, quiet_until: begun + pace.waiting, has_begun: false }
    }

    /// Something new was shown.
    fn heard(&mut self) {
        self.has_begun = true;
        self.quiet_until = Instant::now() + self.pace.tick;
    }

    /// Shows that nothing is stuck.
    async fn tick(
        &mut self,
        database_is_away: bool,
        before: impl Future<Output = Option<u32>>,
        terminal: &Terminal,
    ) {
        let what = match (database_is_away, self.has_begun) {
            (true, _) => "the server's database does not answer; the deployment goes on".to_owned(),
            (false, true) => match before.await {
                Some(count @ 1..) => format!("waiting for other builds ({count} before this one)"),
                Some(0) => "waiting for another build to end".to_owned(),
                None => "working".to_owned(),
            },
            (false, false) => match before.await {
                Some(count @ 2..) => format!("waiting for other deployments ({count} before this one)"),
                Some(_) | None => "waiting for another deployment to end".to_owned(),
            },
        };
        let line = match (self.waited + self.begun.elapsed()).as_secs() {
            0 => format!("... {what}"),
            seconds => format!("... {what}, {seconds} s"),
        };
        terminal.detail(&line).await;
        self.quiet_until = Instant::now() + self.pace.tick;
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::HookReply;
    use super::*;
    use crate::journal::Journal;
    use crate::model::deployment::Step;
    use crate::model::log::{Level, Stream};
    use crate::model::report::Colour;
    use crate::store::Store;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::sync::mpsc;

    async fn line(replies: &mut mpsc::Receiver<HookReply>) -> String {
        let reply = tokio::time::timeout(Duration::from_secs(20), replies.recv());
        match reply.await.expect("the pusher hears nothing").unwrap() {
            HookReply::Line(text) => text,
            HookReply::Verdicts(verdicts) => panic!("{verdicts:?}"),
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_silent_deployment_shows_signs_of_life() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("gilgal.db").display());
        let store = Store::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let (journal, deployment) = (Journal::new(store), DeploymentId::generate());
        let writer = journal.write(deployment, false).await.unwrap();
        let (lines, mut replies) = mpsc::channel(1);
        let reader = journal.read(deployment, 0);
        let watching = tokio::spawn(async move {
            let terminal = Terminal { lines, colour: Colour::Plain };
            let waits_for_builds = AtomicBool::new(true);
            let before = |has_begun: bool| {
                let builds = || waits_for_builds.swap(false, Ordering::Relaxed).then_some(3);
                std::future::ready(if has_begun { builds() } else { Some(2) })
            };
            let pace = Pace { waiting: Duration::from_millis(5), tick: Duration::from_millis(20) };
            let clock = Clock::new(pace, Duration::from_secs(60));
            watch(reader, clock, &terminal, before, std::future::pending()).await
        });
        let waits = line(&mut replies).await;
        assert!(
            waits.starts_with("       ... waiting for other deployments (2 before this one), 6"),
            "{waits}"
        );
        writer.line(Step::Build, Stream::Build, Level::Info, "begun");
        while line(&mut replies).await != "       begun" {}
        let tick = line(&mut replies).await;
        assert!(tick.starts_with("       ... waiting for other builds (3 before this one)"), "{tick}");
        for _ in 0..3 {
            let tick = line(&mut replies).await;
            assert!(tick.starts_with("       ... working"), "{tick}");
        }
        writer.conclude(Conclusion::Live);
        replies.close();
        let watched = watching.await.unwrap().unwrap();
        assert!(matches!(watched, Watched::ToItsEnd { conclusion: Conclusion::Live, has_begun: true }));
    }

    #[test]
    fn a_pusher_hears_something_every_ten_seconds() {
        assert!(PACE.waiting < PACE.tick && PACE.tick <= Duration::from_secs(10));
    }
}
