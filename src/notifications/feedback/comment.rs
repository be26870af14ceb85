//! The comment of a pull or merge request: one for each environment, known by its id, else by what is hidden in it.

use super::place::Place;
use super::report::{Report, Stage};
use crate::model::name::EnvironmentName;
use crate::model::webhook::Event;
use crate::secrets::MasterKey;
use crate::sources::{Call, Refusal, Session, Verb};
use serde::Serialize;
use serde_json::{Value, json};

/// Comments that are asked for at a time, the most that the APIs give.
const PAGE: usize = 100;
/// Pages that are looked through for one's own, where its id is not known: what one try has the time for.
const MOST_PAGES: usize = 10;

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

    /// Puts into what is hidden in it a word that only this server can have written: anybody may write a comment that begins
    /// as one of ours, before we have written one.
    pub(super) fn sign(mut self, key: &MasterKey) -> Self {
        let word = key.digest(&format!("comment {}", self.marker));
        let signed = self.marker.replace(" -->", &format!(":{word} -->"));
        self.text = self.text.replacen(&self.marker, &signed, 1);
        self.marker = signed;
        self
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
    /// What asks for the oldest first, where they do not come so.
    pub(super) order: &'static str,
    /// What an id is put behind.
    pub(super) one: String,
    /// How one is changed.
    pub(super) verb: Verb,
}

/// Changes the comment, or makes it where none is found.
pub(super) async fn keep(
    session: &mut Session<'_>,
    thread: &Thread,
    comment: &Comment,
    place: &mut Place<'_>,
) -> Result<(), Refusal> {
    if let Some(id) = id_of(session, thread, comment, place).await? {
        match change_one(session, thread, (id, comment)).await {
            // Somebody has removed it there.
            Err(refusal) if refusal.says(404, "") => {}
            changed => {
                changed?;
                place.note_comment(Some(id)).await;
                return Ok(());
            }
        }
    }
    let made = session.send(Call::post(thread.all.clone(), json!({ "body": comment.text }))).await?;
    place.note_comment(made["id"].as_u64()).await;
    Ok(())
}

/// Changes the comment, where there is one.
pub(super) async fn change(
    session: &mut Session<'_>,
    thread: &Thread,
    comment: &Comment,
    place: &Place<'_>,
) -> Result<(), Refusal> {
    let changed = match id_of(session, thread, comment, place).await {
        Ok(Some(id)) => change_one(session, thread, (id, comment)).await,
        Ok(None) => Ok(()),
        Err(refusal) => Err(refusal),
    };
    match changed {
        // Somebody has removed it there, or the pull request with it.
        Err(refusal) if refusal.says(404, "") => Ok(()),
        changed => changed,
    }
}

/// The comment that is known, or else found.
async fn id_of(
    session: &mut Session<'_>,
    thread: &Thread,
    comment: &Comment,
    place: &Place<'_>,
) -> Result<Option<u64>, Refusal> {
    match place.comment() {
        Some(id) => Ok(Some(id)),
        None => find(session, thread, comment).await,
    }
}

/// The oldest comment that is ours. Where there are more than are looked through it may be among the others.
async fn find(session: &mut Session<'_>, thread: &Thread, comment: &Comment) -> Result<Option<u64>, Refusal> {
    for page in 1..=MOST_PAGES {
        let url = if thread.is_paged {
            format!("{}?per_page={PAGE}&page={page}{}", thread.all, thread.order)
        } else {
            thread.all.clone()
        };
        let found = session.send(Call::get(url)).await?;
        let found: &[Value] = found.as_array().map_or(&[], Vec::as_slice);
        let is_own =
            |one: &&Value| one["body"].as_str().is_some_and(|text| text.starts_with(&comment.marker));
        if let Some(id) = found.iter().find(is_own).and_then(|one| one["id"].as_u64()) {
            return Ok(Some(id));
        }
        if !thread.is_paged || found.len() < PAGE {
            break;
        }
    }
    Ok(None)
}

async fn change_one(
    session: &mut Session<'_>,
    thread: &Thread,
    (id, comment): (u64, &Comment),
) -> Result<(), Refusal> {
    let body = json!({ "body": comment.text });
    session.send(Call::with(thread.verb, format!("{}/{id}", thread.one), body)).await.map(drop)
}
