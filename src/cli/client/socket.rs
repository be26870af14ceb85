//! Conversations with a server, each over a WebSocket (RFC 6455).

use super::api::{Api, Content};
use super::failure::Failure;
use super::refusal::{foreign, unreachable};
use reqwest::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Method, StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

impl Api {
    /// Begins to talk with a route that is a WebSocket, in one of its subprotocols.
    ///
    /// # Errors
    /// When the server refuses, or what answers knows none of it.
    pub(super) async fn talk(
        &self,
        path: &str,
        protocol: &'static str,
    ) -> Result<WebSocketStream<Upgraded>, Failure> {
        let key = generate_key();
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        if let Ok(key) = HeaderValue::from_str(&key) {
            headers.insert(SEC_WEBSOCKET_KEY, key);
        }
        let response = self.send(Method::GET, path, Content::Upgrade(&headers), "*/*").await?;
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT);
        let is_accepted = accepted.is_some_and(|accepted| *accepted == derive_accept_key(key.as_bytes()));
        if response.status() != StatusCode::SWITCHING_PROTOCOLS || !is_accepted {
            let cause = format!("It answers {} in the place of a WebSocket.", response.status());
            return Err(foreign(&self.server).with_cause(cause).with_hint(
                "A proxy before it may not pass WebSockets on: ssh … run PROJECT COMMAND does without.",
            ));
        }
        let connection = response.upgrade().await.map_err(|error| unreachable(&self.server, &error))?;
        Ok(WebSocketStream::from_raw_socket(connection, Role::Client, None).await)
    }
}
