//! `gilgal.toml`: what a project says about itself where detection should not decide.
//!
//! | file | what |
//! |---|---|
//! | this one | the keys, as data |
//! | `values` | the texts that a key may have: a command, a path |
//! | `numbers` | the numbers that a key may have: a port, a time, an amount of memory |
//! | `project` | where the file is, and what it declares together with the Procfile |
//! | `read` | from text to keys, with every mistake named |
//! | `settings` | what a plan takes of the keys |
//! | `site` | what is said of files that are served |
//! | `watch` | which pushes matter |
//! | `schema` | the JSON Schema of the keys, for editors |

mod numbers;
mod project;
mod read;
mod schema;
pub(crate) mod settings;
pub(crate) mod site;
mod values;
mod watch;

use crate::model::cron::{Overlap, Schedule, TimeZoneName};
use crate::model::name::{ConfigName, CronName, ProcessType, VolumeName};
use crate::model::process::StopSignal;
use crate::model::volume::Strategy;
use numbers::{Cores, Count, LongSpan, LongTime, Memory, Percent, Port, Span, Threshold, Time};
pub(crate) use project::{Declared, Project};
use read::read;
pub use read::{Mistake, ProjectFileError};
pub use schema::schema;
use schemars::JsonSchema;
use serde::Deserialize;
use site::Site;
use std::collections::BTreeMap;
pub(crate) use values::RunnableImage;
pub(crate) use values::TreePath;
use values::{ArgumentName, CommandLine, GlobPattern, ImageName, MountText, PackageName, Text, UrlPath};
pub use watch::Watch;

/// Where it is expected: in the root of the project.
pub const PATH: &str = "gilgal.toml";

/// What `gilgal.toml` says. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "gilgal.toml")]
pub(crate) struct ProjectFile {
    /// How the image is made.
    pub(crate) build: Build,
    /// How the app is started, checked and replaced.
    pub(crate) deploy: Deploy,
    /// How files are served, where the project is a static site.
    #[serde(rename = "static")]
    pub(crate) site: Site,
    /// Base images that are taken from elsewhere, by the name that the Dockerfile has for them:
    /// `"node:22-bookworm-slim" = "registry.example.com/node:22-bookworm-slim"`.
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) images: BTreeMap<ImageName, ImageName>,
    /// Process types by name, besides those of the Procfile.
    #[schemars(with = "BTreeMap<String, Process>")]
    pub(crate) processes: BTreeMap<ProcessType, Process>,
    /// Folders that outlive instances and deployments, by name: where each is in an instance, `"/data"`, or `"/data:ro"` for one
    /// that is only read.
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) volumes: BTreeMap<VolumeName, MountText>,
    /// Commands that run by a schedule, by name.
    #[schemars(with = "BTreeMap<String, CronLine>")]
    pub(crate) cron: BTreeMap<CronName, CronLine>,
    /// Variables with values that are no secret. A config var of the same name wins.
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) env: BTreeMap<ConfigName, Text>,
}

/// `[build]`
#[expect(clippy::struct_field_names, reason = "fields are called as the keys")]
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Build {
    /// The image to run, where nothing is to be built: `ghcr.io/a/b:1`.
    pub(crate) image: Option<RunnableImage>,
    /// Name of the buildpack, where the project could be for several: `node`.
    pub(crate) buildpack: Option<String>,
    /// The folder of the repository that is the project: `apps/web`.
    pub(crate) root: Option<TreePath>,
    /// The Dockerfile to build with, seen from the root: `docker/Dockerfile`.
    pub(crate) dockerfile: Option<TreePath>,
    /// The stage of the Dockerfile to build; otherwise the last one.
    pub(crate) target: Option<PackageName>,
    /// Values for the Dockerfile's `ARG` lines. Not for secrets: they are kept in the image's history.
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) args: BTreeMap<ArgumentName, Text>,
    /// Runs instead of the package manager's own installation.
    pub(crate) install_command: Option<CommandLine>,
    /// Runs before the build command.
    pub(crate) pre_build_command: Option<CommandLine>,
    /// Runs instead of the buildpack's own build.
    pub(crate) build_command: Option<CommandLine>,
    /// Runs after the build command.
    pub(crate) post_build_command: Option<CommandLine>,
    /// The folder in which the build leaves a static site, seen from the root: `dist`. It is what is served.
    pub(crate) output: Option<TreePath>,
    /// Folders that the build finds again as the build before has left them: `["node_modules/.cache"]`.
    pub(crate) cache: Vec<TreePath>,
    /// Debian packages that the app needs, while it is built and while it runs: `["ffmpeg"]`.
    pub(crate) packages: Vec<PackageName>,
    /// Paths of the repository that matter: a push that changes none of them deploys nothing. `*` stands for part of a name,
    /// `**` for any number of folders.
    pub(crate) watch: Vec<GlobPattern>,
}

