//! What a configuration file in JavaScript or TypeScript says about one of its settings, without running it.
//!
//! The text is divided into words as JavaScript's own tokenizer would; the settings are the keys of object literals.
//! A function around them (`defineConfig(() => ({ … }))`) changes nothing, a function or call below a key does not hide
//! what is inside it: `adapter: node({ mode: 'standalone' })` is `adapter.mode`.

use crate::buildpack::documents::Documents;
use crate::buildpack::found::Found;
use crate::buildpack::language::jsonc::comment_length;
use crate::buildpack::pattern::Pattern;
use crate::buildpack::refusal::Refusal;
use serde_json::Value;

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Setting {
    Text(String),
    Flag(bool),
    /// An expression: its value is only known to who runs the file.
    Computed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// A name or a number.
    Name(String),
    /// A string literal without anything computed in it.
    Text(String),
    /// A template literal with something computed in it.
    Computed,
    Sign(char),
}

impl Setting {
    /// The value, where it is not an expression.
    pub(crate) fn value(self) -> Option<Value> {
        match self {
            Self::Text(text) => Some(text.into()),
            Self::Flag(flag) => Some(flag.into()),
            Self::Computed => None,
        }
    }
}

/// Settings that are nested deeper are nobody's.
const DEEPEST: usize = 64;

/// A bracket that is open, and the key that is being given its value in it.
struct Open {
    is_object: bool,
    key: Option<String>,
}

/// A setting in the first of the files that exists, or the part of it that a pattern finds. An expression is not found.
///
/// # Errors
/// When the file cannot be read as text.
pub(crate) fn find(
    documents: &Documents<'_>,
    files: &[String],
    path: &str,
    matches: Option<&Pattern>,
) -> Result<Option<Found>, Refusal> {
    let found = first(documents, files, path)?;
    Ok(found.and_then(|(setting, from)| {
        let value = match (setting.value()?, matches) {
            (Value::String(text), Some(pattern)) => pattern.find(&text)?.into(),
            (value, None) => value,
            (_, Some(_)) => return None,
        };
        Some(Found { value, from })
    }))
}

/// Where a setting is given by an expression, in the first of the files that exists.
///
/// # Errors
/// As [`find`].
pub(crate) fn find_computed(
    documents: &Documents<'_>,
    files: &[String],
    path: &str,
) -> Result<Option<String>, Refusal> {
    let found = first(documents, files, path)?;
    Ok(found.filter(|(setting, _)| *setting == Setting::Computed).map(|(_, from)| from))
}

fn first(
    documents: &Documents<'_>,
    files: &[String],
    path: &str,
) -> Result<Option<(Setting, String)>, Refusal> {
    let Some(file) = files.iter().find(|file| documents.has_file(file)) else { return Ok(None) };
    let setting = documents.text(file)?.and_then(|text| setting(&text, path));
    Ok(setting.map(|setting| (setting, format!("{file}: {path}"))))
}

/// The value of the setting at a dotted path (`build.outDir`); the first one where it is given twice.
pub(crate) fn setting(text: &str, path: &str) -> Option<Setting> {
    let words = words(text);
    let mut open: Vec<Open> = Vec::new();
    for (position, word) in words.iter().enumerate() {
        if open.len() > DEEPEST {
            return None;
        }
        match word {
            Word::Sign(bracket @ ('{' | '[' | '(')) => {
                open.push(Open { is_object: *bracket == '{', key: None });
            }
            Word::Sign('}' | ']' | ')') => {
                open.pop();
            }
            Word::Sign(',' | ';') => {
                if let Some(innermost) = open.last_mut() {
                    innermost.key = None;
                }
            }
            Word::Name(name) | Word::Text(name) => {
                let Some(innermost) = open.last_mut().filter(|innermost| innermost.is_object) else {
                    continue;
                };
                match role(&words, position) {
                    Role::Value => {}
                    Role::Return => innermost.key = None,
                    Role::Method => innermost.key = Some(name.clone()),
                    Role::Key | Role::Shorthand => {
                        innermost.key = Some(name.clone());
                        if open.iter().filter_map(|level| level.key.as_deref()).eq(path.split('.')) {
                            return Some(value(&words[position + 1..]));
                        }
                    }
                }
            }
            Word::Computed | Word::Sign(_) => {}
        }
    }
    None
}

/// What a word is to the object literal that it stands in.
enum Role {
    /// `outDir: …`
    Key,
    /// `outDir,`: the value is that of a variable.
    Shorthand,
    /// `webpack(config) { … }`: what is inside belongs to it.
    Method,
    /// The braces were those of a function, and what follows is its answer.
    Return,
    Value,
}

fn role(words: &[Word], position: usize) -> Role {
    let before = position.checked_sub(1).map(|before| &words[before]);
    let after = words.get(position + 1);
    let opens = matches!(before, Some(Word::Sign('{' | ',')))
        || matches!(before, Some(Word::Name(name)) if name == "async");
    match after {
        _ if words[position] == Word::Name("return".to_owned()) => Role::Return,
        Some(Word::Sign(':')) if opens => Role::Key,
        Some(Word::Sign(',' | '}')) if opens => Role::Shorthand,
        Some(Word::Sign('(')) if opens => Role::Method,
        _ => Role::Value,
    }
}

