//! Why something was not done to a project.

use crate::auth::access::Action;
use crate::model::name::Slug;
use crate::model::project::Deletion;
use crate::model::time::now;
use crate::projects::CleanupError;
use crate::store::StoreError;

/// Why something was not done to a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is no such project, or the account must not know of it: nobody can tell which.
    #[error("There is no such project.")]
    NotFound,
    #[error("You may not {}.", .0.shown())]
    Forbidden(Action),
    /// It was deleted; perhaps it can still be brought back.
    #[error("{}", .1.shown(.0, now()))]
    Deleted(Slug, Deletion),
    /// There is nothing to take back.
    #[error("The project {0} is not deleted.")]
    NotDeleted(Slug),
    /// The slug was asked for by name and is in use.
    #[error("The slug \"{0}\" is taken.")]
    SlugTaken(Slug),
    /// By a project of the same owner that was deleted.
    #[error(
        "The slug is taken. {shown} Removed for good with `gilgal destroy -p {0} --now`, it frees its slug.",
        shown = .1.shown(.0, now())
    )]
    SlugOfDeleted(Slug, Deletion),
    #[error(
        "You have {0} projects, as many as an account may have here; deleted ones count until they are removed. Remove one \
         at once with `gilgal destroy --now`, or ask the operator for more."
    )]
    TooMany(u32),
    /// No slug was given, and all that were tried are taken.
    #[error("Every slug that was made of the name is taken. Choose one.")]
    NoSlug,
    /// What was given as confirmation is not the project's slug.
    #[error("{what} Confirm it with `?confirm={slug}`.", what = what_deleting_does(*for_good))]
    NotConfirmed { slug: Slug, for_good: bool },
    #[error(transparent)]
    Cleanup(#[from] CleanupError),
    #[error(transparent)]
    Store(StoreError),
}

const fn what_deleting_does(for_good: bool) -> &'static str {
    if for_good {
        "Deleting removes everything of the project, and cannot be undone."
    } else {
        "Deleting stops everything of the project; for a while it can be brought back."
    }
}

impl From<StoreError> for ProjectError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            other => Self::Store(other),
        }
    }
}
