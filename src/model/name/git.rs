//! Names that are git's.

use super::{BranchName, CommitId, shown};

impl CommitId {
    /// Stands for a commit that is not known yet: git's null id (githooks(5)).
    #[must_use]
    pub fn unknown() -> Self {
        Self("0".repeat(40))
    }

    /// Whether it stands for a commit.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0.contains(|digit| digit != '0')
    }

    /// The first seven digits, as git shows them.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl BranchName {
    /// The branch that the production environment of a new project follows.
    #[must_use]
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The name that `refs/heads/<name>` stands for, or `None` where the reference is no branch or not valid.
    #[must_use]
    pub fn from_reference(reference: &str) -> Option<Self> {
        reference.strip_prefix("refs/heads/")?.parse().ok()
    }

    /// `refs/heads/<name>`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

/// The rules of `git check-ref-format --branch`, plus a length that fits a file system and no leading dash.
pub(super) fn check_branch(text: &str) -> Result<String, String> {
    let component_valid = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.to_ascii_lowercase().ends_with(".lock")
    };
    let valid = (1..=200).contains(&text.len())
        && text != "HEAD"
        && text != "@"
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && !text.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
        && text.split('/').all(component_valid);
    if valid {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{}\" is not a name that a git branch can have.", shown(text)))
    }
}

pub(super) fn check_commit(text: &str) -> Result<String, String> {
    if text.len() == 40 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)) {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{}\" is not a full commit id.", shown(text)))
    }
}
