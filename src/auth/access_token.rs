//! Access tokens: short-lived JWTs (RFC 7519) that prove a login without asking the database for a session.

use crate::auth::hs256;
use crate::model::id::{SigningKeyId, TokenFamilyId, UserId};
use crate::model::secret::Secret;
use crate::model::signing_key::SigningKey;
use crate::model::time::Timestamp;
use arc_swap::ArcSwap;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Seconds for which an access token is accepted.
pub const LIFETIME_SECONDS: i64 = 15 * 60;

/// Seconds by which this machine's clock may have been set back since a token was made.
const LEEWAY_SECONDS: u64 = 5;

const ISSUER: &str = "gilgal";
const AUDIENCE: &str = "gilgal-api";

/// Makes access tokens with one key, and checks those of that key and of the ones before it.
///
/// The keys are shared by all requests and are swapped as a whole when a new one is made.
pub struct AccessTokens {
    keys: ArcSwap<Vec<TokenKey>>,
    rules: Validation,
}

/// A key that signs access tokens, or did.
pub struct TokenKey {
    signing: EncodingKey,
    verifying: DecodingKey,
    id: SigningKeyId,
    /// Since when it signs no more.
    retired_at: Option<Timestamp>,
}

impl TokenKey {
    /// The key of 256 bits that has an id, derived by the caller from the server's master key.
    #[must_use]
    pub fn new(key: SigningKey, secret: &Secret<[u8; 32]>) -> Self {
        Self {
            signing: EncodingKey::from_secret(secret.expose()),
            verifying: DecodingKey::from_secret(secret.expose()),
            id: key.id,
            retired_at: key.retired_at,
        }
    }

    /// Whether a token that was signed at a time may have been signed with it.
    fn may_have_signed(&self, issued: i64) -> bool {
        self.retired_at.is_none_or(|retired| issued <= retired.timestamp() + LEEWAY_SECONDS.cast_signed())
    }
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
    #[error("there is no key to sign access tokens with")]
    NoKey,
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
    /// Tokens under the keys of our own list. Without the key that signed it a token is not valid.
    #[must_use]
    pub fn new(keys: Vec<TokenKey>) -> Self {
        hs256::install();
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        rules.validate_nbf = true;
        rules.leeway = LEEWAY_SECONDS;
        Self { keys: ArcSwap::from_pointee(keys), rules }
    }

    /// Takes another list of keys.
    pub fn replace_keys(&self, keys: Vec<TokenKey>) {
        self.keys.store(Arc::new(keys));
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
        let keys = self.keys.load();
        let key = keys.iter().find(|key| key.retired_at.is_none()).ok_or(AccessTokenError::NoKey)?;
        let header = Header { kid: Some(key.id.to_string()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &key.signing).map(Secret::new).map_err(AccessTokenError::Signing)
    }

    /// Whom a token stands for, at the present time.
    pub fn verify(&self, token: &str) -> Result<Identity, AccessTokenError> {
        let invalid = |reason: &str| Err(AccessTokenError::Invalid(reason.to_owned()));
        let keys = self.keys.load();
        // The key id is compared with those of the list, and is nothing else: no path, no address.
        let key = match decode_header(token) {
            Ok(header) => keys.iter().find(|key| header.kid.as_deref() == Some(key.id.to_string().as_str())),
            Err(error) => return invalid(&error.to_string()),
        };
        let Some(key) = key else { return invalid("another key id") };
        let claims =
            decode::<Claims>(token, &key.verifying, &self.rules).map_err(|error| match error.kind() {
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
        if !key.may_have_signed(iat) {
            return invalid("its key was retired before it was made");
        }
        Ok(Identity { user_id: sub, session: sid })
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.load().iter().map(|key| key.id).collect();
        formatter.debug_struct("AccessTokens").field("keys", &ids).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
