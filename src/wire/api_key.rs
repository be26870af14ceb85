//! Bodies of `/api/api-keys`.

use crate::model::api_key::ApiKey;
use crate::model::id::ApiKeyId;
use crate::model::scope::Scope;
use crate::model::time::Timestamp;
use crate::model::title::Title;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/api-keys`.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
pub struct NewApiKeyBody {
    pub title: Title,
    /// One at least.
    #[schema(min_items = 1)]
    pub scopes: Vec<Scope>,
    /// In the future; without it the key does not expire.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

impl Body for NewApiKeyBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (title, expires_at) = (form.required("title"), form.optional::<Timestamp>("expires_at"));
        let scopes: Option<Vec<Scope>> =
            form.required_value("scopes", "a list of read, deploy, write and admin");
        if scopes.as_ref().is_some_and(Vec::is_empty) {
            form.refuse("scopes", "Give one scope at least: read, deploy, write or admin.");
        }
        if expires_at.is_some_and(|at| at <= crate::model::time::now()) {
            form.refuse("expires_at", "This is not in the future.");
        }
        Some(Self { title: title?, scopes: scopes?, expires_at })
    }
}

/// `POST /api/api-keys/:id/rotate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub struct RotateApiKeyBody {
    /// Seconds for which the key until now is accepted too: none unless given, a week at most.
    #[schema(value_type = Option<u32>, maximum = 604_800)]
    pub overlap_seconds: u32,
}

impl RotateApiKeyBody {
    /// Longest time for which two keys are accepted.
    pub const LONGEST_OVERLAP: u32 = 7 * 24 * 60 * 60;
}

impl Body for RotateApiKeyBody {
    fn take(form: &mut Form) -> Option<Self> {
        let overlap =
            form.optional_value::<u32>("overlap_seconds", "a number of seconds, a week (604800) at most");
        let overlap_seconds = overlap.unwrap_or(0);
        if overlap_seconds > Self::LONGEST_OVERLAP {
            form.refuse("overlap_seconds", "This must be a week (604800) at most.");
        }
        Some(Self { overlap_seconds })
    }
}

/// An API key of the account, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyBody {
    pub id: ApiKeyId,
    pub title: String,
    /// How the key begins.
    pub hint: String,
    pub scopes: Vec<Scope>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// Until when the key from before the last rotation is accepted too.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<ApiKey> for ApiKeyBody {
    fn from(key: ApiKey) -> Self {
        let ApiKey {
            id,
            user_id: _,
            title,
            hint,
            scopes,
            expires_at,
            last_used_at,
            previous_until,
            created_at,
        } = key;
        Self { id, title, hint, scopes, expires_at, last_used_at, previous_until, created_at }
    }
}

/// The answer to making and to rotating a key: the only time that the key itself is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownApiKeyBody {
    /// What `Authorization: Bearer` takes.
    pub key: String,
    #[serde(flatten)]
    pub api_key: ApiKeyBody,
}
