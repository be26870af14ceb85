//! What a pack knows about builds and apps that fail.

use crate::buildpack::pattern::Pattern;
use crate::model::deployment::Step;
use serde::Deserialize;

/// A known failure: what the build or the app says, and what helps.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Failure {
    /// Looked for in each of the last lines.
    pub(crate) says: Pattern,
    /// Where it means this only during a part of a deployment; absent: at any time.
    #[serde(default)]
    pub(crate) during: Option<During>,
    pub(crate) advice: String,
}

/// A part of a deployment in which something can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum During {
    /// The image is built.
    Build,
    /// What is in the image runs.
    Run,
}

impl During {
    /// Whether a step is of this part.
    pub(crate) fn has(self, step: Step) -> bool {
        (self == Self::Build) == (step == Step::Build)
    }
}

impl Failure {
    /// Whether this is what has failed in a step, by the last lines that were said.
    pub(crate) fn is_said(&self, step: Step, lines: &[String]) -> bool {
        self.during.is_none_or(|during| during.has(step))
            && lines.iter().any(|line| self.says.find(line).is_some())
    }
}
