//! `gilgal projects`, `gilgal info` and `gilgal open`

use crate::cli::client::answer::Answer;
use crate::cli::client::browser;
use crate::cli::client::context::Context;
use crate::cli::client::environment::Place;
use crate::cli::client::failure::Failure;
use crate::cli::client::project::Project;
use crate::cli::client::refusal::parse;
use crate::cli::client::table::{Table, facts};
use crate::config::Variables;
use crate::model::time::{Timestamp, age, now};
use crate::wire::project::{ProjectBody, ProjectStatus};
use serde_json::{Value, json};

pub(super) async fn list(context: &Context, deleted: bool) -> Result<Answer, Failure> {
    if deleted {
        return list_deleted(context).await;
    }
    let projects = context.api.get_all("/api/projects?").await?;
    let mut table = Table::new(&["SLUG", "STATUS", "KIND", "AGE", "URL"]);
    for project in &projects {
        let ProjectBody { slug, status, framework, created_at, url, .. } = parse(project.clone())?;
        table.row([
            slug.to_string(),
            status_word(status).to_owned(),
            framework.unwrap_or_else(|| "-".to_owned()),
            age(created_at, now()),
            url,
        ]);
    }
    let empty = "You have no projects yet. Make one: gilgal create";
    Ok(Answer::table(&table, context.screen.width, empty, Value::Array(projects)))
}

async fn list_deleted(context: &Context) -> Result<Answer, Failure> {
    let projects = context.api.get_all("/api/projects?deleted=true&").await?;
    let mut table = Table::new(&["SLUG", "DELETED", "CAN BE BROUGHT BACK UNTIL"]);
    for project in &projects {
        let ProjectBody { slug, deleted_at, restorable_until, .. } = parse(project.clone())?;
        let minute = |time: Timestamp| time.format("%Y-%m-%d %H:%M UTC").to_string();
        let is_over = restorable_until.is_none_or(|until| until <= now());
        let until =
            restorable_until.filter(|_| !is_over).map_or_else(|| "is being removed".to_owned(), minute);
        table.row([
            slug.to_string(),
            deleted_at.map_or_else(|| "-".to_owned(), |at| format!("{} ago", age(at, now()))),
            until,
        ]);
    }
    let empty = "No deleted project can be brought back.";
    Ok(Answer::table(&table, context.screen.width, empty, Value::Array(projects)))
}

pub(super) fn info(project: &Project) -> Answer {
    Answer::new(shown(&project.body), project.json.clone())
}

/// A project, fact by fact.
pub(super) fn shown(project: &ProjectBody) -> String {
    let ProjectBody { slug, name, framework, status, git_url, url, created_at, .. } = project;
    facts(&[
        ("project", slug.to_string()),
        ("name", name.clone()),
        ("status", status_word(*status).to_owned()),
        ("kind", framework.clone().unwrap_or_else(|| "-".to_owned())),
        ("url", url.clone()),
        ("git", git_url.clone()),
        ("created", format!("{} ago", age(*created_at, now()))),
    ])
}

/// Shows the URL, and opens it where there is a screen for a browser.
///
/// # Errors
/// When an environment is named that is not there.
pub(super) async fn open(
    context: &Context,
    place: &Place,
    environment: bool,
    variables: &Variables,
) -> Result<Answer, Failure> {
    let url = if environment { place.fetch(&context.api).await?.url } else { place.project.body.url.clone() };
    let has_screen = cfg!(target_os = "macos")
        || variables.get("DISPLAY").is_some()
        || variables.get("WAYLAND_DISPLAY").is_some();
    // The URL is the server's word: nothing but a web page is opened.
    let is_page = url.starts_with("http://") || url.starts_with("https://");
    let opened = context.screen.live && !context.json && has_screen && is_page && browser::open(&url);
    Ok(Answer::new(url.clone(), json!({ "url": url, "opened": opened })))
}

const fn status_word(status: ProjectStatus) -> &'static str {
    match status {
        ProjectStatus::Created => "created",
        ProjectStatus::Deploying => "deploying",
        ProjectStatus::Live => "live",
        ProjectStatus::Failed => "failed",
        ProjectStatus::Disabled => "disabled",
        ProjectStatus::Deleted => "deleted",
    }
}
