//! What providers have in common.

use super::providers;
use super::signature::digest;
use crate::model::hook::{self, CheckEnd, Event, ReferenceMove};
use crate::model::name::CommitId;
use crate::model::preview::PullRequest;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// Longest id of a delivery that is kept as it is.
const LONGEST_ID: usize = 100;
/// Characters of a commit's message that are kept.
const LONGEST_MESSAGE: usize = 500;
/// Characters of a name, or of a sentence, that are kept: no branch that could be deployed has a longer one.
const LONGEST_NAME: usize = 300;
/// Seconds that the clocks of both sides may differ, with the way of the request.
const TOLERANCE: i64 = 300;
/// References of one delivery that are looked at: each costs questions to the database.
pub(super) const MOST_MOVES: usize = 100;
/// Bytes of the paths of a push that are compared with those that a project watches. More are a change of anything.
const MOST_PATHS: usize = 16 * 1024;
/// Texts in the message of a commit, in any case, that say that nothing is to be deployed.
pub(super) const SKIP_TOKENS: [&str; 6] =
    ["[skip ci]", "[ci skip]", "[no ci]", "[skip deploy]", "[deploy skip]", "[no deploy]"];

/// A request, as a provider reads it.
pub(super) struct Sent<'a> {
    /// By their names in lower case.
    pub(super) headers: &'a BTreeMap<String, String>,
    pub(super) body: &'a [u8],
    pub(super) received_at: Timestamp,
}

/// A body is not what the provider sends: a sentence.
pub(super) type Unreadable = String;

/// How one provider signs its deliveries, and what is in them.
pub(super) trait Provider: Sync {
    /// Whether a request proves that who sends it knows the secret. Takes as long for every request of one length.
    fn is_proved(&self, sent: &Sent<'_>, secret: &Secret<String>) -> bool;

    /// The headers that may carry the id of the delivery, which is the same when it comes again.
    fn id_headers(&self) -> &[&str];

    /// The event, as the provider calls it.
    fn event(&self, sent: &Sent<'_>) -> String;

    /// What is in it.
    ///
    /// # Errors
    /// When the body is not what the provider sends.
    fn read(&self, sent: &Sent<'_>) -> Result<Event, Unreadable>;

    /// Stands for what came, whatever its id: where the id is not signed, whoever has seen a request could send it again
    /// under another one. `None` where it is signed, or where two that mean different things may be the same.
    fn content(&self, sent: &Sent<'_>) -> Option<String>;

    /// By what a delivery is known when it comes again.
    fn key(&self, sent: &Sent<'_>) -> String {
        let id = self.id_headers().iter().find_map(|name| sent.header(name)).filter(|id| !id.is_empty());
        match id {
            Some(id) if id.len() <= LONGEST_ID => id.to_owned(),
            Some(id) => digest(&[id.as_bytes()]),
            None => digest(&[sent.body]),
        }
    }
}

/// What knows of a provider.
pub(super) fn of(provider: hook::Provider) -> &'static dyn Provider {
    match provider {
        hook::Provider::Github => &providers::Github,
        hook::Provider::Gitlab => &providers::Gitlab,
        hook::Provider::Gitea => &providers::Gitea,
        hook::Provider::Bitbucket => &providers::Bitbucket,
        hook::Provider::Custom => &providers::Custom,
    }
}

impl<'a> Sent<'a> {
    /// A header, by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Whether a time, in seconds since 1970, is that of the request.
    pub(super) fn is_recent(&self, timestamp: &str) -> bool {
        let now = self.received_at.timestamp();
        timestamp.parse::<i64>().is_ok_and(|at| now.saturating_sub(at).saturating_abs() <= TOLERANCE)
    }

    /// The first of some headers that is there.
    pub(super) fn first(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.header(name))
    }

    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        if self.header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded")) {
            return Err("The body is a form: choose the content type application/json.".to_owned());
        }
        serde_json::from_slice(self.body).map_err(|error| format!("The body cannot be read: {error}."))
    }
}

/// A commit of a push, as GitHub, GitLab and Gitea have it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PushedCommit {
    pub(super) id: String,
    pub(super) message: String,
    added: Option<Vec<String>>,
    modified: Option<Vec<String>>,
    removed: Option<Vec<String>>,
}

