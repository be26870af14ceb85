//! Feedback: what becomes of a commit, told to the provider of its repository.
//!
//! | file | what |
//! |---|---|
//! | `report` | what is told of a deployment, in words that every provider has something for |
//! | `comment` | the comment of a pull request, which is changed and not repeated |
//! | `removed` | a preview that is gone |
//! | `parting` | the previews of a connection that is over |
//! | `place` | what was made for an environment there, by its ids |
//! | `github`, `gitlab`, `gitea`, `bitbucket` | the requests of each |
//!
//! Nothing else of it is kept: what a provider was told before is found there.

mod bitbucket;
mod comment;
mod gitea;
mod github;
mod gitlab;
mod parting;
mod place;
mod removed;
mod report;
#[cfg(test)]
mod tests;

pub use self::parting::Parting;
use self::place::Place;
use self::report::Report;
use super::Notifications;
use super::http::{Answered, KEPT};
use super::schedule::Failure;
use crate::model::address::PublicAddress;
use crate::model::feedback::{FeedbackApi, FeedbackPart as Part};
use crate::model::hook::{Hook, Provider};
use crate::model::webhook::{Event, EventKind, Webhook};
use crate::sources::{Call, Providers, Refusal};
use crate::store::StoreError;
use serde_json::json;

/// How it went, part by part.
#[derive(Debug, Default)]
struct Told {
    succeeded: bool,
    refusals: Vec<(Part, Refusal)>,
}

impl Told {
    fn note(&mut self, part: Part, result: Result<(), Refusal>) {
        match result {
            Ok(()) => self.succeeded = true,
            Err(refusal) => self.refusals.push((part, refusal)),
        }
    }

    /// Notes how a status was taken. Gives whether the provider has the commit: one that it does not have is told nothing
    /// more of, which is no failure.
    fn status(&mut self, result: Result<serde_json::Value, Refusal>) -> bool {
        match result {
            Err(refusal) if is_unknown_commit(&refusal) => {
                self.succeeded = true;
                false
            }
            result => {
                self.note(Part::Status, result.map(drop));
                true
            }
        }
    }

    /// What went wrong, if something did. What only lacks a permission that the rest does not lack is no failure: the second
    /// is what the log says of it.
    fn failure(self, api: &FeedbackApi) -> (Option<Failure>, Option<String>) {
        let worst = self.refusals.iter().find(|(_, refusal)| !refusal.is_of_permission());
        let Some((part, refusal)) = worst.or_else(|| self.refusals.first()) else { return (None, None) };
        let reason = refusal.reason(api, part.permissions(api.provider));
        if refusal.is_of_permission() && self.succeeded {
            return (None, Some(reason));
        }
        (Some(Failure { reason, is_refusal: refusal.is_final(), wait: refusal.wait() }), None)
    }
}

/// Whether a commit is none of the repository.
fn is_unknown_commit(refusal: &Refusal) -> bool {
    refusal.says(422, "no commit found")
        || refusal.says(422, "no ref found")
        // Of a commit that no branch has, as one of a fork, GitLab says something else: the rest can be told.
        || (refusal.says(404, "commit not found") && !refusal.says(404, "references for commit"))
}

/// Tells the provider of a repository what has become of a commit of it.
pub(super) async fn tell(
    notifications: &Notifications,
    providers: &Providers,
    webhook: &Webhook,
    event: &Event,
) -> Answered {
    let hook = match webhook.hook_id {
        Some(hook) => notifications.store.hook(hook).await,
        None => Err(StoreError::NotFound),
    };
    let hook = match hook {
        Ok(hook) => hook,
        Err(error) => return Failure::new(format!("The hook cannot be looked up: {error}.")).into(),
    };
    match Place::of(&notifications.store, webhook.id, event).await {
        Ok(place) => tell_of(notifications, providers, &hook, event, place).await,
        Err(error) => Failure::new(format!("What was made there cannot be looked up: {error}.")).into(),
    }
}

/// The same of a connection and a place that are known.
async fn tell_of(
    notifications: &Notifications,
    providers: &Providers,
    hook: &Hook,
    event: &Event,
    mut place: Place<'_>,
) -> Answered {
    let mut session = match providers.open(hook, event.project.slug.as_str(), Part::Status).await {
        Ok(session) => session,
        Err(unopened) => return Failure::new(unopened.to_string()).into(),
    };
    let mut reports = Report::of(event, &notifications.address, notifications.api_url.as_deref());
    for report in &mut reports {
        report.comment = report.comment.take().map(|comment| comment.sign(&notifications.master_key));
    }
    let mut told = Told::default();
    for report in &reports {
        match session.api.provider {
            Provider::Github => github::tell(&mut session, report, &mut place, &mut told).await,
            Provider::Gitlab => gitlab::tell(&mut session, report, &mut place, &mut told).await,
            Provider::Gitea => gitea::tell(&mut session, report, &mut place, &mut told).await,
            Provider::Bitbucket => bitbucket::tell(&mut session, report, &mut told).await,
            // It has no API.
            Provider::Custom => {}
        }
    }
    if event.kind == EventKind::EnvironmentDeleted {
        // Nothing is told of it but what not every token may tell: what is refused holds up nothing that is behind it.
        told.succeeded = true;
        Box::pin(removed::tell(&mut session, event, (&place, &notifications.master_key), &mut told)).await;
    } else if event.deployment.is_none() {
        // A test: whether the repository is there with this credential.
        let seen = session.send(Call::get(repository(&session.api))).await;
        told.note(Part::Status, seen.map(drop));
    }
    let (failure, lack) = told.failure(&session.api);
    if event.kind == EventKind::EnvironmentDeleted && failure.is_none() {
        place.forget().await;
    }
    let (status, text) = session.into_answered().unzip();
    let text = lack.clone().or(text);
    let text = text.map(|mut text| {
        text.truncate(text.floor_char_boundary(KEPT));
        text
    });
    Answered { status, text, failure, lack }
}

/// What is told of an event, for those who look at the log.
pub(super) fn shown(event: &Event, address: &PublicAddress, api_url: Option<&str>) -> String {
    json!(Report::of(event, address, api_url)).to_string()
}

/// Where the repository itself is in an API.
fn repository(api: &FeedbackApi) -> String {
    match api.provider {
        Provider::Gitlab => gitlab::project(api),
        Provider::Bitbucket => format!("{}/repositories/{}", api.base, api.repository),
        Provider::Github | Provider::Gitea | Provider::Custom => {
            format!("{}/repos/{}", api.base, api.repository)
        }
    }
}
