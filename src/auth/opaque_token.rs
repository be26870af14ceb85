//! Tokens that mean nothing by themselves: random, kept only as a hash.

use crate::model::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What a token is for. It begins with a word of its kind, so that a leaked one is recognised by scanners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Refresh,
    ApiKey,
    Invitation,
    /// What signs the deliveries of a hook; it is kept sealed, not as a hash.
    Hook,
    /// What a webhook signs with: it is kept sealed, and not as a hash.
    Webhook,
}

impl Kind {
    /// How every token of the kind begins.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "glr_",
            Self::ApiKey => "glg_",
            Self::Invitation => "gli_",
            Self::Hook => "glh_",
            Self::Webhook => "glw_",
        }
    }
}

/// A new token of 256 random bits.
#[must_use]
pub fn generate(kind: Kind) -> Secret<String> {
    Secret::new(format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())))
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
        for kind in [Kind::Refresh, Kind::ApiKey, Kind::Invitation, Kind::Hook, Kind::Webhook] {
            let (one, other) = (generate(kind), generate(kind));
            assert_ne!(one.expose(), other.expose());
            assert_eq!(one.expose().len(), kind.prefix().len() + 43, "256 bits in base64");
            assert_eq!(hash(&one), hash(&one));
            assert_ne!(hash(&one), hash(&other));
            assert!(!hash(&one).contains(one.expose()));
        }
    }
}
