//! `/api/keys`: the SSH keys of the account.

use crate::api::Api;
use crate::api::error::Code;
use crate::api::reply::{self, Answer, created, no_content};
use crate::api::request::{Request, not_found};
use crate::store::{Cursor, NewSshKey, StoreError};
use crate::wire::key::{KeyBody, NewKey};
use std::sync::Arc;

/// All of them: an account has a handful.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    request.query()?.finish()?;
    let keys = api.store.ssh_keys(request.caller()?.user.id).await?;
    let data = keys.into_iter().map(KeyBody::from).collect();
    Ok(reply::list(data, None::<Cursor>))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let user_id = request.caller()?.user.id;
    let NewKey { title, public_key } = request.json().await?;
    let new = NewSshKey {
        user_id,
        title: title.into(),
        public_key: public_key.line().to_owned(),
        fingerprint: public_key.fingerprint().to_owned(),
    };
    Ok(created(&KeyBody::from(api.store.add_ssh_key(new).await?)))
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let user_id = request.caller()?.user.id;
    match api.store.delete_ssh_key(user_id, request.id(Code::KeyNotFound)?).await {
        Ok(key) => {
            request.trail.before(&KeyBody::from(key));
            Ok(no_content())
        }
        Err(StoreError::NotFound) => Err(not_found(Code::KeyNotFound)),
        Err(error) => Err(error.into()),
    }
}
