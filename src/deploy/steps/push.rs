//! Bringing the image to the registry that somebody has named for it (`docs/decisions/0160`).

use super::seconds;
use crate::deploy::Deployer;
use crate::deploy::failure::StepError;
use crate::deploy::run::Run;
use crate::model::basis::DeploymentBasis;
use crate::model::elsewhere::ImagePush;
use crate::registry::{ImageUpload, RegistryError};
use std::time::{Duration, Instant};

/// How often it is looked whether another deployment waits for a push to end.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long it is waited for a registry that does not take an image at the moment, before each further try. Layers that it
/// has taken are not sent again.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];

impl Deployer {
    /// Pushes the image before it goes live, where nothing is to go live that was not pushed.
    ///
    /// # Errors
    /// When it is not taken.
    pub(super) async fn push_before(&self, run: &Run) -> Result<(), StepError> {
        let Some(push) = wanted(run).filter(|push| push.required) else { return Ok(()) };
        self.push_image(run, &push).await
    }

    /// Pushes the image once it is live. Where it is not taken, that is said, and nothing else comes of it.
    pub(super) async fn push_after(&self, run: &Run) {
        let Some(push) = wanted(run).filter(|push| !push.required) else { return };
        let extra = self.extras.begin(run.deployment.id);
        let not_pushed =
            |why: &str| run.warn(&format!("The release is live, but its image was not pushed{why}"));
        let pushed = tokio::select! {
            pushed = self.push_image(run, &push) => pushed,
            () = self.newer_waits(run, LOOK_EVERY) => return not_pushed(": a newer deployment waits for its turn."),
            () = extra.is_to_end() => return not_pushed(": somebody has cancelled that."),
        };
        match pushed {
            Ok(()) => {}
            Err(StepError::Failed(failure)) => {
                not_pushed(&format!(". {}", failure.sentence));
                for advice in &failure.advice {
                    run.warn(advice);
                }
            }
            Err(StepError::Store(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an image was not pushed");
                not_pushed(": the database does not answer.");
            }
        }
    }

    /// Ends when another deployment of the environment waits for this one to end.
    pub(super) async fn newer_waits(&self, run: &Run, look_every: Duration) {
        loop {
            tokio::time::sleep(look_every).await;
            match self.store.unfinished_of(run.environment.id).await {
                Ok(unfinished) if unfinished.iter().any(|other| other.id != run.deployment.id) => return,
                Ok(_) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "it is not known whether a newer deployment waits");
                }
            }
        }
    }

    async fn push_image(&self, run: &Run, push: &ImagePush) -> Result<(), StepError> {
        let image_id = &run.content()?.image;
        let registry = push.image.registry();
        self.check_registry(registry, "image not pushed").await?;
        run.step(&format!("Pushing the image to {registry}"));
        let begun = Instant::now();
        let credentials = self.registry_credentials(run, registry).await?;
        let timeout = self.elsewhere.timeout;
        // The name that stays first: the one that moves never leads to what could not be pushed as a whole.
        let names = push.names(run.deployment.commit.as_str());
        let pushing = async {
            let mut pauses = PAUSES.into_iter();
            loop {
                let archive = self.builder.export(image_id, timeout).await?;
                let upload = ImageUpload { names: names.clone(), credentials: credentials.clone(), archive };
                let pushed = self.elsewhere.registries.push(upload).await;
                match (pushed, pauses.next()) {
                    (Err(error), Some(pause)) if error.is_passing() => {
                        run.detail(&format!("{error} It is tried again in {}.", seconds(pause)));
                        tokio::time::sleep(pause).await;
                    }
                    (pushed, _) => return Ok::<_, StepError>(pushed?),
                }
            }
        };
        let pushed = tokio::time::timeout(timeout, pushing).await;
        let digest =
            pushed.unwrap_or_else(|_elapsed| Err(RegistryError::TimedOut { after: timeout }.into()))?;
        for name in names {
            run.detail(&name.to_string());
        }
        run.detail(&format!("Done in {}, {digest}", seconds(begun.elapsed())));
        Ok(())
    }
}

/// Where the image of a deployment is to be pushed: one that was built here, and not one of a registry.
fn wanted(run: &Run) -> Option<ImagePush> {
    let is_ours = run.plan().is_some_and(|plan| plan.prebuilt.is_none());
    let push = run.environment.settings.push_images.clone()?;
    (is_ours && is_pushed(run.deployment.options.basis, push.required)).then_some(push)
}

/// Whether the image of a deployment is pushed: one that was built for it; where nothing goes live that was not pushed, one
/// of an earlier release and of another environment as well. What is live already does not go live once more.
const fn is_pushed(basis: DeploymentBasis, required: bool) -> bool {
    match basis {
        DeploymentBasis::Commit => true,
        DeploymentBasis::Live { rebuild, .. } => rebuild,
        DeploymentBasis::Release { rebuild, .. } | DeploymentBasis::Promotion { rebuild, .. } => {
            rebuild || required
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::EnvironmentId;
    use crate::model::time::now;

    #[test]
    fn where_it_is_required_nothing_goes_live_that_was_not_pushed() {
        let release = |rebuild| DeploymentBasis::Release { version: 3, asked_at: now(), rebuild };
        let promotion = |rebuild| DeploymentBasis::Promotion {
            environment_id: EnvironmentId::generate(),
            version: 3,
            rebuild,
        };
        let live = |rebuild| DeploymentBasis::Live { restart: true, rebuild };
        for built in [DeploymentBasis::Commit, release(true), promotion(true), live(true)] {
            assert!(is_pushed(built, true) && is_pushed(built, false), "{built:?}");
        }
        for of_another in [release(false), promotion(false)] {
            assert!(is_pushed(of_another, true) && !is_pushed(of_another, false), "{of_another:?}");
        }
        assert!(!is_pushed(live(false), true), "it is live already");
    }
}
