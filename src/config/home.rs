//! The server's home: one folder that holds everything it keeps on disk, used by one server at a time.

use crate::model::id::ServerId;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The files that make a home what it is, besides its repositories and its database: what a backup holds of it.
pub const KEPT_FILES: [&str; 4] = ["server.toml", "server-id", "master.key", "ssh_host_ed25519_key"];

/// A home that has nothing in it yet. The lock on it is held as long as this value lives.
#[derive(Debug)]
pub struct EmptyHome {
    folder: PathBuf,
    _lock: File,
}

/// An opened home. The lock on it is held as long as this value lives.
#[derive(Debug)]
pub struct Home {
    folder: PathBuf,
    server_id: ServerId,
    _lock: File,
}

/// Why a home cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("another gilgal server uses {}. Stop it, or give this one a home of its own with GILGAL_HOME.", .0.display())]
    InUse(PathBuf),
    #[error("another gilgal backs {} up or changes its keys. Try again when it has ended.", .0.display())]
    KeysInUse(PathBuf),
    #[error("{} does not hold a server id. Restore it, or move the folder away to start afresh.", .0.display())]
    BadServerId(PathBuf),
    #[error("cannot use {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl Home {
    /// Opens the home, and makes it first where it does not exist: mode 0700, with a server id.
    ///
    /// # Errors
    /// When another server holds its lock, or the folder cannot be made or read.
    pub fn open(folder: &Path) -> Result<Self, HomeError> {
        let EmptyHome { _lock: lock, .. } = Self::open_empty(folder)?;
        let id_path = folder.join("server-id");
        let text = read_or_create(&id_path, || format!("{}\n", ServerId::generate()))
            .map_err(|source| HomeError::Io { path: id_path.clone(), source })?;
        let server_id = text.trim().parse().map_err(|_| HomeError::BadServerId(id_path))?;
        Ok(Self { folder: folder.to_owned(), server_id, _lock: lock })
    }

    /// Makes the folders of a home and locks it, without giving it an id: what is to be its own is put there.
    ///
    /// # Errors
    /// When a server holds its lock, or the folder cannot be made.
    pub fn open_empty(folder: &Path) -> Result<EmptyHome, HomeError> {
        for path in [folder.to_owned(), folder.join("repositories"), folder.join("hooks")] {
            make_folder(&path).map_err(|source| HomeError::Io { path, source })?;
        }
        let lock_path = folder.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|source| HomeError::Io { path: lock_path.clone(), source })?;
        match lock.try_lock() {
            Ok(()) => Ok(EmptyHome { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(HomeError::InUse(folder.to_owned())),
            Err(TryLockError::Error(source)) => Err(HomeError::Io { path: lock_path, source }),
        }
    }

    /// Whether a server runs with a home, as far as is known.
    #[must_use]
    pub fn is_in_use(folder: &Path) -> bool {
        let lock = File::open(folder.join("lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The server id of a home that is not opened: it may be in use, or not be there yet.
    #[must_use]
    pub fn server_id_in(folder: &Path) -> Option<ServerId> {
        std::fs::read_to_string(folder.join("server-id")).ok()?.trim().parse().ok()
    }

    /// What tells this server's containers, images and networks from those of other servers on the same engine.
    #[must_use]
    pub const fn server_id(&self) -> ServerId {
        self.server_id
    }

    /// Where the bare repositories are.
    #[must_use]
    pub fn repositories(&self) -> PathBuf {
        self.folder.join("repositories")
    }

    /// Where the operator's own buildpacks are, if there are any.
    #[must_use]
    pub fn buildpacks(&self) -> PathBuf {
        self.folder.join("buildpacks")
    }

    /// Where the hook scripts are: outside the repositories, so that no push can change them.
    #[must_use]
    pub fn hooks(&self) -> PathBuf {
        self.folder.join("hooks")
    }

    /// What git starts to fetch over SSH.
    #[must_use]
    pub fn fetch_ssh(&self) -> PathBuf {
        self.hooks().join("fetch-ssh")
    }

    /// The unix socket on which hooks talk to the server.
    #[must_use]
    pub fn hook_socket(&self) -> PathBuf {
        self.folder.join("hooks.sock")
    }

    /// The last table of routes that was good.
    #[must_use]
    pub fn routes(&self) -> PathBuf {
        self.folder.join("routes.json")
    }

    /// Notes of the images that are being pulled.
    #[must_use]
    pub fn begun_pulls(&self) -> PathBuf {
        self.folder.join("pulls")
    }

    /// The private half of the SSH server's host key.
    #[must_use]
    pub fn ssh_host_key(&self) -> PathBuf {
        self.folder.join("ssh_host_ed25519_key")
    }

    /// The key that secrets are sealed with.
    #[must_use]
    pub fn master_key(&self) -> PathBuf {
        self.folder.join("master.key")
    }
}

/// Held while the keys of a home and what is sealed with them have to fit each other: the lock is gone with this value.
#[derive(Debug)]
pub struct KeysHeld {
    _lock: File,
}

impl KeysHeld {
    /// Lets nobody change the keys of a home; others may do the same.
    ///
    /// # Errors
    /// [`HomeError::KeysInUse`] when somebody changes them.
    pub fn still(folder: &Path) -> Result<Self, HomeError> {
        Self::take(folder, File::try_lock_shared)
    }

    /// Lets nobody else rely on the keys of a home: they are to be changed.
    ///
    /// # Errors
    /// [`HomeError::KeysInUse`] when somebody does.
    pub fn alone(folder: &Path) -> Result<Self, HomeError> {
        Self::take(folder, File::try_lock)
    }

    fn take(folder: &Path, lock: impl Fn(&File) -> Result<(), TryLockError>) -> Result<Self, HomeError> {
        let path = folder.join("keys.lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(&path).map_err(|source| HomeError::Io { path: path.clone(), source })?;
        match lock(&file) {
            Ok(()) => Ok(Self { _lock: file }),
            Err(TryLockError::WouldBlock) => Err(HomeError::KeysInUse(folder.to_owned())),
            Err(TryLockError::Error(source)) => Err(HomeError::Io { path, source }),
        }
    }
}

impl EmptyHome {
    /// Where the bare repositories are to be.
    #[must_use]
    pub fn repositories(&self) -> PathBuf {
        self.folder.join("repositories")
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The text of a file with mode 0600; where it does not exist it is made with `content`, whole or not at all.
pub(crate) fn read_or_create(path: &Path, content: impl FnOnce() -> String) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    let text = content();
    write_whole(path, &text)?;
    Ok(text)
}

/// Writes a file with mode 0600, whole or not at all, whatever happens meanwhile.
pub(crate) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    match path.parent() {
        // The new name is on the disk only then.
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_changed_alone() {
        let folder = tempfile::tempdir().unwrap();
        let backups = [KeysHeld::still(folder.path()).unwrap(), KeysHeld::still(folder.path()).unwrap()];
        assert!(matches!(KeysHeld::alone(folder.path()), Err(HomeError::KeysInUse(_))));
        drop(backups);
        let rotation = KeysHeld::alone(folder.path()).unwrap();
        assert!(matches!(KeysHeld::still(folder.path()), Err(HomeError::KeysInUse(_))));
        drop(rotation);
    }

    #[test]
    fn one_server_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Home::open(folder.path()).unwrap();
        assert!(matches!(Home::open(folder.path()), Err(HomeError::InUse(_))));
        let id = first.server_id();
        assert!(Home::is_in_use(folder.path()) && !Home::is_in_use(&folder.path().join("nowhere")));
        assert_eq!(Home::server_id_in(folder.path()), Some(id));
        assert_eq!(Home::server_id_in(&folder.path().join("nowhere")), None);
        drop(first);
        assert!(!Home::is_in_use(folder.path()));
        assert_eq!(Home::open(folder.path()).unwrap().server_id(), id);
    }
}
