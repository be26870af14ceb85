//! The files of a commit, read from the object store.

use super::bounds::Bounds;
use super::references::{no_such_commit, oid};
use super::repository::{GitError, Repository};
use crate::model::name::CommitId;
use crate::model::plan::LEFT_OUT_BUT;
use crate::model::source::{SourceTree, text_within};
use git2::{ObjectType, Oid};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most files a project may have. A tree can name the same folder a million times in a few hundred bytes.
pub(super) const MAX_FILES: usize = 200_000;
/// Most folders that may lie in each other.
pub(super) const MAX_DEPTH: usize = 200;
/// Largest file that detection reads, and as much as it reads of the beginning of a larger one.
const MAX_READ_BYTES: usize = 1024 * 1024;
/// Largest file whose beginning it reads: git keeps a file in one piece.
const MAX_BEGUN_BYTES: usize = 16 * 1024 * 1024;
/// Bytes that are read of one tree, a file as often as it is asked for; each counts for [`LEAST_READ`] at least. A tree can
/// name the same large file a thousand times, and ask for all of them again for each.
const MOST_READ: usize = 256 * 1024 * 1024;
const LEAST_READ: usize = 1024;

/// The tree of a commit. Blocks on the disk: use it where blocking is allowed.
pub struct GitTree {
    git: git2::Repository,
    tree: Oid,
    paths: Vec<String>,
    symbolic_links: Vec<String>,
    has_submodules: bool,
    /// Bytes that were read.
    read: AtomicUsize,
}

impl Repository {
    /// The files of a commit.
    ///
    /// # Errors
    /// When there is no such commit, or it has more files than a project may have.
    pub fn tree(&self, commit: &CommitId) -> Result<GitTree, GitError> {
        let git = self.git2()?;
        let tree = git.find_commit(oid(commit)?).map_err(no_such_commit)?.tree_id();
        let mut files = Files::default();
        files.add(&git, tree, "", 0)?;
        let Files { mut paths, mut symbolic_links, has_submodules, bounds: _ } = files;
        paths.sort();
        symbolic_links.sort();
        Ok(GitTree { git, tree, paths, symbolic_links, has_submodules, read: AtomicUsize::new(0) })
    }
}

impl Repository {
    /// Id of the tree of a commit, or of a folder of it: two commits with the same files there have the same one. Of the
    /// folders `left_out` below it only the manifest counts ([`LEFT_OUT_BUT`]).
    ///
    /// # Errors
    /// When there is no such commit or folder.
    pub fn tree_id(&self, commit: &CommitId, folder: &str, left_out: &[String]) -> Result<String, GitError> {
        let git = self.git2()?;
        let commit = git.find_commit(oid(commit)?).map_err(no_such_commit)?;
        let tree = folder_of(&git, commit.tree()?, folder)?;
        if left_out.is_empty() {
            return Ok(tree.id().to_string());
        }
        let mut parts = Parts { left_out, ids: String::new(), bounds: Bounds::default() };
        parts.add(&git, tree.id(), "", 0)?;
        Ok(parts.ids)
    }
}

/// The ids of the largest parts of a tree that have nothing left out, each with its path.
struct Parts<'a> {
    left_out: &'a [String],
    ids: String,
    bounds: Bounds,
}

impl Parts<'_> {
    fn add(&mut self, git: &git2::Repository, id: Oid, folder: &str, depth: usize) -> Result<(), GitError> {
        for entry in &self.bounds.open(git, id, depth)? {
            self.bounds.path(folder, entry.name_bytes())?;
            let path = format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes()));
            let inside = format!("{path}/");
            let is_folder = entry.kind() == Some(ObjectType::Tree);
            if is_folder && self.left_out.contains(&path) {
                let manifest = git.find_tree(entry.id())?.get_name(LEFT_OUT_BUT).map(|entry| entry.id());
                self.ids.extend(manifest.map(|id| format!("{id} {inside}{LEFT_OUT_BUT}\n")));
            } else if is_folder && self.left_out.iter().any(|other| other.starts_with(&inside)) {
                self.add(git, entry.id(), &inside, depth + 1)?;
            } else {
                self.ids.push_str(&format!("{} {:o} {path}\n", entry.id(), entry.filemode()));
            }
        }
        Ok(())
    }
}

/// What is found on a walk. libgit2's own makes the path of a folder before it asks whether to go there.
#[derive(Default)]
struct Files {
    paths: Vec<String>,
    symbolic_links: Vec<String>,
    has_submodules: bool,
    bounds: Bounds,
}

