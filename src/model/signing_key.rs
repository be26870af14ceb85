//! Keys that sign access tokens.

use crate::model::id::SigningKeyId;
use crate::model::time::Timestamp;

/// A key that signs access tokens, without the key: it is derived from the master key by this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningKey {
    /// The `kid` of the tokens that it signs.
    pub id: SigningKeyId,
    pub created_at: Timestamp,
    /// Since when it signs no more. Tokens that it signed before are accepted until they expire.
    pub retired_at: Option<Timestamp>,
}
