//! `gilgal env`

use crate::cli::client::answer::Answer;
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::project::Project;
use crate::cli::client::prompt;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::{Table, facts};
use crate::model::name::{BranchName, EnvironmentName};
use crate::wire::environment::EnvironmentBody;
use serde_json::json;

pub(super) async fn list(context: &Context, project: &Project) -> Result<Answer, Failure> {
    let page = context.api.get(&format!("/api/projects/{}/environments", project.body.id)).await?;
    let data = page.get("data").cloned().unwrap_or_default();
    let environments: Vec<EnvironmentBody> = parse(data.clone())?;
    let mut table = Table::new(&["NAME", "BRANCH", "RELEASE", "URL"]);
    for environment in environments {
        let branch = environment.branch.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        table.row([environment.name.to_string(), branch, release(&environment), environment.url]);
    }
    Ok(Answer::table(&table, context.screen.width, "There are no environments.", data))
}

pub(super) async fn create(
    context: &Context,
    project: &Project,
    name: &EnvironmentName,
    branch: Option<&BranchName>,
) -> Result<Answer, Failure> {
    let body = json!({ "name": name, "branch": branch });
    let path = format!("/api/projects/{}/environments", project.body.id);
    let json = context.api.post(&path, &body).await?;
    let EnvironmentBody { name, url, branch, .. } = parse(json.clone())?;
    let next = match branch {
        Some(branch) => format!("A push to {branch} deploys to it."),
        None => format!("It follows no branch: gilgal deploy -e {name} deploys to it."),
    };
    Ok(Answer::new(format!("Created {} at {url}. {next}", name.shown_of(&project.body.slug)), json))
}

pub(super) async fn info(context: &Context, place: &Place) -> Result<Answer, Failure> {
    let json = context.api.get(&place.path("")).await?;
    let environment: EnvironmentBody = parse(json.clone())?;
    let optional = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let formation: Vec<String> =
        environment.formation.0.iter().map(|(of, count)| format!("{of}={count}")).collect();
    let health =
        environment.health.path.clone().map_or_else(|| "tcp".to_owned(), |path| format!("GET {path}"));
    let limits = &environment.limits;
    let screen = facts(&[
        ("environment", environment.name.to_string()),
        ("branch", optional(environment.branch.as_ref().map(ToString::to_string))),
        ("release", release(&environment)),
        ("url", environment.url.clone()),
        ("formation", if formation.is_empty() { "-".to_owned() } else { formation.join(" ") }),
        ("health", health),
        ("limits", format!("{} MiB, {} processes", limits.memory_mib, limits.processes)),
        ("root", optional(environment.root.as_ref().map(ToString::to_string))),
        ("build", optional(environment.build_command.as_ref().map(ToString::to_string))),
        ("start", optional(environment.start_command.as_ref().map(ToString::to_string))),
    ]);
    Ok(Answer::new(screen, json))
}

/// Lets an environment follow a branch, or none.
pub(super) async fn follow(
    context: &Context,
    place: &Place,
    branch: Option<&BranchName>,
) -> Result<Answer, Failure> {
    let json = context.api.patch(&place.path(""), &json!({ "branch": branch })).await?;
    let screen = match branch {
        Some(branch) => format!("{} follows {branch}: a push to it deploys there.", place.shown()),
        None => format!("{} follows no branch any more.", place.shown()),
    };
    Ok(Answer::new(screen, json))
}

/// Removes an environment, once its name was given a second time.
pub(super) async fn destroy(
    context: &Context,
    place: &Place,
    confirm: Option<String>,
) -> Result<Answer, Failure> {
    let Place { project, name } = place;
    let confirmed = match confirm {
        Some(confirm) => confirm,
        None if prompt::is_possible() => prompt::line(&format!(
            "This removes {} with its config, its releases and what runs of it.\nType {name} to go on: ",
            place.shown()
        ))?,
        None => {
            return Err(Failure::usage(format!(
                "Nobody can be asked whether {} is really meant.",
                place.shown()
            ))
            .with_hint(format!(
                "Say it: gilgal env destroy {name} -p {} --confirm {name}",
                project.body.slug
            )));
        }
    };
    if confirmed != name.as_str() {
        return Err(Failure::new(format!("\"{confirmed}\" is not {name}: nothing was removed."))
            .with_exit(Exit::Usage));
    }
    context.api.delete(&place.path(&format!("?confirm={name}"))).await?;
    Ok(Answer::new(
        format!("Removed {}.", place.shown()),
        json!({ "name": name, "project": project.body.slug }),
    ))
}

fn release(environment: &EnvironmentBody) -> String {
    environment.version.map_or_else(|| "-".to_owned(), |version| format!("v{version}"))
}
