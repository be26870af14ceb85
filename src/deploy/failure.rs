//! Why a deployment does not go live, in words for the person who pushed.

use crate::build::BuildError;
use crate::engine::EngineError;
use crate::git::{GitError, MoveError};
use crate::registry::RegistryError;
use crate::sources::SourcesError;
use crate::store::StoreError;

/// How many lines of an app or a build a failure shows.
pub(super) const LAST_LINES: usize = 30;

/// An outcome, not an error: the deployment does not go live, and here is why and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// A few words that fit behind the name of the branch: `build failed`.
    pub(super) words: &'static str,
    /// What happened, in one sentence.
    pub(super) sentence: String,
    /// What the app or the build said last.
    pub(super) last_lines: Vec<String>,
    /// Lines that have been shown already: read again for what the buildpack knows about them.
    pub(super) shown_lines: Vec<String>,
    /// What to try; whole sentences.
    pub(super) advice: Vec<String>,
    /// Whether the engine's disk has too little room.
    pub(super) is_for_room: bool,
}

impl Failure {
    pub(super) fn new(words: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            words,
            sentence: sentence.into(),
            last_lines: Vec::new(),
            shown_lines: Vec::new(),
            advice: Vec::new(),
            is_for_room: false,
        }
    }

    #[must_use]
    pub(super) fn advise(mut self, sentence: impl Into<String>) -> Self {
        self.advice.push(sentence.into());
        self
    }

    #[must_use]
    pub(super) fn having_shown(mut self, lines: Vec<String>) -> Self {
        self.shown_lines = lines;
        self
    }

    #[must_use]
    pub(super) fn with_last_lines(mut self, lines: Vec<String>) -> Self {
        self.last_lines = lines;
        self
    }
}

/// Why a step did not end well.
#[derive(Debug)]
pub(super) enum StepError {
    /// The deployment ends here.
    Failed(Failure),
    /// The server's own trouble: the database. The job is tried again.
    Store(StoreError),
}

impl From<Failure> for StepError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<EngineError> for StepError {
    fn from(error: EngineError) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "a deployment met an error of the engine");
        let words = match error {
            EngineError::CannotStart { .. } => "start failed",
            EngineError::ImageMissing { .. } => "image gone",
            EngineError::Unavailable { .. }
            | EngineError::NotFound { .. }
            | EngineError::InUse { .. }
            | EngineError::TimedOut { .. }
            | EngineError::DiskFull
            | EngineError::NoAddressRange
            | EngineError::Other { .. } => "engine failed",
        };
        let is_for_room = matches!(error, EngineError::DiskFull);
        // The sentence may be one that the buildpack knows.
        let sentence = error.to_string();
        let failure = Failure::new(words, sentence.clone()).having_shown(vec![sentence]);
        Failure { is_for_room, ..failure }.into()
    }
}

impl From<SourcesError> for StepError {
    fn from(error: SourcesError) -> Self {
        match error {
            SourcesError::Store(error) => error.into(),
            SourcesError::Sealed { .. } => Failure::new("fetch failed", format!("{error}."))
                .advise(
                    "Set it again, or ask the operator to restore the master key that it was sealed with.",
                )
                .into(),
            SourcesError::TooManyHosts => Failure::new("fetch failed", error.to_string())
                .advise(
                    "Forget those that are not fetched from any more: `GET /api/projects/:id/known-hosts` lists them, `DELETE` \
                     with the name of one forgets it.",
                )
                .into(),
            SourcesError::Key(_) => Failure::new("server failed", format!("{error}.")).into(),
        }
    }
}

impl From<GitError> for StepError {
    fn from(error: GitError) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a deployment met an error of its repository"
        );
        Failure::new("repository failed", format!("The repository cannot be used: {error}.")).into()
    }
}

impl From<MoveError> for StepError {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Moved { now } => Failure::new(
                "fetch first",
                format!("The branch has moved to {} since this push began.", now.short()),
            )
            .advise("Run `git fetch`, then rebase or merge, and push again; `git push --force` replaces what is there.")
            .into(),
            MoveError::Git(error) => error.into(),
        }
    }
}

impl From<RegistryError> for StepError {
    fn from(error: RegistryError) -> Self {
        let failure = Failure::new("image not pushed", error.to_string());
        match error {
            RegistryError::Refused { host, .. } => failure.advise(format!(
                "Check its name, and set who the registry is told to ask for: PUT /api/projects/:id/credentials/{host} \
                 {{\"username\": …, \"password\": …}}. It has to be allowed to push."
            )),
            RegistryError::NotPushed { .. } => {
                failure.advise("Check its name, and that the server can reach the registry.")
            }
            RegistryError::NotRead { .. } | RegistryError::TimedOut { .. } => failure,
        }
        .into()
    }
}

impl From<BuildError> for StepError {
    fn from(error: BuildError) -> Self {
        let sentence = error.to_string();
        let words = match &error {
            BuildError::EngineUnavailable { .. } | BuildError::DiskFull | BuildError::NoRoom { .. } => {
                "engine failed"
            }
            BuildError::NotPulled { .. }
            | BuildError::PullRefused { .. }
            | BuildError::PullTimedOut { .. }
            | BuildError::OnlyToBuildOn { .. } => "pull failed",
            BuildError::CommandFailed { .. }
            | BuildError::InstructionFailed { .. }
            | BuildError::OutOfMemory { .. }
            | BuildError::TimedOut { .. }
            | BuildError::BaseImageMissing { .. }
            | BuildError::DockerfileSyntax { .. }
            | BuildError::ContextBroken { .. }
            | BuildError::NoSecrets { .. }
            | BuildError::Other { .. } => "build failed",
        };
        let failure = Failure::new(words, sentence);
        match error {
            // Its last lines have just been shown: they are the end of the build's own output.
            BuildError::CommandFailed { last_lines, .. } => failure.having_shown(last_lines).advise(
                "Run the same command in a clean clone to see it fail, fix it, commit, and push again.",
            ),
            BuildError::OutOfMemory { .. } => {
                failure.advise("Give the build less to do at once, or the server more memory.")
            }
            BuildError::BaseImageMissing { .. } => {
                failure.advise("Check the name of the image, and that the server can reach its registry.")
            }
            BuildError::DiskFull | BuildError::NoRoom { .. } => Failure { is_for_room: true, ..failure }
                .advise(
                    "Ask the operator to make room: `gilgal disk` shows what takes it, and what could go.",
                ),
            BuildError::NotPulled { .. } => {
                failure.advise("Check its name and its tag, and that the server can reach the registry.")
            }
            BuildError::PullRefused { host, .. } => failure.advise(format!(
                "Check its name. If it is private, set who the registry is told to ask for: PUT \
                 /api/projects/:id/credentials/{host} {{\"username\": …, \"password\": …}}."
            )),
            BuildError::PullTimedOut { .. }
            | BuildError::OnlyToBuildOn { .. }
            | BuildError::InstructionFailed { .. }
            | BuildError::TimedOut { .. }
            | BuildError::DockerfileSyntax { .. }
            | BuildError::ContextBroken { .. }
            | BuildError::EngineUnavailable { .. }
            | BuildError::NoSecrets { .. }
            | BuildError::Other { .. } => failure,
        }
        .into()
    }
}
