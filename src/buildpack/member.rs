//! One package of a workspace as the project: which one, and what its image is made of.

use crate::buildpack::described::DescribedProjects;
use crate::buildpack::language::workspace::{self, Member, Workspace};
use crate::buildpack::pattern::Pattern;
use crate::buildpack::refusal::Refusal;
use crate::buildpack::render::is_word;
use crate::model::plan::Evidence;
use crate::model::source::SourceTree;
use serde::Deserialize;
use serde_json::{Value, json};

/// With more manifests, each a layer of its own, an image would have more layers than Docker takes (127): the whole source
/// is copied before anything is installed.
const MOST_MANIFESTS: usize = 60;

/// Scripts that a package manager runs when it installs.
const INSTALL_SCRIPTS: [&str; 4] = ["preinstall", "install", "postinstall", "prepare"];
/// Those of them that may be there for an editor or for git only.
const IDLE_SCRIPTS: [&str; 2] = ["postinstall", "prepare"];

/// `[workspaces]`: how a pack builds one package of several that are installed together.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Workspaces {
    /// The template of the pack's folder that is used then.
    pub(crate) template: String,
    /// Install scripts that nothing is lost without.
    idle_scripts: Pattern,
    /// Where this file is at the top, its manifest has the dependencies of all packages, and they say nothing of the top.
    pub(crate) shares_dependencies: String,
    /// Packages that write into the installed modules when something is built.
    writes_modules: Vec<String>,
    /// Projects without a manifest.
    pub(crate) described: Option<DescribedProjects>,
}

/// A package of a workspace that is the project.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) workspace: Workspace,
    position: usize,
}

impl Chosen {
    /// The package that a folder is; `None` where it is on its own.
    ///
    /// # Errors
    /// When a manifest of the workspace is broken, or a name in it cannot be used.
    pub(crate) fn of(tree: &dyn SourceTree, folder: &str) -> Result<Option<Self>, Refusal> {
        let Some((workspace, position)) = Workspace::around(tree, folder)? else { return Ok(None) };
        let chosen = Self { workspace, position };
        let needed = chosen.workspace.needed_to_build(position);
        let unusual = needed
            .iter()
            .find(|member| !is_word(&member.folder) || !(member.name.is_empty() || is_word(&member.name)));
        match unusual {
            Some(member) => Err(Refusal::BrokenFile {
                path: format!("{}/package.json", chosen.workspace.in_tree(member)),
                reason: "its folder or its name has other characters than letters, digits, dots, dashes and slashes"
                    .to_owned(),
            }),
            None => Ok(Some(chosen)),
        }
    }

    fn member(&self) -> &Member {
        &self.workspace.members[self.position]
    }

    /// Folders of the packages that have no part in the image: only their manifests are sent to the build.
    pub(crate) fn left_out(&self) -> Vec<String> {
        let needed = self.workspace.needed_to_build(self.position);
        let is_needed = |member: &Member| needed.iter().any(|other| other.folder == member.folder);
        // A folder that holds one that is needed cannot be left out, and one with another kind of name cannot be named.
        let holds_needed = |member: &Member| {
            let inside = format!("{}/", member.folder);
            needed.iter().any(|other| other.folder.starts_with(&inside))
        };
        let others = self.workspace.members.iter();
        let others =
            others.filter(|member| !is_needed(member) && !holds_needed(member) && is_word(&member.folder));
        others.map(|member| member.folder.clone()).collect()
    }

    /// What the template is told of the workspace.
    pub(crate) fn variables(&self, rules: &Workspaces) -> Value {
        let needed = self.workspace.needed_to_build(self.position);
        let folders = |members: &[&Member]| -> Vec<String> {
            members.iter().map(|member| member.folder.clone()).collect()
        };
        let others = |members: Vec<&Member>| -> Vec<String> {
            let others = members.into_iter().filter(|member| member.folder != self.member().folder);
            others.map(|member| member.folder.clone()).collect()
        };
        let is_built = |member: &&Member| member.script("build").is_some();
        let manifests = || {
            std::iter::once(&*self.workspace.manifest).chain(needed.iter().map(|member| &*member.manifest))
        };
        let writes_modules = manifests().any(|manifest| {
            let lists = ["dependencies", "devDependencies"].into_iter().filter_map(|list| manifest.get(list));
            lists.into_iter().any(|list| rules.writes_modules.iter().any(|name| list.get(name).is_some()))
        });
        let needs_source = self.workspace.members.len() > MOST_MANIFESTS
            || self.workspace.members.iter().any(|member| !is_word(&member.folder))
            || manifests().any(|manifest| needs_source(manifest, rules));
        let idles = |manifest: &Value| IDLE_SCRIPTS.iter().any(|name| is_idle(manifest, name, rules));
        let idle = needed.iter().filter(|member| idles(&member.manifest)).map(|member| member.folder.clone());
        let idle = idles(&self.workspace.manifest).then(|| ".".to_owned()).into_iter().chain(idle);
        let left_out = self.left_out();
        let installs = |member: &&Member| INSTALL_SCRIPTS.iter().any(|name| member.script(name).is_some());
        let members = self.workspace.members.iter();
        let silent = members.filter(|member| left_out.contains(&member.folder)).filter(installs);
        json!({
            "package": self.member().folder,
            "name": self.member().name,
            "members": folders(&self.workspace.members.iter().collect::<Vec<_>>()),
            "needed": folders(&needed),
            "running": others(self.workspace.needed_to_run(self.position)),
            "built": others(needed.iter().copied().filter(is_built).collect()),
            "needs_source": needs_source,
            "prunes": needs_source || writes_modules,
            "idle": idle.collect::<Vec<_>>(),
            "silent": silent.map(|member| member.folder.clone()).collect::<Vec<_>>(),
        })
    }

    /// The row that says which packages are built.
    pub(crate) fn evidence(&self) -> Evidence {
        let needed = self.workspace.needed_to_build(self.position);
        let others: Vec<&str> =
            needed[..needed.len() - 1].iter().map(|member| member.folder.as_str()).collect();
        let with = if others.is_empty() { String::new() } else { format!(" with {}", others.join(", ")) };
        Evidence {
            what: "Workspace".to_owned(),
            from: format!("{}{with} ({})", self.member().folder, self.workspace.from),
        }
    }
}

/// Whether a script of a manifest is one that nothing is lost without.
fn is_idle(manifest: &Value, name: &str, rules: &Workspaces) -> bool {
    workspace::script(manifest, name).is_some_and(|line| rules.idle_scripts.find(line).is_some())
}

/// Whether installing needs more than the manifests: own scripts run, or packages are in the tree that are not of the
/// workspace.
fn needs_source(manifest: &Value, rules: &Workspaces) -> bool {
    let runs = |name: &&str| {
        workspace::script(manifest, name).is_some()
            && !(IDLE_SCRIPTS.contains(name) && is_idle(manifest, name, rules))
    };
    let is_in_tree = |version: &Value| {
        version
            .as_str()
            .is_some_and(|version| ["file:", "link:", "portal:"].iter().any(|mark| version.starts_with(mark)))
    };
    let lists = ["dependencies", "devDependencies", "optionalDependencies"].into_iter();
    let mut versions =
        lists.filter_map(|list| manifest.get(list)?.as_object()).flat_map(|list| list.values());
    INSTALL_SCRIPTS.iter().any(runs) || versions.any(is_in_tree)
}
