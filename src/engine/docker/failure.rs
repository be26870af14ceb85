//! From Docker's errors to the engine's.

use super::Shared;
use crate::docker;
use crate::engine::EngineError;
use bollard::errors::Error;

impl Shared {
    /// The engine's error for one of bollard's, after the connection has had a look at it. `action` completes "could
    /// not …".
    pub(super) fn failed(&self, action: &'static str, error: &Error) -> EngineError {
        self.connection.note(error);
        let reason = docker::message(error);
        if docker::is_unavailable(error) {
            EngineError::Unavailable { host: self.connection.host().to_owned(), reason }
        } else if reason.contains("no space left on device") {
            EngineError::DiskFull
        } else {
            EngineError::Other { action, reason }
        }
    }

    /// The connected client.
    pub(super) async fn client(&self) -> Result<std::sync::Arc<bollard::Docker>, EngineError> {
        self.connection.client().await.map_err(|error| self.failed("be reached", &error))
    }
}

/// Whether an error says that the thing it is about is not there (any more).
pub(super) fn is_gone(error: &Error) -> bool {
    docker::status(error) == Some(404)
}

/// Whether an error says that something else is in the way.
pub(super) fn is_conflict(error: &Error) -> bool {
    docker::status(error) == Some(409)
}
