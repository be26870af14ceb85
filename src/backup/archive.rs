//! The archive: entries that are counted in a checksum while they pass.

use super::error::BackupError;
use super::manifest::{CHECKSUMS, Checksums};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};
use tar::{Archive, Builder, EntryType, Header};

/// Most bytes of a manifest and of the list of checksums.
const MOST_JSON: u64 = 64 * 1024 * 1024;

/// Writes an archive.
pub(super) struct Writer<W: Write> {
    archive: Builder<GzEncoder<W>>,
    checksums: Checksums,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(output: W) -> Self {
        // Bundles are compressed already; the rows of logs shrink to a tenth at any level.
        let archive = Builder::new(GzEncoder::new(output, Compression::fast()));
        Self { archive, checksums: Checksums::new() }
    }

    /// Adds a small text.
    pub(super) fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.entry(name, text.len() as u64, text.as_bytes())
    }

    /// Adds a file, as it is now.
    pub(super) fn file(&mut self, name: &str, path: &Path) -> io::Result<()> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        self.entry(name, length, file)
    }

    fn entry(&mut self, name: &str, length: u64, content: impl Read) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(length);
        header.set_mode(0o600);
        let mut content = Hashing { inner: content.take(length), hash: Sha256::new() };
        self.archive.append_data(&mut header, name, &mut content)?;
        self.checksums.insert(name.to_owned(), hex::encode(content.hash.finalize()));
        Ok(())
    }

    /// Adds the checksums and gives what was written to, with everything in it.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let checksums = serde_json::to_string_pretty(&self.checksums)?;
        self.text(CHECKSUMS, &checksums)?;
        self.archive.into_inner()?.finish()
    }
}

/// A reader that looks at what passes.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

/// Unpacks an archive into a folder, entry by entry, and compares the checksums at the end. `first` is called with the
/// text of the first entry before anything else is read.
///
/// # Errors
/// [`BackupError::Damaged`] when something is missing or not as it was written; what `first` says.
pub(super) fn unpack(
    input: impl Read,
    folder: &Path,
    first: impl FnOnce(&str, &str) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let mut archive = Archive::new(MultiGzDecoder::new(input));
    let (written, found) = entries(&mut archive, folder, first)?;
    // What is behind the last entry says nothing but that the compression is whole.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    compare(&written, &found)
}

fn damaged(error: impl std::fmt::Display) -> BackupError {
    BackupError::Damaged(error.to_string())
}

/// Unpacks every entry; gives the checksums that are written at the end, and those of what was found.
fn entries(
    archive: &mut Archive<impl Read>,
    folder: &Path,
    first: impl FnOnce(&str, &str) -> Result<(), BackupError>,
) -> Result<(Checksums, Checksums), BackupError> {
    let mut first = Some(first);
    let mut found = Checksums::new();
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        let name = plain_name(&path)
            .filter(|_| entry.header().entry_type() == EntryType::Regular)
            .ok_or_else(|| BackupError::Damaged(format!("{} is no file of a backup", path.display())))?;
        if let Some(first) = first.take() {
            let text = text_of(&mut entry).map_err(damaged)?;
            first(&name, &text)?;
            found.insert(name, hex::encode(Sha256::digest(text.as_bytes())));
            continue;
        }
        if name == CHECKSUMS {
            let written = text_of(&mut entry).map_err(damaged)?;
            return Ok((serde_json::from_str(&written).map_err(damaged)?, found));
        }
        let target = folder.join(&path);
        let mut content = Hashing { inner: entry, hash: Sha256::new() };
        write(&target, &mut content).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                damaged(error)
            }
            _ => BackupError::Io { path: target, source: error },
        })?;
        found.insert(name, hex::encode(content.hash.finalize()));
    }
    Err(BackupError::Damaged("its end is missing".to_owned()))
}

fn text_of(entry: &mut impl Read) -> io::Result<String> {
    let mut text = String::new();
    entry.take(MOST_JSON).read_to_string(&mut text)?;
    Ok(text)
}

fn compare(written: &Checksums, found: &Checksums) -> Result<(), BackupError> {
    let differs = |name: &&String| written.get(*name) != found.get(*name);
    match written.keys().chain(found.keys()).find(differs) {
        None => Ok(()),
        Some(name) => Err(BackupError::Damaged(format!("{name} is not what was written"))),
    }
}

/// A path as it is written in a backup: at most one folder, and nothing that leads elsewhere.
fn plain_name(path: &Path) -> Option<String> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let name = path.to_str().filter(|_| plain && (1..=2).contains(&path.components().count()))?;
    Some(name.to_owned())
}

fn write(target: &Path, content: &mut impl Read) -> io::Result<()> {
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Never over something: no entry comes twice.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn archive() -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        writer.text("manifest.json", "{}").unwrap();
        writer.text("repositories/a.bundle", "objects").unwrap();
        writer.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> Result<(), BackupError> {
        let folder = tempfile::tempdir().unwrap();
        unpack(bytes, folder.path(), |name, text| {
            assert_eq!((name, text), ("manifest.json", "{}"));
            Ok(())
        })?;
        assert_eq!(fs::read_to_string(folder.path().join("repositories/a.bundle")).unwrap(), "objects");
        Ok(())
    }

    #[test]
    fn what_was_written_is_read() {
        unpacked(&archive()).unwrap();
    }

    #[test]
    fn an_archive_that_was_cut_off_is_refused_wherever_it_was_cut() {
        let whole = archive();
        for length in 0..whole.len() {
            let refused = unpacked(&whole[..length]).unwrap_err();
            assert!(matches!(refused, BackupError::Damaged(_)), "{length}: {refused}");
        }
    }

    #[test]
    fn a_changed_entry_is_refused() {
        let mut writer = Writer::new(Vec::new());
        writer.text("manifest.json", "{}").unwrap();
        writer.text("repositories/a.bundle", "objects").unwrap();
        writer.checksums.insert("repositories/a.bundle".to_owned(), hex::encode(Sha256::digest("others")));
        let refused = unpacked(&writer.finish().unwrap()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the backup is damaged: repositories/a.bundle is not what was written"
        );
    }

    #[test]
    fn nothing_is_written_outside_the_folder() {
        let outside = ["../x", "/x", "a/../../x", "a/b/c", "."];
        for name in outside {
            assert_eq!(plain_name(Path::new(name)), None, "{name}");
        }
        let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, "manifest.json", "/etc/passwd").unwrap();
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let refused = unpack(&bytes[..], folder.path(), |_, _| Ok(())).unwrap_err();
        assert!(refused.to_string().contains("manifest.json is no file of a backup"), "{refused}");
    }
}
