//! The master key.

use crate::config::Home;
use crate::model::secret::Secret;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::{Digest, Sha256};
use std::io;
use std::path::PathBuf;

const NONCE_BYTES: usize = 12;

/// The key from which everything secret on this server follows.
#[derive(Clone)]
pub struct MasterKey {
    bytes: Secret<[u8; 32]>,
    fingerprint: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("MasterKey").field(&self.fingerprint).finish()
    }
}

/// Why the master key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{} does not hold a key of 64 hexadecimal digits", .0.display())]
    Malformed(PathBuf),
    #[error("cannot use the key in {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Why a sealed value cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the value is sealed with another key ({0}); restore that master.key")]
    OtherKey(String),
    #[error("the sealed value is damaged")]
    Damaged,
}

impl MasterKey {
    /// The key of a home, made on first use (mode 0600).
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub fn of(home: &Home) -> Result<Self, KeyError> {
        let path = home.master_key();
        let text = crate::config::read_or_create(&path, || {
            let mut bytes = [0_u8; 32];
            rand::rng().fill_bytes(&mut bytes);
            format!("{}\n", hex::encode(bytes))
        })
        .map_err(|source| KeyError::Io { path: path.clone(), source })?;
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError::Malformed(path))?;
        Ok(Self::from_bytes(bytes))
    }

    /// A key of given bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let fingerprint = hex::encode(&Sha256::digest(bytes)[..4]);
        Self { bytes: Secret::new(bytes), fingerprint }
    }

    /// A key for one purpose, which says nothing about the master key or the keys of other purposes.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Secret<[u8; 32]> {
        // An HMAC as a pseudo-random function is the extract-and-expand step of RFC 5869 for one block.
        let mut function = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.bytes.expose())
            .expect("HMAC takes keys of any length (RFC 2104)");
        function.update(purpose.as_bytes());
        Secret::new(function.finalize().into_bytes().into())
    }

    /// Seals a value for a purpose.
    ///
    /// # Panics
    /// Never: GCM refuses only messages of more than 64 GiB.
    #[must_use]
    pub fn seal(&self, purpose: &str, value: &Secret<String>) -> String {
        let mut nonce = [0_u8; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: value.expose().as_bytes(), aad: purpose.as_bytes() };
        let mut sealed = nonce.to_vec();
        let ciphertext = self.cipher().encrypt(&Nonce::from(nonce), payload);
        sealed.extend(ciphertext.expect("GCM refuses only messages of more than 64 GiB"));
        format!("v1.{}.{}", self.fingerprint, URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a value that was sealed for the same purpose.
    ///
    /// # Errors
    /// When it was sealed with another key, for another purpose, or was changed.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Secret<String>, SealError> {
        let mut parts = sealed.splitn(3, '.');
        let (Some("v1"), Some(fingerprint), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SealError::Damaged);
        };
        if fingerprint != self.fingerprint {
            return Err(SealError::OtherKey(fingerprint.to_owned()));
        }
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError::Damaged)?;
        let (nonce, ciphertext) = body.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Damaged)?;
        let payload = Payload { msg: ciphertext, aad: purpose.as_bytes() };
        let value = self.cipher().decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::Damaged)?;
        String::from_utf8(value).map(Secret::new).map_err(|_| SealError::Damaged)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.derive("seal").expose().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_the_same_key_and_purpose() {
        let key = MasterKey::from_bytes([7; 32]);
        let sealed = key.seal("environment 1", &Secret::new("hunter2".to_owned()));
        assert!(!sealed.contains("hunter2"));
        assert_eq!(key.open("environment 1", &sealed).unwrap().expose(), "hunter2");
        assert_eq!(key.open("environment 2", &sealed), Err(SealError::Damaged));
        let other = MasterKey::from_bytes([8; 32]);
        assert!(matches!(other.open("environment 1", &sealed), Err(SealError::OtherKey(_))));
        let mut changed = sealed.clone().into_bytes();
        let last = changed.len() - 2;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        assert_eq!(key.open("environment 1", &String::from_utf8(changed).unwrap()), Err(SealError::Damaged));
    }

    #[test]
    fn derived_keys_differ_by_purpose() {
        let key = MasterKey::from_bytes([7; 32]);
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_eq!(key.derive("a"), key.derive("a"));
    }
}
