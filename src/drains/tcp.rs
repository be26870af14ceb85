//! Sending syslog messages over a connection that is kept.
//!
//! Nobody says over it what has arrived (RFC 6587 §6): what the system has taken counts as sent. A receiver that has hung up
//! is noticed before the next message is written, not after it is lost.

use super::destination::{Failure, Patience, admits};
use super::tls;
use crate::model::drain::{DrainProtocol, DrainUrl};
use crate::outbound::Guard;
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// A receiver of syslog.
pub(super) struct Tcp {
    url: DrainUrl,
    guard: Guard,
    tls: Option<TlsConnector>,
    open: Option<Box<dyn Stream>>,
}

impl Tcp {
    /// A receiver that is not connected to yet.
    ///
    /// # Errors
    /// When no certificate would be trusted.
    pub(super) fn new(url: &DrainUrl, certificates: Option<&str>, guard: &Guard) -> Result<Self, String> {
        let tls = match url.protocol() {
            DrainProtocol::SyslogTls => Some(tls::connector(certificates)?),
            DrainProtocol::SyslogTcp | DrainProtocol::Https | DrainProtocol::Http => None,
        };
        Ok(Self { url: url.clone(), guard: guard.clone(), tls, open: None })
    }

    /// Sends some messages, over a new connection where there is none.
    pub(super) async fn send(&mut self, messages: &[u8]) -> Result<(), Failure> {
        let kept = self.open.take().and_then(|mut stream| is_open(&mut *stream).then_some(stream));
        let mut stream = match kept {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let written = async {
            stream.write_all(messages).await?;
            stream.flush().await
        };
        match tokio::time::timeout(Patience::SEND, written).await {
            Ok(Ok(())) => {
                self.open = Some(stream);
                Ok(())
            }
            Ok(Err(error)) => Err(Failure::Again(format!("The connection broke: {error}."))),
            Err(_elapsed) => Err(Failure::Again("The receiver takes nothing.".to_owned())),
        }
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Failure> {
        let again = |reason: String| Failure::Again(reason);
        let addresses = self.guard.look_up(self.url.host(), self.url.port()).await;
        let mut addresses = addresses.map_err(|error| again(format!("Not sent: {error}.")))?;
        addresses.retain(|address| admits(&self.guard, self.url.protocol(), address.ip()));
        if addresses.is_empty() {
            return Err(again(
                "Not sent: the server does not connect to this address without TLS.".to_owned(),
            ));
        }
        let connected = tokio::time::timeout(Patience::CONNECT, TcpStream::connect(&addresses[..])).await;
        let stream = connected
            .map_err(|_elapsed| again("The receiver does not answer.".to_owned()))?
            .map_err(|error| again(format!("The receiver cannot be reached: {error}.")))?;
        stream.set_nodelay(true).ok();
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(self.url.host().to_owned());
        let name = name.map_err(|error| again(format!("The host cannot have a certificate: {error}.")))?;
        let secured = tokio::time::timeout(Patience::CONNECT, tls.connect(name, stream)).await;
        let secured =
            secured
                .map_err(|_elapsed| again("The receiver does not answer in TLS.".to_owned()))?
                .map_err(|error| again(format!("The receiver is not trusted, or speaks no TLS: {error}.")))?;
        Ok(Box::new(secured))
    }
}

/// Whether the other end has not hung up. What it says means nothing.
fn is_open(stream: &mut dyn Stream) -> bool {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).now_or_never() {
            None => return true,
            Some(Ok(0) | Err(_)) => return false,
            Some(Ok(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_tls_only_allowed_networks_are_sent_to() {
        let guard = Guard::new(vec!["10.1.0.0/16".parse().unwrap()]);
        // An address of the internet, as a name may lead to.
        let url = "syslog+tcp://1.1.1.1:514".parse().unwrap();
        let refused = Tcp::new(&url, None, &guard).unwrap().send(b"line").await;
        assert!(matches!(&refused, Err(Failure::Again(why)) if why.contains("without TLS")), "{refused:?}");
    }
}
