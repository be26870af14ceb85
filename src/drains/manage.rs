//! Making, changing and removing drains. Who may is decided by the callers.

use super::error::{DrainError, DrainFault};
use super::{Drains, tls};
use crate::model::drain::{
    Drain, DrainProgress, DrainToken, DrainUrl, LONGEST_CERTIFICATES, MOST_DRAINS, seal_purpose,
};
use crate::model::id::{DrainId, ProjectId};
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
        let (id, created_at) = (DrainId::generate(), now());
        let drain = Drain {
            id,
            project_id: project,
            environment_id: None,
            url: url.shown(),
            sealed_url: self.sealed_url(id, &url),
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

    /// Seals where drains lead that were made before that was done.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seal(&self) -> Result<(), StoreError> {
        for (id, text) in self.store.plain_drains().await? {
            // It was one when it was stored.
            let Ok(url) = text.parse::<DrainUrl>() else { continue };
            self.store.seal_drain(id, &url.shown(), &self.sealed_url(id, &url)).await?;
        }
        Ok(())
    }

    async fn changed_by(&self, mut drain: Drain, change: DrainChange) -> Result<Drain, DrainError> {
        let DrainChange { url, environment, token, certificates } = change;
        let mut faults = Vec::new();
        let before = self.url_of(&drain);
        // One that cannot be opened any more is mended by another one.
        let (url, is_another) = match (url, before) {
            (Some(url), Ok(before)) => (url.clone(), url != before),
            (Some(url), Err(_)) => (url, true),
            (None, before) => (before?, false),
        };
        // Whoever may change a drain may not read its token.
        if is_another && drain.sealed_token.is_some() && token.is_none() {
            faults.push(DrainFault::TokenOfAnother);
        }
        faults.extend(self.fault_of(&url));
        (drain.url, drain.sealed_url) = (url.shown(), self.sealed_url(drain.id, &url));
        if let Some(wanted) = environment {
            drain.environment_id = None;
            if let Some(name) = wanted {
                match self.store.environment_named(drain.project_id, &name).await? {
                    Some(environment) => drain.environment_id = Some(environment.id),
                    None => faults.push(DrainFault::NoEnvironment(name)),
                }
            }
        }
        if let Some(token) = token {
            let seal = |token: DrainToken| {
                self.master_key.seal(&seal_purpose(drain.id), &Secret::new(token.expose().to_owned()))
            };
            drain.sealed_token = token.map(seal);
        }
        drain.certificates = certificates.unwrap_or(drain.certificates);
        faults.extend(drain.certificates.as_deref().and_then(fault_of_certificates));
        // Also one that was right for where the drain led before.
        let token = match self.token_of(&drain) {
            // It was sealed with the same key as the URL: with another one it is asked for.
            Err(_) if !faults.is_empty() => None,
            token => token?,
        };
        let is_element = token.is_none_or(|token| token.is_structured_data());
        if url.protocol().is_syslog() && !is_element && !faults.contains(&DrainFault::TokenOfAnother) {
            faults.push(DrainFault::NoStructuredData);
        }
        if faults.is_empty() { Ok(drain) } else { Err(DrainError::Invalid(faults)) }
    }

    fn sealed_url(&self, id: DrainId, url: &DrainUrl) -> String {
        self.master_key.seal(&seal_purpose(id), &Secret::new(url.as_str().to_owned()))
    }

    /// Where a drain leads, opened.
    pub(super) fn url_of(&self, drain: &Drain) -> Result<DrainUrl, SealError> {
        let opened = self.master_key.open(&seal_purpose(drain.id), &drain.sealed_url)?;
        opened.expose().parse().map_err(|_| SealError::Damaged)
    }

    /// The token of a drain, opened.
    pub(super) fn token_of(&self, drain: &Drain) -> Result<Option<DrainToken>, SealError> {
        let Some(sealed) = &drain.sealed_token else { return Ok(None) };
        let opened = self.master_key.open(&seal_purpose(drain.id), sealed)?;
        // It was one when it was sealed.
        Ok(opened.expose().parse().ok())
    }

    /// What could never be sent to. Names are looked up, and judged, whenever they are connected to.
    fn fault_of(&self, url: &DrainUrl) -> Option<DrainFault> {
        let address = url.address();
        if address.is_some_and(|address| !self.guard.admits(address)) {
            return Some(DrainFault::NotPublic);
        }
        let named = address.map_or(self.guard.names_any(), |address| self.guard.names(address));
        (url.protocol().is_plain() && !named).then_some(DrainFault::Plain)
    }
}

fn fault_of_certificates(certificates: &str) -> Option<DrainFault> {
    if certificates.len() > LONGEST_CERTIFICATES {
        return Some(DrainFault::Certificates("The certificates have at most 64 KiB together."));
    }
    tls::check(certificates).err().map(DrainFault::Certificates)
}
