//! A project of JavaScript as a starter writes it: its package.json, a lock file, and what it is planned as.

use crate::support::plan;
use gilgal::model::name::ProcessType;
use gilgal::model::plan::BuildPlan;
use serde_json::json;

pub(crate) const LOCK: (&str, &str) = ("package-lock.json", "{}");

/// A manifest as a starter writes it: scripts, dependencies, development dependencies.
pub(crate) fn manifest(scripts: &[(&str, &str)], dependencies: &[&str], development: &[&str]) -> String {
    let table = |names: &[&str]| {
        names.iter().map(|name| ((*name).to_owned(), json!("^1.2.3"))).collect::<serde_json::Map<_, _>>()
    };
    let scripts: serde_json::Map<_, _> =
        scripts.iter().map(|(name, command)| ((*name).to_owned(), json!(command))).collect();
    json!({
        "scripts": scripts,
        "dependencies": table(dependencies),
        "devDependencies": table(development),
    })
    .to_string()
}

pub(crate) fn plan_of(manifest: &str, files: &[(&str, &str)]) -> BuildPlan {
    plan(&[&[("package.json", manifest), LOCK], files].concat())
}

pub(crate) fn web(plan: &BuildPlan) -> String {
    plan.processes[&ProcessType::web()].shown()
}

pub(crate) const BUILD: (&str, &str) = ("build", "build");
