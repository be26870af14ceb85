//! Whether an environment is in service. No setting: a rollback does not bring it back.

use crate::model::environment::Environment;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::environment_lock;
use crate::store::environments::EnvironmentRow;
use crate::store::error::StoreError;
use crate::store::schema::{deployments, environments};
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// Notes that an environment is being worked on, since now unless it is already, or not any more.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is to be as it was read, and is not.
    pub async fn set_maintenance(
        &self,
        id: EnvironmentId,
        on: bool,
        as_read: Option<&Environment>,
    ) -> Result<Environment, StoreError> {
        self.transaction(async |connection| {
            lock_as_read(connection, id, as_read).await?;
            if on {
                let open = environments::table.find(id).filter(environments::maintenance_at.is_null());
                let since = environments::maintenance_at.eq(StoredTime::now());
                on!(connection, |c| diesel::update(open).set(since).execute(c).await)?;
            } else {
                let never = environments::maintenance_at.eq(None::<StoredTime>);
                let change = diesel::update(environments::table.find(id)).set(never);
                on!(connection, |c| change.execute(c).await)?;
            }
            read(connection, id).await
        })
        .await
    }

    /// Lets nothing be deployed to an environment any more, and nothing of it be served. A deployment is queued before it,
    /// and is seen by whoever asks after it, or not at all.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is to be as it was read, and is not.
    pub async fn disable_environment(
        &self,
        id: EnvironmentId,
        as_read: Option<&Environment>,
    ) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            lock_as_read(connection, id, as_read).await?;
            let since = environments::disabled_at.eq(StoredTime::now());
            on!(connection, |c| diesel::update(environments::table.find(id)).set(since).execute(c).await)?;
            Ok(())
        })
        .await
    }

    /// Notes that nothing of an environment is to run, since now even where it was stopped before: what was queued meanwhile
    /// does not start it.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is to be as it was read, and is not.
    pub async fn stop_environment(
        &self,
        id: EnvironmentId,
        as_read: Option<&Environment>,
    ) -> Result<Environment, StoreError> {
        self.transaction(async |connection| {
            lock_as_read(connection, id, as_read).await?;
            let since = environments::stopped_at.eq(StoredTime::now());
            let change = diesel::update(environments::table.find(id)).set(since);
            on!(connection, |c| change.execute(c).await)?;
            read(connection, id).await
        })
        .await
    }

    /// Notes that the web instances of an environment are stopped until somebody asks for them.
    pub async fn put_to_sleep(&self, id: EnvironmentId) -> Result<Environment, StoreError> {
        let mut connection = self.write().await?;
        let since = environments::asleep_at.eq(StoredTime::now());
        on!(connection, |c| diesel::update(environments::table.find(id)).set(since).execute(c).await)?;
        read(&mut connection, id).await
    }

    /// Notes that they are not any more.
    pub async fn wake_up(&self, id: EnvironmentId) -> Result<Environment, StoreError> {
        let mut connection = self.write().await?;
        wake(&mut connection, id).await?;
        read(&mut connection, id).await
    }
}

/// What goes live starts its environment again, unless that was stopped after it was asked for, and wakes it.
pub(super) async fn start(
    connection: &mut Connection,
    id: EnvironmentId,
    deployment: DeploymentId,
) -> Result<(), StoreError> {
    let asked_at: StoredTime = on!(connection, |c| deployments::table
        .find(deployment)
        .select(deployments::created_at)
        .first(c)
        .await)?;
    let stopped = environments::table.find(id).filter(environments::stopped_at.lt(asked_at));
    let never = environments::stopped_at.eq(None::<StoredTime>);
    on!(connection, |c| diesel::update(stopped).set(never).execute(c).await)?;
    wake(connection, id).await
}

/// Locks an environment that is to be as it was read, where it was.
async fn lock_as_read(
    connection: &mut Connection,
    id: EnvironmentId,
    as_read: Option<&Environment>,
) -> Result<(), StoreError> {
    environment_lock::lock(connection, id).await?;
    match as_read {
        Some(as_read) if read(connection, id).await? != *as_read => Err(StoreError::Stale),
        Some(_) | None => Ok(()),
    }
}

async fn wake(connection: &mut Connection, id: EnvironmentId) -> Result<(), StoreError> {
    let never = environments::asleep_at.eq(None::<StoredTime>);
    on!(connection, |c| diesel::update(environments::table.find(id)).set(never).execute(c).await)?;
    Ok(())
}

async fn read(connection: &mut Connection, id: EnvironmentId) -> Result<Environment, StoreError> {
    let row: EnvironmentRow =
        on!(connection, |c| environments::table.find(id).select(EnvironmentRow::as_select()).first(c).await)?;
    Ok(row.into())
}
