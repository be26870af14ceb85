//! JavaScript workspaces: several packages that are installed together, below one lock file (npm's, Yarn's and Bun's
//! `workspaces` of package.json, pnpm's `packages` of pnpm-workspace.yaml).

use crate::buildpack::documents::{Documents, lookup};
use crate::buildpack::glob::glob_matches;
use crate::buildpack::refusal::Refusal;
use crate::model::source::SourceTree;
use serde_json::Value;
use std::collections::BTreeSet;
use std::rc::Rc;

/// More packages than this are not for one server to build.
const MOST_PACKAGES: usize = 400;

/// Globs of a workspace, and bytes of one, that are looked at.
const MOST_GLOBS: usize = 100;
const LONGEST_GLOB: usize = 256;

/// Bytes of all manifests of a workspace: parsed they take many times as much, and the server that reads them serves the apps.
const MOST_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

pub(crate) const MANIFEST: &str = "package.json";
const PNPM: &str = "pnpm-workspace.yaml";

/// Lists of a manifest whose packages are there when the app runs.
const RUNNING: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];
const DEVELOPMENT: &str = "devDependencies";

/// A folder whose packages are installed together.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder; empty: the top of the repository.
    pub(crate) folder: String,
    /// What says so: `package.json: workspaces`.
    pub(crate) from: String,
    /// The manifest of the folder itself.
    pub(crate) manifest: Rc<Value>,
    /// Sorted by folder.
    pub(crate) members: Vec<Member>,
}

/// One of the packages.
#[derive(Debug)]
pub(crate) struct Member {
    /// Seen from the folder of the workspace: `apps/web`.
    pub(crate) folder: String,
    /// As others depend on it; empty where it has none.
    pub(crate) name: String,
    pub(crate) manifest: Rc<Value>,
}

impl Member {
    fn depends_on(&self, other: &Self, lists: &[&str]) -> bool {
        let names = |list: &&str| self.manifest.get(*list)?.as_object()?.get(&other.name);
        !other.name.is_empty() && lists.iter().any(|list| names(list).is_some())
    }

    /// A script of its manifest.
    pub(crate) fn script(&self, name: &str) -> Option<&str> {
        script(&self.manifest, name)
    }
}

/// A script of a manifest.
pub(crate) fn script<'manifest>(manifest: &'manifest Value, name: &str) -> Option<&'manifest str> {
    manifest.get("scripts")?.get(name)?.as_str()
}

impl Workspace {
    /// The workspace that a folder, which is looked at through `documents`, is the top of.
    ///
    /// # Errors
    /// When a manifest of it is broken, or there are more packages than are looked at.
    pub(crate) fn at(documents: &Documents<'_>, folder: &str) -> Result<Option<Self>, Refusal> {
        // Without its own manifest nothing is installed here; one that is broken is none of a workspace.
        let Ok(Some(manifest)) = documents.document(MANIFEST) else { return Ok(None) };
        let (globs, from) = match (globs(&manifest), documents.text(PNPM)?) {
            (globs, _) if !globs.is_empty() => (globs, format!("{MANIFEST}: workspaces")),
            (_, Some(text)) => (pnpm_globs(&text), format!("{PNPM}: packages")),
            (_, None) => return Ok(None),
        };
        if globs.len() > MOST_GLOBS || globs.iter().any(|glob| glob.len() > LONGEST_GLOB) {
            return Err(Refusal::Unsupported {
                what: format!(
                    "A workspace of more than {MOST_GLOBS} globs, or one of more than {LONGEST_GLOB} bytes"
                ),
                way_out: "Bring a Dockerfile.".to_owned(),
            });
        }
        let (excluded, wanted): (Vec<&str>, Vec<&str>) =
            globs.iter().map(String::as_str).partition(|glob| glob.starts_with('!'));
        let matches = |globs: &[&str], folder: &str| {
            globs.iter().any(|glob| glob_matches(glob.trim_start_matches('!'), folder))
        };
        let folders = documents.paths().filter_map(|path| path.strip_suffix("/package.json"));
        let folders = folders.filter(|folder| !folder.split('/').any(|part| part == "node_modules"));
        let folders: Vec<&str> =
            folders.filter(|folder| matches(&wanted, folder) && !matches(&excluded, folder)).collect();
        if folders.len() > MOST_PACKAGES {
            return Err(Refusal::Unsupported {
                what: format!("A workspace of more than {MOST_PACKAGES} packages"),
                way_out: "Bring a Dockerfile.".to_owned(),
            });
        }
        let (mut members, mut bytes) = (Vec::new(), 0);
        for folder in folders {
            let text = documents.text(&format!("{folder}/{MANIFEST}"))?;
            bytes += text.map_or(0, |text| text.len());
            if bytes > MOST_MANIFEST_BYTES {
                return Err(Refusal::Unsupported {
                    what: format!(
                        "A workspace whose manifests are larger than {MOST_MANIFEST_BYTES} bytes together"
                    ),
                    way_out: "Bring a Dockerfile.".to_owned(),
                });
            }
            let Some(manifest) = documents.document(&format!("{folder}/{MANIFEST}"))? else { continue };
            let name = manifest.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            members.push(Member { folder: folder.to_owned(), name, manifest });
        }
        Ok((!members.is_empty()).then(|| Self { folder: folder.to_owned(), from, manifest, members }))
    }

