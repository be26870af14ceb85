//! Making a backup, beside a server that runs or without one.

use super::archive::Writer;
use super::error::BackupError;
use super::manifest::{BUNDLE, Content, DATABASE, FORMAT, MANIFEST, Manifest, REPOSITORIES};
use crate::config::{Home, KEPT_FILES, KeysHeld, Settings};
use crate::git::Repositories;
use crate::model::id::ServerId;
use crate::model::time::now;
use crate::store::Store;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What was backed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    pub repositories: usize,
    /// Of the file; what was written where there is none.
    pub bytes: u64,
}

/// Backs the server up that the settings name. With a `file` the backup appears there whole or not at all, mode 0600, over
/// one that is there only with `replace`; without one it is written to `output`.
///
/// # Errors
/// When something cannot be read, or the backup not be written. Nothing is left behind then.
pub async fn create(
    settings: &Settings,
    file: Option<&Path>,
    replace: bool,
    output: impl Write,
) -> Result<Made, BackupError> {
    let Some(server) = Home::server_id_in(&settings.home) else {
        return Err(BackupError::NoHome(settings.home.clone()));
    };
    // The database and the key that it is sealed with are of one moment.
    let _keys = KeysHeld::still(&settings.home)?;
    let Some(file) = file else {
        // Beside the database, where there is room for another one of it.
        let parts = Parts::make(settings.home.join("backup.parts"))?;
        let mut counted = Counting { inner: output, bytes: 0 };
        let repositories = write(settings, server, &parts, &mut counted).await?;
        return Ok(Made { repositories, bytes: counted.bytes });
    };
    // git runs in folders of its own.
    let file = &std::path::absolute(file).map_err(BackupError::at(file))?;
    if file.exists() && !replace {
        return Err(BackupError::FileExists(file.to_owned()));
    }
    let parts = Parts::make(beside(file, "parts"))?;
    // In the folder that goes with it: what is unfinished is gone, too, when this fails.
    let unfinished = parts.0.join("backup");
    let mut output = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(BackupError::at(&unfinished))?;
    let repositories = write(settings, server, &parts, &mut output).await?;
    let finish = || -> io::Result<u64> {
        output.sync_all()?;
        let bytes = output.metadata()?.len();
        fs::rename(&unfinished, file)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(bytes)
    };
    Ok(Made { repositories, bytes: finish().map_err(BackupError::at(file))? })
}

async fn write(
    settings: &Settings,
    server: ServerId,
    parts: &Parts,
    output: &mut impl Write,
) -> Result<usize, BackupError> {
    let store = Store::connect(settings.database_url.expose()).await?;
    store.refuse_newer().await?;
    let folder = parts.folder(DATABASE)?;
    let database = store.export(&folder).await?;
    let content = Content { server, made_at: now(), database };
    let manifest =
        Manifest { format: FORMAT, gilgal: env!("CARGO_PKG_VERSION").to_owned(), content: Some(content) };
    let mut archive = Writer::new(output);
    write_home(&mut archive, &manifest, &folder, &settings.home).map_err(BackupError::at(&parts.0))?;
    let repositories = Repositories::new(settings.home.join(REPOSITORIES));
    let mut count = 0;
    for project in repositories.projects()? {
        // One whose project is deleted at this moment is gone.
        let Some(repository) = repositories.existing(project) else { continue };
        let bundle = parts.0.join(format!("{project}{BUNDLE}"));
        if !repository.bundle(&bundle).await? {
            if repositories.existing(project).is_none() {
                continue;
            }
            return Err(BackupError::Bundle(project.to_string()));
        }
        let written = archive.file(&format!("{REPOSITORIES}/{project}{BUNDLE}"), &bundle);
        written.and_then(|()| fs::remove_file(&bundle)).map_err(BackupError::at(&bundle))?;
        count += 1;
    }
    archive.finish().and_then(Write::flush).map_err(BackupError::at(&parts.0))?;
    Ok(count)
}

/// Everything but the repositories.
fn write_home(
    archive: &mut Writer<impl Write>,
    manifest: &Manifest,
    database: &Path,
    home: &Path,
) -> io::Result<()> {
    archive.text(MANIFEST, &serde_json::to_string_pretty(manifest)?)?;
    for entry in fs::read_dir(database)? {
        let entry = entry?;
        archive.file(&format!("{DATABASE}/{}", entry.file_name().display()), &entry.path())?;
    }
    fs::remove_dir_all(database)?;
    for name in KEPT_FILES {
        match archive.file(name, &home.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            written => written?,
        }
    }
    Ok(())
}

/// `gilgal.tar.gz` → `gilgal.tar.gz.parts`, in the same folder: on the same file system.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// A folder for what becomes the backup, mode 0700; gone with this value.
struct Parts(PathBuf);

impl Parts {
    fn make(path: PathBuf) -> Result<Self, BackupError> {
        // Of a backup that was killed.
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BackupError::Io { path, source: error });
            }
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&path).map_err(BackupError::at(&path))?;
        Ok(Self(path))
    }

    fn folder(&self, name: &str) -> Result<PathBuf, BackupError> {
        let path = self.0.join(name);
        DirBuilder::new().mode(0o700).create(&path).map_err(BackupError::at(&path))?;
        Ok(path)
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
