//! The files that volumes are written into and read from.

use super::backup::STREAM;
use super::printer;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes an archive into a file that is made for it, or to standard output. Gives the bytes of the file.
pub(super) async fn write(
    mut archive: BoxStream<'static, io::Result<Bytes>>,
    file: &Path,
) -> Result<Option<u64>, String> {
    let to_stream = file == Path::new(STREAM);
    let mut to: Box<dyn Write> = if to_stream {
        Box::new(printer::output())
    } else {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        Box::new(made.map_err(|error| format!("{} cannot be made: {error}.", file.display()))?)
    };
    let mut written = Ok(0_u64);
    while let Some(bytes) = archive.next().await {
        let put = bytes.and_then(|bytes| to.write_all(&bytes).map(|()| bytes.len() as u64));
        written = match (written, put) {
            (Ok(sum), Ok(count)) => Ok(sum + count),
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        };
        if written.is_err() {
            break;
        }
    }
    drop(archive);
    match written.and_then(|count| to.flush().map(|()| count)) {
        Ok(_) if to_stream => Ok(None),
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => {
            if !to_stream {
                std::fs::remove_file(file).ok();
            }
            Err(format!("No backup was made: {error}."))
        }
    }
}

/// The size of a file that is a tar archive and ends as one does: with two empty blocks (POSIX, pax).
pub(super) fn check(file: &Path) -> io::Result<u64> {
    let mut file = std::fs::File::open(file)?;
    let mut last = [0_u8; 1024];
    let mut first = [0_u8; 512];
    file.read_exact(&mut first)?;
    let size = file.metadata()?.len();
    io::Seek::seek(&mut file, io::SeekFrom::End(-1024))?;
    file.read_exact(&mut last)?;
    let is_archive = &first[257..262] == b"ustar" && size % 512 == 0 && last.iter().all(|byte| *byte == 0);
    let is_of_volume = first.starts_with(b"volume/");
    if is_archive && is_of_volume {
        Ok(size)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is no whole backup of a volume"))
    }
}
