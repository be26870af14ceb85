//! Room on the disk.

use std::io;
use std::path::Path;

/// Bytes that this process may still write to the file system of a path.
///
/// # Errors
/// When the system cannot say.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let statistics = rustix::fs::statvfs(path)?;
    Ok(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}
