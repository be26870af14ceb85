//! The comment of a pull or merge request: one for each environment, found again by what is hidden in it.

use super::report::{Report, Stage};
use crate::model::name::EnvironmentName;
use crate::model::webhook::Event;
use crate::sources::{Call, Refusal, Session, Verb};
use serde::Serialize;
use serde_json::{Value, json};

/// Comments that are asked for at a time, the most that the APIs give.
const PAGE: usize = 100;
/// Pages that are looked through for one's own.
const MOST_PAGES: usize = 50;

/// A comment as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Comment {
    pub(super) pull_request: u64,
    /// How the text begins; nobody sees it.
    #[serde(skip)]
    marker: String,
    pub(super) text: String,
}

impl Comment {
    pub(super) fn of(
        pull_request: u64,
        marker: String,
        (place, reason): (&str, Option<&str>),
        report: &Report,
    ) -> Self {
        let commit = report.commit.short();
        let said = match report.stage {
            Stage::Queued => format!("`{commit}` waits for its turn."),
            Stage::Started => format!("`{commit}` is being deployed."),
            Stage::Live | Stage::RolledBack | Stage::Contained => {
                format!("`{commit}` is live: <{}>", report.app_url)
            }
            Stage::Failed => format!("`{commit}` was not deployed."),
            Stage::Cancelled => format!("The deployment of `{commit}` was cancelled."),
            Stage::Superseded => format!("A newer deployment has taken the place of that of `{commit}`."),
        };
        let mut text = format!("{marker}\n**{place}**: {said}\n");
        if let (Stage::Failed, Some(reason)) = (report.stage, reason) {
            // Nothing in it means anything, and nobody is called by it.
            let fence = "`".repeat(longest_run(reason).max(2) + 1);
            text.push_str(&format!("\n{fence}text\n{reason}\n{fence}\n"));
        }
        if let (false, Some(url)) = (report.stage.is_live(), &report.log_url) {
            text.push_str(&format!("\n[Log]({url})\n"));
        }
        Self { pull_request, marker, text }
    }

    /// What it says once the environment is gone.
    pub(super) fn removed(pull_request: u64, event: &Event, environment: &EnvironmentName) -> Self {
        let marker = marker(event, environment);
        let text = format!("{marker}\n**{}**: it was removed.\n", event.place());
        Self { pull_request, marker, text }
    }
}

/// What tells the comment of one environment of a project from all others; nobody sees it.
pub(super) fn marker(event: &Event, environment: &EnvironmentName) -> String {
    format!("<!-- gilgal:{}:{environment} -->", event.project.id)
}

/// The longest row of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Where the comments of a pull request are.
pub(super) struct Thread {
    /// All of them.
    pub(super) all: String,
    /// Whether they come in pages.
    pub(super) is_paged: bool,
    /// What an id is put behind.
    pub(super) one: String,
    /// How one is changed.
    pub(super) verb: Verb,
}

/// Changes the comment, or makes it where there is none. Where there are more than are looked through, it may be among
/// them, and is not made again.
pub(super) async fn keep(
    session: &mut Session<'_>,
    thread: &Thread,
    comment: &Comment,
) -> Result<(), Refusal> {
    match find(session, thread, comment).await? {
        Found::At(id) => change_one(session, thread, (id, comment)).await,
        Found::Nowhere => {
            let body = json!({ "body": comment.text });
            session.send(Call::post(thread.all.clone(), body)).await.map(drop)
        }
        Found::TooMany => Ok(()),
    }
}

/// Changes the comment, where there is one.
pub(super) async fn change(
    session: &mut Session<'_>,
    thread: &Thread,
    comment: &Comment,
) -> Result<(), Refusal> {
    match find(session, thread, comment).await {
        Ok(Found::At(id)) => change_one(session, thread, (id, comment)).await,
        Ok(Found::Nowhere | Found::TooMany) => Ok(()),
        // It is of another repository that the project is connected to.
        Err(refusal) if refusal.says(404, "") => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// Where a comment is.
enum Found {
    At(u64),
    Nowhere,
    /// Not among those that were looked through.
    TooMany,
}

async fn find(session: &mut Session<'_>, thread: &Thread, comment: &Comment) -> Result<Found, Refusal> {
    for page in 1..=MOST_PAGES {
        let url = if thread.is_paged {
            format!("{}?per_page={PAGE}&page={page}", thread.all)
        } else {
            thread.all.clone()
        };
        let found = session.send(Call::get(url)).await?;
        let found: &[Value] = found.as_array().map_or(&[], Vec::as_slice);
        let is_own =
            |one: &&Value| one["body"].as_str().is_some_and(|text| text.starts_with(&comment.marker));
        if let Some(id) = found.iter().find(is_own).and_then(|one| one["id"].as_u64()) {
            return Ok(Found::At(id));
        }
        if !thread.is_paged || found.len() < PAGE {
            return Ok(Found::Nowhere);
        }
    }
    Ok(Found::TooMany)
}

async fn change_one(
    session: &mut Session<'_>,
    thread: &Thread,
    (id, comment): (u64, &Comment),
) -> Result<(), Refusal> {
    let body = json!({ "body": comment.text });
    session.send(Call::with(thread.verb, format!("{}/{id}", thread.one), body)).await.map(drop)
}
