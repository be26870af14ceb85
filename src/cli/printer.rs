//! The only writer to standard output and standard error of a command, and what it knows about where they lead.

use crate::config::Variables;
use std::io::{self, IsTerminal, Write};

/// The answer of the command. A reader that is gone (`gilgal plan | head`) is not an error.
pub(super) fn line(text: &str) {
    writeln!(io::stdout(), "{text}").ok();
}

/// Part of an answer that goes on for as long as somebody reads it, on the screen at once.
///
/// # Errors
/// When the reader is gone: there is no use in going on.
pub(super) fn write(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// What somebody else has printed, to where it was printed, on the screen at once.
///
/// # Errors
/// When the reader is gone: there is no use in going on.
pub(super) fn pass(bytes: &[u8], to_errors: bool) -> io::Result<()> {
    fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
        to.write_all(bytes).and_then(|()| to.flush())
    }
    if to_errors { write(io::stderr().lock(), bytes) } else { write(io::stdout().lock(), bytes) }
}

/// Where a command writes an answer that is no text.
pub(super) fn output() -> impl Write {
    std::io::stdout().lock()
}

/// What went wrong.
pub(super) fn error(text: &str) {
    writeln!(io::stderr(), "{text}").ok();
}

/// A question, without a line end; on standard error, so that it does not become part of an answer in a pipe.
pub(super) fn ask(text: &str) {
    let mut output = io::stderr().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).ok();
}

/// An error with its causes: `a: b: c`.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// Columns and rows of the terminal that answers are shown on; `None` where there is none.
pub(super) fn terminal_size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some((size.ws_col, size.ws_row))
}

/// Where an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// Columns of text; `None` where nothing has to fit, as in a pipe.
    pub(super) width: Option<usize>,
    /// Whether lines can be drawn over: standard output is a terminal that can.
    pub(super) live: bool,
    /// Whether colours are seen on standard output.
    pub(super) colour: bool,
    /// Whether colours are seen on standard error.
    pub(super) error_colour: bool,
}

impl Screen {
    /// Looks at the terminal of this process. `COLUMNS` says how wide it is where it is set, also for a pipe; `NO_COLOR`
    /// (no-color.org) and `TERM=dumb` turn colours off.
    pub(super) fn of_this_process(variables: &Variables) -> Self {
        let able = variables.get("TERM") != Some("dumb");
        let colourful = able && variables.get("NO_COLOR").is_none();
        let live = able && io::stdout().is_terminal();
        let said =
            variables.get("COLUMNS").and_then(|columns| columns.parse().ok()).filter(|width| *width > 0);
        let measured = || Some(usize::from(terminal_size()?.0)).filter(|width| *width > 0);
        Self {
            width: said.or_else(measured),
            live,
            colour: live && colourful,
            error_colour: colourful && io::stderr().is_terminal(),
        }
    }
}
