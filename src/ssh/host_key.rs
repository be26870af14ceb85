//! The server's own key, by which clients know it again.

use russh::keys::ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey};
use std::io;
use std::path::Path;

/// Reads the host key, or makes an ed25519 one (mode 0600) on the first start.
pub(super) fn read_or_create(path: &Path) -> io::Result<PrivateKey> {
    let mut made = None;
    let text = crate::config::read_or_create(path, || {
        let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519);
        let text = key.and_then(|key| key.to_openssh(LineEnding::LF));
        text.map_or_else(
            |error| {
                made = Some(error);
                String::new()
            },
            |text| text.to_string(),
        )
    })?;
    if let Some(error) = made {
        return Err(io::Error::other(error));
    }
    PrivateKey::from_openssh(&text).map_err(io::Error::other)
}

/// `SHA256:…`, as `ssh-keygen -l` prints it.
pub(super) fn fingerprint(key: &PrivateKey) -> String {
    key.public_key().fingerprint(HashAlg::Sha256).to_string()
}
