//! Bodies of what a project needs to get something from elsewhere.

use crate::model::remote_host::RemoteHost;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most bytes of a user name, and of a password: room for a token that is signed.
const LONGEST_USERNAME: usize = 255;
const LONGEST_PASSWORD: usize = 8192;

/// The public half of the key with which a project fetches over SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeployKeyBody {
    /// As a line of `authorized_keys`.
    pub public_key: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Who a host is told that asks, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialBody {
    #[schema(value_type = String)]
    pub host: RemoteHost,
    pub username: String,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// `PUT /api/projects/:id/credentials/:host`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct PutCredentialBody {
    pub username: String,
    /// A password, or a token in its place.
    #[schema(value_type = String, format = Password)]
    pub password: Secret<String>,
}

impl Body for PutCredentialBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (username, password): (Option<String>, Option<String>) =
            (form.required("username"), form.required("password"));
        let (username, password) = (username?, password?);
        if username.is_empty()
            || username.len() > LONGEST_USERNAME
            || username.contains(|c: char| c == ':' || c.is_control())
        {
            form.refuse("username", "A user name has 1 to 255 characters, and no colon among them.");
        }
        if password.is_empty() || password.len() > LONGEST_PASSWORD || password.contains(char::is_control) {
            form.refuse("password", "A password or a token is one line of 1 to 8192 characters.");
        }
        Some(Self { username, password: Secret::new(password) })
    }
}

/// A host that was fetched from over SSH, and the keys by which it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownHostBody {
    #[schema(value_type = String)]
    pub host: RemoteHost,
    /// Each with its algorithm.
    pub host_keys: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub first_seen_at: Timestamp,
}
