//! Signatures of what is sent to webhooks, in the manner of Stripe: HMAC with SHA-256 over the time, a dot and the body.

use crate::model::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of the header: `t=<seconds since 1970>,v1=<hexadecimal digits>`, with one `v1` for each secret that signs.
#[must_use]
pub fn signature(secrets: &[Secret<String>], seconds: i64, body: &str) -> String {
    let mut header = format!("t={seconds}");
    for secret in secrets {
        header.push_str(",v1=");
        header.push_str(&digits(secret, &format!("{seconds}.{body}")));
    }
    header
}

fn digits(secret: &Secret<String>, text: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes keys of any length (RFC 2104)");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_has_a_known_signature() {
        // Of `printf '1492774577.{"a":1}' | openssl dgst -sha256 -hmac glw_known`.
        let secret = |text: &str| Secret::new(text.to_owned());
        let known = "299c432ce254294d28cafb350d76b3513ea7eada633bdc634268b8f81ee9a1dd";
        assert_eq!(
            signature(&[secret("glw_known")], 1_492_774_577, r#"{"a":1}"#),
            format!("t=1492774577,v1={known}")
        );
        let both = signature(&[secret("glw_other"), secret("glw_known")], 1_492_774_577, r#"{"a":1}"#);
        assert!(both.starts_with("t=1492774577,v1=") && both.ends_with(&format!(",v1={known}")), "{both}");
        assert_ne!(signature(&[secret("glw_known")], 1_492_774_578, r#"{"a":1}"#)[13..], both[13..]);
    }
}
