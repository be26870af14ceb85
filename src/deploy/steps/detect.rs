//! Finding out what the project is and how it is built.

use crate::buildpack::{self, Refusal};
use crate::deploy::Deployer;
use crate::deploy::config::TakenConfig;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::instances;
use crate::deploy::run::Run;
use crate::git::GitError;
use crate::model::origin::Origin;
use crate::model::plan::BuildPlan;

enum NoPlan {
    Refused(Refusal),
    Git(GitError),
}

impl Deployer {
    pub(in crate::deploy) async fn detect(&self, run: &mut Run) -> Result<(), StepError> {
        if run.has_content() || run.plan().is_some() {
            return Ok(());
        }
        let (repository, commit, catalog) =
            (self.repository(run)?, run.deployment.commit.clone(), self.catalog.clone());
        let pins = self.store.pinned(run.environment.id).await?.pins();
        let options = buildpack::DetectOptions::of(&run.environment.settings).keeping(pins.versions);
        let options = match run.deployment.options.origin {
            Some(Origin::Image { .. }) => options.of_image(),
            Some(Origin::Repository { .. } | Origin::Upload) | None => options,
        };
        let detecting = tokio::task::spawn_blocking(move || {
            let tree = repository.tree(&commit).map_err(NoPlan::Git)?;
            let plan = catalog.detect(&tree, &options).map_err(NoPlan::Refused)?;
            Ok((plan, tree.has_submodules()))
        });
        let detected = detecting.await.map_err(|error| Failure::new("server failed", error.to_string()))?;
        let (plan, has_submodules) = detected.map_err(|reason| match reason {
            NoPlan::Git(error) => error.into(),
            NoPlan::Refused(refusal) => StepError::Failed(refused(&refusal)),
        })?;
        show(run, &plan);
        let taken = TakenConfig::default();
        let content = instances::content(&run.environment, plan.clone(), String::new(), taken, None);
        self.check_what_is_set(run, &content).await?;
        if has_submodules && !self.extras(run).await?.submodules {
            run.warn(
                "The project has submodules. They are empty folders here: let them be fetched (docs/sources.md), commit \
                 their files, or install them as dependencies.",
            );
        }
        // A pull request does not say what the project is.
        if self.store.preview_of(run.environment.id).await?.is_none() {
            self.store.set_project_framework(run.project.id, &plan.framework).await?;
        }
        run.deployment.record.plan = Some(plan);
        Ok(())
    }
}

fn refused(refusal: &Refusal) -> Failure {
    refusal.details().into_iter().fold(Failure::new("not recognised", refusal.to_string()), Failure::advise)
}

fn show(run: &Run, plan: &BuildPlan) {
    let explanation = buildpack::explain(plan);
    run.step(&explanation.heading);
    for line in &explanation.details {
        run.detail(line);
    }
    for warning in &explanation.warnings {
        run.warn(warning);
    }
}
