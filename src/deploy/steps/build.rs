//! Making the image, or finding the one that was made of the same tree and inputs before.

use super::bases::{self, Bases};
use super::{copy_lines, megabytes, seconds};
use crate::build::{BuildError, BuildKey, BuildRequest};
use crate::buildpack::RenderContext;
use crate::deploy::Deployer;
use crate::deploy::config::BuildVariables;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::git::ContextReport;
use crate::jobs::{BuildTurn, Whose};
use crate::model::elsewhere::FetchExtras;
use crate::model::origin::Origin;
use crate::model::pins::Pins;
use crate::model::plan::BuildPlan;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Instant;
use tokio::sync::mpsc;

/// Where a rendered Dockerfile lies in the context.
pub(super) const RENDERED_DOCKERFILE: &str = ".gilgal/Dockerfile";
/// Lines of a build that may wait for the journal.
const LINES_AHEAD: usize = 256;

impl Deployer {
    pub(in crate::deploy) async fn build(&self, run: &mut Run) -> Result<(), StepError> {
        if run.has_content() {
            return Ok(());
        }
        let begun = Instant::now();
        let Some(mut plan) = run.deployment.record.plan.clone() else {
            return Err(
                Failure::new("deployment failed", "The record of the deployment has no build plan.").into()
            );
        };
        if let Some(image) = plan.prebuilt.clone() {
            return self.build_prebuilt(run, plan, *image).await;
        }
        self.check_fetched(run, &plan).await?;
        let bases = self.bases(run, &plan).await?;
        plan.pins = Pins { versions: plan.versions.clone(), images: bases.pins.clone() };
        // Before there is an image: between its making and its being noted nothing may come that can be interrupted.
        let config = self.take_config(run).await?;
        let variables = self.build_variables(&run.project, &plan, &config.build);
        let digest = variables.as_ref().map(|variables| variables.digest.clone());
        let mut wanted = self.content_from(run, plan.clone(), String::new(), config, digest.clone()).await?;
        self.check_what_is_set(run, &wanted).await?;
        if let Some(live) = self.store.current_release(run.environment.id).await? {
            self.take_equal_seals(run.environment.id, &live, &mut wanted);
        }
        let cache_scope = self.cache_scope(run).await?;
        let mut files = plan.files.clone();
        let dockerfile_path = plan.dockerfile.clone().unwrap_or_else(|| RENDERED_DOCKERFILE.to_owned());
        if plan.dockerfile.is_none() {
            files.insert(
                dockerfile_path.clone(),
                self.rendered_dockerfile(&cache_scope, &plan, &bases, variables.as_ref())?,
            );
        }
        let key =
            self.build_key(run, (&dockerfile_path, &files), &plan, (&cache_scope, digest.as_deref())).await?;
        let tag = self.image_tag(run, &key);
        if !run.deployment.options.no_cache
            && let Some(image) = self.builder.find(run.project.id, &tag).await?
        {
            run.step("Reusing the image that was built of the same files");
            for line in bases.lines.iter().filter(|_| bases.is_let_go) {
                run.detail(line);
            }
            run.detail(&format!("{}, {}", short_image(&image.id), megabytes(image.size_bytes)));
            wanted.image = image.id;
            run.set_content(wanted);
            return Ok(());
        }

        let included = self.fetch_included(run, &plan).await?;
        let _turn = self.turn_to_build(run).await;
        run.step(&heading(&plan));
        for line in &bases.lines {
            run.detail(line);
        }
        let context = self.repository(run)?.context(
            run.deployment.commit.clone(),
            (plan.root.clone(), included),
            files,
            plan.ignored(),
        );
        let (sender, receiver) = mpsc::channel(LINES_AHEAD);
        let request = BuildRequest {
            project_id: run.project.id,
            cache_scope: cache_scope.clone(),
            deployment_id: run.deployment.id,
            image_tag: tag,
            key,
            base_names: bases.names(),
            dockerfile_path,
            target: plan.target.clone(),
            arguments: plan.build_arguments.clone(),
            // The ids in a Dockerfile of ours say already what its commands depend on.
            secrets_scope: digest.clone().filter(|_| plan.dockerfile.is_some()),
            secrets: variables.map(|variables| variables.secrets).unwrap_or_default(),
            context: Box::pin(context.stream),
            no_cache: run.deployment.options.no_cache,
            limits: Some(self.build_limits),
            timeout: self.build_timeout,
            labels: self.image_labels(run),
        };
        // The first deployment of a project needs a network: it is made while the build runs. What is wrong with it is
        // said by the step that needs it.
        let (built, (), _) = tokio::join!(
            self.builder.build(request, sender),
            copy_lines(receiver, |line| run.build_line(&line.text)),
            self.engine.ensure_network(run.project.id)
        );
        match context.report.await {
            // Not where the engine has stopped reading it, as one does whose disk is full: that is its error, and not ours.
            Ok(Err(error)) if matches!(built, Err(BuildError::ContextBroken { .. })) => {
                return Err(error.into());
            }
            Ok(Ok(report)) => warn_of_pointers(run, &report),
            Ok(Err(_)) | Err(_) => {}
        }
        let image = built.map_err(|error| bases::explained(run, &bases, error))?;
        run.detail(&format!("Done in {}, {}", seconds(begun.elapsed()), megabytes(image.size_bytes)));
        wanted.image = image.id;
        run.set_content(wanted);
        Ok(())
    }

