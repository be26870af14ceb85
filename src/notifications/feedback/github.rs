//! GitHub, and GitHub Enterprise Server.
//!
//! <https://docs.github.com/en/rest/commits/statuses>, <https://docs.github.com/en/rest/deployments/deployments>,
//! <https://docs.github.com/en/rest/issues/comments>

use super::comment::{self, Thread};
use super::place::Place;
use super::report::{Report, Stage};
use super::{Told, repository};
use crate::model::feedback::{FeedbackApi, FeedbackPart as Part};
use crate::sources::{Call, Refusal, Session, Verb};
use serde_json::{Value, json};

/// What a deployment there carries of ours: its id, by which it is found again.
const PAYLOAD: &str = "gilgal_deployment";
/// What is said of a deployment there that is live no more.
const OVERTAKEN: &str = "A newer deployment is live";

/// Tells of a commit: its status, a deployment of it, and the pull request that it is for.
pub(super) async fn tell(session: &mut Session<'_>, report: &Report, place: &mut Place<'_>, told: &mut Told) {
    let status = session.send(status(&session.api, report)).await;
    if !told.status(status) {
        return;
    }
    let deployed = deployment(session, report, place).await;
    told.note(Part::Deployment, deployed);
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
        is_paged: true,
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
        "target_url": report.url(),
    });
    Call::post(format!("{}/statuses/{}", repository(api), report.commit), body)
}

/// A deployment there, made once for each of ours, and how far it is.
async fn deployment(
    session: &mut Session<'_>,
    report: &Report,
    place: &mut Place<'_>,
) -> Result<(), Refusal> {
    let found = session.send(find(&session.api, report)).await?;
    let is_ours = |one: &&Value| payload(one) == Some(report.deployment_id.to_string());
    let found = found.as_array().and_then(|all| all.iter().find(is_ours)).cloned();
    let id = match (found, report.stage) {
        (Some(found), _) => found["id"].as_u64(),
        // What never began there does not end there.
        (None, Stage::Superseded | Stage::Contained | Stage::Cancelled) => None,
        (None, Stage::Queued | Stage::Started | Stage::Live | Stage::RolledBack | Stage::Failed) => {
            session.send(create(&session.api, report)).await?["id"].as_u64()
        }
    };
    let Some(id) = id else { return Ok(()) };
    session.send(progress(&session.api, id, report)).await?;
    match report.stage {
        Stage::Live | Stage::RolledBack => take_over(session, id, place).await,
        Stage::Queued
        | Stage::Started
        | Stage::Failed
        | Stage::Cancelled
        | Stage::Superseded
        | Stage::Contained => Ok(()),
    }
}

/// Ends the deployment there that was live until now: of production, and of environments that are transient, GitHub ends none
/// by itself when there is a newer one (`auto_inactive`, <https://docs.github.com/en/rest/deployments/statuses>).
async fn take_over(session: &mut Session<'_>, id: u64, place: &mut Place<'_>) -> Result<(), Refusal> {
    match place.deployment() {
        // This one was told once more, and is not live any more.
        Some(live) if live > id => return end(session, id, OVERTAKEN).await,
        Some(live) if live < id => end(session, live, OVERTAKEN).await?,
        Some(_) | None => {}
    }
    place.note_deployment(id).await;
    Ok(())
}

/// Makes a deployment there inactive.
pub(super) async fn end(session: &mut Session<'_>, id: u64, why: &str) -> Result<(), Refusal> {
    let body = json!({ "state": "inactive", "description": why });
    let url = format!("{}/deployments/{id}/statuses", repository(&session.api));
    match session.send(Call::post(url, body)).await {
        // Somebody has removed it there.
        Err(refusal) if refusal.says(404, "") => Ok(()),
        ended => ended.map(drop),
    }
}

/// The id of our deployment in the payload of one of theirs, which may come as text.
fn payload(deployment: &Value) -> Option<String> {
    let payload = &deployment["payload"];
    let read = payload.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    read.as_ref().unwrap_or(payload)[PAYLOAD].as_str().map(str::to_owned)
}

pub(super) fn find(api: &FeedbackApi, report: &Report) -> Call {
    let environment = report.environment.replace('/', "%2F");
    let query = format!("sha={}&environment={environment}&per_page=100", report.commit);
    Call::get(format!("{}/deployments?{query}", repository(api)))
}

pub(super) fn create(api: &FeedbackApi, report: &Report) -> Call {
    let body = json!({
        "ref": report.commit,
        "environment": report.environment,
        "description": report.description,
        "payload": { PAYLOAD: report.deployment_id },
        // Whether it is deployed is decided here.
        "auto_merge": false,
        "required_contexts": [],
        "production_environment": report.is_production,
        "transient_environment": report.comment.is_some(),
    });
    Call::post(format!("{}/deployments", repository(api)), body)
}

pub(super) fn progress(api: &FeedbackApi, id: u64, report: &Report) -> Call {
    let state = match report.stage {
        Stage::Queued => "queued",
        Stage::Started => "in_progress",
        Stage::Live | Stage::RolledBack => "success",
        Stage::Failed => "failure",
        Stage::Cancelled => "error",
        Stage::Superseded | Stage::Contained => "inactive",
    };
    let mut body = json!({
        "state": state,
        "description": report.description,
        "auto_inactive": true,
    });
    if report.stage.is_live() {
        body["environment_url"] = json!(report.app_url);
    }
    if let Some(url) = &report.log_url {
        body["log_url"] = json!(url);
    }
    Call::post(format!("{}/deployments/{id}/statuses", repository(api)), body)
}
