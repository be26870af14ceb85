//! Bodies of `/api/auth`.

use crate::model::id::{TokenFamilyId, UserId};
use crate::model::name::{Email, InvalidName, Username};
use crate::model::password::Password;
use crate::model::secret::Secret;
use crate::model::session::LoginSession;
use crate::model::time::Timestamp;
use crate::model::user::{ServerRole, User};
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::str::FromStr;
use utoipa::ToSchema;

/// `POST /api/auth/register`.
#[derive(Debug, Clone, ToSchema)]
pub struct Register {
    pub email: Email,
    pub username: Username,
    pub password: Password,
    /// What an operator has sent, where one needs an invitation.
    #[schema(value_type = Option<String>, format = Password)]
    pub invitation: Option<Secret<String>>,
}

impl Body for Register {
    fn take(form: &mut Form) -> Option<Self> {
        let (email, username) = (form.required::<NewEmail>("email"), form.required("username"));
        let email = email.map(|email| email.0);
        let (password, invitation) = (form.required("password"), form.optional::<Opaque>("invitation"));
        let invitation = invitation.map(|invitation| invitation.0);
        Some(Self { email: email?, username: username?, password: password?, invitation })
    }
}

/// An address that is said anew.
struct NewEmail(Email);

impl FromStr for NewEmail {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Email::said(text).map(Self)
    }
}

/// `POST /api/auth/login`.
#[derive(Debug, Clone, ToSchema)]
pub struct Login {
    pub email: Email,
    /// Any text: whether it could be a password at all is not said before the account is known.
    #[schema(value_type = String, format = Password)]
    pub password: Secret<String>,
    /// Of the second factor, or a recovery code; where the account has one.
    #[schema(value_type = Option<String>, format = Password)]
    pub code: Option<Secret<String>>,
}

impl Body for Login {
    fn take(form: &mut Form) -> Option<Self> {
        let (email, password) = (form.required("email"), form.required::<Opaque>("password"));
        let code = form.optional::<Opaque>("code").map(|code| code.0);
        Some(Self { email: email?, password: password?.0, code })
    }
}

/// `PATCH /api/auth/me`: what is to change.
#[derive(Debug, Clone, ToSchema)]
pub struct UpdateAccount {
    pub email: Option<Email>,
    pub username: Option<Username>,
    /// Needed for another address.
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Secret<String>>,
}

impl Body for UpdateAccount {
    fn take(form: &mut Form) -> Option<Self> {
        let (email, username) = (form.optional::<NewEmail>("email"), form.optional("username"));
        let email = email.map(|email| email.0);
        let password = form.optional::<Opaque>("password").map(|password| password.0);
        Some(Self { email, username, password })
    }
}

/// `POST /api/auth/password`.
#[derive(Debug, Clone, ToSchema)]
pub struct ChangePassword {
    #[schema(value_type = String, format = Password)]
    pub current_password: Secret<String>,
    pub new_password: Password,
}

impl Body for ChangePassword {
    fn take(form: &mut Form) -> Option<Self> {
        let current = form.required::<Opaque>("current_password");
        let new_password = form.required("new_password");
        Some(Self { current_password: current?.0, new_password: new_password? })
    }
}

/// `DELETE /api/auth/me`.
#[derive(Debug, Clone, ToSchema)]
pub struct RemoveAccount {
    #[schema(value_type = String, format = Password)]
    pub password: Secret<String>,
    /// The name of the account, to be sure.
    pub confirm: String,
}

impl Body for RemoveAccount {
    fn take(form: &mut Form) -> Option<Self> {
        let (password, confirm) = (form.required::<Opaque>("password"), form.required("confirm"));
        Some(Self { password: password?.0, confirm: confirm? })
    }
}

/// `POST /api/auth/refresh` and `POST /api/auth/logout`.
#[derive(Debug, Clone, ToSchema)]
pub struct WithRefreshToken {
    #[schema(value_type = String, format = Password)]
    pub refresh_token: Secret<String>,
}

impl Body for WithRefreshToken {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { refresh_token: form.required::<Opaque>("refresh_token")?.0 })
    }
}

/// A secret that is compared and never judged.
pub(super) struct Opaque(pub(super) Secret<String>);

impl FromStr for Opaque {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Secret::new(text.to_owned())))
    }
}

/// An account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserBody {
    pub id: UserId,
    pub email: Email,
    pub username: Username,
    pub role: ServerRole,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        let User { id, email, username, role, disabled_at: _, created_at, updated_at } = user;
        Self { id, email, username, role, created_at, updated_at }
    }
}

/// The answer to a login and to a refresh. The one body that carries secrets: it goes to whoever has just proved who
/// they are.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionBody {
    pub access_token: String,
    /// `Bearer` (RFC 6750).
    pub token_type: String,
    /// Seconds for which the access token is accepted.
    pub expires_in: i64,
    pub refresh_token: String,
    pub user: UserBody,
}

/// A login of the account that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginSessionBody {
    pub id: TokenFamilyId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The address that logged in; `null` for a login from before they were noted.
    pub peer: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its tokens were renewed last.
    #[schema(value_type = String, format = DateTime)]
    pub last_used_at: Timestamp,
}

impl LoginSessionBody {
    /// The login, as somebody sees it whose own login is `current`.
    #[must_use]
    pub fn new(session: LoginSession, current: Option<TokenFamilyId>) -> Self {
        let LoginSession { id, peer, user_agent, created_at, last_used_at } = session;
        Self { id, current: current == Some(id), peer, user_agent, created_at, last_used_at }
    }
}
