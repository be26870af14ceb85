//! Names that people choose, each with the one rule that decides whether it is valid.
//!
//! The rule is the same for the API, for SSH and for the database, because all of them can only hold the parsed type.

mod git;
mod labels;
mod paths;

use crate::model::title::is_invisible;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a name was refused; the text is a whole sentence for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(String);

macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident: $check:path),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text of the name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                $check(text).map(Self).map_err(InvalidName)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )+};
}

text_types! {
    /// A project's name in URLs, repositories and host names: a DNS label that starts with a letter (RFC 1035 §2.3.1).
    Slug: labels::check_slug,
    /// An environment's name, by the rule of a slug: `production`, `staging`, `pr-17`.
    EnvironmentName: labels::check_environment,
    /// A process type of a Procfile: `web`, `worker`.
    ProcessType: check_process_type,
    /// The name of a command of a schedule: `nightly-report`.
    CronName: check_cron_name,
    /// The name of a volume of an environment: `data`.
    VolumeName: check_volume_name,
    /// The name of a person's account, as shown in pushes: `ada`.
    Username: check_username,
    /// An e-mail address, lower-cased.
    Email: check_email,
    /// The name of a config var: what a POSIX shell takes as the name of an environment variable.
    ConfigName: check_config_name,
    /// Where a configuration file is in an instance: an absolute path, without `.` and `..`.
    FilePath: paths::check_file,
    /// A folder of a repository, seen from its top, without slashes at its ends.
    FolderPath: paths::check_folder,
    /// A command of one line, run by the image's `/bin/sh` where it needs one.
    CommandLine: paths::check_command,
    /// An HTML page that people see while an app is being worked on.
    MaintenancePage: paths::check_page,
    /// A branch by its short name (`main`), valid by `git check-ref-format`.
    BranchName: git::check_branch,
    /// A full, lower-case, 40-digit commit id.
    CommitId: git::check_commit,
}

impl Slug {
    /// Longest slug: a DNS label has at most 63 octets (RFC 1035 §2.3.4).
    pub const MAX_LENGTH: usize = 63;

    /// What the slug of a project with a free-form name begins with: `"My Shöp!"` gives `my-shop`. What is not ASCII is
    /// written with letters of it. `None` where nothing usable is left.
    #[must_use]
    pub fn stem_of(name: &str) -> Option<String> {
        let mut text = String::with_capacity(name.len());
        for character in deunicode::deunicode(name).chars() {
            if character.is_ascii_alphanumeric() {
                text.push(character.to_ascii_lowercase());
            } else if !text.is_empty() && !text.ends_with('-') {
                text.push('-');
            }
        }
        let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        let text = text.get(..Self::MAX_LENGTH).unwrap_or(text).trim_end_matches('-');
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// `shop` and `2` give `shop-2`. The stem is cut where both together would be too long.
    ///
    /// # Errors
    /// When it is reserved, or both are none of a slug.
    pub fn with_suffix(stem: &str, suffix: &str) -> Result<Self, InvalidName> {
        let room = Self::MAX_LENGTH.saturating_sub(suffix.len() + 1);
        let stem = stem.get(..room).unwrap_or(stem).trim_end_matches('-');
        format!("{stem}-{suffix}").parse()
    }
}

impl Email {
    /// An address as it may be said from now on: with nothing in it that cannot be seen. Those from before stay.
    ///
    /// # Errors
    /// When it is none, or has such a character.
    pub fn said(text: &str) -> Result<Self, InvalidName> {
        let email: Self = text.parse()?;
        if email.0.chars().any(is_invisible) {
            return Err(InvalidName("This is not an e-mail address.".to_owned()));
        }
        Ok(email)
    }
}

impl EnvironmentName {
    /// What the host name of an environment begins with, and what its project's own label is in production: `shop`,
    /// `shop-staging`.
    #[must_use]
    pub fn host_label(&self, project: &Slug) -> String {
        if *self == Self::production() { project.to_string() } else { format!("{project}-{self}") }
    }

    /// How people name an environment where its project alone means production: `shop`, `shop:staging`.
    #[must_use]
    pub fn shown_of(&self, project: &Slug) -> String {
        if *self == Self::production() { project.to_string() } else { format!("{project}:{self}") }
    }

    /// The environment that every project has.
    ///
    /// # Panics
    /// Never: the literal is a valid name.
    #[must_use]
    pub fn production() -> Self {
        Self("production".to_owned())
    }

    /// The environment of a pull request: `pr-7`.
    #[must_use]
    pub fn of_pull_request(number: u64) -> Self {
        Self(format!("pr-{number}"))
    }
}

impl ProcessType {
    /// The process type that receives HTTP traffic.
    #[must_use]
    pub fn web() -> Self {
        Self("web".to_owned())
    }

    /// Whether its command runs once before a release goes live, and never as an instance.
    #[must_use]
    pub fn is_release(&self) -> bool {
        self.0 == "release"
    }

    /// A process type of the server's own.
    pub(super) fn of_word(word: &'static str) -> Self {
        Self(word.to_owned())
    }
}

fn check_process_type(text: &str) -> Result<String, String> {
    // Heroku allows [A-Za-z0-9_-]; containers and labels take the same set.
    check_word(text, "a process type")
}

fn check_cron_name(text: &str) -> Result<String, String> {
    check_word(text, "the name of a command of a schedule")
}

fn check_volume_name(text: &str) -> Result<String, String> {
    check_word(text, "the name of a volume")
}

fn check_word(text: &str, what: &str) -> Result<String, String> {
    let valid = (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if valid {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{}\" is not {what}: use 1 to 32 letters, digits, dashes and underscores.",
            shown(text)
        ))
    }
}

fn check_username(text: &str) -> Result<String, String> {
    let valid = (2..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    if valid {
        Ok(text.to_owned())
    } else {
        Err("Use 2 to 32 lower-case letters, digits, dashes and underscores, and start with a letter."
            .to_owned())
    }
}

/// Accepts what a mail server could accept, without trying to be RFC 5321: the proof of an address is a mail to it.
fn check_email(text: &str) -> Result<String, String> {
    let refused = || Err("This is not an e-mail address.".to_owned());
    if text.len() > 254 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refused();
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return refused() };
    let label_valid = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    if local.is_empty() || local.len() > 64 || local.contains('@') || !domain.split('.').all(label_valid) {
        return refused();
    }
    Ok(text.to_lowercase())
}

fn check_config_name(text: &str) -> Result<String, String> {
    let valid = (1..=128).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if valid {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{}\" is not the name of a config var: use letters, digits and underscores, and do not start with a digit.",
            shown(text)
        ))
    }
}

/// A refused name as it may be shown to a person: short, and with nothing that moves a terminal's cursor.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests;
