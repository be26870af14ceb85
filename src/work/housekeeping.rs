//! What is done every hour: for the repositories sweeping, putting aside and packing; in the database forgetting.

use crate::git::{GitError, Repositories};
use crate::model::time::now;
use crate::store::{Store, StoreError};
use chrono::TimeDelta;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// Between two rounds.
const PAUSE: Duration = Duration::from_hours(1);
/// Age of what a push that is under way cannot have made: its pack may take an hour to arrive.
const STALE: Duration = Duration::from_hours(3);

/// Age of an answer that nobody can ask for any more: that of the API, and an hour.
const ANSWERS_KEPT: TimeDelta = TimeDelta::hours(25);

/// How long a refresh token and an invitation that have expired are remembered: somebody may ask why they are refused.
const TOKENS_KEPT: TimeDelta = TimeDelta::days(1);
const INVITATIONS_KEPT: TimeDelta = TimeDelta::days(30);

/// Age of a delivery of a hook that nobody looks at any more.
const DELIVERIES_KEPT: TimeDelta = TimeDelta::days(30);

/// Keeps the repositories and the database in order while the server runs.
pub struct Housekeeping {
    pub store: Store,
    pub repositories: Repositories,
    /// Age at which entries of the audit log go; `None`: they stay.
    pub audit_age: Option<Duration>,
}

#[derive(Debug, thiserror::Error)]
pub enum HousekeepingError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Housekeeping {
    /// Puts aside the repositories whose project is gone. A deletion that was interrupted, or a push that came while the
    /// project was deleted, has left them.
    ///
    /// # Errors
    /// When the database or the folder cannot be read.
    pub async fn put_aside(&self) -> Result<(), HousekeepingError> {
        for project in self.repositories.projects()? {
            match self.store.project(project).await {
                Ok(_) => {}
                Err(StoreError::NotFound) => {
                    let aside = self.repositories.retire(project)?;
                    tracing::warn!(%project, path = %aside.display(), "a repository without a project is removed in a week");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Runs a round every hour until `stop` ends.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let rounds = async {
            loop {
                tokio::time::sleep(PAUSE).await;
                if let Err(error) = self.round().await {
                    tracing::warn!(
                        error = &error as &dyn Error,
                        "the repositories could not be put in order"
                    );
                }
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
    }

    /// Removes from the database what nobody has a use for any more.
    async fn forget(&self) -> Result<(), StoreError> {
        let requests = self.store.forget_requests_before(now() - ANSWERS_KEPT).await?;
        let tokens = self.store.forget_tokens_before(now() - TOKENS_KEPT).await?;
        let invitations = self.store.forget_invitations_before(now() - INVITATIONS_KEPT).await?;
        let audit =
            match self.audit_age.and_then(|age| now().checked_sub_signed(TimeDelta::from_std(age).ok()?)) {
                Some(oldest) => self.store.forget_audit_before(oldest).await?,
                None => 0,
            };
        let deliveries = self.store.forget_hook_deliveries(now() - DELIVERIES_KEPT).await?;
        self.store.forget_feedback_places().await?;
        let known = self.store.forget_hook_memory(now() - DELIVERIES_KEPT).await?;
        tracing::debug!(
            requests,
            tokens,
            invitations,
            audit,
            deliveries,
            known,
            "what has expired was forgotten"
        );
        Ok(())
    }

    async fn round(&self) -> Result<(), HousekeepingError> {
        self.put_aside().await?;
        if let Err(error) = self.forget().await {
            tracing::warn!(error = &error as &dyn Error, "what has expired is not forgotten yet");
        }
        let repositories = self.repositories.clone();
        let swept = tokio::task::spawn_blocking(move || repositories.sweep(STALE)).await;
        if let Ok(swept @ 1..) = swept.unwrap_or(Ok(0)) {
            tracing::info!(swept, "leftovers of interrupted pushes were removed");
        }
        // One after the other: pushes and builds come first.
        for project in self.repositories.projects()? {
            let Some(repository) = self.repositories.existing(project) else { continue };
            match repository.maintain().await {
                Ok(true) => {}
                Ok(false) => tracing::warn!(%project, "a repository could not be packed"),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "a repository could not be packed");
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::environment::EnvironmentSettings;
    use crate::model::id::ProjectId;
    use crate::model::secret::Secret;
    use crate::store::{NewProject, NewUser};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_repository_without_a_project_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::connect(&format!("sqlite://{}/gilgal.db", folder.path().display())).await.unwrap();
        store.migrate().await.unwrap();
        let ada = NewUser {
            email: "ada@example.com".parse().unwrap(),
            username: "ada".parse().unwrap(),
            password_hash: Secret::new("hash".to_owned()),
        };
        let owner_id = store.create_user(ada).await.unwrap().id;
        let new = NewProject { owner_id, name: "X".to_owned(), slug: "shop".parse().unwrap(), at_most: 1 };
        let (shop, _) = store.create_project(new, EnvironmentSettings::default()).await.unwrap();
        let repositories = Repositories::new(folder.path().join("repositories"));
        std::fs::create_dir(folder.path().join("repositories")).unwrap();
        for project in [shop.id, ProjectId::generate()] {
            repositories.open_or_create(project).unwrap();
        }
        let housekeeping = Housekeeping { store, repositories: repositories.clone(), audit_age: None };
        housekeeping.round().await.unwrap();
        assert_eq!(repositories.projects().unwrap(), [shop.id]);
        housekeeping.round().await.unwrap();
    }
}
