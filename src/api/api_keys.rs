//! `/api/api-keys`: what programs of the account prove with who they act for.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, created, no_content, ok, secret};
use crate::api::request::{Request, not_found};
use crate::auth::accounts::AccountError;
use crate::auth::api_keys::KeyDraft;
use crate::model::api_key::ApiKey;
use crate::model::secret::Secret;
use crate::store::{Cursor, StoreError};
use crate::wire::api_key::{ApiKeyBody, NewApiKeyBody, RotateApiKeyBody, ShownApiKeyBody};
use chrono::TimeDelta;
use std::sync::Arc;

/// All of them: an account has a hundred at most.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    request.query()?.finish()?;
    let keys = api.store.api_keys(request.caller()?.user.id).await?;
    Ok(reply::list(keys.into_iter().map(ApiKeyBody::from).collect(), None::<Cursor>))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let user_id = request.caller()?.user.id;
    let NewApiKeyBody { title, scopes, expires_at } = request.json().await?;
    let draft = KeyDraft { title, scopes, expires_at };
    let (key, shown) = shown(api.accounts.create_api_key(user_id, draft).await?);
    Ok(secret(created(&shown), &key))
}

pub(super) async fn rotate(api: Arc<Api>, mut request: Request) -> Answer {
    let user_id = request.caller()?.user.id;
    let id = request.id(Code::ApiKeyNotFound)?;
    let RotateApiKeyBody { overlap_seconds } = request.json().await?;
    let keys = api.store.api_keys(user_id).await?;
    if let Some(key) = keys.into_iter().find(|key| key.id == id) {
        request.trail.before(&ApiKeyBody::from(key));
    }
    let overlap = TimeDelta::seconds(overlap_seconds.into());
    match api.accounts.rotate_api_key(user_id, id, overlap).await {
        Ok(rotated) => {
            let (key, shown) = shown(rotated);
            Ok(secret(ok(&shown), &key))
        }
        Err(AccountError::Store(error)) => Err(or_not_found(error)),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let user_id = request.caller()?.user.id;
    let deleted = api.store.delete_api_key(user_id, request.id(Code::ApiKeyNotFound)?).await;
    request.trail.before(&ApiKeyBody::from(deleted.map_err(or_not_found)?));
    Ok(no_content())
}

fn or_not_found(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => not_found(Code::ApiKeyNotFound),
        error => error.into(),
    }
}

/// The key for the audit log and the key for its owner.
fn shown((key, secret): (ApiKey, Secret<String>)) -> (ApiKeyBody, ShownApiKeyBody) {
    let api_key = ApiKeyBody::from(key);
    (api_key.clone(), ShownApiKeyBody { key: secret.into_exposed(), api_key })
}
