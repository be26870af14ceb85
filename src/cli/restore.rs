//! `gilgal restore`: a server from the file that `gilgal backup` has made.

use super::backup::{STREAM, counted};
use super::printer::{self, with_causes};
use crate::backup::{BackupError, Restored, restore as restored};
use crate::config::Variables;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn restore(variables: &Variables, file: &Path) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let outcome = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        let restored = if file == Path::new(STREAM) {
            runtime.block_on(restored(variables, std::io::stdin()))
        } else {
            match File::open(file) {
                Ok(backup) => runtime.block_on(restored(variables, backup)),
                Err(source) => Err(BackupError::Io { path: file.to_owned(), source }),
            }
        };
        restored.map_err(|error| with_causes(&error))
    });
    match outcome {
        Ok(Restored { server, home, repositories }) => {
            printer::line(&format!(
                "The server {server} is in {}, with {} and its database.",
                home.display(),
                counted(repositories)
            ));
            printer::line(
                "Images are not in a backup: start it with `gilgal serve`, then build each app again with \
                 `ssh … redeploy PROJECT`. The server that the backup was made of must not run any more.",
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            printer::error(&format!("Nothing was restored: {error}."));
            ExitCode::FAILURE
        }
    }
}