/// Every path that some commits have changed; `None` where they do not say it, or where there is no commit to say it.
pub(super) fn paths_of(commits: &[PushedCommit]) -> Option<Vec<String>> {
    let mut paths = BTreeSet::new();
    for commit in commits {
        for list in [&commit.added, &commit.modified, &commit.removed] {
            paths.extend(list.as_ref()?);
        }
    }
    (!commits.is_empty()).then(|| paths.into_iter().cloned().collect())
}

/// A name, no longer than is worth keeping.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(LONGEST_NAME).collect()
}

/// What was read, no longer than is worth keeping.
pub(super) fn bounded(event: Event) -> Event {
    let shorter = |moved: ReferenceMove| ReferenceMove {
        reference: cut(&moved.reference),
        repository: moved.repository.as_deref().map(cut),
        changed: moved
            .changed
            .filter(|paths| paths.iter().map(|path| path.len() + 1).sum::<usize>() <= MOST_PATHS),
        ..moved
    };
    match event {
        Event::Push { moves } => Event::Push { moves: moves.into_iter().map(shorter).collect() },
        Event::PullRequest { pull_request } => Event::PullRequest {
            pull_request: PullRequest {
                reference: pull_request.reference.as_deref().map(cut),
                head_branch: cut(&pull_request.head_branch),
                base_branch: pull_request.base_branch.as_deref().map(cut),
                repository: pull_request.repository.as_deref().map(cut),
                title: cut(&pull_request.title),
                author: pull_request.author.as_deref().map(cut),
                ..pull_request
            },
        },
        Event::Unreadable { why } => Event::Unreadable { why: cut(&why) },
        Event::Checks { checks } => {
            let repository = checks.repository.as_deref().map(cut);
            Event::Checks { checks: CheckEnd { repository, ..checks } }
        }
        event @ (Event::Ping | Event::Other) => event,
    }
}

/// A commit; `None` for git's null id, and for what is none.
pub(super) fn commit(text: Option<&str>) -> Option<CommitId> {
    text?.parse().ok().filter(CommitId::is_known)
}

/// How the names begin of what is told from here.
pub(super) const OWN: &str = "gilgal/";

/// What is read of the end of a check, as GitHub and Gitea tell it.
#[derive(Debug, Deserialize)]
pub(super) struct Checked {
    /// Of a status.
    sha: Option<String>,
    state: Option<String>,
    context: Option<String>,
    /// Of what was run.
    #[serde(alias = "check_run", alias = "workflow_run")]
    check_suite: Option<Run>,
    repository: Option<CheckedRepository>,
}

#[derive(Debug, Deserialize)]
struct Run {
    head_sha: String,
    conclusion: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CheckedRepository {
    full_name: String,
}

/// The end of a check; what has not ended, and what is told from here, is nothing.
pub(super) fn checked(sent: &Sent<'_>) -> Event {
    let Ok(checked) = sent.json::<Checked>() else { return Event::Other };
    let is_own = checked.context.is_some_and(|context| context.starts_with(OWN));
    let (id, result) = match checked.check_suite {
        Some(run) => (Some(run.head_sha), run.conclusion),
        None => (checked.sha, checked.state),
    };
    let has_ended = result.as_deref().is_some_and(|result| result != "pending");
    match commit(id.as_deref()) {
        Some(commit) if has_ended && !is_own => Event::Checks {
            checks: CheckEnd {
                commit,
                succeeded: matches!(result.as_deref(), Some("success" | "neutral" | "skipped" | "warning")),
                repository: checked.repository.map(|repository| repository.full_name),
            },
        },
        Some(_) | None => Event::Other,
    }
}

/// A move with the message of its newest commit.
pub(super) fn with_message(moved: ReferenceMove, message: Option<&str>) -> ReferenceMove {
    let is_skipped = moved.is_skipped || message.is_some_and(has_skip_token);
    let message = message.map(|text| text.chars().take(LONGEST_MESSAGE).collect());
    ReferenceMove { message, is_skipped, ..moved }
}

fn has_skip_token(message: &str) -> bool {
    let message = message.to_lowercase();
    SKIP_TOKENS.iter().any(|token| message.contains(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_commits_do_not_say_is_not_known() {
        let paths = |commits: serde_json::Value| {
            let commits: Vec<PushedCommit> = serde_json::from_value(commits).unwrap();
            paths_of(&commits)
        };
        let full = json!({ "id": "1", "message": "", "added": ["b"], "modified": ["a"], "removed": [] });
        let partial = json!({ "id": "2", "message": "", "modified": ["c"] });
        assert_eq!(paths(json!([full])), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(paths(json!([full, partial])), None);
        assert_eq!(paths(json!([])), None);
    }
}
