//! Anything that can sign a request: a script, a scheduler, a git host that is not known here. `docs/hooks.md` has the
//! whole of it.

use crate::hooks::provider::{Provider, Sent, Unreadable, commit, with_message};
use crate::hooks::signature::{digest, is_signed};
use crate::model::hook::{Event, ReferenceMove};
use crate::model::secret::Secret;
use serde::Deserialize;

const TIMESTAMP: &str = "x-gilgal-timestamp";

pub(in crate::hooks) struct Custom;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    /// `refs/heads/main`, `refs/tags/v1`, or the name of a branch.
    #[serde(rename = "ref")]
    reference: Option<String>,
    before: Option<String>,
    after: Option<String>,
    message: Option<String>,
    /// Every path that differs between `before` and `after`.
    changed: Option<Vec<String>>,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    ping: bool,
}

impl Provider for Custom {
    fn is_proved(&self, sent: &Sent<'_>, secret: &Secret<String>) -> bool {
        let timestamp = sent.header(TIMESTAMP).unwrap_or_default();
        let message = [timestamp.as_bytes(), b".", sent.body];
        is_signed(secret, &message, "sha256=", sent.header("x-gilgal-signature")) && sent.is_recent(timestamp)
    }

    fn id_headers(&self) -> &[&str] {
        &[]
    }

    fn event(&self, _: &Sent<'_>) -> String {
        "push".to_owned()
    }

    /// The key is all of it.
    fn content(&self, _: &Sent<'_>) -> Option<String> {
        None
    }

    /// What is signed: whoever has seen a request cannot make another one of it.
    fn key(&self, sent: &Sent<'_>) -> String {
        digest(&[sent.header(TIMESTAMP).unwrap_or_default().as_bytes(), b".", sent.body])
    }

    fn read(&self, sent: &Sent<'_>) -> Result<Event, Unreadable> {
        let push: Push = sent.json()?;
        let Some(reference) = push.reference.filter(|_| !push.ping) else {
            let missing = "The body names no `ref`: {\"ref\": \"refs/heads/main\"}.".to_owned();
            return if push.ping { Ok(Event::Ping) } else { Err(missing) };
        };
        let is_whole = reference.starts_with("refs/");
        let moved = ReferenceMove {
            reference: if is_whole { reference } else { format!("refs/heads/{reference}") },
            before: commit(push.before.as_deref()),
            after: commit(push.after.as_deref()),
            is_deleted: push.deleted,
            changed: push.changed,
            ..ReferenceMove::default()
        };
        Ok(Event::Push { moves: vec![with_message(moved, push.message.as_deref())] })
    }
}