    /// The workspace that a folder of the tree is a package of, and which one.
    ///
    /// # Errors
    /// As [`Workspace::at`].
    pub(crate) fn around(tree: &dyn SourceTree, folder: &str) -> Result<Option<(Self, usize)>, Refusal> {
        let mut above = folder;
        while !above.is_empty() {
            above = above.rsplit_once('/').map_or("", |(above, _)| above);
            let Ok(documents) = Documents::new(tree, above) else { continue };
            let Some(workspace) = Self::at(&documents, above)? else { continue };
            let is_it = |member: &Member| workspace.in_tree(member) == folder;
            if let Some(position) = workspace.members.iter().position(is_it) {
                return Ok(Some((workspace, position)));
            }
        }
        Ok(None)
    }

    /// The folder of a package, seen from the top of the repository.
    pub(crate) fn in_tree(&self, member: &Member) -> String {
        if self.folder.is_empty() {
            member.folder.clone()
        } else {
            format!("{}/{}", self.folder, member.folder)
        }
    }

    /// Packages that no other one needs to run: those that may be apps.
    pub(crate) fn tops(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| !self.members.iter().any(|other| other.depends_on(member, &RUNNING)))
    }

    /// The packages of the workspace that one needs to be built, what is needed first; itself last.
    pub(crate) fn needed_to_build(&self, position: usize) -> Vec<&Member> {
        self.needed(position, &[&RUNNING[..], &[DEVELOPMENT]].concat())
    }

    /// The packages of the workspace that one needs to run; itself last.
    pub(crate) fn needed_to_run(&self, position: usize) -> Vec<&Member> {
        self.needed(position, &RUNNING)
    }

    fn needed(&self, position: usize, lists: &[&str]) -> Vec<&Member> {
        let (mut seen, mut needed) = (BTreeSet::new(), Vec::new());
        self.visit(position, lists, &mut seen, &mut needed);
        needed
    }

    fn visit<'members>(
        &'members self,
        position: usize,
        lists: &[&str],
        seen: &mut BTreeSet<usize>,
        needed: &mut Vec<&'members Member>,
    ) {
        if !seen.insert(position) {
            return;
        }
        let member = &self.members[position];
        for (other, candidate) in self.members.iter().enumerate() {
            if other != position && member.depends_on(candidate, lists) {
                self.visit(other, lists, seen, needed);
            }
        }
        needed.push(member);
    }
}

/// `workspaces` of a manifest: a list, or Yarn's object with one.
fn globs(manifest: &Value) -> Vec<String> {
    let list = lookup(manifest, "workspaces.packages").or_else(|| manifest.get("workspaces"));
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(plain).collect()
}

/// `packages` of pnpm's file: a list in either of YAML's two ways to write one.
fn pnpm_globs(text: &str) -> Vec<String> {
    let mut lines = text.lines().map(|line| line.split(" #").next().unwrap_or(line).trim_end());
    let Some(rest) = lines.find_map(|line| line.strip_prefix("packages:")) else { return Vec::new() };
    let unquoted = |item: &str| plain(item.trim().trim_matches(['"', '\'']));
    if let Some(items) = rest.trim().strip_prefix('[') {
        return items
            .trim_end_matches(']')
            .split(',')
            .map(unquoted)
            .filter(|item| !item.is_empty())
            .collect();
    }
    let is_in_list = |line: &&str| {
        line.is_empty() || line.starts_with(' ') || line.starts_with('-') || line.starts_with('#')
    };
    let items = lines.take_while(is_in_list).filter_map(|line| line.trim_start().strip_prefix('-'));
    items.map(unquoted).collect()
}

fn plain(glob: &str) -> String {
    let (mark, glob) = glob.strip_prefix('!').map_or(("", glob), |glob| ("!", glob));
    format!("{mark}{}", glob.trim_start_matches("./").trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::pnpm_globs;

    #[test]
    fn pnpms_list_is_read_as_yaml() {
        for (text, globs) in [
            (
                "packages:\n  - \"apps/*\"\n  - 'packages/**' # all\n\n  - '!**/test'\n",
                vec!["apps/*", "packages/**", "!**/test"],
            ),
            ("packages:\n- ./apps/web/\ncatalog:\n  - no\n", vec!["apps/web"]),
            ("catalog:\n  react: ^19\npackages: [\"a/*\", b]\n", vec!["a/*", "b"]),
            ("onlyBuiltDependencies:\n  - esbuild\n", vec![]),
            ("packages:\n", vec![]),
        ] {
            assert_eq!(pnpm_globs(text), globs, "{text}");
        }
    }
}
