//! What a hook and the server say to each other over the unix socket: one JSON document a line.
//!
//! Everything that the pusher chose (reference names, push options) travels as data in here, never in an environment
//! variable or an argument.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Longest line that either side reads, in bytes.
pub(crate) const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;
/// Most references in one push, and most options; longest option in bytes.
pub(crate) const MAX_COMMANDS: usize = 10_000;
pub(crate) const MAX_OPTIONS: usize = 16;
pub(crate) const MAX_OPTION_BYTES: usize = 256;

/// What a pusher is told who wants to change too much at once.
pub(super) fn too_many_commands() -> String {
    format!(
        "A push may change at most {MAX_COMMANDS} references, and their names may take at most {} MiB. Push fewer at a \
         time.",
        MAX_LINE_BYTES / 1024 / 1024
    )
}

/// Which of git's hooks calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookName {
    /// May refuse the whole push before any reference moves.
    PreReceive,
    /// Decides each branch.
    ProcReceive,
    /// Is told what has happened.
    PostReceive,
}

impl std::str::FromStr for HookName {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "pre-receive" => Ok(Self::PreReceive),
            "proc-receive" => Ok(Self::ProcReceive),
            "post-receive" => Ok(Self::PostReceive),
            _ => Err(()),
        }
    }
}

/// One reference that the push wants to change. Object ids of 40 zeros mean "does not exist".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefCommand {
    pub old: String,
    pub new: String,
    pub reference: String,
}

impl RefCommand {
    /// Whether the reference is to be made.
    #[must_use]
    pub(super) fn creates(&self) -> bool {
        self.old.bytes().all(|byte| byte == b'0')
    }

    /// Whether the push wants the reference gone.
    #[must_use]
    pub(super) fn deletes(&self) -> bool {
        self.new.bytes().all(|byte| byte == b'0')
    }
}

/// The first line, from the hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HookCall {
    pub hook: HookName,
    /// The token of the push, which only its own hooks know.
    pub push: String,
    pub commands: Vec<RefCommand>,
    pub options: Vec<String>,
    /// Where git holds the objects of a push that is not accepted yet.
    pub quarantine: Option<PathBuf>,
}

/// Each further line, from the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HookReply {
    /// A line for the pusher, as it is to be shown.
    Line(String),
    /// The end: what becomes of each command, in their order. For `pre-receive` one refusal refuses all.
    Verdicts(Vec<Verdict>),
}

/// What becomes of one reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// git is to move it.
    Accepted,
    /// The server has moved it, or will when the deployment goes live.
    Taken,
    /// It stays where it is; git shows the few words behind the name of the branch.
    Refused(String),
}
