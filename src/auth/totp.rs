//! Time-based one-time passwords (RFC 6238), as every authenticator app makes them: HMAC-SHA-1, 30 seconds, six digits.
//!
//! SHA-1 is what the apps can do. The attacks on it are on collisions, which HMAC does not rest on (RFC 6151 §2.3 says the
//! same of MD5).

use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

/// Seconds of a time step (RFC 6238 §5.2).
const STEP_SECONDS: i64 = 30;
/// Steps by which the clock of a phone may be wrong, in each direction (RFC 6238 §5.2).
const DRIFT: i64 = 1;
const MODULUS: u32 = 1_000_000;

/// The secret that codes are made of: 160 bits, as RFC 4226 §4 recommends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpSecret(Secret<Vec<u8>>);

impl TotpSecret {
    /// A new secret.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret::new(rand::random::<[u8; 20]>().to_vec()))
    }

    /// The secret as apps take it: base 32 without padding (RFC 4648 §6).
    #[must_use]
    pub fn base32(&self) -> Secret<String> {
        Secret::new(BASE32_NOPAD.encode(self.0.expose()))
    }

    /// The secret that a text in base 32 stands for.
    #[must_use]
    pub fn from_base32(text: &Secret<String>) -> Option<Self> {
        BASE32_NOPAD.decode(text.expose().as_bytes()).ok().map(Secret::new).map(Self)
    }

    /// What an app reads from a QR code, for the account `name` on the server `issuer` (the Key URI format of Google
    /// Authenticator).
    #[must_use]
    pub fn otpauth_url(&self, issuer: &str, name: &str) -> Secret<String> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (issuer, name) = (encode(issuer), encode(name));
        let secret = self.base32();
        Secret::new(format!("otpauth://totp/{issuer}:{name}?secret={}&issuer={issuer}", secret.expose()))
    }

    /// The newest time step, around a time, whose code this is. `None` for a wrong code.
    #[must_use]
    pub fn step_of(&self, code: &str, at: Timestamp) -> Option<i64> {
        let code = code
            .parse::<u32>()
            .ok()
            .filter(|_| code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()))?;
        let now = at.timestamp().div_euclid(STEP_SECONDS);
        (now - DRIFT..=now + DRIFT).rev().find(|step| self.code(*step) == code)
    }

    /// The code of a step (RFC 4226 §5.3).
    fn code(&self, step: i64) -> u32 {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(self.0.expose()) else { return MODULUS };
        mac.update(&step.to_be_bytes());
        let digest: [u8; 20] = mac.finalize().into_bytes().into();
        let offset = usize::from(digest[19] & 0xf);
        let mut word = [0_u8; 4];
        word.copy_from_slice(&digest[offset..offset + 4]);
        (u32::from_be_bytes(word) & 0x7fff_ffff) % MODULUS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// RFC 6238 appendix B, the last six of the eight digits.
    #[test]
    fn agrees_with_the_rfc() {
        let secret = TotpSecret(Secret::new(b"12345678901234567890".to_vec()));
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.step_of(code, at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_wrong_by_one_step() {
        let secret = TotpSecret::generate();
        let code = format!("{:06}", secret.code(100));
        for (seconds, accepted) in [(2969, false), (2970, true), (3000, true), (3059, true), (3060, false)] {
            assert_eq!(secret.step_of(&code, at(seconds)) == Some(100), accepted, "{seconds}");
        }
    }

    #[test]
    fn what_is_no_code_is_wrong() {
        let secret = TotpSecret::generate();
        for text in ["", "12345", "1234567", "+12345", " 12345", "１２３４５６", "abcdef"] {
            assert_eq!(secret.step_of(text, at(3000)), None, "{text}");
        }
    }

    #[test]
    fn a_secret_survives_its_text() {
        let secret = TotpSecret::generate();
        assert_eq!(TotpSecret::from_base32(&secret.base32()), Some(secret.clone()));
        let url = secret.otpauth_url("gilgal apps.test", "ada@example.com").into_exposed();
        assert!(url.starts_with("otpauth://totp/gilgal%20apps%2Etest:ada%40example%2Ecom?secret="), "{url}");
        assert!(!format!("{secret:?}").contains(secret.base32().expose()));
    }
}
