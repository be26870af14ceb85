//! Detection: which pack a project is for, and the plan that this pack makes of it.

use crate::buildpack::catalog::{Catalog, Pack};
use crate::buildpack::described::{self, DescribedProjects};
use crate::buildpack::documents::Documents;
use crate::buildpack::member::Chosen;
use crate::buildpack::planning::{inspection, plan};
use crate::buildpack::project_file::{self, Project, RunnableImage};
use crate::buildpack::refusal::{LookedFor, Refusal};
use crate::buildpack::{apps, misspelt, prebuilt, procfile};
use crate::model::environment::EnvironmentSettings;
use crate::model::plan::{BuildPlan, Evidence};
use crate::model::source::SourceTree;
use std::collections::BTreeMap;

/// The name of a project's own Dockerfile, and of the pack that builds with it.
const DOCKERFILE: &str = "Dockerfile";
const OWN_DOCKERFILE_PACK: &str = "dockerfile";

/// Files that decide what is built and run.
const DECIDING_FILES: [&str; 3] = [DOCKERFILE, procfile::PATH, project_file::PATH];

/// What is known about a project besides its files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DetectOptions {
    /// The folder of the tree that is the project; empty: all of it.
    pub root: String,
    /// The buildpack to use; `None`: the first that recognises the project.
    pub buildpack: Option<String>,
    /// What builds the project, and what starts it, where its files do not say.
    pub build_command: Option<String>,
    pub start_command: Option<String>,
    /// Version lines that earlier builds had, by tool: they are kept where the project allows them.
    pub versions: BTreeMap<String, String>,
}

impl DetectOptions {
    /// What is set for an environment.
    #[must_use]
    pub fn of(settings: &EnvironmentSettings) -> Self {
        Self {
            root: settings.root.as_ref().map(ToString::to_string).unwrap_or_default(),
            buildpack: None,
            build_command: settings.build_command.as_ref().map(ToString::to_string),
            start_command: settings.start_command.as_ref().map(ToString::to_string),
            versions: BTreeMap::new(),
        }
    }

    /// The same where earlier builds have chosen versions.
    #[must_use]
    pub fn keeping(self, versions: BTreeMap<String, String>) -> Self {
        Self { versions, ..self }
    }

    /// The same for an image that is deployed without a project's files: what is set about those says nothing of it.
    #[must_use]
    pub fn of_image(self) -> Self {
        Self { root: String::new(), build_command: None, ..self }
    }
}

/// Where a command comes from that no file says.
pub(crate) const SET_FOR_ENVIRONMENT: &str = "the environment";

/// See [`Catalog::detect`].
pub(crate) fn detect(
    catalog: &Catalog,
    tree: &dyn SourceTree,
    options: &DetectOptions,
) -> Result<BuildPlan, Refusal> {
    detect_at(catalog, tree, options, Level::Project)
}

/// The same for a package of a workspace, which is looked at for itself: a workspace in a workspace is no app.
pub(crate) fn detect_package(
    catalog: &Catalog,
    tree: &dyn SourceTree,
    options: &DetectOptions,
) -> Result<BuildPlan, Refusal> {
    detect_at(catalog, tree, options, Level::Package)
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// What is to be deployed; where it is a workspace, one of its packages may be meant.
    Project,
    /// One of those packages.
    Package,
}

fn detect_at(
    catalog: &Catalog,
    tree: &dyn SourceTree,
    options: &DetectOptions,
    level: Level,
) -> Result<BuildPlan, Refusal> {
    let project = Project::read(tree, &options.root)?.with_options(options);
    if let Some(image) = project.file.build.image.as_ref().and_then(RunnableImage::name) {
        return prebuilt::plan(&project, &image);
    }
    let project = match described_projects(catalog) {
        Some(rules) if level == Level::Project => described::in_workspace(rules, tree, project)?,
        Some(_) | None => project,
    };
    let mut documents = Documents::new(tree, &project.root)?;
    if let Some(path) = &project.file.build.dockerfile {
        let path = path.as_str();
        if !documents.has_file(path) {
            let reason = "build.dockerfile names it, and it is not in the project".to_owned();
            return Err(Refusal::BrokenFile { path: path.to_owned(), reason });
        }
        documents = documents.with_alias(DOCKERFILE, path.to_owned());
    }
    let recognised = recognised(catalog, &documents, &project, options)?;
    let mut first_refusal = None;
    for (position, (pack, why)) in recognised.iter().enumerate() {
        let mut chosen = None;
        if let Some(rules) = &pack.manifest.workspaces {
            if level == Level::Project
                && let Some(plan) = apps::only(catalog, (pack, rules), tree, &documents, &project, options)?
            {
                return Ok(plan);
            }
            chosen = Chosen::of(tree, &project.root)?;
        }
        match plan(catalog, pack, &documents, &project, chosen.as_ref()) {
            Ok(mut plan) => {
                if let Some(what) = &pack.manifest.recognised_as {
                    plan.evidence.insert(0, Evidence { what: what.clone(), from: why.clone() });
                }
                plan.evidence.extend(also_recognised(&recognised, position, &plan));
                plan.warnings.extend(misspelt::hints(documents.top_level(), &DECIDING_FILES));
                return Ok(plan);
            }
            // Nothing to start: the project may still be for the next pack, as a static site with a package.json for its
            // linter. If not, the first answer is the one to give.
            Err(refusal @ Refusal::NoStartCommand { .. }) => first_refusal.get_or_insert(refusal),
            Err(refusal) => return Err(first_refusal.unwrap_or(refusal)),
        };
    }
    Err(first_refusal.unwrap_or_else(|| nothing_recognised(catalog, &documents)))
}

