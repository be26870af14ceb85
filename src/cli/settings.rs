//! `gilgal settings`

use super::printer;
use crate::config::SETTINGS;
use std::process::ExitCode;

pub(super) fn settings() -> ExitCode {
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "unset" } else { setting.default };
        let key = setting.key.map(|key| format!("   server.toml: {key}")).unwrap_or_default();
        printer::line(&format!("{}{key}   default: {default}", setting.variable));
        printer::line(&format!("    {}", setting.description));
    }
    ExitCode::SUCCESS
}
