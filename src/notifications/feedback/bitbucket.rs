//! Bitbucket Cloud, which has statuses of commits.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/>

use super::report::{Report, Stage};
use super::{Told, repository};
use crate::model::feedback::FeedbackApi;
use crate::sources::{Call, Session};
use serde_json::json;

/// Tells of a commit: its status.
pub(super) async fn tell(session: &mut Session<'_>, report: &Report, told: &mut Told) {
    let status = session.send(status(&session.api, report)).await;
    told.status(status);
}

pub(super) fn status(api: &FeedbackApi, report: &Report) -> Call {
    let state = match report.stage {
        Stage::Queued | Stage::Started => "INPROGRESS",
        Stage::Live | Stage::RolledBack | Stage::Contained => "SUCCESSFUL",
        Stage::Failed => "FAILED",
        Stage::Cancelled | Stage::Superseded => "STOPPED",
    };
    let body = json!({
        // 40 characters at most.
        "key": format!("gilgal-{}", report.environment_id.as_uuid().simple()),
        "name": report.context,
        "state": state,
        "description": report.description,
        // It wants one.
        "url": report.url().unwrap_or(&report.app_url),
    });
    Call::post(format!("{}/commit/{}/statuses/build", repository(api), report.commit), body)
}