/// What is known of projects that have no manifest.
fn described_projects(catalog: &Catalog) -> Option<&DescribedProjects> {
    catalog.packs.iter().find_map(|pack| pack.manifest.workspaces.as_ref()?.described.as_ref())
}

/// The packs that recognise the project, each with the file that made it.
fn recognised<'catalog>(
    catalog: &'catalog Catalog,
    documents: &Documents<'_>,
    project: &Project,
    options: &DetectOptions,
) -> Result<Vec<(&'catalog Pack, String)>, Refusal> {
    let build = &project.file.build;
    let by_dockerfile =
        build.dockerfile.as_ref().map(|_| (OWN_DOCKERFILE_PACK.to_owned(), project.key("build.dockerfile")));
    let by_file = build.buildpack.clone().map(|name| (name, project.key("build.buildpack")));
    let by_setting = options.buildpack.clone().map(|name| (name, "chosen by a setting".to_owned()));
    if let Some((name, from)) = by_dockerfile.or(by_file).or(by_setting) {
        let available = || catalog.packs.iter().map(|pack| pack.name.clone()).collect();
        let chosen = catalog.packs.iter().find(|pack| pack.name == name);
        let chosen =
            chosen.ok_or_else(|| Refusal::NoSuchBuildpack { name: name.clone(), available: available() })?;
        return Ok(vec![(chosen, from)]);
    }
    let mut recognised = Vec::new();
    let mut first_refusal = None;
    for pack in &catalog.packs {
        match inspection(pack, documents).check(&pack.manifest.recognise) {
            Ok(Some(why)) => recognised.push((pack, why)),
            Ok(None) => {}
            Err(refusal) => first_refusal = first_refusal.or(Some(refusal)),
        }
    }
    if recognised.iter().any(|(pack, _)| !pack.manifest.last_resort) {
        recognised.retain(|(pack, _)| !pack.manifest.last_resort);
    }
    // A broken file matters only where no pack knew what to do without it.
    match first_refusal {
        Some(refusal) if recognised.is_empty() => Err(refusal),
        _ => Ok(recognised),
    }
}

/// What is said of the packs that would have recognised the project, too.
fn also_recognised(recognised: &[(&Pack, String)], winner: usize, plan: &BuildPlan) -> Vec<Evidence> {
    let others = recognised.iter().enumerate().filter(|(position, _)| *position != winner);
    others
        .map(|(position, (pack, why))| Evidence {
            what: pack.manifest.title.clone(),
            from: if position < winner {
                format!("{why}, but nothing to start")
            } else {
                format!("superseded by {}", plan.framework)
            },
        })
        .collect()
}

fn nothing_recognised(catalog: &Catalog, documents: &Documents<'_>) -> Refusal {
    let looked_for = catalog.packs.iter().map(|pack| LookedFor {
        title: pack.manifest.title.clone(),
        files: pack.manifest.looked_for.clone(),
    });
    let expected: Vec<&str> = catalog.signals().chain(DECIDING_FILES).collect();
    let mut hints = misspelt::hints(documents.top_level(), &expected);
    for pack in &catalog.packs {
        let inspection = inspection(pack, documents);
        let advice = pack.manifest.hints.iter();
        hints.extend(
            advice.filter(|hint| inspection.holds(Some(&hint.when)) == Ok(true)).map(|hint| hint.say.clone()),
        );
    }
    Refusal::NothingRecognised { looked_for: looked_for.collect(), hints }
}
