//! Finding the object that a WSGI server is pointed at, by reading the source as Python's own tokenizer would divide it.
//!
//! Only statements at the top of a module count: what a function or a class defines cannot be imported by name.

use crate::buildpack::documents::Documents;
use crate::buildpack::found::Found;
use crate::buildpack::refusal::Refusal;
use serde::Deserialize;

/// Where an application is looked for first, in the order in which projects use these names.
const USUAL_MODULES: [&str; 9] =
    ["wsgi", "asgi", "app", "main", "application", "server", "run", "api", "__init__"];

/// Folders in which a call makes an application for tests or examples, not the one to start.
const OTHER_FOLDERS: [&str; 8] =
    ["test", "tests", "docs", "examples", "migrations", "scripts", "site-packages", "venv"];

/// Files below this depth are not looked at: a module that a server starts is near the top.
const DEEPEST: usize = 2;

/// More files than this are not read in the search.
const MOST_CANDIDATES: usize = 100;

/// Whether a function `create_app` at the top of a module is an answer too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Factory {
    /// Where no module has the object itself; as `module:create_app()`, which gunicorn calls.
    #[default]
    Also,
    Never,
    /// Nothing else is; as `module:create_app`, for servers that are told to call it.
    Only,
}

/// `module:name` of the first `name = call(…)` at the top of a file, or of a factory.
///
/// # Errors
/// When a candidate cannot be read as text.
pub(crate) fn find_call(
    documents: &Documents<'_>,
    call: &str,
    factories: Factory,
) -> Result<Option<Found>, Refusal> {
    let mut candidates: Vec<&str> = documents.paths().filter(|path| is_candidate(path)).collect();
    candidates.sort_by_key(|path| (rank(path), path.matches('/').count(), *path));
    let mut factory = None;
    for path in candidates.into_iter().take(MOST_CANDIDATES) {
        let Some(text) = documents.text(path)? else { continue };
        if !text.contains(call) {
            continue;
        }
        let statements = statements(&text);
        let is_call = |words: &[String]| assigned_call(words, call);
        let called = statements.iter().find_map(|words| is_call(words));
        if let Some(name) = called.filter(|_| factories != Factory::Only) {
            return Ok(Some(object(path, &name)));
        }
        if factory.is_none() && statements.iter().any(|words| is_factory(words)) {
            factory = Some(path);
        }
    }
    Ok(match factories {
        Factory::Also => factory.map(|path| object(path, "create_app()")),
        Factory::Only => factory.map(|path| object(path, "create_app")),
        Factory::Never => None,
    })
}

/// `module:name` of the first of the names that a file assigns, defines or imports at its top.
///
/// # Errors
/// When the file cannot be read as text.
pub(crate) fn find_name(
    documents: &Documents<'_>,
    file: &str,
    names: &[String],
) -> Result<Option<Found>, Refusal> {
    let Some(text) = documents.text(file)? else { return Ok(None) };
    let statements = statements(&text);
    let is_bound = |name: &&String| statements.iter().any(|words| binds(words, name));
    Ok(names.iter().find(is_bound).map(|name| object(file, name)))
}

fn object(path: &str, name: &str) -> Found {
    let module = path.trim_end_matches(".py").trim_end_matches("/__init__").replace('/', ".");
    Found { value: format!("{module}:{name}").into(), from: path.to_owned() }
}

/// A path all parts of which can be imported by name.
fn is_candidate(path: &str) -> bool {
    let Some(module) = path.strip_suffix(".py") else { return false };
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let folders = module.rsplit_once('/').map_or("", |(folders, _)| folders);
    module.matches('/').count() <= DEEPEST
        && module.split('/').all(is_name)
        && !folders.split('/').any(|folder| OTHER_FOLDERS.contains(&folder))
}

fn rank(path: &str) -> usize {
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".py");
    USUAL_MODULES.iter().position(|usual| *usual == name).unwrap_or(USUAL_MODULES.len())
}

/// The name that a statement binds to the result of a call: `app = Flask(…)`, `app: Flask = flask.Flask(…)`.
fn assigned_call(words: &[String], call: &str) -> Option<String> {
    let equals = words.iter().position(|word| word == "=")?;
    let opening = words.iter().position(|word| word == "(").filter(|opening| *opening > equals + 1)?;
    let is_dotted = words[equals + 1..opening].chunks(2).all(|pair| pair.get(1).is_none_or(|dot| dot == "."));
    let names_call = is_dotted && words[opening - 1] == call;
    (names_call && binds(&words[..=equals], &words[0])).then(|| words[0].clone())
}

fn is_factory(words: &[String]) -> bool {
    matches!(words, [def, name, opening, ..] if def == "def" && name == "create_app" && opening == "(")
}

/// Whether a statement at the top of a module binds a name.
fn binds(words: &[String], name: &str) -> bool {
    let Some(first) = words.first() else { return false };
    match first.as_str() {
        "def" | "class" => words.get(1).is_some_and(|defined| defined == name),
        "async" => words.get(2).is_some_and(|defined| defined == name),
        "from" | "import" => {
            let Some(import) = words.iter().position(|word| word == "import") else { return false };
            words[import + 1..]
                .split(|word| word == ",")
                .filter_map(|part| part.iter().rev().find(|word| *word != ")" && *word != "("))
                .any(|imported| imported == name)
        }
        _ => {
            let follows = words.get(1).map_or("", String::as_str);
            first == name && (follows == "=" || (follows == ":" && words.iter().any(|word| word == "=")))
        }
    }
}

/// The first words of each statement that starts in the first column: names, and punctuation one character each.
/// Comments are left out, and a string is one word.
fn statements(text: &str) -> Vec<Vec<String>> {
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
    use super::{assigned_call, is_factory, statements};

    fn found(text: &str) -> Option<String> {
        statements(text).iter().find_map(|words| assigned_call(words, "Flask"))
    }

    #[test]
    fn the_object_is_found_as_python_would_bind_it() {
        for (text, name) in [
            ("app = Flask(__name__)", Some("app")),
            ("import flask\nweb: flask.Flask = flask.Flask(\n  __name__\n)", Some("web")),
            ("x = (\n  1,\n2)\nserver=Flask('x')", Some("server")),
            ("'''\napp = Flask(__name__)\n'''\nsite = Flask(__name__)", Some("site")),
            ("# app = Flask(1)\n", None),
            ("def f():\n    app = Flask(__name__)\n", None),
            ("s = 'app = Flask(1)'", None),
            ("app = MyFlask(__name__)", None),
            ("app = wrap(Flask(__name__))", None),
            ("app == Flask(1)", None),
            ("x = 'unclosed\napp = Flask(1)", Some("app")),
            ("import a; app = Flask(a)", Some("app")),
            ("x = \\\napp = Flask(1)", None),
        ] {
            assert_eq!(found(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn a_factory_is_a_function_at_the_top() {
        let is_found = |text: &str| statements(text).iter().any(|words| is_factory(words));
        assert!(is_found("import x\ndef create_app(config=None) -> Flask:\n  pass"));
        assert!(!is_found("class A:\n  def create_app(self): pass"));
    }

    #[test]
    fn hostile_text_ends() {
        for text in ["\"", "'''", "\\", "\"\\", "((((", "))))", "é = \"é", "\u{0}\u{1b}", "\r\r\r"] {
            statements(text);
        }
        statements(&"(".repeat(1 << 20));
        statements(&"'".repeat(1 << 20));
    }
}
