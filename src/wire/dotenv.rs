//! Config vars as a `.env` file.
//!
//! There is no standard; this is what the readers of Node.js, Python and Ruby agree on:
//!
//! * one `NAME=value` a line, perhaps with `export ` before it; space around the name and the value does not count;
//! * empty lines, and lines that begin with `#`, say nothing;
//! * a value without quotes ends with its line, or at a `#` that has a space before it;
//! * in `'…'` every character stands for itself, and a value may have several lines;
//! * in `"…"` it may as well, and `\n`, `\r`, `\t`, `\"`, `\\`, `\$` stand for what they do elsewhere;
//! * behind a closing quote only a comment may come.
//!
//! `${NAME}` refers to another config var, except in `'…'` and behind a `\`.

use crate::model::config::literal;
use crate::model::name::ConfigName;
use std::collections::BTreeSet;

/// A line of the text is not as it should be: a sentence that holds no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}: {fault}")]
pub struct DotenvError {
    pub line: usize,
    pub fault: String,
}

/// The config vars that a text sets, in its order.
///
/// # Errors
/// At the first line that is not understood, or sets a name once more.
pub fn parse(text: &str) -> Result<Vec<(ConfigName, String)>, DotenvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found: Vec<(ConfigName, String)> = Vec::new();
    let mut names = BTreeSet::new();
    let (mut rest, mut line) = (text, 1);
    while !rest.is_empty() {
        let failed = |fault: String| DotenvError { line, fault };
        let (first, behind) = split_line(rest);
        let trimmed = first.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            (rest, line) = (behind, line + 1);
            continue;
        }
        let Some((name, _)) = first.split_once('=') else {
            return Err(failed("there is no `=` in it. Write NAME=value.".to_owned()));
        };
        let after = &rest[name.len() + 1..];
        let name = name.trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        let name: ConfigName =
            name.parse().map_err(|error: crate::model::name::InvalidName| failed(error.to_string()))?;
        let (value, behind) = value(after).map_err(failed)?;
        if !names.insert(name.clone()) {
            return Err(failed(format!("{name} is set twice.")));
        }
        found.push((name, value));
        let read = rest.len() - behind.len();
        line += rest[..read].matches('\n').count().max(1);
        rest = behind;
    }
    Ok(found)
}

/// The value at the beginning of a text, and what comes after its line.
fn value(text: &str) -> Result<(String, &str), String> {
    let (line, behind) = split_line(text);
    let begun = line.trim_start();
    let Some(quote) = begun.chars().next().filter(|first| matches!(first, '\'' | '"')) else {
        let comment = [" #", "\t#"].iter().filter_map(|comment| line.find(comment)).min();
        return Ok((line[..comment.unwrap_or(line.len())].trim().to_owned(), behind));
    };
    let inside = &text[line.len() - begun.len() + 1..];
    let (value, after) = quoted(inside, quote)?;
    let (left, behind) = split_line(after);
    let left = left.trim();
    if left.is_empty() || left.starts_with('#') {
        Ok((value, behind))
    } else {
        Err(format!("there is something behind the closing {quote}."))
    }
}

/// The value up to the closing quote, and what comes after it.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == quote => {
                let value = if quote == '\'' { literal(&value) } else { value };
                return Ok((value, &text[at + 1..]));
            }
            '\\' if quote == '"' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                Some((at, '$')) if text[at..].starts_with("${") => value.push_str("$$"),
                Some((_, escaped @ ('"' | '\\' | '$'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            // The end of a line is one character, whatever the editor makes of it.
            '\r' if text[at..].starts_with("\r\n") => {}
            other => value.push(other),
        }
    }
    Err(format!("the value that begins with {quote} does not end."))
}

fn split_line(text: &str) -> (&str, &str) {
    let (line, behind) = text.split_once('\n').unwrap_or((text, ""));
    (line.strip_suffix('\r').unwrap_or(line), behind)
}

/// A config var as it stands in the text: `None` for the value of one that must not be shown, which becomes a comment.
#[must_use]
pub fn line(name: &ConfigName, value: Option<&str>) -> String {
    let Some(value) = value else { return format!("# {name} is a secret, and is not shown.\n") };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if value.chars().all(plain) {
        return format!("{name}={value}\n");
    }
    let mut text = format!("{name}=\"");
    let mut rest = value;
    while let Some(character) = rest.chars().next() {
        // `$${` is how a value says that it means no reference: `\${` is the same here.
        if let Some(after) = rest.strip_prefix("$${") {
            text.push_str("\\${");
            rest = after;
            continue;
        }
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '"' | '\\' => text.extend(['\\', character]),
            other => text.push(other),
        }
        rest = &rest[character.len_utf8()..];
    }
    text.push_str("\"\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    fn value_of(text: &str) -> String {
        let mut pairs = pairs(text);
        assert_eq!(pairs.len(), 1, "{pairs:?}");
        pairs.remove(0).1
    }

    #[test]
    fn each_way_to_write_a_value() {
        for (text, value) in [
            ("A=b", "b"),
            ("  export  A = b c  ", "b c"),
            ("A=", ""),
            ("A=b # comment", "b"),
            ("A=b#c", "b#c"),
            ("A=b=c", "b=c"),
            ("A=b\r\n", "b"),
            ("\u{feff}A=b", "b"),
            ("A='b # c' # d", "b # c"),
            ("A='b\\n${C}'", "b\\n$${C}"),
            ("A='one\ntwo\r\nthree'", "one\ntwo\nthree"),
            ("A=\"one\ntwo\"", "one\ntwo"),
            (r#"A="a\nb\tc\"d\\e\x""#, "a\nb\tc\"d\\e\\x"),
            (r#"A="\${B} ${B} \$B $B""#, "$${B} ${B} $B $B"),
            ("A=${B}", "${B}"),
            ("A=don't", "don't"),
        ] {
            assert_eq!(value_of(text), value, "{text:?}");
        }
    }

    #[test]
    fn lines_are_counted_and_empty_ones_skipped() {
        let text = "# first\n\nA=1\n  # more\nB='x\ny'\nC=3\n";
        assert_eq!(pairs(text).len(), 3);
        let refused = |text: &str| parse(text).unwrap_err().to_string();
        let sentences = [
            refused("A=1\nnothing\n"),
            refused("A='x\ny'\nB-C=1"),
            refused("A=1\nB=2\nA=3"),
            refused("A=\"open"),
            refused("A='x' y"),
            refused("=1"),
        ];
        insta::assert_snapshot!(sentences.join("\n"));
        assert!(sentences.iter().all(|sentence| !sentence.contains("open")));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in [
            "",
            "plain",
            "two words",
            "a\nb\r\n\tc",
            "\"'\\",
            "#",
            " leading and trailing ",
            "${A}",
            "$${A}",
            "$$${A}",
            "$A \\$",
            "ünï",
        ] {
            assert_eq!(value_of(&line(&"A".parse().unwrap(), Some(value))), value);
        }
        assert_eq!(pairs(&line(&"A".parse().unwrap(), None)), []);
    }
}
