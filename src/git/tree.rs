//! The files of a commit, read from the object store.

use super::references::{no_such_commit, oid};
use super::repository::{GitError, Repository};
use crate::model::name::CommitId;
use crate::model::source::SourceTree;
use git2::{ObjectType, Oid, TreeWalkMode, TreeWalkResult};
use std::path::Path;

/// Most files a project may have. A tree can name the same folder a million times in a few hundred bytes.
pub(super) const MAX_FILES: usize = 200_000;
/// Most folders that may lie in each other.
pub(super) const MAX_DEPTH: usize = 200;
/// Largest file that detection reads.
const MAX_READ_BYTES: usize = 1024 * 1024;

/// The tree of a commit. Blocks on the disk: use it where blocking is allowed.
pub struct GitTree {
    git: git2::Repository,
    tree: Oid,
    paths: Vec<String>,
    symbolic_links: Vec<String>,
    has_submodules: bool,
}

impl Repository {
    /// The files of a commit.
    ///
    /// # Errors
    /// When there is no such commit, or it has more files than a project may have.
    pub fn tree(&self, commit: &CommitId) -> Result<GitTree, GitError> {
        let git = self.git2()?;
        let tree = git.find_commit(oid(commit)?).map_err(no_such_commit)?.tree_id();
        let (mut paths, mut symbolic_links, mut has_submodules) = (Vec::new(), Vec::new(), false);
        // Folders count as well: a few small objects can stand for a tree of a million empty ones.
        let (mut entries, mut too_deep) = (0_usize, false);
        let walked = git.find_tree(tree)?.walk(TreeWalkMode::PreOrder, |folder, entry| {
            entries += 1;
            too_deep |= folder.bytes().filter(|byte| *byte == b'/').count() > MAX_DEPTH;
            match entry.kind() {
                Some(ObjectType::Blob) => {
                    let is_link = entry.filemode() == i32::from(git2::FileMode::Link);
                    let known = if is_link { &mut symbolic_links } else { &mut paths };
                    if let Ok(name) = std::str::from_utf8(entry.name_bytes()) {
                        known.push(format!("{folder}{name}"));
                    }
                }
                Some(ObjectType::Commit) => has_submodules = true,
                _ => {}
            }
            if entries > MAX_FILES || too_deep { TreeWalkResult::Abort } else { TreeWalkResult::Ok }
        });
        if entries > MAX_FILES {
            return Err(GitError::TooManyFiles);
        }
        if too_deep {
            return Err(GitError::TooDeep);
        }
        walked?;
        paths.sort();
        symbolic_links.sort();
        Ok(GitTree { git, tree, paths, symbolic_links, has_submodules })
    }
}

impl Repository {
    /// Id of the tree of a commit, or of a folder of it: two commits with the same files there have the same one.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn tree_id(&self, commit: &CommitId, folder: &str) -> Result<String, GitError> {
        let git = self.git2()?;
        let commit = git.find_commit(oid(commit)?).map_err(no_such_commit)?;
        Ok(folder_of(&git, commit.tree()?, folder)?.id().to_string())
    }
}

/// A folder of a tree; the tree itself for an empty path.
pub(super) fn folder_of<'git>(
    git: &'git git2::Repository,
    tree: git2::Tree<'git>,
    folder: &str,
) -> Result<git2::Tree<'git>, GitError> {
    if folder.is_empty() {
        return Ok(tree);
    }
    Ok(tree.get_path(Path::new(folder))?.to_object(git)?.peel_to_tree()?)
}

impl GitTree {
    /// Whether the tree has submodules, which are empty folders here.
    #[must_use]
    pub const fn has_submodules(&self) -> bool {
        self.has_submodules
    }
}

impl SourceTree for GitTree {
    fn paths(&self) -> &[String] {
        &self.paths
    }

    fn read(&self, path: &str) -> Option<String> {
        if !self.has(path) {
            return None;
        }
        let entry = self.git.find_tree(self.tree).ok()?.get_path(std::path::Path::new(path)).ok()?;
        let (size, _) = self.git.odb().ok()?.read_header(entry.id()).ok()?;
        if size > MAX_READ_BYTES {
            return None;
        }
        let blob = self.git.find_blob(entry.id()).ok()?;
        std::str::from_utf8(blob.content()).ok().map(str::to_owned)
    }

    fn symbolic_links(&self) -> &[String] {
        &self.symbolic_links
    }
}

#[cfg(test)]
mod tests {
    use crate::git::repository::Repositories;
    use crate::model::id::ProjectId;
    use crate::model::source::SourceTree;
    use git2::{FileMode, Signature};

    #[test]
    fn files_and_links_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let mut source = git.treebuilder(None).unwrap();
        source.insert("a.js", git.blob(b"a").unwrap(), FileMode::Blob.into()).unwrap();
        let source = source.write().unwrap();
        let mut root = git.treebuilder(None).unwrap();
        root.insert("src", source, FileMode::Tree.into()).unwrap();
        root.insert("src.js", git.blob(b"script").unwrap(), FileMode::BlobExecutable.into()).unwrap();
        root.insert("Procfile", git.blob(b"/etc/passwd").unwrap(), FileMode::Link.into()).unwrap();
        let root = git.find_tree(root.write().unwrap()).unwrap();
        let ada = Signature::now("Ada", "ada@example.com").unwrap();
        let commit = git.commit(None, &ada, &ada, "files", &root, &[]).unwrap();

        let tree = repository.tree(&commit.to_string().parse().unwrap()).unwrap();
        assert_eq!(tree.paths(), ["src.js", "src/a.js"]);
        assert_eq!(tree.symbolic_links(), ["Procfile"]);
        assert_eq!(tree.read("src.js").as_deref(), Some("script"));
        assert_eq!(tree.read("Procfile"), None);
    }
}
