//! `/api/invitations` and `/api/signing-keys`: what operators do about who gets in.

use crate::api::Api;
use crate::api::error::Code;
use crate::api::reply::{self, Answer, created, no_content};
use crate::api::request::{Request, not_found};
use crate::store::{Cursor, StoreError};
use crate::wire::invitation::{InvitationBody, NewInvitationBody, ShownInvitationBody};
use crate::wire::signing_key::SigningKeyBody;
use chrono::TimeDelta;
use std::sync::Arc;

pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let page = api.store.invitations(page).await?;
    Ok(reply::list(page.data.into_iter().map(InvitationBody::from).collect(), page.next))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let operator = request.caller()?.user.id;
    let NewInvitationBody { email, expires_in_hours } = request.json().await?;
    let lifetime = TimeDelta::hours(expires_in_hours.into());
    let (invitation, secret) = api.accounts.invite(operator, email, lifetime).await?;
    let body = InvitationBody::from(invitation);
    let shown = ShownInvitationBody { invitation: secret.into_exposed(), body: body.clone() };
    Ok(reply::secret(created(&shown), &body))
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    match api.store.delete_invitation(request.id(Code::InvitationNotFound)?).await {
        Ok(invitation) => {
            request.trail.before(&InvitationBody::from(invitation));
            Ok(no_content())
        }
        Err(StoreError::NotFound) => Err(not_found(Code::InvitationNotFound)),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn list_signing_keys(api: Arc<Api>, request: Request) -> Answer {
    request.query()?.finish()?;
    let keys = api.accounts.signing_keys().await?;
    Ok(reply::list(keys.into_iter().map(SigningKeyBody::from).collect(), None::<Cursor>))
}

/// The key of the answer signs from now on.
pub(super) async fn create_signing_key(api: Arc<Api>, _request: Request) -> Answer {
    Ok(created(&SigningKeyBody::from(api.accounts.rotate_signing_key().await?)))
}
