//! What a `buildpack.toml` can say. Only the shape of the data; each part is interpreted by the file named at its type.

use crate::buildpack::condition::{Condition, Source};
use crate::buildpack::failure::Failure;
use crate::buildpack::member::Workspaces;
use crate::buildpack::mode::Mode;
use crate::buildpack::pattern::Pattern;
use crate::buildpack::variables::Variable;
use crate::model::name::ProcessType;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A whole `buildpack.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The language, for people: `Node.js`.
    pub(crate) title: String,
    /// What a push calls it: `Node.js app`.
    pub(crate) kind: String,
    /// Packs are asked in ascending order, and the first that recognises the project wins.
    pub(crate) order: u32,
    pub(crate) recognise: Condition,
    /// Shown with what made `recognise` hold, for a language whose frameworks and versions leave nothing else to show.
    #[serde(default)]
    pub(crate) recognised_as: Option<String>,
    /// Asked only where no other pack recognises the project.
    #[serde(default)]
    pub(crate) last_resort: bool,
    /// What `recognise` looks for, for the refusal of a project that no pack recognises.
    pub(crate) looked_for: String,
    /// Names of files whose misspelling is pointed out.
    #[serde(default)]
    pub(crate) signals: Vec<String>,
    #[serde(default)]
    pub(crate) hints: Vec<Advice>,
    /// The project brings its Dockerfile: nothing is rendered.
    #[serde(default)]
    pub(crate) own_dockerfile: Option<String>,
    /// Where the project may be one package of a workspace: how it is built then.
    #[serde(default)]
    pub(crate) workspaces: Option<Workspaces>,
    /// Where the names of the project's dependencies are.
    #[serde(default)]
    pub(crate) dependencies: Vec<DependencyList>,
    /// Lists of variables that several packs share, computed before the pack's own: `assets/variables.toml`.
    #[serde(default)]
    pub(crate) shared_variables: Vec<String>,
    #[serde(default, rename = "variable")]
    pub(crate) variables: Vec<Variable>,
    /// The variable that is given the value of `build.output`: the folder of a static site. With it nothing of the project is
    /// started.
    #[serde(default)]
    pub(crate) output_variable: Option<String>,
    #[serde(default, rename = "framework")]
    pub(crate) frameworks: Vec<Framework>,
    /// Files of the pack's `frameworks/` with more of them, without their ending; they come first, in this order.
    #[serde(default)]
    pub(crate) framework_files: Vec<String>,
    #[serde(default, rename = "tool")]
    pub(crate) tools: Vec<Tool>,
    /// A package manager is chosen only where this holds; by default always.
    #[serde(default)]
    pub(crate) install_when: Option<Condition>,
    #[serde(default, rename = "manager")]
    pub(crate) managers: Vec<Manager>,
    #[serde(default, rename = "start")]
    pub(crate) start: Vec<StartRule>,
    #[serde(default, rename = "process")]
    pub(crate) processes: Vec<ProcessRule>,
    /// A typical command, for the refusal of a project that nothing can be started in.
    pub(crate) start_example: String,
    pub(crate) port: Port,
    #[serde(default)]
    pub(crate) warnings: Vec<Advice>,
    #[serde(default, rename = "failure")]
    pub(crate) failures: Vec<Failure>,
    #[serde(default, rename = "file")]
    pub(crate) files: Vec<GeneratedFile>,
    #[serde(default)]
    pub(crate) ignore: Vec<String>,
}

/// A file of frameworks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Frameworks {
    #[serde(rename = "framework")]
    pub(crate) frameworks: Vec<Framework>,
}

/// A sentence that is said when a condition holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Advice {
    pub(crate) when: Condition,
    pub(crate) say: String,
}

/// A file that the build finds in its context besides the project's own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct GeneratedFile {
    pub(crate) path: String,
    /// `<pack>/<file>`: it may be that of another pack.
    pub(crate) template: String,
    #[serde(default)]
    pub(crate) when: Option<Condition>,
}

/// A place that lists dependencies; read by `dependencies`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DependencyList {
    /// Its path; with a pattern of the format, a glob may stand for several.
    pub(crate) file: String,
    #[serde(default)]
    pub(crate) key: Option<String>,
    pub(crate) format: DependencyFormat,
    /// The list counts only where this file is there.
    #[serde(default)]
    pub(crate) beside: Option<String>,
}

/// How a list of dependencies is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DependencyFormat {
    /// An object of names and versions: `dependencies` of package.json.
    Table,
    /// Requirement specifiers of PEP 508, one per line of a text or per element of an array.
    Requirements,
    /// A regular expression in which `{name}` stands for the name of the package; its first group is the version.
    Pattern(String),
}

/// A framework of the pack's language; chosen by `framework`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Framework {
    /// For people: `Next.js`. Also what `supersedes` of others names.
    pub(crate) title: String,
    pub(crate) when: Condition,
    /// A library that people want to see named, and that no project is built with: not a kind of its own.
    #[serde(default)]
    pub(crate) library: bool,
    /// Titles of frameworks that are only parts of this one.
    #[serde(default)]
    pub(crate) supersedes: Vec<String>,
    #[serde(default, rename = "variable")]
    pub(crate) variables: Vec<Variable>,
    /// Tried before the start rules of the pack.
    #[serde(default, rename = "start")]
    pub(crate) start: Vec<StartRule>,
    #[serde(default, rename = "process")]
    pub(crate) processes: Vec<ProcessRule>,
    #[serde(default)]
    pub(crate) warnings: Vec<Advice>,
    #[serde(default)]
    pub(crate) port: Option<u16>,
    /// The ways to build it; the first that applies adds to what is said here.
    #[serde(default, rename = "mode")]
    pub(crate) modes: Vec<Mode>,
    /// Beginnings of the names of config vars that its build writes into the output: `VITE_`.
    #[serde(default)]
    pub(crate) build_variables: Vec<String>,
    /// Another template of the pack's folder than `Dockerfile.j2`.
    #[serde(default)]
    pub(crate) template: Option<String>,
}

impl Framework {
    /// Whether projects of it are built, and told apart: neither is it a library, nor is every way to build it refused.
    pub(crate) fn is_kind(&self) -> bool {
        let is_refused = |mode: &Mode| mode.refuse.is_some();
        !self.library && (self.modes.is_empty() || !self.modes.iter().all(is_refused))
    }
}

/// A program whose version is chosen; by `tool`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Tool {
    /// The key in the plan's versions: `node`.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) default: String,
    /// The project gets this tool only where this holds; by default always.
    #[serde(default)]
    pub(crate) when: Option<Condition>,
    /// The version lines that base images exist for, ascending; each is a prefix of versions: `22`, `3.13`.
    pub(crate) available: Vec<String>,
    /// There are images of other versions too: of each whose first group is found here.
    #[serde(default)]
    pub(crate) whole: Option<Pattern>,
    /// Words that stand for a line: `lts/*`.
    #[serde(default)]
    pub(crate) aliases: BTreeMap<String, String>,
    /// Where the project says which version it wants; the first that says something wins.
    #[serde(default)]
    pub(crate) sources: Vec<Source>,
    /// What the project asks for is the oldest that will do: the `go` line of go.mod.
    #[serde(default)]
    pub(crate) minimum: bool,
}

/// A package manager; chosen by `manager`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Manager {
    pub(crate) name: String,
    /// Any of these files chooses this manager.
    #[serde(default)]
    pub(crate) locks: Vec<String>,
    /// Further narrows `locks`. Without `locks`: chooses this manager where no lock file of any manager is present.
    #[serde(default)]
    pub(crate) when: Option<Condition>,
    /// The project names this manager explicitly; decides between several lock files.
    #[serde(default)]
    pub(crate) named_by: Option<Source>,
    /// Shown as evidence: `npm ci`. Empty: nothing is shown.
    #[serde(default)]
    pub(crate) shown: String,
    /// Recognised and not supported: the way out.
    #[serde(default)]
    pub(crate) refuse: Option<String>,
    #[serde(default)]
    pub(crate) warning: Option<String>,
    /// Name of its cache, for the transcript.
    #[serde(default)]
    pub(crate) cache: Option<String>,
    /// Where the version of the manager itself is said; the first that says something wins.
    #[serde(default)]
    pub(crate) version: Vec<Source>,
    /// Anything else for the template, under `manager`.
    #[serde(default)]
    pub(crate) values: BTreeMap<String, String>,
}

/// One way to start the app; interpreted by `start`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct StartRule {
    #[serde(default)]
    pub(crate) when: Option<Condition>,
    /// Must find something; what it finds is `{{ value }}` in `exec`.
    #[serde(default)]
    pub(crate) value: Option<Source>,
    /// The value must be a file of the tree when one of these is put behind it; `{{ value }}` is then that file.
    #[serde(default)]
    pub(crate) file_with: Vec<String>,
    pub(crate) run: Run,
    /// For the refusal when nothing was found. Empty: not worth a line.
    #[serde(default)]
    pub(crate) looked_for: String,
    /// Packages that the command needs; added to the installation where the project does not depend on them.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
}

/// A process type besides `web` that projects of this kind have, unless they declare it themselves: `release`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ProcessRule {
    pub(crate) name: ProcessType,
    pub(crate) when: Condition,
    pub(crate) run: Run,
}

/// What a start rule runs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Run {
    /// An argument vector; each argument is a template of its own, so a value stays one argument.
    Exec(Vec<String>),
    /// A line for the image's `/bin/sh`, for commands that must be told the port. What it prints must be plain words.
    Shell(String),
    /// The value that was found is a command line of the project.
    Value,
    /// The image's own command.
    Image,
}

/// The port that a web instance listens on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Port {
    pub(crate) default: u16,
    #[serde(default)]
    pub(crate) sources: Vec<Source>,
    /// Evidence that is shown for the default; absent: the default is not worth a line.
    #[serde(default)]
    pub(crate) default_from: Option<String>,
}
