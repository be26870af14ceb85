//! Bodies of `/api/auth`.

use crate::model::id::UserId;
use crate::model::name::{Email, Username};
use crate::model::password::Password;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::user::{ServerRole, User};
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::str::FromStr;

/// `POST /api/auth/register`.
#[derive(Debug, Clone)]
pub struct Register {
    pub email: Email,
    pub username: Username,
    pub password: Password,
}

impl Body for Register {
    fn take(form: &mut Form) -> Option<Self> {
        let (email, username) = (form.required("email"), form.required("username"));
        let password = form.required("password");
        Some(Self { email: email?, username: username?, password: password? })
    }
}

/// `POST /api/auth/login`.
#[derive(Debug, Clone)]
pub struct Login {
    pub email: Email,
    /// Any text: whether it could be a password at all is not said before the account is known.
    pub password: Secret<String>,
}

impl Body for Login {
    fn take(form: &mut Form) -> Option<Self> {
        let (email, password) = (form.required("email"), form.required::<Opaque>("password"));
        Some(Self { email: email?, password: password?.0 })
    }
}

/// `POST /api/auth/refresh` and `POST /api/auth/logout`.
#[derive(Debug, Clone)]
pub struct WithRefreshToken {
    pub refresh_token: Secret<String>,
}

impl Body for WithRefreshToken {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { refresh_token: form.required::<Opaque>("refresh_token")?.0 })
    }
}

/// A secret that is compared and never judged.
struct Opaque(Secret<String>);

impl FromStr for Opaque {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Secret::new(text.to_owned())))
    }
}

/// An account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBody {
    pub id: UserId,
    pub email: Email,
    pub username: Username,
    pub role: ServerRole,
    pub created_at: Timestamp,
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
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionBody {
    pub access_token: String,
    /// `Bearer` (RFC 6750).
    pub token_type: String,
    /// Seconds for which the access token is accepted.
    pub expires_in: i64,
    pub refresh_token: String,
    pub user: UserBody,
}
