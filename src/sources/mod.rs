//! What a project needs to get something from elsewhere: credentials for hosts, a key of its own, the keys of hosts, the
//! APIs of the providers of repositories, and the files that Git LFS keeps.
//!
//! Not here: the fetching itself (`git`), the pulling of images (`build`), and when either is done (`deploy`).

mod deploy_key;
mod large_files;
mod provider;
mod refusal;

pub use large_files::{LargeFileError, LargeFiles, MOST_AT_ONCE, Place};
pub use provider::{Call, Providers, Session, Unopened, Verb};
pub use refusal::Refusal;

use crate::model::id::ProjectId;
use crate::model::remote::{DeployKey, KnownHost, RemoteCredential, credential_purpose, deploy_key_purpose};
use crate::model::remote_host::RemoteHost;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::secrets::{MasterKey, SealError};
use crate::store::{KNOWN_HOST_LIMIT, Store, StoreError};

/// Credentials that a project may have.
pub const MOST_CREDENTIALS: u32 = 100;
/// Hosts whose keys a project may know.
pub const MOST_KNOWN_HOSTS: u32 = 100;

/// The sources of projects.
#[derive(Clone)]
pub struct Sources {
    store: Store,
    key: MasterKey,
}

/// Something of the sources of a project cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// Of what is kept under seal.
    #[error("{what} cannot be opened: {source}")]
    Sealed { what: String, source: SealError },
    #[error("The project knows the keys of {MOST_KNOWN_HOSTS} hosts: no other one is fetched from over SSH.")]
    TooManyHosts,
    #[error("a deploy key cannot be made")]
    Key(#[from] deploy_key::KeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who a host is told that asks, opened.
#[derive(Debug, Clone)]
pub struct OpenCredential {
    pub username: String,
    pub password: Secret<String>,
}

impl Sources {
    /// The sources as they are kept in a database, under a key.
    #[must_use]
    pub const fn new(store: Store, key: MasterKey) -> Self {
        Self { store, key }
    }

    /// The credentials of a project, by host.
    pub async fn list_credentials(&self, project: ProjectId) -> Result<Vec<RemoteCredential>, SourcesError> {
        Ok(self.store.remote_credentials(project).await?)
    }

    /// The credential of a project for a host, opened.
    ///
    /// # Errors
    /// When it was sealed with another key.
    pub async fn credential(
        &self,
        project: ProjectId,
        host: &RemoteHost,
    ) -> Result<Option<OpenCredential>, SourcesError> {
        let Some(found) = self.store.remote_credential(project, host).await? else { return Ok(None) };
        let password = self.key.open(&credential_purpose(project, host), &found.sealed_password);
        let closed = |source| SourcesError::Sealed { what: format!("The password for {host}"), source };
        Ok(Some(OpenCredential { username: found.username, password: password.map_err(closed)? }))
    }

    /// Sets the credential of a project for a host.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`crate::store::CREDENTIAL_LIMIT`] when there are [`MOST_CREDENTIALS`] for other hosts.
    pub async fn set_credential(
        &self,
        project: ProjectId,
        host: RemoteHost,
        username: String,
        password: &Secret<String>,
    ) -> Result<RemoteCredential, SourcesError> {
        let sealed_password = self.key.seal(&credential_purpose(project, &host), password);
        let credential = RemoteCredential { host, username, sealed_password, updated_at: now() };
        self.store.set_remote_credential(project, credential.clone(), MOST_CREDENTIALS).await?;
        Ok(credential)
    }

    /// Removes the credential of a project for a host.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn remove_credential(&self, project: ProjectId, host: &RemoteHost) -> Result<(), SourcesError> {
        Ok(self.store.remove_remote_credential(project, host).await?)
    }

    /// The deploy key of a project, made where there is none.
    pub async fn deploy_key(&self, project: ProjectId) -> Result<DeployKey, SourcesError> {
        match self.store.deploy_key(project).await? {
            Some(key) => Ok(key),
            // Of several who ask at the same time one gives it its key.
            None => Ok(self.store.ensure_deploy_key(project, self.new_deploy_key(project)?).await?),
        }
    }

    /// Gives a project another deploy key; the one until now is forgotten.
    pub async fn rotate_deploy_key(&self, project: ProjectId) -> Result<DeployKey, SourcesError> {
        let key = self.new_deploy_key(project)?;
        self.store.replace_deploy_key(project, key.clone()).await?;
        Ok(key)
    }

    /// The private half of a deploy key.
    ///
    /// # Errors
    /// When it was sealed with another key.
    pub fn open_deploy_key(
        &self,
        project: ProjectId,
        key: &DeployKey,
    ) -> Result<Secret<String>, SourcesError> {
        let opened = self.key.open(&deploy_key_purpose(project), &key.sealed_private_key);
        opened.map_err(|source| SourcesError::Sealed { what: "The deploy key".to_owned(), source })
    }

    /// The hosts whose keys a project knows.
    pub async fn known_hosts(&self, project: ProjectId) -> Result<Vec<KnownHost>, SourcesError> {
        Ok(self.store.known_hosts(project).await?)
    }

    /// The keys by which a project knows a host, as lines of `known_hosts`; none where it was never met.
    ///
    /// # Errors
    /// [`SourcesError::TooManyHosts`] where it was never met, and could not be noted.
    pub async fn host_keys(
        &self,
        project: ProjectId,
        host: &RemoteHost,
    ) -> Result<Option<String>, SourcesError> {
        match self.store.known_host(project, host).await? {
            Some(known) => Ok(Some(known.host_keys)),
            None if self.store.count_known_hosts(project).await? >= i64::from(MOST_KNOWN_HOSTS) => {
                Err(SourcesError::TooManyHosts)
            }
            None => Ok(None),
        }
    }

    /// Notes the keys of a host that was met for the first time.
    ///
    /// # Errors
    /// [`SourcesError::TooManyHosts`]
    pub async fn note_host_keys(
        &self,
        project: ProjectId,
        host: &RemoteHost,
        keys: &str,
    ) -> Result<(), SourcesError> {
        match self.store.note_known_host(project, host, keys, MOST_KNOWN_HOSTS).await {
            Err(StoreError::Conflict { field: KNOWN_HOST_LIMIT }) => Err(SourcesError::TooManyHosts),
            outcome => Ok(outcome?),
        }
    }

    /// Forgets the keys of a host.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there are none.
    pub async fn forget_host(&self, project: ProjectId, host: &RemoteHost) -> Result<(), SourcesError> {
        Ok(self.store.forget_known_host(project, host).await?)
    }

    fn new_deploy_key(&self, project: ProjectId) -> Result<DeployKey, SourcesError> {
        let (public_key, private_key) = deploy_key::generate(&format!("gilgal-{project}"))?;
        let sealed_private_key = self.key.seal(&deploy_key_purpose(project), &private_key);
        Ok(DeployKey { public_key, sealed_private_key, created_at: now() })
    }
}
