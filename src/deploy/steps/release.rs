//! The process types of the release, and its release command.

use super::{copy_lines, seconds};
use crate::buildpack;
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::instances;
use crate::deploy::run::Run;
use crate::engine::EngineError;
use crate::model::basis::DeploymentBasis;
use crate::model::release::ReleaseContent;
use crate::store::StoreError;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Longest time that a release command may take.
const RELEASE_TIME: Duration = Duration::from_mins(30);

impl Deployer {
    pub(in crate::deploy) async fn release(&self, run: &mut Run) -> Result<(), StepError> {
        self.push_before(run).await?;
        let content = run.content()?;
        self.engine.ensure_network(run.project.id).await?;
        if content.instances_of.is_none() {
            show_process_types(run, content);
        }
        let Some(process_type) = instances::release_command(content) else { return Ok(()) };
        if !self.prepares_something_new(run, content).await? {
            return Ok(());
        }

        run.step("Running release command");
        let spec = self.spec(run, &process_type, 1)?;
        run.detail(&spec.command.shown());
        let begun = Instant::now();
        let (sender, receiver) = mpsc::channel(256);
        let (status, ()) = tokio::join!(
            self.engine.run_durably(&spec, sender, RELEASE_TIME),
            copy_lines(receiver, |line| run.app_line(&line))
        );
        let failed = |sentence: String| Failure::new("release failed", sentence);
        match status {
            Ok(status) if status.code == 0 => {
                run.detail(&format!("Done in {}", seconds(begun.elapsed())));
                Ok(())
            }
            Ok(status) if status.out_of_memory => {
                let limit = content.limits_of(&process_type).memory_mib;
                Err(failed(format!("The release command ran out of memory (its limit is {limit} MiB)."))
                    .into())
            }
            Ok(status) => {
                Err(failed(format!("The release command ended with exit code {}.", status.code)).into())
            }
            Err(error @ EngineError::TimedOut { .. }) => Err(failed(error.to_string()).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what is left of the release command, once it is written down how it ended: until then it would run again.
    pub(super) async fn remove_release_command(&self, run: &Run) -> Result<(), EngineError> {
        let ended = self.instances_of(run.deployment.id).await?.into_iter();
        for instance in ended.filter(|instance| instance.key.process_type.is_release()) {
            self.engine.stop(&instance.id, Duration::ZERO).await?;
        }
        Ok(())
    }

    /// Whether the release command has something to prepare: another image, or the same one with other variables. Going
    /// back needs nothing: what the older release needs was prepared for it.
    async fn prepares_something_new(&self, run: &Run, content: &ReleaseContent) -> Result<bool, StoreError> {
        match run.deployment.options.basis {
            DeploymentBasis::Commit | DeploymentBasis::Promotion { .. } => Ok(true),
            DeploymentBasis::Release { .. } => Ok(false),
            DeploymentBasis::Live { .. } => {
                let live = self.store.current_release(run.environment.id).await?;
                let is_same = |live: &ReleaseContent| {
                    live.image == content.image
                        && live.variables == content.variables
                        && live.sealed_config == content.sealed_config
                        && live.sealed_files == content.sealed_files
                };
                Ok(!live.is_some_and(|live| is_same(&live.content)))
            }
        }
    }
}

fn show_process_types(run: &Run, content: &ReleaseContent) {
    run.step("Discovering process types");
    run.detail(&buildpack::process_types(&content.plan));
}
