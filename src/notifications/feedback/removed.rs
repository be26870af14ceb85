//! A preview that is gone, where its provider was told that it is live.

use super::comment::{self, Comment, Thread};
use super::{Told, gitea, github, gitlab, repository};
use crate::model::feedback::FeedbackPart as Part;
use crate::model::hook::Provider;
use crate::model::webhook::Event;
use crate::sources::{Call, Refusal, Session};
use serde_json::json;

/// Deployments of one environment that are made inactive, the newest: what one try has the time for.
const MOST_DEPLOYMENTS: usize = 30;

/// Tells that an environment is not there any more; nothing of one of which nothing was told.
pub(super) async fn tell(session: &mut Session<'_>, event: &Event, told: &mut Told) {
    let Some(environment) = &event.environment else { return };
    let place = format!("{}/{}", event.project.slug, environment.name);
    match session.api.provider {
        Provider::Github => told.note(Part::Deployment, github(session, &place).await),
        Provider::Gitlab => told.note(Part::Deployment, gitlab(session, &place).await),
        // They know of no environments.
        Provider::Gitea | Provider::Bitbucket | Provider::Custom => {}
    }
    let thread =
        environment.pull_request.and_then(|number| thread(session, number).map(|thread| (number, thread)));
    if let Some((number, thread)) = thread {
        let comment = Comment::removed(number, event, &environment.name);
        told.note(Part::Comment, comment::change(session, &thread, &comment).await);
    }
}

fn thread(session: &Session<'_>, number: u64) -> Option<Thread> {
    match session.api.provider {
        Provider::Github => Some(github::thread(&session.api, number)),
        Provider::Gitlab => Some(gitlab::thread(&session.api, number)),
        Provider::Gitea => Some(gitea::thread(&session.api, number)),
        Provider::Bitbucket | Provider::Custom => None,
    }
}

/// Each deployment: of environments that are transient, or of production, GitHub makes none inactive by itself when there is a
/// newer one (`auto_inactive`, <https://docs.github.com/en/rest/deployments/statuses>).
async fn github(session: &mut Session<'_>, place: &str) -> Result<(), Refusal> {
    let of_all = format!("{}/deployments", repository(&session.api));
    let newest = format!("{of_all}?environment={}&per_page={MOST_DEPLOYMENTS}", place.replace('/', "%2F"));
    let found = session.send(Call::get(newest)).await?;
    for id in found.as_array().into_iter().flatten().filter_map(|one| one["id"].as_u64()) {
        let body = json!({ "state": "inactive", "description": "The environment was removed" });
        session.send(Call::post(format!("{of_all}/{id}/statuses"), body)).await?;
    }
    Ok(())
}

/// <https://docs.gitlab.com/api/environments/#stop-an-environment>
async fn gitlab(session: &mut Session<'_>, place: &str) -> Result<(), Refusal> {
    let of_all = format!("{}/environments", gitlab::project(&session.api));
    let found = session.send(Call::get(format!("{of_all}?name={}", place.replace('/', "%2F")))).await?;
    match found[0]["id"].as_u64() {
        Some(id) if found[0]["state"] != "stopped" => {
            session.send(Call::post(format!("{of_all}/{id}/stop"), json!({}))).await.map(drop)
        }
        Some(_) | None => Ok(()),
    }
}
