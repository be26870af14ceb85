//! Making environments.

use super::EnvironmentError;
use super::change::EnvironmentChange;
use super::check::check;
use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::id::PreviewId;
use crate::model::name::{BranchName, EnvironmentName, Slug};
use crate::model::process::Maxima;
use crate::model::project::Project;
use crate::store::{ENVIRONMENT_LIMIT, NewEnvironment, Store, StoreError};

/// Environments that a project may have, those of pull requests left out.
pub const MOST_ENVIRONMENTS: u32 = 20;

/// An environment to be.
#[derive(Debug, Clone)]
pub struct EnvironmentDraft {
    pub name: EnvironmentName,
    pub branch: Option<BranchName>,
    /// What is not as usual. Name and branch of it are not looked at.
    pub settings: EnvironmentChange,
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
    let EnvironmentDraft { name, branch, settings, preview } = draft;
    check_host(&project.slug, &name)?;
    let settings = settings.applied_to(EnvironmentSettings::default());
    check(&settings, maxima)?;
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

/// Refuses a name whose host name no DNS would take.
pub(super) fn check_host(project: &Slug, name: &EnvironmentName) -> Result<(), EnvironmentError> {
    let label = name.host_label(project);
    if label.len() <= Slug::MAX_LENGTH { Ok(()) } else { Err(EnvironmentError::HostTooLong { label }) }
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
