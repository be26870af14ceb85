//! An image of a registry as the image of a release: pulled, and given the labels by which what is ours is told.
//!
//! The image that runs is one of its own, which adds nothing to the one that was pulled. So it belongs to one project, is
//! kept as long as a release has it and is removed after that, as every other image is, and other projects cannot reach it.

use super::build::{RENDERED_DOCKERFILE, short_image};
use super::{copy_lines, megabytes};
use crate::build::{BuildKey, BuildRequest, BuiltImage, PullRequest, PulledImage, RegistryCredentials};
use crate::buildpack::DEFAULT_PORT;
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::git::Included;
use crate::model::image::ImageName;
use crate::model::plan::{BuildPlan, PrebuiltImage};
use crate::model::remote_host::RemoteHost;
use crate::outbound::OutboundError;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Lines of a pull that may wait for the journal.
const LINES_AHEAD: usize = 64;

impl Deployer {
    /// Makes the image of a plan that names one.
    pub(super) async fn build_prebuilt(
        &self,
        run: &mut Run,
        plan: BuildPlan,
        prebuilt: PrebuiltImage,
    ) -> Result<(), StepError> {
        // Before there is an image: between its making and its being noted nothing may come that can be interrupted.
        let config = self.take_config(run).await?;
        let mut wanted = self.content_from(run, plan, String::new(), config, None).await?;
        self.check_what_is_set(run, &wanted).await?;
        if let Some(live) = self.store.current_release(run.environment.id).await? {
            self.take_equal_seals(run.environment.id, &live, &mut wanted);
        }
        let (source, image) = self.prebuilt_image(run, &prebuilt).await?;
        if !prebuilt.has_own_port {
            let port = match image.exposed_ports.as_slice() {
                [port] => *port,
                [] | [_, _, ..] => DEFAULT_PORT,
            };
            (wanted.port, wanted.plan.port) = (port, port);
        }
        run.detail(&format!(
            "{}, {}, port {}",
            short_image(&image.id),
            megabytes(image.size_bytes),
            wanted.port
        ));
        wanted.plan.prebuilt = Some(Box::new(PrebuiltImage { source: Some(source), ..prebuilt }));
        wanted.image = image.id;
        run.set_content(wanted);
        Ok(())
    }

    /// The image of the project that stands for the one that is named, and what that one is by its digest.
    async fn prebuilt_image(
        &self,
        run: &Run,
        prebuilt: &PrebuiltImage,
    ) -> Result<(ImageName, BuiltImage), StepError> {
        let name = prebuilt.source.as_ref().unwrap_or(&prebuilt.name);
        let is_fork = self.is_of_a_fork(run).await?;
        if is_fork && name.digest().is_none() {
            return Err(Failure::new(
                "pull failed",
                format!("{name} may be another image than the one that was approved."),
            )
            .advise(format!("Name it by its digest in the fork: {}@sha256:….", name.repository()))
            .into());
        }
        // What a stranger names is pulled by them, and not found among what the project may pull.
        if !is_fork
            && name.digest().is_some()
            && !run.deployment.options.no_cache
            && let Some(image) = self.builder.find(run.project.id, &self.prebuilt_tag(run, name)).await?
        {
            run.step(&format!("Reusing the image that was pulled as {name}"));
            return Ok((name.clone(), image));
        }
        run.step(&format!("Pulling {name}"));
        let pulled = self.pull(run, name, is_fork).await?;
        let image = self.adopt(run, &pulled).await;
        self.builder.forget(&pulled).await;
        Ok((pulled.source, image?))
    }

    async fn pull(&self, run: &Run, name: &ImageName, is_fork: bool) -> Result<PulledImage, StepError> {
        let registry = name.registry();
        self.check_registry(registry, "pull failed").await?;
        let credentials = if is_fork { None } else { self.registry_credentials(run, registry).await? };
        let request = PullRequest {
            project_id: run.project.id,
            image: name.clone(),
            credentials,
            timeout: self.elsewhere.timeout,
        };
        let (sender, receiver) = mpsc::channel(LINES_AHEAD);
        let (pulled, ()) = tokio::join!(
            self.builder.pull(request, sender),
            copy_lines(receiver, |line| run.build_line(&line.text))
        );
        Ok(pulled?)
    }

    /// Refuses a registry that may not be reached.
    pub(super) async fn check_registry(
        &self,
        registry: &RemoteHost,
        words: &'static str,
    ) -> Result<(), Failure> {
        // Docker Hub is wherever the engine is told that it is.
        if registry.is_hub() {
            return Ok(());
        }
        match self.elsewhere.outbound.resolve(registry.host(), registry.port().unwrap_or(443)).await {
            // The engine, which pulls, may have another way to it; whoever has none says so.
            Ok(_) | Err(OutboundError::NoSuchHost { .. }) => Ok(()),
            Err(error @ (OutboundError::NotAllowed { .. } | OutboundError::Scheme(_))) => {
                Err(Failure::new(words, error.to_string()))
            }
        }
    }

    /// Who a registry is told to ask for.
    pub(super) async fn registry_credentials(
        &self,
        run: &Run,
        registry: &RemoteHost,
    ) -> Result<Option<RegistryCredentials>, StepError> {
        let found = self.elsewhere.sources.credential(run.project.id, registry).await?;
        run.log.also_mask(found.iter().map(|found| &found.password));
        Ok(found.map(|found| RegistryCredentials { username: found.username, password: found.password }))
    }

    /// The image with the labels of the project, made anew unless it was made before.
    async fn adopt(&self, run: &Run, pulled: &PulledImage) -> Result<BuiltImage, StepError> {
        let tag = self.prebuilt_tag(run, &pulled.source);
        if let Some(image) = self.builder.find(run.project.id, &tag).await? {
            return Ok(image);
        }
        let dockerfile = format!("FROM {}\n", pulled.local_name);
        let context = self.repository(run)?.context(
            run.deployment.commit.clone(),
            (String::new(), Included::default()),
            BTreeMap::from([(RENDERED_DOCKERFILE.to_owned(), dockerfile)]),
            vec!["**".to_owned()],
        );
        // What it would say has the name that nobody is to know.
        let (sender, receiver) = mpsc::channel(LINES_AHEAD);
        let request = BuildRequest {
            project_id: run.project.id,
            // Nothing is run.
            cache_scope: run.project.id.to_string(),
            deployment_id: run.deployment.id,
            image_tag: tag,
            key: prebuilt_key(&pulled.source),
            base_names: BTreeMap::new(),
            dockerfile_path: RENDERED_DOCKERFILE.to_owned(),
            target: None,
            arguments: BTreeMap::new(),
            secrets_scope: None,
            secrets: BTreeMap::new(),
            context: Box::pin(context.stream),
            no_cache: false,
            limits: None,
            timeout: self.build_timeout,
            labels: self.image_labels(run),
        };
        let (built, (), _) = tokio::join!(
            self.builder.build(request, sender),
            copy_lines(receiver, drop),
            self.engine.ensure_network(run.project.id)
        );
        built.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a pulled image was not made a project's"
            );
            let sentence = "The image was pulled, and could not be made the project's. Try again.";
            Failure::new("pull failed", sentence).into()
        })
    }

    fn prebuilt_tag(&self, run: &Run, source: &ImageName) -> String {
        self.image_tag(run, &prebuilt_key(source))
    }
}

/// Stands for an image by its digest.
fn prebuilt_key(source: &ImageName) -> BuildKey {
    BuildKey(hex::encode(Sha256::digest(format!("prebuilt {}", source.full()))))
}
