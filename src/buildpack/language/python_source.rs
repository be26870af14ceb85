//! Python's source, divided as its own tokenizer would: enough to see what a module binds, and nothing of what it means.

/// The first words of each statement that starts in the first column: names, and punctuation one character each.
/// Comments are left out, and a string is one word.
pub(super) fn statements(text: &str) -> Vec<Vec<String>> {
    /// Enough for `name: annotation = module.Call(` and for a long import.
    const MOST_WORDS: usize = 64;
    let mut statements: Vec<Vec<String>> = Vec::new();
    let mut depth = 0_usize;
    let mut at_line_start = true;
    let mut top_level = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let starts_line = std::mem::replace(&mut at_line_start, false);
        if starts_line && depth == 0 {
            top_level = !matches!(character, ' ' | '\t' | '#' | '\n' | '\r');
            if top_level {
                statements.push(Vec::new());
            }
        }
        let length = match character {
            '\n' => {
                at_line_start = true;
                1
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => string_length(rest, character),
            // A line that is continued does not start a statement.
            '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ if is_name_character(character) => rest.find(|c| !is_name_character(c)).unwrap_or(rest.len()),
            _ => character.len_utf8(),
        };
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 && top_level => statements.push(Vec::new()),
            _ => {}
        }
        let is_word = top_level && !character.is_whitespace() && !matches!(character, '#' | '\\' | ';');
        if is_word
            && let Some(words) = statements.last_mut()
            && words.len() < MOST_WORDS
        {
            words.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
    }
    statements
}

fn is_name_character(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// Bytes of the string literal that the text starts with, quotes included. One that is not closed ends with its line.
fn string_length(text: &str, quote: char) -> usize {
    let triple = String::from(quote).repeat(3);
    let (closing, opening) = if text.starts_with(&triple) { (triple.as_str(), 3) } else { (&triple[..1], 1) };
    let mut position = opening;
    while let Some(character) = text[position..].chars().next() {
        if text[position..].starts_with(closing) {
            return position + closing.len();
        }
        if character == '\n' && closing.len() == 1 {
            return position;
        }
        position += character.len_utf8();
        if character == '\\' {
            position += text[position..].chars().next().map_or(0, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn hostile_text_ends() {
        for text in ["\"", "'''", "\\", "\"\\", "((((", "))))", "é = \"é", "\u{0}\u{1b}", "\r\r\r"] {
            statements(text);
        }
        statements(&"(".repeat(1 << 20));
        statements(&"'".repeat(1 << 20));
    }
}
