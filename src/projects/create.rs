//! Making projects.

use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::id::UserId;
use crate::model::name::Slug;
use crate::model::project::Project;
use crate::model::title::Title;
use crate::projects::ProjectError;
use crate::store::{NewProject, PROJECT_LIMIT, Store, StoreError};

/// A project to be.
#[derive(Debug, Clone)]
pub struct ProjectDraft {
    pub name: Title,
    /// Made from the name unless given.
    pub slug: Option<Slug>,
    /// How many projects the account may have with this one.
    pub at_most: u32,
}

/// Slugs that are tried for a name before the person is asked to choose one.
const ATTEMPTS: u32 = 50;

/// Makes a project with its environment `production`, which follows the branch `main`. Its repository is made by the
/// first push.
///
/// # Errors
/// [`ProjectError::TooMany`] when the account has as many as it may have; [`ProjectError::SlugTaken`] for a slug that was asked for; one made from the name gets a number instead:
/// `shop`, `shop-2`, `shop-3`.
pub async fn create(
    store: &Store,
    owner: UserId,
    draft: ProjectDraft,
) -> Result<(Project, Environment), ProjectError> {
    let ProjectDraft { name, slug, at_most } = draft;
    if let Some(slug) = slug {
        return match insert(store, owner, &name, slug, at_most).await {
            Err(ProjectError::SlugTaken(slug)) => Err(taken(store, owner, slug).await?),
            done => done,
        };
    }
    let wanted = Slug::from_project_name(name.as_str()).map_err(ProjectError::NoSlug)?;
    for number in 1..ATTEMPTS {
        match insert(store, owner, &name, numbered(&wanted, number), at_most).await {
            Err(ProjectError::SlugTaken(_)) => {}
            done => return done,
        }
    }
    Err(ProjectError::SlugTaken(wanted))
}

/// Says of a slug that is taken whether a deleted project of the same owner has it.
async fn taken(store: &Store, owner: UserId, slug: Slug) -> Result<ProjectError, ProjectError> {
    let known = store.project_by_slug(&slug).await?.filter(|project| project.owner_id == owner);
    Ok(match known.and_then(|project| project.deletion) {
        Some(deletion) => ProjectError::SlugOfDeleted(slug, deletion),
        None => ProjectError::SlugTaken(slug),
    })
}

async fn insert(
    store: &Store,
    owner_id: UserId,
    name: &Title,
    slug: Slug,
    at_most: u32,
) -> Result<(Project, Environment), ProjectError> {
    let new = NewProject { owner_id, name: name.to_string(), slug: slug.clone(), at_most };
    store.create_project(new, EnvironmentSettings::default()).await.map_err(|error| match error {
        // `shop-staging` may be where the staging of `shop` answers.
        StoreError::Conflict { field: "slug" | "host" } => ProjectError::SlugTaken(slug),
        StoreError::Conflict { field: PROJECT_LIMIT } => ProjectError::TooMany(at_most),
        other => other.into(),
    })
}

/// `shop` for 1, `shop-2` for 2; the name is cut where both together would be too long.
fn numbered(slug: &Slug, number: u32) -> Slug {
    if number == 1 {
        return slug.clone();
    }
    let suffix = format!("-{number}");
    let room = Slug::MAX_LENGTH - suffix.len();
    let stem = slug.as_str().get(..room).unwrap_or(slug.as_str()).trim_end_matches('-');
    format!("{stem}{suffix}").parse().unwrap_or_else(|_| slug.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_makes_room_for_itself() {
        let slug = |text: &str| text.parse::<Slug>().unwrap();
        assert_eq!(numbered(&slug("shop"), 1), slug("shop"));
        assert_eq!(numbered(&slug("shop"), 12), slug("shop-12"));
        let longest = "a".repeat(Slug::MAX_LENGTH);
        assert_eq!(numbered(&slug(&longest), 3).as_str(), format!("{}-3", "a".repeat(61)));
        let dashed = format!("{}-bb", "a".repeat(60));
        assert_eq!(numbered(&slug(&dashed), 2).as_str(), format!("{}-2", "a".repeat(60)));
    }
}
