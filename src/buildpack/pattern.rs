//! Regular expressions of a `buildpack.toml`; one that is none is an error of the pack.

use regex::Regex;
use serde::Deserialize;
use std::sync::OnceLock;

/// A regular expression of a pack.
///
/// Read when its pack is read, and compiled when it is first asked: a project needs few of those that all packs have together,
/// and compiling takes most of the time that reading them takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern {
    text: String,
    /// `None` where it would be larger than an expression may be; such a one finds nothing.
    compiled: OnceLock<Option<Regex>>,
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        regex_syntax::parse(&text).map_err(|error| error.to_string())?;
        Ok(Self { text, compiled: OnceLock::new() })
    }
}

impl Pattern {
    /// The first group of the first match, or the whole match where the pattern has no group.
    pub(crate) fn find(&self, text: &str) -> Option<String> {
        let compiled = self.compiled.get_or_init(|| Regex::new(&self.text).ok());
        let captures = compiled.as_ref()?.captures(text)?;
        captures.get(1).or_else(|| captures.get(0)).map(|found| found.as_str().to_owned())
    }
}
