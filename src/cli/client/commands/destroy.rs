//! `gilgal destroy` and `gilgal undelete`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::project::find;
use crate::cli::client::prompt;
use crate::cli::client::refusal::parse;
use crate::model::name::Slug;
use crate::wire::project::ProjectBody;
use serde_json::json;

/// Deletes a project, once its slug was given a second time; with `now` for good, also one that was deleted before.
pub(super) async fn destroy(
    context: &Context,
    named: Option<&Slug>,
    confirm: Option<String>,
    now: bool,
) -> Result<Answer, Failure> {
    let project = match named {
        // One that was deleted cannot be looked at.
        Some(slug) if now => deleted(context, slug).await?,
        Some(_) | None => None,
    };
    let project = match project {
        Some(project) => project,
        None => find(&context.api, named).await?.body,
    };
    let slug = &project.slug;
    let how = if now {
        "is removed for good, with its releases, its logs, its volumes and its repository"
    } else {
        "stops. `gilgal undelete` brings it back for as long as the server keeps what was deleted; then all of it is removed"
    };
    let confirmed = match confirm {
        Some(confirm) => confirm,
        None if prompt::is_possible() => prompt::line(&format!(
            "This deletes {slug} ({}): it {how}.\nType its slug to go on: ",
            project.url
        ))?,
        None => {
            return Err(Failure::usage(format!("Nobody can be asked whether {slug} is really meant."))
                .with_hint(format!("Say it: gilgal destroy -p {slug} --confirm {slug}")));
        }
    };
    if confirmed != slug.as_str() {
        return Err(Failure::new(format!("\"{confirmed}\" is not {slug}: nothing was removed."))
            .with_exit(Exit::Usage));
    }
    let id = project.id;
    let at_once = if now { "&now=true" } else { "" };
    context.api.delete(&format!("/api/projects/{id}?confirm={slug}{at_once}")).await?;
    // What the server keeps is for it to say.
    let until =
        deleted(context, slug).await?.filter(|known| known.id == id).and_then(|it| it.restorable_until);
    let text = match until {
        Some(until) => format!(
            "Deleted {slug}. `gilgal undelete {slug}` brings it back until {}.",
            until.format("%Y-%m-%d %H:%M UTC")
        ),
        None => format!("Removed {slug}."),
    };
    Ok(Answer::new(text, json!({ "id": id, "slug": slug, "restorable_until": until })))
}

/// Brings a deleted project back.
pub(super) async fn undelete(context: &Context, slug: &Slug) -> Result<Answer, Failure> {
    let json = context.api.post(&format!("/api/projects/{slug}/restore"), &json!({})).await?;
    let project: ProjectBody = parse(json.clone())?;
    Ok(Answer::new(format!("{slug} is back: {}\nWhat it had live is being started.", project.url), json))
}

/// The deleted project with a slug.
async fn deleted(context: &Context, slug: &Slug) -> Result<Option<ProjectBody>, Failure> {
    for project in context.api.get_all("/api/projects?deleted=true&").await? {
        let project: ProjectBody = parse(project)?;
        if project.slug == *slug {
            return Ok(Some(project));
        }
    }
    Ok(None)
}
