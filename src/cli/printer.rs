//! The only writer to standard output and standard error of a command.

use std::io::Write;

/// The answer of the command. A reader that is gone (`gilgal plan | head`) is not an error.
pub(super) fn line(text: &str) {
    writeln!(std::io::stdout(), "{text}").ok();
}

/// Where a command writes an answer that is no text.
pub(super) fn output() -> impl Write {
    std::io::stdout().lock()
}

/// What went wrong.
pub(super) fn error(text: &str) {
    writeln!(std::io::stderr(), "{text}").ok();
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
