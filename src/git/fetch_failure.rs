//! Why a fetch has failed, told from what git and `ssh` say. They say it in English: the locale of their environment is C.

use super::fetch::Fetch;
use std::time::Duration;

/// The other side is to blame, or what was asked of it: a whole sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("The repository has no branch, tag or commit {reference}.")]
    NoSuchReference { reference: String },
    #[error("The repository is empty.")]
    Empty,
    /// A tag can name a file.
    #[error("What is asked for is not a commit.")]
    NoCommit,
    #[error("There is no repository at {url}, or it is private.")]
    NotFound { url: String },
    #[error("The host wants to know who asks, or does not give the repository to them.")]
    CredentialsRefused,
    #[error("The host does not take the project's deploy key.")]
    KeyRefused,
    #[error("The host shows other keys than when the project fetched from it first.")]
    HostKeyChanged,
    #[error("The repository has moved, and redirects are not followed.")]
    Moved { to: Option<String> },
    #[error("The repository is larger than {most_mib} MiB (GILGAL_MAX_PUSH_MIB).")]
    TooLarge { most_mib: u64 },
    #[error("The repository was not fetched within {} seconds (GILGAL_FETCH_TIMEOUT_SECONDS).", after.as_secs())]
    TimedOut { after: Duration },
    /// git's "dumb" protocol.
    #[error("The host serves the repository as plain files, which has no limit.")]
    FileByFile,
    /// It would look the host up itself.
    #[error(
        "git {version} cannot be told which address to connect to. Ask the operator to install git 2.37 or newer."
    )]
    GitTooOld { version: String },
    #[error("The repository cannot be fetched.")]
    Other {
        /// What git said last.
        last_lines: Vec<String>,
    },
}

/// The reason that is in the last lines of git.
pub(super) fn explain(fetch: &Fetch, lines: &[String], redirected_to: Option<String>) -> FetchError {
    let says = |words: &[&str]| lines.iter().any(|line| words.iter().any(|words| line.contains(words)));
    let url = fetch.url.to_string();
    if says(&["REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed"]) {
        FetchError::HostKeyChanged
    } else if says(&["Permission denied ("]) {
        FetchError::KeyRefused
    } else if says(&[
        "could not read Username",
        "could not read Password",
        "Authentication failed",
        "returned error: 401",
        "returned error: 403",
    ]) {
        FetchError::CredentialsRefused
    } else if says(&["returned error: 30"]) {
        FetchError::Moved { to: redirected_to }
    } else if says(&["couldn't find remote ref HEAD"]) {
        FetchError::Empty
    } else if says(&["couldn't find remote ref", "not our ref", "did not send all necessary objects"]) {
        let reference = fetch.reference.as_ref().map_or("HEAD", |reference| reference.as_str()).to_owned();
        FetchError::NoSuchReference { reference }
    } else if says(&["died of signal 25", "File too large", "exceeds maximum allowed size"]) {
        FetchError::TooLarge { most_mib: fetch.most_bytes >> 20 }
    } else if says(&["' not found", "does not appear to be a git repository", "returned error: 404"]) {
        FetchError::NotFound { url }
    } else {
        FetchError::Other { last_lines: lines.to_vec() }
    }
}
