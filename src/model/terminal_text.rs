//! Text that came from an app, a build or a pusher, made safe for a terminal.
//!
//! A terminal obeys more than it prints: escape sequences move the cursor over lines that are ours, direction marks turn
//! the order of what is read, characters without width hide in a name. Printable text, tabs and colours are sent as they
//! are; everything else is shown instead of sent.

use super::report::Colour;
use std::fmt::Write as _;

const RESET: &str = "\u{1b}[0m";
/// Longest sequence of colours that passes; the longest useful ones set two 24-bit colours and an attribute.
const LONGEST_COLOUR: usize = 64;

/// Appends one line in which only printable text, tabs and colours are left as they are; without colours where none can
/// be seen.
pub fn push_safely(shown: &mut String, line: &str, colour: Colour) {
    let mut coloured = false;
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        if let Some(sequence) = colour_at(rest) {
            match colour {
                Colour::Shown => {
                    shown.push_str(sequence);
                    coloured = !matches!(sequence, "\u{1b}[m" | RESET);
                }
                Colour::Plain => {}
            }
            rest = &rest[sequence.len()..];
            continue;
        }
        match character {
            '\t' => shown.push('\t'),
            character if character.is_control() => push_caret(shown, character),
            character if is_unseen(character) => {
                let _ = write!(shown, "<U+{:04X}>", u32::from(character));
            }
            character => shown.push(character),
        }
        rest = &rest[character.len_utf8()..];
    }
    // A colour left on would tint our own next line.
    if coloured {
        shown.push_str(RESET);
    }
}

/// A text in one line without colours, in which nothing can move the cursor, not even a line end or a tab.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (number, part) in text.split(['\n', '\t']).enumerate() {
        if number > 0 {
            shown.push(' ');
        }
        push_safely(&mut shown, part, Colour::Plain);
    }
    shown
}

/// The harmless SGR sequence (ECMA-48 §8.3.117) that the text begins with: `ESC [`, parameters, `m`.
fn colour_at(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let length = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    let end = text.len() - parameters.len() + length;
    let passes = length <= LONGEST_COLOUR
        && parameters[length..].starts_with('m')
        && is_harmless(&parameters[..length]);
    passes.then(|| &text[..=end])
}

/// Whether each parameter of a sequence is a colour or an attribute that leaves the text readable. Blinking (5, 6) and
/// concealing (8) do not, fonts and the parameters that nobody has defined are refused with them.
fn is_harmless(parameters: &str) -> bool {
    let mut parameters = parameters.split(';');
    while let Some(parameter) = parameters.next() {
        // `38:2::255:0:0` carries its colour within itself, `38;5;208` in the parameters behind it.
        let (number, within) =
            parameter.split_once(':').map_or((parameter, false), |(first, _)| (first, true));
        let number = if number.is_empty() { Some(0) } else { number.parse::<u8>().ok() };
        match number {
            Some(38 | 48 | 58) if !within => {
                let values = match parameters.next() {
                    Some("5") => 1,
                    Some("2") => 3,
                    Some(_) | None => return false,
                };
                let numbers = parameters.by_ref().take(values).filter(|value| value.parse::<u8>().is_ok());
                if numbers.count() != values {
                    return false;
                }
            }
            Some(0..=4 | 7 | 9 | 21..=25 | 27..=49 | 53 | 55 | 58 | 59 | 90..=97 | 100..=107) => {}
            Some(_) | None => return false,
        }
    }
    true
}

/// Characters that leave no mark or turn the direction of their neighbours: Unicode's format characters, the fillers that
/// look like nothing, and the separators that some terminals take for line ends.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
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

    fn safe(text: &str, colour: Colour) -> String {
        let mut shown = String::new();
        push_safely(&mut shown, text, colour);
        shown
    }

    #[test]
    fn colour_passes_and_is_ended() {
        for (text, shown) in [
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
            ("\u{1b}[1;38;5;208mbold", "\u{1b}[1;38;5;208mbold\u{1b}[0m"),
            ("\u{1b}[38;2;1;2;3;48;5;9mx", "\u{1b}[38;2;1;2;3;48;5;9mx\u{1b}[0m"),
            ("\u{1b}[38:2::1:2:3mx", "\u{1b}[38:2::1:2:3mx\u{1b}[0m"),
            ("\u{1b}[4:3mcurl\u{1b}[m", "\u{1b}[4:3mcurl\u{1b}[m"),
        ] {
            assert_eq!(safe(text, Colour::Shown), shown);
        }
    }

    #[test]
    fn where_no_colour_is_seen_none_is_sent() {
        let text = "\u{1b}[1;31mred\u{1b}[0m and \u{1b}[32mgreen";
        assert_eq!(safe(text, Colour::Plain), "red and green");
        // What is not a colour is shown all the same.
        assert_eq!(safe("\u{1b}[2Jx\u{1b}[8my", Colour::Plain), "^[[2Jx^[[8my");
    }

    #[test]
    fn one_line_stays_one() {
        assert_eq!(one_line("a\nb\tc\u{1b}[31md\u{1b}[2J\r"), "a b cd^[[2J^M");
    }

    #[test]
    fn what_hides_text_is_no_colour() {
        for parameters in
            ["8", "1;8", "5", "6", "0;8;31", "38;5", "38;5;300", "38;2;1;2", "10", "26", "999", "38;7;1"]
        {
            let text = format!("\u{1b}[{parameters}mhidden");
            assert_eq!(safe(&text, Colour::Shown), format!("^[[{parameters}mhidden"));
        }
        let long = format!("\u{1b}[{}0mx", "0;".repeat(40));
        assert!(safe(&long, Colour::Shown).starts_with("^[["));
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        for (text, shown) in [
            ("\u{202e}txt.exe\u{202c}", "<U+202E>txt.exe<U+202C>"),
            ("a\u{2066}b\u{2069}c\u{200e}\u{200f}\u{61c}", "a<U+2066>b<U+2069>c<U+200E><U+200F><U+061C>"),
            ("ad\u{200b}min\u{2060}\u{feff}", "ad<U+200B>min<U+2060><U+FEFF>"),
            ("one\u{2028}two", "one<U+2028>two"),
            ("tag\u{e0041}", "tag<U+E0041>"),
        ] {
            assert_eq!(safe(text, Colour::Shown), shown);
        }
    }

    #[test]
    fn every_other_control_is_shown() {
        for (text, shown) in [
            ("\u{1b}[2J\u{1b}[1;1H", "^[[2J^[[1;1H"),
            ("\u{1b}]0;title\u{7}", "^[]0;title^G"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "^[]8;;http://x^[\\link"),
            ("\u{1b}P+q\u{1b}\\", "^[P+q^[\\"),
            ("10%\r20%", "10%^M20%"),
            ("a\u{8}b\u{0}\u{7f}", "a^Hb^@^?"),
            ("\u{9b}2J\u{85}", "M-^[2JM-^E"),
            ("\u{1b}[31", "^[[31"),
            ("\u{1b}[?25l", "^[[?25l"),
            ("\u{1b}", "^["),
            ("a\tb", "a\tb"),
            ("ünï 🚀 שלום", "ünï 🚀 שלום"),
        ] {
            assert_eq!(safe(text, Colour::Shown), shown, "{text:?}");
        }
    }
}
