//! After the commit: the router is swapped, the branch is moved. Each can be done again, and nothing here fails.

use super::fetch::wanted_move;
use crate::deploy::Deployer;
use crate::deploy::run::Run;
use crate::journal::Conclusion;
use crate::router::Drained;
use crate::store::StoreError;
use std::time::Duration;

/// How long the pusher waits to see old requests end. Longer ones end behind the pusher's back.
const DRAIN_WATCHED: Duration = Duration::from_millis(500);

impl Deployer {
    /// # Errors
    /// Only where a test interrupts it.
    pub(in crate::deploy) async fn switch(&self, run: &mut Run) -> Result<(), StoreError> {
        run.step("Switching traffic");
        let in_flight = self.take_traffic(run).await;
        self.release_requests(run);
        self.interrupted(run, "routed")?;
        self.move_branch(run).await;
        self.interrupted(run, "moved")?;
        if let Some(previous) = run.previous {
            watch_drain(run, in_flight, previous).await;
        }
        let url = self.address.app_url(&run.project.slug, &run.environment.name);
        if let Some(version) = run.deployment.version {
            run.detail(&format!("Released v{version}"));
        }
        run.detail(&format!("{url} deployed to gilgal"));
        run.outcome("Application deployed:");
        run.detail(&url);
        run.log.conclude(Conclusion::Live);
        Ok(())
    }

    /// Sends traffic to the new release and begins to drain the old one; gives the requests that it is still answering. There
    /// is no way back: where the engine stays away, the reconciler does it when it answers again.
    pub(super) async fn take_traffic(&self, run: &mut Run) -> usize {
        let switched = match self.serve_release(run).await {
            Ok(switched) => switched,
            Err(error) => {
                run.warn(&format!("{error} The release is made, and gets its requests as soon as it does."));
                return 0;
            }
        };
        let deadline = run.drain_seconds().duration();
        run.drain = Some(tokio::spawn(switched.drain.finished(deadline)));
        run.has_traffic = true;
        switched.in_flight
    }

    async fn move_branch(&self, run: &Run) {
        let Some(wanted) = wanted_move(run) else { return };
        let (repositories, project) = (self.repositories.clone(), run.project.id);
        let note = format!("gilgal: released v{}", run.deployment.version.unwrap_or_default());
        let moved = tokio::task::spawn_blocking(move || {
            repositories.existing(project).map(|repository| repository.move_branch(&wanted, &note))
        })
        .await;
        if !matches!(moved, Ok(Some(Ok(())))) {
            tracing::error!(deployment = %run.deployment.id, ?moved, "a branch was not moved after the switch");
            run.warn("The release is live, but the branch could not be moved on the server.");
        }
    }
}

/// Shows what becomes of the requests that the old release was answering.
async fn watch_drain(run: &mut Run, in_flight: usize, previous: i64) {
    let Some(drain) = &mut run.drain else { return };
    if let Ok(drained) = tokio::time::timeout(DRAIN_WATCHED, drain).await {
        run.drain = None;
        let Drained { completed, cut } = drained.unwrap_or_default();
        run.detail(&format!("{cut} requests dropped, {completed} drained from v{previous}"));
        return;
    }
    let seconds = run.drain_seconds().0;
    run.detail(&format!(
        "0 requests dropped, {in_flight} still run on v{previous} and have {seconds} s to end"
    ));
}
