//! Comparing what a request proves itself with. Everything is compared in constant time.

use crate::model::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Signatures of one request that are looked at: whoever signs with another key for a while sends two.
const MOST_SIGNATURES: usize = 4;

/// HMAC-SHA256 (RFC 2104) of a message in pieces.
fn mac(key: &[u8], message: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length (RFC 2104)");
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
    mac(secret.expose().as_bytes(), message).verify_slice(&given.unwrap_or_default()).is_ok()
}

/// Whether one of some signatures is the HMAC-SHA256 of a message in base64, as Standard Webhooks has them: `v1,…`, with
/// spaces between them.
pub(super) fn is_one_signed(key: &[u8], message: &[&[u8]], signatures: Option<&str>) -> bool {
    let mac = mac(key, message);
    let given = signatures.unwrap_or_default().split(' ').take(MOST_SIGNATURES);
    // Each is compared, whatever the others are.
    given.fold(false, |is_signed, signature| {
        let given = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        mac.clone().verify_slice(&given.unwrap_or_default()).is_ok() || is_signed
    })
}

/// Whether a text is the secret itself.
pub(super) fn is_secret(secret: &Secret<String>, given: Option<&str>) -> bool {
    // Equal where their HMACs are, which have one length.
    let key = secret.expose().as_bytes();
    let wanted = mac(key, &[key]).finalize().into_bytes();
    mac(key, &[given.unwrap_or_default().as_bytes()]).verify_slice(&wanted).is_ok()
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

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn agrees_with_standard_webhooks() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message: [&[u8]; 5] =
            [b"msg_p5jXN8AQM9LWM0D4loKWxJek", b".", b"1614265330", b".", br#"{"test": 2432232314}"#];
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let signed = |signatures: Option<&str>| is_one_signed(&key, &message, signatures);
        for right in [signature.to_owned(), format!("v1,AAAA {signature}"), format!("v1a,x {signature} v2,y")]
        {
            assert!(signed(Some(&right)), "{right}");
        }
        let many = format!("{}{signature}", "v1,AAAA ".repeat(MOST_SIGNATURES));
        for wrong in
            [None, Some(""), Some("v1,"), Some(&signature[3..]), Some(&signature[..40]), Some(&*many)]
        {
            assert!(!signed(wrong), "{wrong:?}");
        }
        assert!(!is_one_signed(&key[1..], &message, Some(signature)));
        assert!(!is_one_signed(&key, &message[1..], Some(signature)));
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
