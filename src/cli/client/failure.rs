//! What a person is told when a command fails: what happened, why, and what to do about it.

use crate::cli::printer::with_causes;
use crate::model::terminal_text::one_line;
use std::error::Error;
use std::process::ExitCode;

/// How a command ended, for scripts. The numbers are documented in docs/cli.md and stay what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    /// It was refused or it went wrong; a deployment that was waited for is not live.
    Failed,
    /// The command line or the settings do not make sense.
    Usage,
    /// Not logged in, or not allowed to.
    Denied,
    /// There is no such project, deployment, key.
    Missing,
    /// The server does not answer, or says that it cannot at the moment: trying again may help.
    Unreachable,
    /// Ctrl-C.
    Interrupted,
    /// A command that was run for somebody has ended so.
    Of(u8),
}

impl Exit {
    /// Every way to end with its number and when it is used, for docs/cli.md.
    pub(super) const TABLE: [(Self, u8, &'static str); 7] = [
        (Self::Done, 0, "it is done"),
        (Self::Failed, 1, "it was refused or went wrong; the deployment that was waited for is not live"),
        (Self::Usage, 2, "the command line or a setting does not make sense; nothing was done"),
        (Self::Denied, 3, "not logged in, or not allowed to"),
        (Self::Missing, 4, "there is no such project, deployment or key, or it is not yours"),
        (Self::Unreachable, 5, "the server does not answer, or cannot at the moment: try again later"),
        (Self::Interrupted, 130, "ended by Ctrl-C"),
    ];

    const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::Missing => 4,
            Self::Unreachable => 5,
            Self::Interrupted => 130,
            Self::Of(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// A command has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// A sentence.
    message: String,
    /// What is behind it, nearest first.
    causes: Vec<String>,
    /// What to do about it.
    hint: Option<String>,
    pub(super) exit: Exit,
    /// Whether the server wants the code of a second factor too.
    pub(super) needs_code: bool,
    /// Whether it is about a project that was deleted.
    pub(super) is_deleted: bool,
}

impl Failure {
    /// A failure with the exit code 1.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            exit: Exit::Failed,
            needs_code: false,
            is_deleted: false,
        }
    }

    /// A mistake of whoever typed the command.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(message).with_exit(Exit::Usage)
    }

    /// Whether its message has some words already.
    pub(super) fn says(&self, words: &str) -> bool {
        self.message.contains(words)
    }

    pub(super) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds an error with everything that is behind it.
    pub(super) fn caused_by(self, error: &dyn Error) -> Self {
        self.with_cause(with_causes(error))
    }

    /// The lines for standard error. Whatever the server has said is in them: they are made safe here.
    pub(super) fn render(&self, colour: bool) -> String {
        let label = |word: &str, style: &str| {
            if colour { format!("\u{1b}[{style}m{word}\u{1b}[0m") } else { word.to_owned() }
        };
        let mut lines = vec![format!("{} {}", label("error:", "1;31"), one_line(&self.message))];
        lines.extend(self.causes.iter().map(|cause| format!("{} {}", label("cause:", "1"), one_line(cause))));
        lines.extend(self.hint.iter().map(|hint| format!("{}  {}", label("hint:", "1;36"), one_line(hint))));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_message_cause_and_hint() {
        let failure =
            Failure::new("It \u{1b}[2J failed.").with_cause("one").with_cause("two\nlines").with_hint("do");
        assert_eq!(failure.render(false), "error: It ^[[2J failed.\ncause: one\ncause: two lines\nhint:  do");
        assert!(failure.render(true).starts_with("\u{1b}[1;31merror:\u{1b}[0m It ^[[2J"));
    }

    #[test]
    fn the_table_of_exit_codes_is_true() {
        for (exit, number, _) in Exit::TABLE {
            assert_eq!(exit.number(), number);
        }
    }
}
