//! What owners change of their accounts.

use crate::auth::access_token::Identity;
use crate::auth::accounts::{AccountError, Accounts};
use crate::auth::origin::Origin;
use crate::auth::principal::Credential;
use crate::model::id::{TokenFamilyId, UserId};
use crate::model::password::Password;
use crate::model::secret::Secret;
use crate::model::session::LoginSession;
use crate::model::time::Timestamp;
use crate::model::user::User;
use crate::store::{Page, PageRequest, StoreError, UserChange};

impl Accounts {
    /// Changes the address or the name of an account. Another address needs the password: with it the account would be
    /// whoever's the address is.
    pub async fn update(
        &self,
        (user, unless_changed_since): (&User, Option<Timestamp>),
        change: UserChange,
        password: Option<Secret<String>>,
        origin: Origin,
    ) -> Result<User, AccountError> {
        let change = UserChange {
            email: change.email.filter(|email| *email != user.email),
            username: change.username.filter(|username| *username != user.username),
        };
        if change == UserChange::default() {
            return Ok(user.clone());
        }
        if change.email.is_some() {
            self.confirm_password(user, password.ok_or(AccountError::PasswordRequired)?, origin).await?;
        }
        Ok(self.store.update_user(user.id, &change, unless_changed_since).await?)
    }

    /// Gives an account another password. Every login of it ends but the one that asks.
    pub async fn change_password(
        &self,
        user: &User,
        credential: &Credential,
        current: Secret<String>,
        new: Password,
        origin: Origin,
    ) -> Result<(), AccountError> {
        let current = self.confirm_password(user, current, origin).await?;
        let new = self.hasher.hash(new, origin.peer).await?;
        match self.store.change_password(user.id, &current, &new, session_of(credential)).await {
            // It was changed meanwhile.
            Err(StoreError::Stale) => Err(AccountError::WrongPassword),
            outcome => Ok(outcome?),
        }
    }

    /// Removes an account with everything that lets its owner in.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of [`crate::store::OWNED_PROJECTS`] or [`crate::store::LAST_OPERATOR`].
    pub async fn remove(
        &self,
        user: &User,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<(), AccountError> {
        self.confirm_password(user, password, origin).await?;
        match self.store.remove_user(user.id).await {
            // Somebody else did at the same time: it is gone, as wished.
            Ok(()) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The logins of an account that go on, newest first.
    pub async fn sessions(
        &self,
        user_id: UserId,
        page: PageRequest,
    ) -> Result<Page<LoginSession>, AccountError> {
        Ok(self.store.sessions_of(user_id, page).await?)
    }

    /// Ends a login of an account, and answers with it.
    pub async fn end_session(
        &self,
        user_id: UserId,
        id: TokenFamilyId,
    ) -> Result<LoginSession, AccountError> {
        Ok(self.store.end_session(user_id, id).await?)
    }

    /// The stored hash of an account's password, if that is the given one; as often as [`Accounts::login`] would let somebody try.
    pub(super) async fn confirm_password(
        &self,
        user: &User,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<Secret<String>, AccountError> {
        let attempt = self.begin_attempt(&user.email, origin)?;
        let check = async {
            let stored = self.store.password_hash(user.id).await?;
            let matches = self.hasher.verify(password, Some(stored.clone()), origin.peer).await?;
            Ok::<_, AccountError>(matches.then_some(stored))
        };
        match check.await {
            Ok(Some(stored)) => {
                self.throttle.undecided(attempt);
                Ok(stored)
            }
            Ok(None) => Err(AccountError::WrongPassword),
            Err(error) => {
                self.throttle.undecided(attempt);
                Err(error)
            }
        }
    }
}

/// The login that somebody uses, where it is one.
#[must_use]
pub fn session_of(credential: &Credential) -> Option<TokenFamilyId> {
    match credential {
        Credential::Session(Identity { session, .. }) => Some(*session),
        Credential::ApiKey { .. } => None,
    }
}