/// The value that follows a key: the words from its colon on.
fn value(words: &[Word]) -> Setting {
    let ends = matches!(words.get(2), None | Some(Word::Sign(',' | '}')))
        || matches!(words.get(2), Some(Word::Name(name)) if name == "as" || name == "satisfies");
    match (words.first(), words.get(1)) {
        (Some(Word::Sign(':')), Some(Word::Text(text))) if ends => Setting::Text(text.clone()),
        (Some(Word::Sign(':')), Some(Word::Name(name))) if ends && name == "true" => Setting::Flag(true),
        (Some(Word::Sign(':')), Some(Word::Name(name))) if ends && name == "false" => Setting::Flag(false),
        _ => Setting::Computed,
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = if rest.starts_with("//") || rest.starts_with("/*") {
            comment_length(rest)
        } else if matches!(character, '"' | '\'' | '`') {
            let length = string_length(rest, character);
            let inside = rest[1..length].strip_suffix(character).unwrap_or(&rest[1..length]);
            let is_computed = inside.contains('\\') || (character == '`' && inside.contains("${"));
            words.push(if is_computed { Word::Computed } else { Word::Text(inside.to_owned()) });
            length
        } else if character == '/' && starts_pattern(words.last()) {
            words.push(Word::Computed);
            pattern_length(rest)
        } else if is_name_character(character) {
            let length = rest.find(|c| !is_name_character(c)).unwrap_or(rest.len());
            words.push(Word::Name(rest[..length].to_owned()));
            length
        } else {
            if !character.is_whitespace() {
                words.push(Word::Sign(character));
            }
            character.len_utf8()
        };
        rest = &rest[length..];
    }
    words
}

/// Whether a slash after this word begins a regular expression and is no division.
fn starts_pattern(before: Option<&Word>) -> bool {
    match before {
        None => true,
        Some(Word::Sign(sign)) => !matches!(sign, ')' | ']' | '}'),
        Some(Word::Name(name)) => name == "return",
        Some(Word::Text(_) | Word::Computed) => false,
    }
}

fn is_name_character(character: char) -> bool {
    matches!(character, '_' | '$') || character.is_alphanumeric()
}

/// Bytes of the string literal that the text starts with, quotes included. One that is not closed ends with its line.
pub(crate) fn string_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (position, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\n' if quote != '`' => return position,
            _ if character == quote => return position + 1,
            _ => {}
        }
    }
    text.len()
}

/// Bytes of the regular expression that the text starts with; just its slash where it does not end on its line.
fn pattern_length(text: &str) -> usize {
    let mut is_escaped = false;
    let mut in_class = false;
    for (position, character) in text.char_indices().skip(1) {
        match character {
            '\n' => break,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => return position + 1,
            _ => {}
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::{Setting, setting, words};

    #[expect(clippy::unnecessary_wraps, reason = "it stands in a table beside None")]
    fn text(value: &str) -> Option<Setting> {
        Some(Setting::Text(value.to_owned()))
    }

    #[test]
    fn a_setting_is_found_where_the_framework_would_find_it() {
        for (source, expected) in [
            ("export default { build: { outDir: 'www' } }", text("www")),
            (
                "export default defineConfig({ plugins: [vue()], build: { outDir: \"../www\", } })",
                text("../www"),
            ),
            (
                "export default defineConfig(({ mode }) => { return { build: { outDir: `www` } } })",
                text("www"),
            ),
            ("module.exports = { 'build': { 'outDir': 'www' as const } } satisfies Config", text("www")),
            (
                "// build: { outDir: 'a' }\nexport default { /* outDir: 'b' */ build: { outDir: 'c' } }",
                text("c"),
            ),
            ("export default { build: { outDir: process.env.OUT ?? 'www' } }", Some(Setting::Computed)),
            ("export default { build: { outDir: `${x}/www` } }", Some(Setting::Computed)),
            ("export default { build: { outDir: 'a' + b } }", Some(Setting::Computed)),
            ("export default { build: { outDir } }", Some(Setting::Computed)),
            ("export default { outDir: 'www' }", None),
            ("export default { test: { build: { outDir: 'www' } } }", None),
            ("export default { worker: (c) => { return { build: { outDir: 'www' } } } }", None),
            ("export default { webpack(c) { return { build: { outDir: 'www' } } } }", None),
            (
                "export default { async a() { f({ build: { outDir: 'a' } }) }, build: { outDir: 'www' } }",
                text("www"),
            ),
            ("export default { text: \"build: { outDir: 'www' }\" }", None),
            ("export default { match: /[/{]'/, build: { outDir: 'www' } }", text("www")),
            ("", None),
        ] {
            assert_eq!(setting(source, "build.outDir"), expected, "{source}");
        }
    }

    #[test]
    fn calls_below_a_key_are_looked_into() {
        let source = "export default { kit: { adapter: adapter({ pages: 'site', strict: false }) } }";
        assert_eq!(setting(source, "kit.adapter.pages"), text("site"));
        assert_eq!(setting(source, "kit.adapter.strict"), Some(Setting::Flag(false)));
        assert_eq!(setting("const c: NextConfig = { output: 'export' };", "output"), text("export"));
    }

    #[test]
    fn hostile_text_ends() {
        for text in ["'", "`${", "/*", "/", "\\", "{{{", "}}}", "é: 'é", "'\\", "/[", "\u{0}"] {
            words(text);
            setting(text, "a.b");
        }
        setting(&"{a:".repeat(1 << 16), "a.b");
        setting(&"'".repeat(1 << 18), "a");
    }
}
