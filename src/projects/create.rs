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

/// The last number that is tried for a slug that is taken.
const NUMBERED: u32 = 5;
/// Slugs with something random in them that are tried then.
const RANDOM: u32 = 5;
/// What a name gives of which nothing can be a slug.
const NAMELESS: &str = "project";

/// Makes a project with its environment `production`, which follows the branch `main`. Its repository is made by the
/// first push.
///
/// # Errors
/// [`ProjectError::TooMany`] when the account has as many as it may have; [`ProjectError::SlugTaken`] for a slug that was asked for, also where a pull request may be previewed; one made from the name gets a number or
/// something random instead: `shop`, `shop-2`, `shop-1f2e3d4c`.
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
    for slug in candidates(&name) {
        match insert(store, owner, &name, slug, at_most).await {
            Err(ProjectError::SlugTaken(_)) => {}
            done => return done,
        }
    }
    Err(ProjectError::NoSlug)
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
    if slug.is_of_a_preview() {
        return Err(ProjectError::SlugTaken(slug));
    }
    let new = NewProject { owner_id, name: name.to_string(), slug: slug.clone(), at_most };
    store.create_project(new, EnvironmentSettings::default()).await.map_err(|error| match error {
        // `shop-staging` may be where the staging of `shop` answers.
        StoreError::Conflict { field: "slug" | "host" } => ProjectError::SlugTaken(slug),
        StoreError::Conflict { field: PROJECT_LIMIT } => ProjectError::TooMany(at_most),
        other => other.into(),
    })
}

/// The slugs that a project with this name may get, one after the other: `shop`, `shop-2` … `shop-5`, and then with a suffix
/// that nobody has thought of. What would be reserved is left out.
fn candidates(name: &Title) -> impl Iterator<Item = Slug> + use<> {
    let stem = Slug::stem_of(name.as_str());
    let plain = stem.iter().map(|stem| stem.parse::<Slug>());
    let numbered = stem.iter().flat_map(|stem| (2..=NUMBERED).map(move |number| (stem, number)));
    let numbered = numbered.map(|(stem, number)| Slug::with_suffix(stem, &number.to_string()));
    let tried: Vec<Slug> = plain.chain(numbered).filter_map(Result::ok).collect();
    let stem = stem.unwrap_or_else(|| NAMELESS.to_owned());
    let random = move |_| Slug::with_suffix(&stem, &format!("{:08x}", rand::random::<u32>())).ok();
    tried.into_iter().chain((0..RANDOM).filter_map(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(name: &str) -> Vec<String> {
        candidates(&name.parse().unwrap()).map(|slug| slug.to_string()).collect()
    }

    #[test]
    fn a_name_is_numbered_a_few_times_and_then_told_apart_by_chance() {
        let shop = tried("Shop");
        assert_eq!(shop[..5], ["shop", "shop-2", "shop-3", "shop-4", "shop-5"]);
        assert!(
            shop.len() > 5 && shop[5..].iter().all(|slug| slug.len() == "shop-12345678".len()),
            "{shop:?}"
        );
        assert_ne!(shop[5], shop[6]);
        assert_eq!(tried("API")[0], "api-2", "what is reserved");
        assert!(tried("!!!").iter().all(|slug| slug.starts_with("project-")));
    }
}
