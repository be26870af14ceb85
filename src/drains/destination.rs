//! One try to send lines to where a drain leads.

use super::http::Http;
use super::line::Line;
use super::ring::Batch;
use super::syslog;
use super::tcp::Tcp;
use crate::model::drain::{DrainProtocol, DrainToken, DrainUrl};
use crate::model::name::Slug;
use crate::outbound::Guard;
use std::net::IpAddr;
use std::time::Duration;

/// How long a try may take.
pub(super) struct Patience;

impl Patience {
    pub(super) const CONNECT: Duration = Duration::from_secs(10);
    pub(super) const SEND: Duration = Duration::from_secs(30);
}

/// Why lines were not sent, in a sentence for the owner of the drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// It may succeed later.
    Again(String),
    /// These lines will never be taken.
    Refused(String),
}

/// Whether lines may be sent to an address: without TLS only where the operator says so.
pub(super) fn admits(guard: &Guard, protocol: DrainProtocol, address: IpAddr) -> bool {
    guard.admits_over(protocol.is_plain(), address)
}

/// Where lines are sent.
pub(super) struct Destination {
    receiver: Receiver,
    /// The name of this server.
    host: String,
    project: Slug,
}

enum Receiver {
    Syslog { tcp: Tcp, token: Option<DrainToken> },
    Json(Http),
}

impl Destination {
    /// Where a drain leads.
    ///
    /// # Errors
    /// A sentence, when it leads nowhere.
    pub(super) fn of(
        (url, token): (&DrainUrl, Option<DrainToken>),
        certificates: Option<&str>,
        guard: &Guard,
        (host, project): (&str, &Slug),
    ) -> Result<Self, String> {
        let receiver = if url.protocol().is_syslog() {
            Receiver::Syslog { tcp: Tcp::new(url, certificates, guard)?, token }
        } else {
            Receiver::Json(Http::new(url, token, certificates, guard)?)
        };
        Ok(Self { receiver, host: host.to_owned(), project: project.clone() })
    }

    /// Sends some lines, and before them how many are missing.
    pub(super) async fn send(&mut self, batch: &Batch) -> Result<(), Failure> {
        let dropped = (batch.dropped > 0).then(|| Line::of_dropped(batch.dropped, &self.project));
        let lines = dropped.iter().chain(batch.lines.iter().map(|line| &**line));
        match &mut self.receiver {
            Receiver::Syslog { tcp, token } => {
                let framed = |line| syslog::framed(line, &self.host, token.as_ref());
                let messages: String = lines.map(framed).collect();
                tcp.send(messages.as_bytes()).await
            }
            Receiver::Json(http) => {
                let mut body = String::new();
                for line in lines {
                    body.push_str(&line.to_json());
                    body.push('\n');
                }
                http.send(body).await
            }
        }
    }
}
