//! Where a repository is.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Where the repository is, which decides how a delivery is signed and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Github,
    Gitlab,
    /// Forgejo too.
    Gitea,
    /// The cloud and the server that one runs oneself.
    Bitbucket,
    /// Anything that can sign a request.
    Custom,
}

impl Provider {
    /// Whether it says how the checks of a commit are.
    #[must_use]
    pub const fn has_checks(self) -> bool {
        match self {
            Self::Github | Self::Gitlab | Self::Gitea => true,
            Self::Bitbucket | Self::Custom => false,
        }
    }

    /// Whether it makes the secret itself that it signs with.
    #[must_use]
    pub const fn makes_signing_tokens(self) -> bool {
        match self {
            Self::Gitlab => true,
            Self::Github | Self::Gitea | Self::Bitbucket | Self::Custom => false,
        }
    }

    /// Every provider.
    pub const ALL: [Self; 5] = [Self::Github, Self::Gitlab, Self::Gitea, Self::Bitbucket, Self::Custom];

    /// The word that is stored, shown, and a part of the path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Gitea => "gitea",
            Self::Bitbucket => "bitbucket",
            Self::Custom => "custom",
        }
    }

    /// As it calls itself.
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::Gitlab => "GitLab",
            Self::Gitea => "Gitea",
            Self::Bitbucket => "Bitbucket",
            Self::Custom => "your program",
        }
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|provider| provider.as_str() == text);
        known.ok_or_else(|| "This must be github, gitlab, gitea, bitbucket or custom.".to_owned())
    }
}
