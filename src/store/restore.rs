//! What is set for an environment, set back to what a release has: the part of a rollback that outlasts its instances.
//! Otherwise the next deployment would bring back what the rollback was to undo.

use crate::model::config_file::ConfigFile;
use crate::model::environment::{ConfigScope, Environment, EnvironmentSettings};
use crate::model::id::{ConfigFileId, EnvironmentId};
use crate::model::name::{ConfigName, FilePath};
use crate::model::time::{Timestamp, now};
use crate::store::backend::{Connection, on};
use crate::store::config_vars::ConfigVarRow;
use crate::store::configuration::ConfigFileRow;
use crate::store::environments::EnvironmentRow;
use crate::store::error::StoreError;
use crate::store::schema::{config_files, config_vars, environments};
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::collections::BTreeMap;

/// What is to be set again.
#[derive(Debug, Clone)]
pub struct RestoredSettings {
    /// What was set after this moment stays.
    pub asked_at: Timestamp,
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
    restore_config(connection, id, to).await?;
    restore_files(connection, id, to).await
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
    if now.updated_at > to.asked_at {
        return Ok(());
    }
    // What becomes of pushes whose pusher hangs up is no part of what runs, nor is the page that stands in for it.
    let EnvironmentSettings { on_hang_up, maintenance_page, .. } = now.settings;
    let settings = EnvironmentSettings { on_hang_up, maintenance_page, ..settings.clone() };
    let change = (environments::settings.eq(Json(settings)), environments::updated_at.eq(StoredTime::now()));
    on!(connection, |c| diesel::update(environments::table.find(id)).set(change).execute(c).await)?;
    Ok(())
}

async fn restore_config(
    connection: &mut Connection,
    environment_id: EnvironmentId,
    to: &RestoredSettings,
) -> Result<(), StoreError> {
    let rows: Vec<ConfigVarRow> = on!(connection, |c| config_vars::table
        .filter(config_vars::environment_id.eq(environment_id))
        .select(ConfigVarRow::as_select())
        .load(c)
        .await)?;
    let mut missing = to.config.clone();
    for row in rows {
        let Some(released) = missing.remove(row.name.as_str()) else { continue };
        if row.is_newer_than(to.asked_at) || !row.scope.at_runtime() {
            continue;
        }
        let var = config_vars::table.find((environment_id, &row.name));
        if let Some(sealed) = released {
            let change =
                (config_vars::sealed_value.eq(sealed), config_vars::updated_at.eq(StoredTime::now()));
            on!(connection, |c| diesel::update(var).set(change).execute(c).await)?;
        } else {
            on!(connection, |c| diesel::delete(var).execute(c).await)?;
        }
    }
    for (name, sealed_value) in missing {
        // A release has names that were valid when it was made.
        let (Ok(name), Some(sealed_value)) = (name.parse::<ConfigName>(), sealed_value) else { continue };
        let row = ConfigVarRow {
            environment_id,
            name,
            sealed_value,
            // A release keeps what instances have.
            scope: ConfigScope::Runtime,
            // Nobody knows any more whether it was one.
            secret: true,
            updated_at: StoredTime::now(),
        };
        on!(connection, |c| diesel::insert_into(config_vars::table).values(&row).execute(c).await)?;
    }
    Ok(())
}

async fn restore_files(
    connection: &mut Connection,
    environment_id: EnvironmentId,
    to: &RestoredSettings,
) -> Result<(), StoreError> {
    let rows: Vec<ConfigFileRow> = on!(connection, |c| config_files::table
        .filter(config_files::environment_id.eq(environment_id))
        .select(ConfigFileRow::as_select())
        .load(c)
        .await)?;
    let mut missing = to.files.clone();
    for file in rows.into_iter().map(ConfigFile::from) {
        let Some(released) = missing.remove(&file.path) else { continue };
        if file.updated_at > to.asked_at {
            continue;
        }
        let row = config_files::table.find(file.id);
        if let Some(sealed) = released {
            let change =
                (config_files::sealed_content.eq(sealed), config_files::updated_at.eq(StoredTime::now()));
            on!(connection, |c| diesel::update(row).set(change).execute(c).await)?;
        } else {
            on!(connection, |c| diesel::delete(row).execute(c).await)?;
        }
    }
    for (path, sealed_content) in missing {
        let (Some(sealed_content), created_at) = (sealed_content, now()) else { continue };
        let file = ConfigFile {
            id: ConfigFileId::generate(),
            environment_id,
            path,
            sealed_content,
            // Nobody knows any more whether it was one.
            secret: true,
            created_at,
            updated_at: created_at,
        };
        let row = ConfigFileRow::from(file);
        on!(connection, |c| diesel::insert_into(config_files::table).values(&row).execute(c).await)?;
    }
    Ok(())
}
