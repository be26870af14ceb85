//! Changing environments. What is changed holds from the next deployment on.

use super::EnvironmentError;
use super::check::check;
use super::create::{check_not_of_a_preview, taken};
use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::name::{EnvironmentName, Slug};
use crate::model::process::Maxima;
use crate::model::project::Project;
use crate::projects::Overwrite;
use crate::store::{Store, StoreError};
use crate::wire::environment_fields::EnvironmentFields;

/// What is to become of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentChange {
    /// `None`: it is called as it is.
    pub name: Option<EnvironmentName>,
    pub fields: EnvironmentFields,
    pub otherwise: Otherwise,
}

/// What holds of an environment where a change says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    AsItIs,
    /// As of a new one.
    AsIsUsual,
}

impl EnvironmentChange {
    /// The environment that the change makes of one.
    fn applied_to(
        &self,
        now: &Environment,
        project: &Slug,
        maxima: Maxima,
    ) -> Result<Environment, EnvironmentError> {
        let (branch, settings) = match self.otherwise {
            Otherwise::AsItIs => (now.branch.clone(), now.settings.clone()),
            Otherwise::AsIsUsual => {
                let formation = now.settings.formation.clone();
                (None, EnvironmentSettings { formation, ..EnvironmentSettings::default() })
            }
        };
        let settings = self.fields.over(settings);
        let renamed = self.name.as_ref().filter(|name| **name != now.name);
        check((project, renamed), &self.fields, &settings, maxima)?;
        Ok(Environment {
            name: renamed.unwrap_or(&now.name).clone(),
            branch: self.fields.branch.clone().unwrap_or(branch),
            settings,
            ..now.clone()
        })
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
    let name = change.name.as_ref().filter(|name| **name != environment.name);
    if name.is_some() && environment.name == EnvironmentName::production() {
        return Err(EnvironmentError::ProductionStays);
    }
    if let Some(name) = name {
        check_not_of_a_preview(&project.slug, name)?;
    }
    let name = name.unwrap_or(&environment.name);
    let wanted_branch = change.fields.branch.clone().flatten();
    let changed = store
        .change_environment(environment.id, &project.slug, |now| {
            match overwrite {
                Overwrite::Unchanged if now != environment => return Err(StoreError::Stale.into()),
                Overwrite::Unchanged | Overwrite::Anything => {}
            }
            change.applied_to(now, &project.slug, maxima)
        })
        .await;
    changed.map_err(|error| taken(error, &project.slug, name, wanted_branch.as_ref()))?
}
