//! The one connection to a Docker Engine that `engine` and `build` share: opened on first use, version negotiated,
//! opened anew after the engine was away; and the cutting of output into lines. What is asked over it lives in those
//! two folders.

mod lines;
mod messages;
mod raw;

pub use lines::Lines;
pub use messages::to_the_end;

use arc_swap::ArcSwapOption;
use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

/// Where an engine is asked for that does not say itself: Docker's own default.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// Longest time until the headers of an answer. Only the start of an answer is meant: a build or a log may go on for
/// hours. Docker itself needs up to a minute when it stops a container on a busy disk.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// Longest time for the first question, which a healthy engine answers in milliseconds.
const NEGOTIATION_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to a Docker Engine. Making one never fails: the engine is looked for when it is needed.
#[derive(Debug)]
pub struct Connection {
    host: String,
    /// The negotiated client. Empty before the first use and after a failure that may have been a restart: the engine
    /// that comes back can be of another version.
    client: ArcSwapOption<Docker>,
}

impl Connection {
    /// A connection to `host` in the form of `DOCKER_HOST` (`unix:///path`, `tcp://address:port`); `None` for
    /// Docker's default socket.
    #[must_use]
    pub fn new(host: Option<String>) -> Self {
        Self { host: host.unwrap_or_else(|| DEFAULT_HOST.to_owned()), client: ArcSwapOption::empty() }
    }

    /// Where the engine is, as a person would write it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The client, connected and negotiated.
    ///
    /// # Errors
    /// When no engine answers at the host.
    pub async fn client(&self) -> Result<Arc<Docker>, Error> {
        if let Some(client) = self.client.load_full() {
            return Ok(client);
        }
        let negotiation = self.open()?.negotiate_version();
        let client = tokio::time::timeout(NEGOTIATION_TIMEOUT, negotiation)
            .await
            .map_err(|_| Error::RequestTimeoutError)??;
        let client = Arc::new(client);
        self.client.store(Some(Arc::clone(&client)));
        Ok(client)
    }

    /// Looks at an error and forgets the client if the engine may be another one when it answers again.
    pub fn note(&self, error: &Error) {
        let version_refused = status(error) == Some(400) && error.to_string().contains("client version");
        if version_refused || is_unavailable(error) {
            self.client.store(None);
        }
    }

    fn open(&self) -> Result<Docker, Error> {
        let seconds = ANSWER_TIMEOUT.as_secs();
        if self.host.starts_with("unix://") {
            // Not `connect_with_host`, which keeps the time limits to itself.
            Docker::connect_with_unix(&self.host, seconds, API_DEFAULT_VERSION)
        } else {
            Docker::connect_with_host(&self.host).map(|docker| docker.with_timeout(ANSWER_TIMEOUT))
        }
    }
}

/// Whether the engine could not be reached or went away in the middle of an answer.
#[must_use]
pub fn is_unavailable(error: &Error) -> bool {
    match error {
        Error::SocketNotFoundError(_)
        | Error::HyperLegacyError { .. }
        | Error::HyperResponseError { .. }
        | Error::RequestTimeoutError
        | Error::UnsupportedURISchemeError { .. }
        | Error::IOError { .. } => true,
        // bollard's list grows with its features; what is not about the transport is an answer.
        _ => false,
    }
}

/// The HTTP status of an answer that was an error.
#[must_use]
pub fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// What the engine said, without bollard's frame around it, or the innermost cause where it said nothing: "permission
/// denied" says more than "error in the client".
#[must_use]
pub fn message(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        Error::SocketNotFoundError(path) => format!("there is no socket at {path}"),
        Error::RequestTimeoutError => "it did not answer in time".to_owned(),
        other => {
            let mut innermost = other.source();
            while let Some(source) = innermost.and_then(std::error::Error::source) {
                innermost = Some(source);
            }
            innermost.map_or_else(|| other.to_string(), ToString::to_string)
        }
    }
}
