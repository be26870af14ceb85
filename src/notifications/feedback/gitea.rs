//! Gitea and Forgejo, which have statuses and comments.
//!
//! <https://docs.gitea.com/api/>, `repoCreateStatus`, `issueCreateComment`

use super::comment::{self, Thread};
use super::place::Place;
use super::report::{Report, Stage};
use super::{Told, repository};
use crate::model::feedback::{FeedbackApi, FeedbackPart as Part};
use crate::sources::{Call, Refusal, Session, Verb};
use serde_json::json;

/// Tells of a commit: its status, and the pull request that it is for.
pub(super) async fn tell(session: &mut Session<'_>, report: &Report, place: &mut Place<'_>, told: &mut Told) {
    let status = session.send(status(&session.api, report)).await;
    // It fails over a commit that it does not have, and says so to nobody but its operator.
    if status.as_ref().is_err_and(Refusal::is_of_server)
        && let Err(missing) = session.send(commit(&session.api, report)).await
        && missing.says(404, "")
    {
        told.succeeded = true;
        return;
    }
    if !told.status(status) {
        return;
    }
    if let Some(comment) = &report.comment {
        let thread = thread(&session.api, comment.pull_request);
        let kept = comment::keep(session, &thread, comment, place).await;
        told.note(Part::Comment, kept);
    }
}

/// Where the comments of a pull request are.
pub(super) fn thread(api: &FeedbackApi, pull_request: u64) -> Thread {
    let repository = repository(api);
    Thread {
        all: format!("{repository}/issues/{pull_request}/comments"),
        is_paged: false,
        order: "",
        one: format!("{repository}/issues/comments"),
        verb: Verb::Patch,
    }
}

pub(super) fn status(api: &FeedbackApi, report: &Report) -> Call {
    let state = match report.stage {
        Stage::Queued | Stage::Started => "pending",
        Stage::Live | Stage::RolledBack | Stage::Contained => "success",
        Stage::Failed => "failure",
        Stage::Cancelled | Stage::Superseded => "error",
    };
    let body = json!({
        "state": state,
        "context": report.context,
        "description": report.description,
        "target_url": report.url().unwrap_or_default(),
    });
    Call::post(format!("{}/statuses/{}", repository(api), report.commit), body)
}

fn commit(api: &FeedbackApi, report: &Report) -> Call {
    Call::get(format!("{}/git/commits/{}", repository(api), report.commit))
}
