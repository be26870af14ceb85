//! Taking over what an earlier release has, instead of making it again: rollbacks, promotions, and what is live with other
//! settings.

use crate::deploy::Deployer;
use crate::deploy::config::TakenConfig;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::instances;
use crate::deploy::run::Run;
use crate::model::basis::{Automatic, DeploymentBasis};
use crate::model::deployment::DeploymentSource;
use crate::model::id::EnvironmentId;
use crate::model::name::{EnvironmentName, ProcessType};
use crate::model::plan::BuildPlan;
use crate::model::release::{Release, ReleaseContent};
use crate::model::release_diff::ReleaseDiff;
use crate::store::StoreError;
use std::collections::BTreeMap;

/// The release that a deployment is made from, and what is to be made of it.
struct Taken {
    release: Release,
    /// Of the environment that it is from, where that is another one.
    from: Option<EnvironmentName>,
    remade: Remade,
}

/// What has to be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remade {
    Nothing,
    /// The image, by the same plan.
    Image,
    /// Plan and image.
    Plan,
}

impl Deployer {
    /// Notes what the deployment takes from an earlier release; for one that is made from a commit, nothing.
    ///
    /// What is said here is said before anything is made, and long before traffic is touched: that there is no such
    /// release, or that its image is gone.
    pub(super) async fn take_release(&self, run: &mut Run) -> Result<(), StepError> {
        let Some(taken) = self.taken(run).await? else { return Ok(()) };
        let Taken { release, from, remade } = &taken;
        let commit = release.commit.clone().filter(|commit| *commit != run.deployment.commit);
        if let Some(commit) = commit {
            self.store.set_deployment_commit(run.deployment.id, &commit).await?;
            run.deployment.previous_commit = Some(commit.clone());
            run.deployment.commit = commit;
        }
        run.step(&heading(run, release.version, from.as_ref()));
        if let Some(Automatic { from, why }) = &run.deployment.options.automatic {
            run.warn(&format!("v{from} is taken back. {why}"));
        }
        match remade {
            Remade::Plan => Ok(()),
            Remade::Image => {
                run.deployment.record.plan = Some(release.content.plan.clone());
                Ok(())
            }
            Remade::Nothing => self.take_image(run, release).await,
        }
    }

    async fn take_image(&self, run: &mut Run, release: &Release) -> Result<(), StepError> {
        if !self.engine.has_image(&release.content.image).await? {
            return Err(self.image_gone(run, release).into());
        }
        let config = self.take_config(run).await?;
        let ReleaseContent { plan, image, mut build_variables, .. } = release.content.clone();
        if matches!(run.deployment.options.basis, DeploymentBasis::Promotion { .. }) {
            // An image that was built elsewhere is taken as it is: what is set here later is measured by what is set now.
            let set_here = self.build_variables(&run.project, &plan, &config.build);
            build_variables = set_here.map(|variables| variables.digest);
        }
        let mut content = self.content_from(run, plan, image, config, build_variables).await?;
        self.mask_config(run, &content.sealed_config, &BTreeMap::new()).await?;
        let live = self.store.current_release(run.environment.id).await?;
        if let Some(live) = &live {
            self.take_equal_seals(run.environment.id, live, &mut content);
            show_changes(run, &ReleaseDiff::between(&live.content, &content));
        }
        // Nothing but how many: what runs goes on running.
        if let (DeploymentBasis::Live { restart: false, .. }, Some(live)) =
            (run.deployment.options.basis, &live)
            && content.differs_in_formation_only(&live.content)
        {
            content.instances_of = Some(live.instances_of());
        }
        self.check_what_is_set(run, &content).await?;
        run.set_content(content);
        Ok(())
    }

