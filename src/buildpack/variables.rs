//! The values that a pack's templates and start commands are given.

use crate::buildpack::condition::{Condition, Inspection, Source};
use crate::buildpack::documents::{Documents, lookup, named};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render;
use crate::model::plan::Evidence;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A file of variables that several packs share.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SharedVariables {
    #[serde(rename = "variable")]
    pub(crate) variables: Vec<Variable>,
}

/// A value that the templates are given; computed in the order of the file.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// Evidence, in front of the value that was found: `Output`. Absent: the value is not worth a line.
    #[serde(default)]
    pub(crate) shown: Option<String>,
    /// A variable that holds the folder from which a path is named; absent: the project itself.
    #[serde(default)]
    pub(crate) below: Option<String>,
    #[serde(flatten)]
    pub(crate) kind: VariableKind,
}

/// How a variable gets its value.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VariableKind {
    /// Whether a condition holds.
    When(Condition),
    /// The first source that finds something; otherwise null.
    First(Vec<Source>),
    /// The first source that finds something. It must be a folder of the project that can be named in a Dockerfile.
    Folder(Vec<Source>),
    /// The first source that finds something: a path below the project, which the build may yet have to make.
    Path(Vec<Source>),
    /// Those of the named files that exist.
    Files(Vec<String>),
    /// Those of the named directories that exist.
    Directories(Vec<String>),
    /// These texts; `{{ name }}` in one is a variable that was computed before.
    List(Vec<String>),
    /// These texts by name: environment variables.
    Table(BTreeMap<String, String>),
    /// The names of a table that begin with a prefix: `ext-*` of composer.json.
    Keys(KeyList),
}

/// Which names of a table are listed, without their prefix.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct KeyList {
    pub(crate) file: String,
    pub(crate) key: String,
    pub(crate) prefix: String,
    /// Names that are left out.
    #[serde(default)]
    pub(crate) except: Vec<String>,
}

/// Computes variables in their order, each of which may use those before it. What is worth showing of them is returned.
///
/// # Errors
/// When a file that a source reads is broken, or a path leads out of the project.
pub(crate) fn compute(
    variables: &[Variable],
    inspection: &mut Inspection<'_>,
) -> Result<Vec<Evidence>, Refusal> {
    let documents = inspection.documents;
    let mut evidence = Vec::new();
    for variable in variables {
        let mut seen = String::new();
        let value = match &variable.kind {
            VariableKind::When(condition) => inspection.check(condition)?.is_some().into(),
            VariableKind::First(sources) => {
                let (value, from) = inspection.find_text(sources)?.unzip();
                seen = from.unwrap_or_default();
                value.into()
            }
            VariableKind::Folder(sources) => folder(sources, inspection)?.into(),
            VariableKind::Path(sources) => {
                let (path, from) = path(sources, variable.below.as_deref(), inspection)?.unzip();
                seen = from.unwrap_or_default();
                path.into()
            }
            VariableKind::Files(files) => {
                let present = files.iter().filter(|file| documents.has_file(file));
                json!(present.map(|file| named(file)).collect::<Vec<_>>())
            }
            VariableKind::Directories(directories) => {
                let present = directories.iter().filter(|path| documents.has_directory(path));
                json!(present.map(|path| named(path)).collect::<Vec<_>>())
            }
            VariableKind::Keys(list) => json!(keys(list, documents)?),
            VariableKind::List(texts) => {
                let rendered = texts.iter().map(|text| render::argument(text, &inspection.variables));
                json!(rendered.collect::<Result<Vec<_>, _>>()?)
            }
            VariableKind::Table(texts) => json!(texts),
        };
        if let (Some(shown), Some(value)) = (&variable.shown, value.as_str()) {
            let from = if seen.is_empty() { "default".to_owned() } else { seen };
            evidence.push(Evidence { what: format!("{shown} {value}"), from });
        }
        inspection.variables.insert(variable.name.clone(), value);
    }
    Ok(evidence)
}

/// The path that the first source names, from the folder `below` on. It is checked, and without what does not matter in
/// it: `./dist/` is `dist`.
fn path(
    sources: &[Source],
    below: Option<&str>,
    inspection: &Inspection<'_>,
) -> Result<Option<(String, String)>, Refusal> {
    let Some((named, from)) = inspection.find_text(sources)? else { return Ok(None) };
    let start = below.and_then(|variable| inspection.variables.get(variable)?.as_str()).unwrap_or(".");
    let mut parts: Vec<&str> = Vec::new();
    let is_below = !named.starts_with('/')
        && start.split('/').chain(named.split('/')).all(|part| match part {
            "" | "." => true,
            ".." => parts.pop().is_some(),
            part => {
                parts.push(part);
                true
            }
        });
    let path = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
    let reason = if !render::is_word(&path) {
        format!(
            "the folder \"{named}\" has a name with other characters than letters, digits, dots, dashes and slashes"
        )
    } else if is_below {
        return Ok(Some((path, from)));
    } else {
        format!("the folder {named} is not below the project")
    };
    Err(Refusal::BrokenFile { path: from, reason })
}

/// The folder that the first source names, checked.
fn folder(sources: &[Source], inspection: &Inspection<'_>) -> Result<Option<String>, Refusal> {
    let Some((folder, from)) = inspection.find_text(sources)? else { return Ok(None) };
    let reason = if !render::is_word(&folder) {
        format!(
            "the folder \"{folder}\" has a name with other characters than letters, digits, dots, dashes and slashes"
        )
    } else if folder.split('/').any(|part| part.is_empty() || part == "..")
        || (folder != "." && !inspection.documents.has_directory(&folder))
    {
        format!("the folder {folder} is not in the project")
    } else {
        return Ok(Some(folder));
    };
    Err(Refusal::BrokenFile { path: from, reason })
}

/// The names that a table has, as a pack asks for them. A name that is more than a plain word cannot be one.
fn keys(list: &KeyList, documents: &Documents<'_>) -> Result<Vec<String>, Refusal> {
    let document = documents.document(&list.file)?;
    let table = document.as_deref().and_then(|document| lookup(document, &list.key)?.as_object());
    let names = table.into_iter().flatten().filter_map(|(name, _)| name.strip_prefix(&list.prefix));
    let is_wanted = |name: &&str| render::is_word(name) && !list.except.iter().any(|other| other == name);
    Ok(names.filter(is_wanted).map(str::to_owned).collect())
}
