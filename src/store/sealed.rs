//! Sealing everything that is sealed once more, for a new master key.
//!
//! Each row is read and written by itself, so that what is done stays done when the program is killed, and is not done
//! again: a value that is sealed with the new key is left alone. Answers that are kept for requests that come twice are
//! forgotten: they are good for a day at most.

mod drains;
mod webhooks;

use crate::model::config;
use crate::model::deployment::DeploymentRecord;
use crate::model::hook;
use crate::model::id::{ConfigFileId, DeploymentId, EnvironmentId, HookId, ProjectId, ReleaseId, UserId};
use crate::model::name::ConfigName;
use crate::model::release::ReleaseContent;
use crate::model::remote;
use crate::model::remote_host::RemoteHost;
use crate::model::second_factor;
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::schema::{
    config_files, config_vars, deploy_keys, deployments, hooks, idempotent_requests, releases,
    remote_credentials, second_factors,
};
use crate::store::types::Json;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// Rows that are read at a time.
const BATCH: i64 = 200;

impl Store {
    /// Gives every sealed value with its purpose to `reseal` and stores what comes of it; `None` leaves the value as it is.
    /// Answers with the number of values that are sealed, or with the first refusal of `reseal`.
    pub async fn seal_again<E>(
        &self,
        reseal: impl Fn(&str, &str) -> Result<Option<String>, E>,
    ) -> Result<Result<usize, E>, StoreError> {
        let mut again = Again { store: self, reseal, values: 0 };
        Ok(match again.everything().await? {
            Ok(()) => Ok(again.values),
            Err(refusal) => Err(refusal),
        })
    }
}

struct Again<'a, F> {
    store: &'a Store,
    reseal: F,
    values: usize,
}

/// Goes on with the value, or ends the work with the refusal.
macro_rules! granted {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
}