    /// The release that the deployment is made from; `None`: it is made from a commit.
    async fn taken(&self, run: &Run) -> Result<Option<Taken>, StepError> {
        let here = run.environment.id;
        let image_only = |rebuild| if rebuild { Remade::Image } else { Remade::Nothing };
        Ok(match run.deployment.options.basis {
            DeploymentBasis::Commit => None,
            DeploymentBasis::Release { version, rebuild, .. } => {
                let release = self.release_of(here, version, &run.environment.name).await?;
                Some(Taken { release, from: None, remade: image_only(rebuild) })
            }
            DeploymentBasis::Live { rebuild, .. } => {
                let live = self.store.current_release(here).await?;
                let nothing = || {
                    let sentence =
                        format!("Nothing is live in {} of {}.", run.environment.name, run.project.slug);
                    Failure::new("nothing to deploy", sentence).advise("Push it first.")
                };
                let release = live.ok_or_else(nothing)?;
                // Of an image that is run as it is, nothing was built with other variables.
                let is_built = release.content.plan.prebuilt.is_none();
                let remade = if rebuild && is_built { Remade::Plan } else { Remade::Nothing };
                Some(Taken { release, from: None, remade })
            }
            DeploymentBasis::Promotion { environment_id, version, rebuild } => {
                let from = match self.store.environment(environment_id).await {
                    Ok(environment) => environment.name,
                    Err(StoreError::NotFound) => {
                        let sentence = "The environment that is to be promoted from is gone.";
                        return Err(Failure::new("nothing to deploy", sentence).into());
                    }
                    Err(error) => return Err(error.into()),
                };
                let release = self.release_of(environment_id, version, &from).await?;
                Some(Taken { release, from: Some(from), remade: image_only(rebuild) })
            }
        })
    }

    async fn release_of(
        &self,
        environment: EnvironmentId,
        version: i64,
        name: &EnvironmentName,
    ) -> Result<Release, StepError> {
        match self.store.release(environment, version).await {
            Err(StoreError::NotFound) => {
                let sentence = format!("There is no release v{version} of {name}.");
                Err(Failure::new("nothing to deploy", sentence).into())
            }
            found => Ok(found?),
        }
    }

    /// Everything that decides what runs, from an image and the plan that it was built by.
    pub(super) async fn content_from(
        &self,
        run: &Run,
        plan: BuildPlan,
        image: String,
        config: TakenConfig,
        build_variables: Option<String>,
    ) -> Result<ReleaseContent, StepError> {
        let DeploymentBasis::Release { version, asked_at, .. } = run.deployment.options.basis else {
            return Ok(instances::content(&run.environment, plan, image, config, build_variables));
        };
        let release = self.release_of(run.environment.id, version, &run.environment.name).await?;
        let set = self.store.configuration(run.environment.id).await?;
        let mut content = ReleaseContent { image, build_variables, instances_of: None, ..release.content };
        // What was set after the rollback was asked for is not undone by it.
        for var in set.variables.iter().filter(|var| var.updated_at > asked_at) {
            let name = var.name.to_string();
            if let Some(sealed) = config.runtime.get(&name) {
                content.sealed_config.insert(name, sealed.clone());
            }
        }
        for file in set.files.into_iter().filter(|file| file.updated_at > asked_at) {
            content.sealed_files.insert(file.path, file.sealed_content);
        }
        let mut environment = run.environment.clone();
        if let Some(released) = &content.settings {
            let set_at = &environment.settings_set_at;
            if !set_at.has_later_than(asked_at) {
                return Ok(content);
            }
            environment.settings = set_at.set_back(&environment.settings, released, asked_at);
        }
        let ReleaseContent { plan, image, sealed_config, sealed_files, build_variables, .. } = content;
        let config = TakenConfig { runtime: sealed_config, files: sealed_files, ..config };
        Ok(instances::content(&environment, plan, image, config, build_variables))
    }

    /// Refuses a formation as [`Self::check_formation`] does. One that somebody has asked for beside what is live, while
    /// something was deployed that cannot have it, is set back to what is live: whatever is deployed next would be refused
    /// for it.
    pub(super) async fn check_what_is_set(
        &self,
        run: &Run,
        content: &ReleaseContent,
    ) -> Result<(), StepError> {
        let Err(failure) = self.check_formation(content) else { return Ok(()) };
        let live = self.store.current_release(run.environment.id).await?;
        let (DeploymentBasis::Live { .. }, Some(live)) = (run.deployment.options.basis, live) else {
            return Err(failure.into());
        };
        let changes: BTreeMap<ProcessType, (u16, u16)> = run
            .environment
            .settings
            .formation
            .0
            .iter()
            .map(|(of, set)| (of.clone(), (*set, live.content.formation.instances(of))))
            .filter(|(_, (set, live))| set != live)
            .collect();
        if changes.is_empty() {
            return Err(failure.into());
        }
        self.store.set_formation_back(run.environment.id, &changes).await?;
        let back = changes.iter().map(|(of, (_, live))| format!("{of}={live}")).collect::<Vec<_>>().join(" ");
        Err(failure.advise(format!("It stays as it is live: {back}.")).into())
    }

