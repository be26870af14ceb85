//! `gilgal plan`: what a push of a folder would do, without a server.

use super::detected::{self, Detected};
use super::printer::with_causes;
use crate::buildpack::{self, Catalog, DirectorySource, RenderContext};
use crate::model::plan::BuildPlan;
use std::path::Path;
use std::process::ExitCode;

/// What is printed of the plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    Screen,
    Json,
    Dockerfile,
}

impl Format {
    pub(super) const fn new(json: bool, dockerfile: bool) -> Self {
        match (json, dockerfile) {
            (true, _) => Self::Json,
            (false, true) => Self::Dockerfile,
            (false, false) => Self::Screen,
        }
    }
}

pub(super) fn plan(folder: &Path, format: Format) -> ExitCode {
    detected::print(text(folder, format))
}

fn text(folder: &Path, format: Format) -> Result<String, Vec<String>> {
    let Detected { catalog, source, plan } = detected::detect(folder)?;
    match format {
        Format::Screen => Ok(buildpack::screen(&plan)),
        Format::Json => serde_json::to_string_pretty(&plan).map_err(|error| vec![error.to_string()]),
        Format::Dockerfile => dockerfile(&catalog, &source, &plan),
    }
}

fn dockerfile(catalog: &Catalog, source: &DirectorySource, plan: &BuildPlan) -> Result<String, Vec<String>> {
    use crate::model::source::SourceTree;
    if let Some(path) = &plan.dockerfile {
        return source.read(path).ok_or_else(|| vec![format!("{path} cannot be read.")]);
    }
    let context = RenderContext { cache_scope: "plan".to_owned(), ..RenderContext::default() };
    catalog.dockerfile(plan, &context).map_err(|error| vec![with_causes(&error)])
}
