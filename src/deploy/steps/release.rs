//! The process types of the release, and its release command.

use super::{copy_lines, seconds};
use crate::buildpack;
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::instances;
use crate::deploy::run::Run;
use crate::engine::EngineError;
use crate::model::release::ReleaseContent;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Longest time that a release command may take.
const RELEASE_TIME: Duration = Duration::from_mins(30);

impl Deployer {
    pub(in crate::deploy) async fn release(&self, run: &mut Run) -> Result<(), StepError> {
        let content = run.content()?;
        self.engine.ensure_network(run.project.id).await?;
        show_process_types(run, content);
        let Some(process_type) = instances::release_command(content) else { return Ok(()) };

        run.step("Running release command");
        let spec = self.spec(&run.project, &run.deployment, content, &process_type, 1)?;
        run.detail(&spec.command.shown());
        let begun = Instant::now();
        let (sender, receiver) = mpsc::channel(256);
        let (status, ()) = tokio::join!(
            self.engine.run_once(&spec, sender, RELEASE_TIME),
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
}

fn show_process_types(run: &Run, content: &ReleaseContent) {
    run.step("Discovering process types");
    run.detail(&buildpack::process_types(&content.plan));
}
