//! A WebSocket to the API.

use super::person::Person;
use super::server::Server;
use serde_json::Value;
use std::net::TcpStream;
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// A conversation with a command, or lines that are followed.
pub(crate) struct Socket(WebSocket<TcpStream>);

impl Socket {
    pub(crate) fn open(server: &Server, person: &Person, path: &str, protocol: Option<&'static str>) -> Self {
        let mut request = format!("ws://{}{path}", server.api).into_client_request().unwrap();
        let bearer = format!("Bearer {}", person.token).parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let stream = TcpStream::connect(server.api).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(client(request, stream).unwrap().0)
    }

    /// A command of an environment.
    pub(crate) fn run(server: &Server, person: &Person, environment: &str, first: &Value) -> Self {
        let path = format!("/api/environments/{environment}/run");
        let mut socket = Self::open(server, person, &path, Some("gilgal.run.v1"));
        socket.says(first);
        socket
    }

    /// Sends JSON as text.
    pub(crate) fn says(&mut self, body: &Value) {
        self.0.send(Message::text(body.to_string())).unwrap();
    }

    /// Sends bytes.
    pub(crate) fn types(&mut self, text: &str) {
        self.0.send(Message::binary(text.as_bytes().to_vec())).unwrap();
    }

    /// The next message that is no ping.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Message {
        loop {
            match self.0.read().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// What a command has printed on its two outputs until it has ended, its last words, and the code of the close.
    pub(crate) fn finish(mut self) -> (String, String, Value, u16) {
        let (mut stdout, mut stderr, mut last) = (Vec::new(), Vec::new(), Value::Null);
        loop {
            match self.next() {
                Message::Binary(bytes) if bytes[0] == 1 => stdout.extend_from_slice(&bytes[1..]),
                Message::Binary(bytes) if bytes[0] == 2 => stderr.extend_from_slice(&bytes[1..]),
                Message::Text(text) => last = serde_json::from_str(&text).unwrap(),
                Message::Close(Some(frame)) => {
                    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
                    return (text(stdout), text(stderr), last, frame.code.into());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// What a terminal shows until there is a text in it; `urge` is done after each message.
    #[track_caller]
    pub(crate) fn read_until(&mut self, text: &str, mut urge: impl FnMut(&mut Self)) {
        let mut shown = Vec::new();
        while !String::from_utf8_lossy(&shown).contains(text) {
            match self.next() {
                Message::Binary(bytes) => shown.extend_from_slice(&bytes[1..]),
                other => panic!("{other:?} after {}", String::from_utf8_lossy(&shown)),
            }
            urge(self);
        }
    }

    /// Hangs up without a word.
    pub(crate) fn drop_connection(self) {
        self.0.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    }
}
