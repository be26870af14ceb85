//! One request to a receiver.

use super::schedule::Failure;
use crate::model::webhook::WebhookUrl;
use crate::outbound::{self, Guard};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode};
use std::time::Duration;

/// How long a receiver may take, from the look-up of its name to the end of what is read of its answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read and kept.
pub(super) const KEPT: usize = 1024;

/// What sends requests.
pub(super) struct Clients {
    guard: Guard,
    /// A sentence where none can be made.
    over_tls: Result<Client, String>,
    plain: Result<Client, String>,
}

/// How a receiver has answered.
#[derive(Debug, Default)]
pub(super) struct Answered {
    pub(super) status: Option<u16>,
    /// How the answer begins.
    pub(super) text: Option<String>,
    pub(super) failure: Option<Failure>,
    /// What was not told of all, although the rest was: why.
    pub(super) lack: Option<String>,
}

impl From<Failure> for Answered {
    fn from(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }
}

impl Clients {
    pub(super) fn new(guard: &Guard) -> Self {
        let client = |is_plain| {
            let client = outbound::client(guard, is_plain).timeout(PATIENCE).connect_timeout(PATIENCE);
            client.build().map_err(outbound::failure)
        };
        Self { guard: guard.clone(), over_tls: client(false), plain: client(true) }
    }

    /// Sends a body of JSON.
    pub(super) async fn post(
        &self,
        url: &WebhookUrl,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Answered {
        // An address is not looked up, so that it is judged here.
        if url.address().is_some_and(|address| !self.guard.admits_over(url.is_plain(), address)) {
            return Failure::new("Not sent: the server does not connect to this address.").into();
        }
        let client = if url.is_plain() { &self.plain } else { &self.over_tls };
        let client = match client {
            Ok(client) => client,
            Err(reason) => return Failure::new(reason).into(),
        };
        let request = client.post(url.as_str()).header(CONTENT_TYPE, "application/json").body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        match request.send().await {
            Ok(response) => answered(response).await,
            Err(error) => Failure::new(outbound::failure(error)).into(),
        }
    }
}

async fn answered(mut response: Response) -> Answered {
    let status = response.status();
    let wait = outbound::wait(response.headers());
    let mut read = Vec::new();
    // What does not come, comes too slowly or is longer says nothing more.
    while read.len() < KEPT
        && let Ok(Some(piece)) = response.chunk().await
    {
        read.extend_from_slice(&piece[..piece.len().min(KEPT - read.len())]);
    }
    let text = (!read.is_empty()).then(|| String::from_utf8_lossy(&read).into_owned());
    let failure = failure(status, wait);
    Answered { status: Some(status.as_u16()), text, failure, lack: None }
}

/// What a status says that is no success.
fn failure(status: StatusCode, wait: Option<Duration>) -> Option<Failure> {
    let is_refusal = match status {
        status if status.is_success() => return None,
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::GONE
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => false,
        // It will not take this however often it is sent.
        status => status.is_client_error(),
    };
    let and = if status.is_redirection() { ", and is not followed" } else { "" };
    Some(Failure { reason: format!("The receiver answered {status}{and}."), is_refusal, wait })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_it_is_worth_another_try() {
        let of = |status: u16| failure(StatusCode::from_u16(status).unwrap(), None);
        assert_eq!(of(200).or(of(204)).or(of(299)), None);
        for (status, is_refusal) in
            [(302, false), (401, false), (429, false), (500, false), (400, true), (413, true)]
        {
            assert_eq!(of(status).unwrap().is_refusal, is_refusal, "{status}");
        }
        assert_eq!(of(302).unwrap().reason, "The receiver answered 302 Found, and is not followed.");
    }
}
