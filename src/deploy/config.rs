//! What a deployment takes of the config vars and files that are set for its environment.
//!
//! It is taken once, before there is an image, with every reference resolved; what is set afterwards is for the next
//! deployment.

use super::Deployer;
use super::failure::{Failure, StepError};
use super::run::Run;
use crate::buildpack::GivenVariables;
use crate::model::config::{Values, resolve, seal_purpose};
use crate::model::name::{ConfigName, FilePath};
use crate::model::plan::BuildPlan;
use crate::model::project::Project;
use crate::model::secret::Secret;
use crate::secrets::ClosedVariable;
use crate::store::StoreError;
use std::collections::{BTreeMap, HashSet};

/// The config of a deployment.
#[derive(Debug, Default)]
pub(super) struct TakenConfig {
    /// What instances get: names with sealed values.
    pub(super) runtime: BTreeMap<String, String>,
    /// What the build gets.
    pub(super) build: Values,
    /// Sealed contents.
    pub(super) files: BTreeMap<FilePath, String>,
    /// The pull request that the environment is of.
    pub(super) pull_request: Option<u64>,
}

/// What a build is given of its variables.
pub(super) struct BuildVariables {
    /// Stands for all of them, and for the project.
    pub(super) digest: String,
    pub(super) secrets: BTreeMap<String, Secret<String>>,
    /// For a Dockerfile of ours.
    pub(super) given: GivenVariables,
}

impl Deployer {
    /// Takes the config that is set now.
    pub(super) async fn take_config(&self, run: &Run) -> Result<TakenConfig, StepError> {
        let pull_request = Box::pin(self.take_preview_config(run)).await?;
        let environment = run.environment.id;
        let set = self.store.configuration(environment).await?;
        let purpose = seal_purpose(environment);
        let opened: Result<Values, Failure> = set
            .variables
            .iter()
            .map(|var| {
                let value = self.master_key.open(&purpose, &var.sealed_value);
                let name = var.name.to_string();
                let value = value.map_err(|source| closed(ClosedVariable { name, source }))?;
                Ok((var.name.clone(), value))
            })
            .collect();
        let resolved = resolve(&opened?).map_err(|fault| Failure::new("config failed", fault.to_string()))?;
        let mut taken = TakenConfig { pull_request, ..TakenConfig::default() };
        for var in &set.variables {
            let Some(value) = resolved.get(&var.name) else { continue };
            if var.scope.at_runtime() {
                // As it is stored where it has no references: what is equal looks equal.
                let is_same =
                    self.master_key.open(&purpose, &var.sealed_value).is_ok_and(|raw| raw == *value);
                let sealed =
                    if is_same { var.sealed_value.clone() } else { self.master_key.seal(&purpose, value) };
                taken.runtime.insert(var.name.to_string(), sealed);
            }
            if var.scope.at_build() {
                taken.build.insert(var.name.clone(), value.clone());
            }
        }
        taken.files = set.files.into_iter().map(|file| (file.path, file.sealed_content)).collect();
        // From here on nothing of it is printed.
        self.mask_config(run, &taken.runtime, &taken.build).await?;
        Ok(taken)
    }

    /// Keeps the values of config vars and files out of the log: those that are set now, those that the deployment has been
    /// given, and those that it is about to be given. One that cannot be opened is reported by the step that needs it.
    pub(super) async fn mask_config(
        &self,
        run: &Run,
        runtime: &BTreeMap<String, String>,
        build: &Values,
    ) -> Result<(), StoreError> {
        let now = self.store.configuration(run.environment.id).await?;
        let content = run.deployment.record.content.as_ref();
        // A release does not say which of its files are secrets: those that are not known to be none.
        let open: HashSet<&FilePath> =
            now.files.iter().filter(|file| !file.secret).map(|file| &file.path).collect();
        let secret = |(path, _): &(&FilePath, &String)| !open.contains(path);
        let sealed = now
            .variables
            .iter()
            .map(|var| &var.sealed_value)
            .chain(now.files.iter().filter(|file| file.secret).map(|file| &file.sealed_content))
            .chain(content.iter().flat_map(|content| content.sealed_config.values()))
            .chain(
                content.iter().flat_map(|content| &content.sealed_files).filter(secret).map(|(_, file)| file),
            )
            .chain(runtime.values());
        let purpose = seal_purpose(run.environment.id);
        let mut values: Vec<Secret<String>> =
            sealed.filter_map(|sealed| self.master_key.open(&purpose, sealed).ok()).collect();
        values.extend(build.values().cloned());
        run.log.mask(&values);
        Ok(())
    }

    /// What the build of a plan is given; `None`: nothing.
    pub(super) fn build_variables(
        &self,
        project: &Project,
        plan: &BuildPlan,
        set: &Values,
    ) -> Option<BuildVariables> {
        let all = plan.build_values(set);
        if all.is_empty() {
            return None;
        }
        let private: Values = all
            .iter()
            .filter(|(name, _)| !plan.is_public(name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let digest = self.master_key.variables_digest(project.id, &all);
        if plan.dockerfile.is_some() {
            let secrets = all.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
            let given = GivenVariables { build: digest.clone(), install: None };
            return Some(BuildVariables { digest, secrets, given });
        }
        let install = (!private.is_empty()).then(|| self.master_key.variables_digest(project.id, &private));
        let mut secrets = BTreeMap::from([(digest.clone(), exports(&all))]);
        if let Some(install) = &install {
            secrets.insert(install.clone(), exports(&private));
        }
        Some(BuildVariables { given: GivenVariables { build: digest.clone(), install }, digest, secrets })
    }
}

/// The failure of something of the config that cannot be opened.
#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
pub(super) fn closed(closed: ClosedVariable) -> Failure {
    Failure::new("config failed", closed.to_string())
}

/// Lines that put variables into the environment of a shell.
fn exports(variables: &Values) -> Secret<String> {
    // In single quotes everything stands for itself (POSIX, Shell Command Language §2.2.2).
    let line = |(name, value): (&ConfigName, &Secret<String>)| {
        format!("export {name}='{}'\n", value.expose().replace('\'', "'\\''"))
    };
    Secret::new(variables.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_every_value_as_it_is() {
        let variables: Values = [("A", "it's $X `id` \\ \"q\"\nnext"), ("B", "")]
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), Secret::new(value.to_owned())))
            .collect();
        let lines = exports(&variables);
        assert_eq!(lines.expose(), "export A='it'\\''s $X `id` \\ \"q\"\nnext'\nexport B=''\n");
    }
}
