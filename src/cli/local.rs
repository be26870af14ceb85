//! Commands for the server's own machine: its settings, then the work, then one answer for people or for programs.

use super::USAGE;
use super::printer;
use crate::config::{Settings, Variables};
use serde_json::Value;
use std::process::ExitCode;

/// What a command has found or done.
pub(super) struct Answer {
    /// For people, line by line.
    pub(super) lines: Vec<String>,
    /// The same for programs.
    pub(super) json: Value,
}

impl Answer {
    pub(super) fn line(text: String, json: Value) -> Self {
        Self { lines: vec![text], json }
    }

    pub(super) fn show(&self, json: bool) {
        if json {
            printer::line(&format!("{:#}", self.json));
        } else {
            for line in &self.lines {
                printer::line(line);
            }
        }
    }
}

/// Runs a command and shows its answer; `None` where it has written that itself.
pub(super) fn run(
    variables: &Variables,
    json: bool,
    work: impl AsyncFnOnce(&Settings) -> Result<Option<Answer>, String>,
) -> ExitCode {
    let settings = match Settings::load(variables) {
        Ok(settings) => settings,
        Err(mistakes) => {
            printer::error(&mistakes.to_string());
            return ExitCode::from(USAGE);
        }
    };
    show(json, wait_for(async { work(&settings).await }))
}

/// Waits for what a command does.
pub(super) fn wait_for<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|error| format!("gilgal cannot start its threads: {error}"))?.block_on(work)
}

/// Shows an answer, or why there is none.
pub(super) fn show(json: bool, answer: Result<Option<Answer>, String>) -> ExitCode {
    match answer {
        Ok(answer) => {
            if let Some(answer) = answer {
                answer.show(json);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            printer::error(&error);
            ExitCode::FAILURE
        }
    }
}
