//! The app of a workspace, where nobody has said which of its packages that is.

use crate::buildpack::catalog::{Catalog, Pack};
use crate::buildpack::detect::{DetectOptions, detect_package};
use crate::buildpack::documents::Documents;
use crate::buildpack::framework;
use crate::buildpack::language::workspace::{self, Workspace};
use crate::buildpack::member::Workspaces;
use crate::buildpack::planning::prepare;
use crate::buildpack::procfile;
use crate::buildpack::project_file::{self, Project};
use crate::buildpack::refusal::Refusal;
use crate::model::name::ProcessType;
use crate::model::plan::{BuildPlan, Evidence};
use crate::model::source::SourceTree;

/// The plan of the only app among the packages below a project; `None` where the project is an app itself, or none is below
/// it.
///
/// An app is a package that no other one needs to run, and that says what to start: by its framework, a start script, or a
/// file of ours.
///
/// # Errors
/// When there are several apps, or a manifest is broken.
pub(crate) fn only(
    catalog: &Catalog,
    (pack, rules): (&Pack, &Workspaces),
    tree: &dyn SourceTree,
    documents: &Documents<'_>,
    project: &Project,
    options: &DetectOptions,
) -> Result<Option<BuildPlan>, Refusal> {
    let Some(workspace) = Workspace::at(documents, &project.root)? else { return Ok(None) };
    if is_app_itself((pack, rules), &workspace, documents, project)? {
        return Ok(None);
    }
    let mut apps = Vec::new();
    for member in workspace.tops() {
        let root = workspace.in_tree(member);
        let options = DetectOptions { root: root.clone(), ..options.clone() };
        let Ok(plan) = detect_package(catalog, tree, &options) else { continue };
        let has = |file: &str| tree.has(&format!("{root}/{file}"));
        let is_more_than_a_package = plan.buildpack != pack.name
            || plan.framework != pack.manifest.title
            || member.script("start").is_some()
            || has(procfile::PATH)
            || has(project_file::PATH);
        if is_more_than_a_package {
            apps.push((root, plan));
        }
    }
    if apps.len() > 1 {
        let choices: Vec<String> = apps.into_iter().map(|(root, _)| root).collect();
        let way_out = format!(
            "Name the one to deploy in a {} at the top: `build.root = \"{}\"`.",
            project_file::PATH,
            choices[0]
        );
        return Err(Refusal::Several { what: "apps".to_owned(), choices, way_out });
    }
    Ok(apps.pop().map(|(root, mut plan)| {
        let only =
            Evidence { what: format!("Root {root}"), from: "the only app of the workspace".to_owned() };
        plan.evidence.push(only);
        plan
    }))
}

/// Whether the top of a workspace is what runs, and not one of its packages.
fn is_app_itself(
    (pack, rules): (&Pack, &Workspaces),
    workspace: &Workspace,
    documents: &Documents<'_>,
    project: &Project,
) -> Result<bool, Refusal> {
    if project.processes.contains_key(&ProcessType::web())
        || workspace::script(&workspace.manifest, "start").is_some()
    {
        return Ok(true);
    }
    if documents.has_file(&rules.shares_dependencies) {
        return Ok(false);
    }
    let (inspection, _) = prepare(pack, documents, project, None)?;
    Ok(framework::choose(&pack.manifest.frameworks, &inspection)?
        .is_some_and(|choice| !choice.framework.library))
}
