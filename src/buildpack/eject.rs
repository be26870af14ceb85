//! The files of a plan as the project's own: for people who want to own their Dockerfile.

use crate::buildpack::catalog::Catalog;
use crate::buildpack::project_file::{PATH, Project, settings};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render::{RenderContext, RenderError};
use crate::model::name::ProcessType;
use crate::model::plan::BuildPlan;
use crate::model::source::SourceTree;
use std::collections::BTreeMap;

/// What is written into the project, and what the project loses by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ejected {
    /// Path below the folder of the plan → content.
    pub files: BTreeMap<String, String>,
    /// Lines for the Procfile: process types that no file declares, and a Dockerfile cannot say.
    pub procfile_lines: Vec<String>,
    /// Keys of `gilgal.toml` that the Dockerfile holds now, and with which a push refuses one.
    pub taken_over: Vec<String>,
}

/// Why a project cannot have the Dockerfile that it is built with.
#[derive(Debug, thiserror::Error)]
pub enum EjectError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(
        "The Dockerfile builds the whole workspace and belongs to its top, and a push looks for one in {root} only, as build.root of {PATH} says. Write it with `gilgal plan --dockerfile >Dockerfile` at the top, remove build.root, and declare there what {root} declares."
    )]
    Workspace { root: String },
}

/// The files that are built with today, for a plan of a buildpack that was made of a tree.
///
/// What the buildpack leaves out is added to the project's own `.dockerignore`, where it has one.
///
/// # Errors
/// When the project has its own Dockerfile already, a push would not find this one, or the template does not render.
pub fn eject(catalog: &Catalog, tree: &dyn SourceTree, plan: &BuildPlan) -> Result<Ejected, EjectError> {
    // Caches are kept apart by project on the server; the owner of a Dockerfile builds on a machine of their own.
    let context = RenderContext { cache_scope: "app".to_owned(), ..RenderContext::default() };
    let dockerfile = catalog.dockerfile(plan, &context)?;
    let project = Project::read(tree, "")?;
    if project.root != plan.root {
        return Err(EjectError::Workspace { root: project.root });
    }
    let own_ignore = tree.read(&plan.in_root(".dockerignore"));
    let mut files = plan.files.clone();
    files.insert("Dockerfile".to_owned(), format!("{}{}", heading(plan), with_port(&dockerfile, plan.port)));
    if let Some(text) = with_patterns(own_ignore.as_deref().unwrap_or_default(), &plan.ignored()) {
        files.insert(".dockerignore".to_owned(), text);
    }
    // What the process type web runs is the Dockerfile's CMD.
    let is_declared =
        |name: &ProcessType| *name == ProcessType::web() || project.processes.contains_key(name);
    let undeclared = plan.processes.iter().filter(|(name, _)| !is_declared(name));
    let procfile_lines = undeclared.map(|(name, command)| format!("{name}: {}", command.shown())).collect();
    Ok(Ejected { files, procfile_lines, taken_over: settings::taken_over(&project) })
}

/// The Dockerfile with the port, in front of its last line: where a push reads it.
fn with_port(dockerfile: &str, port: u16) -> String {
    match dockerfile.rsplit_once("\nCMD ") {
        Some((before, command)) => format!("{before}\nEXPOSE {port}\nCMD {command}"),
        None => format!("{dockerfile}EXPOSE {port}\n"),
    }
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
    use super::{with_patterns, with_port};

    #[test]
    fn the_port_is_exposed_in_front_of_the_command() {
        let text = "FROM a\nCMD [\"x\"]\nFROM b\nCMD [\"y\"]\n";
        assert_eq!(with_port(text, 80), "FROM a\nCMD [\"x\"]\nFROM b\nEXPOSE 80\nCMD [\"y\"]\n");
        assert_eq!(with_port("FROM a\n", 80), "FROM a\nEXPOSE 80\n");
    }

    #[test]
    fn patterns_are_added_once() {
        let patterns = [".git".to_owned(), "node_modules".to_owned()];
        assert_eq!(with_patterns("", &patterns).as_deref(), Some(".git\nnode_modules\n"));
        assert_eq!(with_patterns("a\n.git", &patterns).as_deref(), Some("a\n.git\nnode_modules\n"));
        assert_eq!(with_patterns("node_modules\n.git\n", &patterns), None);
    }
}
