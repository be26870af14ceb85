//! One attempt at finding out whether an instance can take requests.

use crate::model::environment::Probe;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{ACCEPT, CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Why an attempt failed, as far as its reason tells a person what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeFailure {
    /// Nothing listens on the port: not yet, not on this port, or only on 127.0.0.1.
    #[error("nothing listens on the port")]
    Refused,
    /// The port takes no connection, or the app takes the request and says nothing.
    #[error("no answer in time")]
    TimedOut,
    /// It was closed or reset before an answer came, as a proxy in front of a port does on which nothing listens.
    #[error("the connection was closed before an answer came")]
    ClosedEarly,
    /// It answered with a status from 500.
    #[error("it answered with status {0}")]
    Status(u16),
    /// Something answered that is not an HTTP/1 server.
    #[error("what answered does not speak HTTP")]
    NotHttp,
    /// The address cannot be reached at all.
    #[error("the address cannot be reached")]
    Unreachable,
    /// The check's path cannot be asked for.
    #[error("the path of the health check is not valid")]
    InvalidPath,
}

/// Makes one attempt. `connect_limit` and `limit` hold for the connection alone and for the whole of it.
///
/// Returns what was seen, for people: `GET / -> 200`.
pub(super) async fn attempt(
    address: SocketAddr,
    probe: &Probe,
    host: &str,
    connect_limit: Duration,
    limit: Duration,
) -> Result<String, ProbeFailure> {
    let trying = async {
        let stream = tokio::time::timeout(connect_limit, TcpStream::connect(address))
            .await
            .map_err(|_| ProbeFailure::TimedOut)?
            .map_err(|error| because_of(&error))?;
        match probe {
            Probe::Tcp => Ok(format!("port {} accepts connections", address.port())),
            Probe::Http { path } => get(stream, path, host).await,
        }
    };
    tokio::time::timeout(limit, trying).await.unwrap_or(Err(ProbeFailure::TimedOut))
}

async fn get(stream: TcpStream, path: &str, host: &str) -> Result<String, ProbeFailure> {
    let uri: Uri = path.parse().map_err(|_| ProbeFailure::InvalidPath)?;
    let host = HeaderValue::from_str(host).map_err(|_| ProbeFailure::InvalidPath)?;
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, HeaderValue::from_static("gilgal-health-check"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));

    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| ProbeFailure::ClosedEarly)?;
    // Driven here and not in a task of its own, so that dropping the check closes the connection.
    let answer = async {
        tokio::select! { biased; answer = sender.send_request(request) => answer, never = drive(driver) => match never {} }
    };
    match answer.await {
        Ok(response) if response.status() < StatusCode::INTERNAL_SERVER_ERROR => {
            Ok(format!("GET {path} -> {}", response.status().as_u16()))
        }
        Ok(response) => Err(ProbeFailure::Status(response.status().as_u16())),
        Err(error) if error.is_parse() => Err(ProbeFailure::NotHttp),
        Err(error) => Err(error
            .source()
            .and_then(|source| source.downcast_ref())
            .map_or(ProbeFailure::ClosedEarly, because_of)),
    }
}

/// Drives a connection. Its end is seen by the request, so this one never ends.
async fn drive(driver: impl Future) -> std::convert::Infallible {
    driver.await;
    std::future::pending().await
}

fn because_of(error: &io::Error) -> ProbeFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ProbeFailure::Refused,
        io::ErrorKind::TimedOut => ProbeFailure::TimedOut,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => ProbeFailure::ClosedEarly,
        _ => ProbeFailure::Unreachable,
    }
}
