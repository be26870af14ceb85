//! A preview that is gone, where its provider was told that it is live.

use super::comment::{self, Comment, Thread};
use super::place::Place;
use super::{Told, gitea, github, gitlab};
use crate::model::feedback::FeedbackPart as Part;
use crate::model::hook::Provider;
use crate::model::webhook::Event;
use crate::secrets::MasterKey;
use crate::sources::{Call, Refusal, Session};
use serde_json::json;

/// Tells that an environment is not there any more; nothing of one of which nothing was told.
pub(super) async fn tell(
    session: &mut Session<'_>,
    event: &Event,
    (place, key): (&Place<'_>, &MasterKey),
    told: &mut Told,
) {
    let Some(environment) = &event.environment else { return };
    match session.api.provider {
        Provider::Github => {
            if let Some(live) = place.deployment() {
                let ended = github::end(session, live, "The environment was removed").await;
                told.note(Part::Deployment, ended);
            }
        }
        Provider::Gitlab => {
            let name = format!("{}/{}", event.project.slug, environment.name);
            told.note(Part::Deployment, gitlab(session, &name).await);
        }
        // They know of no environments.
        Provider::Gitea | Provider::Bitbucket | Provider::Custom => {}
    }
    let thread =
        environment.pull_request.and_then(|number| thread(session, number).map(|thread| (number, thread)));
    if let Some((number, thread)) = thread {
        let comment = Comment::removed(number, event, &environment.name).sign(key);
        told.note(Part::Comment, comment::change(session, &thread, &comment, place).await);
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

/// <https://docs.gitlab.com/api/environments/#stop-an-environment>
async fn gitlab(session: &mut Session<'_>, name: &str) -> Result<(), Refusal> {
    let of_all = format!("{}/environments", gitlab::project(&session.api));
    let found = session.send(Call::get(format!("{of_all}?name={}", name.replace('/', "%2F")))).await?;
    match found[0]["id"].as_u64() {
        Some(id) if found[0]["state"] != "stopped" => {
            session.send(Call::post(format!("{of_all}/{id}/stop"), json!({}))).await.map(drop)
        }
        Some(_) | None => Ok(()),
    }
}
