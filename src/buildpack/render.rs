//! Templates, and what keeps a project's own text from becoming Dockerfile or shell syntax.
//!
//! A value that a template prints must be a plain word (letters, digits and `._/:@+-`), whatever it is; anything else
//! fails the rendering. Text that may be more goes through a filter that says what it is used as, and makes it safe
//! there. A template that forgets the filter is refused on the first value that would have mattered, not exploited by it.

use crate::buildpack::given::{self, GivenVariables};
use crate::buildpack::refusal::{Refusal, shown};
use crate::model::name::ProcessType;
use crate::model::plan::BuildPlan;
use crate::model::process::Command;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// What the one who builds knows, and the plan does not.
#[derive(Debug, Clone, Default)]
pub struct RenderContext {
    /// Unique for the project: caches of the build are shared within a scope and never across, so that one project
    /// cannot poison what another installs.
    pub cache_scope: String,
    /// Base images that are to be a particular one: the name that is built on (`node:22-bookworm-slim`) → what to write.
    pub images: BTreeMap<String, String>,
    /// Build variables that the commands have in their environment.
    pub variables: Option<GivenVariables>,
}

impl RenderContext {
    /// What is written for one of a template: the image that the project takes in its place, and that one pinned.
    fn image(&self, plan: &BuildPlan, name: String) -> String {
        let name = plan.images.get(&name).cloned().unwrap_or(name);
        self.images.get(&name).cloned().unwrap_or(name)
    }
}

/// Why no Dockerfile could be made of a plan. Never the fault of the project's author alone: a plan that detection made
/// renders.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the plan names the buildpack {0}, which this server does not have")]
    NoSuchBuildpack(String),
    #[error("the project brings its own Dockerfile; there is nothing to render")]
    OwnDockerfile,
    #[error("the project runs an image as it is; there is nothing to render")]
    Prebuilt,
    #[error("the template of the buildpack {buildpack} cannot be rendered: {source}")]
    Template { buildpack: String, source: Box<Error> },
}

/// An environment in which undefined names and unsafe values are errors.
pub(crate) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
    environment.set_formatter(format_word);
    environment.add_filter("words", words);
    environment.add_filter("exec", exec);
    environment.add_filter("line", line);
    environment.add_filter("quoted", quoted);
    environment.add_filter("address", address);
    environment
}

/// A Dockerfile, and what it is built on.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) dockerfile: String,
    /// Base images, as the template calls them.
    pub(crate) images: BTreeSet<String>,
}

/// Renders a pack's Dockerfile.
///
/// # Errors
/// When a value of the plan is unsafe where the template prints it.
pub(crate) fn dockerfile(
    environment: &Environment<'static>,
    template: &str,
    plan: &BuildPlan,
    context: &RenderContext,
) -> Result<Rendered, RenderError> {
    let failed =
        |source| RenderError::Template { buildpack: plan.buildpack.clone(), source: Box::new(source) };
    let used: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let image = {
        let (used, plan, context) = (used.clone(), plan.clone(), context.clone());
        move |name: String| {
            used.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
            context.image(&plan, name)
        }
    };
    let scope = Value::from(context.cache_scope.clone());
    let cache = move |name: &Value, target: &Value, sharing: Option<&Value>| {
        cache_mount(&scope, name, target, sharing)
    };
    let mut values: BTreeMap<String, Value> =
        plan.variables.iter().map(|(name, value)| (name.clone(), Value::from_serialize(value))).collect();
    values.insert("versions".to_owned(), Value::from_serialize(&plan.versions));
    values.insert("port".to_owned(), plan.port.into());
    values.insert("start".to_owned(), start(plan.processes.get(&ProcessType::web())));
    values.insert("image".to_owned(), Value::from_function(image));
    values.insert("cache".to_owned(), Value::from_function(cache));
    values.insert("apt".to_owned(), Value::from_function(apt));
    let rendered = environment.get_template(template).and_then(|template| template.render(values));
    let rendered = rendered.map_err(failed)?;
    let dockerfile = match &context.variables {
        Some(variables) => given::give(&rendered, variables),
        None => rendered,
    };
    let images = used.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Rendered { dockerfile, images })
}

