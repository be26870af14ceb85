//! What projects are known by to other hosts, and what they know of them.

use crate::model::id::ProjectId;
use crate::model::remote::{DeployKey, KnownHost, RemoteCredential};
use crate::model::remote_host::RemoteHost;
use crate::model::time::now;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::environment_lock::lock_all as lock_environments;
use crate::store::error::{StoreError, found};
use crate::store::schema::{deploy_keys, known_hosts, remote_credentials};
use crate::store::types::StoredTime;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// The field of the conflict when a project has as many credentials as it may have.
pub const CREDENTIAL_LIMIT: &str = "credentials";
/// The field of the conflict when a project knows as many hosts as it may.
pub const KNOWN_HOST_LIMIT: &str = "known_hosts";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = remote_credentials)]
struct CredentialRow {
    project_id: ProjectId,
    host: RemoteHost,
    username: String,
    sealed_password: String,
    updated_at: StoredTime,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = deploy_keys)]
struct DeployKeyRow {
    project_id: ProjectId,
    public_key: String,
    sealed_private_key: String,
    created_at: StoredTime,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = known_hosts)]
struct KnownHostRow {
    project_id: ProjectId,
    host: RemoteHost,
    host_keys: String,
    first_seen_at: StoredTime,
}

impl From<CredentialRow> for RemoteCredential {
    fn from(row: CredentialRow) -> Self {
        let CredentialRow { project_id: _, host, username, sealed_password, updated_at } = row;
        Self { host, username, sealed_password, updated_at: updated_at.into() }
    }
}

impl From<DeployKeyRow> for DeployKey {
    fn from(row: DeployKeyRow) -> Self {
        let DeployKeyRow { project_id: _, public_key, sealed_private_key, created_at } = row;
        Self { public_key, sealed_private_key, created_at: created_at.into() }
    }
}

impl From<KnownHostRow> for KnownHost {
    fn from(row: KnownHostRow) -> Self {
        let KnownHostRow { project_id: _, host, host_keys, first_seen_at } = row;
        Self { host, host_keys, first_seen_at: first_seen_at.into() }
    }
}

