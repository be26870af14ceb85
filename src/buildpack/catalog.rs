//! All buildpacks of a server: read once, then asked for every push.

use crate::buildpack::detect::{self, DetectOptions};
use crate::buildpack::manifest::{Framework, Frameworks, Manifest};
use crate::buildpack::page::{self, Tested};
use crate::buildpack::project_file::settings::ASKED_OF_TEMPLATES;
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render::{self, RenderContext, RenderError, Rendered};
use crate::buildpack::variables::{SharedVariables, Variable};
use crate::model::deployment::Step;
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
    #[error("the buildpack {pack} has frameworks in {path}, which is not there")]
    NoFrameworks { pack: String, path: String },
    #[error("{path} is not UTF-8 text")]
    NotText { path: String },
    #[error("the buildpack {pack} needs the template {path}, which is not there")]
    NoTemplate { pack: String, path: String },
}

/// Every file of the folder `buildpacks/`, by its path in it.
pub(crate) fn embedded_files() -> impl Iterator<Item = (String, Vec<u8>)> {
    Embedded::iter().filter_map(|path| {
        let file = Embedded::get(&path)?;
        Some((path.into_owned(), file.data.into_owned()))
    })
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

impl Pack {
    fn add_frameworks(&mut self, files: &mut BTreeMap<String, Vec<Framework>>) -> Result<(), CatalogError> {
        let mut all = Vec::new();
        for file in &self.manifest.framework_files {
            let path = format!("{}/frameworks/{file}.toml", self.name);
            let missing = || CatalogError::NoFrameworks { pack: self.name.clone(), path: path.clone() };
            all.append(&mut files.remove(&path).ok_or_else(missing)?);
        }
        all.append(&mut self.manifest.frameworks);
        self.manifest.frameworks = all;
        Ok(())
    }

    /// The path of one of its own templates, among those of all packs.
    fn template(&self, file: &str) -> String {
        format!("{}/{file}", self.name)
    }

    /// Whether every template that the pack names is there.
    fn check_templates(&self, templates: &Environment<'static>) -> Result<(), CatalogError> {
        let usual = self.manifest.own_dockerfile.is_none().then_some(DOCKERFILE);
        let of_frameworks =
            self.manifest.frameworks.iter().filter_map(|framework| framework.template.as_deref());
        let of_workspaces = self.manifest.workspaces.iter().map(|rules| rules.template.as_str());
        let own = usual.into_iter().chain(of_frameworks).chain(of_workspaces).map(|file| self.template(file));
        let all = own.chain(self.manifest.files.iter().map(|file| file.template.clone()));
        let missing = all.into_iter().find(|path| templates.get_template(path).is_err());
        missing.map_or(Ok(()), |path| Err(CatalogError::NoTemplate { pack: self.name.clone(), path }))
    }
}

/// The template of a pack where nothing says another one.
const DOCKERFILE: &str = "Dockerfile.j2";

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
        Self::from_files(embedded_files()).expect("the embedded buildpacks are valid")
    }

    /// The buildpacks of a set of files, each by its path: `<pack>/buildpack.toml`, `<pack>/Dockerfile.j2` …
    ///
    /// # Errors
    /// When a file is not what its name says.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, CatalogError> {
        let mut packs = Vec::new();
        let mut templates = render::environment();
        let mut shared = BTreeMap::new();
        let mut frameworks: BTreeMap<String, Vec<Framework>> = BTreeMap::new();
        let mut named: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
        for (path, bytes) in files {
            let text = String::from_utf8(bytes).map_err(|_| CatalogError::NotText { path: path.clone() })?;
            if let Some(name) = path.strip_suffix("/buildpack.toml") {
                let manifest = parse(&path, &text)?;
                packs.push(Pack { name: name.to_owned(), manifest, settings: BTreeSet::new() });
            } else if path.contains("/frameworks/") {
                let file: Frameworks = parse(&path, &text)?;
                frameworks.insert(path, file.frameworks);
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
            pack.add_frameworks(&mut frameworks)?;
            pack.settings = named.remove(&pack.name).unwrap_or_default();
            pack.check_templates(&templates)?;
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
        self.rendered(plan, context).map(|rendered| rendered.dockerfile)
    }

    /// The base images of a plan's Dockerfile, as its template calls them.
    ///
    /// # Errors
    /// As [`Catalog::dockerfile`].
    pub fn base_images(&self, plan: &BuildPlan) -> Result<BTreeSet<String>, RenderError> {
        let context = RenderContext { cache_scope: "any".to_owned(), ..RenderContext::default() };
        self.rendered(plan, &context).map(|rendered| rendered.images)
    }

    fn rendered(&self, plan: &BuildPlan, context: &RenderContext) -> Result<Rendered, RenderError> {
        if plan.prebuilt.is_some() {
            return Err(RenderError::Prebuilt);
        }
        if plan.dockerfile.is_some() {
            return Err(RenderError::OwnDockerfile);
        }
        let pack = self
            .packs
            .iter()
            .find(|pack| pack.name == plan.buildpack)
            .ok_or_else(|| RenderError::NoSuchBuildpack(plan.buildpack.clone()))?;
        let chosen = pack.manifest.frameworks.iter().find(|framework| framework.title == plan.framework);
        let of_workspace = pack.manifest.workspaces.as_ref().map(|rules| rules.template.as_str());
        let of_workspace =
            of_workspace.filter(|_| plan.variables.get("workspace").is_some_and(|it| !it.is_null()));
        let of_framework = chosen.and_then(|framework| framework.template.as_deref());
        let template = of_workspace.or(of_framework).unwrap_or(DOCKERFILE);
        render::dockerfile(&self.templates, &pack.template(template), plan, context)
    }

    /// Every kind of project that is told apart: the pack, its language (or what else it is for) and the framework, in the
    /// order of the packs. A language itself, without a framework, is a kind too.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.packs.iter().flat_map(|pack| {
            let title = pack.manifest.title.as_str();
            let frameworks = pack.manifest.frameworks.iter().filter(|framework| framework.is_kind());
            let titles =
                frameworks.map(|framework| framework.title.as_str()).filter(move |kind| *kind != title);
            titles.chain([title]).map(move |kind| (pack.name.as_str(), title, kind))
        })
    }

    /// A page for each pack, by its name, in Markdown. `tested` says by pack what is built and run.
    pub fn pages<'catalog>(
        &'catalog self,
        tested: &'catalog BTreeMap<String, Tested>,
    ) -> impl Iterator<Item = (&'catalog str, String)> {
        let none = Tested::default();
        self.packs
            .iter()
            .map(move |pack| (pack.name.as_str(), page::page(pack, tested.get(&pack.name).unwrap_or(&none))))
    }

    /// What a buildpack knows about the last lines of a build or an app that failed in a step: sentences with a way out.
    #[must_use]
    pub fn advice(&self, buildpack: &str, step: Step, lines: &[String]) -> Vec<String> {
        let pack = self.packs.iter().find(|pack| pack.name == buildpack);
        let failures = pack.into_iter().flat_map(|pack| &pack.manifest.failures);
        failures
            .filter(|failure| failure.is_said(step, lines))
            .map(|failure| failure.advice.clone())
            .collect()
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
