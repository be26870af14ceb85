//! Reading Rust just well enough: the product's code without comments, texts and tests.

use crate::paths::{NamedPath, paths};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One file of the product.
pub(crate) struct Source {
    /// As in a message: `src/api/logs.rs`.
    pub(crate) name: String,
    /// The module at the top level that it belongs to: `api`.
    pub(crate) module: String,
    /// Lines without those of tests.
    pub(crate) lines: usize,
    pub(crate) paths: Vec<NamedPath>,
}

impl Source {
    /// The module at the top level that a path of this crate leads to.
    pub(crate) fn target(path: &NamedPath) -> Option<&str> {
        path.path.strip_prefix("crate::")?.split("::").next()
    }
}

/// Every file below `src`, in order, without files that are tests as a whole.
pub(crate) fn read_all(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    walk(&root.join("src"), &mut files);
    files.sort();
    let contents: Vec<(PathBuf, String)> =
        files.into_iter().map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect();
    let tests: Vec<PathBuf> = contents.iter().flat_map(|(file, text)| test_files(file, text)).collect();
    let is_test =
        |file: &Path| tests.iter().any(|test| file == test || file.starts_with(test.with_extension("")));
    contents.iter().filter(|(file, _)| !is_test(file)).map(|(file, text)| parse(root, file, text)).collect()
}

/// The text of every file below `src`, by its name, tests included.
pub(crate) fn texts(root: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    walk(&root.join("src"), &mut files);
    let named = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        (file.strip_prefix(root).unwrap().display().to_string(), text)
    };
    files.into_iter().map(named).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn parse(root: &Path, file: &Path, text: &str) -> Source {
    let place = file.strip_prefix(root.join("src")).unwrap().with_extension("");
    let mut modules: Vec<&str> = place.iter().map(|part| part.to_str().unwrap()).collect();
    if modules.last() == Some(&"mod") {
        modules.pop();
    }
    let code = without_texts(text);
    let tests = test_items(&code);
    let test_lines: usize = tests.iter().map(|range| code[range.clone()].matches('\n').count() + 1).sum();
    Source {
        name: file.strip_prefix(root).unwrap().display().to_string(),
        module: modules[0].to_owned(),
        lines: text.lines().count().saturating_sub(test_lines),
        paths: paths(&blank(&code, &tests), modules.len()),
    }
}

/// The files that are declared as `#[cfg(test)] mod name;`, also with a `#[path = "…"]`.
fn test_files(file: &Path, text: &str) -> Vec<PathBuf> {
    let code = without_texts(text);
    let mut files = Vec::new();
    for range in test_items(&code) {
        let (blanked, written) = (&code[range.clone()], &text[range]);
        let words: Vec<&str> = blanked.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
        let Some(at) = words.iter().position(|word| *word == "mod").filter(|_| blanked.ends_with(';')) else {
            continue;
        };
        let named = written.split_once("#[path = \"").and_then(|(_, rest)| rest.split_once('"'));
        let folder = match file.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") => file.parent().unwrap().to_owned(),
            _ if named.is_some() => file.parent().unwrap().to_owned(),
            _ => file.with_extension(""),
        };
        match named {
            Some((path, _)) => files.push(folder.join(path)),
            None => files.push(folder.join(format!("{}.rs", words[at + 1]))),
        }
    }
    files
}

/// The text with comments, string literals and character literals turned into spaces; every byte stays in its place.
pub(crate) fn without_texts(text: &str) -> String {
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let begins_word = !text[..at].ends_with(is_word);
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if rest.starts_with('"') {
            string(rest)
        } else if begins_word && (rest.starts_with("r\"") || rest.starts_with("r#") || rest.starts_with("br"))
        {
            raw_string(rest)
        } else if rest.starts_with('\'') {
            character(rest)
        } else {
            0
        };
        if length > 0 {
            ranges.push(at..at + length);
            at += length;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    blank(text, &ranges)
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `r"…"`, `r#"…"#` or `br"…"`; 0 for a word that only begins like one (`r#type`, `branch`).
fn raw_string(text: &str) -> usize {
    let body = text.strip_prefix('b').unwrap_or(text).strip_prefix('r').unwrap_or_default();
    let hashes = body.bytes().take_while(|byte| *byte == b'#').count();
    let Some(content) = body[hashes..].strip_prefix('"') else { return 0 };
    let end = format!("\"{}", "#".repeat(hashes));
    let begin = text.len() - content.len();
    content.find(&end).map_or(text.len(), |at| begin + at + end.len())
}

/// The length of a character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => {
            text[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 3)
        }
        Some(_) => characters.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// Where `#[cfg(test)]` stands, up to the end of the item behind it.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for (begin, attribute) in code.match_indices("#[cfg(test)]") {
        if items.last().is_none_or(|last| last.end <= begin) {
            items.push(begin..item_end(code, begin + attribute.len()));
        }
    }
    items
}

/// The end of an item: its `;`, or the brace that closes its body.
fn item_end(code: &str, begin: usize) -> usize {
    let (mut depth, mut in_body) = (0_usize, false);
    for (at, character) in code[begin..].char_indices() {
        match character {
            '(' | '[' => depth += 1,
            '{' => (depth, in_body) = (depth + 1, in_body || depth == 0),
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && in_body {
                    return begin + at + 1;
                }
            }
            ';' if depth == 0 => return begin + at + 1,
            _ => {}
        }
    }
    code.len()
}

fn blank(text: &str, ranges: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for byte in ranges.iter().cloned().flat_map(|range| range.start..range.end) {
        if bytes[byte] != b'\n' {
            bytes[byte] = b' ';
        }
    }
    String::from_utf8(bytes).unwrap()
}

pub(crate) const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii()
}
