//! Reading `gilgal.toml`: unknown keys are all named at once, each with the known one that is nearest to it.

use super::{PATH, ProjectFile, schema};
use crate::buildpack::documents;
use crate::buildpack::misspelt;
use crate::buildpack::refusal::shown;
use serde_json::{Map, Value};
use std::fmt;

/// More mistakes than this are not told apart.
const MOST_MISTAKES: usize = 10;

/// Everything that is wrong with a project's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} cannot be used: {}", mistakes[0])]
pub struct ProjectFileError {
    /// Where the file is, seen from the top of the repository.
    pub path: String,
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

impl ProjectFileError {
    /// The same, of a file that is elsewhere.
    pub(crate) fn in_file(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }
}

/// One sentence about one thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(String);

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Reads the text of the file.
///
/// # Errors
/// With every unknown key, or with the first value that is not of its kind.
pub(crate) fn read(text: &str) -> Result<ProjectFile, ProjectFileError> {
    let wrong = |mistakes| ProjectFileError { path: PATH.to_owned(), mistakes };
    let one = |sentence: String| wrong(vec![Mistake(sentence)]);
    let value: Value = toml::from_str(text).map_err(|error| one(sentence(text, &error)))?;
    let whole = schema();
    let mut unknown = Vec::new();
    find_unknown(&value, &whole, "", &whole, &mut unknown);
    if !unknown.is_empty() {
        unknown.truncate(MOST_MISTAKES);
        return Err(wrong(unknown));
    }
    toml::from_str(text).map_err(|error| one(sentence(text, &error)))
}

fn sentence(text: &str, error: &toml::de::Error) -> String {
    // serde names the types of this program.
    let message = shown(error.message()).replace("expected i64", "expected a whole number");
    let message = message.trim_end_matches('.');
    match error.span() {
        Some(span) => format!("{}: {message}.", documents::place(text, span.start)),
        None => format!("{message}."),
    }
}

/// Walks a document and its schema together.
fn find_unknown(value: &Value, schema: &Value, path: &str, whole: &Value, unknown: &mut Vec<Mistake>) {
    if let (Some(elements), Some(items)) = (value.as_array(), schema.get("items")) {
        for element in elements {
            find_unknown(element, items, path, whole, unknown);
        }
    }
    let Some(table) = value.as_object() else { return };
    let known = schema.get("properties").and_then(Value::as_object);
    for (key, value) in table {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match known.and_then(|known| known.get(key)) {
            Some(schema) => find_unknown(value, schema, &full, whole, unknown),
            None => match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => unknown.push(unknown_key(&full, key, known, whole)),
                Some(schema) => find_unknown(value, schema, &full, whole, unknown),
                None => {}
            },
        }
    }
}

fn unknown_key(full: &str, key: &str, known: Option<&Map<String, Value>>, whole: &Value) -> Mistake {
    let known: Vec<&str> = known.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
    let way_out = match misspelt::nearest(key, &known) {
        Some(nearest) => format!("Did you mean `{nearest}`?"),
        None => match table_with(key, whole) {
            Some(table) => format!("It belongs into the table `[{table}]`."),
            None => format!("Known here: {}.", known.join(", ")),
        },
    };
    Mistake(format!("there is no key `{}`. {way_out}", shown(full)))
}

/// The table at the top that has a key of this name.
fn table_with<'schema>(key: &str, whole: &'schema Value) -> Option<&'schema str> {
    let tables = whole.get("properties")?.as_object()?;
    let has_key = |table: &Value| table.get("properties").is_some_and(|keys| keys.get(key).is_some());
    tables.iter().find(|(_, table)| has_key(table)).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::read;

    fn mistakes(text: &str) -> String {
        let error = read(text).unwrap_err();
        error.mistakes.iter().map(|mistake| format!("{mistake}\n")).collect()
    }

    #[test]
    fn every_key_can_be_said() {
        let file = read(
            r#"
            [build]
            image = "nginx:1.27"
            buildpack = "node"
            root = "./apps/web/"
            dockerfile = "docker/Dockerfile"
            target = "runner"
            args = { NODE_VERSION = "22" }
            install_command = "npm ci"
            pre_build_command = "npm run codegen"
            build_command = "npm run build"
            post_build_command = "npm run sitemap"
            packages = ["ffmpeg", "libvips42"]
            watch = ["apps/web/**", "packages/*"]

            [deploy]
            start = "node server.js"
            release = "npm run migrate"
            port = 3000
            drain = "2m"
            sleep = "2h"
            health = { path = "/up", interval = "500ms", timeout = 3, deadline = "90s", threshold = 2 }

            [processes.worker]
            command = "node worker.js"
            instances = 2
            memory = "1G"
            cpu = 0.5
            stop_signal = "SIGQUIT"

            [env]
            LOG_LEVEL = "info"
            "#,
        )
        .unwrap();
        insta::assert_debug_snapshot!(file);
    }

    #[test]
    fn nothing_has_to_be_said() {
        assert_eq!(read("").unwrap(), super::ProjectFile::default());
    }

    #[test]
    fn mistakes_are_sentences() {
        let texts = [
            "[buid]\nroot = 'x'\n[deploy]\nstrat = 1\nzzz = 2",
            "[processes.web]\ncomand = 'x'",
            "[deploy]\nport = 70000",
            "[deploy]\nport = \"http\"",
            "[deploy]\ndrain = \"soon\"",
            "[deploy]\ndrain = -1",
            "[deploy.health]\nthreshold = 0",
            "[build]\nroot = \"../other\"",
            "[build]\nroot = \"a b\"",
            "[build]\npackages = [\"a; rm -rf /\"]",
            "[build]\nbuild_command = \"a\\nRUN b\"",
            "[build]\nwatch = [\"[\"]",
            "[build]\nimage = \"gilgal/a/b:c\"",
            "[build]\nimage = \"a b\"",
            "[build]\nargs = { https_Proxy = \"x\" }",
            "[build]\nargs = { BUILDKIT_SYNTAX = \"x\" }",
            "[processes.\"a b\"]\ncommand = \"x\"",
            "[processes.web]\nmemory = \"lots\"",
            "[processes.web]\ncpu = 0",
            "[processes.web]\nstop_signal = \"SIGKILL\"",
            "[env]\n\"A-B\" = \"x\"",
            "[env]\nA = 1",
            "[build\n",
            "= 1",
        ];
        let all: String = texts.iter().map(|text| format!("{text}\n=> {}\n", mistakes(text))).collect();
        insta::assert_snapshot!(all);
    }

    #[test]
    fn hostile_text_is_shown_harmlessly() {
        for text in ["\"\\u001b[2J\" = 1", "[build]\nroot = \"\\u001b[2J\"", "[\"\\u0000\"]\nx = 1"] {
            let mistakes = mistakes(text);
            assert!(!mistakes.contains(|c: char| c.is_control() && c != '\n'), "{mistakes:?}");
        }
    }
}
