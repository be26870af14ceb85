//! Config vars; their values are sealed before they come here.

use crate::model::environment::{ConfigScope, ConfigVar};
use crate::model::id::EnvironmentId;
use crate::model::name::ConfigName;
use crate::model::preview::Preview;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::schema::config_vars;
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = config_vars)]
pub(super) struct ConfigVarRow {
    pub(super) environment_id: EnvironmentId,
    pub(super) name: ConfigName,
    pub(super) sealed_value: String,
    pub(super) scope: ConfigScope,
    pub(super) secret: bool,
    pub(super) updated_at: StoredTime,
    pub(super) previews: bool,
}

impl From<ConfigVarRow> for ConfigVar {
    fn from(row: ConfigVarRow) -> Self {
        Self {
            name: row.name,
            sealed_value: row.sealed_value,
            scope: row.scope,
            secret: row.secret,
            previews: row.previews,
            updated_at: row.updated_at.into(),
        }
    }
}

impl ConfigVarRow {
    /// The row of a variable of an environment.
    pub(super) fn of(environment_id: EnvironmentId, variable: ConfigVar) -> Self {
        Self {
            environment_id,
            name: variable.name,
            sealed_value: variable.sealed_value,
            scope: variable.scope,
            secret: variable.secret,
            previews: variable.previews,
            updated_at: variable.updated_at.into(),
        }
    }
}

impl Store {
    /// The variables that a preview gets, and the environment that has them: those that are marked so, and of these no secret
    /// for a fork. `None`: there is no such environment.
    pub async fn given_to_preview(
        &self,
        preview: &Preview,
    ) -> Result<Option<(EnvironmentId, Vec<ConfigVar>)>, StoreError> {
        let base = self.base_environment(preview.project_id, preview.base().as_ref()).await?;
        let Some(base) = base else { return Ok(None) };
        let mut set = self.config_vars(base.id).await?;
        set.retain(|var| var.previews && !(preview.is_fork && var.secret));
        Ok(Some((base.id, set)))
    }

    /// The config vars of an environment, by name. How they are changed: [`Store::change_configuration`].
    pub async fn config_vars(&self, environment_id: EnvironmentId) -> Result<Vec<ConfigVar>, StoreError> {
        let mut connection = self.read().await?;
        read(&mut connection, environment_id).await
    }
}

/// The config vars of an environment, by name.
pub(super) async fn read(
    connection: &mut Connection,
    environment_id: EnvironmentId,
) -> Result<Vec<ConfigVar>, StoreError> {
    let rows: Vec<ConfigVarRow> = on!(connection, |c| config_vars::table
        .filter(config_vars::environment_id.eq(environment_id))
        .select(ConfigVarRow::as_select())
        .load(c)
        .await)?;
    let mut variables: Vec<ConfigVar> = rows.into_iter().map(Into::into).collect();
    // Sorted here: PostgreSQL sorts text by the language of its cluster.
    variables.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(variables)
}
