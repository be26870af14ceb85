//! What a log line looks like to the person who pushed: the prefixes that people and tools know from Heroku and Dokku.
//!
//! Text of the app and of its build is data. It may bring colour; whatever else a terminal would obey is shown instead of
//! sent, and since every line gets a prefix here, none of it can pass for one of ours.

use crate::model::log::Stream;
use std::fmt::Write as _;

/// In front of the second and later lines of a text, and of every detail.
const INDENT: &str = "       ";

/// A line of the log as bytes for a terminal, without a line end; a text of several lines gives as many, each prefixed.
#[must_use]
pub fn render(stream: Stream, text: &str) -> String {
    let (first, rest) = prefixes(stream);
    let mut shown = String::with_capacity(text.len() + INDENT.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            shown.push('\n');
        }
        shown.push_str(if number == 0 { first } else { rest });
        push_safely(&mut shown, line.strip_suffix('\r').unwrap_or(line));
    }
    shown
}

/// A text that came from elsewhere, made safe to stand within one line of ours: a line end is shown too.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    push_safely(&mut safe, text);
    safe
}

const fn prefixes(stream: Stream) -> (&'static str, &'static str) {
    match stream {
        Stream::Step => ("-----> ", INDENT),
        Stream::Outcome => ("=====> ", INDENT),
        Stream::Notice => (" !     ", " !     "),
        Stream::Detail | Stream::Build | Stream::App => (INDENT, INDENT),
    }
}

const RESET: &str = "\u{1b}[0m";

/// Appends one line in which only printable text, tabs and colours are left as they are.
fn push_safely(shown: &mut String, line: &str) {
    let mut coloured = false;
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        if let Some(colour) = colour_at(rest) {
            shown.push_str(colour);
            coloured = !matches!(colour, "\u{1b}[m" | RESET);
            rest = &rest[colour.len()..];
            continue;
        }
        match character {
            '\t' => shown.push('\t'),
            character if character.is_control() => push_caret(shown, character),
            character => shown.push(character),
        }
        rest = &rest[character.len_utf8()..];
    }
    // A colour left on would tint our own next line.
    if coloured {
        shown.push_str(RESET);
    }
}

/// The SGR sequence (ECMA-48 §8.3.117) that the text begins with: `ESC [`, digits and separators, `m`.
fn colour_at(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let length = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    let end = text.len() - parameters.len() + length;
    parameters[length..].starts_with('m').then(|| &text[..=end])
}

/// A control character as `cat -v` shows it: `^[` for escape, `M-^[` for its eight-bit sibling.
fn push_caret(shown: &mut String, character: char) {
    let code = u32::from(character);
    let (meta, code) = if code >= 0x80 { ("M-", code - 0x80) } else { ("", code) };
    // 0x7f becomes `^?`; every other one the letter 64 above.
    let letter = char::from_u32(code ^ 0x40).unwrap_or('?');
    let _ = write!(shown, "{meta}^{letter}");
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
            assert_eq!(render(stream, "text"), line);
        }
    }

    #[test]
    fn every_line_of_a_text_is_prefixed() {
        let forged = "fine\r\n-----> Released v8\n\n=====> deployed";
        let shown = "       fine\n       -----> Released v8\n       \n       =====> deployed";
        assert_eq!(render(Stream::Build, forged), shown);
        assert_eq!(render(Stream::Notice, "one\ntwo"), " !     one\n !     two");
    }

    #[test]
    fn colour_passes_and_is_ended() {
        for (text, shown) in [
            ("\u{1b}[31mred\u{1b}[0m", "       \u{1b}[31mred\u{1b}[0m"),
            ("\u{1b}[1;38;5;208mbold", "       \u{1b}[1;38;5;208mbold\u{1b}[0m"),
            ("\u{1b}[4:3mcurl\u{1b}[m", "       \u{1b}[4:3mcurl\u{1b}[m"),
        ] {
            assert_eq!(render(Stream::App, text), shown);
        }
    }

    #[test]
    fn a_text_within_a_line_stays_there() {
        assert_eq!(shown("refs/x\n-----> forged\u{1b}[2J"), "refs/x^J-----> forged^[[2J");
    }

    #[test]
    fn every_other_control_is_shown() {
        for (text, shown) in [
            ("\u{1b}[2J\u{1b}[1;1H", "^[[2J^[[1;1H"),
            ("\u{1b}]0;title\u{7}", "^[]0;title^G"),
            ("\u{1b}P+q\u{1b}\\", "^[P+q^[\\"),
            ("10%\r20%", "10%^M20%"),
            ("a\u{8}b\u{0}\u{7f}", "a^Hb^@^?"),
            ("\u{9b}2J", "M-^[2J"),
            ("\u{1b}[31", "^[[31"),
            ("\u{1b}[?25l", "^[[?25l"),
            ("\u{1b}", "^["),
            ("a\tb", "a\tb"),
            ("ünï 🚀", "ünï 🚀"),
        ] {
            assert_eq!(render(Stream::Build, text), format!("{INDENT}{shown}"), "{text:?}");
        }
    }
}
