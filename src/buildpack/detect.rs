//! Detection: which pack a project is for, and the plan that this pack makes of it.

use crate::buildpack::catalog::{Catalog, Pack};
use crate::buildpack::condition::Inspection;
use crate::buildpack::documents::Documents;
use crate::buildpack::manifest::{Variable, VariableKind};
use crate::buildpack::refusal::{LookedFor, Refusal};
use crate::buildpack::{framework, manager, misspelt, procfile, start, tool};
use crate::model::name::ProcessType;
use crate::model::plan::{BuildPlan, Evidence};
use crate::model::process::Command;
use crate::model::source::SourceTree;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Files that decide what is built and run: none of them is followed through a symbolic link.
const DECIDING_FILES: [&str; 3] = ["Dockerfile", procfile::PATH, "gilgal.toml"];

/// What is known about a project besides its files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DetectOptions {
    /// The folder of the tree that is the project; empty: all of it.
    pub root: String,
    /// The buildpack to use; `None`: the first that recognises the project.
    pub buildpack: Option<String>,
}

/// See [`Catalog::detect`].
pub(crate) fn detect(
    catalog: &Catalog,
    tree: &dyn SourceTree,
    options: &DetectOptions,
) -> Result<BuildPlan, Refusal> {
    let documents = Documents::new(tree, &options.root)?;
    if let Some(path) = DECIDING_FILES.into_iter().find(|path| documents.is_symbolic_link(path)) {
        return Err(Refusal::SymbolicLink { path: path.to_owned() });
    }
    let declared = match documents.text(procfile::PATH)? {
        Some(text) => procfile::parse(&text)?,
        None => BTreeMap::new(),
    };
    let recognised = recognised(catalog, &documents, options)?;
    let mut first_refusal = None;
    for (position, (pack, why)) in recognised.iter().enumerate() {
        match plan(catalog, pack, &documents, &declared) {
            Ok(mut plan) => {
                if let Some(what) = &pack.manifest.recognised_as {
                    plan.evidence.insert(0, Evidence { what: what.clone(), from: why.clone() });
                }
                plan.evidence.extend(also_recognised(&recognised, position, &plan));
                plan.warnings.extend(misspelt_deciding_files(&documents));
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

/// The packs that recognise the project, each with the file that made it.
fn recognised<'catalog>(
    catalog: &'catalog Catalog,
    documents: &Documents<'_>,
    options: &DetectOptions,
) -> Result<Vec<(&'catalog Pack, String)>, Refusal> {
    if let Some(name) = &options.buildpack {
        let available = || catalog.packs.iter().map(|pack| pack.name.clone()).collect();
        let chosen = catalog.packs.iter().find(|pack| pack.name == *name);
        let chosen =
            chosen.ok_or_else(|| Refusal::NoSuchBuildpack { name: name.clone(), available: available() })?;
        return Ok(vec![(chosen, "chosen by a setting".to_owned())]);
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
    // A broken file matters only where no pack knew what to do without it.
    match first_refusal {
        Some(refusal) if recognised.is_empty() => Err(refusal),
        _ => Ok(recognised),
    }
}

fn inspection<'pack>(pack: &'pack Pack, documents: &'pack Documents<'_>) -> Inspection<'pack> {
    Inspection { documents, dependencies: &pack.manifest.dependencies, variables: BTreeMap::new() }
}

/// The plan that one pack makes.
fn plan(
    catalog: &Catalog,
    pack: &Pack,
    documents: &Documents<'_>,
    declared: &BTreeMap<ProcessType, Command>,
) -> Result<BuildPlan, Refusal> {
    let manifest = &pack.manifest;
    let mut inspection = inspection(pack, documents);
    let mut evidence = Vec::new();
    let mut warnings = Vec::new();

    compute(&manifest.variables, &mut inspection)?;
    let framework = framework::choose(&manifest.frameworks, &inspection)?;
    if let Some(framework) = &framework {
        compute(&framework.framework.variables, &mut inspection)?;
        evidence.extend(framework.evidence.iter().cloned());
    }

    let mut versions = BTreeMap::new();
    for tool in &manifest.tools {
        let (version, why) = tool::choose(tool, &inspection)?;
        versions.insert(tool.name.clone(), version);
        evidence.push(why);
    }

    let manager = manager::choose(manifest, &inspection)?;
    let mut caches = Vec::new();
    let mut manager_values = Value::Null;
    if let Some(choice) = &manager {
        evidence.push(choice.evidence.clone());
        warnings.extend(choice.manager.warning.clone());
        caches.extend(choice.manager.cache.clone());
        manager_values = json!(choice.manager.values);
        manager_values["name"] = choice.manager.name.as_str().into();
        manager_values["version"] = choice.version.as_deref().into();
    }
    inspection.variables.insert("manager".to_owned(), manager_values);

    let framework = framework.map(|choice| choice.framework);
    let web = web(pack, framework, &inspection, declared)?;
    evidence.extend(web.evidence);
    inspection.variables.insert("added".to_owned(), json!(web.missing));
    evidence.extend(web.missing.iter().map(|package| Evidence {
        what: package.clone(),
        from: "added: the start command needs it".to_owned(),
    }));
    let mut processes = declared.clone();
    processes.entry(ProcessType::web()).or_insert(web.command);

    let (port, port_evidence) = port(pack, framework, &inspection)?;
    evidence.extend(port_evidence);
    for advice in &manifest.warnings {
        if inspection.holds(Some(&advice.when))? {
            warnings.push(advice.say.clone());
        }
    }
    let files = manifest.files.iter().map(|(path, template)| {
        let name = format!("{}/{template}", pack.name);
        let rendered =
            catalog.templates.get_template(&name).and_then(|file| file.render(&inspection.variables));
        rendered.map(|text| (path.clone(), text)).map_err(|error| Refusal::Unsupported {
            what: format!("A value that {path} would be made of"),
            way_out: format!("Use letters, digits, dots, dashes and slashes only ({error})."),
        })
    });
    Ok(BuildPlan {
        buildpack: pack.name.clone(),
        kind: manifest.kind.clone(),
        framework: framework.map_or(&manifest.title, |framework| &framework.title).clone(),
        evidence,
        warnings,
        versions,
        processes,
        port,
        dockerfile: manifest.own_dockerfile.clone(),
        files: files.collect::<Result<_, _>>()?,
        ignore: manifest.ignore.clone(),
        caches,
        variables: inspection.variables,
    })
}

fn compute(variables: &[Variable], inspection: &mut Inspection<'_>) -> Result<(), Refusal> {
    let documents = inspection.documents;
    for variable in variables {
        let value = match &variable.kind {
            VariableKind::When(condition) => inspection.check(condition)?.is_some().into(),
            VariableKind::First(sources) => {
                inspection.find_text(sources)?.map_or(Value::Null, |(text, _)| text.into())
            }
            VariableKind::Files(files) => {
                json!(files.iter().filter(|file| documents.has_file(file)).collect::<Vec<_>>())
            }
            VariableKind::Directories(directories) => {
                json!(directories.iter().filter(|path| documents.has_directory(path)).collect::<Vec<_>>())
            }
        };
        inspection.variables.insert(variable.name.clone(), value);
    }
    Ok(())
}

/// How the process type `web` is started: as the Procfile says, or by the first start rule that applies.
fn web(
    pack: &Pack,
    framework: Option<&crate::buildpack::manifest::Framework>,
    inspection: &Inspection<'_>,
    declared: &BTreeMap<ProcessType, Command>,
) -> Result<start::Start, Refusal> {
    if let Some(command) = declared.get(&ProcessType::web()) {
        let evidence = Evidence { what: command.shown(), from: procfile::PATH.to_owned() };
        return Ok(start::Start { command: command.clone(), evidence: Some(evidence), missing: Vec::new() });
    }
    let rules = || framework.into_iter().flat_map(|framework| &framework.start).chain(&pack.manifest.start);
    start::choose(rules(), inspection)?.ok_or_else(|| Refusal::NoStartCommand {
        kind: pack.manifest.kind.clone(),
        example: pack.manifest.start_example.clone(),
        looked_for: std::iter::once("Procfile: web".to_owned())
            .chain(rules().map(|rule| rule.looked_for.clone()).filter(|text| !text.is_empty()))
            .collect(),
    })
}

fn port(
    pack: &Pack,
    framework: Option<&crate::buildpack::manifest::Framework>,
    inspection: &Inspection<'_>,
) -> Result<(u16, Option<Evidence>), Refusal> {
    let rule = &pack.manifest.port;
    let evidence = |port: u16, from: String| Some(Evidence { what: format!("Port {port}"), from });
    if let Some((text, from)) = inspection.find_text(&rule.sources)?
        && let Ok(port) = text.parse()
    {
        return Ok((port, evidence(port, from)));
    }
    let port = framework.and_then(|framework| framework.port).unwrap_or(rule.default);
    Ok((port, rule.default_from.clone().and_then(|from| evidence(port, from))))
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

fn misspelt_deciding_files(documents: &Documents<'_>) -> Vec<String> {
    misspelt::hints(documents.top_level(), &DECIDING_FILES)
}

fn nothing_recognised(catalog: &Catalog, documents: &Documents<'_>) -> Refusal {
    let looked_for = catalog.packs.iter().map(|pack| LookedFor {
        title: pack.manifest.title.clone(),
        files: pack.manifest.looked_for.clone(),
    });
    let expected: Vec<&str> = catalog.signals().into_keys().chain(DECIDING_FILES).collect();
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
