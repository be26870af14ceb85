//! Finding the object that a WSGI or ASGI server is pointed at, by what the source binds.
//!
//! Only statements at the top of a module count: what a function or a class defines cannot be imported by name.

use crate::buildpack::among::Several;
use crate::buildpack::documents::Documents;
use crate::buildpack::found::Found;
use crate::buildpack::language::python_source::statements;
use crate::buildpack::refusal::Refusal;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Where an application is looked for first, in the order in which projects use these names: with more files than are read it
/// is in one of them.
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

/// `module:name` of the only `name = call(…)` at the top of a file, or of the only factory.
///
/// # Errors
/// When a candidate cannot be read as text, and where there are several that could be started.
pub(crate) fn find_call(
    documents: &Documents<'_>,
    call: &str,
    factories: Factory,
    several: &Several,
) -> Result<Option<Found>, Refusal> {
    let mut candidates: Vec<&str> = documents.paths().filter(|path| is_candidate(path)).collect();
    candidates.sort_by_key(|path| (rank(path), path.matches('/').count(), *path));
    let mut objects: Vec<(String, Found)> = Vec::new();
    let mut makers: Vec<Found> = Vec::new();
    let mut mounted: BTreeSet<String> = BTreeSet::new();
    for path in candidates.into_iter().take(MOST_CANDIDATES) {
        let Some(text) = documents.text(path)? else { continue };
        if !text.contains(call) {
            continue;
        }
        let statements = statements(&text);
        mounted.extend(statements.iter().flat_map(|words| mounted_names(words)).cloned());
        let called = statements.iter().filter_map(|words| assigned_call(words, call));
        objects.extend(started(called.collect()).into_iter().map(|name| {
            let found = object(path, &name);
            (name, found)
        }));
        if statements.iter().any(|words| is_factory(words)) {
            let arguments = if factories == Factory::Also { "()" } else { "" };
            makers.push(object(path, &format!("create_app{arguments}")));
        }
    }
    // What another application answers a part of its paths with is not started by itself.
    objects.retain(|(name, _)| !mounted.contains(name));
    let objects: Vec<Found> = objects.into_iter().map(|(_, found)| found).collect();
    let answers = match factories {
        Factory::Never => objects,
        Factory::Only => makers,
        Factory::Also if objects.is_empty() => makers,
        Factory::Also => objects,
    };
    if answers.len() > 1 {
        return Err(several.refusal(answers.iter().filter_map(Found::text).collect()));
    }
    Ok(answers.into_iter().next())
}

/// Of the applications of one module the one that `flask run` and `fastapi run` would take by its name, else all.
fn started(names: BTreeSet<String>) -> BTreeSet<String> {
    let usual = ["app", "application"].into_iter().find(|usual| names.contains(*usual));
    usual.map_or(names, |usual| BTreeSet::from([usual.to_owned()]))
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
    let name = module.rsplit('/').next().unwrap_or(module);
    let is_test =
        matches!(name, "conftest" | "tests") || name.starts_with("test_") || name.ends_with("_test");
    module.matches('/').count() <= DEEPEST
        && !is_test
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

/// The names that are whole arguments of a call of `mount`: `api` of `app.mount("/api", api)`.
fn mounted_names(words: &[String]) -> impl Iterator<Item = &String> {
    let is_call = |pair: &[String]| pair[0] == "mount" && pair[1] == "(";
    let arguments = words.windows(2).position(is_call).map_or(words.len(), |position| position + 1);
    let is_argument = |around: &&[String]| {
        matches!(around[0].as_str(), "(" | "," | "=") && matches!(around[2].as_str(), ")" | ",")
    };
    let is_name = |word: &&String| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    words[arguments..].windows(3).filter(is_argument).map(|around| &around[1]).filter(is_name)
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

#[cfg(test)]
mod tests {
    use super::{assigned_call, is_factory, mounted_names, statements};

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
    fn what_is_mounted_is_a_whole_argument() {
        for (text, names) in [
            ("app.mount('/api', api)", &["api"][..]),
            ("app.mount(path='/api', app=api, name='x')", &["api"]),
            ("app.mount('/admin', admin.app)", &[]),
            ("app.mount('/static', StaticFiles(directory='static'))", &[]),
            ("mount = api", &[]),
        ] {
            let found: Vec<String> =
                statements(text).iter().flat_map(|words| mounted_names(words)).cloned().collect();
            assert_eq!(found, names, "{text}");
        }
    }
}
