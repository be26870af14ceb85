//! Trying new instances out before they are live: they get a part of the requests for a while, and all of them only if they
//! answer about as well as the old ones do.
//!
//! All of it comes before the commit: what fails here is undone like everything else, and a server that was killed in
//! between sends every request to what is live when it is back, and begins anew.

use super::Deployer;
use super::failure::{Failure, LAST_LINES, StepError};
use super::instances::web_targets;
use super::run::Run;
use crate::model::basis::DeploymentBasis;
use crate::model::instance::Instance;
use crate::model::name::ProcessType;
use crate::model::volume::{CanaryOptions, Strategy};
use crate::router::{Answered, CanaryCounters, health, worse};
use futures_util::future::select_all;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked at how they answer.
const LOOK: Duration = Duration::from_secs(1);
/// Answers of the new instances without which nothing is said about their kind.
const LEAST_ANSWERS: u64 = 20;
/// At least so much time is between two lines about it.
const LEAST_PAUSE: Duration = Duration::from_secs(10);

impl Deployer {
    /// Sends a part of the requests to the instances that the deployment has started, where it is to be so, and waits.
    pub(super) async fn try_out(&self, run: &mut Run, started: &[Instance]) -> Result<(), StepError> {
        let Some(CanaryOptions { percent, seconds }) = Self::canary(run) else { return Ok(()) };
        let instances = self.instances_of(run.instances_of()).await?;
        let targets = web_targets(&instances, run.instances_of(), run.content()?);
        if targets.is_empty() || started.is_empty() {
            return Ok(());
        }
        if !self.router.begin_canary(run.environment.id, run.deployment.id, percent, targets) {
            run.detail("Nothing serves now that they could be compared with: no request tries them out");
            return Ok(());
        }
        run.step(&format!("Sending {percent} % of the requests to the new instances for {seconds} s"));
        if run.content()?.sticky {
            run.detail("Clients that stay with an old instance are not among them");
        }
        self.reach(run, "canary")?;
        let crash = select_all(started.iter().map(|instance| Box::pin(self.crash(run, instance))));
        let judged = tokio::select! {
            judged = self.judged(run, started, Duration::from_secs(seconds.into())) => judged,
            (failure, ..) = crash => Err(failure),
        };
        if judged.is_err() {
            // Before anybody is told. What the new instances are answering is waited for after that.
            self.take_requests_back(run);
        }
        judged
    }

    /// Sends every request to what is live again, and waits for what the new instances are answering. Nothing where nothing
    /// is tried out.
    pub(super) async fn end_trial(&self, run: &mut Run) {
        self.take_requests_back(run);
        if let Some(drain) = run.trial.take() {
            drain.finished(run.drain_seconds().duration()).await;
        }
    }

    fn take_requests_back(&self, run: &mut Run) {
        if let Some(ended) = self.router.end_canary(run.environment.id) {
            run.trial = Some(ended.drain);
        }
    }

    /// How the deployment tries its instances out. What somebody goes back to has been live before.
    fn canary(run: &Run) -> Option<CanaryOptions> {
        match run.deployment.options.basis {
            DeploymentBasis::Release { .. } => return None,
            DeploymentBasis::Commit | DeploymentBasis::Live { .. } | DeploymentBasis::Promotion { .. } => {}
        }
        match Self::strategy(run) {
            Strategy::Canary => {
                run.deployment.record.content.as_ref().map(|content| content.canary.unwrap_or_default())
            }
            Strategy::Rolling | Strategy::Hold | Strategy::Recreate => None,
        }
    }

    /// Looks at what they answer, until their time is over, and whether they do still then: who could not reach them has been
    /// answered by the old ones.
    async fn judged(&self, run: &Run, started: &[Instance], time: Duration) -> Result<(), StepError> {
        self.judge(run, started, time).await?;
        let host = self.address.host(&run.project.slug, &run.environment.name);
        let web = started.iter().filter(|instance| instance.key.process_type == ProcessType::web());
        for instance in web {
            let Some(address) = instance.address else { continue };
            if let Err(failure) = health::ask(address, &run.content()?.health, &host).await {
                let why = format!("{} was healthy and is not any more: {failure}.", instance.key.shown());
                return Err(self.not_good_enough(Some(instance), &why).await);
            }
        }
        Ok(())
    }

    /// Looks at what they answer, until their time is over.
    async fn judge(&self, run: &Run, started: &[Instance], time: Duration) -> Result<(), StepError> {
        let old_name =
            run.previous.map_or_else(|| "the old ones".to_owned(), |version| format!("v{version}"));
        let pause = (time / 4).max(LEAST_PAUSE);
        let begun = Instant::now();
        let mut said = begun;
        loop {
            sleep(LOOK.min(time.saturating_sub(begun.elapsed()))).await;
            // Its route was taken away, as by a deletion: there is nothing to be judged.
            let Some(counters) = self.router.canary_counters(run.environment.id) else { return Ok(()) };
            let CanaryCounters { new, old } = counters;
            if let Some(why) = worse(LEAST_ANSWERS, ("the new instances", new), Some((&old_name, old))) {
                let web = started.iter().find(|instance| instance.key.process_type == ProcessType::web());
                return Err(self.not_good_enough(web, &why).await);
            }
            let is_over = begun.elapsed() >= time;
            if is_over || said.elapsed() >= pause {
                said = Instant::now();
                let seconds = begun.elapsed().as_secs();
                run.detail(&format!(
                    "{seconds} s: {} of the new instances, {} of {old_name}",
                    shown(new),
                    shown(old)
                ));
            }
            if is_over {
                if new.answers < LEAST_ANSWERS {
                    run.warn(&format!(
                        "{} answers of the new instances are too few to compare them: it takes {LEAST_ANSWERS}.",
                        new.answers
                    ));
                }
                return Ok(());
            }
        }
    }

    /// That what was tried out does not go live, with the last lines of an instance.
    async fn not_good_enough(&self, instance: Option<&Instance>, why: &str) -> StepError {
        let failure = Failure::new("canary failed", why);
        let lines = match instance {
            Some(instance) => self.engine.last_logs(&instance.id, LAST_LINES).await,
            None => Vec::new(),
        };
        failure.with_last_lines(lines).into()
    }
}

/// `48 answers (0 errors)`
fn shown(Answered { answers, errors, .. }: Answered) -> String {
    format!("{answers} answers ({errors} errors)")
}
