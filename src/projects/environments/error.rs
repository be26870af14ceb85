//! Why something was not done to an environment.

use crate::auth::access::Action;
use crate::model::name::{BranchName, EnvironmentName, Slug};
use crate::model::project::Deletion;
use crate::model::time::now;
use crate::projects::{CleanupError, ProjectError};
use crate::store::StoreError;

/// Why something was not done to an environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// There is no such environment, or the account must not know of it: nobody can tell which.
    #[error("There is no such environment.")]
    NotFound,
    #[error("You may not {}.", .0.shown())]
    Forbidden(Action),
    /// Its project was deleted.
    #[error("{}", .1.shown(.0, now()))]
    Deleted(Slug, Deletion),
    #[error("The project has an environment \"{0}\" already.")]
    NameTaken(EnvironmentName),
    #[error("Another environment of the project follows `{0}`. A branch deploys to one place.")]
    BranchTaken(BranchName),
    /// The label is that of another project, or of an environment of one.
    #[error(
        "The environment would answer at \"{label}\", which belongs to another project. Choose another name."
    )]
    HostTaken { label: String },
    #[error("A project has at most {0} environments. Delete one first.")]
    TooMany(u32),
    #[error("Every project has production: it keeps its name and goes with the project.")]
    ProductionStays,
    /// What was asked for is more than the server gives, or means nothing: the fields, and what is wrong of each.
    #[error("{}", .0.iter().map(|(_, fault)| fault.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<(&'static str, String)>),
    /// What was given as confirmation is not the environment's name.
    #[error("Deleting cannot be undone. Confirm it with `?confirm={0}`.")]
    NotConfirmed(EnvironmentName),
    #[error(transparent)]
    Cleanup(#[from] CleanupError),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for EnvironmentError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            other => Self::Store(other),
        }
    }
}

impl From<ProjectError> for EnvironmentError {
    /// Of looking for the project of an environment.
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::Forbidden(action) => Self::Forbidden(action),
            ProjectError::Cleanup(error) => Self::Cleanup(error),
            ProjectError::Store(error) => error.into(),
            ProjectError::Deleted(slug, deletion) => Self::Deleted(slug, deletion),
            ProjectError::NotFound
            | ProjectError::NotDeleted(_)
            | ProjectError::SlugOfDeleted(..)
            | ProjectError::SlugTaken(_)
            | ProjectError::TooMany(_)
            | ProjectError::NoSlug
            | ProjectError::NotConfirmed { .. } => Self::NotFound,
        }
    }
}
