//! Making transactions about one environment wait for each other.

use crate::model::id::{EnvironmentId, ProjectId};
use crate::store::backend::Connection;
use crate::store::error::StoreError;
use crate::store::schema::environments;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// [`lock`]s every environment of a project.
pub(super) async fn lock_all(connection: &mut Connection, project_id: ProjectId) -> Result<(), StoreError> {
    let rows = environments::table.filter(environments::project_id.eq(project_id)).select(environments::id);
    if let Connection::Postgres(postgres) = connection {
        let _ids: Vec<EnvironmentId> = rows.for_no_key_update().load(&mut **postgres).await?;
    }
    Ok(())
}

/// Makes other transactions that lock the environment wait until this one has ended.
pub(super) async fn lock(connection: &mut Connection, id: EnvironmentId) -> Result<(), StoreError> {
    let row = environments::table.find(id).select(environments::id);
    let _id: EnvironmentId = match connection {
        Connection::Postgres(postgres) => row.for_no_key_update().first(&mut **postgres).await?,
        // A transaction in SQLite is the only one that writes.
        Connection::Sqlite(sqlite) => row.first(&mut **sqlite).await?,
    };
    Ok(())
}
