//! What is set for an environment beside its settings: config vars and configuration files, and who changed them. Values
//! and contents are sealed before they come here.

use crate::model::config_file::{ConfigEdit, ConfigFile};
use crate::model::environment::ConfigVar;
use crate::model::id::{ConfigChangeId, ConfigFileId, EnvironmentId, UserId};
use crate::model::name::{ConfigName, FilePath};
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::config_vars::{self, ConfigVarRow};
use crate::store::environment_lock::lock;
use crate::store::error::StoreError;
use crate::store::outbox;
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::schema::{config_changes, config_files, config_vars as variable_rows};
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// What is set for an environment at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// By name.
    pub variables: Vec<ConfigVar>,
    /// By path.
    pub files: Vec<ConfigFile>,
}

/// A change of a configuration; nothing happens for one without edits.
#[derive(Debug, Clone, Default)]
pub struct ConfigurationUpdate {
    pub author: Option<UserId>,
    pub set: Vec<ConfigVar>,
    pub unset: Vec<ConfigName>,
    /// Each is new, or has the id of the one that it replaces.
    pub files: Vec<ConfigFile>,
    pub removed_files: Vec<ConfigFileId>,
    /// The same for the history, without values.
    pub edits: Vec<ConfigEdit>,
}

/// A change of a configuration, as its history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChange {
    pub id: ConfigChangeId,
    /// `None`: the account is gone.
    pub author: Option<UserId>,
    pub edits: Vec<ConfigEdit>,
    pub created_at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = config_files)]
struct ConfigFileRow {
    id: ConfigFileId,
    environment_id: EnvironmentId,
    path: FilePath,
    sealed_content: String,
    secret: bool,
    created_at: StoredTime,
    updated_at: StoredTime,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = config_changes)]
struct ConfigChangeRow {
    id: ConfigChangeId,
    environment_id: EnvironmentId,
    author_id: Option<UserId>,
    edits: Json<Vec<ConfigEdit>>,
    created_at: StoredTime,
}

impl From<ConfigFileRow> for ConfigFile {
    fn from(row: ConfigFileRow) -> Self {
        Self {
            id: row.id,
            environment_id: row.environment_id,
            path: row.path,
            sealed_content: row.sealed_content,
            secret: row.secret,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<ConfigFile> for ConfigFileRow {
    fn from(file: ConfigFile) -> Self {
        Self {
            id: file.id,
            environment_id: file.environment_id,
            path: file.path,
            sealed_content: file.sealed_content,
            secret: file.secret,
            created_at: file.created_at.into(),
            updated_at: file.updated_at.into(),
        }
    }
}

impl From<ConfigChangeRow> for ConfigChange {
    fn from(row: ConfigChangeRow) -> Self {
        Self { id: row.id, author: row.author_id, edits: row.edits.0, created_at: row.created_at.into() }
    }
}

impl Store {
    /// What is set for an environment now.
    pub async fn configuration(&self, environment_id: EnvironmentId) -> Result<Configuration, StoreError> {
        let mut connection = self.read().await?;
        read(&mut connection, environment_id).await
    }

    /// Changes what is set for an environment by what `decide` makes of it; of several at once, each sees what the one
    /// before it has left. A refusal of `decide` changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment has gone; [`StoreError::Conflict`] for a taken `path`.
    pub async fn change_configuration<T, E>(
        &self,
        environment_id: EnvironmentId,
        decide: impl FnOnce(&Configuration) -> Result<(ConfigurationUpdate, T), E>,
    ) -> Result<Result<T, E>, StoreError> {
        self.transaction(async |connection| {
            lock(connection, environment_id).await?;
            let now = read(connection, environment_id).await?;
            let (update, answer) = match decide(&now) {
                Ok(decided) => decided,
                Err(refusal) => return Ok(Err(refusal)),
            };
            // Many statements, for two databases: too large to be moved about.
            Box::pin(apply(connection, environment_id, update)).await?;
            Ok(Ok(answer))
        })
        .await
    }

    /// A configuration file by its id.
    pub async fn config_file(&self, id: ConfigFileId) -> Result<ConfigFile, StoreError> {
        let mut connection = self.read().await?;
        let row: ConfigFileRow = on!(connection, |c| config_files::table
            .find(id)
            .select(ConfigFileRow::as_select())
            .first(c)
            .await)?;
        Ok(row.into())
    }

    /// The changes of a configuration, newest first.
    pub async fn config_changes_of(
        &self,
        environment_id: EnvironmentId,
        page: PageRequest,
    ) -> Result<Page<ConfigChange>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<ConfigChangeRow> = on!(connection, |c| {
            let mut query = config_changes::table
                .filter(config_changes::environment_id.eq(environment_id))
                .select(ConfigChangeRow::as_select())
                .into_boxed();
            if let Some(after) = page.after_id() {
                query = query.filter(config_changes::id.lt(ConfigChangeId::from_uuid(after)));
            }
            query.order(config_changes::id.desc()).limit(page.rows()).load(c).await
        })?;
        let changes = rows.into_iter().map(ConfigChange::from).collect();
        Ok(Page::from_rows(changes, page, |change| Cursor::id(change.id.as_uuid())))
    }
}

/// What is set, in a transaction.
pub(super) async fn read(
    connection: &mut Connection,
    environment_id: EnvironmentId,
) -> Result<Configuration, StoreError> {
    let variables = config_vars::read(connection, environment_id).await?;
    let rows: Vec<ConfigFileRow> = on!(connection, |c| config_files::table
        .filter(config_files::environment_id.eq(environment_id))
        .select(ConfigFileRow::as_select())
        .load(c)
        .await)?;
    let mut files: Vec<ConfigFile> = rows.into_iter().map(Into::into).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Configuration { variables, files })
}

/// Changes what is set, and notes it in the history; the transaction has locked the environment.
pub(super) async fn apply(
    connection: &mut Connection,
    environment_id: EnvironmentId,
    update: ConfigurationUpdate,
) -> Result<(), StoreError> {
    if update.edits.is_empty() {
        return Ok(());
    }
    for name in &update.unset {
        let variable = variable_rows::table.find((environment_id, name));
        on!(connection, |c| diesel::delete(variable).execute(c).await)?;
    }
    for variable in update.set {
        let row = ConfigVarRow::of(environment_id, variable);
        on!(connection, |c| diesel::insert_into(variable_rows::table)
            .values(&row)
            .on_conflict((variable_rows::environment_id, variable_rows::name))
            .do_update()
            .set(&row)
            .execute(c)
            .await)?;
    }
    for id in &update.removed_files {
        on!(connection, |c| diesel::delete(config_files::table.find(id)).execute(c).await)?;
    }
    for file in update.files {
        let row = ConfigFileRow::from(file);
        on!(connection, |c| diesel::insert_into(config_files::table)
            .values(&row)
            .on_conflict(config_files::id)
            .do_update()
            .set(&row)
            .execute(c)
            .await)?;
    }
    Box::pin(outbox::note_edits(connection, environment_id, update.author, &update.edits)).await?;
    let change = ConfigChangeRow {
        id: ConfigChangeId::generate(),
        environment_id,
        author_id: update.author,
        edits: Json(update.edits),
        created_at: StoredTime::now(),
    };
    on!(connection, |c| diesel::insert_into(config_changes::table).values(&change).execute(c).await)?;
    Ok(())
}
