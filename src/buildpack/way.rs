//! How a project is built and started, as a pack, the framework that was chosen of it, and the mode of that say together.

use crate::buildpack::catalog::{Catalog, Pack};
use crate::buildpack::condition::Inspection;
use crate::buildpack::manifest::{Advice, Framework, ProcessRule, StartRule};
use crate::buildpack::mode::Mode;
use crate::buildpack::project_file::site::{self, Site};
use crate::buildpack::project_file::{Declared, Project};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::start;
use crate::model::name::ProcessType;
use crate::model::plan::Evidence;
use std::collections::BTreeMap;

/// All that is known about how to build a project: the pack, and what was chosen of it. The more particular comes first.
pub(crate) struct Way<'pack> {
    pub(crate) pack: &'pack Pack,
    pub(crate) framework: Option<&'pack Framework>,
    pub(crate) mode: Option<&'pack Mode>,
    /// The project says where its files are that are to be served: what it could start does not count.
    pub(crate) only_files: bool,
}

impl<'pack> Way<'pack> {
    fn start_rules(&self) -> impl Iterator<Item = &'pack StartRule> {
        let mode = self.mode.filter(|_| !self.only_files);
        let framework = self.framework.filter(|_| !self.only_files);
        let of_mode = mode.into_iter().flat_map(|mode| &mode.start);
        let of_framework = framework.into_iter().flat_map(|framework| &framework.start);
        of_mode.chain(of_framework).chain(&self.pack.manifest.start)
    }

    /// What says which process types a project of this kind has besides those that it declares.
    pub(crate) fn processes(&self) -> impl Iterator<Item = &'pack ProcessRule> {
        let of_framework = self.framework.into_iter().flat_map(|framework| &framework.processes);
        of_framework.chain(&self.pack.manifest.processes)
    }

    pub(crate) fn warnings(&self) -> impl Iterator<Item = &'pack Advice> {
        let of_mode = self.mode.into_iter().flat_map(|mode| &mode.warnings);
        let of_framework = self.framework.into_iter().flat_map(|framework| &framework.warnings);
        of_mode.chain(of_framework).chain(&self.pack.manifest.warnings)
    }

    /// How the process type `web` is started: as the Procfile says, or by the first start rule that applies.
    pub(crate) fn web(
        &self,
        inspection: &Inspection<'_>,
        project: &Project,
    ) -> Result<start::Start, Refusal> {
        if let Some(Declared { command, from }) = project.processes.get(&ProcessType::web()) {
            let evidence = Evidence { what: command.shown(), from: from.clone() };
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

    pub(crate) fn port(&self, inspection: &Inspection<'_>) -> Result<(u16, Option<Evidence>), Refusal> {
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

    /// The generated files of the context, by path.
    pub(crate) fn files(
        &self,
        catalog: &Catalog,
        inspection: &Inspection<'_>,
        project: &Project,
    ) -> Result<BTreeMap<String, String>, Refusal> {
        let mut is_served = false;
        let mut files = BTreeMap::new();
        for file in &self.pack.manifest.files {
            if inspection.holds(file.when.as_ref())? {
                let template = catalog.templates.get_template(&file.template);
                is_served |= template.as_ref().is_ok_and(|template| template.source().contains("redirects"));
                let rendered = template.and_then(|template| template.render(&inspection.variables));
                let text = rendered.map_err(|error| Refusal::Unsupported {
                    what: format!("A value that {} would be made of", file.path),
                    way_out: format!("Use letters, digits, dots, dashes and slashes only ({error})."),
                })?;
                files.insert(file.path.clone(), text);
            }
        }
        if !is_served && project.file.site != Site::default() {
            return Err(site::no_site(&self.pack.manifest.kind));
        }
        Ok(files)
    }
}
