//! Why the API of a provider was not told something, or has not answered.

use crate::model::feedback::FeedbackApi;
use std::time::Duration;

/// Why something was not told, or not answered.
#[derive(Debug)]
pub enum Refusal {
    /// A sentence.
    Unanswered(String),
    Answered {
        /// HTTP's.
        status: u16,
        /// What the API says.
        message: String,
        /// How long it asks to be left alone.
        wait: Option<Duration>,
    },
}

impl Refusal {
    /// Whether the API does not let the token do it, or see the repository.
    #[must_use]
    pub const fn is_of_permission(&self) -> bool {
        matches!(self, Self::Answered { status: 401 | 403 | 404, wait: None, .. })
    }

    /// Whether it will never be taken, however often it is sent.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Answered { status: 400..=499, .. })
            && !matches!(self, Self::Answered { status: 401 | 403 | 404 | 408 | 425 | 429, .. })
    }

    /// Whether it was refused with this status and these words, in any case; no words: whatever was said.
    #[must_use]
    pub fn says(&self, refused: u16, words: &str) -> bool {
        matches!(self, Self::Answered { status, message, .. }
            if *status == refused && message.to_lowercase().contains(words))
    }

    /// Whether the other side failed.
    #[must_use]
    pub const fn is_of_server(&self) -> bool {
        matches!(self, Self::Answered { status: 500..=599, .. })
    }

    /// How long the API asks to be left alone.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Unanswered(_) => None,
            Self::Answered { wait, .. } => *wait,
        }
    }

    /// A sentence for the owner of the project; `permissions` is what the token has to have.
    #[must_use]
    pub fn reason(&self, api: &FeedbackApi, permissions: &str) -> String {
        let (status, message) = match self {
            Self::Unanswered(sentence) => return sentence.clone(),
            Self::Answered { status, message, .. } => (*status, message.trim_end_matches('.')),
        };
        let said = format!("{} answers {status} {message}", api.provider.shown());
        if status == 401 {
            return format!("{said}: the credential for {} is wrong or over. Set another one.", api.host);
        }
        if self.is_of_permission() {
            format!("{said}: give the token {permissions}.")
        } else {
            format!("{said}.")
        }
    }
}
