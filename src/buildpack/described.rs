//! Apps of a workspace that a file of its own describes, and no manifest: Nx's `project.json`. They have the dependencies of
//! the top and are built from there, by the program whose file it is, with those that they depend on.

use crate::buildpack::documents::Documents;
use crate::buildpack::language::workspace;
use crate::buildpack::pattern::Pattern;
use crate::buildpack::project_file::{Declared, PATH, Project, TreePath};
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render::is_word;
use crate::model::name::ProcessType;
use crate::model::plan::Evidence;
use crate::model::process::Command;
use crate::model::source::SourceTree;
use serde::Deserialize;
use serde_json::Value;

/// `[workspaces.described]`: such projects, and what is known of how they are built.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DescribedProjects {
    /// What such a project is called.
    title: String,
    /// The file of the top that makes it one.
    top: String,
    /// The file of each project.
    file: String,
    /// What builds one; `{name}` is its name.
    build: String,
    /// Where that leaves what it makes, seen from the top, unless the file says so; `{folder}` is the project's.
    output: String,
    /// What the builders of its file make.
    makes: Vec<Builder>,
}

/// What one kind of builder makes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Builder {
    /// Its name, in the file.
    executor: Pattern,
    /// Only where the file says that it makes this.
    #[serde(default)]
    target: Option<String>,
    /// The file in its output that is started with Node; without one, the output is a site.
    #[serde(default)]
    starts: Option<String>,
}

/// A project of the workspace.
struct Described {
    /// Seen from the top.
    folder: String,
    name: String,
    /// The target `build` of its file.
    build: Value,
}

/// The project as its workspace builds it, where it is one of these or the only one of them is meant; otherwise as it was.
///
/// # Errors
/// When there are several, or the one that is meant is built in a way that is not known.
pub(crate) fn in_workspace(
    rules: &DescribedProjects,
    tree: &dyn SourceTree,
    project: Project,
) -> Result<Project, Refusal> {
    let Some(top) = top_of(rules, tree, &project.root) else { return Ok(project) };
    let documents = Documents::new(tree, &top)?;
    let chosen = if top == project.root {
        if says_itself(&documents, &project)? {
            return Ok(project);
        }
        let mut apps = apps(rules, &documents)?;
        if apps.len() > 1 {
            let choices: Vec<String> = apps.iter().map(|app| in_tree(&top, &app.folder)).collect();
            let way_out =
                format!("Name the one to deploy in a {PATH} at the top: `build.root = \"{}\"`.", choices[0]);
            return Err(Refusal::Several { what: "apps".to_owned(), choices, way_out });
        }
        apps.pop()
    } else {
        let folder = project.root[top.len()..].trim_start_matches('/');
        described(rules, &documents, folder)?
    };
    match chosen {
        Some(chosen) => built_from_top(rules, project, top, &chosen),
        None => Ok(project),
    }
}

/// The top of the workspace: the folder itself, or the one around it where it has the file of such a project and no manifest.
fn top_of(rules: &DescribedProjects, tree: &dyn SourceTree, folder: &str) -> Option<String> {
    let has = |folder: &str, file: &str| tree.has(&in_tree(folder, file));
    let is_top = |folder: &str| has(folder, &rules.top) && has(folder, workspace::MANIFEST);
    if is_top(folder) {
        return Some(folder.to_owned());
    }
    if !has(folder, &rules.file) || has(folder, workspace::MANIFEST) {
        return None;
    }
    let mut above = folder;
    while !above.is_empty() {
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
        if is_top(above) {
            return Some(above.to_owned());
        }
    }
    None
}

fn in_tree(top: &str, path: &str) -> String {
    if top.is_empty() { path.to_owned() } else { format!("{top}/{path}") }
}

/// Whether the top says what is run, or has packages of its own, of which one may be meant.
fn says_itself(documents: &Documents<'_>, project: &Project) -> Result<bool, Refusal> {
    let build = &project.file.build;
    let manifest = documents.document(workspace::MANIFEST)?;
    Ok(project.processes.contains_key(&ProcessType::web())
        || build.output.is_some()
        || build.dockerfile.is_some()
        || build.buildpack.is_some()
        || documents.has_file("Dockerfile")
        || manifest.is_some_and(|manifest| workspace::script(&manifest, "start").is_some())
        || workspace::Workspace::at(documents, "")?.is_some())
}

