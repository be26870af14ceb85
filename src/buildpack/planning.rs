//! The plan that one pack makes of a project that it has recognised.

use crate::buildpack::catalog::{Catalog, Pack};
use crate::buildpack::condition::Inspection;
use crate::buildpack::documents::Documents;
use crate::buildpack::language::dockerfile;
use crate::buildpack::manifest::{Manifest, ProcessRule};
use crate::buildpack::member::Chosen;
use crate::buildpack::mode;
use crate::buildpack::project_file::{Project, settings};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::variables::compute;
use crate::buildpack::way::Way;
use crate::buildpack::{app_json, framework, manager, start, tool};
use crate::model::name::ProcessType;
use crate::model::pins::Pins;
use crate::model::plan::{BuildPlan, Evidence};
use crate::model::process::Command;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A project as a pack begins to look at it.
pub(crate) fn inspection<'pack>(pack: &'pack Pack, documents: &'pack Documents<'_>) -> Inspection<'pack> {
    Inspection { documents, dependencies: &pack.manifest.dependencies, variables: BTreeMap::new() }
}

/// A project as a pack looks at it once it knows what the files that decide say: the pack's variables are computed, and what
/// is worth showing of them is returned.
pub(crate) fn prepare<'pack>(
    pack: &'pack Pack,
    documents: &'pack Documents<'_>,
    project: &Project,
    chosen: Option<&Chosen>,
) -> Result<(Inspection<'pack>, Vec<Evidence>), Refusal> {
    let mut inspection = inspection(pack, documents);
    inspection.variables.extend(settings::variables(project));
    settings::refuse_unsupported(pack, &inspection.variables)?;
    let names = project.processes.keys().map(|name| (name.to_string(), true));
    inspection.variables.insert("procfile".to_owned(), json!(names.collect::<BTreeMap<_, _>>()));
    let workspace = chosen.zip(pack.manifest.workspaces.as_ref());
    let workspace = workspace.map(|(chosen, rules)| chosen.variables(rules));
    inspection.variables.insert("workspace".to_owned(), workspace.into());
    let shown = compute(&pack.manifest.variables, &mut inspection)?;
    Ok((inspection, shown))
}

/// The plan that one pack makes of a project, which may be a package of a workspace.
pub(crate) fn plan(
    catalog: &Catalog,
    pack: &Pack,
    documents: &Documents<'_>,
    project: &Project,
    chosen: Option<&Chosen>,
) -> Result<BuildPlan, Refusal> {
    let manifest = &pack.manifest;
    let mut evidence = Vec::new();
    let mut warnings = Vec::new();
    check_dockerfile(own_dockerfile(manifest, project).as_deref(), documents)?;
    let in_workspace = chosen.map(|chosen| documents.in_workspace(&chosen.workspace.folder));
    let documents = in_workspace.as_ref().unwrap_or(documents);
    let (mut inspection, shown) = prepare(pack, documents, project, chosen)?;
    let choice = framework::choose(&manifest.frameworks, &inspection)?;
    let framework = choice.as_ref().map(|choice| choice.framework);
    evidence.extend(choice.iter().map(|choice| choice.evidence.clone()));
    evidence.extend(chosen.map(Chosen::evidence));
    evidence.extend(shown);
    let only_files = project.file.build.output.is_some() || project.output.is_some();
    let mut mode = None;
    if let Some(framework) = framework {
        evidence.extend(compute(&framework.variables, &mut inspection)?);
        if let Some((chosen, why)) = mode::choose(&framework.modes, &inspection, only_files)? {
            evidence.extend(why);
            evidence.extend(compute(&chosen.variables, &mut inspection)?);
            mode = Some(chosen);
        }
    }
    let overridden = settings::override_variables(pack, project, &mut inspection.variables)?;
    let way = Way { pack, framework, mode, only_files };

    let mut versions = BTreeMap::new();
    for tool in &manifest.tools {
        if !inspection.holds(tool.when.as_ref())? {
            continue;
        }
        let (version, why) = tool::choose(tool, &inspection, project.versions.get(&tool.name))?;
        versions.insert(tool.name.clone(), version);
        evidence.push(why);
    }

    let manager = manager::choose(manifest, &inspection)?;
    let mut caches = Vec::new();
    let mut manager_values = Value::Null;
    if let Some(choice) = &manager {
        evidence.extend(choice.evidence.clone());
        warnings.extend(choice.manager.warning.clone());
        caches.extend(choice.manager.cache.clone());
        manager_values = json!(choice.manager.values);
        manager_values["name"] = choice.manager.name.as_str().into();
        manager_values["version"] = choice.version.as_deref().into();
    }
    inspection.variables.insert("manager".to_owned(), manager_values);

    caches.extend(inspection.list("build_caches"));

    let web = way.web(&inspection, project)?;
    evidence.extend(web.evidence);
    inspection.variables.insert("added".to_owned(), json!(web.missing));
    for package in &web.missing {
        evidence.push(Evidence { what: package.clone(), from: "added for the start command".to_owned() });
        warnings.push(format!(
            "{package} is not among the dependencies, so its newest version is installed. Add it to choose the version."
        ));
    }
    let declared = project.processes.iter();
    let mut processes: BTreeMap<ProcessType, Command> =
        declared.map(|(process_type, declared)| (process_type.clone(), declared.command.clone())).collect();
    processes.entry(ProcessType::web()).or_insert(web.command);
    evidence.extend(add_processes(way.processes(), &inspection, &mut processes)?);

    warnings.extend(project.app_warnings());
    let running = settings::running(project, &processes)?;
    let (port, port_evidence) = match project.file.deploy.port {
        Some(port) => (port.0, Some(project.says(format!("Port {}", port.0), "deploy.port"))),
        None => way.port(&inspection)?,
    };
    evidence.extend(port_evidence);
    evidence.extend(choice.into_iter().flat_map(|choice| choice.others));
    evidence.extend(project.evidence.iter().cloned());
    evidence.extend(app_json::evidence(project, &processes));
    evidence.extend(overridden);
    evidence.extend(settings::evidence(project));
    for advice in way.warnings() {
        if inspection.holds(Some(&advice.when))? {
            warnings.push(advice.say.clone());
        }
    }
    let build = &project.file.build;
    let plan = BuildPlan {
        buildpack: pack.name.clone(),
        kind: manifest.kind.clone(),
        framework: framework.map_or(&manifest.title, |framework| &framework.title).clone(),
        evidence,
        warnings,
        versions,
        processes,
        port,
        dockerfile: own_dockerfile(manifest, project),
        prebuilt: None,
        files: way.files(catalog, &inspection, project)?,
        ignore: manifest.ignore.clone(),
        left_out: chosen.map(Chosen::left_out).unwrap_or_default(),
        caches,
        root: chosen.map_or(&project.root, |chosen| &chosen.workspace.folder).clone(),
        target: build.target.as_ref().map(|stage| stage.as_str().to_owned()),
        build_arguments: build
            .args
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned()))
            .collect(),
        declared_in: project.declared_in(),
        running,
        build_variable_prefixes: framework
            .map(|framework| framework.build_variables.clone())
            .unwrap_or_default(),
        images: settings::images(&project.file),
        pins: Pins::default(),
        variables: inspection.variables,
    };
    check_images(catalog, &plan, project)?;
    Ok(plan)
}

