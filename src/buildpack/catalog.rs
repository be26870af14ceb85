//! All buildpacks of a server: read once, then asked for every push.

use crate::buildpack::detect::{self, DetectOptions};
use crate::buildpack::manifest::Manifest;
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render::{self, RenderContext, RenderError};
use crate::model::plan::BuildPlan;
use crate::model::source::SourceTree;
use minijinja::Environment;
use rust_embed::RustEmbed;
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
    #[error("{path} is not UTF-8 text")]
    NotText { path: String },
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
        for (path, bytes) in files {
            let text = String::from_utf8(bytes).map_err(|_| CatalogError::NotText { path: path.clone() })?;
            if let Some(name) = path.strip_suffix("/buildpack.toml") {
                let manifest = toml::from_str(&text).map_err(|source| CatalogError::Manifest {
                    path: path.clone(),
                    source: Box::new(source),
                })?;
                packs.push(Pack { name: name.to_owned(), manifest });
            } else if Path::new(&path).extension().is_some_and(|extension| extension == "j2") {
                templates
                    .add_template_owned(path.clone(), text)
                    .map_err(|source| CatalogError::Template { path, source: Box::new(source) })?;
            }
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
            frameworks
                .map(|framework| framework.title.as_str())
                .chain([title])
                .map(move |kind| (pack.name.as_str(), title, kind))
        })
    }

    /// What is known about a build of this plan that failed with these last lines: one sentence with a way out.
    #[must_use]
    pub fn advice(&self, plan: &BuildPlan, last_lines: &[String]) -> Option<&str> {
        let pack = self.packs.iter().find(|pack| pack.name == plan.buildpack)?;
        let said = last_lines.join("\n");
        let known = pack.manifest.failures.iter().find(|failure| failure.said.is_in(&said))?;
        Some(&known.say)
    }

    /// Names of the files that some pack looks for, for hints about misspelt ones.
    pub(crate) fn signals(&self) -> impl Iterator<Item = &str> {
        self.packs.iter().flat_map(|pack| pack.manifest.signals.iter().map(String::as_str))
    }
}
