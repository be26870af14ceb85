//! What becomes of the errors of the database.

use super::{ApiError, Code};
use crate::auth::api_keys::MOST_KEYS;
use crate::sources::MOST_CREDENTIALS;
use crate::store::{
    API_KEY_LIMIT, CREDENTIAL_LIMIT, LAST_OPERATOR, MOST_SSH_KEYS, OWNED_PROJECTS, SSH_KEY_LIMIT, StoreError,
};
use crate::wire::form::Faults;
use serde_json::json;
use std::fmt::Display;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { field: API_KEY_LIMIT } => {
                let message = format!("An account may have {MOST_KEYS} API keys. Delete one that is not used.");
                Self::new(Code::TooManyApiKeys, message)
            }
            StoreError::Conflict { field: SSH_KEY_LIMIT } => {
                let message =
                    format!("An account may have {MOST_SSH_KEYS} SSH keys. Delete one that is not used.");
                Self::new(Code::TooManySshKeys, message)
            }
            StoreError::Conflict { field: CREDENTIAL_LIMIT } => {
                let message =
                    format!("A project may have {MOST_CREDENTIALS} credentials. Delete one that is not used.");
                Self::new(Code::TooManyCredentials, message)
            }
            StoreError::Conflict { field: OWNED_PROJECTS } => {
                let message = "The account owns projects. Delete them first: `GET /api/projects` lists them.";
                Self::new(Code::OwnsProjects, message)
            }
            StoreError::Conflict { field: LAST_OPERATOR } => {
                let message = "This is the only operator: without it nobody could run the server.";
                Self::new(Code::LastOperator, message)
            }
            StoreError::Conflict { field } => Self::taken(field),
            error @ StoreError::Unavailable(_) => {
                Self::unavailable("The database does not answer at the moment. Try again.", error)
            }
            StoreError::Stale => Self::changed_meanwhile(),
            error @ (StoreError::NotFound
            // Told by the use case that queues deployments.
            | StoreError::Disabled
            | StoreError::NewerDatabase { .. }
            | StoreError::UnknownUrl
            | StoreError::NoFile { .. }
            | StoreError::Other(_)) => Self::internal(error),
        }
    }
}

impl ApiError {
    fn taken(field: &str) -> Self {
        Self::new(Code::Taken, is_taken(field)).with_detail("field", json!(field))
    }

    /// Several fields are, each by somebody.
    pub(super) fn all_taken(fields: &[&str], message: impl Display) -> Self {
        let faults: Faults = fields.iter().map(|field| ((*field).to_owned(), is_taken(field))).collect();
        let error = Self::new(Code::Taken, message).with_detail("field", json!(fields.first()));
        error.with_detail("fields", json!(faults))
    }
}

fn is_taken(field: &str) -> String {
    match field {
        "public_key" => "This key belongs to an account already.".to_owned(),
        field => format!("This {field} is taken."),
    }
}
