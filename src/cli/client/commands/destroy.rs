//! `gilgal destroy`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::project::Project;
use crate::cli::client::prompt;
use serde_json::json;

/// Removes a project, once its slug was given a second time.
pub(super) async fn destroy(
    context: &Context,
    project: &Project,
    confirm: Option<String>,
) -> Result<Answer, Failure> {
    let slug = &project.body.slug;
    let confirmed = match confirm {
        Some(confirm) => confirm,
        None if prompt::is_possible() => prompt::line(&format!(
            "This removes {slug} ({}) with its releases, its logs and its repository.\nType its slug to go on: ",
            project.body.url
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
    let id = project.body.id;
    context.api.delete(&format!("/api/projects/{id}?confirm={slug}")).await?;
    Ok(Answer::new(format!("Removed {slug}."), json!({ "id": id, "slug": slug })))
}
