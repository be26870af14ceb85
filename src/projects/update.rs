//! Changing projects.

use crate::model::project::Project;
use crate::model::time::Timestamp;
use crate::model::title::Title;
use crate::projects::ProjectError;
use crate::store::Store;

/// Whether a change is made to a thing that somebody else has changed since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    Anything,
    /// Only what is as it was read.
    Unchanged,
}

impl Overwrite {
    /// A thing as it was read, where it must be so.
    #[must_use]
    pub fn as_read<T>(self, read: &T) -> Option<&T> {
        (self == Self::Unchanged).then_some(read)
    }

    /// Since when a thing must not have been changed that was changed last at `updated_at` when it was read.
    #[must_use]
    pub fn unless_since(self, updated_at: Timestamp) -> Option<Timestamp> {
        (self == Self::Unchanged).then_some(updated_at)
    }
}

/// Gives a project another name. Its slug stays: clones, links and host names rely on it.
///
/// # Errors
/// [`crate::store::StoreError::Stale`] when it was changed and must not have been.
pub async fn rename(
    store: &Store,
    project: &Project,
    name: &Title,
    overwrite: Overwrite,
) -> Result<Project, ProjectError> {
    Ok(store.rename_project(project.id, name.as_str(), overwrite.unless_since(project.updated_at)).await?)
}
