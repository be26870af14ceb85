//! `[static]`: what a project says about the files that are served for it.

use super::values::{Destination, HeaderName, HeaderValue, TreePath, UrlPath};
use super::{PATH, Project};
use crate::buildpack::refusal::Refusal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// `[static]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Site {
    /// `true`: every path that is no file is one of the app itself and gets `index.html`; `false`: none is.
    pub(crate) spa: Option<bool>,
    /// The page for what is not found, seen from the folder that is served; otherwise `404.html`, where there is one.
    pub(crate) not_found: Option<TreePath>,
    /// Headers of answers, by the path that is asked for: `{ "/fonts/*" = { Access-Control-Allow-Origin = "*" } }`.
    #[schemars(with = "BTreeMap<String, BTreeMap<String, String>>")]
    pub(crate) headers: BTreeMap<UrlPath, BTreeMap<HeaderName, HeaderValue>>,
    /// Paths that are elsewhere; the first that matches counts.
    pub(crate) redirects: Vec<Redirect>,
}

/// `[[static.redirects]]`
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redirect {
    /// `/old`; `/blog/*` is all below `/blog/`.
    pub(crate) from: UrlPath,
    /// `/new`, or `https://example.com`; a `*` at its end is what the `*` of `from` stands for.
    pub(crate) to: Destination,
    /// 301 (for good, unless said otherwise), 302, 303, 307 or 308.
    #[serde(default)]
    pub(crate) status: RedirectStatus,
}

/// A status that sends a browser elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct RedirectStatus(u16);

impl Default for RedirectStatus {
    fn default() -> Self {
        Self(301)
    }
}

impl TryFrom<i64> for RedirectStatus {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let known = [301_u16, 302, 303, 307, 308].into_iter().find(|known| i64::from(*known) == number);
        known
            .map(Self)
            .ok_or_else(|| format!("{number} sends nobody elsewhere, use 301, 302, 303, 307 or 308"))
    }
}

impl JsonSchema for RedirectStatus {
    fn schema_name() -> Cow<'static, str> {
        "RedirectStatus".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [301, 302, 303, 307, 308] })
    }
}

impl Site {
    /// The variables that the template of a site's server has; empty, or null, where the file says nothing.
    pub(super) fn variables(&self) -> [(&'static str, Value); 3] {
        let headers = self.headers.iter().map(|(path, headers)| {
            let headers: BTreeMap<&str, &str> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            json!({ "path": path.as_str(), "set": headers })
        });
        [
            ("not_found", json!(self.not_found.as_ref().map(TreePath::as_str))),
            ("headers", headers.collect()),
            ("redirects", self.redirects.iter().map(Redirect::variable).collect()),
        ]
    }
}

impl Redirect {
    /// A pattern for the path, and where to go; `rest`: with what the pattern's `*` stands for behind it.
    fn variable(&self) -> Value {
        let (from, to) = (self.from.as_str(), self.to.as_str());
        let pattern = match from.strip_suffix('*') {
            Some(start) => format!("^{}([^\\\\]*)$", regex::escape(start)),
            None => format!("^{}$", regex::escape(from)),
        };
        let rest = to.ends_with('*');
        json!({ "pattern": pattern, "to": to.trim_end_matches('*'), "rest": rest, "status": self.status.0 })
    }
}

/// Refuses what cannot be meant.
///
/// # Errors
/// With the redirect whose ends do not fit together.
pub(crate) fn check(project: &Project) -> Result<(), Refusal> {
    let is_whole = |text: &str| !text.trim_end_matches('*').contains('*') && !text.ends_with("**");
    // Whoever asks chooses what the `*` stands for, and must not choose the host.
    let is_of_one_host = |to: &str| {
        let authority = to.split_once("//").map(|(_, rest)| rest);
        !to.ends_with('*') || authority.is_none_or(|rest| rest.contains('/'))
    };
    let fits = |redirect: &&Redirect| {
        let (from, to) = (redirect.from.as_str(), redirect.to.as_str());
        is_whole(from) && is_whole(to) && (from.ends_with('*') || !to.ends_with('*')) && is_of_one_host(to)
    };
    match project.file.site.redirects.iter().find(|redirect| !fits(redirect)) {
        Some(redirect) => Err(Refusal::BrokenFile {
            path: project.path.clone(),
            reason: format!(
                "the redirect from {} to {} has a `*` that stands for nothing, or for a host: one at the end of `from`, and then of the path of `to`",
                redirect.from.as_str(),
                redirect.to.as_str()
            ),
        }),
        None => Ok(()),
    }
}

/// The refusal of `[static]` for what is no static site.
pub(crate) fn no_site(kind: &str) -> Refusal {
    Refusal::Unsupported {
        what: format!(
            "The table [static] of {PATH} for a project of the kind \"{kind}\", whose app answers itself,"
        ),
        way_out: "Leave it out, or name the folder of built files in build.output.".to_owned(),
    }
}
