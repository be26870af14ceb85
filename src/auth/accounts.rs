//! Accounts: signing up, logging in, staying logged in, logging out.

use crate::auth::access_token::{AccessTokenError, AccessTokens, Identity};
use crate::auth::origin::Origin;
use crate::auth::password::{HashError, PasswordHasher};
use crate::auth::refresh_token;
use crate::auth::throttle::Throttle;
use crate::config::Registration;
use crate::model::id::TokenFamilyId;
use crate::model::name::{Email, Username};
use crate::model::password::Password;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::model::user::User;
use crate::store::{NewRefreshToken, NewUser, RefreshToken, RotateOutcome, Store, StoreError};
use chrono::TimeDelta;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// When to try again where too many passwords are being checked: by then those that wait now have been.
const BUSY_WAIT: Duration = Duration::from_secs(3);

/// Everything that has to do with who somebody is, apart from SSH keys.
#[derive(Debug)]
pub struct Accounts {
    store: Store,
    tokens: AccessTokens,
    hasher: PasswordHasher,
    throttle: Throttle,
    registration: Registration,
    first_account: Mutex<()>,
}

/// A login: two tokens and whose they are.
#[derive(Debug)]
pub struct Session {
    pub user: User,
    pub access_token: Secret<String>,
    pub refresh_token: Secret<String>,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("Registration is closed on this server. Its operator can open it with GILGAL_REGISTRATION=open.")]
    RegistrationClosed,
    /// It would be the first account, and comes from elsewhere.
    #[error(
        "The first account is the operator's, and is made on the machine of the server: send this to the API's own \
         address there, not through a proxy."
    )]
    FirstAccountIsLocal,
    /// The e-mail address is unknown, the password is wrong or the account is disabled: nobody can tell which.
    #[error("The e-mail address or the password is not right.")]
    WrongCredentials,
    /// Unknown, expired, revoked or used before. The last one has also ended the login that it came from.
    #[error("This refresh token is not accepted. Log in again.")]
    RefreshTokenRefused,
    /// No access token of a present login of an enabled account.
    #[error("The access token is not valid or has expired.")]
    AccessTokenRefused,
    /// The account or the peer has failed too often, or too many passwords are being checked.
    #[error("Too many attempts to log in. Try again in {} s.", wait.as_secs())]
    TooMany { wait: Duration },
    #[error(transparent)]
    Hash(HashError),
    #[error(transparent)]
    Signing(AccessTokenError),
    /// [`StoreError::Conflict`] names the field of an account that is taken.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    fn too_many(wait: Duration) -> Self {
        Self::TooMany { wait: Duration::from_secs(wait.as_secs()) }
    }
}

impl From<HashError> for AccountError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::too_many(BUSY_WAIT),
            error @ HashError::Failed(_) => Self::Hash(error),
        }
    }
}

impl Accounts {
    /// The accounts of a server.
    pub fn new(store: Store, tokens: AccessTokens, registration: Registration) -> Result<Self, HashError> {
        Ok(Self {
            store,
            tokens,
            hasher: PasswordHasher::new()?,
            throttle: Throttle::default(),
            registration,
            first_account: Mutex::new(()),
        })
    }

    /// Makes an account. The first one of a server is its operator, and may be made on a closed server too: without it
    /// nobody could open it. It is made on the server's own machine: of all who reach the API, whoever comes first must
    /// not become the operator.
    pub async fn register(
        &self,
        email: Email,
        username: Username,
        password: Password,
        origin: Origin,
    ) -> Result<User, AccountError> {
        let _turn = self.admit(origin).await?;
        let password_hash = self.hasher.hash(password, origin.peer).await?;
        Ok(self.store.create_user(NewUser { email, username, password_hash }).await?)
    }

