//! `gilgal deployments`

use crate::cli::client::answer::Answer;
use crate::cli::client::api::parse;
use crate::cli::client::context::Context;
use crate::cli::client::deployment::{self, Reference, seconds, step_word, took};
use crate::cli::client::failure::{Exit, Failure};
use crate::cli::client::follow::follow;
use crate::cli::client::progress::{Display, Lines, Silent};
use crate::cli::client::project;
use crate::cli::client::table::{Table, facts};
use crate::model::deployment::Status;
use crate::model::id::DeploymentId;
use crate::model::name::Slug;
use crate::model::time::{age, now};
use crate::wire::deployment::{DeploymentBody, StepBody};
use crate::wire::list::List;
use serde_json::Value;

/// The newest deployments of a project.
pub(super) async fn list(
    context: &Context,
    project: Option<&Slug>,
    status: Option<Status>,
    limit: u16,
) -> Result<Answer, Failure> {
    let project = project::find(&context.api, project).await?.body;
    let filter = status.map(|status| format!("&status={}", status.as_str())).unwrap_or_default();
    let page =
        context.api.get(&format!("/api/projects/{}/deployments?limit={limit}{filter}", project.id)).await?;
    let List { data, next: _ } = parse::<List<Value>>(page)?;
    let mut table = Table::new(&["ID", "STATUS", "RELEASE", "COMMIT", "BRANCH", "BY", "AGE", "TOOK"]);
    for deployment in &data {
        let deployment: DeploymentBody = parse(deployment.clone())?;
        table.row([
            deployment::short(deployment.id),
            deployment.status.as_str().to_owned(),
            release(&deployment),
            deployment.commit.as_ref().map_or_else(|| "-".to_owned(), |commit| commit.short().to_owned()),
            or_dash(deployment.branch.as_ref()),
            or_dash(deployment.author.as_ref()),
            age(deployment.created_at, now()),
            took(&deployment, now()),
        ]);
    }
    let empty = format!("There are no deployments of {} to show.", project.slug);
    Ok(Answer::table(&table, context.screen.width, &empty, Value::Array(data)))
}

/// One deployment with its steps.
pub(super) async fn show(
    context: &Context,
    project: Option<&Slug>,
    reference: Option<&Reference>,
) -> Result<Answer, Failure> {
    let id = deployment::find(context, project, reference).await?;
    let (deployment, json) = deployment::fetch(&context.api, id).await?;
    Ok(Answer::new(shown(&deployment), json))
}

fn shown(deployment: &DeploymentBody) -> String {
    let mut lines = vec![
        ("deployment", deployment.id.to_string()),
        ("status", deployment.status.as_str().to_owned()),
        ("release", release(deployment)),
        ("commit", or_dash(deployment.commit.as_ref())),
        ("branch", or_dash(deployment.branch.as_ref())),
        ("by", or_dash(deployment.author.as_ref())),
        ("began", format!("{} ago, by {}", age(deployment.created_at, now()), deployment.source.as_str())),
        ("took", took(deployment, now())),
    ];
    lines.extend(deployment.reason.iter().map(|reason| ("reason", reason.clone())));
    let mut screen = facts(&lines);
    let steps = deployment.steps.as_deref().unwrap_or_default();
    if !steps.is_empty() {
        let mut table = Table::new(&["STEP", "STATUS", "TOOK"]);
        for StepBody { name, status, duration_ms, .. } in steps {
            let took = duration_ms.map_or_else(|| "-".to_owned(), seconds);
            table.row([name.as_str().to_owned(), step_word(*status).to_owned(), took]);
        }
        screen.push('\n');
        screen.push_str(&table.render(None));
    }
    screen
}

/// Follows a deployment to its end.
pub(super) async fn attach(
    context: &Context,
    project: Option<&Slug>,
    reference: Option<&Reference>,
) -> Result<Answer, Failure> {
    let id = deployment::find(context, project, reference).await?;
    watch(context, id).await
}

/// Shows a deployment while it goes on, and gives what has become of it.
pub(super) async fn watch(context: &Context, id: DeploymentId) -> Result<Answer, Failure> {
    let api = &context.api;
    if context.json {
        follow(api, id, &mut Silent).await?;
    } else if context.screen.live {
        let mut display = Display::new(context.screen);
        let status = follow(api, id, &mut display).await?;
        display.finish(status).map_err(|error| Failure::new("The terminal is gone.").caused_by(&error))?;
    } else {
        follow(api, id, &mut Lines::new(context.screen)).await?;
    }
    let (deployment, json) = deployment::fetch(api, id).await?;
    let exit = if deployment.status == Status::Success { Exit::Done } else { Exit::Failed };
    Ok(Answer::new("", json).with_exit(exit))
}

fn release(deployment: &DeploymentBody) -> String {
    deployment.version.map_or_else(|| "-".to_owned(), |version| format!("v{version}"))
}

fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
