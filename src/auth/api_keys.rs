//! API keys: made, rotated and recognised.

use crate::auth::accounts::{AccountError, Accounts};
use crate::auth::opaque_token::{self, Kind};
use crate::auth::principal::{Credential, Principal};
use crate::model::api_key::ApiKey;
use crate::model::id::{ApiKeyId, UserId};
use crate::model::scope::Scope;
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, now};
use crate::model::title::Title;
use crate::store::{NewApiKey, NewSecret, StoreError};
use chrono::TimeDelta;

/// Keys that one account may have.
pub const MOST_KEYS: u32 = 100;
/// The last use of a key is noted as often as this: one write for each request would be one too many.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Characters of a key that are kept to be shown: of 43 that are random, too few to help anybody guess.
const HINT: usize = 8;

/// A key to make.
#[derive(Debug, Clone)]
pub struct KeyDraft {
    pub title: Title,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<Timestamp>,
}

impl Accounts {
    /// Makes a key. The key itself is given out here and never again.
    ///
    /// # Errors
    /// [`crate::store::StoreError::Conflict`] of [`crate::store::API_KEY_LIMIT`] when there are [`MOST_KEYS`] already.
    pub async fn create_api_key(
        &self,
        user_id: UserId,
        draft: KeyDraft,
    ) -> Result<(ApiKey, Secret<String>), AccountError> {
        let (key, secret) = new_key();
        let KeyDraft { title, mut scopes, expires_at } = draft;
        scopes.sort_unstable();
        scopes.dedup();
        let new = NewApiKey { user_id, title: title.into(), secret, scopes, expires_at, at_most: MOST_KEYS };
        Ok((self.store.create_api_key(new).await?, key))
    }

    /// Gives a key another secret. The one until now is accepted for `overlap` more, so that those who use it can change.
    ///
    /// # Errors
    /// [`AccountError::ApiKeyExpired`] when it has.
    pub async fn rotate_api_key(
        &self,
        user_id: UserId,
        id: ApiKeyId,
        overlap: TimeDelta,
    ) -> Result<(ApiKey, Secret<String>), AccountError> {
        let (key, secret) = new_key();
        let previous_until = (overlap > TimeDelta::zero()).then(|| now() + overlap);
        match self.store.rotate_api_key(user_id, id, secret, previous_until).await {
            Ok(rotated) => Ok((rotated, key)),
            Err(StoreError::Stale) => Err(AccountError::ApiKeyExpired),
            Err(error) => Err(error.into()),
        }
    }

    /// Whom a key stands for, and that it was used.
    pub(super) async fn principal_of_key(&self, key: &str) -> Result<Principal, AccountError> {
        let hash = opaque_token::hash(&Secret::new(key.to_owned()));
        let now = now();
        let found = self.store.api_key_by_hash(&hash, now).await?;
        let Some((key, user)) = found.filter(|(_, user)| user.disabled_at.is_none()) else {
            return Err(AccountError::AccessTokenRefused);
        };
        if key.last_used_at.is_none_or(|last| now - last >= NOTED_EVERY)
            && let Err(error) = self.store.touch_api_key(key.id, now).await
        {
            // Nobody is kept out because this cannot be noted.
            tracing::warn!(error = &error as &dyn std::error::Error, "the use of a key was not noted");
        }
        Ok(Principal { user, credential: Credential::ApiKey { id: key.id, hash, scopes: key.scopes } })
    }
}

fn new_key() -> (Secret<String>, NewSecret) {
    let key = opaque_token::generate(Kind::ApiKey);
    let hint = key.expose().chars().take(HINT).collect();
    let secret = NewSecret { hash: opaque_token::hash(&key), hint };
    (key, secret)
}
