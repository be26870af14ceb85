//! The files of a plan as the project's own: for people who want to own their Dockerfile.

use crate::buildpack::catalog::Catalog;
use crate::buildpack::render::{RenderContext, RenderError};
use crate::model::name::ProcessType;
use crate::model::plan::BuildPlan;
use std::collections::BTreeMap;

/// What is written into the project, and what the project loses by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ejected {
    /// Path below the project's folder → content.
    pub files: BTreeMap<String, String>,
    /// Lines for the Procfile: process types that detection has added, and a Dockerfile cannot say.
    pub procfile_lines: Vec<String>,
}

/// The files that are built with today, for a plan of a buildpack.
///
/// `dockerignore` is the project's own, where it has one; what the buildpack leaves out is added to it.
///
/// # Errors
/// When the project has its own Dockerfile already, or the template does not render.
pub fn eject(
    catalog: &Catalog,
    plan: &BuildPlan,
    dockerignore: Option<&str>,
) -> Result<Ejected, RenderError> {
    // Caches are kept apart by project on the server; the owner of a Dockerfile builds on a machine of their own.
    let context = RenderContext { cache_scope: "app".to_owned(), ..RenderContext::default() };
    let dockerfile = catalog.dockerfile(plan, &context)?;
    let mut files = plan.files.clone();
    files.insert("Dockerfile".to_owned(), format!("{}{dockerfile}", heading(plan)));
    if let Some(text) = with_patterns(dockerignore.unwrap_or_default(), &plan.ignore) {
        files.insert(".dockerignore".to_owned(), text);
    }
    let web = ProcessType::web();
    let added = plan.processes.iter().filter(|(process_type, _)| **process_type != web);
    let procfile_lines = if plan.declared_in.is_empty() {
        added.map(|(process_type, command)| format!("{process_type}: {}", command.shown())).collect()
    } else {
        Vec::new()
    };
    Ok(Ejected { files, procfile_lines })
}

fn heading(plan: &BuildPlan) -> String {
    format!(
        "# What Gilgal built this {} with. It is yours now: a push builds with this file and detects nothing.\n\
         # Docker builds it with BuildKit (cache mounts). PORT says where to listen; the server sets it.\n\n",
        plan.kind
    )
}

/// The text with the patterns it does not have yet; `None` where nothing is missing.
fn with_patterns(text: &str, patterns: &[String]) -> Option<String> {
    let has = |pattern: &str| text.lines().any(|line| line.trim() == pattern);
    let missing: Vec<&str> = patterns.iter().map(String::as_str).filter(|pattern| !has(pattern)).collect();
    if missing.is_empty() {
        return None;
    }
    let mut whole = text.to_owned();
    if !whole.is_empty() && !whole.ends_with('\n') {
        whole.push('\n');
    }
    for pattern in missing {
        whole.push_str(pattern);
        whole.push('\n');
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::with_patterns;

    #[test]
    fn patterns_are_added_once() {
        let patterns = [".git".to_owned(), "node_modules".to_owned()];
        assert_eq!(with_patterns("", &patterns).as_deref(), Some(".git\nnode_modules\n"));
        assert_eq!(with_patterns("a\n.git", &patterns).as_deref(), Some("a\n.git\nnode_modules\n"));
        assert_eq!(with_patterns("node_modules\n.git\n", &patterns), None);
    }
}
