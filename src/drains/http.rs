//! Sending lines as JSON in the bodies of requests, one a line.

use super::destination::{Failure, Patience, admits};
use crate::model::drain::{DrainProtocol, DrainToken, DrainUrl};
use crate::outbound::Guard;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Client, ClientBuilder, StatusCode, redirect};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

/// Longest reason that is kept of a failure.
const LONGEST_REASON: usize = 300;

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
        let mut client = Client::builder()
            // Where a proxy or a receiver would lead is not judged.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .https_only(url.protocol() == DrainProtocol::Https)
            .dns_resolver(Arc::new(Judged { guard: guard.clone(), protocol: url.protocol() }))
            .connect_timeout(Patience::CONNECT)
            .timeout(Patience::SEND)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("gilgal/", env!("CARGO_PKG_VERSION")));
        if let Some(certificates) = certificates {
            let own =
                Certificate::from_pem_bundle(certificates.as_bytes()).map_err(|error| error.to_string())?;
            client = own.into_iter().fold(client, ClientBuilder::add_root_certificate);
        }
        let client = client.build().map_err(reason)?;
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
        let response = request.send().await.map_err(|error| Failure::Again(reason(error)))?;
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

/// Why a request failed, without the URL, which may hold what nobody else is to read.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        reason = format!("{reason}: {cause}");
        behind = cause.source();
    }
    reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
    format!("The receiver cannot be reached: {reason}.")
}

/// Looks names up, and gives the addresses that lines may be sent to.
struct Judged {
    guard: Guard,
    protocol: DrainProtocol,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, protocol) = (self.guard.clone(), self.protocol);
        Box::pin(async move {
            // The port is the URL's, whatever is said here.
            let found = guard.look_up(name.as_str(), 0).await?;
            let admitted: Vec<SocketAddr> =
                found.into_iter().filter(|address| admits(&guard, protocol, address.ip())).collect();
            if admitted.is_empty() {
                return Err(crate::outbound::Unreachable::NotPublic.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}
