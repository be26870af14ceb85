//! Bitbucket Cloud (`repo:push`) and Bitbucket Data Center (`repo:refs_changed`). A delivery can have several references.
//! What they say of pull requests is in [`super::bitbucket_pull_request`].
//!
//! <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push>,
//! <https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html>

use super::bitbucket_pull_request::{CloudEvent, ServerEvent, action_of};
use crate::hooks::provider::{MOST_MOVES, Provider, Sent, Unreadable, commit, cut, with_message};
use crate::hooks::signature::{digest, is_signed};
use crate::model::hook::{Event, ReferenceMove};
use crate::model::secret::Secret;
use serde::Deserialize;

pub(in crate::hooks) struct Bitbucket;

#[derive(Deserialize)]
struct CloudPush {
    push: CloudChanges,
    repository: Option<CloudRepository>,
}

#[derive(Deserialize)]
struct CloudChanges {
    changes: Vec<CloudChange>,
}

#[derive(Deserialize)]
struct CloudChange {
    old: Option<CloudReference>,
    /// `null` where it is gone.
    new: Option<CloudReference>,
}

#[derive(Deserialize)]
struct CloudReference {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    hash: String,
    message: Option<String>,
}

#[derive(Deserialize)]
struct CloudRepository {
    full_name: String,
}

#[derive(Deserialize)]
struct ServerPush {
    changes: Vec<ServerChange>,
    repository: Option<ServerRepository>,
    /// The newest commit of the first change.
    #[serde(rename = "toCommit")]
    to_commit: Option<ServerCommit>,
}

#[derive(Deserialize)]
struct ServerChange {
    #[serde(rename = "ref")]
    reference: ServerReference,
    #[serde(rename = "fromHash")]
    from: Option<String>,
    #[serde(rename = "toHash")]
    to: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct ServerReference {
    id: String,
}

#[derive(Deserialize)]
struct ServerRepository {
    slug: String,
    project: ServerProject,
}

#[derive(Deserialize)]
struct ServerProject {
    key: String,
}

#[derive(Deserialize)]
struct ServerCommit {
    id: String,
    message: Option<String>,
}

impl Provider for Bitbucket {
    fn is_proved(&self, sent: &Sent<'_>, secret: &Secret<String>) -> bool {
        is_signed(secret, &[sent.body], "sha256=", sent.header("x-hub-signature"))
    }

    fn id_headers(&self) -> &[&str] {
        // Of the cloud, which sends it again with another attempt number; of the server.
        &["x-request-uuid", "x-request-id"]
    }

    /// What Data Center sends has a date. In the cloud, a branch that is moved to and fro is told in the same bytes.
    fn content(&self, sent: &Sent<'_>) -> Option<String> {
        let is_dated = sent
            .header("x-event-key")
            .is_some_and(|key| key == "repo:refs_changed" || key.starts_with("pr:"));
        is_dated.then(|| digest(&[sent.body]))
    }

    fn event(&self, sent: &Sent<'_>) -> String {
        sent.header("x-event-key").unwrap_or_default().to_owned()
    }

    fn read(&self, sent: &Sent<'_>) -> Result<Event, Unreadable> {
        let key = sent.header("x-event-key");
        if let Some((is_cloud, action)) = key.and_then(action_of) {
            let pull_request = if is_cloud {
                sent.json::<CloudEvent>()?.pull_request(action)
            } else {
                sent.json::<ServerEvent>()?.pull_request(action)
            };
            return Ok(Event::PullRequest { pull_request });
        }
        let moves = match key {
            Some("diagnostics:ping") => return Ok(Event::Ping),
            Some("repo:push") => of_cloud(sent.json()?),
            Some("repo:refs_changed") => of_server(sent.json()?),
            Some(_) | None => return Ok(Event::Other),
        };
        Ok(Event::Push { moves })
    }
}

fn of_cloud(push: CloudPush) -> Vec<ReferenceMove> {
    let repository = push.repository.map(|repository| cut(&repository.full_name));
    let moves = push.push.changes.into_iter().take(MOST_MOVES).filter_map(|change| {
        let hash =
            |reference: &CloudReference| commit(reference.target.as_ref().map(|target| target.hash.as_str()));
        let named = change.new.as_ref().or(change.old.as_ref())?;
        let folder = if named.kind == "tag" { "refs/tags/" } else { "refs/heads/" };
        let moved = ReferenceMove {
            reference: format!("{folder}{}", named.name),
            before: change.old.as_ref().and_then(hash),
            after: change.new.as_ref().and_then(hash),
            is_deleted: change.new.is_none(),
            repository: repository.clone(),
            ..ReferenceMove::default()
        };
        let target = change.new.as_ref().and_then(|new| new.target.as_ref());
        Some(with_message(moved, target.and_then(|target| target.message.as_deref())))
    });
    moves.collect()
}

fn of_server(push: ServerPush) -> Vec<ReferenceMove> {
    let repository =
        push.repository.map(|repository| cut(&format!("{}/{}", repository.project.key, repository.slug)));
    let head = push.to_commit;
    let moves = push.changes.into_iter().take(MOST_MOVES).map(|change| {
        let head = head.as_ref().filter(|head| change.to.as_deref() == Some(head.id.as_str()));
        let moved = ReferenceMove {
            reference: change.reference.id,
            before: commit(change.from.as_deref()),
            after: commit(change.to.as_deref()),
            is_deleted: change.kind == "DELETE",
            repository: repository.clone(),
            ..ReferenceMove::default()
        };
        with_message(moved, head.and_then(|head| head.message.as_deref()))
    });
    moves.collect()
}
