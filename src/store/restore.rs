//! What is set for an environment, set back to what a release has: the part of a rollback that outlasts its instances.
//! Otherwise the next deployment would bring back what the rollback was to undo.

use crate::model::config_file::{ConfigEdit, ConfigFile, ConfigKind, Edit};
use crate::model::environment::{ConfigScope, ConfigVar, Environment, EnvironmentSettings};
use crate::model::id::{ConfigFileId, EnvironmentId, UserId};
use crate::model::name::{ConfigName, FilePath};
use crate::model::time::Timestamp;
use crate::store::backend::{Connection, on};
use crate::store::configuration::{self, Configuration, ConfigurationUpdate};
use crate::store::environments::EnvironmentRow;
use crate::store::error::StoreError;
use crate::store::schema::environments;
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;

/// What is to be set again.
#[derive(Debug, Clone)]
pub struct RestoredSettings {
    /// What was set after this moment stays; what is set again is set as of then.
    pub asked_at: Timestamp,
    /// Who asked for it; `None`: the account is gone.
    pub author: Option<UserId>,
    /// `None`: a release that does not know them; they stay.
    pub settings: Option<EnvironmentSettings>,
    /// Config vars that are not as the release has them: what they are set to, sealed; `None`: it has none.
    pub config: BTreeMap<String, Option<String>>,
    /// The same for configuration files.
    pub files: BTreeMap<FilePath, Option<String>>,
}

/// Sets an environment back; the transaction has locked it.
pub(super) async fn restore(
    connection: &mut Connection,
    id: EnvironmentId,
    to: &RestoredSettings,
) -> Result<(), StoreError> {
    restore_settings(connection, id, to).await?;
    let now = configuration::read(connection, id).await?;
    configuration::apply(connection, id, update_of(id, &now, to)).await
}

async fn restore_settings(
    connection: &mut Connection,
    id: EnvironmentId,
    to: &RestoredSettings,
) -> Result<(), StoreError> {
    let Some(settings) = &to.settings else { return Ok(()) };
    let row: EnvironmentRow =
        on!(connection, |c| environments::table.find(id).select(EnvironmentRow::as_select()).first(c).await)?;
    let now = Environment::from(row);
    // When they were set stays, which was before: a rollback that was asked for meanwhile sets them back too.
    let change = (
        environments::settings.eq(Json(now.settings_set_at.set_back(&now.settings, settings, to.asked_at))),
        environments::updated_at.eq(StoredTime::now()),
    );
    on!(connection, |c| diesel::update(environments::table.find(id)).set(change).execute(c).await)?;
    Ok(())
}

/// The changes of config vars and files that set them back.
fn update_of(
    environment_id: EnvironmentId,
    now: &Configuration,
    to: &RestoredSettings,
) -> ConfigurationUpdate {
    let mut update = ConfigurationUpdate { author: to.author, ..ConfigurationUpdate::default() };
    restore_variables(now, to, &mut update);
    restore_files(environment_id, now, to, &mut update);
    update
}

/// What comes back is a secret, whatever it is now: nobody knows any more whether it was one, or was made of one.
fn restore_variables(now: &Configuration, to: &RestoredSettings, update: &mut ConfigurationUpdate) {
    let mut missing = to.config.clone();
    for var in &now.variables {
        let Some(released) = missing.remove(var.name.as_str()) else { continue };
        if var.updated_at > to.asked_at || !var.scope.at_runtime() {
            continue;
        }
        let edit = if let Some(sealed_value) = released {
            update.set.push(ConfigVar { sealed_value, secret: true, updated_at: to.asked_at, ..var.clone() });
            Edit::Changed
        } else {
            update.unset.push(var.name.clone());
            Edit::Removed
        };
        update.edits.push(ConfigEdit { kind: ConfigKind::Variable, name: var.name.to_string(), edit });
    }
    for (name, sealed_value) in missing {
        // A release has names that were valid when it was made.
        let (Ok(name), Some(sealed_value)) = (name.parse::<ConfigName>(), sealed_value) else { continue };
        let (kind, edit) = (ConfigKind::Variable, Edit::Added);
        update.edits.push(ConfigEdit { kind, name: name.to_string(), edit });
        update.set.push(ConfigVar {
            name,
            sealed_value,
            // A release keeps what instances have.
            scope: ConfigScope::Runtime,
            secret: true,
            previews: false,
            updated_at: to.asked_at,
        });
    }
}

fn restore_files(
    environment_id: EnvironmentId,
    now: &Configuration,
    to: &RestoredSettings,
    update: &mut ConfigurationUpdate,
) {
    let mut missing = to.files.clone();
    for file in &now.files {
        let Some(released) = missing.remove(&file.path) else { continue };
        if file.updated_at > to.asked_at {
            continue;
        }
        let edit = if let Some(sealed_content) = released {
            update.files.push(ConfigFile {
                sealed_content,
                secret: true,
                updated_at: to.asked_at,
                ..file.clone()
            });
            Edit::Changed
        } else {
            update.removed_files.push(file.id);
            Edit::Removed
        };
        update.edits.push(ConfigEdit { kind: ConfigKind::File, name: file.path.to_string(), edit });
    }
    for (path, sealed_content) in missing {
        let Some(sealed_content) = sealed_content else { continue };
        let (kind, edit) = (ConfigKind::File, Edit::Added);
        update.edits.push(ConfigEdit { kind, name: path.to_string(), edit });
        update.files.push(ConfigFile {
            id: ConfigFileId::generate(),
            environment_id,
            path,
            sealed_content,
            secret: true,
            created_at: to.asked_at,
            updated_at: to.asked_at,
        });
    }
}
