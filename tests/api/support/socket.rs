//! A WebSocket client.

use super::Client;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The subprotocol that the server has chosen.
    pub(crate) protocol: Option<String>,
}

/// The header with which a page of a browser says who it is.
pub(crate) fn token_as_subprotocol(client: &Client) -> (&'static str, String) {
    ("sec-websocket-protocol", format!("gilgal.bearer, {}", client.token().unwrap()))
}

impl Socket {
    /// Opens a WebSocket with the client's token.
    pub(crate) async fn open(client: &Client, path: &str, headers: &[(&'static str, String)]) -> Self {
        Self::attempt(client, path, headers).await.unwrap()
    }

    /// The same; an error has the status, and the code of the refusal.
    pub(crate) async fn attempt(
        client: &Client,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Self, (u16, String)> {
        let mut request = format!("ws://{}{path}", client.address()).into_client_request().unwrap();
        if let Some(token) = client.token() {
            let bearer = format!("Bearer {token}").parse::<HeaderValue>().unwrap();
            request.headers_mut().insert("authorization", bearer);
        }
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((stream, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.map(|protocol| protocol.to_str().unwrap().to_owned());
                Ok(Self { stream, protocol })
            }
            Err(Error::Http(response)) => {
                let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
                let code = body["error"]["code"].as_str().unwrap().to_owned();
                Err((response.status().as_u16(), code))
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// The next message that is no ping; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("nothing comes");
            match next {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next message, which has to be JSON.
    pub(crate) async fn json(&mut self) -> Value {
        match self.next().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The code and the reason with which the server ends it, which has to come next.
    pub(crate) async fn end(mut self) -> (u16, String) {
        match self.next().await {
            Some(Message::Close(Some(frame))) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("{other:?}"),
        }
    }
}
