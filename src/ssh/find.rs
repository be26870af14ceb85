//! Finding the project that a command or a URL names.

use super::front::Front;
use super::session::{Refusal, failed, internal};
use crate::auth::access::Action;
use crate::model::environment::Environment;
use crate::model::name::{EnvironmentName, InvalidName, Slug, shown};
use crate::model::project::Project;
use crate::model::user::User;
use crate::projects::{self, ProjectDraft, ProjectError, ProjectReference};

/// A project that was found, or made for a push.
pub(super) struct Found {
    pub(super) project: Project,
    /// Whether this push has made it.
    pub(super) is_new: bool,
}

/// The project with a name, if the account may do `action` to it.
pub(super) async fn project(
    front: &Front,
    user: &User,
    name: &str,
    action: Action,
) -> Result<Project, Refusal> {
    let slug = slug(name)?;
    look_up(front, user, &slug, action).await?.ok_or_else(|| {
        let url = front.address.git_url(&slug);
        Refusal(format!(
            "There is no project \"{slug}\" among yours. Check the name, or create it with a push to {url}."
        ))
    })
}

/// The project with a name, also one that was deleted, if the account may delete it.
pub(super) async fn even_deleted(front: &Front, user: &User, name: &str) -> Result<Project, Refusal> {
    let reference = ProjectReference::Slug(slug(name)?);
    match projects::find_even_deleted(&front.store, user, &reference).await {
        Err(ProjectError::NotFound) => Err(Refusal(format!(
            "There is no project \"{}\" among yours, and none that was deleted.",
            shown(name)
        ))),
        outcome => outcome.map_err(refusal),
    }
}

/// The environment with a name, if the account may do `action` to its project: `shop` is production, `shop:staging` another
/// one.
pub(super) async fn environment(
    front: &Front,
    user: &User,
    name: &str,
    action: Action,
) -> Result<(Project, Environment), Refusal> {
    let (project, wanted) = match name.split_once(':') {
        None => (name, EnvironmentName::production()),
        Some((project, wanted)) => {
            (project, wanted.parse().map_err(|error: InvalidName| Refusal(error.to_string()))?)
        }
    };
    let project = self::project(front, user, project, action).await?;
    let environments = front.store.environments_of(project.id).await.map_err(failed)?;
    let names: Vec<String> = environments.iter().map(|environment| environment.name.to_string()).collect();
    let found = environments.into_iter().find(|environment| environment.name == wanted);
    let environment = found.ok_or_else(|| {
        Refusal(format!("{} has no environment \"{wanted}\". It has {}.", project.slug, names.join(", ")))
    })?;
    Ok((project, environment))
}

/// The project that the URL of a fetch names.
pub(super) async fn project_to_fetch(front: &Front, user: &User, name: &str) -> Result<Project, Refusal> {
    let slug = slug(name)?;
    look_up(front, user, &slug, Action::FetchSource).await?.ok_or_else(|| {
        let url = front.address.git_url(&slug);
        Refusal(format!("There is no project \"{slug}\". A push to {url} creates it."))
    })
}

/// The project that the URL of a push names; one that does not exist is made.
pub(super) async fn project_to_push(front: &Front, user: &User, name: &str) -> Result<Found, Refusal> {
    let slug = slug(name)?;
    if let Some(project) = look_up(front, user, &slug, Action::Push).await? {
        return Ok(Found { project, is_new: false });
    }
    let name = slug.as_str().parse().map_err(internal)?;
    let draft = ProjectDraft { name, slug: Some(slug), at_most: front.max_projects };
    match projects::create(&front.store, user.id, draft).await {
        Ok((project, _)) => {
            tracing::info!(project = %project.slug, user = %user.username, "a push has created a project");
            Ok(Found { project, is_new: true })
        }
        Err(ProjectError::SlugTaken(slug)) => match look_up(front, user, &slug, Action::Push).await? {
            // Another push of theirs has made it in this moment.
            Some(project) => Ok(Found { project, is_new: false }),
            // The name belongs to somebody whose projects this account must not know of.
            None => Err(Refusal(format!(
                "There is no project \"{slug}\" that you may push to. Choose another name."
            ))),
        },
        Err(error) => Err(refusal(error)),
    }
}

fn slug(name: &str) -> Result<Slug, Refusal> {
    name.parse().map_err(|error: InvalidName| Refusal(error.to_string()))
}

/// `None`: there is none, or none that the account may know of.
async fn look_up(
    front: &Front,
    user: &User,
    slug: &Slug,
    action: Action,
) -> Result<Option<Project>, Refusal> {
    match projects::find(&front.store, user, &ProjectReference::Slug(slug.clone()), action).await {
        Ok(project) => Ok(Some(project)),
        Err(ProjectError::NotFound) => Ok(None),
        Err(error) => Err(refusal(error)),
    }
}

/// What somebody is told whose project cannot be used.
pub(super) fn refusal(error: ProjectError) -> Refusal {
    match error {
        ProjectError::Store(error) => failed(error),
        ProjectError::Forbidden(_)
        | ProjectError::TooMany(_)
        | ProjectError::Deleted(..)
        | ProjectError::NotDeleted(_)
        | ProjectError::SlugOfDeleted(..) => Refusal(error.to_string()),
        ProjectError::NotFound
        | ProjectError::SlugTaken(_)
        | ProjectError::NoSlug
        | ProjectError::NotConfirmed { .. }
        | ProjectError::Cleanup(_) => internal(error),
    }
}
