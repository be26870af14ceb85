//! Sending lines as JSON in the bodies of requests, one a line.

use super::destination::{Failure, Patience, admits};
use crate::model::drain::{DrainToken, DrainUrl};
use crate::outbound::{self, Guard};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Client, ClientBuilder, StatusCode};

/// A receiver of JSON lines.
pub(super) struct Http {
    url: DrainUrl,
    token: Option<DrainToken>,
    guard: Guard,
    client: Client,
}

impl Http {
    /// A receiver that is not connected to yet.
    ///
    /// # Errors
    /// When no certificate would be trusted.
    pub(super) fn new(
        url: &DrainUrl,
        token: Option<DrainToken>,
        certificates: Option<&str>,
        guard: &Guard,
    ) -> Result<Self, String> {
        let mut client = outbound::client(guard, url.protocol().is_plain())
            .connect_timeout(Patience::CONNECT)
            .timeout(Patience::SEND);
        if let Some(certificates) = certificates {
            let own =
                Certificate::from_pem_bundle(certificates.as_bytes()).map_err(|error| error.to_string())?;
            client = own.into_iter().fold(client, ClientBuilder::add_root_certificate);
        }
        let client = client.build().map_err(outbound::failure)?;
        Ok(Self { url: url.clone(), token, guard: guard.clone(), client })
    }

    /// Sends some lines.
    pub(super) async fn send(&self, lines: String) -> Result<(), Failure> {
        // An address is not looked up, so that it is judged here.
        if self.url.address().is_some_and(|address| !admits(&self.guard, self.url.protocol(), address)) {
            return Err(Failure::Again("Not sent: the server does not connect to this address.".to_owned()));
        }
        let request =
            self.client.post(self.url.as_str()).header(CONTENT_TYPE, "application/x-ndjson").body(lines);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        };
        let response = request.send().await.map_err(|error| Failure::Again(outbound::failure(error)))?;
        let status = response.status();
        let told = format!("The receiver answered {status}.");
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS => Err(Failure::Again(told)),
            // It will not take these lines however often they are sent.
            status if status.is_client_error() => Err(Failure::Refused(told)),
            _ => Err(Failure::Again(told)),
        }
    }
}
