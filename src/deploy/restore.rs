//! What a rollback brings back besides instances, and sealed texts that are compared by what they hold.

use super::Deployer;
use super::failure::StepError;
use super::run::Run;
use crate::model::basis::DeploymentBasis;
use crate::model::config::{literal, seal_purpose};
use crate::model::id::EnvironmentId;
use crate::model::name::FilePath;
use crate::model::release::{Release, ReleaseContent};
use crate::model::secret::Secret;
use crate::store::RestoredSettings;
use std::collections::BTreeMap;

impl Deployer {
    /// What a rollback sets for the environment again when it goes live; `None` for everything else.
    pub(in crate::deploy) async fn restored(
        &self,
        run: &Run,
        content: &ReleaseContent,
    ) -> Result<Option<RestoredSettings>, StepError> {
        let DeploymentBasis::Release { asked_at, .. } = run.deployment.options.basis else { return Ok(None) };
        let now = self.take_config(run).await?;
        let environment = run.environment.id;
        let mut config = BTreeMap::new();
        for (name, released) in &content.sealed_config {
            // One that refers to others and means the same keeps its references.
            let same = |now: &String| self.is_sealed_same(environment, released, now);
            if !now.runtime.get(name).is_some_and(same) {
                config.insert(name.clone(), Some(self.sealed_literally(environment, released)));
            }
        }
        for name in now.runtime.keys().filter(|name| !content.sealed_config.contains_key(*name)) {
            config.insert(name.clone(), None);
        }
        let mut files: BTreeMap<FilePath, Option<String>> = BTreeMap::new();
        for (path, released) in &content.sealed_files {
            let same = |now: &String| self.is_sealed_same(environment, released, now);
            if !now.files.get(path).is_some_and(same) {
                files.insert(path.clone(), Some(released.clone()));
            }
        }
        files.extend(
            now.files
                .into_keys()
                .filter(|path| !content.sealed_files.contains_key(path))
                .map(|path| (path, None)),
        );
        let author = run.deployment.author;
        Ok(Some(RestoredSettings { asked_at, author, settings: content.settings.clone(), config, files }))
    }

    /// A value of a release, whose references are resolved, as a config var that stands for just it.
    fn sealed_literally(&self, environment: EnvironmentId, sealed: &str) -> String {
        let purpose = seal_purpose(environment);
        match self.master_key.open(&purpose, sealed) {
            Ok(value) if value.expose().contains("${") => {
                self.master_key.seal(&purpose, &Secret::new(literal(value.expose())))
            }
            Ok(_) | Err(_) => sealed.to_owned(),
        }
    }

    /// Takes the sealed texts of another release where they hold the same values, so that what is equal looks equal: a value
    /// that is sealed twice is two texts.
    pub(in crate::deploy) fn take_equal_seals(
        &self,
        environment: EnvironmentId,
        from: &Release,
        to: &mut ReleaseContent,
    ) {
        for (name, sealed) in &mut to.sealed_config {
            self.take_equal_seal(environment, from.content.sealed_config.get(name), sealed);
        }
        for (path, sealed) in &mut to.sealed_files {
            self.take_equal_seal(environment, from.content.sealed_files.get(path), sealed);
        }
    }

    fn take_equal_seal(&self, environment: EnvironmentId, from: Option<&String>, to: &mut String) {
        if let Some(from) = from.filter(|from| self.is_sealed_same(environment, from, to)) {
            to.clone_from(from);
        }
    }

    /// Whether two sealed texts hold the same value. What cannot be opened is the same as itself only.
    fn is_sealed_same(&self, environment: EnvironmentId, one: &str, other: &str) -> bool {
        let purpose = seal_purpose(environment);
        let open = |sealed: &str| self.master_key.open(&purpose, sealed).ok();
        one == other || open(one).zip(open(other)).is_some_and(|(one, other)| one == other)
    }
}
