//! Passwords that people choose.

use crate::model::secret::Secret;
use std::str::FromStr;

/// A password that may be chosen for an account.
///
/// The one rule is its length (NIST SP 800-63B §5.1.1.2): rules about kinds of characters make passwords worse.
#[derive(Debug, Clone)]
pub struct Password(Secret<String>);

/// A text cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Use {} to {} characters.", Password::MIN_CHARACTERS, Password::MAX_BYTES)]
pub struct InvalidPassword;

impl Password {
    /// Fewest characters of a password.
    pub const MIN_CHARACTERS: usize = 8;
    /// Most bytes of a password: nobody types more, and hashing more is work for whoever asks.
    pub const MAX_BYTES: usize = 256;

    /// The password itself, to be hashed or sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for Password {
    type Err = InvalidPassword;

    fn from_str(text: &str) -> Result<Self, InvalidPassword> {
        if text.chars().count() < Self::MIN_CHARACTERS || text.len() > Self::MAX_BYTES {
            return Err(InvalidPassword);
        }
        Ok(Self(Secret::new(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_the_only_rule() {
        for good in ["12345678", "        ", "ääääääää", &"x".repeat(256)] {
            assert!(good.parse::<Password>().is_ok(), "{good}");
        }
        for bad in ["", "1234567", &"x".repeat(257)] {
            assert!(bad.parse::<Password>().is_err(), "{bad}");
        }
    }
}