/// Every image that the project takes from elsewhere is one that it is built on.
fn check_images(catalog: &Catalog, plan: &BuildPlan, project: &Project) -> Result<(), Refusal> {
    if plan.images.is_empty() {
        return Ok(());
    }
    let known = catalog.base_images(plan).map_err(|error| Refusal::Unsupported {
        what: format!("The table [images] of {} here ({error})", project.path),
        way_out: "Leave it out; a Dockerfile of your own names its images itself.".to_owned(),
    })?;
    match plan.images.keys().find(|name| !known.contains(*name)) {
        Some(unknown) => Err(Refusal::BrokenFile {
            path: project.path.clone(),
            reason: format!(
                "[images] names {unknown}, which the project is not built on. Its images are {}",
                known.into_iter().collect::<Vec<_>>().join(", ")
            ),
        }),
        None => Ok(()),
    }
}

/// A Dockerfile of the project neither builds on other apps nor brings a program of its own to be read by.
fn check_dockerfile(dockerfile: Option<&str>, documents: &Documents<'_>) -> Result<(), Refusal> {
    let Some(path) = dockerfile else { return Ok(()) };
    let Some(text) = documents.text(path)? else { return Ok(()) };
    if let Some(image) = dockerfile::image_of_an_app(&text) {
        return Err(Refusal::ImageOfAnApp { path: path.to_owned(), image });
    }
    match dockerfile::foreign_frontend(&text) {
        Some(frontend) => Err(Refusal::ForeignFrontend { path: path.to_owned(), frontend }),
        None => Ok(()),
    }
}

/// The project's own Dockerfile, where the pack builds with it.
fn own_dockerfile(manifest: &Manifest, project: &Project) -> Option<String> {
    let usual = manifest.own_dockerfile.clone()?;
    Some(project.file.build.dockerfile.as_ref().map_or(usual, |path| path.as_str().to_owned()))
}

/// Adds the process types that projects of this kind have and this one does not declare, and says why.
fn add_processes<'pack>(
    rules: impl Iterator<Item = &'pack ProcessRule>,
    inspection: &Inspection<'_>,
    processes: &mut BTreeMap<ProcessType, Command>,
) -> Result<Vec<Evidence>, Refusal> {
    let mut evidence = Vec::new();
    for rule in rules {
        if let Some(why) = inspection.check(&rule.when)?
            && !processes.contains_key(&rule.name)
        {
            let command = start::command(&rule.run, "", inspection)?;
            evidence.push(Evidence { what: format!("{}: {}", rule.name, command.shown()), from: why });
            processes.insert(rule.name.clone(), command);
        }
    }
    Ok(evidence)
}
