//! `gilgal completions`

use crate::cli::Arguments;
use crate::cli::client::answer::Answer;
use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

/// The script for a shell. It knows the commands and flags of this version.
pub(super) fn completions(shell: Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "gilgal", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let json = json!({ "shell": shell.to_string(), "script": script });
    Answer::new(script, json)
}
