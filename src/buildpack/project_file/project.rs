//! A project as its repository describes it: its root, its `gilgal.toml` and the process types that its files declare.

use super::{PATH, ProjectFile, read};
use crate::buildpack::app_json::{self, AppJson};
use crate::buildpack::detect::{DetectOptions, SET_FOR_ENVIRONMENT};
use crate::buildpack::documents::Documents;
use crate::buildpack::procfile::{self, MOST_PROCESS_TYPES};
use crate::buildpack::refusal::Refusal;
use crate::model::name::ProcessType;
use crate::model::plan::Evidence;
use crate::model::process::Command;
use crate::model::source::SourceTree;
use std::collections::{BTreeMap, BTreeSet};

/// A command, and the file that declares it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Declared {
    pub(crate) command: Command,
    /// `Procfile`, or `gilgal.toml: deploy.start`.
    pub(crate) from: String,
}

/// What the files of a project say themselves, before anything is detected.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) file: ProjectFile,
    /// Where `gilgal.toml` is, for the evidence; as read from the top of the repository.
    pub(crate) path: String,
    /// The folder that is the project; empty: the whole tree.
    pub(crate) root: String,
    pub(crate) processes: BTreeMap<ProcessType, Declared>,
    pub(crate) evidence: Vec<Evidence>,
    /// What Heroku's `app.json` says.
    pub(crate) app: AppJson,
    /// What builds it where `gilgal.toml` does not say: set for the environment, or known of its workspace.
    pub(crate) build_command: Option<Evidence>,
    /// The folder of a static site that its workspace makes, where `gilgal.toml` does not say.
    pub(crate) output: Option<Evidence>,
    /// Version lines that earlier builds had, by tool.
    pub(crate) versions: BTreeMap<String, String>,
}

impl Project {
    /// Reads what decides: `gilgal.toml` of the root folder, or else of the top of the repository, and the Procfile.
    ///
    /// # Errors
    /// When one of them is broken, a link, or contradicts itself.
    pub(crate) fn read(tree: &dyn SourceTree, root: &str) -> Result<Self, Refusal> {
        let set = root.trim_matches('/');
        let top = Documents::new(tree, "")?;
        let (mut file, mut path) = (file_at(&top, "")?.unwrap_or_default(), PATH.to_owned());
        let mut evidence = Vec::new();
        let chosen = match &file.build.root {
            _ if !set.is_empty() && set != "." => set.to_owned(),
            Some(root) if root.as_str() != "." => {
                evidence.push(Evidence {
                    what: format!("Root {}", root.as_str()),
                    from: format!("{PATH}: build.root"),
                });
                root.as_str().to_owned()
            }
            Some(_) | None => String::new(),
        };
        if !chosen.is_empty()
            && let Some(nearer) = file_at(&top, &chosen)?
        {
            (file, path) = (nearer, format!("{chosen}/{PATH}"));
            if file.build.root.as_ref().is_some_and(|root| root.as_str() != ".") {
                let reason =
                    "its build.root would lead away from the folder that is the root already".to_owned();
                return Err(Refusal::BrokenFile { path, reason });
            }
        }
        if file.deploy.health.tcp && file.deploy.health.path.is_some() {
            let choices = ["deploy.health.tcp", "deploy.health.path"].map(|key| format!("{path}: {key}"));
            return Err(Refusal::Ambiguous {
                choices: choices.into(),
                way_out: "Say one of them.".to_owned(),
            });
        }
        let documents = Documents::new(tree, &chosen)?;
        refuse_links(&documents, &file)?;
        let declared = match documents.text(procfile::PATH)? {
            Some(text) => procfile::parse(&text)?,
            None => BTreeMap::new(),
        };
        let mut project = Self {
            file,
            path,
            root: chosen,
            processes: BTreeMap::new(),
            evidence,
            app: app_json::read(&documents)?,
            build_command: None,
            output: None,
            versions: BTreeMap::new(),
        };
        for (process_type, command) in declared {
            project.processes.insert(process_type, Declared { command, from: procfile::PATH.to_owned() });
        }
        project.declare_processes()?;
        project.declare_predeploy();
        if project.processes.len().max(project.file.processes.len()) > MOST_PROCESS_TYPES {
            let reason = format!("the project has more than {MOST_PROCESS_TYPES} process types");
            return Err(Refusal::BrokenFile { path: project.path, reason });
        }
        Ok(project)
    }

