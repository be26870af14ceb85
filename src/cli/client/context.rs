//! What a command is given: whom it talks to, for whom, and where its answer is shown.

use super::api::Api;
use super::arguments::Connection;
use super::credentials::Credentials;
use super::failure::{Exit, Failure};
use super::server::ServerUrl;
use super::session::Identity;
use crate::cli::printer::Screen;
use crate::config::Variables;
use crate::model::secret::Secret;

/// What a command is given.
pub(super) struct Context {
    pub(super) api: Api,
    pub(super) screen: Screen,
    /// Whether the answer is for a program.
    pub(super) json: bool,
}

impl Context {
    /// The server that is meant, asked as whoever is logged in to it.
    ///
    /// # Errors
    /// When no server is named anywhere, or what is set makes no sense.
    pub(super) fn new(
        connection: &Connection,
        variables: &Variables,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let server = match named_server(connection, variables)? {
            Some(server) => server,
            None => Credentials::of(variables)?.read()?.current.ok_or_else(|| {
                Failure::new("You are not logged in.")
                    .with_hint("Log in: gilgal login ADDRESS. In CI, set GILGAL_URL and GILGAL_TOKEN.")
                    .with_exit(Exit::Denied)
            })?,
        };
        let identity = match variables.get("GILGAL_TOKEN") {
            Some(token) => Identity::Given(Secret::new(token.to_owned())),
            None => Identity::Kept(Credentials::of(variables)?),
        };
        Ok(Self { api: Api::new(server, identity)?, screen, json: connection.json })
    }
}

/// The server of `--server` or `GILGAL_URL`.
///
/// # Errors
/// When the variable holds no address.
pub(super) fn named_server(
    connection: &Connection,
    variables: &Variables,
) -> Result<Option<ServerUrl>, Failure> {
    match (&connection.server, variables.get("GILGAL_URL")) {
        (Some(server), _) => Ok(Some(server.clone())),
        (None, Some(text)) => {
            let server = text.parse();
            server.map(Some).map_err(|error| Failure::usage(format!("GILGAL_URL: {error}.")))
        }
        (None, None) => Ok(None),
    }
}
