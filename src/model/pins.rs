//! What a build goes by that its project does not say: so that the next one goes by it, too.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Versions and base images as a build has chosen them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pins {
    /// Version lines by tool: `node` → `22`.
    pub versions: BTreeMap<String, String>,
    /// Base images by the name that is built on: `node:22-bookworm-slim`.
    pub images: BTreeMap<String, BaseImage>,
}

impl Pins {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty() && self.images.is_empty()
    }
}

/// The very image that a name stood for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseImage {
    /// The digest of what its registry has (`sha256:…`).
    Digest(String),
    /// The id in the engine (`sha256:…`) of one that was made there: no registry has it.
    Id(String),
}

impl BaseImage {
    /// `sha256:…`, of whichever it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Digest(text) | Self::Id(text) => text,
        }
    }
}

impl fmt::Display for BaseImage {
    /// The first digits, as `docker images` shows them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.as_str().trim_start_matches("sha256:");
        formatter.write_str(digits.get(..12).unwrap_or(digits))
    }
}

/// What is pinned in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pinned {
    /// Nothing was built there yet.
    Nothing,
    To(Pins),
    /// Somebody has let go of what was: the next build takes what is newest.
    LetGo,
}

impl Pinned {
    /// What the next build goes by.
    #[must_use]
    pub fn pins(self) -> Pins {
        match self {
            Self::To(pins) => pins,
            Self::Nothing | Self::LetGo => Pins::default(),
        }
    }
}