/// `[deploy]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Deploy {
    /// The command of the process type `web`.
    pub(crate) start: Option<CommandLine>,
    /// The command that runs once, before a release goes live: migrations.
    pub(crate) release: Option<CommandLine>,
    /// The port that the app listens on; it is told in `PORT`.
    pub(crate) port: Option<Port>,
    /// How an instance proves that it may receive traffic.
    pub(crate) health: Health,
    /// How long an old instance may finish its requests: seconds, or a text such as `"2m"`.
    pub(crate) drain: Option<Time>,
    /// How long a new release is watched; it is rolled back if it crashes again and again, or answers much worse than the one
    /// before: seconds, or a text such as `"2m"`; 0: not at all.
    pub(crate) watch: Option<Span>,
    /// After how long without a request the instances of `web` are stopped; the next request waits while they start. Seconds, or a
    /// text such as `"30m"`; 0: never, as where it is left out.
    pub(crate) sleep: Option<LongSpan>,
    /// `true`: clients stay with the instance that answered them first, by a cookie, as long as it is there.
    pub(crate) sticky: bool,
    /// How new instances take the place of the old ones: `"rolling"` starts them beside each other, `"hold"` stops the old ones
    /// first and lets requests wait, `"recreate"` turns requests away meanwhile, `"canary"` starts them beside each other
    /// and sends a part of the requests to the new ones for a while. Otherwise rolling, or hold with a volume that is written.
    #[schemars(with = "Option<StrategyWord>")]
    pub(crate) strategy: Option<Strategy>,
    /// How the strategy `"canary"` tries new instances out, which is meant where no strategy is said.
    pub(crate) canary: Option<CanaryTable>,
}

/// `[deploy.canary]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CanaryTable {
    /// Of the requests, from 1 to 99; otherwise 10.
    pub(crate) percent: Option<Percent>,
    /// For how long the new instances get that part before they get all: seconds, or a text such as `"5m"`; otherwise two
    /// minutes.
    pub(crate) r#for: Option<Time>,
}

/// `[deploy.health]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Health {
    /// Asked with GET; any answer below 500 is good: `/up`.
    pub(crate) path: Option<UrlPath>,
    /// `true`: a connection that is accepted is enough, nothing is asked.
    pub(crate) tcp: bool,
    /// Between two attempts: seconds, or a text such as `"500ms"`.
    pub(crate) interval: Option<Time>,
    /// For one attempt: seconds, or a text such as `"5s"`.
    pub(crate) timeout: Option<Time>,
    /// Until an instance that was never healthy has failed: seconds, or a text such as `"2m"`.
    pub(crate) deadline: Option<Time>,
    /// Good answers in a row that make an instance healthy.
    pub(crate) threshold: Option<Threshold>,
    /// Between two attempts once it is live: seconds, or a text such as `"30s"`; 0: it is not asked any more.
    pub(crate) live_interval: Option<Span>,
    /// Failures in a row after which a live instance is replaced.
    pub(crate) live_failures: Option<Threshold>,
}

/// `[processes.<name>]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Process {
    /// What is run. May be left out for a process type that the Procfile or the buildpack has.
    pub(crate) command: Option<CommandLine>,
    /// How many, until somebody scales it.
    pub(crate) instances: Option<Count>,
    /// Memory of one instance: MiB, or a text such as `"1G"`.
    pub(crate) memory: Option<Memory>,
    /// Cores of one instance: `0.5`.
    pub(crate) cpu: Option<Cores>,
    /// The signal by which it is told to end, ten seconds before it is killed; otherwise the image's own, or SIGTERM.
    #[schemars(with = "Option<SignalWord>")]
    pub(crate) stop_signal: Option<StopSignal>,
}

/// `[cron.<name>]`
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CronLine {
    /// Minute, hour, day, month, weekday: `"30 4 * * 1-5"`.
    #[schemars(with = "String")]
    pub(crate) schedule: Schedule,
    /// What is run, in a container of its own.
    pub(crate) command: CommandLine,
    /// The time zone of the schedule: `"Europe/Berlin"`; otherwise UTC.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(crate) timezone: TimeZoneName,
    /// What becomes of a run whose time comes while the one before it still runs: `"skip"` leaves it out, `"allow"` runs both,
    /// `"replace"` stops the one that runs.
    #[serde(default)]
    #[schemars(with = "OverlapWord")]
    pub(crate) overlap: Overlap,
    /// How long a run may take: seconds, or a text such as `"10m"`; otherwise an hour.
    #[serde(default)]
    pub(crate) timeout: Option<LongTime>,
}

/// The words of [`Strategy`], for editors.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
#[expect(dead_code, reason = "only its schema is used")]
enum StrategyWord {
    Rolling,
    Hold,
    Recreate,
    Canary,
}

/// The words of [`StopSignal`], for editors.
#[derive(JsonSchema)]
#[schemars(rename_all = "UPPERCASE", inline)]
#[expect(dead_code, reason = "only its schema is used")]
enum SignalWord {
    SigTerm,
    SigInt,
    SigQuit,
    SigHup,
    SigUsr1,
    SigUsr2,
    SigWinch,
}

/// The words of [`Overlap`], for editors.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
#[expect(dead_code, reason = "only its schema is used")]
enum OverlapWord {
    Skip,
    Allow,
    Replace,
}
