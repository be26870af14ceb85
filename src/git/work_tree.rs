//! The repository that a developer works in, for the command line: its remotes and what is checked out.

use git2::{ErrorCode, Repository};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The repository that a folder belongs to.
pub struct WorkTree {
    repository: Repository,
}

/// Another repository that this one knows by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub name: String,
    /// As git would use it: `url.<base>.insteadOf` is applied.
    pub url: String,
}

impl WorkTree {
    /// Looks for a repository from a folder upwards, as git does. `None` where there is none, or none that can be read.
    #[must_use]
    pub fn discover(folder: &Path) -> Option<Self> {
        Repository::discover(folder).ok().map(|repository| Self { repository })
    }

    /// The remotes that have a URL, sorted by name.
    #[must_use]
    pub fn remotes(&self) -> Vec<Remote> {
        let Ok(names) = self.repository.remotes() else { return Vec::new() };
        let remote = |name: &str| {
            let remote = self.repository.find_remote(name).ok()?;
            Some(Remote { name: name.to_owned(), url: remote.url().ok()?.to_owned() })
        };
        let mut remotes: Vec<Remote> =
            names.iter().filter_map(|name| name.ok().flatten()).filter_map(remote).collect();
        remotes.sort_by(|a, b| a.name.cmp(&b.name));
        remotes
    }

    /// Adds a remote. `false` when there is one of that name already; nothing is changed then.
    ///
    /// # Errors
    /// When the configuration of the repository cannot be written; the text is git's.
    pub fn add_remote(&self, name: &str, url: &str) -> Result<bool, String> {
        match self.repository.remote(name, url) {
            Ok(_) => Ok(true),
            Err(error) if error.code() == ErrorCode::Exists => Ok(false),
            Err(error) => Err(error.message().to_owned()),
        }
    }

    /// The files of a folder of the work tree that git has, or would take: those that it ignores are left out. Paths are
    /// from the folder; one that was removed since it was added may be among them.
    ///
    /// # Errors
    /// When the repository cannot be read, or has no work tree; the text is git's.
    pub fn files(&self, folder: &Path) -> Result<Vec<PathBuf>, String> {
        let failed = |error: git2::Error| error.message().to_owned();
        let top = self.repository.workdir().ok_or("the repository has no work tree")?;
        let absolute = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
        let (top, folder) = (absolute(top)?, absolute(folder)?);
        let mut options = git2::StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_ignored(false);
        let statuses = self.repository.statuses(Some(&mut options)).map_err(failed)?;
        let untracked = statuses.iter().filter(|entry| entry.status().contains(git2::Status::WT_NEW));
        let mut paths: BTreeSet<PathBuf> =
            untracked.map(|entry| PathBuf::from(OsStr::from_bytes(entry.path_bytes()))).collect();
        let index = self.repository.index().map_err(failed)?;
        // A commit of another repository is no file.
        let files = index.iter().filter(|entry| entry.mode != u32::from(git2::FileMode::Commit));
        paths.extend(files.map(|entry| PathBuf::from(OsStr::from_bytes(&entry.path))));
        let inside = |path: PathBuf| Some(top.join(path).strip_prefix(&folder).ok()?.to_owned());
        Ok(paths.into_iter().filter_map(inside).collect())
    }

    /// The branch that is checked out; `None` where a commit is, or nothing yet.
    #[must_use]
    pub fn branch(&self) -> Option<String> {
        let head = self.repository.head().ok()?;
        head.is_branch().then(|| head.shorthand().map(str::to_owned).ok()).flatten()
    }

    /// The commit that a name stands for here: a branch, a tag, the beginning of an id, `HEAD~2`.
    #[must_use]
    pub fn commit(&self, name: &str) -> Option<String> {
        let object = self.repository.revparse_single(name).ok()?;
        object.peel_to_commit().ok().map(|commit| commit.id().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_found_from_below_and_added_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(WorkTree::discover(folder.path()).is_none());
        let repository = Repository::init(folder.path()).unwrap();
        repository.remote("origin", "https://code.example/shop.git").unwrap();
        repository.config().unwrap().set_str("url.ssh://git@host:2222/.insteadOf", "deploy:").unwrap();
        let below = folder.path().join("src");
        std::fs::create_dir(&below).unwrap();

        let tree = WorkTree::discover(&below).unwrap();
        assert_eq!(tree.add_remote("gilgal", "deploy:shop.git"), Ok(true));
        assert_eq!(tree.add_remote("gilgal", "elsewhere"), Ok(false));
        assert!(tree.add_remote("not a name", "elsewhere").is_err());
        let remotes: Vec<_> = tree.remotes().into_iter().map(|remote| (remote.name, remote.url)).collect();
        let wanted =
            [("gilgal", "ssh://git@host:2222/shop.git"), ("origin", "https://code.example/shop.git")];
        assert_eq!(remotes, wanted.map(|(name, url)| (name.to_owned(), url.to_owned())));
    }

    #[test]
    fn what_is_checked_out_has_a_name_and_a_commit() {
        let folder = tempfile::tempdir().unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        let repository = Repository::init_opts(folder.path(), options.initial_head("main")).unwrap();
        let tree = WorkTree::discover(folder.path()).unwrap();
        assert_eq!((tree.branch(), tree.commit("HEAD")), (None, None));

        let who = git2::Signature::new("ada", "ada@example.com", &git2::Time::new(0, 0)).unwrap();
        let empty = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let commit = repository.commit(Some("HEAD"), &who, &who, "first", &empty, &[]).unwrap();
        assert_eq!(tree.branch().as_deref(), Some("main"));
        assert_eq!(tree.commit("main"), Some(commit.to_string()));
        assert_eq!(tree.commit(&commit.to_string()[..8]), Some(commit.to_string()));
        assert_eq!(tree.commit("other"), None);
        repository.set_head_detached(commit).unwrap();
        assert_eq!(tree.branch(), None);
    }
}
