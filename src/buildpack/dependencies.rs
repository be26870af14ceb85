//! Whether a project depends on a package, and which version it asks for.

use crate::buildpack::among;
use crate::buildpack::documents::{Documents, lookup, named};
use crate::buildpack::manifest::{DependencyFormat, DependencyList};
use crate::buildpack::refusal::Refusal;
use regex::{Captures, Regex};
use serde_json::Value;
use std::slice;

/// A dependency that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// Where: `package.json: dependencies.express`.
    pub(crate) from: String,
    /// Its version as a person would say it (`4.19`), where the project gives one.
    pub(crate) version: Option<String>,
}

/// Looks for a package in all lists, in their order.
///
/// # Errors
/// When a file that holds a list is broken.
pub(crate) fn find(
    documents: &Documents<'_>,
    lists: &[DependencyList],
    package: &str,
) -> Result<Option<Dependency>, Refusal> {
    let lists = lists.iter().filter(|list| list.beside.as_ref().is_none_or(|file| documents.has_file(file)));
    for list in lists {
        let file = named(&list.file);
        let from = match (&list.key, &list.format) {
            (Some(key), DependencyFormat::Table) => format!("{file}: {key}.{package}"),
            (Some(key), DependencyFormat::Requirements) => format!("{file}: {key}"),
            (None, _) | (_, DependencyFormat::Pattern(_)) => file.to_owned(),
        };
        let found = match &list.format {
            DependencyFormat::Table => {
                find_in_table(documents, list, package)?.map(|version| (from, version))
            }
            DependencyFormat::Requirements => {
                find_in_requirements(documents, list, package)?.map(|version| (from, version))
            }
            DependencyFormat::Pattern(pattern) => find_by_pattern(documents, list, pattern, package)?,
        };
        if let Some((from, requirement)) = found {
            return Ok(Some(Dependency { from, version: short_version(&requirement) }));
        }
    }
    Ok(None)
}

fn find_in_table(
    documents: &Documents<'_>,
    list: &DependencyList,
    package: &str,
) -> Result<Option<String>, Refusal> {
    let Some(document) = documents.document(&list.file)? else { return Ok(None) };
    let table = match &list.key {
        Some(key) => lookup(&document, key),
        None => Some(&*document),
    };
    let Some(Value::Object(table)) = table else { return Ok(None) };
    Ok(table.iter().find(|(name, _)| same_name(name, package)).map(|(_, version)| match version {
        Value::String(version) => version.clone(),
        // Poetry's long form: flask = { version = "^3.0", extras = [...] }
        other => other.get("version").and_then(Value::as_str).unwrap_or_default().to_owned(),
    }))
}

fn find_in_requirements(
    documents: &Documents<'_>,
    list: &DependencyList,
    package: &str,
) -> Result<Option<String>, Refusal> {
    let Some(key) = &list.key else {
        let text = documents.text(&list.file)?.unwrap_or_default();
        return Ok(text.lines().find_map(|line| requirement_of(line, package)));
    };
    let document = documents.document(&list.file)?;
    let elements = document.as_deref().and_then(|document| lookup(document, key)?.as_array());
    let mut lines = elements.into_iter().flatten().filter_map(Value::as_str);
    Ok(lines.find_map(|line| requirement_of(line, package)))
}

/// The file in which a pattern finds the package, and the version there; empty where there is none.
fn find_by_pattern(
    documents: &Documents<'_>,
    list: &DependencyList,
    pattern: &str,
    package: &str,
) -> Result<Option<(String, String)>, Refusal> {
    let pattern = Regex::new(&pattern.replace("{name}", &regex::escape(package)));
    let pattern = pattern.map_err(|error| Refusal::Unsupported {
        what: format!("A pattern of the buildpack ({error})"),
        way_out: "Tell the operator of the server.".to_owned(),
    })?;
    let version = |captures: Captures<'_>| captures.get(1).map_or("", |group| group.as_str()).to_owned();
    let find_in = |file: &str, text: &str| Some((file.to_owned(), version(pattern.captures(text)?)));
    if !list.file.contains('*') {
        return Ok(documents.text(&list.file)?.and_then(|text| find_in(named(&list.file), &text)));
    }
    // As in any search, a file that cannot be read as text is not the one that is looked for.
    let mut files = among::candidates(documents, slice::from_ref(&list.file)).into_iter();
    Ok(files.find_map(|file| find_in(file, &documents.text(file).ok()??)))
}

/// The version part of a PEP 508 requirement for the package: `Flask[async] >= 3.0 ; …` gives `>= 3.0`.
fn requirement_of(line: &str, package: &str) -> Option<String> {
    let line = line.split(" #").next().unwrap_or(line).trim();
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.is_empty() || !same_name(name, package) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = if rest.starts_with('[') { rest.split_once(']').map_or("", |(_, rest)| rest) } else { rest };
    Some(rest.split(';').next().unwrap_or(rest).trim().to_owned())
}

/// Names are compared as Python's index does (PEP 503); names of npm packages differ from each other by more than that.
fn same_name(left: &str, right: &str) -> bool {
    let normal = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
    normal(left) == normal(right)
}

/// `^15.2.3` gives `15.2`; what is not a version (`latest`, a URL) gives nothing.
fn short_version(requirement: &str) -> Option<String> {
    let version = requirement.trim_start_matches(|c: char| "^~>=<! v".contains(c));
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let numbers: Vec<&str> = version[..end].split('.').filter(|part| !part.is_empty()).take(2).collect();
    (!numbers.is_empty()).then(|| numbers.join("."))
}

#[cfg(test)]
mod tests {
    use super::{requirement_of, short_version};

    #[test]
    fn requirements_are_read_as_pip_reads_them() {
        for (line, version) in [
            ("flask", Some("")),
            ("Flask==3.0.3", Some("==3.0.3")),
            ("flask[async] >= 3.0 ; python_version > '3.9'", Some(">= 3.0")),
            ("flask  # the web", Some("")),
            ("flask-login==1", None),
            ("# flask", None),
            ("-r flask.txt", None),
            ("", None),
        ] {
            assert_eq!(requirement_of(line, "flask").as_deref(), version, "{line}");
        }
    }

    #[test]
    fn versions_are_shown_short() {
        for (requirement, shown) in [
            ("^15.2.3", Some("15.2")),
            (">= 3.0", Some("3.0")),
            ("5", Some("5")),
            ("4.x", Some("4")),
            ("latest", None),
            ("git+https://example.com/x", None),
            ("", None),
        ] {
            assert_eq!(short_version(requirement).as_deref(), shown, "{requirement}");
        }
    }
}
