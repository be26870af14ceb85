//! Putting a backup into an empty home and an empty database.

use super::archive::unpack;
use super::error::BackupError;
use super::manifest::{BUNDLE, Content, DATABASE, FORMAT, MANIFEST, Manifest, REPOSITORIES};
use crate::config::{Home, KEPT_FILES, Settings, Variables};
use crate::git::Repositories;
use crate::model::id::{ProjectId, ServerId};
use crate::model::time::now;
use crate::store;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub server: ServerId,
    pub home: PathBuf,
    pub repositories: usize,
}

/// Folder in the home in which everything is laid until it is whole.
const UNFINISHED: &str = "restoring";
/// What the system has put into the root of a file system, and nobody into a home.
const NOTHING: &str = "lost+found";

/// Restores a backup into the home and the database that the environment names, or that the `server.toml` in the backup
/// does.
///
/// # Errors
/// When one of the two is not empty, the backup is damaged or of a newer format, or something cannot be written. The home
/// is empty again then, and nothing is in the database.
pub async fn restore(variables: &Variables, backup: impl Read) -> Result<Restored, BackupError> {
    let folder = Settings::load(variables)?.home;
    let io = |error| BackupError::Io { path: folder.clone(), source: error };
    match fs::read_dir(&folder) {
        Ok(entries) => {
            let names =
                entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<Vec<_>, _>>();
            if names.map_err(io)?.iter().any(|name| name != NOTHING) {
                return Err(BackupError::HomeInUse(folder));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    let restored = into_empty(variables, &folder, backup).await;
    if restored.is_err() {
        empty(&folder);
    }
    restored
}

async fn into_empty(
    variables: &Variables,
    folder: &Path,
    backup: impl Read,
) -> Result<Restored, BackupError> {
    let io = |error| BackupError::Io { path: folder.to_owned(), source: error };
    // Locked, so that no server starts in it meanwhile.
    let home = Home::open_empty(folder)?;
    let unfinished = folder.join(UNFINISHED);
    let mut content = None;
    unpack(backup, &unfinished, |name, text| {
        content = Some(read_manifest(name, text)?);
        Ok(())
    })?;
    let content = content.ok_or_else(|| BackupError::Damaged("it has no manifest".to_owned()))?;
    let repositories = restore_repositories(&home.repositories(), &unfinished.join(REPOSITORIES)).await?;
    // The settings of the backup say where its database is to be.
    let server_toml = unfinished.join("server.toml");
    if server_toml.exists() {
        fs::rename(&server_toml, folder.join("server.toml")).map_err(io)?;
    }
    let settings = Settings::load(variables)?;
    // Last, since it is the only thing outside the home.
    store::import(settings.database_url.expose(), &unfinished.join(DATABASE), &content.database).await?;
    // What was deleted when the backup was made may have been brought back since then: whoever restores has the time anew.
    let store = store::Store::connect(settings.database_url.expose()).await?;
    store.postpone_removals(now() + settings.undo_of_deletion).await?;
    for name in KEPT_FILES {
        match fs::rename(unfinished.join(name), folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            moved => moved.map_err(io)?,
        }
    }
    fs::remove_dir_all(&unfinished).map_err(io)?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(Restored { server: content.server, home: folder.to_owned(), repositories })
}

fn read_manifest(name: &str, text: &str) -> Result<Content, BackupError> {
    if name != MANIFEST {
        return Err(BackupError::Damaged("it does not begin with a manifest".to_owned()));
    }
    let manifest: Manifest = serde_json::from_str(text)
        .map_err(|error| BackupError::Damaged(format!("its manifest cannot be read: {error}")))?;
    if manifest.format > FORMAT {
        let (found, version) = (manifest.format, manifest.gilgal);
        return Err(BackupError::NewerFormat { found, known: FORMAT, version });
    }
    manifest.content.ok_or_else(|| BackupError::Damaged("its manifest is not complete".to_owned()))
}

async fn restore_repositories(target: &Path, bundles: &Path) -> Result<usize, BackupError> {
    let repositories = Repositories::new(target.to_owned());
    let mut count = 0;
    let entries = match fs::read_dir(bundles) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(BackupError::at(bundles))?,
    };
    for entry in entries {
        let bundle = entry.map_err(BackupError::at(bundles))?.path();
        let name = bundle.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let project: ProjectId = name
            .strip_suffix(BUNDLE)
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| BackupError::Damaged(format!("{name} is no repository")))?;
        if !repositories.open_or_create(project)?.unbundle(&bundle).await? {
            return Err(BackupError::Damaged(format!("git cannot read {name}")));
        }
        fs::remove_file(&bundle).map_err(BackupError::at(&bundle))?;
        count += 1;
    }
    Ok(count)
}

/// Takes back what was put into a home that was empty.
fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name() != NOTHING {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                tracing::warn!(%error, path = %path.display(), "what was restored in vain is still there");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_refused_whatever_else_its_manifest_says() {
        let text = r#"{"format":2,"gilgal":"9.0.0","parts":["x"]}"#;
        assert_eq!(
            read_manifest(MANIFEST, text).unwrap_err().to_string(),
            "the backup has the format 2, and this gilgal reads up to 1. Use the gilgal that made it, version 9.0.0"
        );
        let refused = read_manifest(MANIFEST, r#"{"format":1,"gilgal":"0.1.0"}"#).unwrap_err();
        assert_eq!(refused.to_string(), "the backup is damaged: its manifest is not complete");
    }
}
