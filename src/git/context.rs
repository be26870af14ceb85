//! A commit as a build context: a tar stream made straight from the object store, without a checkout.

use super::bounds::{Bounds, MAX_PATH_BYTES};
use super::chunks::ChunkWriter;
use super::ignore::Ignore;
use super::references::{no_such_commit, oid};
use super::repository::{GitError, Repository};
use super::submodules::tree_of;
use super::tree::folder_of;
use crate::model::large_file::{LONGEST_POINTER, LargeFile};
use crate::model::name::CommitId;
use bytes::Bytes;
use git2::{Blob, FileMode, ObjectType, Oid};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use tar::{EntryType, Header};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

/// Chunks that may wait for a slow engine.
const CHUNKS_AHEAD: usize = 8;
/// Most bytes that the files of a context may have together.
const MAX_CONTEXT_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const MIB: usize = 1024 * 1024;
/// Largest file and largest `.dockerignore`, in MiB: the object store gives them whole, in memory.
const MAX_FILE_MIB: usize = 256;
const MAX_IGNORE_MIB: usize = 1;

/// A context on its way to the engine.
pub struct Context {
    /// The tar. It ends with an error, and never early, when something goes wrong, so that nothing is built of half a tree.
    pub stream: ReceiverStream<io::Result<Bytes>>,
    /// What was written, or what went wrong.
    pub report: JoinHandle<Result<ContextReport, GitError>>,
}

/// What a person would want to know of a context.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ContextReport {
    pub files: usize,
    pub bytes: u64,
    /// Submodules are empty folders.
    pub submodules: Vec<String>,
    /// Files that are pointers of Git LFS, not their content.
    pub large_file_pointers: Vec<String>,
}

/// What of elsewhere belongs to a tree, as far as it was fetched.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Included {
    /// The files of submodules.
    pub submodules: bool,
    /// What pointers of Git LFS stand for.
    pub large_files: bool,
}

impl Repository {
    /// Streams the tree of a commit as a tar, or a folder of it (empty: all of it), with what is `included` of elsewhere. The
    /// project's `.dockerignore` and the patterns of `ignore` are applied; `own_files` (path → content) are added, and win
    /// over files of the tree.
    #[must_use]
    pub fn context(
        &self,
        commit: CommitId,
        (folder, included): (String, Included),
        own_files: BTreeMap<String, String>,
        ignore: Vec<String>,
    ) -> Context {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let repository = self.clone();
        let report = tokio::task::spawn_blocking(move || {
            let of = (&commit, &*folder, included);
            let result = write(&repository, of, &own_files, &ignore, ChunkWriter::new(sender.clone()));
            if let Err(error) = &result {
                // Fails only when nobody reads any more.
                sender.blocking_send(Err(io::Error::other(error.to_string()))).ok();
            }
            result
        });
        Context { stream: ReceiverStream::new(receiver), report }
    }
}

fn write(
    repository: &Repository,
    (commit_id, folder, included): (&CommitId, &str, Included),
    own_files: &BTreeMap<String, String>,
    ignore: &[String],
    out: ChunkWriter,
) -> Result<ContextReport, GitError> {
    let git = repository.git2()?;
    let commit = git.find_commit(oid(commit_id)?).map_err(no_such_commit)?;
    let tree = folder_of(&git, commit.tree()?, folder)?;
    let ignore = ignored(&git, &tree, ignore)?;
    // The time of the commit, not of now: the same commit gives the same bytes.
    let modified = u64::try_from(commit.time().seconds()).unwrap_or(0);
    let named = if included.submodules { repository.named_submodules(commit_id)? } else { HashSet::new() };
    let mut writer = ContextWriter {
        git: &git,
        repository,
        included,
        named,
        own_files,
        ignore,
        modified,
        archive: tar::Builder::new(out),
        report: ContextReport::default(),
        bounds: Bounds::default(),
    };
    writer.tree(tree.id(), "", 0)?;
    for (name, content) in own_files {
        writer.file(name, content.as_bytes(), false)?;
    }
    let mut out = writer.archive.into_inner()?;
    out.flush()?;
    Ok(writer.report)
}

/// What a build is not given of a folder: what some patterns exclude, and its own `.dockerignore`.
pub(super) fn ignored(
    git: &git2::Repository,
    folder: &git2::Tree<'_>,
    patterns: &[String],
) -> Result<Ignore, GitError> {
    let mut patterns = patterns.join("\n");
    if let Some(entry) = folder.get_name(".dockerignore")
        && entry.kind() == Some(ObjectType::Blob)
    {
        patterns.push('\n');
        let own = read(git, ".dockerignore", entry.id(), MAX_IGNORE_MIB)?;
        patterns.push_str(&String::from_utf8_lossy(own.content()));
    }
    Ok(Ignore::parse(&patterns))
}

