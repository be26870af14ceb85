//! A client of the server under test.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use std::net::SocketAddr;

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: Option<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, address, token }
    }

    /// The same client with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Where the server is.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it proves who it is with.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A request that is not sent yet.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        Reply::of(self.request(method, path).json(&body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    /// Makes a project and gives what the server says of it.
    pub(crate) async fn create_project(&self, name: &str) -> Value {
        self.post("/api/projects", serde_json::json!({ "name": name })).await.expect(201)
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    /// The body, after checking the status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The code of a failure, after checking the status and the shape of its body.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16) -> String {
        let body = self.expect(status);
        let error = &body["error"];
        assert_eq!(error["request_id"], self.headers["x-request-id"].to_str().unwrap());
        assert!(error["details"].is_object() && !error["message"].as_str().unwrap().is_empty(), "{body}");
        error["code"].as_str().unwrap().to_owned()
    }

    /// The names of the fields that were refused.
    #[track_caller]
    pub(crate) fn refused_fields(&self) -> Vec<String> {
        assert_eq!(self.refusal(422), "invalid_fields");
        self.json()["error"]["details"]["fields"].as_object().unwrap().keys().cloned().collect()
    }

    fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        assert_eq!(self.headers[CONTENT_TYPE], "application/json");
        serde_json::from_str(&self.text).unwrap()
    }

    /// The body without what differs from run to run.
    pub(crate) fn redacted(&self) -> Value {
        let mut body = self.json();
        redact(&mut body);
        body
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let differs = name == "id"
                    || name == "time"
                    || name == "duration_ms"
                    || name == "fingerprint"
                    || name == "hint"
                    || name == "key"
                    || name == "invitation"
                    || ["_id", "_at", "_by", "_token"].iter().any(|end| name.ends_with(end));
                if differs && !value.is_null() {
                    *value = Value::String(format!("[{name}]"));
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
