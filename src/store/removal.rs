//! Removing accounts and environments.

use crate::model::id::{EnvironmentId, UserId};
use crate::model::user::ServerRole;
use crate::model::webhook::EventKind;
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::environment_lock;
use crate::store::error::{StoreError, found};
use crate::store::outbox::{self, Happening};
use crate::store::schema::{environments, projects, users};
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

/// The field of the conflict when an account that is to be removed owns projects.
pub const OWNED_PROJECTS: &str = "owned_projects";
/// The field of the conflict when an account that is to be removed is the only operator.
pub const LAST_OPERATOR: &str = "last_operator";

impl Store {
    /// Removes an environment with everything that belongs to it: config, files, deployments with their logs and jobs,
    /// releases.
    pub async fn delete_environment(&self, id: EnvironmentId) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            // Of two that delete it one tells of it: the other one finds nothing.
            environment_lock::lock(connection, id).await?;
            let happening = Happening::new(id, EventKind::EnvironmentDeleted);
            Box::pin(outbox::note(connection, happening)).await?;
            let gone = diesel::delete(environments::table.find(id));
            found(on!(connection, |c| gone.execute(c).await)?)
        })
        .await
    }

    /// Removes an account with its keys, tokens and second factor. What it deployed stays, without its name; its deleted
    /// projects are an operator's until they are removed, which is due from now on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`OWNED_PROJECTS`] or [`LAST_OPERATOR`].
    pub async fn remove_user(&self, id: UserId) -> Result<(), StoreError> {
        self.transaction(async |connection| {
            // No account is made or removed meanwhile, and no project given to one: in SQLite the transaction is the only
            // one that writes. (A project's row holds its owner's, which this lock does not let it.)
            if let Connection::Postgres(postgres) = connection {
                postgres.batch_execute("LOCK TABLE users IN EXCLUSIVE MODE").await?;
            }
            let owned = projects::table
                .filter(projects::owner_id.eq(id))
                .filter(projects::deleted_at.is_null())
                .count();
            let owned: i64 = on!(connection, |c| owned.get_result(c).await)?;
            if owned > 0 {
                return Err(StoreError::Conflict { field: OWNED_PROJECTS });
            }
            let others = users::table
                .filter(users::id.ne(id))
                .filter(users::role.eq(ServerRole::Operator))
                .filter(users::disabled_at.is_null())
                .order(users::id)
                .select(users::id);
            let other: Option<UserId> = on!(connection, |c| others.first(c).await.optional())?;
            let role: ServerRole =
                on!(connection, |c| users::table.find(id).select(users::role).first(c).await)?;
            match (role, other) {
                (ServerRole::Operator, None) => return Err(StoreError::Conflict { field: LAST_OPERATOR }),
                (ServerRole::Operator | ServerRole::Member, Some(operator)) => {
                    let left = projects::table.filter(projects::owner_id.eq(id));
                    let change = (
                        projects::owner_id.eq(operator),
                        projects::removed_after.eq(Some(StoredTime::now())),
                    );
                    on!(connection, |c| diesel::update(left).set(change).execute(c).await)?;
                }
                // Nobody could be given its deleted projects: they go with it, and what is left of them is an orphan's.
                (ServerRole::Member, None) => {}
            }
            found(on!(connection, |c| diesel::delete(users::table.find(id)).execute(c).await)?)
        })
        .await
    }
}
