//! Configuration files: showing and changing them.

use super::effect::Stored;
use super::{Change, ConfigurationError, FileFault, Outcome};
use crate::model::config::seal_purpose;
use crate::model::config_file::{ConfigEdit, ConfigFile, ConfigKind, Edit, LONGEST_FILE, MOST_FILES};
use crate::model::id::{ConfigFileId, EnvironmentId};
use crate::model::name::FilePath;
use crate::model::project::Project;
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, now};
use crate::secrets::MasterKey;
use crate::store::{Configuration, ConfigurationUpdate, Store, StoreError};

/// What is to become of a configuration file; `None` leaves a thing as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDraft {
    pub path: FilePath,
    pub content: Option<Secret<String>>,
    pub secret: Option<bool>,
}

/// A configuration file as its people may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownFile {
    pub id: ConfigFileId,
    pub environment_id: EnvironmentId,
    pub path: FilePath,
    /// `None` for a secret.
    pub content: Option<String>,
    pub secret: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The configuration files of an environment, by path.
///
/// # Errors
/// When one cannot be opened, or the database does not answer.
pub async fn files(
    store: &Store,
    key: &MasterKey,
    environment: EnvironmentId,
) -> Result<Vec<ShownFile>, ConfigurationError> {
    store.configuration(environment).await?.files.into_iter().map(|file| shown(key, file)).collect()
}

/// A configuration file.
///
/// # Errors
/// [`ConfigurationError::NoSuchFile`]
pub async fn file(store: &Store, key: &MasterKey, id: ConfigFileId) -> Result<ShownFile, ConfigurationError> {
    match store.config_file(id).await {
        Ok(file) => shown(key, file),
        Err(StoreError::NotFound) => Err(ConfigurationError::NoSuchFile),
        Err(error) => Err(error.into()),
    }
}

fn shown(key: &MasterKey, file: ConfigFile) -> Result<ShownFile, ConfigurationError> {
    let purpose = seal_purpose(file.environment_id);
    let content =
        if file.secret { None } else { Some(key.open(&purpose, &file.sealed_content)?.into_exposed()) };
    let ConfigFile { id, environment_id, path, secret, created_at, updated_at, .. } = file;
    Ok(ShownFile { id, environment_id, path, content, secret, created_at, updated_at })
}

/// A configuration file that is to be changed or removed.
#[derive(Debug, Clone, Copy)]
pub struct KnownFile {
    pub id: ConfigFileId,
    /// When it was changed last, where it must not have been since.
    pub unless_changed_since: Option<Timestamp>,
}

impl KnownFile {
    /// Where it is among others, if it is as it is to be.
    fn position(self, files: &[ConfigFile]) -> Result<usize, ConfigurationError> {
        let position = files.iter().position(|file| file.id == self.id);
        let position = position.ok_or(ConfigurationError::NoSuchFile)?;
        match self.unless_changed_since {
            Some(since) if files[position].updated_at != since => Err(StoreError::Stale.into()),
            Some(_) | None => Ok(position),
        }
    }
}

/// Makes a configuration file, or changes the one that is known; gives its id.
///
/// # Errors
/// When the path is taken, or it is too much: see [`ConfigurationError`]. [`StoreError::Stale`] when it was changed and must
/// not have been.
pub async fn put_file(
    change: Change<'_>,
    project: &Project,
    known: Option<KnownFile>,
    draft: FileDraft,
) -> Result<(ConfigFileId, Outcome), ConfigurationError> {
    let environment = change.environment.id;
    let changed = change.store.change_configuration(environment, |set| {
        let (mut after, mut update) = begin(change, set);
        let id = known.map(|known| known.id);
        let before = known.map(|known| known.position(&after.files)).transpose()?;
        let before = before.map(|position| after.files.remove(position));
        check(before.as_ref(), &after.files, &draft)?;
        let file = match &before {
            Some(before) => changed_file(change, before, draft)?,
            None => Some(new_file(change, draft)),
        };
        let id = match (file, id) {
            (Some(file), _) => {
                let edit = if id.is_some() { Edit::Changed } else { Edit::Added };
                let path = file.path.to_string();
                update.edits.push(ConfigEdit { kind: ConfigKind::File, name: path, edit });
                after.files.push(file.clone());
                let id = file.id;
                update.files.push(file);
                id
            }
            (None, Some(id)) => {
                after.files.extend(before);
                id
            }
            (None, None) => return Err(ConfigurationError::NoSuchFile),
        };
        let stored = Stored::new(change.key, environment, (set, &after), update.edits.clone())?;
        Ok::<_, ConfigurationError>((update, (id, stored)))
    });
    let (id, stored) = changed.await??;
    (change.stored)();
    Ok((id, stored.outcome(change, project).await?))
}