    /// Dokku's command before a deployment as the process type `release`, where no other file declares it.
    fn declare_predeploy(&mut self) {
        let Some((release, line)) = "release".parse().ok().zip(self.app.release.clone()) else { return };
        let from = format!("{}: {}", app_json::PATH, app_json::PREDEPLOY);
        if let Some(first) = self.processes.get(&release) {
            let by = format!("superseded by {}", first.from);
            self.evidence.push(Evidence { what: from, from: by });
        } else {
            self.evidence.push(Evidence { what: format!("release: {line}"), from: from.clone() });
            self.processes.insert(release, Declared { command: Command::Line(line), from });
        }
    }

    /// What is worth a warning of `app.json`.
    pub(crate) fn app_warnings(&self) -> Vec<String> {
        let is_given = |name: &str| self.file.env.keys().any(|given| given.as_str() == name);
        let wanted = self.app.wanted.iter().filter(|(name, _)| !is_given(name));
        self.app.warnings.iter().chain(wanted.map(|(_, sentence)| sentence)).cloned().collect()
    }

    /// The project with the commands that are set for its environment: what its own files say wins.
    pub(crate) fn with_options(mut self, options: &DetectOptions) -> Self {
        self.versions.clone_from(&options.versions);
        if let Some(line) = &options.start_command {
            let from = SET_FOR_ENVIRONMENT.to_owned();
            let declared = Declared { command: Command::Line(line.clone()), from };
            self.processes.entry(ProcessType::web()).or_insert(declared);
        }
        if self.file.build.build_command.is_none() {
            let set = |line: &String| Evidence { what: line.clone(), from: SET_FOR_ENVIRONMENT.to_owned() };
            self.build_command = options.build_command.as_ref().map(set);
        }
        self
    }

    /// A row of evidence for a key of the file.
    pub(crate) fn says(&self, what: impl Into<String>, key: &str) -> Evidence {
        Evidence { what: what.into(), from: self.key(key) }
    }

    /// `gilgal.toml: deploy.start`
    pub(crate) fn key(&self, key: &str) -> String {
        format!("{}: {key}", self.path)
    }

    /// The files that declare process types.
    pub(crate) fn declared_in(&self) -> Vec<String> {
        let files =
            self.processes.values().map(|declared| declared.from.split(':').next().unwrap_or_default());
        files.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The process types that `gilgal.toml` declares; they win over those of the Procfile.
    fn declare_processes(&mut self) -> Result<(), Refusal> {
        let release = "release".parse().ok();
        let shorthands = [
            (Some(ProcessType::web()), "deploy.start", self.file.deploy.start.clone()),
            (release, "deploy.release", self.file.deploy.release.clone()),
        ];
        let mut declared: BTreeMap<ProcessType, Declared> = BTreeMap::new();
        for (process_type, key, line) in shorthands {
            if let (Some(process_type), Some(line)) = (process_type, line) {
                declared.insert(process_type, Declared { command: line.command(), from: self.key(key) });
            }
        }
        for (process_type, process) in &self.file.processes {
            let Some(line) = &process.command else { continue };
            let from = self.key(&format!("processes.{process_type}.command"));
            if let Some(first) = declared
                .insert(process_type.clone(), Declared { command: line.command(), from: from.clone() })
            {
                let way_out = "Say it once.".to_owned();
                return Err(Refusal::Ambiguous { choices: vec![first.from, from], way_out });
            }
        }
        for (process_type, declaration) in declared {
            let from = declaration.from.clone();
            if let Some(first) = self.processes.insert(process_type.clone(), declaration) {
                let what = format!("{}: {process_type}", first.from);
                self.evidence.push(Evidence { what, from: format!("superseded by {from}") });
            }
        }
        Ok(())
    }
}

/// The file in a folder of the repository.
fn file_at(top: &Documents<'_>, folder: &str) -> Result<Option<ProjectFile>, Refusal> {
    let path = if folder.is_empty() { PATH.to_owned() } else { format!("{folder}/{PATH}") };
    if top.is_symbolic_link(&path) {
        return Err(Refusal::SymbolicLink { path });
    }
    match top.text(&path)? {
        Some(text) => Ok(Some(read(&text).map_err(|error| error.in_file(&path))?)),
        None => Ok(None),
    }
}

/// None of the files that decide what is built and run is followed through a symbolic link.
fn refuse_links(documents: &Documents<'_>, file: &ProjectFile) -> Result<(), Refusal> {
    let dockerfile = file.build.dockerfile.as_ref().map_or("Dockerfile", |path| path.as_str());
    match [dockerfile, procfile::PATH].into_iter().find(|path| documents.is_symbolic_link(path)) {
        Some(path) => Err(Refusal::SymbolicLink { path: path.to_owned() }),
        None => Ok(()),
    }
}
