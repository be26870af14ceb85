//! What a folder is, for the commands that work without a server.

use super::printer;
use crate::buildpack::{Catalog, DetectOptions, DirectorySource};
use crate::model::plan::BuildPlan;
use std::path::Path;
use std::process::ExitCode;

/// A folder that was recognised.
pub(super) struct Detected {
    pub(super) catalog: Catalog,
    pub(super) source: DirectorySource,
    pub(super) plan: BuildPlan,
}

/// Reads what is in a folder.
///
/// # Errors
/// What is said to the person: the folder cannot be read, or nothing recognises it.
pub(super) fn detect(folder: &Path) -> Result<Detected, Vec<String>> {
    let source = DirectorySource::open(folder)
        .map_err(|error| vec![format!("{} cannot be read: {error}.", folder.display())])?;
    let catalog = Catalog::embedded();
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
