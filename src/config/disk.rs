//! Room on the disks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes that this process may still write to the file system of a path.
///
/// # Errors
/// When the system cannot say.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let statistics = rustix::fs::statvfs(path)?;
    Ok(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}

/// Bytes of a file system: what there is, and what can still be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    pub total_bytes: u64,
    pub free_bytes: u64,
}

/// The file system of a path.
///
/// # Errors
/// When the system cannot say.
pub fn disk_space(path: &Path) -> io::Result<DiskSpace> {
    let statistics = rustix::fs::statvfs(path)?;
    Ok(DiskSpace {
        total_bytes: statistics.f_blocks.saturating_mul(statistics.f_frsize),
        free_bytes: statistics.f_bavail.saturating_mul(statistics.f_frsize),
    })
}

/// Bytes that a folder or a file takes on its disk, with everything in it. What disappears meanwhile counts for nothing.
#[must_use]
pub fn used_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = fs::symlink_metadata(path) else { return 0 };
    // Blocks are of 512 bytes, whatever the file system's are (stat(2)).
    let own = metadata.blocks() * 512;
    if !metadata.is_dir() {
        return own;
    }
    let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    own + entries.map(|entry| used_bytes(&entry.path())).sum::<u64>()
}

/// Which disk is meant, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// That of the repositories.
    Home,
    Database,
}

/// The disks that every push needs, and what has to stay free on each.
#[derive(Debug, Clone)]
pub struct Room {
    home: PathBuf,
    /// The file of a SQLite database.
    database: Option<PathBuf>,
    least_bytes: u64,
}

/// A disk has too little room for anything new.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The disk of {} is nearly full: {} MiB are left, and {} MiB have to stay free (GILGAL_LEAST_FREE_MIB). Nothing was \
     changed. The operator can make room: `gilgal disk` shows what could go.",
    .disk.shown(), .free_bytes >> 20, .least_bytes >> 20
)]
pub struct NoRoom {
    pub disk: Disk,
    pub free_bytes: u64,
    pub least_bytes: u64,
}

impl Disk {
    const fn shown(self) -> &'static str {
        match self {
            Self::Home => "the repositories",
            Self::Database => "the database",
        }
    }
}

impl Room {
    /// The disks of a home and of the database at a URL.
    #[must_use]
    pub fn new(home: &Path, database_url: &str, least_bytes: u64) -> Self {
        let database = database_url.strip_prefix("sqlite://").map(PathBuf::from);
        Self { home: home.to_owned(), database, least_bytes }
    }

    /// Bytes that may be written to the repositories before their disk has too little room.
    ///
    /// # Errors
    /// [`NoRoom`] when one of the disks has too little already. A disk that cannot be asked has room: what is written to
    /// it will say more.
    pub fn check(&self) -> Result<u64, NoRoom> {
        let check = |disk: Disk, path: &Path| {
            let free_bytes = free_bytes(path).unwrap_or(u64::MAX);
            let spare = free_bytes.checked_sub(self.least_bytes);
            spare.ok_or(NoRoom { disk, free_bytes, least_bytes: self.least_bytes })
        };
        if let Some(database) = &self.database {
            check(Disk::Database, database)?;
        }
        check(Disk::Home, &self.home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_stay_free_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let room = |least_bytes| Room::new(folder.path(), "postgres://db", least_bytes).check();
        let free = free_bytes(folder.path()).unwrap();
        assert!(room(0).unwrap() > free / 2);
        assert!(room(free / 2).unwrap() < free);
        let refused = room(u64::MAX).unwrap_err();
        assert_eq!(refused.disk, Disk::Home);
        assert!(refused.to_string().starts_with("The disk of the repositories is nearly full: "));
        let url = format!("sqlite://{}", folder.path().display());
        assert_eq!(Room::new(folder.path(), &url, u64::MAX).check().unwrap_err().disk, Disk::Database);
    }

    #[test]
    fn a_folder_takes_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let empty = used_bytes(folder.path());
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(folder.path().join("inner/file"), vec![1; 1 << 20]).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("link")).unwrap();
        let full = used_bytes(folder.path());
        assert!((1 << 20..(1 << 20) + 100_000).contains(&(full - empty)), "{full}");
        assert_eq!(used_bytes(&folder.path().join("nothing")), 0);
    }
}
