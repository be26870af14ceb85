//! All buildpacks of a server: read once, then asked for every push.

use crate::buildpack::detect::{self, DetectOptions};
use crate::buildpack::manifest::{Failure, Manifest};
use crate::buildpack::project_file::settings::ASKED_OF_TEMPLATES;
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render::{self, RenderContext, RenderError};
use crate::buildpack::variables::{SharedVariables, Variable};
use crate::model::plan::BuildPlan;
use crate::model::source::SourceTree;
use minijinja::Environment;
use rust_embed::RustEmbed;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The folder `buildpacks/`, inside the binary.
#[derive(RustEmbed)]
#[folder = "buildpacks/"]
struct Embedded;

/// One buildpack: its name and what its `buildpack.toml` says.
#[derive(Debug)]
pub(crate) struct Pack {
    /// Name of its folder.
    pub(crate) name: String,
    pub(crate) manifest: Manifest,
    /// What its templates do of what `gilgal.toml` can ask for.
    pub(crate) settings: BTreeSet<&'static str>,
}

/// The buildpacks, in the order in which they are asked.
#[derive(Debug)]
pub struct Catalog {
    pub(crate) packs: Vec<Pack>,
    /// Every template of every pack, by `<pack>/<file>`.
    pub(crate) templates: Environment<'static>,
}

/// A buildpack is written wrongly.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("{path} cannot be read: {source}")]
    Manifest { path: String, source: Box<toml::de::Error> },
    #[error("{path} is not a valid template: {source}")]
    Template { path: String, source: Box<minijinja::Error> },
    #[error("the buildpack {pack} shares the variables of {path}, which is not there")]
    NoSharedVariables { pack: String, path: String },
    #[error("{path} is not UTF-8 text")]
    NotText { path: String },
}

/// The settings of `gilgal.toml` that a template does something with.
fn settings_named_in(template: &str) -> BTreeSet<&'static str> {
    let words: BTreeSet<&str> = template.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    ASKED_OF_TEMPLATES.into_iter().filter(|name| words.contains(name)).collect()
}

impl Pack {
    fn add_shared_variables(&mut self, shared: &BTreeMap<String, Vec<Variable>>) -> Result<(), CatalogError> {
        let mut variables = Vec::new();
        for path in &self.manifest.shared_variables {
            let missing = || CatalogError::NoSharedVariables { pack: self.name.clone(), path: path.clone() };
            variables.extend(shared.get(path).ok_or_else(missing)?.iter().cloned());
        }
        variables.append(&mut self.manifest.variables);
        self.manifest.variables = variables;
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, CatalogError> {
    toml::from_str(text)
        .map_err(|source| CatalogError::Manifest { path: path.to_owned(), source: Box::new(source) })
}

impl Catalog {
    /// The buildpacks that come with the binary.
    ///
    /// # Panics
    /// Never in a binary that passed its tests: the embedded files do not change afterwards, and a test reads them all.
    #[must_use]
    pub fn embedded() -> Self {
        let files = Embedded::iter().filter_map(|path| {
            let file = Embedded::get(&path)?;
            Some((path.into_owned(), file.data.into_owned()))
        });
        Self::from_files(files).expect("the embedded buildpacks are valid")
    }

    /// The buildpacks of a set of files, each by its path: `<pack>/buildpack.toml`, `<pack>/Dockerfile.j2` …
    ///
    /// # Errors
    /// When a file is not what its name says.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, CatalogError> {
        let mut packs = Vec::new();
        let mut templates = render::environment();
        let mut shared = BTreeMap::new();
        let mut named: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
        for (path, bytes) in files {
            let text = String::from_utf8(bytes).map_err(|_| CatalogError::NotText { path: path.clone() })?;
            if let Some(name) = path.strip_suffix("/buildpack.toml") {
                let manifest = parse(&path, &text)?;
                packs.push(Pack { name: name.to_owned(), manifest, settings: BTreeSet::new() });
            } else if Path::new(&path).extension().is_some_and(|extension| extension == "toml") {
                let variables: SharedVariables = parse(&path, &text)?;
                shared.insert(path, variables.variables);
            } else if Path::new(&path).extension().is_some_and(|extension| extension == "j2") {
                let pack = path.split('/').next().unwrap_or_default();
                named.entry(pack.to_owned()).or_default().extend(settings_named_in(&text));
                templates
                    .add_template_owned(path.clone(), text)
                    .map_err(|source| CatalogError::Template { path, source: Box::new(source) })?;
            }
        }
        for pack in &mut packs {
            pack.add_shared_variables(&shared)?;
            pack.settings = named.remove(&pack.name).unwrap_or_default();
        }
        packs.sort_by(|left, right| {
            (left.manifest.order, &left.name).cmp(&(right.manifest.order, &right.name))
        });
        Ok(Self { packs, templates })
    }

    /// How to build a project.
    ///
    /// # Errors
    /// When it cannot be built as it is; the refusal says why, and what would help.
    pub fn detect(&self, tree: &dyn SourceTree, options: &DetectOptions) -> Result<BuildPlan, Refusal> {
        detect::detect(self, tree, options)
    }

    /// The Dockerfile of a plan.
    ///
    /// # Errors
    /// When the plan needs none or is of a buildpack that is not here.
    pub fn dockerfile(&self, plan: &BuildPlan, context: &RenderContext) -> Result<String, RenderError> {
        if plan.dockerfile.is_some() {
            return Err(RenderError::OwnDockerfile);
        }
        let pack = self
            .packs
            .iter()
            .find(|pack| pack.name == plan.buildpack)
            .ok_or_else(|| RenderError::NoSuchBuildpack(plan.buildpack.clone()))?;
        let chosen = pack.manifest.frameworks.iter().find(|framework| framework.title == plan.framework);
        let template = chosen.and_then(|framework| framework.template.as_deref()).unwrap_or("Dockerfile.j2");
        render::dockerfile(&self.templates, &format!("{}/{template}", pack.name), plan, context)
    }

    /// Every kind of project that is told apart: the pack, its language (or what else it is for) and the framework, in the
    /// order of the packs. A language itself, without a framework, is a kind too.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.packs.iter().flat_map(|pack| {
            let title = pack.manifest.title.as_str();
            let frameworks = pack.manifest.frameworks.iter().filter(|framework| !framework.library);
            let titles =
                frameworks.map(|framework| framework.title.as_str()).filter(move |kind| *kind != title);
            titles.chain([title]).map(move |kind| (pack.name.as_str(), title, kind))
        })
    }

    /// What a buildpack knows about the last lines of a build or an app that failed: sentences with a way out.
    #[must_use]
    pub fn advice(&self, buildpack: &str, lines: &[String]) -> Vec<String> {
        let pack = self.packs.iter().find(|pack| pack.name == buildpack);
        let failures = pack.into_iter().flat_map(|pack| &pack.manifest.failures);
        let said = |failure: &&Failure| lines.iter().any(|line| failure.says.find(line).is_some());
        failures.filter(said).map(|failure| failure.advice.clone()).collect()
    }

    /// Beginnings of the names of variables that some framework writes into what everybody can read.
    #[must_use]
    pub fn public_prefixes(&self) -> Vec<String> {
        let frameworks = self.packs.iter().flat_map(|pack| &pack.manifest.frameworks);
        let prefixes = frameworks.flat_map(|framework| framework.build_variables.iter().cloned());
        prefixes.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Names of the files that some pack looks for, for hints about misspelt ones.
    pub(crate) fn signals(&self) -> impl Iterator<Item = &str> {
        self.packs.iter().flat_map(|pack| pack.manifest.signals.iter().map(String::as_str))
    }
}
