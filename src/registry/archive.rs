//! What an engine makes of an image (`docker save`), taken apart while it comes.
//!
//! Layers come in any order and long before what says which they are, so that each is compressed and handed on as it is read.
//! Engines until 24 call them `<id>/layer.tar`, later ones `blobs/sha256/<digest>`; those have the small documents, and layers
//! that may be compressed already, in the same folder.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Component, Path};
use tar::EntryType;
use tokio::sync::{mpsc, oneshot};

/// Bytes of a piece of a layer.
const PIECE: usize = 64 * 1024;
/// Pieces of a layer that may wait to be sent.
const PIECES_AHEAD: usize = 8;
/// Most bytes of what is no layer: one document, and all of them.
const LONGEST_DOCUMENT: u64 = 4 * 1024 * 1024;
const LONGEST_DOCUMENTS: u64 = 32 * 1024 * 1024;
/// What a file that gzip (RFC 1952 §2.3.1), and one that zstd (RFC 8878 §3.1.1) has compressed begins with.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// What stands in a tar archive, and behind how many bytes (POSIX.1-1988, `ustar`): its first file may have any name.
const TAR: &[u8] = b"ustar";
const TAR_AT: u64 = 257;

/// What a registry keeps, as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) media_type: &'static str,
    pub(super) digest: String,
    pub(super) size: u64,
}

/// A part of the archive.
pub(super) enum Part {
    Document {
        path: String,
        bytes: Vec<u8>,
    },
    /// A layer that is the same as another one.
    Link {
        path: String,
        target: String,
    },
    Layer(Layer),
}

/// A layer that is about to come.
pub(super) struct Layer {
    pub(super) path: String,
    /// Told whether it is wanted; nothing comes before.
    pub(super) is_wanted: oneshot::Sender<bool>,
    /// It, compressed.
    pub(super) pieces: mpsc::Receiver<Bytes>,
    /// What it was, once it has come as a whole.
    pub(super) blob: oneshot::Receiver<Blob>,
}

/// Takes an archive apart, until nobody waits for its parts any more.
pub(super) fn unpack(archive: impl Read, parts: &mpsc::Sender<Part>) -> io::Result<()> {
    let mut left = LONGEST_DOCUMENTS;
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let path = inside(&entry.path()?)?;
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            kind @ (EntryType::Symlink | EntryType::Link) => {
                let Some(target) = entry.link_name()? else { continue };
                let folder = Path::new(&path).parent().filter(|_| kind == EntryType::Symlink);
                let target = inside(&folder.unwrap_or(Path::new("")).join(target))?;
                send(parts, Part::Link { path, target })?;
                continue;
            }
            _ => continue,
        }
        let size = entry.size();
        let mut beginning = Vec::new();
        entry.by_ref().take(TAR_AT + TAR.len() as u64).read_to_end(&mut beginning)?;
        let is_document = beginning.starts_with(b"{") && !beginning.ends_with(TAR);
        let is_layer = path.ends_with("/layer.tar") || (path.starts_with("blobs/") && !is_document);
        let mut content = beginning.as_slice().chain(entry);
        if is_layer {
            layer(path, (&beginning, size), &mut content, parts)?;
            continue;
        }
        let mut bytes = Vec::new();
        let most = left.min(LONGEST_DOCUMENT);
        content.take(most + 1).read_to_end(&mut bytes)?;
        whole(bytes.len() as u64, size.min(most))?;
        left = left
            .checked_sub(bytes.len() as u64)
            .filter(|_| bytes.len() as u64 <= most)
            .ok_or_else(|| io::Error::other("what the engine says of it is too long"))?;
        send(parts, Part::Document { path, bytes })?;
    }
    Ok(())
}

fn layer(
    path: String,
    (beginning, size): (&[u8], u64),
    content: &mut impl Read,
    parts: &mpsc::Sender<Part>,
) -> io::Result<()> {
    let (is_wanted, answer) = oneshot::channel();
    let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
    let (sealed, blob) = oneshot::channel();
    send(parts, Part::Layer(Layer { path, is_wanted, pieces, blob }))?;
    if !answer.blocking_recv().map_err(nobody)? {
        return Ok(());
    }
    let sending = Sending { pieces: sender, digest: Sha256::new(), size: 0 };
    let mut sending = BufWriter::with_capacity(PIECE, sending);
    let (copied, media_type) = if beginning.starts_with(ZSTD) {
        (io::copy(content, &mut sending)?, "application/vnd.oci.image.layer.v1.tar+zstd")
    } else if beginning.starts_with(GZIP) {
        (io::copy(content, &mut sending)?, "application/vnd.oci.image.layer.v1.tar+gzip")
    } else {
        let mut gzip = GzEncoder::new(&mut sending, Compression::default());
        let copied = io::copy(content, &mut gzip)?;
        gzip.finish()?;
        (copied, "application/vnd.oci.image.layer.v1.tar+gzip")
    };
    whole(copied, size)?;
    let Sending { pieces, digest, size } = sending.into_inner().map_err(io::IntoInnerError::into_error)?;
    // Whoever reads them hears that there are no more.
    drop(pieces);
    let digest = format!("sha256:{}", hex::encode(digest.finalize()));
    sealed.send(Blob { media_type, digest, size }).map_err(nobody)
}

/// Refuses a file that has ended too early: where the archive ends, the `tar` crate says nothing of it.
fn whole(read: u64, size: u64) -> io::Result<()> {
    if read < size { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// A layer on its way.
struct Sending {
    pieces: mpsc::Sender<Bytes>,
    digest: Sha256,
    size: u64,
}

impl Write for Sending {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.digest.update(piece);
        self.size += piece.len() as u64;
        self.pieces.blocking_send(Bytes::copy_from_slice(piece)).map_err(nobody)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Pieces that come, for what reads.
pub(super) struct Arriving {
    pub(super) pieces: mpsc::Receiver<io::Result<Bytes>>,
    pub(super) piece: Bytes,
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let taken = self.piece.split_to(buffer.len().min(self.piece.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

fn send(parts: &mpsc::Sender<Part>, part: Part) -> io::Result<()> {
    parts.blocking_send(part).map_err(nobody)
}

fn nobody<T>(_: T) -> io::Error {
    io::Error::other("nobody waits for it any more")
}

/// The path of an entry, without `.` and `..`.
fn inside(path: &Path) -> io::Result<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::ParentDir if parts.pop().is_some() => {}
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(io::Error::other("a path of it leads outside"));
            }
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests;
