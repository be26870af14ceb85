//! `gilgal backup`: the whole server in one file.

use super::USAGE;
use super::printer::{self, with_causes};
use crate::backup::{Made, create};
use crate::config::{Settings, Variables};
use std::path::Path;
use std::process::ExitCode;

/// Stands for standard output, and for standard input.
pub(super) const STREAM: &str = "-";

pub(super) fn backup(variables: &Variables, file: &Path, replace: bool) -> ExitCode {
    let settings = match Settings::load(variables) {
        Ok(settings) => settings,
        Err(mistakes) => {
            printer::error(&mistakes.to_string());
            return ExitCode::from(USAGE);
        }
    };
    let to_stream = file == Path::new(STREAM);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let made = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        let file = (!to_stream).then_some(file);
        runtime
            .block_on(create(&settings, file, replace, printer::output()))
            .map_err(|error| with_causes(&error))
    });
    match made {
        Ok(Made { .. }) if to_stream => ExitCode::SUCCESS,
        Ok(Made { repositories, bytes }) => {
            printer::line(&format!(
                "{} and the database of {} are in {} ({} KiB). Keep it as secret as the server: its keys are in it.",
                counted(repositories),
                settings.home.display(),
                file.display(),
                bytes.div_ceil(1024),
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            printer::error(&format!("No backup was made: {error}."));
            ExitCode::FAILURE
        }
    }
}

/// A number of repositories in words.
pub(super) fn counted(repositories: usize) -> String {
    match repositories {
        1 => "1 repository".to_owned(),
        many => format!("{many} repositories"),
    }
}