impl Files {
    /// Adds all below a folder that lies `depth` folders below the root. `folder` is its path with a `/` behind it, or empty.
    fn add(&mut self, git: &git2::Repository, id: Oid, folder: &str, depth: usize) -> Result<(), GitError> {
        for entry in &self.bounds.open(git, id, depth)? {
            self.bounds.path(folder, entry.name_bytes())?;
            match entry.kind() {
                Some(ObjectType::Blob) => {
                    let is_link = entry.filemode() == i32::from(git2::FileMode::Link);
                    let known = if is_link { &mut self.symbolic_links } else { &mut self.paths };
                    if let Ok(name) = std::str::from_utf8(entry.name_bytes()) {
                        known.push(format!("{folder}{name}"));
                    }
                }
                Some(ObjectType::Tree) => {
                    let name = String::from_utf8_lossy(entry.name_bytes());
                    self.add(git, entry.id(), &format!("{folder}{name}/"), depth + 1)?;
                }
                Some(ObjectType::Commit) => self.has_submodules = true,
                _ => {}
            }
        }
        Ok(())
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
    /// The content of a file that is not larger than so many bytes, while there is something left to be read.
    fn blob(&self, path: &str, most_bytes: usize) -> Option<git2::Blob<'_>> {
        if !self.has(path) {
            return None;
        }
        let entry = self.git.find_tree(self.tree).ok()?.get_path(Path::new(path)).ok()?;
        let (size, _) = self.git.odb().ok()?.read_header(entry.id()).ok()?;
        if size > most_bytes {
            return None;
        }
        let counted = size.clamp(LEAST_READ, MAX_READ_BYTES);
        let read = self.read.fetch_add(counted, Ordering::Relaxed);
        if read > MOST_READ { None } else { self.git.find_blob(entry.id()).ok() }
    }

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
        let blob = self.blob(path, MAX_READ_BYTES)?;
        std::str::from_utf8(blob.content()).ok().map(str::to_owned)
    }

    fn beginning(&self, path: &str) -> Option<String> {
        let blob = self.blob(path, MAX_BEGUN_BYTES)?;
        text_within(&blob.content()[..blob.size().min(MAX_READ_BYTES)])
    }

    fn symbolic_links(&self) -> &[String] {
        &self.symbolic_links
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::git::repository::{GitError, Repositories, Repository};
    use crate::model::id::ProjectId;
    use crate::model::name::CommitId;
    use crate::model::source::SourceTree;
    use git2::{FileMode, Oid, Signature};

    /// The commit of `depth` folders with a name of so many characters in each other, around `innermost`.
    pub(in crate::git) fn nested(
        repository: &Repository,
        innermost: Oid,
        name_length: usize,
        depth: usize,
    ) -> CommitId {
        let git = repository.git2().unwrap();
        let mut tree = innermost;
        for _ in 0..depth {
            let mut folder = git.treebuilder(None).unwrap();
            folder.insert("d".repeat(name_length), tree, FileMode::Tree.into()).unwrap();
            tree = folder.write().unwrap();
        }
        let ada = Signature::now("Ada", "ada@example.com").unwrap();
        let tree = git.find_tree(tree).unwrap();
        git.commit(None, &ada, &ada, "nested", &tree, &[]).unwrap().to_string().parse().unwrap()
    }

    /// A folder of so many empty files.
    pub(in crate::git) fn files(repository: &Repository, number: usize) -> Oid {
        let git = repository.git2().unwrap();
        let empty = git.blob(b"").unwrap();
        let mut folder = git.treebuilder(None).unwrap();
        for file in 0..number {
            folder.insert(format!("{file}"), empty, FileMode::Blob.into()).unwrap();
        }
        folder.write().unwrap()
    }

    #[test]
    fn the_bytes_of_paths_are_bounded_before_they_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let few = files(&repository, 2);
        let refused = |commit| repository.tree(&commit).err();
        // Two of these names are no path of Linux any more.
        assert_eq!(repository.tree(&nested(&repository, few, 4000, 1)).unwrap().paths().len(), 2);
        assert!(matches!(refused(nested(&repository, few, 4000, 2)), Some(GitError::PathTooLong)));
        // 80 MiB of paths, each of which would do.
        let many = files(&repository, 20_000);
        assert!(matches!(refused(nested(&repository, many, 4000, 1)), Some(GitError::PathsTooLong)));
        assert!(matches!(refused(nested(&repository, few, 1, 201)), Some(GitError::TooDeep)));
        assert_eq!(repository.tree(&nested(&repository, few, 1, 200)).unwrap().paths().len(), 2);
    }

    #[test]
    fn of_a_large_file_the_beginning_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let repositories = Repositories::new(folder.path().to_owned());
        let repository = repositories.open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let mut files = git.treebuilder(None).unwrap();
        for (name, mebibytes) in [("large", 2), ("huge", 17)] {
            let blob = git.blob(&vec![b'x'; mebibytes << 20]).unwrap();
            files.insert(name, blob, FileMode::Blob.into()).unwrap();
        }
        let commit = nested(&repository, files.write().unwrap(), 1, 0);
        let tree = repository.tree(&commit).unwrap();
        assert_eq!(tree.read("large"), None);
        assert_eq!(tree.beginning("large").map(|text| text.len()), Some(1 << 20));
        assert_eq!(tree.beginning("huge"), None);
        assert_eq!(tree.beginning("nothing"), None);
    }

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

    #[test]
    fn what_is_left_out_of_a_build_does_not_change_what_it_is_made_of() {
        let home = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(home.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let folder = |entries: &[(&str, Oid)]| {
            let mut folder = git.treebuilder(None).unwrap();
            for (name, id) in entries {
                let is_folder = git.find_tree(*id).is_ok();
                let mode = if is_folder { FileMode::Tree } else { FileMode::Blob };
                folder.insert(*name, *id, mode.into()).unwrap();
            }
            folder.write().unwrap()
        };
        let blob = |text: &str| git.blob(text.as_bytes()).unwrap();
        let key = |web: &str, admin: &str, manifest: &str| {
            let web = folder(&[("package.json", blob("{}")), ("index.js", blob(web))]);
            let admin = folder(&[("package.json", blob(manifest)), ("index.js", blob(admin))]);
            let apps = folder(&[("web", web), ("admin", admin)]);
            let commit = nested(&repository, folder(&[("apps", apps), ("README", blob("x"))]), 1, 0);
            repository.tree_id(&commit, "", &["apps/admin".to_owned()]).unwrap()
        };
        assert_eq!(key("a", "b", "{}"), key("a", "changed", "{}"));
        assert_ne!(key("a", "b", "{}"), key("changed", "b", "{}"));
        assert_ne!(key("a", "b", "{}"), key("a", "b", "{\"changed\":1}"));
    }
}
