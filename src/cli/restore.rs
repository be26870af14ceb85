//! `gilgal restore`: a server from the file that `gilgal backup` has made.

use super::backup::{STREAM, counted};
use super::local::{self, Answer};
use super::printer::with_causes;
use crate::backup::{BackupError, Restored, restore as restored};
use crate::config::Variables;
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

/// What an operator has to do then.
const NEXT: &str = "Images are not in a backup: start it with `gilgal serve`, then build each app again with \
                    `ssh … redeploy PROJECT`. The server that the backup was made of must not run any more.";

pub(super) fn restore(variables: &Variables, file: &Path, json: bool) -> ExitCode {
    let outcome = local::wait_for(async {
        let restored = if file == Path::new(STREAM) {
            restored(variables, std::io::stdin()).await
        } else {
            match File::open(file) {
                Ok(backup) => restored(variables, backup).await,
                Err(source) => Err(BackupError::Io { path: file.to_owned(), source }),
            }
        };
        let Restored { server, home, repositories } =
            restored.map_err(|error| format!("Nothing was restored: {}.", with_causes(&error)))?;
        let counted = counted(repositories);
        let text = format!("The server {server} is in {}, with {counted} and its database.", home.display());
        Ok(Some(Answer {
            lines: vec![text, NEXT.to_owned()],
            json: json!({ "server_id": server, "home": home, "repositories": repositories }),
        }))
    });
    local::show(json, outcome)
}
