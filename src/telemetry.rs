//! The server's own log: one line an event on standard error, as text or as JSON.

mod json;

use crate::config::{LogFormat, Settings};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

/// bollard writes the bodies of requests at debug level, and with them the values of config vars.
const SILENT: &str = "bollard=info";

/// Starts logging for the whole process.
///
/// # Errors
/// When the filter cannot be understood, with the reason; nothing is logged then.
pub fn start(settings: &Settings) -> Result<(), String> {
    let filter = EnvFilter::try_new(format!("{},{SILENT}", settings.log_filter))
        .map_err(|error| format!("GILGAL_LOG: \"{}\" is not a filter: {error}", settings.log_filter))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let result = match settings.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.fmt_fields(JsonFields::new()).event_format(json::Lines).try_init(),
    };
    result.map_err(|error| error.to_string())
}
