//! The entries of an archive as a tree of git, by rules: everything stays inside, and nothing is larger than a project may be.
//!
//! Names and sizes are read here and not by the `tar` crate, which would keep a long name in memory however long it is.

use super::bounds::MAX_TOTAL_BYTES;
use super::entry_path::{inside, shown};
use super::repository::GitError;
use super::tree::MAX_FILES;
use super::unpacked::{Folder, Node};
use super::upload::UploadError;
use git2::{FileMode, ObjectType, Oid};
use std::borrow::Cow;
use std::io::{self, Read};
use tar::{Archive, Entry, EntryType, PaxExtensions};

/// Most bytes that the files may have together, and one of them: what a build takes.
const MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Most bytes of a name, of a link's target, or of an entry that says more about the next one.
const MAX_EXTENSION_BYTES: u64 = 64 * 1024;
/// Bytes of the archive beside the files: heads of entries, names.
const MAX_OVERHEAD: u64 = 512 * 1024 * 1024;

/// Why an archive is refused: a sentence for whoever has sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("The archive cannot be read: {0}. Send a tar, or one that gzip has compressed.")]
    Broken(String),
    #[error("The archive has no files.")]
    Empty,
    #[error("The archive has more than {MAX_FILES} files and folders.")]
    TooManyEntries,
    #[error("The paths of the archive are too long together.")]
    PathsTooLong,
    #[error("The files of the archive have more than {most_mib} MiB together.")]
    TooLarge { most_mib: u64 },
    #[error("The archive is refused: {path} {why}.")]
    Entry { path: String, why: &'static str },
    #[error(
        "Not everything in the archive lies in one folder, so that there is none to be left out: send it without `strip`."
    )]
    NotOneFolder,
}

/// Looks at every entry, and keeps nothing.
/// `most_bytes` is what there is room for.
pub(super) fn look(archive: impl Read, strip: bool, most_bytes: u64) -> Result<(), UploadError> {
    let most_bytes = most_bytes.min(MAX_BYTES);
    Unpacking { strip, most_bytes, ..Unpacking::default() }.run(archive, None).map(drop)
}

/// Stores every file, and answers with the tree that they make.
pub(super) fn store(archive: impl Read, strip: bool, git: &git2::Repository) -> Result<Oid, UploadError> {
    let root = Unpacking { strip, most_bytes: MAX_BYTES, ..Unpacking::default() }.run(archive, Some(git))?;
    Ok(root.write(git)?)
}

/// What entries before an entry say about it.
#[derive(Debug, Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Unpacking {
    strip: bool,
    /// The folder that everything is in.
    top: Option<String>,
    root: Folder,
    /// Entries of the archive, and the folders that they are in.
    entries: usize,
    /// Bytes of all paths.
    paths: usize,
    bytes: u64,
    most_bytes: u64,
    extensions: Extensions,
}

impl Unpacking {
    fn run(mut self, archive: impl Read, git: Option<&git2::Repository>) -> Result<Folder, UploadError> {
        let mut archive = Archive::new(archive.take(MAX_BYTES + MAX_OVERHEAD));
        for entry in archive.entries().map_err(broken)?.raw(true) {
            self.take(&mut entry.map_err(broken)?, git)?;
        }
        // What comes behind its end is not looked at, but the checksum of what is compressed is there.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
        if self.root.is_empty() { Err(Refused::Empty.into()) } else { Ok(self.root) }
    }

