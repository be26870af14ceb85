//! Refresh tokens: opaque, used once, kept only as a hash.

use crate::model::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Days after which an unused refresh token is not accepted any more.
pub const LIFETIME_DAYS: i64 = 30;

/// What every refresh token begins with, so that a leaked one is recognised by scanners.
const PREFIX: &str = "glr_";

/// A new token of 256 random bits.
#[must_use]
pub fn generate() -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())))
}

/// What the database keeps of a token: its SHA-256 in hexadecimal digits.
///
/// A fast hash without a salt is enough, because 256 random bits cannot be guessed, unlike a password.
#[must_use]
pub fn hash(token: &Secret<String>) -> String {
    hex::encode(Sha256::digest(token.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_hash_to_the_same_value_each_time() {
        let (one, other) = (generate(), generate());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), PREFIX.len() + 43, "256 bits in base64");
        assert_eq!(hash(&one), hash(&one));
        assert_ne!(hash(&one), hash(&other));
        assert!(!hash(&one).contains(one.expose()));
    }
}
