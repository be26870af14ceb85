//! The questions that a `buildpack.toml` can ask of a project, and how they are answered.
//!
//! A [`Source`] finds a value and says where; a [`Condition`] holds or not, and says what made it hold. Both can only
//! read: no condition changes anything, so they may be asked in any order and any number of times.

use crate::buildpack::among::{self, Search, Several};
use crate::buildpack::dependencies;
use crate::buildpack::documents::{Documents, lookup, named};
use crate::buildpack::found::Found;
use crate::buildpack::glob::glob_matches;
use crate::buildpack::language::cargo::ProgramPart;
use crate::buildpack::language::python::Factory;
use crate::buildpack::language::{cargo, dockerfile, javascript, python};
use crate::buildpack::manifest::DependencyList;
use crate::buildpack::members::OnlyMember;
use crate::buildpack::pattern::Pattern;
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Something to find in the project.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, rename_all_fields = "kebab-case", deny_unknown_fields)]
pub(crate) enum Source {
    /// A value of a JSON or TOML document (`{{ name }}` in its key is a variable of the pack), the first group of a pattern in its text, or (neither) its first line that is
    /// neither empty nor a comment.
    File {
        file: String,
        #[serde(default)]
        key: Option<String>,
        #[serde(default)]
        matches: Option<Pattern>,
    },
    /// The first of several files that exists: its path.
    FirstFile { first_file: Vec<String> },
    /// `module:name` of the object that a call makes at the top of a Python file: `app = Flask(__name__)`.
    PythonCall {
        python_call: String,
        #[serde(default)]
        factory: Factory,
        /// What is said where several could be started.
        several: Several,
    },
    /// `module:name` of the first of these names that a Python file defines or imports at its top.
    PythonName { python_name: Vec<String>, file: String },
    /// A setting in the first of several configuration files in JavaScript that exists. An expression is not found.
    Setting {
        setting: String,
        script: Vec<String>,
        #[serde(default)]
        matches: Option<Pattern>,
    },
    /// The name of the only member of an object in a document.
    OnlyMember(OnlyMember),
    /// The program of a Cargo package or workspace that is the app.
    CargoProgram { cargo_program: ProgramPart },
    /// The port of the first `EXPOSE` of a Dockerfile's last stage.
    ExposedPort { exposed_port: String },
    /// A value of the pack's own, where a condition holds; `{{ name }}` in it is a variable of the pack.
    Fixed {
        value: String,
        #[serde(default)]
        when: Option<Box<Condition>>,
    },
    /// An answer out of files whose names are not known beforehand.
    Among(Search),
}

/// A question with yes or no as its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, rename_all_fields = "kebab-case", deny_unknown_fields)]
pub(crate) enum Condition {
    Any {
        any: Vec<Condition>,
    },
    All {
        all: Vec<Condition>,
    },
    Not {
        not: Box<Condition>,
    },
    /// The project depends on a package.
    Dependency {
        dependency: String,
    },
    /// A path matches; `*` stays within a folder, `**` does not.
    Glob {
        glob: String,
    },
    Directory {
        directory: String,
    },
    /// A variable of the pack is true; `procfile.web`: the project declares the process type.
    Variable {
        variable: String,
    },
    /// A setting is given by an expression in the first of several configuration files in JavaScript that exists.
    Computed {
        computed: String,
        script: Vec<String>,
    },
    /// The file exists. It is not read.
    File {
        file: String,
    },
    /// One of these sources finds the name of a member of an object in a document: the program of a start script among the
    /// development dependencies.
    Member {
        member_of: String,
        key: String,
        named_by: Vec<Source>,
    },
    /// A source finds something that is not false, zero or empty.
    Found(Source),
}

/// What conditions are asked of: a project, as one pack sees it.
pub(crate) struct Inspection<'pack> {
    pub(crate) documents: &'pack Documents<'pack>,
    pub(crate) dependencies: &'pack [DependencyList],
    /// What has been computed so far, and will be given to the template.
    pub(crate) variables: BTreeMap<String, Value>,
}