impl Store {
    /// The credentials of a project, by host.
    pub async fn remote_credentials(
        &self,
        project_id: ProjectId,
    ) -> Result<Vec<RemoteCredential>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<CredentialRow> = on!(connection, |c| remote_credentials::table
            .filter(remote_credentials::project_id.eq(project_id))
            .select(CredentialRow::as_select())
            .load(c)
            .await)?;
        let mut credentials: Vec<RemoteCredential> = rows.into_iter().map(Into::into).collect();
        // Sorted here: PostgreSQL sorts text by the language of its cluster.
        credentials.sort_by(|one, other| one.host.cmp(&other.host));
        Ok(credentials)
    }

    /// The credential of a project for a host.
    pub async fn remote_credential(
        &self,
        project_id: ProjectId,
        host: &RemoteHost,
    ) -> Result<Option<RemoteCredential>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<CredentialRow> = on!(connection, |c| remote_credentials::table
            .find((project_id, host))
            .select(CredentialRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// Sets the credential of a project for a host; a project has at most `at_most` of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project has gone; [`StoreError::Conflict`] of [`CREDENTIAL_LIMIT`].
    pub async fn set_remote_credential(
        &self,
        project_id: ProjectId,
        credential: RemoteCredential,
        at_most: u32,
    ) -> Result<(), StoreError> {
        let RemoteCredential { host, username, sealed_password, updated_at } = credential;
        let updated_at = updated_at.into();
        let row = CredentialRow { project_id, host, username, sealed_password, updated_at };
        self.transaction(async |connection| {
            // Two that are set at once are counted one after the other.
            lock_environments(connection, project_id).await?;
            let others = remote_credentials::table
                .filter(remote_credentials::project_id.eq(project_id))
                .filter(remote_credentials::host.ne(&row.host))
                .count();
            let others: i64 = on!(connection, |c| others.get_result(c).await)?;
            if others >= i64::from(at_most) {
                return Err(StoreError::Conflict { field: CREDENTIAL_LIMIT });
            }
            on!(connection, |c| diesel::insert_into(remote_credentials::table)
                .values(&row)
                .on_conflict((remote_credentials::project_id, remote_credentials::host))
                .do_update()
                .set(&row)
                .execute(c)
                .await)?;
            Ok(())
        })
        .await
    }

    /// Removes the credential of a project for a host.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn remove_remote_credential(
        &self,
        project_id: ProjectId,
        host: &RemoteHost,
    ) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let row = remote_credentials::table.find((project_id, host));
        found(on!(connection, |c| diesel::delete(row).execute(c).await)?)
    }

    /// The deploy key of a project, if it has one.
    pub async fn deploy_key(&self, project_id: ProjectId) -> Result<Option<DeployKey>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<DeployKeyRow> = on!(connection, |c| deploy_keys::table
            .find(project_id)
            .select(DeployKeyRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// Gives a project a deploy key in the place of the one that it has.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project has gone.
    pub async fn replace_deploy_key(&self, project_id: ProjectId, key: DeployKey) -> Result<(), StoreError> {
        let row = deploy_key_row(project_id, key);
        let mut connection = self.write().await?;
        on!(connection, |c| diesel::insert_into(deploy_keys::table)
            .values(&row)
            .on_conflict(deploy_keys::project_id)
            .do_update()
            .set(&row)
            .execute(c)
            .await)?;
        Ok(())
    }

    /// Gives a project a deploy key unless it has one; answers with the one that it has then.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project has gone.
    pub async fn ensure_deploy_key(
        &self,
        project_id: ProjectId,
        key: DeployKey,
    ) -> Result<DeployKey, StoreError> {
        let row = deploy_key_row(project_id, key);
        let mut connection = self.write().await?;
        on!(connection, |c| diesel::insert_into(deploy_keys::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c)
            .await)?;
        let now: DeployKeyRow = on!(connection, |c| deploy_keys::table
            .find(project_id)
            .select(DeployKeyRow::as_select())
            .first(c)
            .await)?;
        Ok(now.into())
    }

    /// The hosts whose keys a project knows, by name.
    pub async fn known_hosts(&self, project_id: ProjectId) -> Result<Vec<KnownHost>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<KnownHostRow> = on!(connection, |c| known_hosts::table
            .filter(known_hosts::project_id.eq(project_id))
            .select(KnownHostRow::as_select())
            .load(c)
            .await)?;
        let mut hosts: Vec<KnownHost> = rows.into_iter().map(Into::into).collect();
        hosts.sort_by(|one, other| one.host.cmp(&other.host));
        Ok(hosts)
    }

    /// The keys by which a project knows a host.
    pub async fn known_host(
        &self,
        project_id: ProjectId,
        host: &RemoteHost,
    ) -> Result<Option<KnownHost>, StoreError> {
        let mut connection = self.read().await?;
        let row: Option<KnownHostRow> = on!(connection, |c| known_hosts::table
            .find((project_id, host))
            .select(KnownHostRow::as_select())
            .first(c)
            .await
            .optional())?;
        Ok(row.map(Into::into))
    }

    /// Of how many hosts a project knows the keys.
    pub async fn count_known_hosts(&self, project_id: ProjectId) -> Result<i64, StoreError> {
        let mut connection = self.read().await?;
        let known = known_hosts::table.filter(known_hosts::project_id.eq(project_id)).count();
        Ok(on!(connection, |c| known.get_result(c).await)?)
    }

    /// Notes the keys of a host that a project has met for the first time; a project knows `at_most` hosts. Keys that are
    /// noted already stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the project has gone; [`StoreError::Conflict`] of [`KNOWN_HOST_LIMIT`].
    pub async fn note_known_host(
        &self,
        project_id: ProjectId,
        host: &RemoteHost,
        host_keys: &str,
        at_most: u32,
    ) -> Result<(), StoreError> {
        let (host, host_keys) = (host.clone(), host_keys.to_owned());
        let row = KnownHostRow { project_id, host, host_keys, first_seen_at: now().into() };
        self.transaction(async |connection| {
            // Two that are noted at once are counted one after the other.
            lock_environments(connection, project_id).await?;
            let others = known_hosts::table
                .filter(known_hosts::project_id.eq(project_id))
                .filter(known_hosts::host.ne(&row.host))
                .count();
            let others: i64 = on!(connection, |c| others.get_result(c).await)?;
            if others >= i64::from(at_most) {
                return Err(StoreError::Conflict { field: KNOWN_HOST_LIMIT });
            }
            on!(connection, |c| diesel::insert_into(known_hosts::table)
                .values(&row)
                .on_conflict_do_nothing()
                .execute(c)
                .await)?;
            Ok(())
        })
        .await
    }

    /// Forgets the keys of a host: the next ones that it shows are noted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there are none.
    pub async fn forget_known_host(
        &self,
        project_id: ProjectId,
        host: &RemoteHost,
    ) -> Result<(), StoreError> {
        let mut connection = self.write().await?;
        let row = known_hosts::table.find((project_id, host));
        found(on!(connection, |c| diesel::delete(row).execute(c).await)?)
    }
}

fn deploy_key_row(project_id: ProjectId, key: DeployKey) -> DeployKeyRow {
    let DeployKey { public_key, sealed_private_key, created_at } = key;
    DeployKeyRow { project_id, public_key, sealed_private_key, created_at: created_at.into() }
}
