//! What the builds of environments go by.

use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::pins::{Pinned, Pins};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::environment_lock;
use crate::store::error::StoreError;
use crate::store::schema::{deployments, environment_pins};
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = environment_pins)]
struct PinsRow {
    environment_id: EnvironmentId,
    pins: Json<Pins>,
    updated_at: StoredTime,
}

impl Store {
    /// What the next build of an environment goes by.
    pub async fn pinned(&self, environment_id: EnvironmentId) -> Result<Pinned, StoreError> {
        let mut connection = self.read().await?;
        Ok(match row(&mut connection, environment_id).await? {
            None => Pinned::Nothing,
            Some(row) if row.pins.0.is_empty() => Pinned::LetGo,
            Some(row) => Pinned::To(row.pins.0),
        })
    }

    /// Lets go of what the builds of an environment go by, and gives what that was. Where nothing is pinned, nothing is done.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the environment has gone.
    pub async fn let_go_of_pins(&self, environment_id: EnvironmentId) -> Result<Pins, StoreError> {
        self.transaction(async |connection| {
            environment_lock::lock(connection, environment_id).await?;
            let Some(row) = row(connection, environment_id).await? else { return Ok(Pins::default()) };
            put(connection, environment_id, &Pins::default()).await?;
            Ok(row.pins.0)
        })
        .await
    }

    /// What every environment's builds go by, where they go by anything.
    pub async fn all_pins(&self) -> Result<Vec<Pins>, StoreError> {
        let mut connection = self.read().await?;
        let all: Vec<Json<Pins>> =
            on!(connection, |c| environment_pins::table.select(environment_pins::pins).load(c).await)?;
        Ok(all.into_iter().map(|pins| pins.0).collect())
    }
}

/// Notes what the release of a deployment was built by, unless somebody has let go of it since the deployment began. The
/// transaction has locked the environment.
pub(super) async fn set(
    connection: &mut Connection,
    environment_id: EnvironmentId,
    deployment_id: DeploymentId,
    pins: &Pins,
) -> Result<(), StoreError> {
    let begun: Option<StoredTime> = on!(connection, |c| deployments::table
        .find(deployment_id)
        .select(deployments::started_at)
        .first(c)
        .await)?;
    let let_go = row(connection, environment_id).await?.filter(|row| row.pins.0.is_empty());
    match (let_go, begun) {
        (Some(row), Some(begun)) if row.updated_at.0 > begun.0 => Ok(()),
        (Some(_) | None, _) => put(connection, environment_id, pins).await,
    }
}

async fn row(
    connection: &mut Connection,
    environment_id: EnvironmentId,
) -> Result<Option<PinsRow>, StoreError> {
    let row = on!(connection, |c| environment_pins::table
        .find(environment_id)
        .select(PinsRow::as_select())
        .first(c)
        .await
        .optional())?;
    Ok(row)
}

async fn put(
    connection: &mut Connection,
    environment_id: EnvironmentId,
    pins: &Pins,
) -> Result<(), StoreError> {
    let row = PinsRow { environment_id, pins: Json(pins.clone()), updated_at: StoredTime::now() };
    on!(connection, |c| diesel::insert_into(environment_pins::table)
        .values(&row)
        .on_conflict(environment_pins::environment_id)
        .do_update()
        .set(&row)
        .execute(c)
        .await)?;
    Ok(())
}
