//! A search through files whose names are not known beforehand: the settings of a Django project, the one program of many
//! folders, the web project of a .NET solution.

use crate::buildpack::documents::Documents;
use crate::buildpack::found::Found;
use crate::buildpack::glob::glob_matches;
use crate::buildpack::pattern::Pattern;
use crate::buildpack::refusal::Refusal;
use serde::Deserialize;

/// Folders that hold what others wrote, or tests of it.
const OTHER_FOLDERS: [&str; 9] =
    ["vendor", "node_modules", "target", "testdata", "test", "tests", "venv", "site-packages", "third_party"];

/// More files than this are not read in one search.
const MOST_CANDIDATES: usize = 100;

/// What is searched, and what of it is the answer: the part of the path, else the part of the text, else the path.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Search {
    /// Globs; files are looked at from the top of the project downwards.
    among: Vec<String>,
    /// The text of the file must match.
    #[serde(default)]
    matches: Option<Pattern>,
    /// The path must match.
    #[serde(default)]
    path_matches: Option<Pattern>,
    /// Different answers are refused with this; without it the first is taken.
    #[serde(default)]
    several: Option<Several>,
}

/// How a choice that only a person can make is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Several {
    /// `programs`.
    what: String,
    way_out: String,
}

impl Several {
    pub(crate) fn refusal(&self, choices: Vec<String>) -> Refusal {
        Refusal::Several { what: self.what.clone(), choices, way_out: self.way_out.clone() }
    }
}

/// The answer of a search.
///
/// # Errors
/// Where there are several answers and the search allows one only.
pub(crate) fn find(documents: &Documents<'_>, search: &Search) -> Result<Option<Found>, Refusal> {
    let mut answers: Vec<Found> = Vec::new();
    for path in candidates(documents, &search.among) {
        let Some(value) = answer(documents, search, path) else { continue };
        if answers.iter().all(|found| found.value != value.as_str()) {
            answers.push(Found { value: value.into(), from: path.to_owned() });
        }
        if search.several.is_none() && !answers.is_empty() {
            break;
        }
    }
    match &search.several {
        Some(several) if answers.len() > 1 => {
            Err(several.refusal(answers.iter().filter_map(Found::text).collect()))
        }
        Some(_) | None => Ok(answers.into_iter().next()),
    }
}

/// Files that one of the globs names, those nearest to the top of the project first.
pub(crate) fn candidates<'tree>(documents: &Documents<'tree>, globs: &[String]) -> Vec<&'tree str> {
    let is_own = |path: &str| {
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        !folders.split('/').any(|folder| folder.starts_with('.') || OTHER_FOLDERS.contains(&folder))
    };
    let is_named = |path: &&str| globs.iter().any(|glob| glob_matches(glob, path)) && is_own(path);
    let mut paths: Vec<&str> = documents.paths().filter(is_named).collect();
    paths.sort_by_key(|path| (path.matches('/').count(), *path));
    paths.truncate(MOST_CANDIDATES);
    paths
}

fn answer(documents: &Documents<'_>, search: &Search, path: &str) -> Option<String> {
    let of_path = search.path_matches.as_ref().map(|pattern| pattern.find(path));
    if of_path == Some(None) {
        return None;
    }
    // A file that cannot be read as text is not the one that is looked for.
    let of_text = search.matches.as_ref().map(|pattern| {
        let text = documents.text(path).ok().flatten()?;
        pattern.find(&text)
    });
    if of_text == Some(None) {
        return None;
    }
    of_path.flatten().or(of_text.flatten()).or_else(|| Some(path.to_owned()))
}