/// Reads a file of so many MiB at most.
fn read<'git>(
    git: &'git git2::Repository,
    path: &str,
    id: Oid,
    most_mib: usize,
) -> Result<Blob<'git>, GitError> {
    // Asked before it is read: a few kilobytes of a pack can unfold to a file of a gigabyte.
    let (size, _) = git.odb()?.read_header(id)?;
    if size > most_mib * MIB {
        return Err(GitError::FileTooLarge { path: path.to_owned(), most_mib });
    }
    Ok(git.find_blob(id)?)
}

struct ContextWriter<'a> {
    git: &'a git2::Repository,
    repository: &'a Repository,
    included: Included,
    /// The commits of submodules that may be put in.
    named: HashSet<Oid>,
    own_files: &'a BTreeMap<String, String>,
    ignore: Ignore,
    modified: u64,
    archive: tar::Builder<ChunkWriter>,
    report: ContextReport,
    bounds: Bounds,
}

impl ContextWriter<'_> {
    fn tree(&mut self, id: Oid, folder: &str, depth: usize) -> Result<(), GitError> {
        for entry in &self.bounds.open(self.git, id, depth)? {
            self.bounds.path(folder, entry.name_bytes())?;
            let name = String::from_utf8_lossy(entry.name_bytes());
            let path = if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") };
            if self.own_files.contains_key(&path) {
                continue;
            }
            // Docker sends these two even when they are excluded: the build itself needs them.
            let excluded = path != "Dockerfile" && path != ".dockerignore" && self.ignore.excludes(&path);
            let below = match entry.kind() {
                Some(ObjectType::Tree) => Some(entry.id()),
                Some(ObjectType::Commit) if self.included.submodules => {
                    let named = self.named.contains(&entry.id());
                    let fetched = if named { tree_of(self.git, entry.id())? } else { None };
                    if fetched.is_none() && !excluded {
                        return Err(GitError::SubmoduleMissing(path));
                    }
                    fetched
                }
                _ => None,
            };
            if let Some(below) = below {
                if self.ignore.excludes_all_below(&path) {
                    continue;
                }
                if !excluded {
                    self.folder(&path)?;
                }
                self.tree(below, &path, depth + 1)?;
                continue;
            }
            match entry.kind() {
                _ if excluded => {}
                Some(ObjectType::Commit) => {
                    self.folder(&path)?;
                    self.report.submodules.push(path);
                }
                Some(ObjectType::Blob) => self.blob(&path, entry.id(), entry.filemode())?,
                _ => {}
            }
        }
        Ok(())
    }

    fn blob(&mut self, path: &str, id: Oid, mode: i32) -> Result<(), GitError> {
        let blob = read(self.git, path, id, MAX_FILE_MIB)?;
        let content = blob.content();
        if mode == i32::from(FileMode::Link) {
            if content.len() > MAX_PATH_BYTES {
                return Err(GitError::PathTooLong);
            }
            let target = String::from_utf8_lossy(content);
            let mut header = self.header(0o777, 0, EntryType::Symlink);
            return Ok(self.archive.append_link(&mut header, path, target.as_ref())?);
        }
        let is_executable = mode == i32::from(FileMode::BlobExecutable);
        if content.len() < LONGEST_POINTER && content.starts_with(b"version https://git-lfs.github.com/spec/")
        {
            if let Some(file) = LargeFile::of_pointer(content).filter(|_| self.included.large_files) {
                if let Some(fetched) = self.repository.large_file(&file) {
                    self.count(file.size())?;
                    return self.large_file(path, &fetched, file.size(), is_executable);
                }
                return Err(GitError::LargeFileMissing(path.to_owned()));
            }
            self.report.large_file_pointers.push(path.to_owned());
        }
        self.count(content.len() as u64)?;
        self.file(path, content, is_executable)
    }

    /// Counts a file before it is written.
    fn count(&mut self, bytes: u64) -> Result<(), GitError> {
        self.report.files += 1;
        self.report.bytes = self.report.bytes.saturating_add(bytes);
        if self.report.bytes > MAX_CONTEXT_BYTES { Err(GitError::TooLarge) } else { Ok(()) }
    }

    /// Writes what a pointer stands for.
    fn large_file(
        &mut self,
        path: &str,
        fetched: &Path,
        size: u64,
        executable: bool,
    ) -> Result<(), GitError> {
        let mode = if executable { 0o755 } else { 0o644 };
        let mut header = self.header(mode, size, EntryType::Regular);
        Ok(self.archive.append_data(&mut header, path, File::open(fetched)?.take(size))?)
    }

    fn folder(&mut self, path: &str) -> Result<(), GitError> {
        let mut header = self.header(0o755, 0, EntryType::Directory);
        Ok(self.archive.append_data(&mut header, format!("{path}/"), io::empty())?)
    }

    fn file(&mut self, path: &str, content: &[u8], executable: bool) -> Result<(), GitError> {
        let mode = if executable { 0o755 } else { 0o644 };
        let mut header = self.header(mode, content.len() as u64, EntryType::Regular);
        Ok(self.archive.append_data(&mut header, path, content)?)
    }

    fn header(&self, mode: u32, size: u64, kind: EntryType) -> Header {
        let mut header = Header::new_gnu();
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(self.modified);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(kind);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Repositories;
    use crate::git::submodules::pin_of_submodule;
    use crate::git::tree::tests::{files, nested};
    use crate::model::id::ProjectId;
    use tokio_stream::StreamExt;

    async fn report_of(repository: &Repository, commit: CommitId) -> Result<ContextReport, GitError> {
        report_with(repository, commit, Included::default()).await
    }

    async fn report_with(
        repository: &Repository,
        commit: CommitId,
        included: Included,
    ) -> Result<ContextReport, GitError> {
        let of = (String::new(), included);
        let mut context = repository.context(commit, of, BTreeMap::new(), vec!["left-out".to_owned()]);
        while context.stream.next().await.is_some() {}
        context.report.await.unwrap()
    }

    fn commit_of(repository: &Repository, name: &str, content: &[u8], mode: FileMode) -> CommitId {
        let git = repository.git2().unwrap();
        let mut root = git.treebuilder(None).unwrap();
        root.insert(name, git.blob(content).unwrap(), mode.into()).unwrap();
        nested(repository, root.write().unwrap(), 0, 0)
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let ignore = vec![b'#'; MIB + 1];
        let refused =
            report_of(&repository, commit_of(&repository, ".dockerignore", &ignore, FileMode::Blob));
        let Err(GitError::FileTooLarge { path, most_mib: 1 }) = refused.await else { panic!("taken") };
        assert_eq!(path, ".dockerignore");
        let whole = commit_of(&repository, ".dockerignore", &ignore[..MIB], FileMode::Blob);
        assert_eq!(report_of(&repository, whole).await.unwrap().files, 1);
        let link = commit_of(&repository, "link", &ignore[..=MAX_PATH_BYTES], FileMode::Link);
        assert!(matches!(report_of(&repository, link).await, Err(GitError::PathTooLong)));

        let git = repository.git2().unwrap();
        let id = git.blob(&ignore).unwrap();
        assert!(matches!(read(&git, "film", id, 1), Err(GitError::FileTooLarge { .. })));
        assert!(read(&git, "film", id, 2).is_ok());
    }

    #[tokio::test]
    async fn the_walk_of_a_context_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let few = files(&repository, 2);
        let long = report_of(&repository, nested(&repository, few, 4000, 2)).await;
        assert!(matches!(long, Err(GitError::PathTooLong)));
        let deep = report_of(&repository, nested(&repository, few, 1, 201)).await;
        assert!(matches!(deep, Err(GitError::TooDeep)));
    }

    #[tokio::test]
    async fn what_is_asked_for_and_is_not_here_ends_the_context() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let both = Included { submodules: true, large_files: true };
        let pointer =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 3\n", "a".repeat(64));
        let film = commit_of(&repository, "film", pointer.as_bytes(), FileMode::Blob);
        let refused = report_with(&repository, film.clone(), both).await;
        assert!(matches!(refused, Err(GitError::LargeFileMissing(path)) if path == "film"));
        assert_eq!(report_of(&repository, film).await.unwrap().large_file_pointers, ["film"]);
        for (name, is_needed) in [("lib", true), ("left-out", false)] {
            let mut root = git.treebuilder(None).unwrap();
            root.insert(name, Oid::from_str(&"b".repeat(40)).unwrap(), FileMode::Commit.into()).unwrap();
            let linked = nested(&repository, root.write().unwrap(), 0, 0);
            let written = report_with(&repository, linked, both).await;
            assert_eq!(matches!(written, Err(GitError::SubmoduleMissing(_))), is_needed, "{written:?}");
        }
    }

    #[tokio::test]
    async fn what_was_fetched_for_another_commit_is_no_submodule_of_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let repository =
            Repositories::new(folder.path().to_owned()).open_or_create(ProjectId::generate()).unwrap();
        let git = repository.git2().unwrap();
        let fetched = commit_of(&repository, "secret", b"of another host", FileMode::Blob);
        let fetched = Oid::from_str(fetched.as_str()).unwrap();
        git.reference(&pin_of_submodule(&fetched.to_string()), fetched, true, "test").unwrap();
        let with = Included { submodules: true, large_files: false };
        let names = b"[submodule \"lib\"]\npath = lib\nurl = ../lib\n";
        for (names, is_named) in [(names.as_slice(), true), (b"", false)] {
            let mut root = git.treebuilder(None).unwrap();
            root.insert(".gitmodules", git.blob(names).unwrap(), FileMode::Blob.into()).unwrap();
            root.insert("lib", fetched, FileMode::Commit.into()).unwrap();
            let commit = nested(&repository, root.write().unwrap(), 0, 0);
            let written = report_with(&repository, commit, with).await;
            assert_eq!(written.is_ok(), is_named, "{written:?}");
        }
    }
}
