//! Names that are labels of host names: of projects and of their environments.

use super::{EnvironmentName, Slug, shown};

/// Slugs that would collide with the server's own host names or paths.
const RESERVED_SLUGS: [&str; 12] = [
    "admin",
    "api",
    "dashboard",
    "gilgal",
    "git",
    "health",
    "localhost",
    "metrics",
    "new",
    "settings",
    "webhooks",
    "www",
];

fn check_label(text: &str, what: &str) -> Result<String, String> {
    let valid = text.len() <= Slug::MAX_LENGTH
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if valid {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{}\" is not a {what}: use lower-case letters, digits and dashes, start with a letter, \
             do not end with a dash, at most {} characters.",
            shown(text),
            Slug::MAX_LENGTH
        ))
    }
}

pub(super) fn check_slug(text: &str) -> Result<String, String> {
    let slug = check_label(text, "project name")?;
    if RESERVED_SLUGS.contains(&text) {
        return Err(format!("\"{text}\" is reserved. Choose another name."));
    }
    Ok(slug)
}

pub(super) fn check_environment(text: &str) -> Result<String, String> {
    check_label(text, "name of an environment")
}

/// Whether a text is where a pull request is previewed: where number 8 of `shop` answers, nothing else is made that does, not a
/// project `shop-pr-8`, and not `shop-pr-8` of a project `my` in the place of `my-shop`'s. Those from before stay.
fn is_of_a_preview(text: &str) -> bool {
    text.rsplit_once("-pr-")
        .is_some_and(|(_, number)| !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit()))
}

impl Slug {
    /// Whether it would answer where a pull request of another project is previewed.
    #[must_use]
    pub fn is_of_a_preview(&self) -> bool {
        is_of_a_preview(self.as_str())
    }
}

impl EnvironmentName {
    /// Whether it would answer where a pull request of another project is previewed.
    #[must_use]
    pub fn is_of_a_preview(&self) -> bool {
        is_of_a_preview(self.as_str())
    }
}