impl<E, F: Fn(&str, &str) -> Result<Option<String>, E>> Again<'_, F> {
    async fn everything(&mut self) -> Result<Result<(), E>, StoreError> {
        granted!(self.variables().await?);
        granted!(self.files().await?);
        granted!(self.releases().await?);
        granted!(self.deployments().await?);
        granted!(self.second_factors().await?);
        granted!(self.remote_credentials().await?);
        granted!(self.deploy_keys().await?);
        granted!(self.drains().await?);
        granted!(self.hooks().await?);
        granted!(self.webhooks().await?);
        self.forget_answers().await?;
        Ok(Ok(()))
    }

    fn one(&mut self, environment: EnvironmentId, sealed: &str) -> Result<Option<String>, E> {
        self.values += 1;
        (self.reseal)(&config::seal_purpose(environment), sealed)
    }

    async fn variables(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let rows: Vec<(EnvironmentId, ConfigName, String)> = on!(connection, |c| config_vars::table
            .select((config_vars::environment_id, config_vars::name, config_vars::sealed_value))
            .load(c)
            .await)?;
        for (environment, name, sealed) in rows {
            if let Some(again) = granted!(self.one(environment, &sealed)) {
                let row = config_vars::table.find((environment, name));
                let change = config_vars::sealed_value.eq(again);
                on!(connection, |c| diesel::update(row).set(change).execute(c).await)?;
            }
        }
        Ok(Ok(()))
    }

    async fn files(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let rows: Vec<(ConfigFileId, EnvironmentId, String)> = on!(connection, |c| config_files::table
            .select((config_files::id, config_files::environment_id, config_files::sealed_content))
            .load(c)
            .await)?;
        for (id, environment, sealed) in rows {
            if let Some(again) = granted!(self.one(environment, &sealed)) {
                let change = config_files::sealed_content.eq(again);
                on!(connection, |c| diesel::update(config_files::table.find(id))
                    .set(change)
                    .execute(c)
                    .await)?;
            }
        }
        Ok(Ok(()))
    }

    async fn releases(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let mut after = ReleaseId::from_uuid(uuid::Uuid::nil());
        loop {
            let rows: Vec<(ReleaseId, EnvironmentId, Json<ReleaseContent>)> =
                on!(connection, |c| releases::table
                    .filter(releases::id.gt(after))
                    .order(releases::id)
                    .limit(BATCH)
                    .select((releases::id, releases::environment_id, releases::content))
                    .load(c)
                    .await)?;
            let Some((last, ..)) = rows.last() else { return Ok(Ok(())) };
            after = *last;
            for (id, environment, Json(mut content)) in rows {
                if granted!(self.content(environment, &mut content)) {
                    let change = releases::content.eq(Json(content));
                    on!(connection, |c| diesel::update(releases::table.find(id))
                        .set(change)
                        .execute(c)
                        .await)?;
                }
            }
        }
    }

    async fn deployments(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let mut after = DeploymentId::from_uuid(uuid::Uuid::nil());
        loop {
            let rows: Vec<(DeploymentId, EnvironmentId, Json<DeploymentRecord>)> =
                on!(connection, |c| deployments::table
                    .filter(deployments::id.gt(after))
                    .order(deployments::id)
                    .limit(BATCH)
                    .select((deployments::id, deployments::environment_id, deployments::record))
                    .load(c)
                    .await)?;
            let Some((last, ..)) = rows.last() else { return Ok(Ok(())) };
            after = *last;
            for (id, environment, Json(mut record)) in rows {
                let Some(content) = &mut record.content else { continue };
                if granted!(self.content(environment, content)) {
                    let change = deployments::record.eq(Json(record));
                    on!(connection, |c| diesel::update(deployments::table.find(id))
                        .set(change)
                        .execute(c)
                        .await)?;
                }
            }
        }
    }

    async fn second_factors(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let rows: Vec<(UserId, String)> = on!(connection, |c| second_factors::table
            .select((second_factors::user_id, second_factors::sealed_secret))
            .load(c)
            .await)?;
        for (user, sealed) in rows {
            self.values += 1;
            if let Some(again) = granted!((self.reseal)(&second_factor::seal_purpose(user), &sealed)) {
                let change = second_factors::sealed_secret.eq(again);
                on!(connection, |c| diesel::update(second_factors::table.find(user))
                    .set(change)
                    .execute(c)
                    .await)?;
            }
        }
        Ok(Ok(()))
    }

    async fn remote_credentials(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let rows: Vec<(ProjectId, RemoteHost, String)> = on!(connection, |c| remote_credentials::table
            .select((
                remote_credentials::project_id,
                remote_credentials::host,
                remote_credentials::sealed_password
            ))
            .load(c)
            .await)?;
        for (project, host, sealed) in rows {
            self.values += 1;
            if let Some(again) = granted!((self.reseal)(&remote::credential_purpose(project, &host), &sealed))
            {
                let row = remote_credentials::table.find((project, host));
                let change = remote_credentials::sealed_password.eq(again);
                on!(connection, |c| diesel::update(row).set(change).execute(c).await)?;
            }
        }
        Ok(Ok(()))
    }

    async fn deploy_keys(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let rows: Vec<(ProjectId, String)> = on!(connection, |c| deploy_keys::table
            .select((deploy_keys::project_id, deploy_keys::sealed_private_key))
            .load(c)
            .await)?;
        for (project, sealed) in rows {
            self.values += 1;
            if let Some(again) = granted!((self.reseal)(&remote::deploy_key_purpose(project), &sealed)) {
                let change = deploy_keys::sealed_private_key.eq(again);
                on!(connection, |c| diesel::update(deploy_keys::table.find(project))
                    .set(change)
                    .execute(c)
                    .await)?;
            }
        }
        Ok(Ok(()))
    }

    async fn hooks(&mut self) -> Result<Result<(), E>, StoreError> {
        let mut connection = self.store.write().await?;
        let rows: Vec<(HookId, String, Option<String>)> = on!(connection, |c| hooks::table
            .select((hooks::id, hooks::sealed_secret, hooks::sealed_previous))
            .load(c)
            .await)?;
        for (id, secret, previous) in rows {
            let purpose = hook::seal_purpose(id);
            self.values += 1;
            let secret_again = granted!((self.reseal)(&purpose, &secret));
            let previous_again = match &previous {
                Some(previous) => {
                    self.values += 1;
                    granted!((self.reseal)(&purpose, previous))
                }
                None => None,
            };
            if secret_again.is_some() || previous_again.is_some() {
                let change = (
                    hooks::sealed_secret.eq(secret_again.unwrap_or(secret)),
                    hooks::sealed_previous.eq(previous_again.or(previous)),
                );
                on!(connection, |c| diesel::update(hooks::table.find(id)).set(change).execute(c).await)?;
            }
        }
        Ok(Ok(()))
    }

    async fn forget_answers(&self) -> Result<(), StoreError> {
        let mut connection = self.store.write().await?;
        on!(connection, |c| diesel::delete(idempotent_requests::table).execute(c).await)?;
        Ok(())
    }

    /// Seals what a release has once more; whether anything is different.
    fn content(&mut self, environment: EnvironmentId, content: &mut ReleaseContent) -> Result<bool, E> {
        let mut is_changed = false;
        for sealed in content.sealed_values() {
            if let Some(again) = self.one(environment, sealed)? {
                *sealed = again;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }
}
