//! Opening an HTTP/1.1 connection to an instance.

use crate::router::body::RequestBody;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// The sending end of a connection to an instance; a task of its own drives the other.
pub(super) type Connection = SendRequest<RequestBody>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("no connection within {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Socket(#[from] std::io::Error),
    #[error(transparent)]
    Handshake(#[from] hyper::Error),
}

/// Opens a connection within `limit`.
pub(super) async fn open(address: SocketAddr, limit: Duration) -> Result<Connection, ConnectError> {
    let stream = tokio::time::timeout(limit, TcpStream::connect(address))
        .await
        .map_err(|_| ConnectError::TimedOut(limit))??;
    stream.set_nodelay(true)?;
    let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Its error reaches the request that was using the connection; without one nobody misses it.
        let _ = driver.with_upgrades().await;
    });
    Ok(sender)
}
