//! A question to the engine of which bollard knows only the newest form of the answer.

use super::Connection;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Longest answer that is read.
const LONGEST: u64 = 64 * 1024 * 1024;
/// The engine adds up what its disk holds, which takes a while on a large one.
const PATIENCE: Duration = Duration::from_mins(1);

impl Connection {
    /// The body of the answer to a `GET`, in whatever version of its API the engine speaks best.
    ///
    /// # Errors
    /// When no engine answers, or with another status than 200.
    pub async fn get(&self, path: &str) -> io::Result<Vec<u8>> {
        let asking = async {
            let host = self.host();
            if let Some(path_of_socket) = host.strip_prefix("unix://") {
                ask(UnixStream::connect(path_of_socket).await?, path).await
            } else {
                let address = host.split_once("://").map_or(host, |(_, address)| address);
                ask(TcpStream::connect(address).await?, path).await
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|elapsed| Err(io::Error::other(elapsed)))
    }
}

/// By HTTP/1.0, so that the answer comes in one piece and ends with the connection.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> io::Result<Vec<u8>> {
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.ok_or_else(|| io::Error::other("the engine's answer has no end"))?;
    let body = answer.split_off(end + 4);
    let head = String::from_utf8_lossy(&answer);
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        Ok(body)
    } else {
        Err(io::Error::other(format!("the engine answered with \"{status}\"")))
    }
}
