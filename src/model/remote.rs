//! What a project is known by to the hosts that repositories and images come from, and what it knows of them.

use crate::model::id::ProjectId;
use crate::model::remote_host::RemoteHost;
use crate::model::time::Timestamp;

/// Who a host is told that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCredential {
    pub host: RemoteHost,
    pub username: String,
    /// A password or a token, sealed with the master key for [`credential_purpose`].
    pub sealed_password: String,
    pub updated_at: Timestamp,
}

/// The key with which a project fetches over SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployKey {
    /// The public half, as a line of `authorized_keys`.
    pub public_key: String,
    /// The private half in OpenSSH's format, sealed with the master key for [`deploy_key_purpose`].
    pub sealed_private_key: String,
    pub created_at: Timestamp,
}

/// A host that a project has fetched from over SSH, and by which keys it is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHost {
    pub host: RemoteHost,
    /// Lines of `known_hosts` (sshd(8)), each for the name of the host.
    pub host_keys: String,
    pub first_seen_at: Timestamp,
}

/// What the password of a credential is sealed for: it opens for this project and this host only.
#[must_use]
pub fn credential_purpose(project: ProjectId, host: &RemoteHost) -> String {
    format!("credential of project {project} for {host}")
}

/// What the private half of a deploy key is sealed for.
#[must_use]
pub fn deploy_key_purpose(project: ProjectId) -> String {
    format!("deploy key of project {project}")
}