    fn take<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
        git: Option<&git2::Repository>,
    ) -> Result<(), UploadError> {
        let kind = entry.header().entry_type();
        match kind {
            EntryType::XGlobalHeader => return Ok(()),
            EntryType::GNULongName => {
                self.extensions.path = Some(text_of(entry)?);
                return Ok(());
            }
            EntryType::GNULongLink => {
                self.extensions.target = Some(text_of(entry)?);
                return Ok(());
            }
            EntryType::XHeader => return self.take_extensions(entry),
            _ => {}
        }
        self.count(1)?;
        let Extensions { path, target } = std::mem::take(&mut self.extensions);
        let path = path.unwrap_or_else(|| entry.path_bytes().into_owned());
        self.paths += path.len();
        if self.paths > MAX_TOTAL_BYTES {
            return Err(Refused::PathsTooLong.into());
        }
        let shown = shown(&path);
        let refused = |why| UploadError::from(Refused::Entry { path: shown.clone(), why });
        let Some(parts) = inside(&path).map_err(refused)? else { return Ok(()) };
        let target = target.or_else(|| entry.link_name_bytes().map(Cow::into_owned));
        let (id, mode) = match kind {
            // git has no folders without files. That one is there where a file was is seen at the first file in it.
            EntryType::Directory => return self.strip_top(&parts, true).map(drop),
            EntryType::Regular | EntryType::Continuous => {
                self.file(entry, git).map_err(|error| match error {
                    FileError::Refused(why) => refused(why),
                    FileError::Other(error) => error,
                })?
            }
            EntryType::Symlink => {
                let target = target.filter(|target| !target.is_empty() && !target.contains(&0));
                let target = target.ok_or_else(|| refused("is a symbolic link to nothing"))?;
                (blob(git, &target)?, FileMode::Link)
            }
            EntryType::Link => {
                let elsewhere = "is a hard link to something that is not a file of the archive before it";
                let target = target.ok_or_else(|| refused(elsewhere))?;
                let parts = inside(&target).ok().flatten().ok_or_else(|| refused(elsewhere))?;
                let parts = self.strip_top(&parts, false)?;
                self.root.file(&parts).ok_or_else(|| refused(elsewhere))?
            }
            EntryType::GNUSparse => {
                return Err(refused("is stored with its gaps left out: make the archive without `--sparse`"));
            }
            _ => return Err(refused("is a device, a pipe or a socket")),
        };
        let parts = self.strip_top(&parts, false)?;
        let folders = self.root.put(&parts, Node::File { id, mode }).map_err(refused)?;
        self.count(folders)
    }

    fn count(&mut self, entries: usize) -> Result<(), UploadError> {
        self.entries += entries;
        if self.entries > MAX_FILES { Err(Refused::TooManyEntries.into()) } else { Ok(()) }
    }

    /// What an extended header of POSIX says (pax(1), "pax Extended Header").
    fn take_extensions<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<(), UploadError> {
        let bytes = text_of(entry)?;
        for extension in PaxExtensions::new(&bytes) {
            let extension = extension.map_err(broken)?;
            match extension.key_bytes() {
                b"path" => self.extensions.path = Some(extension.value_bytes().to_vec()),
                b"linkpath" => self.extensions.target = Some(extension.value_bytes().to_vec()),
                // The head says it as well, for every file that would be taken.
                b"size" => {
                    let size = extension.value().ok().and_then(|text| text.parse::<u64>().ok());
                    if size.is_none_or(|size| size > MAX_FILE_BYTES) {
                        return Err(too_large_file("a file"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn file<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
        git: Option<&git2::Repository>,
    ) -> Result<(Oid, FileMode), FileError> {
        let size = entry.header().entry_size().map_err(|error| FileError::Other(broken(error)))?;
        if size > MAX_FILE_BYTES {
            return Err(FileError::Refused("is larger than 256 MiB"));
        }
        self.bytes += size;
        if self.bytes > self.most_bytes {
            let most_mib = self.most_bytes >> 20;
            return Err(FileError::Other(Refused::TooLarge { most_mib }.into()));
        }
        let is_executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
        let mode = if is_executable { FileMode::BlobExecutable } else { FileMode::Blob };
        let id = stored(git, entry, size).map_err(FileError::Other)?;
        Ok((id, mode))
    }

    /// The names below the one folder that is to be left out, where it is.
    fn strip_top(&mut self, parts: &[String], is_folder: bool) -> Result<Vec<String>, UploadError> {
        if !self.strip {
            return Ok(parts.to_vec());
        }
        let [top, rest @ ..] = parts else { return Ok(Vec::new()) };
        let is_same = *self.top.get_or_insert_with(|| top.clone()) == *top;
        if !is_same || (rest.is_empty() && !is_folder) {
            return Err(Refused::NotOneFolder.into());
        }
        Ok(rest.to_vec())
    }
}

/// Why a file was not taken; the name of the entry is added to the first.
enum FileError {
    Refused(&'static str),
    Other(UploadError),
}

/// Stores the content of a file; without a repository it is only counted.
fn stored(git: Option<&git2::Repository>, content: &mut impl Read, size: u64) -> Result<Oid, UploadError> {
    let ended = |bytes| {
        let whole = bytes == size;
        if whole { Ok(()) } else { Err(Refused::Broken("it ends within a file".to_owned())) }
    };
    let Some(git) = git else {
        ended(io::copy(content, &mut io::sink()).map_err(broken)?)?;
        return Ok(Oid::ZERO_SHA1);
    };
    let length = usize::try_from(size).map_err(|_| Refused::TooLarge { most_mib: MAX_BYTES >> 20 })?;
    let objects = git.odb().map_err(GitError::from)?;
    let mut writer = objects.writer(length, ObjectType::Blob).map_err(GitError::from)?;
    ended(io::copy(content, &mut writer).map_err(broken)?)?;
    Ok(writer.finalize().map_err(GitError::from)?)
}

fn blob(git: Option<&git2::Repository>, content: &[u8]) -> Result<Oid, UploadError> {
    match git {
        None => Ok(Oid::ZERO_SHA1),
        Some(git) => Ok(git.blob(content).map_err(GitError::from)?),
    }
}

/// The content of an entry that says something about another one, without a NUL at its end.
fn text_of<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>, UploadError> {
    let mut text = Vec::new();
    entry.take(MAX_EXTENSION_BYTES + 1).read_to_end(&mut text).map_err(broken)?;
    if text.len() as u64 > MAX_EXTENSION_BYTES {
        return Err(Refused::Broken("a name in it is too long".to_owned()).into());
    }
    while text.last() == Some(&0) {
        text.pop();
    }
    Ok(text)
}

fn too_large_file(path: &str) -> UploadError {
    Refused::Entry { path: path.to_owned(), why: "is larger than 256 MiB" }.into()
}

#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
fn broken(error: io::Error) -> UploadError {
    Refused::Broken(error.to_string()).into()
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
