//! `gilgal settings`

use super::printer;
use crate::config::{SETTINGS, Setting};
use serde_json::json;
use std::process::ExitCode;

pub(super) fn settings(json: bool) -> ExitCode {
    if json {
        let settings = SETTINGS.iter().map(|Setting { variable, key, default, description }| {
            json!({ "variable": variable, "key": key, "default": default, "description": description })
        });
        printer::line(&format!("{:#}", json!(settings.collect::<Vec<_>>())));
        return ExitCode::SUCCESS;
    }
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "unset" } else { setting.default };
        let key = setting.key.map(|key| format!("   server.toml: {key}")).unwrap_or_default();
        printer::line(&format!("{}{key}   default: {default}", setting.variable));
        printer::line(&format!("    {}", setting.description));
    }
    ExitCode::SUCCESS
}
