//! The database: the only folder that knows Diesel.
//!
//! [`Store`] is a cheap handle with one method per question or change; each file holds the `impl Store` of one family
//! of tables, with the rows and queries of that family. There is one text per query for both databases: `backend`
//! compiles it once for SQLite and once for PostgreSQL. What goes in and comes out are types of [`crate::model`].
//!
//! A method is one statement or one short transaction; no transaction is open while anything else is waited for.
//! There is no policy here: who may do what is decided by the callers.

mod api_keys;
mod audit;
mod backend;
mod config_vars;
mod configuration;
mod connect;
mod cron_runs;
mod deletion;
mod deliveries;
mod deployments;
mod drains;
mod environment_lock;
mod environments;
mod error;
mod feedback;
mod forgetting;
mod formation;
mod hook_bodies;
mod hook_deliveries;
mod hook_memory;
mod hook_surplus;
mod hooks;
mod idempotency;
mod images;
mod invitations;
mod jobs;
mod lock;
mod log_retention;
mod logs;
mod memory;
mod migrate;
mod outbox;
mod overview;
mod page;
mod patience;
mod pins;
mod previews;
mod projects;
mod refresh_tokens;
mod releases;
mod remotes;
mod removal;
mod restore;
mod schema;
mod sealed;
mod second_factors;
mod server;
mod sessions;
mod signing_keys;
mod ssh_keys;
mod standing;
mod transaction;
mod transfer;
mod types;
mod users;
mod waiting_deliveries;
mod webhooks;

pub use self::api_keys::{API_KEY_LIMIT, NewApiKey, NewSecret};
pub use self::audit::AuditFilter;
pub use self::configuration::{ConfigChange, Configuration, ConfigurationUpdate};
pub use self::cron_runs::CronRunEnd;
pub use self::deliveries::{AfterAttempt, Busy, DueDelivery};
pub use self::deployments::filter::DeploymentFilter;
pub use self::deployments::queue::{Enqueued, Joined, NewDeployment};
pub use self::drains::DRAIN_LIMIT;
pub use self::environments::{ENVIRONMENT_LIMIT, NewEnvironment};
pub use self::error::StoreError;
pub use self::hook_deliveries::PushOutcome;
pub use self::hooks::HOOK_LIMIT;
pub use self::idempotency::Begun;
pub use self::images::ReleasedImage;
pub use self::invitations::NewInvitation;
pub use self::jobs::{Job, NewJob, Whose};
pub use self::lock::{LockError, ServerLock};
pub use self::logs::LogFilter;
pub use self::overview::ProjectActivity;
pub use self::page::{Cursor, InvalidCursor, Page, PageRequest};
pub use self::patience::patiently;
pub use self::previews::{PREVIEW_LIMIT, WAITING_LIMIT};
pub use self::projects::{NewProject, PROJECT_LIMIT, Presence};
pub use self::refresh_tokens::{NewSession, RefreshToken, RotateOutcome};
pub use self::releases::NewRelease;
pub use self::remotes::{CREDENTIAL_LIMIT, KNOWN_HOST_LIMIT};
pub use self::removal::{LAST_OPERATOR, OWNED_PROJECTS};
pub use self::restore::RestoredSettings;
pub use self::server::{ClaimError, Claimant};
pub use self::ssh_keys::{MOST_SSH_KEYS, NewSshKey, SSH_KEY_LIMIT};
pub use self::transfer::{DatabaseKind, Exported, TransferError, import};
pub use self::users::{NewUser, UserChange};
pub use self::waiting_deliveries::WaitingDelivery;
pub use self::webhooks::{WEBHOOK_LIMIT, WebhookUpdate};

use self::backend::{Backend, Connection, on};
use self::memory::{Memory, Writer};
use std::sync::Arc;

/// A handle on the database; clones share its connections.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    memory: Arc<Memory>,
}

impl Store {
    /// Asks the database for an answer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when none comes.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut connection = self.read().await?;
        on!(connection, |c| diesel_async::SimpleAsyncConnection::batch_execute(c, "SELECT 1").await)?;
        Ok(())
    }

    /// A connection for reading.
    async fn read(&self) -> Result<Connection, StoreError> {
        self.backend.read().await
    }

    /// A connection for one writing statement; several belong in a [`Store::transaction`].
    async fn write(&self) -> Result<Writer, StoreError> {
        Ok(Writer { connection: self.backend.write().await?, _writing: self.memory.writing() })
    }

    /// Runs `work` in one transaction that can see and write everything; an error of `work` takes it all back.
    async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = self.backend.write().await?;
        let _writing = self.memory.writing();
        transaction::run(connection, work).await
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.backend {
            Backend::Sqlite { .. } => "SQLite",
            Backend::Postgres(_) => "PostgreSQL",
        };
        formatter.debug_tuple("Store").field(&kind).finish()
    }
}
