//! The plan that one pack makes of a project that it has recognised.

use crate::buildpack::catalog::{Catalog, Pack};
use crate::buildpack::condition::{Inspection, Source};
use crate::buildpack::documents::{Documents, lookup};
use crate::buildpack::language::dockerfile;
use crate::buildpack::manifest::{Framework, KeyList, Manifest, ProcessRule, Variable, VariableKind};
use crate::buildpack::project_file::{Declared, Project, settings};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::{framework, manager, render, start, tool};
use crate::model::name::ProcessType;
use crate::model::plan::{BuildPlan, Evidence};
use crate::model::process::Command;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A project as a pack begins to look at it.
pub(crate) fn inspection<'pack>(pack: &'pack Pack, documents: &'pack Documents<'_>) -> Inspection<'pack> {
    Inspection { documents, dependencies: &pack.manifest.dependencies, variables: BTreeMap::new() }
}

/// The plan that one pack makes.
pub(crate) fn plan(
    catalog: &Catalog,
    pack: &Pack,
    documents: &Documents<'_>,
    project: &Project,
) -> Result<BuildPlan, Refusal> {
    let manifest = &pack.manifest;
    let mut inspection = inspection(pack, documents);
    inspection.variables.extend(settings::variables(&project.file));
    let mut evidence = Vec::new();
    let mut warnings = Vec::new();

    refuse_images_of_apps(own_dockerfile(manifest, project).as_deref(), documents)?;
    let names = project.processes.keys().map(|name| (name.to_string(), true));
    inspection.variables.insert("procfile".to_owned(), json!(names.collect::<BTreeMap<_, _>>()));
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
        evidence.extend(choice.evidence.clone());
        warnings.extend(choice.manager.warning.clone());
        caches.extend(choice.manager.cache.clone());
        manager_values = json!(choice.manager.values);
        manager_values["name"] = choice.manager.name.as_str().into();
        manager_values["version"] = choice.version.as_deref().into();
    }
    inspection.variables.insert("manager".to_owned(), manager_values);

    let framework = framework.map(|choice| choice.framework);
    let web = web(pack, framework, &inspection, project)?;
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
    let rules = framework.into_iter().flat_map(|framework| &framework.processes).chain(&manifest.processes);
    evidence.extend(add_processes(rules, &inspection, &mut processes)?);

    warnings.extend(project.app.warnings.iter().cloned());
    let running = settings::running(project, &processes)?;
    let (port, port_evidence) = match project.file.deploy.port {
        Some(port) => (port.0, Some(project.says(format!("Port {}", port.0), "deploy.port"))),
        None => port(pack, framework, &inspection)?,
    };
    evidence.extend(port_evidence);
    evidence.extend(project.evidence.iter().cloned());
    evidence.extend(settings::evidence(project));
    for advice in framework.into_iter().flat_map(|framework| &framework.warnings).chain(&manifest.warnings) {
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
    let build = &project.file.build;
    Ok(BuildPlan {
        buildpack: pack.name.clone(),
        kind: manifest.kind.clone(),
        framework: framework.map_or(&manifest.title, |framework| &framework.title).clone(),
        evidence,
        warnings,
        versions,
        processes,
        port,
        dockerfile: own_dockerfile(manifest, project),
        files: files.collect::<Result<_, _>>()?,
        ignore: manifest.ignore.clone(),
        caches,
        root: project.root.clone(),
        target: build.target.as_ref().map(|stage| stage.as_str().to_owned()),
        build_arguments: build
            .args
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_str().to_owned()))
            .collect(),
        declared_in: project.declared_in(),
        watch: build.watch.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
        running,
        variables: inspection.variables,
    })
}

fn refuse_images_of_apps(dockerfile: Option<&str>, documents: &Documents<'_>) -> Result<(), Refusal> {
    let Some(path) = dockerfile else { return Ok(()) };
    let image = documents.text(path)?.and_then(|text| dockerfile::image_of_an_app(&text));
    image.map_or(Ok(()), |image| Err(Refusal::ImageOfAnApp { path: path.to_owned(), image }))
}

/// The project's own Dockerfile, where the pack builds with it.
fn own_dockerfile(manifest: &Manifest, project: &Project) -> Option<String> {
    let usual = manifest.own_dockerfile.clone()?;
    Some(project.file.build.dockerfile.as_ref().map_or(usual, |path| path.as_str().to_owned()))
}

fn compute(variables: &[Variable], inspection: &mut Inspection<'_>) -> Result<(), Refusal> {
    let documents = inspection.documents;
    for variable in variables {
        let value = match &variable.kind {
            VariableKind::When(condition) => inspection.check(condition)?.is_some().into(),
            VariableKind::First(sources) => {
                inspection.find_text(sources)?.map_or(Value::Null, |(text, _)| text.into())
            }
            VariableKind::Folder(sources) => folder(sources, inspection)?.into(),
            VariableKind::Files(files) => {
                json!(files.iter().filter(|file| documents.has_file(file)).collect::<Vec<_>>())
            }
            VariableKind::Directories(directories) => {
                json!(directories.iter().filter(|path| documents.has_directory(path)).collect::<Vec<_>>())
            }
            VariableKind::Keys(list) => json!(keys(list, documents)?),
        };
        inspection.variables.insert(variable.name.clone(), value);
    }
    Ok(())
}

/// The names that a table has, as a pack asks for them. A name that is more than a plain word cannot be one.
fn keys(list: &KeyList, documents: &Documents<'_>) -> Result<Vec<String>, Refusal> {
    let document = documents.document(&list.file)?;
    let table = document.as_deref().and_then(|document| lookup(document, &list.key)?.as_object());
    let names = table.into_iter().flatten().filter_map(|(name, _)| name.strip_prefix(&list.prefix));
    let is_wanted = |name: &&str| render::is_word(name) && !list.except.iter().any(|other| other == name);
    Ok(names.filter(is_wanted).map(str::to_owned).collect())
}

/// The folder that the first source names, checked.
fn folder(sources: &[Source], inspection: &Inspection<'_>) -> Result<Option<String>, Refusal> {
    let Some((folder, from)) = inspection.find_text(sources)? else { return Ok(None) };
    let reason = if !render::is_word(&folder) {
        format!(
            "the folder \"{folder}\" has a name with other characters than letters, digits, dots, dashes and slashes"
        )
    } else if folder.split('/').any(|part| part.is_empty() || part == "..")
        || (folder != "." && !inspection.documents.has_directory(&folder))
    {
        format!("the folder {folder} is not in the project")
    } else {
        return Ok(Some(folder));
    };
    Err(Refusal::BrokenFile { path: from, reason })
}

/// How the process type `web` is started: as the Procfile says, or by the first start rule that applies.
fn web(
    pack: &Pack,
    framework: Option<&Framework>,
    inspection: &Inspection<'_>,
    project: &Project,
) -> Result<start::Start, Refusal> {
    if let Some(Declared { command, from }) = project.processes.get(&ProcessType::web()) {
        let evidence = Evidence { what: command.shown(), from: from.clone() };
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

fn port(
    pack: &Pack,
    framework: Option<&Framework>,
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
