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
        let mut beginning = Vec::new();
        entry.by_ref().take(ZSTD.len() as u64).read_to_end(&mut beginning)?;
        let is_layer =
            path.ends_with("/layer.tar") || (path.starts_with("blobs/") && !beginning.starts_with(b"{"));
        let mut content = beginning.as_slice().chain(entry);
        if is_layer {
            layer(path, &beginning, &mut content, parts)?;
            continue;
        }
        let mut bytes = Vec::new();
        let most = left.min(LONGEST_DOCUMENT);
        content.take(most + 1).read_to_end(&mut bytes)?;
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
    beginning: &[u8],
    content: &mut impl Read,
    parts: &mpsc::Sender<Part>,
) -> io::Result<()> {
    let (is_wanted, answer) = oneshot::channel();
    let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
    let (whole, blob) = oneshot::channel();
    send(parts, Part::Layer(Layer { path, is_wanted, pieces, blob }))?;
    if !answer.blocking_recv().map_err(nobody)? {
        return Ok(());
    }
    let sending = Sending { pieces: sender, digest: Sha256::new(), size: 0 };
    let mut sending = BufWriter::with_capacity(PIECE, sending);
    let media_type = if beginning.starts_with(ZSTD) {
        io::copy(content, &mut sending)?;
        "application/vnd.oci.image.layer.v1.tar+zstd"
    } else if beginning.starts_with(GZIP) {
        io::copy(content, &mut sending)?;
        "application/vnd.oci.image.layer.v1.tar+gzip"
    } else {
        let mut gzip = GzEncoder::new(&mut sending, Compression::default());
        io::copy(content, &mut gzip)?;
        gzip.finish()?;
        "application/vnd.oci.image.layer.v1.tar+gzip"
    };
    let Sending { pieces, digest, size } = sending.into_inner().map_err(io::IntoInnerError::into_error)?;
    // Whoever reads them hears that there are no more.
    drop(pieces);
    let digest = format!("sha256:{}", hex::encode(digest.finalize()));
    whole.send(Blob { media_type, digest, size }).map_err(nobody)
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
mod tests {
    use super::*;
    use flate2::read::GzDecoder;

    /// An archive of files and, where the content is a path, links.
    fn archive(entries: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, *content).unwrap();
        }
        for (path, target) in links {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            archive.append_link(&mut header, path, target).unwrap();
        }
        archive.into_inner().unwrap()
    }

    /// Everything in it, with the layers that are wanted.
    fn parts(archive: Vec<u8>, wanted: bool) -> (Vec<String>, Vec<(Vec<u8>, Blob)>) {
        let (sender, mut receiver) = mpsc::channel(1);
        let unpacking = std::thread::spawn(move || unpack(archive.as_slice(), &sender));
        let (mut seen, mut layers) = (Vec::new(), Vec::new());
        while let Some(part) = receiver.blocking_recv() {
            match part {
                Part::Document { path, bytes } => seen.push(format!("{path} {}", bytes.len())),
                Part::Link { path, target } => seen.push(format!("{path} -> {target}")),
                Part::Layer(mut layer) => {
                    seen.push(layer.path);
                    layer.is_wanted.send(wanted).unwrap();
                    let mut content = Vec::new();
                    while let Some(piece) = layer.pieces.blocking_recv() {
                        content.extend_from_slice(&piece);
                    }
                    layers.extend(layer.blob.blocking_recv().ok().map(|blob| (content, blob)));
                }
            }
        }
        unpacking.join().unwrap().unwrap();
        (seen, layers)
    }

    #[test]
    fn layers_come_compressed_and_documents_as_they_are() {
        let content = b"a layer".repeat(50_000);
        let entries: [(&str, &[u8]); 3] =
            [("a1/json", b"{}"), ("a1/layer.tar", &content), ("manifest.json", b"[]")];
        let links = [("b2/layer.tar", "../a1/layer.tar")];
        let (seen, layers) = parts(archive(&entries, &links), true);
        assert_eq!(seen, ["a1/json 2", "a1/layer.tar", "manifest.json 2", "b2/layer.tar -> a1/layer.tar"]);
        let (sent, blob) = &layers[0];
        assert_eq!(
            (blob.size, blob.media_type),
            (sent.len() as u64, "application/vnd.oci.image.layer.v1.tar+gzip")
        );
        assert_eq!(blob.digest, format!("sha256:{}", hex::encode(Sha256::digest(sent))));
        let mut read = Vec::new();
        GzDecoder::new(sent.as_slice()).read_to_end(&mut read).unwrap();
        assert!(read == content);
        // The same each time: what a registry has is found again.
        assert_eq!(parts(archive(&entries, &links), true).1, layers);
        let (seen, layers) = parts(archive(&entries, &links), false);
        assert_eq!((seen.len(), layers.len()), (4, 0));
    }

    #[test]
    fn what_is_compressed_already_stays_as_it_is() {
        let zstd = [ZSTD, b"rest"].concat();
        let gzip = [GZIP, b"rest"].concat();
        let entries: [(&str, &[u8]); 4] = [
            ("blobs/sha256/1", &zstd),
            ("blobs/sha256/2", &gzip),
            ("blobs/sha256/3", b"{\"config\": 1}"),
            ("blobs/sha256/4", b"x"),
        ];
        let (seen, layers) = parts(archive(&entries, &[]), true);
        assert_eq!(seen[2], "blobs/sha256/3 13");
        assert_eq!((&layers[0].0, &layers[1].0), (&zstd, &gzip));
        assert!(layers[0].1.media_type.ends_with("+zstd") && layers[1].1.media_type.ends_with("+gzip"));
        assert!(layers[2].0.starts_with(GZIP));
    }

    #[test]
    fn what_is_too_long_or_leads_outside_is_refused() {
        let (sender, _receiver) = mpsc::channel(8);
        let long = vec![b' '; 5 << 20];
        assert!(unpack(archive(&[("manifest.json", &long)], &[]).as_slice(), &sender).is_err());
        assert!(unpack(archive(&[], &[("a/layer.tar", "../../b")]).as_slice(), &sender).is_err());
        let cut = archive(&[("a/layer.tar", &long)], &[]);
        let (sender, mut receiver) = mpsc::channel(8);
        let unpacking = std::thread::spawn(move || unpack(&cut[..cut.len() / 2], &sender));
        let Some(Part::Layer(mut layer)) = receiver.blocking_recv() else { panic!("no layer") };
        layer.is_wanted.send(true).unwrap();
        while layer.pieces.blocking_recv().is_some() {}
        assert!(layer.blob.blocking_recv().is_err(), "half of a layer is none");
        assert!(unpacking.join().unwrap().is_err());
    }
}
