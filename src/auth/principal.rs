//! Who asks, and by what they have proved it.

use crate::auth::access_token::Identity;
use crate::model::id::ApiKeyId;
use crate::model::scope::Scope;
use crate::model::user::User;

/// Who asks, and by what they have proved it.
#[derive(Debug, Clone)]
pub struct Principal {
    pub user: User,
    pub credential: Credential,
}

/// What somebody has proved with who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The access token of a login: everything that the account may do.
    Session(Identity),
    /// An API key: what its scopes reach.
    ApiKey {
        id: ApiKeyId,
        /// The hash by which it was found: another one after a rotation.
        hash: String,
        scopes: Vec<Scope>,
    },
}

impl Credential {
    /// Whether it reaches as far as a scope.
    #[must_use]
    pub fn reaches(&self, scope: Scope) -> bool {
        match self {
            Self::Session(_) => true,
            Self::ApiKey { scopes, .. } => scope.is_among(scopes),
        }
    }
}
