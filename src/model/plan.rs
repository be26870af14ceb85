//! The build plan: the answer of detection, as data.

use crate::model::name::ProcessType;
use crate::model::process::Command;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a source tree becomes an image and what is started from it.
///
/// The same plan and the same tree give the same image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildPlan {
    /// Name of the buildpack's folder: `node`.
    pub buildpack: String,
    /// What a push calls it: `Node.js app`, `Static site`, `Dockerfile`.
    pub kind: String,
    /// What was recognised, for people: `Node.js`, `Flask`.
    pub framework: String,
    /// Why, in the order in which it is shown.
    pub evidence: Vec<Evidence>,
    /// Things worth a warning in the push; each is one sentence with a way out.
    pub warnings: Vec<String>,
    /// Versions that were chosen, by tool: `node` → `22`.
    pub versions: BTreeMap<String, String>,
    /// Everything the Dockerfile template is given beyond the above.
    pub variables: BTreeMap<String, serde_json::Value>,
    /// What to start: at least `web`, or the image's own command.
    pub processes: BTreeMap<ProcessType, Command>,
    /// The port that a web instance is told to listen on (`PORT`).
    pub port: u16,
    /// Path of the Dockerfile in the tree where the project brings its own; `None`: the template is rendered.
    pub dockerfile: Option<String>,
    /// Generated files that the build finds in its context besides the tree, by path: `.gilgal/Caddyfile`. They win over
    /// files of the tree, and no `.dockerignore` leaves them out.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Patterns left out of the context besides those of the project's own `.dockerignore`, in its syntax.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Names of the caches that the build keeps, for the transcript: `npm`.
    pub caches: Vec<String>,
    /// Beginnings of the names of config vars that the build writes into its output (`NEXT_PUBLIC_`): a change of one
    /// needs a new build, and it is public.
    #[serde(default)]
    pub build_variable_prefixes: Vec<String>,
}

/// One thing that was recognised, and where it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `Node 22`.
    pub what: String,
    /// `.nvmrc`, or `package.json: engines.node`.
    pub from: String,
}
