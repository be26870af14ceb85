//! GitLab.
//!
//! <https://docs.gitlab.com/api/commits/#set-commit-pipeline-status>, <https://docs.gitlab.com/api/deployments/>,
//! <https://docs.gitlab.com/api/environments/>, <https://docs.gitlab.com/api/notes/#merge-requests>

use super::Told;
use super::comment::{self, Thread};
use super::place::Place;
use super::report::{Report, Stage};
use crate::model::feedback::{FeedbackApi, FeedbackPart as Part};
use crate::sources::{Call, Refusal, Session, Verb};
use serde_json::{Value, json};

/// Tells of a commit: its status, a deployment of it, and the merge request that it is for.
pub(super) async fn tell(session: &mut Session<'_>, report: &Report, place: &mut Place<'_>, told: &mut Told) {
    let status = session.send(status(&session.api, report)).await;
    // A state that it has already is refused.
    let is_told = |refusal: &Refusal| refusal.says(400, "cannot transition status");
    let status = match status {
        Err(refusal) if is_told(&refusal) => Ok(Value::Null),
        status => status,
    };
    if !told.status(status) {
        return;
    }
    let deployed = deployment(session, report).await;
    told.note(Part::Deployment, deployed);
    if let Some(comment) = &report.comment {
        let thread = thread(&session.api, comment.pull_request);
        let kept = comment::keep(session, &thread, comment, place).await;
        told.note(Part::Comment, kept);
    }
}

/// Where the project is, by its path.
pub(super) fn project(api: &FeedbackApi) -> String {
    format!("{}/projects/{}", api.base, api.repository.replace('/', "%2F"))
}

/// Where the comments of a merge request are.
pub(super) fn thread(api: &FeedbackApi, merge_request: u64) -> Thread {
    let notes = format!("{}/merge_requests/{merge_request}/notes", project(api));
    Thread { all: notes.clone(), is_paged: true, order: "&sort=asc", one: notes, verb: Verb::Put }
}

pub(super) fn status(api: &FeedbackApi, report: &Report) -> Call {
    let state = match report.stage {
        Stage::Queued => "pending",
        Stage::Started => "running",
        Stage::Live | Stage::RolledBack | Stage::Contained => "success",
        Stage::Failed => "failed",
        Stage::Cancelled | Stage::Superseded => "canceled",
    };
    let mut body = json!({
        "state": state,
        "name": report.context,
        "description": report.description,
    });
    if let Some(url) = report.url() {
        body["target_url"] = json!(url);
    }
    if let Some(branch) = &report.branch {
        body["ref"] = json!(branch);
    }
    Call::post(format!("{}/statuses/{}", project(api), report.commit), body)
}

/// A deployment there: begun with ours, and ended with it. An environment runs one at a time here, so that the newest
/// there of the same commit is it.
async fn deployment(session: &mut Session<'_>, report: &Report) -> Result<(), Refusal> {
    let (status, is_made) = match report.stage {
        Stage::Queued => return Ok(()),
        Stage::Started => ("running", true),
        Stage::Live | Stage::RolledBack => ("success", true),
        Stage::Failed => ("failed", false),
        Stage::Cancelled | Stage::Superseded | Stage::Contained => ("canceled", false),
    };
    let found = session.send(find(&session.api, report)).await?;
    let is_of_commit = |one: &&Value| one["sha"].as_str() == Some(report.commit.as_str());
    let found = found.as_array().and_then(|all| all.iter().find(is_of_commit)).cloned().unwrap_or_default();
    let deployment = match (found["id"].as_u64(), found["status"].as_str()) {
        // A try before has come so far.
        (Some(_), Some(known)) if known == status => found,
        (Some(id), Some("running")) => {
            let url = format!("{}/deployments/{id}", project(&session.api));
            session.send(Call::with(Verb::Put, url, json!({ "status": status }))).await?
        }
        _ if is_made => session.send(create(&session.api, report, status)).await?,
        _ => return Ok(()),
    };
    let environment = &deployment["environment"];
    let is_elsewhere = environment["external_url"].as_str() != Some(report.app_url.as_str());
    match environment["id"].as_u64() {
        Some(id) if report.stage.is_live() && is_elsewhere => {
            let url = format!("{}/environments/{id}", project(&session.api));
            let led = Call::with(Verb::Put, url, json!({ "external_url": report.app_url }));
            session.send(led).await.map(drop)
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn find(api: &FeedbackApi, report: &Report) -> Call {
    let environment = report.environment.replace('/', "%2F");
    let query = format!("environment={environment}&order_by=id&sort=desc&per_page=100");
    Call::get(format!("{}/deployments?{query}", project(api)))
}

pub(super) fn create(api: &FeedbackApi, report: &Report, status: &str) -> Call {
    let body = json!({
        "environment": report.environment,
        "sha": report.commit,
        // What is deployed is a commit, whatever leads to it.
        "ref": report.branch.as_ref().map_or_else(|| report.commit.to_string(), ToString::to_string),
        "tag": false,
        "status": status,
    });
    Call::post(format!("{}/deployments", project(api)), body)
}
