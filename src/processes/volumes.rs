//! The volumes of an environment.

use super::{ProcessError, Processes};
use crate::model::environment::Environment;
use crate::model::volume::{Mount, Volume};

/// A volume, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeEntry {
    pub volume: Volume,
    /// Where it is in the instances of what is live; `None`: they do not have it, and it waits for a release that does.
    pub mount: Option<Mount>,
}

impl Processes {
    /// The volumes of an environment, by name.
    ///
    /// # Errors
    /// When the engine or the database does not answer.
    pub async fn volumes(&self, environment: &Environment) -> Result<Vec<VolumeEntry>, ProcessError> {
        let live = self.store.current_release(environment.id).await?;
        let mounts = live.map(|live| live.content.volumes).unwrap_or_default();
        let volumes = self.engine.volumes().await?.into_iter();
        let its = volumes.filter(|volume| volume.environment_id == environment.id);
        Ok(its
            .map(|volume| {
                let mount = mounts.get(&volume.name).cloned();
                VolumeEntry { volume, mount }
            })
            .collect())
    }
}
