//! Waiting until every new instance has proved itself, and explaining why one does not.

use super::fetch::wanted_move;
use super::{port, seconds};
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, LAST_LINES, StepError};
use crate::deploy::instances::{Place, RUNS_FOR, belongs, place};
use crate::deploy::run::Run;
use crate::model::environment::HealthCheck;
use crate::model::instance::{Instance, InstanceState};
use crate::model::name::ProcessType;
use crate::router::health::{self, ProbeFailure, Unhealthy};
use futures_util::future::{select_all, try_join_all};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::sleep;

/// Exit code of what SIGKILL has ended.
const KILLED: i64 = 137;
/// When an instance that is not healthy yet is looked at for where it listens.
const LISTENS_AFTER: Duration = Duration::from_secs(8);
/// How often an instance is looked at for a crash.
const CRASH_LOOK: Duration = Duration::from_millis(250);

impl Deployer {
    pub(in crate::deploy) async fn check(&self, run: &mut Run) -> Result<(), StepError> {
        self.hold_requests(run);
        let kept = self.kept_places(run).await?;
        let mut instances = self.started_instances(run, &kept).await?;
        instances.sort_by(|a, b| (&a.key.process_type, a.key.index).cmp(&(&b.key.process_type, b.key.index)));
        if instances.is_empty() && kept.is_empty() {
            return Err(Failure::new("not healthy", "The instances that were started are gone.")
                .advise("Push again.")
                .into());
        }
        self.check_each(run, &instances).await?;
        self.try_out(run, &instances).await?;
        self.check_branch(run).await?;
        self.check_still(run, &instances).await
    }

    /// Waits until all of them have proved themselves. One that crashes ends it at any time: a worker that reads its data
    /// first may do so long after it has begun to run.
    async fn check_each(&self, run: &Run, instances: &[Instance]) -> Result<(), StepError> {
        let host = self.address.host(&run.project.slug, &run.environment.name);
        let health = &run.content()?.health;
        let proved =
            try_join_all(instances.iter().map(|instance| self.check_instance(run, instance, health, &host)));
        // A deployment that only stops instances has started none.
        let crashes: Vec<_> = instances.iter().map(|instance| Box::pin(self.crash(run, instance))).collect();
        if crashes.is_empty() {
            return Ok(());
        }
        tokio::select! {
            biased;
            (failure, ..) = select_all(crashes) => Err(failure),
            proved = proved => proved.map(|_| ()),
        }
    }

    /// The instances that the deployment has started: those of its release without those that served before.
    async fn started_instances(&self, run: &Run, kept: &BTreeSet<Place>) -> Result<Vec<Instance>, StepError> {
        let (of, content) = (run.instances_of(), run.content()?);
        let instances = self.instances_of(of).await?.into_iter();
        Ok(instances
            .filter(|instance| belongs(instance, of, content) && !kept.contains(&place(instance)))
            .collect())
    }

    /// Somebody may have moved the branch meanwhile.
    async fn check_branch(&self, run: &Run) -> Result<(), StepError> {
        let Some(wanted) = wanted_move(run) else { return Ok(()) };
        let repository = self.repository(run)?;
        tokio::task::spawn_blocking(move || repository.check_move(&wanted))
            .await
            .map_err(|error| Failure::new("server failed", error.to_string()))?
            .map_err(StepError::from)
    }

    /// An instance may have ended while it was waited for the others, or for the answers of those that are tried out: nothing
    /// moves to where nobody answers.
    async fn check_still(&self, run: &Run, started: &[Instance]) -> Result<(), StepError> {
        let now = self.instances_of(run.instances_of()).await?;
        let runs = |instance: &Instance| {
            now.iter().any(|now| now.id == instance.id && now.state == InstanceState::Running)
        };
        match started.iter().find(|instance| !runs(instance)) {
            None => Ok(()),
            Some(ended) => {
                let sentence = format!("{} ended after it had been healthy.", ended.key.shown());
                let lines = self.engine.last_logs(&ended.id, LAST_LINES).await;
                Err(Failure::new("not healthy", sentence).with_last_lines(lines).into())
            }
        }
    }

