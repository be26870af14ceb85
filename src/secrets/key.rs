//! One key: what is sealed with it, and what is derived from it.

use crate::model::secret::Secret;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::{Digest, Sha256};

const NONCE_BYTES: usize = 12;

/// A key with the name by which what it has sealed knows it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    bytes: Secret<[u8; 32]>,
    fingerprint: String,
}

/// Why a sealed value cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the value is sealed with another key ({0}); restore that master.key")]
    OtherKey(String),
    #[error("the sealed value is damaged")]
    Damaged,
}

impl Key {
    pub(super) fn generate() -> Self {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self::from_bytes(bytes)
    }

    /// The key that 64 hexadecimal digits stand for.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self::from_bytes(bytes))
    }

    pub(super) fn to_text(&self) -> String {
        hex::encode(self.bytes.expose())
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        let fingerprint = hex::encode(&Sha256::digest(bytes)[..4]);
        Self { bytes: Secret::new(bytes), fingerprint }
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A key for one purpose, which says nothing about this one or the keys of other purposes.
    pub(super) fn derive(&self, purpose: &str) -> Secret<[u8; 32]> {
        // An HMAC as a pseudo-random function is the extract-and-expand step of RFC 5869 for one block.
        let mut function = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.bytes.expose())
            .expect("HMAC takes keys of any length (RFC 2104)");
        function.update(purpose.as_bytes());
        Secret::new(function.finalize().into_bytes().into())
    }

    pub(super) fn seal(&self, purpose: &str, value: &Secret<String>) -> String {
        let mut nonce = [0_u8; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: value.expose().as_bytes(), aad: purpose.as_bytes() };
        let mut sealed = nonce.to_vec();
        let ciphertext = self.cipher().encrypt(&Nonce::from(nonce), payload);
        sealed.extend(ciphertext.expect("GCM refuses only messages of more than 64 GiB"));
        format!("v1.{}.{}", self.fingerprint, URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens the body of a value that this key has sealed.
    pub(super) fn open(&self, purpose: &str, body: &str) -> Result<Secret<String>, SealError> {
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

/// The fingerprint of the key that has sealed a value, and the sealed body.
pub(super) fn take_apart(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix("v1.")?.split_once('.')
}
