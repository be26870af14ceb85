//! Regular expressions of a `buildpack.toml`; one that is none is an error of the pack.

use regex::Regex;
use serde::Deserialize;

/// A regular expression of a pack.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern(Regex);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Regex::new(&text).map(Self)
    }
}

impl Pattern {
    /// The first group of the first match, or the whole match where the pattern has no group.
    pub(crate) fn find(&self, text: &str) -> Option<String> {
        let captures = self.0.captures(text)?;
        captures.get(1).or_else(|| captures.get(0)).map(|found| found.as_str().to_owned())
    }
}
