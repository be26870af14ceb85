//! The work of each state of a deployment. Every step can be run twice.

mod build;
mod check;
mod detect;
mod drain;
mod fetch;
mod release;
mod start;
mod switch;

use super::failure::Failure;
use super::pipeline::Run;
use crate::model::deployment::Step;

/// The last line of a push that was refused, in the form that people know from Heroku.
pub(super) fn rejection(run: &Run, failure: &Failure) -> String {
    let kind = run.deployment.record.plan.as_ref().map_or("the", |plan| plan.kind.as_str());
    match run.current_step() {
        Step::Build => format!("Push rejected, failed to compile {kind}."),
        Step::Detect => "Push rejected, no buildpack fits.".to_owned(),
        Step::Queue
        | Step::Fetch
        | Step::Release
        | Step::Start
        | Step::Check
        | Step::Switch
        | Step::Drain
        | Step::Undo
        | Step::Done => format!("Push rejected, {}. What was live before still is.", failure.words),
    }
}

/// A duration for people: `0.8 s`.
fn seconds(duration: std::time::Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// A size for people: `142 MB`.
fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}
