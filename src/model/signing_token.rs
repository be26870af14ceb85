//! Secrets that providers make themselves to sign with: those of Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use super::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::ops::RangeInclusive;
use std::str::FromStr;

const PREFIX: &str = "whsec_";
/// Bytes that a key may have.
const LENGTHS: RangeInclusive<usize> = 24..=64;

/// A secret of the form `whsec_` and a key in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningToken(Secret<String>);

/// What was given is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This must be `whsec_` and 24 to 64 bytes in base64, as the provider has shown it.")]
pub struct NoSigningToken;

impl SigningToken {
    /// The token as it is kept: the secret of a connection.
    #[must_use]
    pub fn into_secret(self) -> Secret<String> {
        self.0
    }
}

impl FromStr for SigningToken {
    type Err = NoSigningToken;

    fn from_str(text: &str) -> Result<Self, NoSigningToken> {
        key_of(text).map(|_| Self(Secret::new(text.to_owned()))).ok_or(NoSigningToken)
    }
}

/// The key that a secret stands for; `None` where it is one of another kind.
#[must_use]
pub fn key_of(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    LENGTHS.contains(&key.len()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_key_of_its_kind() {
        let token = format!("{PREFIX}{}", STANDARD.encode([7; 32]));
        assert_eq!(key_of(&token), Some(vec![7; 32]));
        assert_eq!(token.parse::<SigningToken>().unwrap().into_secret().expose(), &token);
        let of = |length: usize| format!("{PREFIX}{}", STANDARD.encode(vec![7; length]));
        for wrong in ["", "whsec_", "glh_abc", &token[6..], &token[..20], &of(23), &of(65), "whsec_#"] {
            assert_eq!(wrong.parse::<SigningToken>(), Err(NoSigningToken), "{wrong}");
        }
    }
}