    /// What an operator does not give, and what would harm what is in a volume, is refused, whoever asks for it.
    fn check_formation(&self, content: &ReleaseContent) -> Result<(), Failure> {
        if let Some(many) = content.many_writers(&content.formation) {
            return Err(Failure::new("too many writers", many.to_string()).advise(many.way_out()));
        }
        let instances = instances::wanted(content).iter().map(|(_, count)| u32::from(*count)).sum();
        let exceeded = self.maxima.exceeded_by(instances, &content.plan.running.limits);
        exceeded.map_or(Ok(()), |sentence| Err(Failure::new("too much", sentence)))
    }

    /// Why instances cannot be started whose image was there when the deployment began.
    pub(in crate::deploy) async fn image_missing(&self, run: &Run) -> StepError {
        match self.taken(run).await {
            Ok(Some(Taken { release, remade: Remade::Nothing, .. })) => self.image_gone(run, &release).into(),
            Ok(_) => Failure::new("image gone", "The image that was built is not there any more.")
                .advise("Deploy it again: it is built anew.")
                .into(),
            Err(error) => error,
        }
    }

    fn image_gone(&self, run: &Run, release: &Release) -> Failure {
        let version = release.version;
        let sentence = format!("The image of v{version} is not there any more.");
        let rebuild = match run.deployment.options.basis {
            DeploymentBasis::Release { .. } => {
                let shown = run.environment.name.shown_of(&run.project.slug);
                let command = format!("rollback {shown} v{version} --rebuild");
                Some(self.address.ssh_command(&command))
            }
            DeploymentBasis::Commit | DeploymentBasis::Live { .. } | DeploymentBasis::Promotion { .. } => {
                None
            }
        };
        let failure = Failure::new("image gone", sentence);
        match (rebuild, &release.commit) {
            (Some(command), Some(commit)) => {
                failure.advise(format!("Build {} again with `{command}`.", commit.short()))
            }
            (None, Some(commit)) => failure.advise(format!(
                "Deploy {} again: POST /api/projects/{}/deployments {{\"commit\": \"{commit}\", \"environment\": \"{}\"}}",
                commit.short(),
                run.project.slug,
                run.environment.name
            )),
            (_, None) => failure,
        }
    }
}

fn heading(run: &Run, version: i64, from: Option<&EnvironmentName>) -> String {
    let (slug, environment) = (&run.project.slug, &run.environment.name);
    let author = run.author.as_ref().map(|author| format!(" by {author}")).unwrap_or_default();
    let commit = run.deployment.commit.short();
    match (run.deployment.options.basis, from) {
        (DeploymentBasis::Promotion { .. }, Some(from)) => {
            format!("Promoting {slug} from {from} to {environment} (v{version}, {commit}{author})")
        }
        (DeploymentBasis::Release { .. }, _) => {
            format!("Rolling back {slug} in {environment} to v{version} ({commit}{author})")
        }
        (DeploymentBasis::Commit | DeploymentBasis::Live { .. } | DeploymentBasis::Promotion { .. }, _) => {
            let doing = match run.deployment.source {
                DeploymentSource::Restart => "Restarting",
                DeploymentSource::Scale => "Scaling",
                DeploymentSource::Push
                | DeploymentSource::Api
                | DeploymentSource::Webhook
                | DeploymentSource::Redeploy
                | DeploymentSource::Rollback
                | DeploymentSource::Promote
                | DeploymentSource::Config => "Applying what is set to",
            };
            format!("{doing} {slug} in {environment} (v{version}, {commit}{author})")
        }
    }
}

/// Shows what will be different from what is live.
fn show_changes(run: &Run, diff: &ReleaseDiff) {
    for line in diff.lines() {
        run.detail(&line);
    }
}
