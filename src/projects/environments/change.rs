//! Changing environments. What is changed holds from the next deployment on.

use super::EnvironmentError;
use super::check::check;
use super::create::{check_host, taken};
use crate::model::elsewhere::{FetchExtras, ImagePush};
use crate::model::environment::{
    DrainSeconds, Environment, EnvironmentSettings, HangUpPolicy, HealthCheck, SleepSeconds, WatchSeconds,
};
use crate::model::name::{BranchName, CommandLine, EnvironmentName, FolderPath, MaintenancePage};
use crate::model::process::{Limits, Maxima};
use crate::model::project::Project;
use crate::model::volume::{CanaryOptions, Strategy};
use crate::projects::Overwrite;
use crate::store::{Store, StoreError};

/// What is to become of an environment; `None` leaves a thing as it is, and `Some(None)` takes it away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvironmentChange {
    pub name: Option<EnvironmentName>,
    pub branch: Option<Option<BranchName>>,
    pub limits: Option<Limits>,
    pub health: Option<HealthCheck>,
    pub drain_seconds: Option<DrainSeconds>,
    pub watch_seconds: Option<WatchSeconds>,
    pub sleep_seconds: Option<SleepSeconds>,
    pub strategy: Option<Option<Strategy>>,
    pub canary: Option<Option<CanaryOptions>>,
    pub on_hang_up: Option<HangUpPolicy>,
    pub root: Option<Option<FolderPath>>,
    pub build_command: Option<Option<CommandLine>>,
    pub start_command: Option<Option<CommandLine>>,
    pub push_images: Option<Option<ImagePush>>,
    pub fetch: Option<FetchExtras>,
    pub maintenance_page: Option<Option<MaintenancePage>>,
    pub error_page: Option<Option<MaintenancePage>>,
}

impl EnvironmentChange {
    /// The settings with what is changed of them.
    pub(super) fn applied_to(&self, settings: EnvironmentSettings) -> EnvironmentSettings {
        EnvironmentSettings {
            limits: self.limits.unwrap_or(settings.limits),
            health: self.health.clone().unwrap_or(settings.health),
            drain_seconds: self.drain_seconds.unwrap_or(settings.drain_seconds),
            watch_seconds: self.watch_seconds.unwrap_or(settings.watch_seconds),
            sleep_seconds: self.sleep_seconds.unwrap_or(settings.sleep_seconds),
            strategy: self.strategy.unwrap_or(settings.strategy),
            canary: self.canary.unwrap_or(settings.canary),
            on_hang_up: self.on_hang_up.unwrap_or(settings.on_hang_up),
            root: self.root.clone().unwrap_or(settings.root),
            build_command: self.build_command.clone().unwrap_or(settings.build_command),
            start_command: self.start_command.clone().unwrap_or(settings.start_command),
            push_images: self.push_images.clone().unwrap_or(settings.push_images),
            fetch: self.fetch.clone().unwrap_or(settings.fetch),
            maintenance_page: self.maintenance_page.clone().unwrap_or(settings.maintenance_page),
            error_page: self.error_page.clone().unwrap_or(settings.error_page),
            formation: settings.formation,
        }
    }
}

/// Changes an environment, as it is now or only as it was read.
///
/// # Errors
/// When the new name, branch or host name is taken, something is not valid, or production is to be called otherwise;
/// [`StoreError::Stale`] when it was changed and must not have been.
pub async fn change(
    store: &Store,
    project: &Project,
    (environment, overwrite): (&Environment, Overwrite),
    change: EnvironmentChange,
    maxima: Maxima,
) -> Result<Environment, EnvironmentError> {
    let name = change.name.clone().filter(|name| *name != environment.name);
    if let Some(name) = &name {
        if environment.name == EnvironmentName::production() {
            return Err(EnvironmentError::ProductionStays);
        }
        check_host(&project.slug, name)?;
    }
    let shown_name = name.as_ref().unwrap_or(&environment.name);
    let wanted_branch = change.branch.clone().flatten();
    let changed = store
        .change_environment(environment.id, &project.slug, |now| {
            match overwrite {
                Overwrite::Unchanged if now != environment => return Err(StoreError::Stale.into()),
                Overwrite::Unchanged | Overwrite::Anything => {}
            }
            let settings = change.applied_to(now.settings.clone());
            check(&settings, maxima)?;
            Ok(Environment {
                name: shown_name.clone(),
                branch: change.branch.clone().unwrap_or_else(|| now.branch.clone()),
                settings,
                ..now.clone()
            })
        })
        .await;
    changed.map_err(|error| taken(error, &project.slug, shown_name, wanted_branch.as_ref()))?
}
