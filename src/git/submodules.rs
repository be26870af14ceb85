//! Submodules: what a commit says of them, and the commits that were fetched for them.
//!
//! git never follows them here. Each commit is fetched by itself, into the repository of the project, and pinned by its own
//! id: what is pinned is whole.

use super::references::{PINS, no_such_commit, oid};
use super::repository::{GitError, Repository};
use super::settings;
use crate::model::name::CommitId;
use git2::{ErrorCode, ObjectType, Oid};
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// Where a commit says where its submodules are.
const FILE: &str = ".gitmodules";

/// A submodule of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    pub path: String,
    /// As it is written: it may be relative to that of the repository.
    pub url: String,
    pub commit: CommitId,
}

impl Repository {
    /// The submodules of a commit that it has and says the URL of.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn submodules(&self, commit: &CommitId) -> Result<Vec<Submodule>, GitError> {
        let git = self.git2()?;
        let tree = git.find_commit(oid(commit)?).map_err(no_such_commit)?.tree()?;
        let Some(text) = settings::text_of(&git, &tree, FILE)? else { return Ok(Vec::new()) };
        let found = read(&text).into_iter().filter_map(|(path, url)| {
            let entry = tree.get_path(Path::new(&path)).ok()?;
            let commit = entry.id().to_string().parse().ok()?;
            (entry.kind() == Some(ObjectType::Commit)).then_some(Submodule { path, url, commit })
        });
        Ok(found.collect())
    }

    /// The submodules of a commit and of those that were fetched for it. Only what a `.gitmodules` names: of that it was
    /// decided whether it may be fetched, while another environment may have fetched anything else.
    pub(super) fn named_submodules(&self, commit: &CommitId) -> Result<HashSet<Oid>, GitError> {
        let git = self.git2()?;
        let (mut named, mut left) = (HashSet::new(), vec![commit.clone()]);
        while let Some(commit) = left.pop() {
            for submodule in self.submodules(&commit)? {
                let id = oid(&submodule.commit)?;
                if named.insert(id) && tree_of(&git, id)?.is_some() {
                    left.push(submodule.commit);
                }
            }
        }
        Ok(named)
    }

    /// Whether the commit of a submodule was fetched.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn has_submodule(&self, commit: &CommitId) -> Result<bool, GitError> {
        Ok(tree_of(&self.git2()?, oid(commit)?)?.is_some())
    }

    /// The bytes of everything that was packed.
    #[must_use]
    pub fn packed_bytes(&self) -> u64 {
        let packs = fs::read_dir(self.path().join("objects/pack")).into_iter().flatten().flatten();
        packs.filter_map(|pack| pack.metadata().ok()).map(|metadata| metadata.len()).sum()
    }
}

/// The reference that keeps the commit of a submodule.
pub(super) fn pin_of_submodule(commit: &str) -> String {
    format!("{PINS}submodule-{commit}")
}

/// The files of the commit of a submodule; `None` where it was not fetched.
pub(super) fn tree_of(git: &git2::Repository, commit: Oid) -> Result<Option<Oid>, GitError> {
    match git.find_reference(&pin_of_submodule(&commit.to_string())) {
        Ok(_) => Ok(Some(git.find_commit(commit)?.tree_id())),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Path and URL of each submodule of a file (gitmodules(5)).
fn read(text: &str) -> Vec<(String, String)> {
    let submodules = settings::read(text)
        .into_iter()
        .filter(|section| section.name == "submodule" && section.has_subsection);
    let pairs =
        submodules.filter_map(|mut section| section.values.remove("path").zip(section.values.remove("url")));
    pairs.filter(|(path, _)| is_below(path)).collect()
}

fn is_below(path: &str) -> bool {
    !path.split('/').any(|part| part.is_empty() || part == "." || part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Repositories;
    use crate::model::id::ProjectId;
    use git2::{FileMode, Signature};

    #[test]
    fn a_file_is_read_as_git_writes_it() {
        let text = "# of the shop\n[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = ../lib.git\n\tbranch = main\n\
                    [submodule \"b\"]\n  url = \"https://h.example/b\"\n  path=b\n[other]\npath = c\nurl = d\n\
                    [submodule \"e\"]\npath = ../e\nurl = x\n[submodule \"f\"]\npath = f\n\
                    [submodule \"g\"]\npath = g\nurl = a\\\"b\n[submodule \"h\"]\npath = h\u{1b}[2J\nurl = h\n";
        let pair = |path: &str, url: &str| (path.to_owned(), url.to_owned());
        assert_eq!(read(text), [pair("vendor/lib", "../lib.git"), pair("b", "https://h.example/b")]);
    }

    #[test]
    fn only_what_the_commit_has_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let ada = Signature::now("Ada", "ada@example.com").unwrap();
        let empty = git.find_tree(git.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let inner = git.commit(None, &ada, &ada, "inner", &empty, &[]).unwrap();
        let text = "[submodule \"a\"]\npath = a\nurl = ../a\n[submodule \"b\"]\npath = b\nurl = ../b\n";
        let mut root = git.treebuilder(None).unwrap();
        root.insert(FILE, git.blob(text.as_bytes()).unwrap(), FileMode::Blob.into()).unwrap();
        root.insert("a", inner, FileMode::Commit.into()).unwrap();
        let root = git.find_tree(root.write().unwrap()).unwrap();
        let commit = git.commit(None, &ada, &ada, "outer", &root, &[]).unwrap();
        let commit: CommitId = commit.to_string().parse().unwrap();
        let found = repository.submodules(&commit).unwrap();
        let inner: CommitId = inner.to_string().parse().unwrap();
        let expected = Submodule { path: "a".to_owned(), url: "../a".to_owned(), commit: inner.clone() };
        assert_eq!(found, [expected]);
        // That it is there is not that it was fetched for this.
        assert!(!repository.has_submodule(&inner).unwrap());
        git.reference(
            &pin_of_submodule(inner.as_str()),
            git.find_commit(Oid::from_str(inner.as_str()).unwrap()).unwrap().id(),
            true,
            "test",
        )
        .unwrap();
        assert!(repository.has_submodule(&inner).unwrap());
        assert!(repository.submodules(&inner).unwrap().is_empty());
    }
}
