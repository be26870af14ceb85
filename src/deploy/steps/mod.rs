//! The work of each state of a deployment. Every step can be run twice.

mod bases;
mod build;
mod check;
mod detect;
mod drain;
mod fetch;
mod fetched;
mod large_files;
mod moved_on;
mod port;
mod prebuilt;
mod push;
mod release;
mod remote;
mod start;
mod submodules;
mod switch;
mod take;

use super::failure::Failure;
use super::run::Run;
use crate::model::deployment::{DeploymentSource, Step};
use tokio::sync::mpsc;

/// The beginning of the last line of a deployment that failed, in the form that people know from Heroku.
pub(super) fn rejection(run: &Run, failure: &Failure) -> String {
    let what = match run.deployment.source {
        DeploymentSource::Push => "Push rejected",
        DeploymentSource::Api | DeploymentSource::Webhook | DeploymentSource::Redeploy => "Not deployed",
        DeploymentSource::Rollback => "Not rolled back",
        DeploymentSource::Promote => "Not promoted",
        DeploymentSource::Config => "Not applied",
        DeploymentSource::Scale => "Not scaled",
        DeploymentSource::Restart => "Not restarted",
    };
    let built = run.deployment.record.plan.as_ref().filter(|_| run.current_step() == Step::Build);
    let why = match built {
        Some(plan) if plan.prebuilt.is_some() => "failed to pull the image".to_owned(),
        Some(plan) if plan.dockerfile.is_some() => "failed to build the Dockerfile".to_owned(),
        Some(plan) => format!("failed to compile {}", plan.kind),
        None => failure.words.to_owned(),
    };
    format!("{what}, {why}.")
}

/// What a deployment that does not go live leaves as it was.
pub(super) fn what_is_live(run: &Run) -> String {
    let place = run.environment.name.shown_of(&run.project.slug);
    if run.previous.is_some() {
        format!("{place} still serves the release before.")
    } else {
        format!("{place} has no release yet.")
    }
}

/// Copies what is printed into the log, until nothing more can come.
async fn copy_lines<T>(mut lines: mpsc::Receiver<T>, write: impl Fn(T)) {
    while let Some(line) = lines.recv().await {
        write(line);
    }
}

/// A duration for people: `0.8 s`.
fn seconds(duration: std::time::Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// A size for people: `142 MB`.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}