    /// Waits until another image may be built.
    async fn turn_to_build(&self, run: &Run) -> BuildTurn<'_> {
        let whose =
            Whose { owner: run.project.owner_id, project: run.project.id, deployment: run.deployment.id };
        if let Some(free) = self.builds.take_free(whose) {
            return free;
        }
        let waiting = self.builds.wait(whose);
        match self.builds.before(run.deployment.id) {
            Some(count @ 1..) => run.step(&format!("Waiting for other builds ({count} before this one)")),
            Some(0) | None => run.step("Waiting for another build to end"),
        }
        waiting.turn().await
    }

    /// A name that nobody can guess who knows the project and its files: the Dockerfile of another project must not be
    /// able to build on the image.
    pub(super) fn image_tag(&self, run: &Run, key: &BuildKey) -> String {
        self.master_key.digest(&format!("image {} {key}", run.project.id))
    }

    /// Labels by which other tools know what is in the image (the OCI image specification's predefined annotations). Base
    /// images have them, too: what is not said here would be said of the app by them.
    pub(super) fn image_labels(&self, run: &Run) -> BTreeMap<String, String> {
        let commit = &run.deployment.commit;
        let source = match &run.deployment.options.origin {
            Some(Origin::Repository { url, .. }) => url.to_string(),
            Some(Origin::Upload | Origin::Image { .. }) | None => self.address.git_url(&run.project.slug),
        };
        [
            ("revision", commit.to_string()),
            ("version", commit.short().to_string()),
            ("source", source),
            ("title", run.project.slug.to_string()),
        ]
        .map(|(name, value)| (format!("org.opencontainers.image.{name}"), value))
        .into()
    }

    /// Whose caches the commands of a build have: those of the project. What a stranger has sent neither reads nor fills them.
    async fn cache_scope(&self, run: &Run) -> Result<String, StepError> {
        Ok(if self.is_of_a_fork(run).await? {
            format!("{}-{}", run.project.id, run.environment.id)
        } else {
            run.project.id.to_string()
        })
    }

    fn rendered_dockerfile(
        &self,
        cache_scope: &str,
        plan: &BuildPlan,
        bases: &Bases,
        variables: Option<&BuildVariables>,
    ) -> Result<String, StepError> {
        let context = RenderContext {
            cache_scope: cache_scope.to_owned(),
            variables: variables.map(|variables| variables.given.clone()),
            images: bases.references.clone(),
        };
        self.catalog.dockerfile(plan, &context).map_err(|error| bases::not_rendered(&error).into())
    }

    /// Stands for everything that the image is made of.
    async fn build_key(
        &self,
        run: &Run,
        (dockerfile_path, files): (&str, &BTreeMap<String, String>),
        plan: &BuildPlan,
        (cache_scope, variables): (&str, Option<&str>),
    ) -> Result<BuildKey, StepError> {
        let (repository, commit) = (self.repository(run)?, run.deployment.commit.clone());
        let (root, left_out) = (plan.root.clone(), plan.left_out.clone());
        let tree = tokio::task::spawn_blocking(move || repository.tree_id(&commit, &root, &left_out))
            .await
            .map_err(|error| Failure::new("server failed", error.to_string()))??;
        let FetchExtras { submodules, large_files, hosts: _ } = self.extras(run).await?;
        let mut inputs = serde_json::json!([
            tree,
            dockerfile_path,
            files,
            plan.ignore,
            plan.target,
            plan.build_arguments,
            variables
        ]);
        // Where nothing of elsewhere is asked for, the key is what it always was.
        if let Some(inputs) = inputs.as_array_mut().filter(|_| submodules || large_files) {
            inputs.extend([submodules.into(), large_files.into()]);
        }
        // What came of a stranger's caches is nobody else's image, whatever tree it was made of.
        if let Some(inputs) = inputs.as_array_mut().filter(|_| cache_scope != run.project.id.to_string()) {
            inputs.push(cache_scope.into());
        }
        Ok(BuildKey(hex::encode(Sha256::digest(inputs.to_string().as_bytes()))))
    }
}

fn heading(plan: &BuildPlan) -> String {
    if plan.caches.is_empty() {
        "Building image".to_owned()
    } else {
        format!("Building image (cache: {})", plan.caches.join(", "))
    }
}

/// Files that Git LFS keeps elsewhere are small texts here, which surprises whoever counts on their content.
fn warn_of_pointers(run: &Run, report: &ContextReport) {
    if let Some(first) = report.large_file_pointers.first() {
        let count = report.large_file_pointers.len();
        run.warn(&format!("{count} files, such as {first}, are pointers of Git LFS and not their content."));
    }
}

/// The first digits of an image's id, as `docker images` shows them.
pub(super) fn short_image(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..12).unwrap_or(digits)
}
