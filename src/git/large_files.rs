//! Files that Git LFS keeps elsewhere: which of them a build needs, and where those that were fetched lie.
//!
//! They are kept in the folder of the repository, as Git LFS does it, and are a cache: what nothing has needed for a month
//! goes, and no backup has them.

use super::bounds::Bounds;
use super::context::ignored;
use super::ignore::Ignore;
use super::references::{no_such_commit, oid};
use super::repository::{GitError, Repository};
use super::settings;
use super::submodules::tree_of;
use super::tree::folder_of;
use crate::model::large_file::{LONGEST_POINTER, LargeFile};
use crate::model::name::CommitId;
use git2::{FileMode, ObjectType, Oid};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Where they are in the folder of a repository.
const FOLDER: &str = "lfs";
/// Where a commit says where they are asked for (git-lfs-config(5)).
const CONFIG: &str = ".lfsconfig";
/// How long one is kept that nothing has needed.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// How the names of temporary files end.
const ARRIVING: &str = ".new";

/// A temporary file, which goes with this unless it is kept.
#[derive(Debug)]
pub struct Arriving(PathBuf);

impl Arriving {
    /// Where it is; there is nothing yet.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // One that was kept is not there any more.
        fs::remove_file(&self.0).ok();
    }
}

impl Repository {
    /// The files that a folder of a commit (empty: all of it) has only pointers to, without those that its `.dockerignore` or
    /// some patterns exclude: by the path of the submodule that they are in, where what was fetched of these is a part of it;
    /// those of the commit itself by an empty one.
    ///
    /// # Errors
    /// When there is no such commit or folder.
    pub fn large_files(
        &self,
        commit: &CommitId,
        (folder, submodules): (&str, bool),
        ignore: &[String],
    ) -> Result<BTreeMap<String, BTreeSet<LargeFile>>, GitError> {
        let git = self.git2()?;
        let commit = git.find_commit(oid(commit)?).map_err(no_such_commit)?;
        let tree = folder_of(&git, commit.tree()?, folder)?;
        let ignore = ignored(&git, &tree, ignore)?;
        let mut walk = Walk {
            git: &git,
            ignore,
            root: folder,
            submodules,
            inside: String::new(),
            found: BTreeMap::new(),
            bounds: Bounds::default(),
        };
        walk.add(tree.id(), "", 0)?;
        Ok(walk.found)
    }

    /// The URL at which a commit says that its large files are asked for, as it is written.
    ///
    /// # Errors
    /// When there is no such commit, or what says so is too long.
    pub fn large_files_url(&self, commit: &CommitId) -> Result<Option<String>, GitError> {
        let git = self.git2()?;
        let tree = git.find_commit(oid(commit)?).map_err(no_such_commit)?.tree()?;
        let Some(text) = settings::text_of(&git, &tree, CONFIG)? else { return Ok(None) };
        let mut urls = settings::read(&text).into_iter().filter(|section| section.name == "lfs");
        Ok(urls.find_map(|mut section| section.values.remove("url")))
    }

    /// Where the content of a file lies that was fetched; it is used now.
    #[must_use]
    pub fn large_file(&self, wanted: &LargeFile) -> Option<PathBuf> {
        let path = self.path_of(wanted);
        let file = File::open(&path).ok()?;
        let is_whole = file.metadata().is_ok_and(|metadata| metadata.len() == wanted.size());
        // What nothing has needed for a while goes.
        file.set_times(FileTimes::new().set_modified(SystemTime::now())).ok();
        is_whole.then_some(path)
    }

    /// Where the content of a file arrives.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn arriving(&self) -> io::Result<Arriving> {
        let folder = self.path().join(FOLDER);
        fs::create_dir_all(&folder)?;
        Ok(Arriving(folder.join(format!("{}{ARRIVING}", Uuid::now_v7().simple()))))
    }

    /// Keeps the content of a file that has arrived and was checked.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn keep_large_file(&self, arrived: &Arriving, file: &LargeFile) -> io::Result<()> {
        let path = self.path_of(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(arrived.path(), path)
    }

    /// Removes what nothing has needed for a month, and what has stopped to arrive so long ago. Answers with how many.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub(super) fn forget_large_files(&self, cut_off: Duration) -> io::Result<usize> {
        let folder = self.path().join(FOLDER);
        if folder.exists() { remove_older(&folder, cut_off, 0) } else { Ok(0) }
    }

    fn path_of(&self, file: &LargeFile) -> PathBuf {
        let oid = file.oid();
        let (first, second) = (oid.get(..2).unwrap_or_default(), oid.get(2..4).unwrap_or_default());
        self.path().join(FOLDER).join("objects").join(first).join(second).join(oid)
    }
}

/// Removes files below a folder that are too old. Folders stay: they are few.
fn remove_older(folder: &Path, cut_off: Duration, depth: usize) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // What has just been kept, or was cut off, is not there any more.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() && depth < 3 {
            removed += remove_older(&path, cut_off, depth + 1)?;
            continue;
        }
        let is_arriving = path.to_string_lossy().ends_with(ARRIVING);
        let most = if is_arriving { cut_off } else { KEPT };
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        if metadata.is_file() && age >= most && fs::remove_file(&path).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