/// The option of `RUN` that keeps a folder from one build of the project to the next. The only way for a template to
/// write one, so that none is shared between projects.
fn cache_mount(scope: &Value, name: &Value, target: &Value, sharing: Option<&Value>) -> Result<Value, Error> {
    let (scope, name, target) = (word(scope)?, word(name)?, word(target)?);
    let sharing = match sharing {
        Some(sharing) => format!(",sharing={}", word(sharing)?),
        None => String::new(),
    };
    Ok(Value::from_safe_string(format!("--mount=type=cache,id={scope}-{name},target={target}{sharing}")))
}

/// The command that installs packages of Debian, a list, and leaves nothing else behind.
fn apt(packages: &Value) -> Result<Value, Error> {
    Ok(Value::from_safe_string(format!(
        "apt-get update && apt-get install -y --no-install-recommends {} && rm -rf /var/lib/apt/lists/* /var/cache/apt/*",
        words(packages)?
    )))
}

/// Renders one argument of a start command. It stays one argument, so nothing in it is syntax to anybody.
///
/// # Errors
/// When the pack's template of the argument is wrong.
pub(crate) fn argument(
    template: &str,
    variables: &BTreeMap<String, serde_json::Value>,
) -> Result<String, Refusal> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.render_str(template, variables).map_err(|error| Refusal::Unsupported {
        what: format!("The start command of the buildpack ({})", shown(&error.to_string())),
        way_out: "Add a Procfile.".to_owned(),
    })
}

/// Renders a command line for a shell; what it prints of the project must be plain words.
///
/// # Errors
/// When a value is more than a plain word.
pub(crate) fn shell_line(
    template: &str,
    variables: &BTreeMap<String, serde_json::Value>,
) -> Result<String, Refusal> {
    environment().render_str(template, variables).map_err(|error| Refusal::Unsupported {
        what: format!("The start command ({})", shown(error.detail().unwrap_or("it cannot be rendered"))),
        way_out: "Use letters, digits, dots, dashes and slashes only, or add a Procfile.".to_owned(),
    })
}

/// The start command as the argument vector of `CMD`, or undefined where the image has its own.
fn start(command: Option<&Command>) -> Value {
    match command {
        Some(Command::Exec(arguments)) => Value::from_serialize(arguments),
        Some(Command::Line(line)) => Value::from_serialize(["/bin/sh", "-c", line]),
        Some(Command::Image) | None => Value::UNDEFINED,
    }
}

/// What `{{ … }}` does: safe values and numbers as they are, text only when it is a plain word.
fn format_word(output: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::new(ErrorKind::UndefinedError, "a value that the template prints is not defined"));
    }
    if value.is_safe() || value.kind() == ValueKind::Number {
        return minijinja::escape_formatter(output, state, value);
    }
    let text = word(value)?;
    output.write_str(text).map_err(|_| Error::from(ErrorKind::WriteFailure))
}

/// The text of a plain word.
fn word(value: &Value) -> Result<&str, Error> {
    match value.as_str() {
        Some(text) if is_word(text) => Ok(text),
        _ => Err(unsafe_value(value, "is not a plain word")),
    }
}

/// Whether a text is no syntax to anybody: not to the shell, not to Docker's options, not as an option of a command.
pub(crate) fn is_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/:@+-".contains(c);
    !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('-')
}

/// A list of plain words, divided by spaces.
fn words(values: &Value) -> Result<Value, Error> {
    let mut text = String::new();
    for value in values.try_iter()? {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word(&value)?);
    }
    Ok(Value::from_safe_string(text))
}

