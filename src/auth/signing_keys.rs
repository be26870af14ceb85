//! Rotating the keys that sign access tokens.

use crate::auth::access_token::{LIFETIME_SECONDS, TokenKey};
use crate::auth::accounts::{AccountError, Accounts};
use crate::model::id::SigningKeyId;
use crate::model::signing_key::SigningKey;
use crate::model::time::now;
use crate::secrets::MasterKey;
use crate::store::{Store, StoreError};
use chrono::TimeDelta;

impl Accounts {
    /// The keys of the list, newest first.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, AccountError> {
        Ok(self.store.signing_keys().await?)
    }

    /// Makes a key that signs from now on. Tokens of the one until now are accepted until they expire.
    pub async fn rotate_signing_key(&self) -> Result<SigningKey, AccountError> {
        let key = add(&self.store).await?;
        self.tokens.replace_keys(token_keys(&self.store, &self.master_key).await?);
        Ok(key)
    }
}

/// The keys of a server; its first one is made here.
pub(super) async fn token_keys(store: &Store, master_key: &MasterKey) -> Result<Vec<TokenKey>, StoreError> {
    let mut keys = store.signing_keys().await?;
    if keys.iter().all(|key| key.retired_at.is_some()) {
        keys.insert(0, add(store).await?);
    }
    let derived =
        |key: SigningKey| TokenKey::new(key, &master_key.derive(&format!("access tokens {}", key.id)));
    Ok(keys.into_iter().map(derived).collect())
}

async fn add(store: &Store) -> Result<SigningKey, StoreError> {
    let (id, created_at) = (SigningKeyId::generate(), now());
    // Twice the life of a token: nobody has to count seconds.
    store.add_signing_key(id, created_at, created_at - TimeDelta::seconds(2 * LIFETIME_SECONDS)).await?;
    Ok(SigningKey { id, created_at, retired_at: None })
}
