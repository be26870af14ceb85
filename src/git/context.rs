//! A commit as a build context: a tar stream made straight from the object store, without a checkout.

use super::bounds::{Bounds, MAX_PATH_BYTES};
use super::ignore::Ignore;
use super::references::{no_such_commit, oid};
use super::repository::{GitError, Repository};
use super::tree::folder_of;
use crate::model::name::CommitId;
use bytes::Bytes;
use git2::{Blob, FileMode, ObjectType, Oid};
use std::collections::BTreeMap;
use std::io::{self, Write};
use tar::{EntryType, Header};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

const CHUNK_BYTES: usize = 64 * 1024;
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

impl Repository {
    /// Streams the tree of a commit as a tar, or a folder of it (empty: all of it). The project's `.dockerignore` and the patterns of `ignore` are applied;
    /// `own_files` (path → content) are added, and win over files of the tree.
    #[must_use]
    pub fn context(
        &self,
        commit: CommitId,
        folder: String,
        own_files: BTreeMap<String, String>,
        ignore: Vec<String>,
    ) -> Context {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let repository = self.clone();
        let report = tokio::task::spawn_blocking(move || {
            let result =
                write(&repository, &commit, &folder, &own_files, &ignore, ChunkWriter::new(sender.clone()));
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
    commit: &CommitId,
    folder: &str,
    own_files: &BTreeMap<String, String>,
    ignore: &[String],
    out: ChunkWriter,
) -> Result<ContextReport, GitError> {
    let git = repository.git2()?;
    let commit = git.find_commit(oid(commit)?).map_err(no_such_commit)?;
    let tree = folder_of(&git, commit.tree()?, folder)?;
    let mut patterns = ignore.join("\n");
    if let Some(entry) = tree.get_name(".dockerignore")
        && entry.kind() == Some(ObjectType::Blob)
    {
        patterns.push('\n');
        let own = read(&git, ".dockerignore", entry.id(), MAX_IGNORE_MIB)?;
        patterns.push_str(&String::from_utf8_lossy(own.content()));
    }
    let ignore = Ignore::parse(&patterns);
    // The time of the commit, not of now: the same commit gives the same bytes.
    let modified = u64::try_from(commit.time().seconds()).unwrap_or(0);
    let mut writer = ContextWriter {
        git: &git,
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
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    if self.ignore.excludes_all_below(&path) {
                        continue;
                    }
                    if !excluded {
                        self.folder(&path)?;
                    }
                    self.tree(entry.id(), &path, depth + 1)?;
                }
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
        if content.len() < 1024 && content.starts_with(b"version https://git-lfs.github.com/spec/") {
            self.report.large_file_pointers.push(path.to_owned());
        }
        self.report.files += 1;
        self.report.bytes += content.len() as u64;
        if self.report.bytes > MAX_CONTEXT_BYTES {
            return Err(GitError::TooLarge);
        }
        self.file(path, content, mode == i32::from(FileMode::BlobExecutable))
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

/// Hands what is written to the stream in chunks, and waits while the engine is slower than the disk.
struct ChunkWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    chunk: Vec<u8>,
}

impl ChunkWriter {
    fn new(sender: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self { sender, chunk: Vec::with_capacity(CHUNK_BYTES) }
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        if self.chunk.len() == CHUNK_BYTES {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
        self.sender.blocking_send(Ok(chunk.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Repositories;
    use crate::git::tree::tests::{files, nested};
    use crate::model::id::ProjectId;
    use tokio_stream::StreamExt;

    async fn report_of(repository: &Repository, commit: CommitId) -> Result<ContextReport, GitError> {
        let mut context = repository.context(commit, String::new(), BTreeMap::new(), Vec::new());
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
}
