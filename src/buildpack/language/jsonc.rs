//! JSON with comments, as Deno and Visual Studio Code write it.

use crate::buildpack::language::javascript::string_length;

/// JSON with comments as plain JSON: comments become spaces, so that places in the text stay what they are, and a comma
/// before a closing bracket is taken out.
pub(crate) fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut comma = None;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = if rest.starts_with("//") || rest.starts_with("/*") {
            let length = comment_length(rest);
            plain.extend(rest[..length].chars().map(|c| if c == '\n' { c } else { ' ' }));
            length
        } else if character == '"' {
            let length = string_length(rest, character);
            plain.push_str(&rest[..length]);
            comma = None;
            length
        } else {
            match (character, comma) {
                ('}' | ']', Some(comma)) => plain.replace_range(comma..=comma, " "),
                (',', _) => comma = Some(plain.len()),
                _ => {}
            }
            if !character.is_whitespace() && character != ',' {
                comma = None;
            }
            plain.push(character);
            character.len_utf8()
        };
        rest = &rest[length..];
    }
    plain
}

/// Bytes of the comment that the text starts with.
pub(crate) fn comment_length(text: &str) -> usize {
    let end = if text.starts_with("//") { text.find('\n') } else { text.find("*/").map(|end| end + 2) };
    end.unwrap_or(text.len())
}
