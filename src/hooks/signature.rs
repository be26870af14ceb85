//! Comparing what a request proves itself with. Everything is compared in constant time.

use crate::model::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// HMAC-SHA256 (RFC 2104) of a message in pieces.
fn mac(secret: &Secret<String>, message: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes keys of any length (RFC 2104)");
    for piece in message {
        mac.update(piece);
    }
    mac
}

/// Whether a text is the HMAC-SHA256 of a message in hexadecimal digits, behind what it is to begin with.
pub(super) fn is_signed(
    secret: &Secret<String>,
    message: &[&[u8]],
    prefix: &str,
    signature: Option<&str>,
) -> bool {
    let given = signature.and_then(|text| text.strip_prefix(prefix)).and_then(|text| hex::decode(text).ok());
    // What is no signature is compared all the same: it takes as long.
    mac(secret, message).verify_slice(&given.unwrap_or_default()).is_ok()
}

/// Whether a text is the secret itself.
pub(super) fn is_secret(secret: &Secret<String>, given: Option<&str>) -> bool {
    // Equal where their HMACs are, which have one length.
    let wanted = mac(secret, &[secret.expose().as_bytes()]).finalize().into_bytes();
    mac(secret, &[given.unwrap_or_default().as_bytes()]).verify_slice(&wanted).is_ok()
}

/// Stands for a request that has no id of its own: the same bytes are the same request.
pub(super) fn digest(message: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for piece in message {
        digest.update(piece);
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's "Validating webhook deliveries".
    #[test]
    fn agrees_with_what_github_publishes() {
        let secret = Secret::new("It's a Secret to Everybody".to_owned());
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let signed = |text: &[u8], signature: Option<&str>| is_signed(&secret, &[text], "sha256=", signature);
        assert!(signed(b"Hello, World!", Some(signature)));
        assert!(is_signed(&secret, &[b"Hello, ", b"World!"], "", Some(&signature[7..])));
        for wrong in [
            None,
            Some(""),
            Some("sha256="),
            Some(&signature[7..]),
            Some(&signature[..40]),
            Some(&signature.replace('7', "8")),
        ] {
            assert!(!signed(b"Hello, World!", wrong), "{wrong:?}");
        }
        assert!(!signed(b"Hello, World", Some(signature)));
    }

    #[test]
    fn a_token_is_the_whole_secret() {
        let secret = Secret::new("glh_abc".to_owned());
        assert!(is_secret(&secret, Some("glh_abc")));
        for wrong in [None, Some(""), Some("glh_ab"), Some("glh_abcd"), Some("GLH_ABC")] {
            assert!(!is_secret(&secret, wrong), "{wrong:?}");
        }
    }
}
