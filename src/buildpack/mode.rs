//! The ways in which one framework can be built: as a server, as files, as whatever its configuration says.

use crate::buildpack::condition::{Condition, Inspection, Source};
use crate::buildpack::manifest::{Advice, StartRule};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::variables::Variable;
use crate::model::plan::Evidence;
use serde::Deserialize;

/// A way to build and to start what a framework makes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Mode {
    /// The first mode of which this holds is the one; absent: always.
    #[serde(default)]
    pub(crate) when: Option<Condition>,
    /// Evidence, with what made `when` hold: `Static export`. Empty: the usual way, not worth a line.
    #[serde(default)]
    pub(crate) shown: String,
    /// Recognised and not supported: the way out.
    #[serde(default)]
    pub(crate) refuse: Option<String>,
    /// What is refused with its answers where it has several, before the way out is said.
    #[serde(default)]
    pub(crate) choices: Option<Source>,
    #[serde(default, rename = "variable")]
    pub(crate) variables: Vec<Variable>,
    /// Tried before the start rules of the framework.
    #[serde(default, rename = "start")]
    pub(crate) start: Vec<StartRule>,
    #[serde(default)]
    pub(crate) warnings: Vec<Advice>,
}

/// The mode that applies, and what is said of it; `None` where none does. Where the project says itself which files are served
/// (`only_files`), no mode is refused: nothing of it is started.
///
/// # Errors
/// When a file that a condition reads is broken, or the mode is one that is not supported.
pub(crate) fn choose<'pack>(
    modes: &'pack [Mode],
    inspection: &Inspection<'_>,
    only_files: bool,
) -> Result<Option<(&'pack Mode, Option<Evidence>)>, Refusal> {
    for mode in modes.iter().filter(|mode| !only_files || mode.refuse.is_none()) {
        let why = match &mode.when {
            Some(condition) => inspection.check(condition)?,
            None => Some(String::new()),
        };
        let Some(why) = why else { continue };
        if let Some(way_out) = &mode.refuse {
            mode.choices.as_ref().map(|source| inspection.find(source)).transpose()?;
            return Err(Refusal::Unsupported { what: mode.shown.clone(), way_out: way_out.clone() });
        }
        let from = if why.is_empty() { "default".to_owned() } else { why };
        let evidence = (!mode.shown.is_empty()).then(|| Evidence { what: mode.shown.clone(), from });
        return Ok(Some((mode, evidence)));
    }
    Ok(None)
}