impl Inspection<'_> {
    /// What a source finds, if anything.
    ///
    /// # Errors
    /// When a file that the source reads is broken.
    pub(crate) fn find(&self, source: &Source) -> Result<Option<Found>, Refusal> {
        let documents = self.documents;
        match source {
            Source::File { file, key, matches } => self.find_in_file(file, key.as_deref(), matches.as_ref()),
            Source::FirstFile { first_file } => Ok(first_file
                .iter()
                .find(|file| documents.has_file(file))
                .map(|file| Found { value: file.as_str().into(), from: "found by its name".to_owned() })),
            Source::PythonCall { python_call, factory, several } => {
                python::find_call(documents, python_call, *factory, several)
            }
            Source::PythonName { python_name, file } => python::find_name(documents, file, python_name),
            Source::Setting { setting, script, matches } => {
                javascript::find(documents, script, setting, matches.as_ref())
            }
            Source::OnlyMember(only) => only.find(documents),
            Source::CargoProgram { cargo_program } => cargo::find_program(documents, *cargo_program),
            Source::Among(search) => among::find(documents, search),
            Source::ExposedPort { exposed_port } => {
                let port = documents.text(exposed_port)?.and_then(|text| dockerfile::exposed_port(&text));
                Ok(port.map(|port| Found { value: port.into(), from: format!("{exposed_port}: EXPOSE") }))
            }
            Source::Fixed { value, when } => {
                let why =
                    when.as_deref().map_or(Ok(Some(String::new())), |condition| self.check(condition))?;
                let Some(from) = why else { return Ok(None) };
                Ok(Some(Found { value: render::argument(value, &self.variables)?.into(), from }))
            }
        }
    }

    /// The texts of a variable that is a list; empty where there is none.
    pub(crate) fn list(&self, variable: &str) -> Vec<String> {
        let elements = self.variables.get(variable).and_then(Value::as_array).into_iter().flatten();
        elements.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The first source that finds a text, with that text and where it was seen.
    ///
    /// # Errors
    /// As [`Inspection::find`].
    pub(crate) fn find_text(&self, sources: &[Source]) -> Result<Option<(String, String)>, Refusal> {
        for source in sources {
            if let Some(found) = self.find(source)?
                && let Some(text) = found.text()
            {
                return Ok(Some((text, found.from)));
            }
        }
        Ok(None)
    }

    /// Whether a condition holds: `Some` with what made it hold (possibly nothing that can be shown), or `None`.
    ///
    /// # Errors
    /// As [`Inspection::find`].
    pub(crate) fn check(&self, condition: &Condition) -> Result<Option<String>, Refusal> {
        let holds = |yes: bool, why: &str| Ok(yes.then(|| why.to_owned()));
        match condition {
            Condition::Any { any } => {
                for condition in any {
                    if let Some(why) = self.check(condition)? {
                        return Ok(Some(why));
                    }
                }
                Ok(None)
            }
            Condition::All { all } => {
                let mut whole = String::new();
                for condition in all {
                    match self.check(condition)? {
                        Some(why) if whole.is_empty() => whole = why,
                        Some(_) => {}
                        None => return Ok(None),
                    }
                }
                Ok(Some(whole))
            }
            Condition::Not { not } => holds(self.check(not)?.is_none(), ""),
            Condition::Dependency { dependency } => {
                Ok(dependencies::find(self.documents, self.dependencies, dependency)?.map(|found| found.from))
            }
            Condition::Glob { glob } => {
                Ok(self.documents.paths().find(|path| glob_matches(glob, path)).map(str::to_owned))
            }
            Condition::Directory { directory } => {
                holds(self.documents.has_directory(directory), named(directory))
            }
            Condition::Variable { variable } => {
                let (name, key) = variable.split_once('.').unwrap_or((variable, ""));
                let value = self.variables.get(name).cloned().unwrap_or_default();
                let value = if key.is_empty() { value } else { value.get(key).cloned().unwrap_or_default() };
                holds(Found { value, from: String::new() }.is_something(), "")
            }
            Condition::Computed { computed, script } => {
                javascript::find_computed(self.documents, script, computed)
            }
            Condition::Member { member_of, key, named_by } => {
                let document = self.documents.document(member_of)?;
                let object = document.as_deref().and_then(|document| lookup(document, key)?.as_object());
                let Some(object) = object else { return Ok(None) };
                for source in named_by {
                    if let Some(name) = self.find(source)?.and_then(|found| found.text())
                        && object.contains_key(&name)
                    {
                        return Ok(Some(format!("{}: {key}.{name}", named(member_of))));
                    }
                }
                Ok(None)
            }
            Condition::File { file } => holds(self.documents.has_file(file), named(file)),
            Condition::Found(source) => {
                Ok(self.find(source)?.filter(Found::is_something).map(|found| found.from))
            }
        }
    }

    /// [`Inspection::check`] where only yes or no matters; no condition holds.
    ///
    /// # Errors
    /// As [`Inspection::find`].
    pub(crate) fn holds(&self, condition: Option<&Condition>) -> Result<bool, Refusal> {
        condition.map_or(Ok(true), |condition| Ok(self.check(condition)?.is_some()))
    }

    fn find_in_file(
        &self,
        file: &str,
        key: Option<&str>,
        matches: Option<&Pattern>,
    ) -> Result<Option<Found>, Refusal> {
        let documents = self.documents;
        let rendered = key.filter(|key| key.contains("{{"));
        let rendered = rendered.map(|key| render::argument(key, &self.variables)).transpose()?;
        let key = rendered.as_deref().or(key);
        let value = match (key, matches) {
            (None, None) => documents.text(file)?.and_then(|text| first_line(&text)).map(Value::String),
            (None, Some(pattern)) => {
                documents.beginning(file)?.and_then(|text| pattern.find(&text)).map(Value::String)
            }
            (Some(key), matches) => {
                let document = documents.document(file)?;
                let value = document.as_deref().and_then(|document| lookup(document, key)).cloned();
                match (value, matches) {
                    (value, None) => value,
                    (Some(Value::String(text)), Some(pattern)) => pattern.find(&text).map(Value::String),
                    (_, Some(_)) => None,
                }
            }
        };
        let file = named(file);
        let from = key.map_or_else(|| file.to_owned(), |key| format!("{file}: {key}"));
        Ok(value.map(|value| Found { value, from }))
    }
}

fn first_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}