/// A command in exec form: a JSON array, on one line, in which Docker expands nothing (Dockerfile reference, "CMD"). A
/// text becomes the command line of a shell.
fn exec(value: &Value) -> Result<Value, Error> {
    let arguments: Vec<String> = match value.as_str() {
        Some(line) => ["/bin/sh", "-c", line].map(str::to_owned).into(),
        None => value
            .try_iter()?
            .map(|argument| {
                argument.as_str().map(str::to_owned).ok_or_else(|| unsafe_value(&argument, "is no text"))
            })
            .collect::<Result<_, _>>()?,
    };
    // A NUL cannot be in an argument (execve(2)), and BuildKit would cut the command there.
    if arguments.is_empty() || arguments.iter().any(|argument| argument.contains('\0')) {
        return Err(unsafe_value(value, "is no command"));
    }
    let json = serde_json::to_string(&arguments).map_err(|error| {
        Error::new(ErrorKind::BadSerialization, "the command cannot be written as JSON").with_source(error)
    })?;
    // U+2028 and its like are line ends to nobody here, but they are to some readers of the Dockerfile.
    Ok(Value::from_safe_string(json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")))
}

/// A command of the pack itself as the rest of a `RUN` line: it may use the shell, but it stays on its line.
fn line(value: &Value) -> Result<Value, Error> {
    match value.as_str() {
        Some(text) if !text.contains(|c: char| c.is_control()) && !text.ends_with('\\') => {
            Ok(Value::from_safe_string(text.to_owned()))
        }
        _ => Err(unsafe_value(value, "is not one line")),
    }
}

/// One token of a Caddyfile, in backticks: nothing in it is syntax but braces, which it may not have.
fn quoted(value: &Value) -> Result<Value, Error> {
    match value.as_str() {
        Some(text) if !text.contains(|c: char| c.is_control() || "{}`".contains(c)) => {
            Ok(Value::from_safe_string(format!("`{text}`")))
        }
        _ => Err(unsafe_value(value, "cannot be quoted")),
    }
}

/// A path or a whole address as a part of a token of a Caddyfile.
fn address(value: &Value) -> Result<Value, Error> {
    match value.as_str() {
        Some(text) if text.chars().all(|c| c.is_ascii_graphic() && !"{}`\"\\".contains(c)) => {
            Ok(Value::from_safe_string(text.to_owned()))
        }
        _ => Err(unsafe_value(value, "is no path and no address")),
    }
}

fn unsafe_value(value: &Value, problem: &str) -> Error {
    let message = format!("the value {} {problem}", shown(&format!("{value:?}")));
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use super::environment;
    use minijinja::context;

    const HOSTILE: [&str; 14] =
        ["a b", "a\nRUN id", "$(id)", "`id`", "${X}", "\"", "'", "a\\", "--x", "a;b", "a\0b", "a#b", "é", ""];

    #[test]
    fn hostile_text_is_never_printed_as_it_is() {
        for value in HOSTILE {
            assert!(environment().render_str("FROM {{ value }}", context!(value)).is_err(), "{value:?}");
            let list = context!(value => vec!["ok", value]);
            assert!(environment().render_str("COPY {{ value | words }}", list).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_command_is_one_line_of_json_that_says_the_same() {
        for value in HOSTILE {
            let rendered =
                environment().render_str("CMD {{ value | exec }}", context!(value => vec!["x", value]));
            if value.contains('\0') {
                assert!(rendered.is_err());
                continue;
            }
            let rendered = rendered.unwrap();
            assert_eq!(rendered.lines().count(), 1, "{rendered}");
            let arguments: Vec<String> =
                serde_json::from_str(rendered.strip_prefix("CMD ").unwrap()).unwrap();
            assert_eq!(arguments, ["x", value]);
        }
    }

    #[test]
    fn a_line_stays_a_line() {
        let render = |value: &str| environment().render_str("RUN {{ value | line }}", context!(value));
        assert_eq!(render("npm ci && x").unwrap(), "RUN npm ci && x");
        assert!(render("a\nRUN id").is_err());
        assert!(render("a \\").is_err());
    }

    #[test]
    fn a_token_of_a_caddyfile_stays_one() {
        let render = |template: &str, value: &str| environment().render_str(template, context!(value));
        assert_eq!(render("{{ value | quoted }}", "a \"b\" 'c' # d").unwrap(), "`a \"b\" 'c' # d`");
        assert_eq!(
            render("{{ value | address }}", "https://example.com/?a=b#c").unwrap(),
            "https://example.com/?a=b#c"
        );
        for value in ["a`b", "{env.SECRET}", "{$SECRET}", "a\nb"] {
            assert!(render("{{ value | quoted }}", value).is_err(), "{value:?}");
            assert!(render("{{ value | address }}", value).is_err(), "{value:?}");
        }
        assert!(render("{{ value | address }}", "/a b").is_err());
    }

    #[test]
    fn an_undefined_name_is_an_error() {
        assert!(environment().render_str("{{ nothing }}", context!()).is_err());
    }
}
