//! Where the value of a setting comes from, and what is wrong with it.

use super::catalogue::{SETTINGS, Setting};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Variables of the same beginning that others read: docker-compose.yml, the scripts, the client, the failpoints of tests.
const ELSEWHERE: [&str; 6] =
    ["GILGAL_ADVISORIES", "GILGAL_BINARY", "GILGAL_FAILPOINTS", "GILGAL_IMAGE", "GILGAL_TOKEN", "GILGAL_URL"];

/// The environment variables that the process was started with.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The variables of this process; values that are not UTF-8 are left out.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_this_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl Variables {
    /// Names that look like settings of the server and are none: misspelt, or of another version.
    #[must_use]
    pub fn unknown_settings(&self) -> Vec<&str> {
        let known = |name: &str| SETTINGS.iter().any(|setting| setting.variable == name);
        let names = self.0.keys().map(String::as_str);
        names
            .filter(|name| name.starts_with("GILGAL_") && !known(name) && !ELSEWHERE.contains(name))
            .collect()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Variables {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable or the line, as the operator wrote it.
    pub name: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{}: {}", mistake.name, mistake.problem)?;
        }
        Ok(())
    }
}

/// Looks settings up and collects what is wrong with them.
pub(super) struct Lookup<'a> {
    variables: &'a Variables,
    lines: toml::Table,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Lookup<'a> {
    /// Reads `server.toml`; a missing file is an empty one.
    pub(super) fn new(variables: &'a Variables, file: &Path) -> Self {
        let mut lookup = Self { variables, lines: toml::Table::new(), mistakes: Vec::new() };
        match std::fs::read_to_string(file) {
            Ok(text) => lookup.take_lines(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => lookup.mistake(&file.display().to_string(), format!("cannot be read: {error}")),
        }
        lookup
    }

    fn take_lines(&mut self, text: &str) {
        match text.parse::<toml::Table>() {
            Ok(lines) => self.lines = lines,
            Err(error) => return self.mistake("server.toml", error.message().to_owned()),
        }
        let known = |key: &String| SETTINGS.iter().any(|setting| setting.key == Some(key));
        let unknown: Vec<String> = self.lines.keys().filter(|key| !known(key)).cloned().collect();
        for key in unknown {
            self.mistake(
                &format!("server.toml: {key}"),
                "there is no such setting; `gilgal settings` lists them".to_owned(),
            );
        }
    }

    pub(super) fn mistake(&mut self, name: &str, problem: String) {
        self.mistakes.push(Mistake { name: name.to_owned(), problem });
    }

    /// The text of a setting that somebody has set, and the name under which it was set.
    fn text(&self, setting: Setting) -> Option<(String, String)> {
        if let Some(value) = self.variables.get(setting.variable) {
            return Some((setting.variable.to_owned(), value.to_owned()));
        }
        let key = setting.key?;
        let value = match self.lines.get(key)? {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((format!("server.toml: {key}"), value))
    }

    /// The value of a setting that may be left unset.
    pub(super) fn optional<T: FromStr>(&mut self, setting: Setting, wanted: &str) -> Option<T> {
        let (name, text) = self.text(setting)?;
        let value = text.trim().parse().ok();
        if value.is_none() {
            self.mistake(&name, format!("\"{text}\" is not {wanted}"));
        }
        value
    }

    /// The same of one that may hold a password, which no mistake repeats.
    pub(super) fn secret<T: FromStr>(&mut self, setting: Setting, wanted: &str) -> Option<T> {
        let (name, text) = self.text(setting)?;
        let value = text.trim().parse().ok();
        if value.is_none() {
            self.mistake(&name, format!("is not {wanted}"));
        }
        value
    }

    /// The value of a setting with a default. `None` only after a mistake, which ends the start.
    pub(super) fn required<T: FromStr>(&mut self, setting: Setting, wanted: &str) -> Option<T> {
        let before = self.mistakes.len();
        let value = self.optional(setting, wanted);
        if value.is_some() || self.mistakes.len() > before { value } else { setting.default.parse().ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_found() {
        let variables = Variables::from([
            ("GILGAL_HTTP_ADR", "0.0.0.0:1"),
            ("GILGAL_HTTP_ADDR", "0.0.0.0:1"),
            ("GILGAL_IMAGE", "gilgal:latest"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(variables.unknown_settings(), ["GILGAL_HTTP_ADR"]);
    }
}
