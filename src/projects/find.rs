//! Finding projects, for whoever may see them.

use crate::auth::access::{Action, Decision, ProjectRole};
use crate::model::id::ProjectId;
use crate::model::name::Slug;
use crate::model::project::Project;
use crate::model::user::{ServerRole, User};
use crate::projects::ProjectError;
use crate::store::{Page, PageRequest, Presence, Store, StoreError};
use std::convert::Infallible;
use std::str::FromStr;

/// How somebody names a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectReference {
    Id(ProjectId),
    Slug(Slug),
    /// Neither: no project is called so.
    Nothing,
}

impl FromStr for ProjectReference {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        // A UUID in the short form is a valid slug too if it starts with a letter: only the long form is an id.
        Ok(match (text.contains('-'), text.parse(), text.parse()) {
            (true, Ok(id), _) => Self::Id(id),
            (_, _, Ok(slug)) => Self::Slug(slug),
            (_, Ok(_) | Err(_), Err(_)) => Self::Nothing,
        })
    }
}

/// The project that is meant, if the account may do `action` to it.
///
/// # Errors
/// [`ProjectError::NotFound`] also where the account must not know of it; [`ProjectError::Deleted`] where it was deleted.
pub async fn find(
    store: &Store,
    user: &User,
    reference: &ProjectReference,
    action: Action,
) -> Result<Project, ProjectError> {
    permit(user, look_up(store, reference).await?, action)
}

/// The project that is meant, whoever asks.
pub(super) async fn look_up(store: &Store, reference: &ProjectReference) -> Result<Project, ProjectError> {
    match reference {
        ProjectReference::Id(id) => Ok(store.project(*id).await?),
        ProjectReference::Slug(slug) => store.project_by_slug(slug).await?.ok_or(ProjectError::NotFound),
        ProjectReference::Nothing => Err(ProjectError::NotFound),
    }
}

/// The same as [`find`], for what refers to its project by id.
pub async fn find_by_id(
    store: &Store,
    user: &User,
    id: ProjectId,
    action: Action,
) -> Result<Project, ProjectError> {
    permit(user, store.project(id).await?, action)
}

/// The projects that an account sees, newest first: its own, or all for an operator.
pub async fn list(
    store: &Store,
    user: &User,
    presence: Presence,
    page: PageRequest,
) -> Result<Page<Project>, StoreError> {
    let owner = match user.role {
        ServerRole::Operator => None,
        ServerRole::Member => Some(user.id),
    };
    store.projects_of(owner, presence, page).await
}

fn permit(user: &User, project: Project, action: Action) -> Result<Project, ProjectError> {
    let project = permit_even_deleted(user, project, action)?;
    match project.deletion {
        None => Ok(project),
        Some(deletion) => Err(ProjectError::Deleted(project.slug, deletion)),
    }
}

/// The project, if the account may do `action` to it, or might if it were not deleted.
pub(super) fn permit_even_deleted(
    user: &User,
    project: Project,
    action: Action,
) -> Result<Project, ProjectError> {
    match ProjectRole::of(user, &project).decide(action) {
        Decision::Allowed => Ok(project),
        Decision::Forbidden => Err(ProjectError::Forbidden(action)),
        Decision::Hidden => Err(ProjectError::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_an_id_or_a_slug() {
        let parse = |text: &str| text.parse::<ProjectReference>().unwrap();
        let id = ProjectId::generate();
        assert_eq!(parse(&id.to_string()), ProjectReference::Id(id));
        assert_eq!(parse("shop"), ProjectReference::Slug("shop".parse().unwrap()));
        let like_an_id = "a".repeat(32);
        assert_eq!(parse(&like_an_id), ProjectReference::Slug(like_an_id.parse().unwrap()));
        for nothing in ["", "..", "../etc/passwd", "Shop", "shop%2f", "shop.git", "\u{0}"] {
            assert_eq!(parse(nothing), ProjectReference::Nothing, "{nothing:?}");
        }
    }
}
