//! The commit point: the release is stored, the router is swapped, the branch is moved.

use super::fetch::wanted_move;
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::instances;
use crate::deploy::pipeline::Run;
use crate::journal::Conclusion;
use crate::model::id::ReleaseId;
use crate::model::name::ProcessType;
use crate::model::route::Route;
use crate::router::{Drained, Switched};
use crate::store::NewRelease;
use std::time::Duration;

/// How long the pusher waits to see old requests end. Longer ones end behind the pusher's back.
const DRAIN_WATCHED: Duration = Duration::from_millis(500);

impl Deployer {
    pub(in crate::deploy) async fn switch(&self, run: &mut Run) -> Result<(), StepError> {
        let content = self.release_content(&run.environment, &run.deployment).await?;
        let repository = self.repository(run)?;
        let wanted = wanted_move(run);
        if let Some(wanted) = wanted.clone() {
            let repository = repository.clone();
            tokio::task::spawn_blocking(move || repository.check_move(&wanted))
                .await
                .map_err(|error| Failure::new("server failed", error.to_string()))??;
        }
        run.step("Switching traffic");
        let previous = self.store.current_release(run.environment.id).await?;
        let (release, switched) = {
            let _one_at_a_time = self.switching.lock().await;
            let targets = self.web_targets(run.deployment.id).await?;
            // Between the check and now Docker may have stopped: traffic does not move to where nobody answers.
            let wanted_web = instances::wanted(&content)
                .into_iter()
                .find_map(|(process_type, count)| (process_type == ProcessType::web()).then_some(count));
            if targets.len() < usize::from(wanted_web.unwrap_or(0)) {
                return Err(
                    Failure::new("not healthy", "A web instance ended after it had been healthy.").into()
                );
            }
            let release = self
                .store
                .commit_release(NewRelease {
                    id: run.deployment.record.release_id.unwrap_or_else(ReleaseId::generate),
                    environment_id: run.environment.id,
                    deployment_id: run.deployment.id,
                    commit: Some(run.deployment.commit.clone()),
                    created_by: run.deployment.author,
                    content,
                })
                .await?;
            let route = Route {
                environment_id: run.environment.id,
                deployment_id: run.deployment.id,
                hosts: vec![self.address.host(&run.project.slug, &run.environment.name)],
                targets,
            };
            (release, self.router.set_route(route))
        };
        // From here on nothing fails: traffic is on the new release.
        run.deployment.record.release_id = Some(release.id);
        run.deployment.version = Some(release.version);
        if let Some(wanted) = wanted {
            let note = format!("gilgal: released v{}", release.version);
            let moved = tokio::task::spawn_blocking(move || repository.move_branch(&wanted, &note)).await;
            if !matches!(moved, Ok(Ok(()))) {
                tracing::error!(deployment = %run.deployment.id, ?moved, "a branch was not moved after the switch");
                run.warn("The release is live, but the branch could not be moved on the server.");
            }
        }
        if let Some(previous) = previous.filter(|previous| previous.id != release.id) {
            watch_drain(run, switched, previous.version).await;
        }
        let url = self.address.app_url(&run.project.slug, &run.environment.name);
        run.detail(&format!("Released v{}", release.version));
        run.detail(&format!("{url} deployed to gilgal"));
        run.outcome("Application deployed:");
        run.detail(&url);
        run.log.conclude(Conclusion::Live);
        Ok(())
    }
}

/// Shows what becomes of the requests that the old release was answering.
async fn watch_drain(run: &mut Run, switched: Switched, previous: i64) {
    let Switched { drain, in_flight } = switched;
    let mut drain = tokio::spawn(drain.finished(run.environment.settings.drain_seconds.duration()));
    if let Ok(drained) = tokio::time::timeout(DRAIN_WATCHED, &mut drain).await {
        let Drained { completed, cut } = drained.unwrap_or_default();
        run.detail(&format!("{cut} requests dropped, {completed} drained from v{previous}"));
        return;
    }
    let seconds = run.environment.settings.drain_seconds.0;
    run.detail(&format!(
        "0 requests dropped, {in_flight} still run on v{previous} and have {seconds} s to end"
    ));
    run.drain = Some(drain);
}
