//! What a log line looks like to the person who pushed: the prefixes that people and tools know from Heroku and Dokku.
//!
//! Text of the app and of its build is data: `terminal_text` decides what of it reaches a terminal as it is. Since every
//! line gets a prefix here, none of it can pass for one of ours.

use super::terminal_text::push_safely;
use crate::model::log::Stream;

/// In front of the second and later lines of a text, and of every detail.
const INDENT: &str = "       ";

/// Whether the one who reads can see colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// A terminal: colours of an app or a build pass.
    Shown,
    /// A pipe, a file, or nobody knows: colours are left out.
    Plain,
}

/// A line of the log as bytes for a terminal, without a line end; a text of several lines gives as many, each prefixed.
#[must_use]
pub fn render(stream: Stream, text: &str, colour: Colour) -> String {
    let (first, rest) = prefixes(stream);
    let mut shown = String::with_capacity(text.len() + INDENT.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            shown.push('\n');
        }
        shown.push_str(if number == 0 { first } else { rest });
        push_safely(&mut shown, line.strip_suffix('\r').unwrap_or(line), colour);
    }
    shown
}

/// A line that an instance has printed, behind what says when and which it was: its own text can pass for no other's.
#[must_use]
pub fn render_behind(prefix: &str, text: &str, colour: Colour) -> String {
    let mut shown = String::with_capacity(prefix.len() + text.len());
    shown.push_str(prefix);
    push_safely(&mut shown, text, colour);
    shown
}

const fn prefixes(stream: Stream) -> (&'static str, &'static str) {
    match stream {
        Stream::Step => ("-----> ", INDENT),
        Stream::Outcome => ("=====> ", INDENT),
        Stream::Notice => (" !     ", " !     "),
        Stream::Detail | Stream::Build | Stream::App => (INDENT, INDENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_has_its_prefix() {
        for (stream, line) in [
            (Stream::Step, "-----> text"),
            (Stream::Outcome, "=====> text"),
            (Stream::Detail, "       text"),
            (Stream::Build, "       text"),
            (Stream::App, "       text"),
            (Stream::Notice, " !     text"),
        ] {
            assert_eq!(render(stream, "text", Colour::Shown), line);
        }
    }

    #[test]
    fn every_line_of_a_text_is_prefixed() {
        let forged = "fine\r\n-----> Released v8\n\n=====> deployed";
        let shown = "       fine\n       -----> Released v8\n       \n       =====> deployed";
        assert_eq!(render(Stream::Build, forged, Colour::Plain), shown);
        assert_eq!(render(Stream::Notice, "one\ntwo", Colour::Plain), " !     one\n !     two");
    }
}
