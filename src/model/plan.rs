//! The build plan: the answer of detection, as data.

use crate::model::config::Values;
use crate::model::cron::CronJob;
use crate::model::environment::{HealthCheck, Probe};
use crate::model::image::ImageName;
use crate::model::name::{CronName, ProcessType, VolumeName};
use crate::model::pins::Pins;
use crate::model::process::{Command, LimitsChange, StopSignal};
use crate::model::secret::Secret;
use crate::model::volume::{CanaryOptions, Mount, Strategy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a source tree becomes an image and what is started from it.
///
/// The same plan and the same tree give the same image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
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
    /// The image of a registry that is run as it is, where nothing is built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prebuilt: Option<Box<PrebuiltImage>>,
    /// Generated files that the build finds in its context besides the tree, by path: `.gilgal/Caddyfile`. They win over
    /// files of the tree, and no `.dockerignore` leaves them out.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Patterns left out of the context besides those of the project's own `.dockerignore`, in its syntax.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Folders below the root of which the build gets the manifest ([`LEFT_OUT_BUT`]) and nothing else: other packages of
    /// the workspace, which have no part in the image.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// Names of the caches that the build keeps, for the transcript: `npm`.
    pub caches: Vec<String>,
    /// Beginnings of the names of config vars that the build writes into its output (`NEXT_PUBLIC_`): a change of one
    /// needs a new build, and it is public.
    #[serde(default)]
    pub build_variable_prefixes: Vec<String>,
    /// The folder of the tree that is sent to the build; empty: all of it.
    #[serde(default)]
    pub root: String,
    /// The stage of the Dockerfile that is the image; `None`: the last one.
    #[serde(default)]
    pub target: Option<String>,
    /// Values for the Dockerfile's `ARG` lines.
    #[serde(default)]
    pub build_arguments: BTreeMap<String, String>,
    /// Base images that the project takes from elsewhere: the template's name → the name to use.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// What it was built by besides, so that it can be built so again. Empty until it is.
    #[serde(default, skip_serializing_if = "Pins::is_empty")]
    pub pins: Pins,
    /// The files that declare process types: `Procfile`.
    #[serde(default)]
    pub declared_in: Vec<String>,
    #[serde(default)]
    pub running: Running,
}

/// An image that somebody else has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrebuiltImage {
    /// As it was asked for: with a tag, or a digest.
    pub name: ImageName,
    /// The very image that the name stood for when it was pulled.
    pub source: Option<ImageName>,
    /// Whether the port of the plan is one that the project has said; otherwise it is what the image exposes.
    pub has_own_port: bool,
}

/// The file that the build gets of a folder that is left out: an installation goes by the manifests of all packages.
pub const LEFT_OUT_BUT: &str = "package.json";

impl BuildPlan {
    /// Patterns for all that the build does not get, in the syntax of `.dockerignore`. The project's own come after them.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        let of_folder = |folder: &String| [format!("{folder}/*"), format!("!{folder}/{LEFT_OUT_BUT}")];
        self.ignore.iter().cloned().chain(self.left_out.iter().flat_map(of_folder)).collect()
    }

    /// A path below the folder that is built, from the top of the tree.
    #[must_use]
    pub fn in_root(&self, path: &str) -> String {
        if self.root.is_empty() { path.to_owned() } else { format!("{}/{path}", self.root) }
    }

    /// Whether the build writes a variable of this name into its output, for everybody to read.
    #[must_use]
    pub fn is_public(&self, name: &str) -> bool {
        self.build_variable_prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    /// The variables that a build of the plan has: those that are set for builds, and what the project's files set under a
    /// public name.
    #[must_use]
    pub fn build_values(&self, set: &Values) -> Values {
        let own = self.running.variables.iter().filter(|(name, _)| self.is_public(name));
        let own = own.filter_map(|(name, value)| Some((name.parse().ok()?, Secret::new(value.clone()))));
        own.chain(set.iter().map(|(name, value)| (name.clone(), value.clone()))).collect()
    }
}

/// What the project's files say about how it runs. It wins over what is set for the environment, with one exception: a
/// formation that somebody has scaled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Running {
    /// Instances by process type.
    pub formation: BTreeMap<ProcessType, u16>,
    pub limits: BTreeMap<ProcessType, LimitsChange>,
    /// Of the process types that are not told to end as their image says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stop_signals: BTreeMap<ProcessType, StopSignal>,
    pub health: HealthChange,
    /// Seconds that old instances get to finish their requests.
    pub drain_seconds: Option<u16>,
    /// Seconds for which a release is watched after it went live.
    pub watch_seconds: Option<u16>,
    /// Seconds without a request after which web instances are stopped; 0: never.
    pub sleep_seconds: Option<u32>,
    /// Volumes that every instance has.
    pub volumes: BTreeMap<VolumeName, Mount>,
    /// How instances take the place of those before.
    pub strategy: Option<Strategy>,
    /// Whether clients stay with the instance that answered them first.
    pub sticky: bool,
    /// How new ones are tried out.
    pub canary: Option<CanaryOptions>,
    /// Commands that run by a schedule.
    pub cron: BTreeMap<CronName, CronJob>,
    /// Variables that are no secret; config vars of the same name win.
    pub variables: BTreeMap<String, String>,
}

/// The parts of a health check that are not those of the environment. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthChange {
    pub probe: Option<Probe>,
    pub interval_ms: Option<u32>,
    pub attempt_timeout_ms: Option<u32>,
    pub deadline_ms: Option<u32>,
    pub successes: Option<u16>,
    pub live_interval_ms: Option<u32>,
    pub live_failures: Option<u16>,
}

impl HealthChange {
    /// The health check of the environment with what is said here.
    #[must_use]
    pub fn applied_to(&self, check: &HealthCheck) -> HealthCheck {
        HealthCheck {
            probe: self.probe.clone().unwrap_or_else(|| check.probe.clone()),
            interval_ms: self.interval_ms.unwrap_or(check.interval_ms),
            attempt_timeout_ms: self.attempt_timeout_ms.unwrap_or(check.attempt_timeout_ms),
            deadline_ms: self.deadline_ms.unwrap_or(check.deadline_ms),
            successes: self.successes.unwrap_or(check.successes),
            live_interval_ms: self.live_interval_ms.unwrap_or(check.live_interval_ms),
            live_failures: self.live_failures.unwrap_or(check.live_failures),
        }
    }
}

/// One thing that was recognised, and where it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `Node 22`.
    pub what: String,
    /// `.nvmrc`, or `package.json: engines.node`.
    pub from: String,
}
