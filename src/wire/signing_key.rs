//! Bodies of `/api/signing-keys`.

use crate::model::id::SigningKeyId;
use crate::model::signing_key::SigningKey;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key that signs access tokens, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SigningKeyBody {
    /// The `kid` of the tokens that it signs.
    pub id: SigningKeyId,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Since when it signs no more; `null` for the one that does.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retired_at: Option<Timestamp>,
}

impl From<SigningKey> for SigningKeyBody {
    fn from(key: SigningKey) -> Self {
        let SigningKey { id, created_at, retired_at } = key;
        Self { id, created_at, retired_at }
    }
}
