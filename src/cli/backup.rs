//! `gilgal backup`: the whole server in one file.

use super::local::{self, Answer};
use super::printer::{self, with_causes};
use crate::backup::{Made, create};
use crate::config::Variables;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// Stands for standard output, and for standard input.
pub(super) const STREAM: &str = "-";

pub(super) fn backup(variables: &Variables, file: &Path, replace: bool, json: bool) -> ExitCode {
    local::run(variables, json, async |settings| {
        let to_file = (file != Path::new(STREAM)).then_some(file);
        let made = create(settings, to_file, replace, printer::output()).await;
        let Made { repositories, bytes } =
            made.map_err(|error| format!("No backup was made: {}.", with_causes(&error)))?;
        let Some(file) = to_file else { return Ok(None) };
        let text = format!(
            "{} and the database of {} are in {} ({} KiB). Keep it as secret as the server: its keys are in it.",
            counted(repositories),
            settings.home.display(),
            file.display(),
            bytes.div_ceil(1024),
        );
        let json =
            json!({ "file": file, "home": settings.home, "repositories": repositories, "bytes": bytes });
        Ok(Some(Answer::line(text, json)))
    })
}

/// A number of repositories in words.
pub(super) fn counted(repositories: usize) -> String {
    match repositories {
        1 => "1 repository".to_owned(),
        many => format!("{many} repositories"),
    }
}