/// The projects that are apps and can be built.
fn apps(rules: &DescribedProjects, documents: &Documents<'_>) -> Result<Vec<Described>, Refusal> {
    let suffix = format!("/{}", rules.file);
    let folders = documents.paths().filter_map(|path| path.strip_suffix(suffix.as_str()));
    let folders = folders.filter(|folder| !folder.split('/').any(|part| part == "node_modules"));
    let mut apps = Vec::new();
    for folder in folders {
        let Some(document) = documents.document(&format!("{folder}{suffix}"))? else { continue };
        let is_app = document.get("projectType").and_then(Value::as_str) == Some("application");
        // Tests of an app are an application, too, and nothing builds them.
        if is_app
            && document.pointer("/targets/build").is_some()
            && let Some(app) = described(rules, documents, folder)?
        {
            apps.push(app);
        }
    }
    Ok(apps)
}

fn described(
    rules: &DescribedProjects,
    documents: &Documents<'_>,
    folder: &str,
) -> Result<Option<Described>, Refusal> {
    let Some(document) = documents.document(&format!("{folder}/{}", rules.file))? else { return Ok(None) };
    let last = folder.rsplit('/').next().unwrap_or(folder);
    let name = document.get("name").and_then(Value::as_str).unwrap_or(last).to_owned();
    let build = document.pointer("/targets/build").cloned().unwrap_or_default();
    Ok(Some(Described { folder: folder.to_owned(), name, build }))
}

fn built_from_top(
    rules: &DescribedProjects,
    mut project: Project,
    top: String,
    app: &Described,
) -> Result<Project, Refusal> {
    let path = in_tree(&top, &format!("{}/{}", app.folder, rules.file));
    if !is_word(&app.name) {
        let reason =
            "its name has other characters than letters, digits, dots, dashes and slashes".to_owned();
        return Err(Refusal::BrokenFile { path, reason });
    }
    project.evidence.push(Evidence { what: format!("{} {}", rules.title, app.name), from: path.clone() });
    let line = rules.build.replace("{name}", &app.name);
    let is_run = project.processes.contains_key(&ProcessType::web()) || project.file.build.output.is_some();
    if !is_run {
        let made = made_by(rules, app).ok_or_else(|| unknown(&path, &line))?;
        match made {
            Made::Site(output) => {
                project.output = Some(Evidence { what: output, from: format!("{path}: targets.build") });
            }
            Made::Server(file) => {
                let command = Command::Exec(vec!["node".to_owned(), file]);
                let from = format!("{path}: targets.build");
                project.processes.insert(ProcessType::web(), Declared { command, from });
            }
        }
    }
    if project.file.build.build_command.is_none() && project.build_command.is_none() {
        project.build_command = Some(Evidence { what: line, from: path });
    }
    project.root = top;
    Ok(project)
}

enum Made {
    /// The folder with the files.
    Site(String),
    /// The file to start.
    Server(String),
}

/// What the build of an app makes, as far as that is known; paths are seen from the top.
fn made_by(rules: &DescribedProjects, app: &Described) -> Option<Made> {
    let executor = app.build.get("executor")?.as_str()?;
    let option = |name: &str| app.build.pointer(&format!("/options/{name}")).and_then(Value::as_str);
    let is_it = |builder: &&Builder| {
        builder.executor.find(executor).is_some()
            && builder.target.as_deref().is_none_or(|target| option("target") == Some(target))
    };
    let builder = rules.makes.iter().find(is_it)?;
    let output = option("outputPath").unwrap_or(&rules.output);
    let output = output.replace("{workspaceRoot}/", "").replace("{projectRoot}", &app.folder);
    let output = TreePath::try_from(output.replace("{folder}", &app.folder)).ok()?;
    Some(match &builder.starts {
        Some(file) => Made::Server(format!("{}/{file}", output.as_str())),
        None => Made::Site(output.as_str().to_owned()),
    })
}

fn unknown(path: &str, line: &str) -> Refusal {
    Refusal::Unsupported {
        what: format!("{path}, of which is not known whether its build makes a site or a server,"),
        way_out: format!(
            "Say it in a {PATH} at the top: `[build] build_command = \"{line}\"`, and `output` for the folder of a site, or \
             `[deploy] start = \"node …\"` for a server."
        ),
    }
}