/// Removes a configuration file.
///
/// # Errors
/// [`ConfigurationError::NoSuchFile`]; [`StoreError::Stale`] when it was changed and must not have been.
pub async fn remove_file(
    change: Change<'_>,
    project: &Project,
    known: KnownFile,
) -> Result<Outcome, ConfigurationError> {
    let environment = change.environment.id;
    let changed = change.store.change_configuration(environment, |set| {
        let (mut after, mut update) = begin(change, set);
        let position = known.position(&after.files)?;
        let file = after.files.remove(position);
        update.removed_files.push(known.id);
        let name = file.path.to_string();
        update.edits.push(ConfigEdit { kind: ConfigKind::File, name, edit: Edit::Removed });
        let stored = Stored::new(change.key, environment, (set, &after), update.edits.clone())?;
        Ok::<_, ConfigurationError>((update, stored))
    });
    let stored = changed.await??;
    (change.stored)();
    stored.outcome(change, project).await
}

fn begin(change: Change<'_>, set: &Configuration) -> (Configuration, ConfigurationUpdate) {
    let update = ConfigurationUpdate { author: Some(change.author), ..ConfigurationUpdate::default() };
    (set.clone(), update)
}

fn new_file(change: Change<'_>, draft: FileDraft) -> ConfigFile {
    let content = draft.content.unwrap_or_default();
    let created_at = now();
    ConfigFile {
        id: ConfigFileId::generate(),
        environment_id: change.environment.id,
        path: draft.path,
        sealed_content: seal(change, &content),
        secret: draft.secret.unwrap_or(false),
        created_at,
        updated_at: created_at,
    }
}

/// The file as it is to be; `None` when it is so already.
fn changed_file(
    change: Change<'_>,
    before: &ConfigFile,
    draft: FileDraft,
) -> Result<Option<ConfigFile>, ConfigurationError> {
    let purpose = seal_purpose(change.environment.id);
    let old = change.key.open(&purpose, &before.sealed_content)?;
    let secret = draft.secret.unwrap_or(before.secret);
    let content = draft.content.unwrap_or_else(|| old.clone());
    if content == old && secret == before.secret && draft.path == before.path {
        return Ok(None);
    }
    Ok(Some(ConfigFile {
        path: draft.path,
        sealed_content: seal(change, &content),
        secret,
        updated_at: now(),
        ..before.clone()
    }))
}

fn seal(change: Change<'_>, content: &Secret<String>) -> String {
    change.key.seal(&seal_purpose(change.environment.id), content)
}

/// Refuses what cannot be made of a file, or cannot be beside the others.
fn check(
    before: Option<&ConfigFile>,
    others: &[ConfigFile],
    draft: &FileDraft,
) -> Result<(), ConfigurationError> {
    let mut faults = Vec::new();
    let shows = draft.secret == Some(false) && draft.content.is_none();
    if let Some(before) = before.filter(|before| before.secret && shows) {
        faults.push(FileFault::StaysSecret(before.path.clone()));
    }
    if draft.content.as_ref().is_some_and(|content| content.expose().len() > LONGEST_FILE) {
        faults.push(FileFault::TooLong);
    }
    if others.len() >= MOST_FILES {
        faults.push(FileFault::TooMany);
    }
    for other in others {
        for (folder, path) in [(&other.path, &draft.path), (&draft.path, &other.path)] {
            if path.as_str().strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')) {
                faults.push(FileFault::InFile { folder: folder.clone(), path: path.clone() });
            }
        }
    }
    if !faults.is_empty() {
        return Err(ConfigurationError::File(faults));
    }
    if others.iter().any(|other| other.path == draft.path) {
        return Err(ConfigurationError::PathTaken(draft.path.clone()));
    }
    Ok(())
}
