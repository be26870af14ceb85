//! The second factor of an account: a code that changes every 30 seconds.

use crate::model::id::UserId;
use crate::model::time::Timestamp;

/// What the secret of an account is sealed for: it opens for this account only.
#[must_use]
pub fn seal_purpose(user: UserId) -> String {
    format!("second factor of {user}")
}

/// What is known of an account's second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The secret that the codes are made of, sealed with the master key.
    pub sealed_secret: String,
    /// Set once a code has proved that its owner has the secret: a login needs one from then on.
    pub confirmed_at: Option<Timestamp>,
    /// The newest time step of which a code was used.
    pub last_step: i64,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: i64,
}