    /// Whether somebody may sign up. For the first account, gives what is to be held until the account is there: of many
    /// that race to be the first one, one gets in.
    async fn admit(&self, origin: Origin) -> Result<Option<MutexGuard<'_, ()>>, AccountError> {
        let turn = self.first_account.lock().await;
        if self.store.count_users().await? == 0 {
            return if origin.local { Ok(Some(turn)) } else { Err(AccountError::FirstAccountIsLocal) };
        }
        match self.registration {
            Registration::Open => Ok(None),
            Registration::Closed => Err(AccountError::RegistrationClosed),
        }
    }

    /// Starts a login. Takes as long for an unknown address as for a known one.
    ///
    /// # Errors
    /// [`AccountError::TooMany`] for an unknown address as for a known one, and for the right password as for a wrong one.
    pub async fn login(
        &self,
        email: &Email,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<Session, AccountError> {
        let begun = self.throttle.begin(email, origin.peer, Instant::now());
        // Whole seconds, as a client is told them.
        let attempt = begun.map_err(|wait| AccountError::too_many(wait + Duration::from_millis(999)))?;
        match self.check(email, password, origin).await {
            Ok(Some(user)) => {
                self.throttle.succeeded(attempt, Instant::now());
                self.start(user).await
            }
            Ok(None) => Err(AccountError::WrongCredentials),
            Err(error) => {
                self.throttle.undecided(attempt);
                Err(error)
            }
        }
    }

    /// The account of an e-mail address and its password.
    async fn check(
        &self,
        email: &Email,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<Option<User>, AccountError> {
        let (user, stored) = self.store.user_credentials(email).await?.unzip();
        let matches = self.hasher.verify(password, stored, origin.peer).await?;
        Ok(user.filter(|user| matches && user.disabled_at.is_none()))
    }

    /// Trades a refresh token for a new pair of tokens.
    ///
    /// A token that was traded before has been copied: whoever holds the newer ones loses them too.
    pub async fn refresh(&self, token: &Secret<String>) -> Result<Session, AccountError> {
        let (next, stored) = new_refresh_token();
        match self.store.rotate_refresh_token(&refresh_token::hash(token), stored).await? {
            RotateOutcome::Rotated { user, family_id } if user.disabled_at.is_none() => {
                self.session(user, family_id, next)
            }
            RotateOutcome::Reused => {
                tracing::warn!("a refresh token was used twice; its login is ended");
                Err(AccountError::RefreshTokenRefused)
            }
            RotateOutcome::Rotated { .. } | RotateOutcome::Unknown | RotateOutcome::Expired => {
                Err(AccountError::RefreshTokenRefused)
            }
        }
    }

    /// Ends the login that a refresh token belongs to, with its access tokens. An unknown token ends nothing.
    pub async fn logout(&self, token: &Secret<String>) -> Result<(), AccountError> {
        Ok(self.store.revoke_family(&refresh_token::hash(token)).await?)
    }

    /// Whose access token this is, and of which login.
    pub async fn authenticate(&self, token: &str) -> Result<(User, Identity), AccountError> {
        let identity = self.tokens.verify(token).map_err(|error| {
            tracing::debug!(%error, "access token refused");
            AccountError::AccessTokenRefused
        })?;
        match self.user_of(identity).await? {
            Some(user) => Ok((user, identity)),
            None => Err(AccountError::AccessTokenRefused),
        }
    }

    /// The account of a login, unless the login has ended or the account is disabled by now.
    pub async fn user_of(&self, identity: Identity) -> Result<Option<User>, AccountError> {
        let user = self.store.user_with_tokens(identity.user_id, identity.session).await?;
        Ok(user.filter(|user| user.disabled_at.is_none()))
    }

    async fn start(&self, user: User) -> Result<Session, AccountError> {
        let (refresh_token, token) = new_refresh_token();
        let family_id = TokenFamilyId::generate();
        self.store.insert_refresh_token(NewRefreshToken { user_id: user.id, family_id, token }).await?;
        self.session(user, family_id, refresh_token)
    }

    fn session(
        &self,
        user: User,
        session: TokenFamilyId,
        refresh_token: Secret<String>,
    ) -> Result<Session, AccountError> {
        let identity = Identity { user_id: user.id, session };
        let access_token = self.tokens.issue(identity, now()).map_err(AccountError::Signing)?;
        Ok(Session { user, access_token, refresh_token })
    }
}

fn new_refresh_token() -> (Secret<String>, RefreshToken) {
    let token = refresh_token::generate();
    let stored = RefreshToken {
        hash: refresh_token::hash(&token),
        expires_at: now() + TimeDelta::days(refresh_token::LIFETIME_DAYS),
    };
    (token, stored)
}
