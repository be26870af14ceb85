//! What an authenticator app shows (RFC 6238), written apart from the server's.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The code of a secret in a time step.
pub(crate) fn totp(secret: &str, step: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(&BASE32_NOPAD.decode(secret.as_bytes()).unwrap()).unwrap();
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 15);
    let word = u32::from_be_bytes(digest[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// The present time step.
pub(crate) fn totp_step() -> u64 {
    u64::try_from(gilgal::model::time::now().timestamp()).unwrap() / 30
}