    /// Waits for one instance; that it crashes is seen by others. One that listens somewhere else is given its time all the
    /// same: what a slow app listens on first (for its workers, for debugging) may not be all.
    async fn check_instance(
        &self,
        run: &Run,
        instance: &Instance,
        health: &HealthCheck,
        host: &str,
    ) -> Result<(), StepError> {
        let name = instance.key.shown();
        if instance.key.process_type != ProcessType::web() {
            sleep(RUNS_FOR).await;
            run.detail(&format!("{name} runs"));
            return Ok(());
        }
        let Some(address) = instance.address else {
            // One that has ended has no address.
            sleep(deadline_of(health)).await;
            let sentence = format!("{name} runs, but has no address on its network.");
            return Err(Failure::new("not healthy", sentence)
                .advise("Push again; if it stays so, ask the operator of this server to look at Docker.")
                .into());
        };
        let outcome = tokio::select! {
            outcome = health::check(address, health, host) => outcome,
            never = self.say_where_it_listens(run, instance, address.port()) => match never {},
        };
        match outcome {
            Ok(healthy) => {
                run.detail(&format!("{name} healthy after {} ({})", seconds(healthy.after), healthy.detail));
                Ok(())
            }
            Err(unhealthy) => Err(self.explain(instance, address.port(), health, &unhealthy).await),
        }
    }

    /// Says after a while where an instance listens that cannot be reached: whoever sees a mistake in it need not wait for
    /// the deadline.
    async fn say_where_it_listens(&self, run: &Run, instance: &Instance, port: u16) -> Infallible {
        sleep(LISTENS_AFTER).await;
        let listening = self.engine.listening_ports(&instance.id).await.unwrap_or_default();
        // Nothing yet is no mistake: it may be reading its data.
        if !listening.is_empty()
            && let Some(failure) = port::unreachable(&instance.key.shown(), port, &listening)
        {
            run.detail(&format!("{} Waiting for it to listen on port {port}", failure.sentence));
        }
        std::future::pending().await
    }

    /// Ends when the instance has ended, with the reason.
    pub(in crate::deploy) async fn crash(&self, run: &Run, instance: &Instance) -> StepError {
        let name = instance.key.shown();
        loop {
            let state = match self.engine.inspect(&instance.id).await {
                Ok(Some(now)) => now.state,
                Ok(None) => {
                    return Failure::new("not healthy", format!("{name} was removed while it started."))
                        .into();
                }
                Err(error) => return error.into(),
            };
            if let InstanceState::Exited { code, out_of_memory } = state {
                let limit = run.memory_limit_mib(&instance.key.process_type);
                let failure = match (out_of_memory, code) {
                    (true, code) => Failure::new(
                        "crashed",
                        format!(
                            "{name} was killed (exit code {code}): it needed more than its {limit} MiB of memory."
                        ),
                    )
                    .advise("Make the app need less memory: start fewer workers, or limit its heap."),
                    (false, 0) => {
                        Failure::new("crashed", format!("{name} ended by itself with exit code 0."))
                            .advise("A process of an app has to stay in the foreground.")
                    }
                    // SIGKILL, which nobody here has sent. The engine now and then misses that the kernel did.
                    (false, KILLED) => {
                        Failure::new("crashed", format!("{name} was killed (exit code {KILLED})."))
                            .advise(format!("Most likely it needed more than its {limit} MiB of memory."))
                    }
                    (false, code) => {
                        Failure::new("crashed", format!("{name} crashed with exit code {code}.")).advise(
                            "Start the app in a clean clone the same way, fix it, commit, and push again.",
                        )
                    }
                };
                let lines = self.engine.last_logs(&instance.id, LAST_LINES).await;
                return failure.with_last_lines(lines).into();
            }
            sleep(CRASH_LOOK).await;
        }
    }

    /// Why an instance was not healthy at its deadline: by where it listens, if it cannot be reached there, or else by what
    /// it answered last.
    async fn explain(
        &self,
        instance: &Instance,
        port: u16,
        health: &HealthCheck,
        unhealthy: &Unhealthy,
    ) -> StepError {
        let name = instance.key.shown();
        let unreachable = match unhealthy.last {
            ProbeFailure::Refused | ProbeFailure::ClosedEarly => {
                // Where it cannot be told, nothing is claimed.
                let listening = self.engine.listening_ports(&instance.id).await.ok();
                listening.and_then(|listening| port::unreachable(&name, port, &listening))
            }
            ProbeFailure::TimedOut
            | ProbeFailure::Status(_)
            | ProbeFailure::NotHttp
            | ProbeFailure::Unreachable
            | ProbeFailure::InvalidPath => None,
        };
        let failure = unreachable.unwrap_or_else(|| {
            let waited = seconds(deadline_of(health));
            Failure::new(
                "not healthy",
                format!("{name} was not healthy within {waited}: {}.", unhealthy.last),
            )
        });
        let lines = self.engine.last_logs(&instance.id, LAST_LINES).await;
        failure.with_last_lines(lines).into()
    }
}

/// How long an instance has to become healthy.
fn deadline_of(health: &HealthCheck) -> Duration {
    Duration::from_millis(u64::from(health.deadline_ms))
}
