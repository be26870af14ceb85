//! Access tokens: short-lived JWTs (RFC 7519) that prove a login without asking the database for a session.

use crate::auth::hs256;
use crate::model::id::{TokenFamilyId, UserId};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Seconds for which an access token is accepted.
pub const LIFETIME_SECONDS: i64 = 15 * 60;

/// Seconds by which this machine's clock may have been set back since a token was made.
const LEEWAY_SECONDS: u64 = 5;

const ISSUER: &str = "gilgal";
const AUDIENCE: &str = "gilgal-api";

/// Makes and checks access tokens with one key.
pub struct AccessTokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    key_id: String,
    rules: Validation,
}

/// Whom a valid access token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub user_id: UserId,
    /// The login that the token came from; ending it ends the token.
    pub session: TokenFamilyId,
}

/// An access token is not accepted. Which rule it broke is for the log, never for whoever sent it.
#[derive(Debug, thiserror::Error)]
pub enum AccessTokenError {
    #[error("the access token has expired")]
    Expired,
    #[error("the access token is not valid: {0}")]
    Invalid(String),
    #[error("the access token could not be signed")]
    Signing(#[source] jsonwebtoken::errors::Error),
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: TokenFamilyId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl AccessTokens {
    /// Tokens under a key of 256 bits, derived by the caller from the server's master key. Another key makes every
    /// token that is still out invalid.
    #[must_use]
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        hs256::install();
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        rules.validate_nbf = true;
        rules.leeway = LEEWAY_SECONDS;
        Self {
            signing: EncodingKey::from_secret(key.expose()),
            verifying: DecodingKey::from_secret(key.expose()),
            key_id: key_id(key),
            rules,
        }
    }

    /// A token for a login, valid from `now` for [`LIFETIME_SECONDS`].
    pub fn issue(&self, identity: Identity, now: Timestamp) -> Result<Secret<String>, AccessTokenError> {
        let issued = now.timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: identity.user_id,
            sid: identity.session,
            iat: issued,
            nbf: issued,
            exp: issued + LIFETIME_SECONDS,
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &self.signing).map(Secret::new).map_err(AccessTokenError::Signing)
    }

    /// Whom a token stands for, at the present time.
    pub fn verify(&self, token: &str) -> Result<Identity, AccessTokenError> {
        let invalid = |reason: &str| Err(AccessTokenError::Invalid(reason.to_owned()));
        // The key id selects nothing: there is one key, and a token that names another one was not made with it.
        match decode_header(token) {
            Ok(header) if header.kid.as_ref() == Some(&self.key_id) => {}
            Ok(_) => return invalid("another key id"),
            Err(error) => return invalid(&error.to_string()),
        }
        let claims =
            decode::<Claims>(token, &self.verifying, &self.rules).map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => AccessTokenError::Expired,
                _ => AccessTokenError::Invalid(error.to_string()),
            })?;
        let Claims { sub, sid, iat, exp, .. } = claims.claims;
        // We never make such a token; if the key ever leaks through another use of it, this keeps its reach short.
        if exp.checked_sub(iat).is_none_or(|lifetime| lifetime > LIFETIME_SECONDS)
            || exp > chrono::Utc::now().timestamp() + LIFETIME_SECONDS + LEEWAY_SECONDS.cast_signed()
        {
            return invalid("it would live too long");
        }
        Ok(Identity { user_id: sub, session: sid })
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AccessTokens").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// A public name of the key that does not give it away.
fn key_id(key: &Secret<[u8; 32]>) -> String {
    let digest =
        Sha256::new().chain_update(b"gilgal access token key id").chain_update(key.expose()).finalize();
    hex::encode(&digest[..8])
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
