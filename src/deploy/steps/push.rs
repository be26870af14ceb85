//! Bringing the image to the registry that somebody has named for it (`docs/decisions/0160`).

use super::seconds;
use crate::build::PushRequest;
use crate::deploy::Deployer;
use crate::deploy::failure::StepError;
use crate::deploy::run::Run;
use crate::model::basis::DeploymentBasis;
use crate::model::elsewhere::ImagePush;
use crate::model::image::ImageName;
use std::time::Instant;

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
        match self.push_image(run, &push).await {
            Ok(()) => {}
            Err(StepError::Failed(failure)) => {
                run.warn(&format!("The release is live, but its image was not pushed. {}", failure.sentence));
                for advice in &failure.advice {
                    run.warn(advice);
                }
            }
            Err(StepError::Store(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an image was not pushed");
                run.warn("The release is live, but its image was not pushed: the database does not answer.");
            }
        }
    }

    async fn push_image(&self, run: &Run, push: &ImagePush) -> Result<(), StepError> {
        let image_id = run.content()?.image.clone();
        let registry = push.image.registry();
        self.check_registry(registry, "image not pushed").await?;
        run.step(&format!("Pushing the image to {registry}"));
        let begun = Instant::now();
        let credentials = self.registry_credentials(run, registry).await?;
        let mut digest = None;
        for name in push.names(run.deployment.commit.as_str()) {
            let request = PushRequest {
                image_id: image_id.clone(),
                name: name.clone(),
                credentials: credentials.clone(),
                timeout: self.elsewhere.timeout,
            };
            digest = self.builder.push(request).await?;
            run.detail(&name.to_string());
        }
        let digest = digest.as_ref().and_then(ImageName::digest).map(|digest| format!(", {digest}"));
        run.detail(&format!("Done in {}{}", seconds(begun.elapsed()), digest.unwrap_or_default()));
        Ok(())
    }
}

/// Where the image of a deployment is to be pushed: one that was built of a commit for it, and not one of a registry.
fn wanted(run: &Run) -> Option<ImagePush> {
    let is_built = run.deployment.options.basis == DeploymentBasis::Commit
        && run.plan().is_some_and(|plan| plan.prebuilt.is_none());
    run.environment.settings.push_images.clone().filter(|_| is_built)
}
