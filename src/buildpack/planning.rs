//! The plan that one pack makes of a project that it has recognised.

use crate::buildpack::catalog::{Catalog, Pack};
use crate::buildpack::condition::Inspection;
use crate::buildpack::documents::Documents;
use crate::buildpack::manifest::{Advice, Framework, StartRule};
use crate::buildpack::mode::{self, Mode};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::variables::compute;
use crate::buildpack::{framework, manager, procfile, start, tool};
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
    declared: &BTreeMap<ProcessType, Command>,
) -> Result<BuildPlan, Refusal> {
    let manifest = &pack.manifest;
    let mut inspection = inspection(pack, documents);
    let mut evidence = Vec::new();
    let mut warnings = Vec::new();

    let shown = compute(&manifest.variables, &mut inspection)?;
    let choice = framework::choose(&manifest.frameworks, &inspection)?;
    let framework = choice.as_ref().map(|choice| choice.framework);
    evidence.extend(choice.iter().map(|choice| choice.evidence.clone()));
    evidence.extend(shown);
    let mut mode = None;
    if let Some(framework) = framework {
        evidence.extend(compute(&framework.variables, &mut inspection)?);
        if let Some((chosen, why)) = mode::choose(&framework.modes, &inspection)? {
            evidence.extend(why);
            evidence.extend(compute(&chosen.variables, &mut inspection)?);
            mode = Some(chosen);
        }
    }
    let way = Way { pack, framework, mode };

    let mut versions = BTreeMap::new();
    for tool in &manifest.tools {
        if !inspection.holds(tool.when.as_ref())? {
            continue;
        }
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

    caches.extend(inspection.list("build_caches"));

    let web = way.web(&inspection, declared)?;
    evidence.extend(web.evidence);
    inspection.variables.insert("added".to_owned(), json!(web.missing));
    for package in &web.missing {
        evidence.push(Evidence { what: package.clone(), from: "added for the start command".to_owned() });
        warnings.push(format!(
            "{package} is not among the dependencies, so its newest version is installed. Add it to choose the version."
        ));
    }
    let mut processes = declared.clone();
    processes.entry(ProcessType::web()).or_insert(web.command);

    let (port, port_evidence) = way.port(&inspection)?;
    evidence.extend(port_evidence);
    evidence.extend(choice.into_iter().flat_map(|choice| choice.others));
    for advice in way.warnings() {
        if inspection.holds(Some(&advice.when))? {
            warnings.push(advice.say.clone());
        }
    }
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
        files: files(catalog, &way, &inspection)?,
        ignore: manifest.ignore.clone(),
        caches,
        build_variable_prefixes: framework
            .map(|framework| framework.build_variables.clone())
            .unwrap_or_default(),
        variables: inspection.variables,
    })
}

/// All that is known about how to build a project: the pack, and what was chosen of it. The more particular comes first.
struct Way<'pack> {
    pack: &'pack Pack,
    framework: Option<&'pack Framework>,
    mode: Option<&'pack Mode>,
}

impl<'pack> Way<'pack> {
    fn start_rules(&self) -> impl Iterator<Item = &'pack StartRule> {
        let of_mode = self.mode.into_iter().flat_map(|mode| &mode.start);
        let of_framework = self.framework.into_iter().flat_map(|framework| &framework.start);
        of_mode.chain(of_framework).chain(&self.pack.manifest.start)
    }

    fn warnings(&self) -> impl Iterator<Item = &'pack Advice> {
        let of_mode = self.mode.into_iter().flat_map(|mode| &mode.warnings);
        let of_framework = self.framework.into_iter().flat_map(|framework| &framework.warnings);
        of_mode.chain(of_framework).chain(&self.pack.manifest.warnings)
    }

    /// How the process type `web` is started: as the Procfile says, or by the first start rule that applies.
    fn web(
        &self,
        inspection: &Inspection<'_>,
        declared: &BTreeMap<ProcessType, Command>,
    ) -> Result<start::Start, Refusal> {
        if let Some(command) = declared.get(&ProcessType::web()) {
            let evidence = Evidence { what: command.shown(), from: procfile::PATH.to_owned() };
            return Ok(start::Start {
                command: command.clone(),
                evidence: Some(evidence),
                missing: Vec::new(),
            });
        }
        let rules = || self.start_rules();
        start::choose(rules(), inspection)?.ok_or_else(|| Refusal::NoStartCommand {
            kind: self.pack.manifest.kind.clone(),
            example: self.pack.manifest.start_example.clone(),
            looked_for: std::iter::once("Procfile: web".to_owned())
                .chain(rules().map(|rule| rule.looked_for.clone()).filter(|text| !text.is_empty()))
                .collect(),
        })
    }

    fn port(&self, inspection: &Inspection<'_>) -> Result<(u16, Option<Evidence>), Refusal> {
        let rule = &self.pack.manifest.port;
        let evidence = |port: u16, from: String| Some(Evidence { what: format!("Port {port}"), from });
        if let Some((text, from)) = inspection.find_text(&rule.sources)?
            && let Ok(port) = text.parse()
        {
            return Ok((
                port,
                Some(from).filter(|from| !from.is_empty()).and_then(|from| evidence(port, from)),
            ));
        }
        let of_framework = self.framework.and_then(|framework| framework.port);
        let port = of_framework.unwrap_or(rule.default);
        Ok((port, rule.default_from.clone().and_then(|from| evidence(port, from))))
    }
}

/// The generated files of the context, by path.
fn files(
    catalog: &Catalog,
    way: &Way<'_>,
    inspection: &Inspection<'_>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut files = BTreeMap::new();
    for file in &way.pack.manifest.files {
        if inspection.holds(file.when.as_ref())? {
            let template = catalog.templates.get_template(&file.template);
            let rendered = template.and_then(|template| template.render(&inspection.variables));
            let text = rendered.map_err(|error| Refusal::Unsupported {
                what: format!("A value that {} would be made of", file.path),
                way_out: format!("Use letters, digits, dots, dashes and slashes only ({error})."),
            })?;
            files.insert(file.path.clone(), text);
        }
    }
    Ok(files)
}
