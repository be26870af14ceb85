//! `gilgal serve`

use super::USAGE;
use super::printer::{self, with_causes};
use crate::config::{Settings, Variables};
use crate::serve::Ended;
use crate::systemd::Sockets;
use std::process::ExitCode;
use std::time::Duration;

/// Time that blocking work gets to end after everything else has.
const THREADS_GRACE: Duration = Duration::from_secs(2);

pub(super) fn serve(variables: &Variables) -> ExitCode {
    let settings = match Settings::load(variables) {
        Ok(settings) => settings,
        Err(mistakes) => {
            printer::error(&mistakes.to_string());
            return ExitCode::from(USAGE);
        }
    };
    if let Err(mistake) = crate::telemetry::start(&settings) {
        printer::error(&mistake);
        return ExitCode::from(USAGE);
    }
    for name in variables.unknown_settings() {
        tracing::warn!(name, hint = "gilgal settings lists them", "there is no such setting");
    }
    let received = match Sockets::received(variables.get("LISTEN_FDNAMES")) {
        Ok(received) => received,
        Err(error) => {
            printer::error(&format!("gilgal cannot start: {}", with_causes(&error)));
            return ExitCode::from(USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer::error(&format!("gilgal cannot start its threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(crate::serve::serve(&settings, received));
    // A thread that still reads a tree is not waited for: what it does is done again at the next start.
    runtime.shutdown_timeout(THREADS_GRACE);
    match result {
        Ok(Ended::Stopped) => ExitCode::SUCCESS,
        // The log has said which.
        Ok(Ended::PartLost | Ended::DatabaseTaken) => ExitCode::FAILURE,
        Err(error) => {
            printer::error(&format!("gilgal cannot start: {}", with_causes(&error)));
            ExitCode::FAILURE
        }
    }
}
