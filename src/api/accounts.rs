//! `/api/auth`: signing up, logging in and out, and what owners change of their accounts.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, created, no_content, ok, secret};
use crate::api::request::{Request, not_found};
use crate::auth::access_token::LIFETIME_SECONDS;
use crate::auth::accounts::{AccountError, Proof, Session, SignUp};
use crate::auth::profile::session_of;
use crate::store::{StoreError, UserChange};
use crate::wire::account::{
    ChangePassword, Login, LoginSessionBody, Register, RemoveAccount, SessionBody, UpdateAccount, UserBody,
    WithRefreshToken,
};
use std::sync::Arc;
use warp::http::header::USER_AGENT;

/// Characters of a client's name that are kept.
const USER_AGENT_LENGTH: usize = 200;

pub(super) async fn register(api: Arc<Api>, mut request: Request) -> Answer {
    let origin = request.origin;
    let Register { email, username, password, invitation } = request.json().await?;
    let sign_up = SignUp { email, username, password, invitation };
    let user = api.accounts.register(sign_up, origin).await?;
    request.trail.actor(&user);
    Ok(created(&UserBody::from(user)))
}

pub(super) async fn login(api: Arc<Api>, mut request: Request) -> Answer {
    let origin = request.origin;
    let agent = request.header(USER_AGENT);
    let agent = agent.map(|agent| agent.chars().take(USER_AGENT_LENGTH).collect());
    let Login { email, password, code } = request.json().await?;
    let session = api.accounts.login(Proof { email, password, code }, origin, agent).await?;
    request.trail.actor(&session.user);
    let user = UserBody::from(session.user.clone());
    Ok(secret(ok(&shown(session)), &user))
}

pub(super) async fn refresh(api: Arc<Api>, mut request: Request) -> Answer {
    let WithRefreshToken { refresh_token } = request.json().await?;
    Ok(ok(&shown(api.accounts.refresh(&refresh_token).await?)))
}

/// Answers the same whether there was a login to end or not (RFC 7009 §2.2).
pub(super) async fn logout(api: Arc<Api>, mut request: Request) -> Answer {
    let WithRefreshToken { refresh_token } = request.json().await?;
    if let Some(user) = api.accounts.logout(&refresh_token).await? {
        request.trail.actor(&user);
    }
    Ok(no_content())
}

pub(super) async fn show(_api: Arc<Api>, request: Request) -> Answer {
    Ok(ok(&UserBody::from(request.caller()?.user.clone())))
}

pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let user = request.caller()?.user.clone();
    let UpdateAccount { email, username, password } = request.json().await?;
    let overwrite = request.unless_changed(&UserBody::from(user.clone()))?;
    let change = UserChange { email, username };
    let user = api
        .accounts
        .update((&user, overwrite.unless_since(user.updated_at)), change, password, request.origin)
        .await?;
    Ok(ok(&UserBody::from(user)))
}

pub(super) async fn change_password(api: Arc<Api>, mut request: Request) -> Answer {
    let caller = request.caller()?.clone();
    let ChangePassword { current_password, new_password } = request.json().await?;
    let (user, credential) = (&caller.user, &caller.credential);
    api.accounts.change_password(user, credential, current_password, new_password, request.origin).await?;
    Ok(no_content())
}

pub(super) async fn remove(api: Arc<Api>, mut request: Request) -> Answer {
    let user = request.caller()?.user.clone();
    let RemoveAccount { password, confirm } = request.json().await?;
    if confirm != user.username.as_str() {
        let message =
            format!("Removing an account cannot be undone. Confirm it with `confirm`: `{}`.", user.username);
        return Err(ApiError::confirmation(message, user.username.as_str()));
    }
    request.unless_changed(&UserBody::from(user.clone()))?;
    api.accounts.remove(&user, password, request.origin).await?;
    Ok(no_content())
}

pub(super) async fn list_sessions(api: Arc<Api>, request: Request) -> Answer {
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let caller = request.caller()?;
    let current = session_of(&caller.credential);
    let page = api.accounts.sessions(caller.user.id, page).await?;
    let data = page.data.into_iter().map(|session| LoginSessionBody::new(session, current)).collect();
    Ok(reply::list(data, page.next))
}

pub(super) async fn end_session(api: Arc<Api>, request: Request) -> Answer {
    let caller = request.caller()?;
    match api.accounts.end_session(caller.user.id, request.id(Code::SessionNotFound)?).await {
        Ok(session) => {
            request.trail.before(&LoginSessionBody::new(session, session_of(&caller.credential)));
            Ok(no_content())
        }
        Err(AccountError::Store(StoreError::NotFound)) => Err(not_found(Code::SessionNotFound)),
        Err(error) => Err(error.into()),
    }
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
