//! Bodies of `/api/keys`.

use crate::model::id::SshKeyId;
use crate::model::ssh_public_key::SshPublicKey;
use crate::model::time::Timestamp;
use crate::model::title::Title;
use crate::model::user::SshKey;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/keys`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewKey {
    pub title: Title,
    /// A line in OpenSSH's format, as in `id_ed25519.pub`.
    #[schema(value_type = String)]
    pub public_key: SshPublicKey,
}

impl Body for NewKey {
    fn take(form: &mut Form) -> Option<Self> {
        let (title, public_key) = (form.required("title"), form.required("public_key"));
        Some(Self { title: title?, public_key: public_key? })
    }
}

/// An SSH key of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyBody {
    pub id: SshKeyId,
    pub title: String,
    pub fingerprint: String,
    pub public_key: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

impl From<SshKey> for KeyBody {
    fn from(key: SshKey) -> Self {
        let SshKey { id, user_id: _, title, public_key, fingerprint, created_at, last_used_at } = key;
        Self { id, title, fingerprint, public_key, created_at, last_used_at }
    }
}
