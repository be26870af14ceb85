//! Making, changing and removing drains. Who may is decided by the callers.

use super::{Drains, tls};
use crate::model::drain::{
    Drain, DrainProgress, DrainToken, DrainUrl, LONGEST_CERTIFICATES, MOST_DRAINS, seal_purpose,
};
use crate::model::id::{DrainId, EnvironmentId, ProjectId};
use crate::model::name::EnvironmentName;
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, now};
use crate::secrets::SealError;
use crate::store::{DRAIN_LIMIT, StoreError};

/// What is to be different of a drain; `None` stays, `Some(None)` is taken away.
#[derive(Debug, Clone, Default)]
pub struct DrainChange {
    pub url: Option<DrainUrl>,
    pub environment: Option<Option<EnvironmentName>>,
    pub token: Option<Option<DrainToken>>,
    /// PEM.
    pub certificates: Option<Option<String>>,
}

/// Why a drain cannot be as it was asked to be: a sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    #[error("A project has at most {MOST_DRAINS} drains. Delete one that is not used.")]
    TooMany,
    #[error("There is no environment {0} in this project.")]
    NoEnvironment(EnvironmentName),
    #[error(
        "Drains send to public addresses, and to networks that the operator allows (GILGAL_DRAIN_ALLOW_NETWORKS)."
    )]
    NotPublic,
    #[error(
        "Use https or syslog+tls: without TLS drains send only to networks that the operator allows (GILGAL_DRAIN_ALLOW_NETWORKS)."
    )]
    Plain,
    #[error(
        "For syslog the token is an element of structured data without its brackets: `TOKEN@41058`, `auth@1 token=\"…\"`."
    )]
    NoStructuredData,
    #[error(
        "The token is for where the drain leads now. Give it again with the new url, another one, or null for none."
    )]
    TokenOfAnother,
    #[error("{0}")]
    Certificates(&'static str),
    #[error(transparent)]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Drains {
    /// Makes a drain. What was printed before is not sent.
    ///
    /// # Errors
    /// When it cannot be as it is asked to be, or the project has as many as it may.
    pub async fn create(
        &self,
        project: ProjectId,
        url: DrainUrl,
        change: DrainChange,
    ) -> Result<Drain, DrainError> {
        let created_at = now();
        let drain = Drain {
            id: DrainId::generate(),
            project_id: project,
            environment_id: None,
            url,
            sealed_token: None,
            certificates: None,
            progress: DrainProgress::default(),
            created_at,
            updated_at: created_at,
        };
        let drain = self.changed_by(drain, change).await?;
        match self.store.create_drain(drain.clone(), MOST_DRAINS).await {
            Ok(()) => {}
            Err(StoreError::Conflict { field: DRAIN_LIMIT }) => return Err(DrainError::TooMany),
            Err(error) => return Err(error.into()),
        }
        self.changed.notify_one();
        Ok(drain)
    }

    /// Changes a drain. What waits in it is sent to where it leads then.
    ///
    /// # Errors
    /// When it cannot be as it is asked to be.
    pub async fn update(
        &self,
        drain: Drain,
        change: DrainChange,
        unless_changed_since: Option<Timestamp>,
    ) -> Result<Drain, DrainError> {
        let drain = self.changed_by(drain, change).await?;
        let drain = self.store.update_drain(&drain, unless_changed_since).await?;
        self.changed.notify_one();
        Ok(drain)
    }

    /// Removes a drain, with what waits in it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove(&self, drain: DrainId) -> Result<(), StoreError> {
        self.store.delete_drain(drain).await?;
        self.changed.notify_one();
        Ok(())
    }

    /// The environment whose lines a drain is for, as people know it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn environment_of(&self, drain: &Drain) -> Result<Option<EnvironmentName>, StoreError> {
        match drain.environment_id {
            Some(id) => Ok(Some(self.store.environment(id).await?.name)),
            None => Ok(None),
        }
    }

    async fn changed_by(&self, mut drain: Drain, change: DrainChange) -> Result<Drain, DrainError> {
        let DrainChange { url, environment, token, certificates } = change;
        if let Some(url) = url {
            // Whoever may change a drain may not read its token.
            if url != drain.url && drain.sealed_token.is_some() && token.is_none() {
                return Err(DrainError::TokenOfAnother);
            }
            drain.url = url;
        }
        self.check_url(&drain.url)?;
        if let Some(name) = environment {
            drain.environment_id = self.environment(drain.project_id, name).await?;
        }
        if let Some(token) = token {
            let seal = |token: DrainToken| {
                self.master_key.seal(&seal_purpose(drain.id), &Secret::new(token.expose().to_owned()))
            };
            drain.sealed_token = token.map(seal);
        }
        if let Some(certificates) = certificates {
            drain.certificates = certificates;
        }
        if let Some(certificates) = &drain.certificates {
            if certificates.len() > LONGEST_CERTIFICATES {
                return Err(DrainError::Certificates("The certificates have at most 64 KiB together."));
            }
            tls::check(certificates).map_err(DrainError::Certificates)?;
        }
        // Also one that was right for where the drain led before.
        let token = self.token_of(&drain)?;
        if drain.url.protocol().is_syslog() && token.is_some_and(|token| !token.is_structured_data()) {
            return Err(DrainError::NoStructuredData);
        }
        Ok(drain)
    }

    /// The token of a drain, opened.
    pub(super) fn token_of(&self, drain: &Drain) -> Result<Option<DrainToken>, SealError> {
        let Some(sealed) = &drain.sealed_token else { return Ok(None) };
        let opened = self.master_key.open(&seal_purpose(drain.id), sealed)?;
        // It was one when it was sealed.
        Ok(opened.expose().parse().ok())
    }

    /// Refuses what could never be sent to. Names are looked up, and judged, whenever they are connected to.
    fn check_url(&self, url: &DrainUrl) -> Result<(), DrainError> {
        let address = url.address();
        if address.is_some_and(|address| !self.guard.admits(address)) {
            return Err(DrainError::NotPublic);
        }
        let named = address.map_or(self.guard.names_any(), |address| self.guard.names(address));
        if url.protocol().is_plain() && !named {
            return Err(DrainError::Plain);
        }
        Ok(())
    }

    async fn environment(
        &self,
        project: ProjectId,
        name: Option<EnvironmentName>,
    ) -> Result<Option<EnvironmentId>, DrainError> {
        let Some(name) = name else { return Ok(None) };
        match self.store.environment_named(project, &name).await? {
            Some(environment) => Ok(Some(environment.id)),
            None => Err(DrainError::NoEnvironment(name)),
        }
    }
}
