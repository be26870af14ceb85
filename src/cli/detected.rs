//! What a folder is, for the commands that work without a server.

use super::printer::{self, with_causes};
use crate::buildpack::{BrokenPack, Catalog, DetectOptions, DirectorySource};
use crate::model::plan::BuildPlan;
use std::path::Path;
use std::process::ExitCode;

/// A folder that was recognised.
pub(super) struct Detected {
    pub(super) catalog: Catalog,
    pub(super) source: DirectorySource,
    pub(super) plan: BuildPlan,
}

/// The buildpacks of this program, with those of a folder.
///
/// # Errors
/// What is said to the person: a buildpack of the folder is wrong.
pub(super) fn catalog(own: Option<&Path>) -> Result<Catalog, Vec<String>> {
    let Some(own) = own else { return Ok(Catalog::embedded()) };
    if !own.is_dir() {
        return Err(vec![format!("{} is no folder.", own.display())]);
    }
    let (catalog, broken) = Catalog::with_own(own);
    if broken.is_empty() {
        return Ok(catalog);
    }
    let sentence = |pack: &BrokenPack| {
        format!("The buildpack {} cannot be used: {}.", pack.name, with_causes(&pack.error))
    };
    Err(broken.iter().map(sentence).collect())
}

/// Reads what is in a folder.
///
/// # Errors
/// What is said to the person: the folder cannot be read, or nothing recognises it.
pub(super) fn detect(folder: &Path, catalog: Catalog) -> Result<Detected, Vec<String>> {
    let source = DirectorySource::open(folder)
        .map_err(|error| vec![format!("{} cannot be read: {error}.", folder.display())])?;
    let plan = catalog
        .detect(&source, &DetectOptions::default())
        .map_err(|refusal| [vec![refusal.to_string()], refusal.details()].concat())?;
    Ok(Detected { catalog, source, plan })
}

/// Prints what came of it: a text, or a refusal as a push shows it.
pub(super) fn print(outcome: Result<String, Vec<String>>) -> ExitCode {
    match outcome {
        Ok(text) => {
            printer::line(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(lines) => {
            for line in lines {
                printer::error(&format!(" !     {line}"));
            }
            ExitCode::FAILURE
        }
    }
}
