//! Identifiers: one type per noun, so that a project's id cannot be passed where an environment's is wanted.
//!
//! All are UUIDv7 (RFC 9562 §5.7): they sort by creation time and reveal nothing that counts rows.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The text was not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an id")]
pub struct InvalidId(String);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, later in order than every id made before it on this machine.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id that a stored UUID stands for.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID to store.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId(text.chars().take(64).collect()))
            }
        }
    )+};
}

ids! {
    /// Identifies a [`crate::model::user::User`].
    UserId,
    /// Identifies an SSH key of a user.
    SshKeyId,
    /// Identifies an API key of a user.
    ApiKeyId,
    /// Identifies one refresh token.
    RefreshTokenId,
    /// Identifies the chain of refresh tokens that came from one login.
    TokenFamilyId,
    /// Identifies an entry of the audit log.
    AuditEntryId,
    /// Identifies an invitation to sign up.
    InvitationId,
    /// Identifies a key that signs access tokens.
    SigningKeyId,
    /// Identifies a project.
    ProjectId,
    /// Identifies an environment of a project.
    EnvironmentId,
    /// Identifies a configuration file of an environment.
    ConfigFileId,
    /// Identifies a change of an environment's config vars or files.
    ConfigChangeId,
    /// Identifies a run of a command of a schedule.
    CronRunId,
    /// Identifies a log drain of a project.
    DrainId,
    /// Identifies the connection of a project to a repository elsewhere.
    HookId,
    /// Identifies what has come for such a connection.
    HookDeliveryId,
    /// Identifies a pull request that has a preview, or waits for one.
    PreviewId,
    /// Identifies a webhook of a project.
    WebhookId,
    /// Identifies one event that a webhook is told.
    WebhookDeliveryId,
    /// Identifies something that has happened to a project.
    EventId,
    /// Identifies a deployment.
    DeploymentId,
    /// Identifies a release.
    ReleaseId,
    /// Identifies a job in the queue.
    JobId,
    /// Identifies one server installation; the value of the `gilgal.server` label.
    ServerId,
}
