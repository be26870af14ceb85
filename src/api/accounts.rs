//! `/api/auth`: signing up, logging in and out.

use crate::api::Api;
use crate::api::reply::{Answer, created, no_content, ok};
use crate::api::request::Request;
use crate::auth::access_token::LIFETIME_SECONDS;
use crate::auth::accounts::Session;
use crate::wire::account::{Login, Register, SessionBody, UserBody, WithRefreshToken};
use std::sync::Arc;

pub(super) async fn register(api: Arc<Api>, mut request: Request) -> Answer {
    let origin = request.origin;
    let Register { email, username, password } = request.json().await?;
    Ok(created(&UserBody::from(api.accounts.register(email, username, password, origin).await?)))
}

pub(super) async fn login(api: Arc<Api>, mut request: Request) -> Answer {
    let origin = request.origin;
    let Login { email, password } = request.json().await?;
    Ok(ok(&shown(api.accounts.login(&email, password, origin).await?)))
}

pub(super) async fn refresh(api: Arc<Api>, mut request: Request) -> Answer {
    let WithRefreshToken { refresh_token } = request.json().await?;
    Ok(ok(&shown(api.accounts.refresh(&refresh_token).await?)))
}

/// Answers the same whether there was a login to end or not (RFC 7009 §2.2).
pub(super) async fn logout(api: Arc<Api>, mut request: Request) -> Answer {
    let WithRefreshToken { refresh_token } = request.json().await?;
    api.accounts.logout(&refresh_token).await?;
    Ok(no_content())
}

pub(super) async fn show(_api: Arc<Api>, request: Request) -> Answer {
    Ok(ok(&UserBody::from(request.caller()?.user.clone())))
}

fn shown(session: Session) -> SessionBody {
    SessionBody {
        access_token: session.access_token.into_exposed(),
        token_type: "Bearer".to_owned(),
        expires_in: LIFETIME_SECONDS,
        refresh_token: session.refresh_token.into_exposed(),
        user: session.user.into(),
    }
}