struct Walk<'a> {
    git: &'a git2::Repository,
    ignore: Ignore,
    /// The folder of the commit that paths are below.
    root: &'a str,
    submodules: bool,
    /// The path of the submodule that it is in.
    inside: String,
    found: BTreeMap<String, BTreeSet<LargeFile>>,
    bounds: Bounds,
}

impl Walk<'_> {
    fn add(&mut self, id: Oid, folder: &str, depth: usize) -> Result<(), GitError> {
        for entry in &self.bounds.open(self.git, id, depth)? {
            self.bounds.path(folder, entry.name_bytes())?;
            let name = String::from_utf8_lossy(entry.name_bytes());
            let path = if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") };
            match entry.kind() {
                Some(ObjectType::Tree) if !self.ignore.excludes_all_below(&path) => {
                    self.add(entry.id(), &path, depth + 1)?;
                }
                Some(ObjectType::Commit) if self.submodules && !self.ignore.excludes_all_below(&path) => {
                    let Some(tree) = tree_of(self.git, entry.id())? else { continue };
                    let whole =
                        if self.root.is_empty() { path.clone() } else { format!("{}/{path}", self.root) };
                    let outside = std::mem::replace(&mut self.inside, whole);
                    self.add(tree, &path, depth + 1)?;
                    self.inside = outside;
                }
                Some(ObjectType::Blob)
                    if entry.filemode() != i32::from(FileMode::Link) && !self.ignore.excludes(&path) =>
                {
                    if let Some(file) = self.pointer(entry.id())? {
                        self.found.entry(self.inside.clone()).or_default().insert(file);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn pointer(&self, id: Oid) -> Result<Option<LargeFile>, GitError> {
        let (size, _) = self.git.odb()?.read_header(id)?;
        if size >= LONGEST_POINTER {
            return Ok(None);
        }
        Ok(LargeFile::of_pointer(self.git.find_blob(id)?.content()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Repositories;
    use crate::git::tree::tests::nested;
    use crate::model::id::ProjectId;

    #[test]
    fn what_is_left_out_of_a_build_is_not_needed_for_it() {
        let home = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(home.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let pointer = |digit: &str| {
            let oid = digit.repeat(64);
            let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 3\n");
            git.blob(text.as_bytes()).unwrap()
        };
        let mut root = git.treebuilder(None).unwrap();
        root.insert("film.mp4", pointer("a"), FileMode::Blob.into()).unwrap();
        root.insert("again.mp4", pointer("a"), FileMode::Blob.into()).unwrap();
        root.insert("raw.psd", pointer("b"), FileMode::Blob.into()).unwrap();
        root.insert("link", pointer("c"), FileMode::Link.into()).unwrap();
        root.insert("README", git.blob(b"version of it").unwrap(), FileMode::Blob.into()).unwrap();
        let root = root.write().unwrap();
        let wanted = |folder: &str, ignore: &[&str]| {
            let ignore: Vec<String> = ignore.iter().map(|&pattern| pattern.to_owned()).collect();
            let commit = nested(&repository, root, 1, 1);
            let found = repository.large_files(&commit, (folder, false), &ignore).unwrap();
            found.values().flatten().map(|file| file.oid()[..1].to_owned()).collect::<String>()
        };
        assert_eq!(wanted("", &[]), "ab");
        assert_eq!(wanted("d", &["*.psd"]), "a");
        assert_eq!(wanted("", &["d"]), "");

        let file = LargeFile::new(&"a".repeat(64), 3).unwrap();
        assert_eq!(repository.large_file(&file), None);
        let arriving = repository.arriving().unwrap();
        fs::write(arriving.path(), "abc").unwrap();
        repository.keep_large_file(&arriving, &file).unwrap();
        let kept = repository.large_file(&file).unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"abc");
        assert_eq!(repository.large_file(&LargeFile::new(&"a".repeat(64), 4).unwrap()), None);
        // What was cut off goes with whoever has waited for it; after a kill, with the next start.
        let cut_off = repository.arriving().unwrap();
        fs::write(cut_off.path(), "ab").unwrap();
        let path = cut_off.path().to_owned();
        drop(cut_off);
        assert!(!path.exists());
        fs::write(&path, "ab").unwrap();
        assert_eq!(repository.forget_large_files(Duration::from_hours(1)).unwrap(), 0);
        assert_eq!(repository.forget_large_files(Duration::ZERO).unwrap(), 1);
        repository.forget_large_files(Duration::ZERO).unwrap();
        assert!(kept.exists());
        let long_ago = SystemTime::now() - KEPT - Duration::from_secs(60);
        File::open(&kept).unwrap().set_times(FileTimes::new().set_modified(long_ago)).unwrap();
        repository.forget_large_files(Duration::ZERO).unwrap();
        assert!(!kept.exists());
    }
}
