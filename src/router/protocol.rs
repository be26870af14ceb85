//! Which HTTP a client speaks on a connection without TLS.

use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// The first bytes of an HTTP/2 connection with prior knowledge (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Looks at the first bytes of a connection and leaves them there. `None`: the client closed it without a word.
pub(super) async fn detect(stream: &TcpStream) -> io::Result<Option<Protocol>> {
    let mut start = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut start).await?;
        if length == 0 {
            return Ok(None);
        }
        if start[..length] != PREFACE[..length] {
            return Ok(Some(Protocol::Http1));
        }
        // No method is called PRI: three bytes would do, but a client that means it sends all of them in one go.
        if length == PREFACE.len() {
            return Ok(Some(Protocol::Http2));
        }
        // A peek is ready as long as there is anything, so there is nothing to wait for but time.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
