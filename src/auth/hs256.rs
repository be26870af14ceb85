//! The one algorithm of our access tokens: HMAC with SHA-256 (`HS256`, RFC 7518 §3.2).
//!
//! `jsonwebtoken` brings every algorithm of the RFC or none. We take none and hand it this one: what is not linked
//! cannot be asked for by the header of a forged token.

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwkUtils, JwtSigner, JwtVerifier};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sha2::Sha256;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key: &EncodingKey| {
        Hs256::new(*algorithm, key.try_get_hmac_secret()?).map(|key| Box::new(key) as Box<dyn JwtSigner>)
    },
    verifier_factory: |algorithm, key: &DecodingKey| {
        Hs256::new(*algorithm, key.try_get_hmac_secret()?).map(|key| Box::new(key) as Box<dyn JwtVerifier>)
    },
    jwk_utils: JwkUtils::new_unimplemented(),
};

/// Makes this the process's provider. Any number of calls is the same as one.
pub(super) fn install() {
    // An error says that a provider is there already; no other crate of ours installs one, so it is this one.
    let _ = PROVIDER.install_default();
}

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: Algorithm, secret: &[u8]) -> Result<Self, Error> {
        if algorithm != Algorithm::HS256 {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        Hmac::new_from_slice(secret).map(Self).map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }

    fn over(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(self.over(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        // Compares in constant time.
        self.over(message).verify_slice(signature).map_err(|_| SignatureError::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    /// RFC 7515 appendix A.1: key, signed text and signature of a published token.
    #[test]
    fn agrees_with_the_example_of_the_rfc() {
        install();
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

        let signing = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(key).unwrap());
        assert_eq!(
            jsonwebtoken::crypto::sign(message.as_bytes(), &signing, Algorithm::HS256).unwrap(),
            signature
        );
        let verifying = DecodingKey::from_secret(signing.inner());
        let verify = |signature: &str| {
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &verifying, Algorithm::HS256).unwrap()
        };
        assert!(verify(signature));
        assert!(!verify(&signature.replace('d', "e")));
        assert!(!verify(""), "a token without a signature");
        assert!(!verify(&signature[..20]), "a truncated signature");
    }

    #[test]
    fn offers_no_other_algorithm() {
        install();
        let key = EncodingKey::from_secret(b"secret");
        for algorithm in [Algorithm::HS384, Algorithm::HS512, Algorithm::RS256, Algorithm::EdDSA] {
            assert!(jsonwebtoken::crypto::sign(b"text", &key, algorithm).is_err(), "{algorithm:?}");
        }
    }
}
