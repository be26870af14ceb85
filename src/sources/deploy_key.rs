//! Making deploy keys.

use crate::model::secret::Secret;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

/// A key could not be written down.
#[derive(Debug, thiserror::Error)]
#[error("a key pair cannot be written")]
pub struct KeyError(#[from] ssh_key::Error);

/// A new ed25519 key pair (RFC 8709): the public half as a line of `authorized_keys`, the private one in OpenSSH's format.
///
/// # Errors
/// When the pair cannot be encoded, which is a mistake in this program.
pub(super) fn generate(comment: &str) -> Result<(String, Secret<String>), KeyError> {
    let seed: [u8; 32] = rand::random();
    let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
    let key = PrivateKey::new(pair, comment)?;
    let private = key.to_openssh(LineEnding::LF)?;
    Ok((key.public_key().to_openssh()?, Secret::new(private.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_a_new_one_that_ssh_can_read() {
        let (public, private) = generate("gilgal-shop").unwrap();
        assert!(public.starts_with("ssh-ed25519 ") && public.ends_with(" gilgal-shop"), "{public}");
        let read = PrivateKey::from_openssh(private.expose()).unwrap();
        assert_eq!(read.public_key().to_openssh().unwrap(), public);
        assert_ne!(generate("gilgal-shop").unwrap().0, public);
    }
}
