//! Which files differ between two commits.

use super::bounds::Bounds;
use super::references::{no_such_commit, oid};
use super::repository::{GitError, Repository};
use crate::model::name::CommitId;
use git2::{FileMode, Oid, Tree};
use std::collections::{BTreeMap, BTreeSet};

impl Repository {
    /// Paths of the files that were added, removed or changed between two commits, sorted. Blocks on the disk.
    ///
    /// # Errors
    /// When there is no such commit, or there is more to compare than a project may have.
    pub fn changed_paths(&self, from: &CommitId, to: &CommitId) -> Result<BTreeSet<String>, GitError> {
        let git = self.git2()?;
        let tree = |commit: &CommitId| -> Result<Option<Entry>, GitError> {
            let id = git.find_commit(oid(commit)?).map_err(no_such_commit)?.tree_id();
            Ok(Some(Entry { id, mode: FileMode::Tree.into() }))
        };
        let mut comparison = Comparison { git: &git, paths: BTreeSet::new(), bounds: Bounds::default() };
        comparison.folders([tree(from)?, tree(to)?], "", 0)?;
        Ok(comparison.paths)
    }
}

/// A walk through two trees at once that does not enter what is equal in both.
///
/// libgit2's own diff has no bound, and a few small objects can stand for a tree of a million files.
struct Comparison<'git> {
    git: &'git git2::Repository,
    paths: BTreeSet<String>,
    bounds: Bounds,
}

impl<'git> Comparison<'git> {
    fn folders(&mut self, sides: [Option<Entry>; 2], folder: &str, depth: usize) -> Result<(), GitError> {
        let [from, to] = sides;
        let trees = [self.open(from, depth)?, self.open(to, depth)?];
        for (name, sides) in side_by_side(&trees) {
            let [from, to] = sides;
            if from == to {
                continue;
            }
            self.bounds.path(folder, &name)?;
            let path = format!("{folder}{}", String::from_utf8_lossy(&name));
            if sides.iter().flatten().any(|entry| !entry.is_folder()) {
                self.paths.insert(path.clone());
            }
            if sides.iter().flatten().any(|entry| entry.is_folder()) {
                self.folders(sides, &format!("{path}/"), depth + 1)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, entry: Option<Entry>, depth: usize) -> Result<Option<Tree<'git>>, GitError> {
        let folder = entry.filter(|entry| entry.is_folder());
        folder.map(|entry| self.bounds.open(self.git, entry.id, depth)).transpose()
    }
}

/// What a name stands for in one of the trees.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    id: Oid,
    mode: i32,
}

impl Entry {
    fn is_folder(self) -> bool {
        self.mode == i32::from(FileMode::Tree)
    }
}

/// The names of two trees, each with what it stands for in the one and in the other.
fn side_by_side(trees: &[Option<Tree<'_>>; 2]) -> BTreeMap<Vec<u8>, [Option<Entry>; 2]> {
    let mut names: BTreeMap<Vec<u8>, [Option<Entry>; 2]> = BTreeMap::new();
    for (side, tree) in trees.iter().enumerate() {
        for entry in tree.iter().flat_map(Tree::iter) {
            names.entry(entry.name_bytes().to_vec()).or_default()[side] =
                Some(Entry { id: entry.id(), mode: entry.filemode() });
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use crate::git::Repositories;
    use crate::model::id::ProjectId;
    use crate::model::name::CommitId;
    use git2::{FileMode, Oid, Repository, Signature};

    /// A tree of entries, and a commit of it.
    fn tree(git: &Repository, entries: &[(&str, Oid, FileMode)]) -> Oid {
        let mut tree = git.treebuilder(None).unwrap();
        for (name, id, mode) in entries {
            tree.insert(name, *id, (*mode).into()).unwrap();
        }
        tree.write().unwrap()
    }

    fn commit(git: &Repository, tree: Oid) -> CommitId {
        let ada = Signature::now("Ada", "ada@example.com").unwrap();
        let commit = git.commit(None, &ada, &ada, "x", &git.find_tree(tree).unwrap(), &[]).unwrap();
        commit.to_string().parse().unwrap()
    }

    #[test]
    fn what_differs_is_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let (one, two) = (git.blob(b"one").unwrap(), git.blob(b"two").unwrap());
        let same = tree(&git, &[("a", one, FileMode::Blob)]);
        let before = [
            ("changed", one, FileMode::Blob),
            ("becomes-folder", one, FileMode::Blob),
            ("executable", one, FileMode::Blob),
            (
                "folder",
                tree(&git, &[("kept", one, FileMode::Blob), ("removed", one, FileMode::Blob)]),
                FileMode::Tree,
            ),
            ("same", same, FileMode::Tree),
        ];
        let after = [
            ("changed", two, FileMode::Blob),
            ("becomes-folder", same, FileMode::Tree),
            ("executable", one, FileMode::BlobExecutable),
            (
                "folder",
                tree(&git, &[("kept", one, FileMode::Blob), ("added", one, FileMode::Blob)]),
                FileMode::Tree,
            ),
            ("same", same, FileMode::Tree),
        ];
        let (before, after) = (commit(&git, tree(&git, &before)), commit(&git, tree(&git, &after)));
        let changed: Vec<String> = repository.changed_paths(&before, &after).unwrap().into_iter().collect();
        assert_eq!(
            changed,
            ["becomes-folder", "becomes-folder/a", "changed", "executable", "folder/added", "folder/removed"]
        );
        assert!(repository.changed_paths(&after, &after).unwrap().is_empty());
    }

    /// Twenty objects that stand for a million folders.
    #[test]
    fn a_bomb_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let empty = commit(&git, tree(&git, &[]));
        let mut bomb = tree(&git, &[("x", git.blob(b"x").unwrap(), FileMode::Blob)]);
        for _ in 0..20 {
            bomb = tree(&git, &[("a", bomb, FileMode::Tree), ("b", bomb, FileMode::Tree)]);
        }
        assert!(repository.changed_paths(&empty, &commit(&git, bomb)).is_err());
    }
}
