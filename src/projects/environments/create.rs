//! Making environments.

use super::EnvironmentError;
use super::check::check;
use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::id::PreviewId;
use crate::model::name::{BranchName, EnvironmentName, Slug};
use crate::model::process::Maxima;
use crate::model::project::Project;
use crate::store::{ENVIRONMENT_LIMIT, NewEnvironment, Store, StoreError};
use crate::wire::environment_fields::EnvironmentFields;

/// Environments that a project may have, those of pull requests left out.
pub const MOST_ENVIRONMENTS: u32 = 20;

/// An environment to be.
#[derive(Debug, Clone)]
pub struct EnvironmentDraft {
    pub name: EnvironmentName,
    pub fields: EnvironmentFields,
    /// What holds where the fields say nothing.
    pub otherwise: EnvironmentSettings,
    /// The pull request that it is for.
    pub preview: Option<PreviewId>,
}

/// Makes an environment; it is empty until something is deployed to it.
///
/// # Errors
/// When its name, branch or host name is taken, or something of it is not valid.
pub async fn create(
    store: &Store,
    project: &Project,
    draft: EnvironmentDraft,
    maxima: Maxima,
) -> Result<Environment, EnvironmentError> {
    let EnvironmentDraft { name, fields, otherwise, preview } = draft;
    check_not_of_a_preview(&project.slug, &name)?;
    let settings = fields.over(otherwise);
    check((&project.slug, Some(&name)), &fields, &settings, maxima)?;
    let branch = fields.branch.flatten();
    let new = NewEnvironment {
        project_id: project.id,
        slug: project.slug.clone(),
        name: name.clone(),
        branch: branch.clone(),
        settings,
        preview,
        at_most: MOST_ENVIRONMENTS,
    };
    store.create_environment(new).await.map_err(|error| taken(error, &project.slug, &name, branch.as_ref()))
}

/// Refuses a name where a pull request of another project may be previewed.
pub(super) fn check_not_of_a_preview(project: &Slug, name: &EnvironmentName) -> Result<(), EnvironmentError> {
    if name.is_of_a_preview() {
        return Err(EnvironmentError::HostTaken { label: name.host_label(project) });
    }
    Ok(())
}

/// What somebody else has already.
pub(super) fn taken(
    error: StoreError,
    project: &Slug,
    name: &EnvironmentName,
    branch: Option<&BranchName>,
) -> EnvironmentError {
    match (error, branch) {
        (StoreError::Conflict { field: "name" }, _) => EnvironmentError::NameTaken(name.clone()),
        (StoreError::Conflict { field: "branch" }, Some(branch)) => {
            EnvironmentError::BranchTaken(branch.clone())
        }
        (StoreError::Conflict { field: "host" }, _) => {
            EnvironmentError::HostTaken { label: name.host_label(project) }
        }
        (StoreError::Conflict { field: ENVIRONMENT_LIMIT }, _) => {
            EnvironmentError::TooMany(MOST_ENVIRONMENTS)
        }
        (error, _) => error.into(),
    }
}
