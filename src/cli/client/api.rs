//! Requests to the API of a server.

use super::credentials::{Credentials, Login, Tokens};
use super::failure::Failure;
use super::refusal::{foreign, parse, refused, unreachable};
use super::server::ServerUrl;
use super::session::{Bearer, Identity, login_has_ended};
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::wire::account::SessionBody;
use crate::wire::list::List;
use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a server may take to be reached.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may say nothing: removing a project stops its instances first.
const SILENCE: Duration = Duration::from_secs(180);
/// Bytes in a second that somebody can send at least.
const SLOWEST: usize = 32 * 1024;

/// What is sent with a request.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Nothing,
    Json(&'a Value),
    /// Of a media type.
    Raw(&'a str, &'a Bytes),
    /// Nothing, and a conversation is wanted in the place of an answer: these headers say which.
    Upgrade(&'a HeaderMap),
}

/// A server, and who is asking.
pub(super) struct Api {
    http: reqwest::Client,
    pub(super) server: ServerUrl,
    identity: Identity,
}

impl Api {
    /// # Errors
    /// When the certificates of this machine cannot be used.
    pub(super) fn new(server: ServerUrl, identity: Identity) -> Result<Self, Failure> {
        Ok(Self { http: client(&server, SILENCE)?, server, identity })
    }

    /// The same for a request that sends so many bytes: until they are sent, the server says nothing.
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub(super) fn patient(&self, bytes: usize) -> Result<Self, Failure> {
        let sending = Duration::from_secs(u64::try_from(bytes / SLOWEST).unwrap_or(u64::MAX));
        let http = client(&self.server, SILENCE.saturating_add(sending))?;
        Ok(Self { http, server: self.server.clone(), identity: self.identity.clone() })
    }

    /// `GET`; the body as it came.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.json(Method::GET, path, Content::Nothing).await
    }

    /// Every page of a list; a path with a query ends with `&`, another one with `?`.
    pub(super) async fn get_all(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let List { mut data, next } =
                parse::<List<Value>>(self.get(&format!("{path}limit=100{cursor}")).await?)?;
            all.append(&mut data);
            match next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(all),
            }
        }
    }

    /// `GET` of what is an answer whatever its status says, for example that the server is not ready.
    pub(super) async fn ask(&self, path: &str) -> Result<Value, Failure> {
        let request = self.http.get(self.server.join(path));
        let response = request.send().await.map_err(|error| unreachable(&self.server, &error))?;
        response.json().await.map_err(|error| foreign(&self.server).caused_by(&error))
    }

    /// `POST` with a body, or with none where it is `null`; the answer's body, `null` where there is none.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let content = if body.is_null() { Content::Nothing } else { Content::Json(body) };
        self.json(Method::POST, path, content).await
    }

    /// `PUT` with a body.
    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.json(Method::PUT, path, Content::Json(body)).await
    }

    /// `PATCH` with a body.
    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.json(Method::PATCH, path, Content::Json(body)).await
    }

    /// A request with a body that is not JSON, and of which type.
    pub(super) async fn send_as(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> Result<Value, Failure> {
        self.json(method, path, Content::Raw(media_type, &Bytes::from(body))).await
    }

    /// `DELETE`.
    pub(super) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.json(Method::DELETE, path, Content::Nothing).await
    }

    /// `GET` of something that is not JSON, to be read as it arrives.
    pub(super) async fn open(&self, path: &str, accept: &str) -> Result<Response, Failure> {
        self.send(Method::GET, path, Content::Nothing, accept).await
    }

    async fn json(&self, method: Method, path: &str, body: Content<'_>) -> Result<Value, Failure> {
        let response = self.send(method, path, body, "application/json").await?;
        let bytes = response.bytes().await.map_err(|error| unreachable(&self.server, &error))?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| foreign(&self.server).caused_by(&error))
    }

    /// Sends a request as whoever is logged in. An access token that the server refuses although it should be good (the
    /// clocks differ, or its keys have changed) is replaced once.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Content<'_>,
        accept: &str,
    ) -> Result<Response, Failure> {
        let mut token = self.token().await?;
        let mut replaced = false;
        loop {
            let mut request =
                self.http.request(method.clone(), self.server.join(path)).header(ACCEPT, accept);
            if let Some(token) = &token {
                request = request.bearer_auth(token.expose());
            }
            request = match body {
                Content::Nothing => request,
                Content::Json(body) => request.json(body),
                Content::Upgrade(headers) => request.headers(headers.clone()),
                Content::Raw(media_type, bytes) => {
                    request.header(CONTENT_TYPE, media_type).body(bytes.clone())
                }
            };
            let response = request.send().await.map_err(|error| unreachable(&self.server, &error))?;
            let status = response.status();
            if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(response);
            }
            if status == StatusCode::UNAUTHORIZED
                && !replaced
                && let (Some(refused), Identity::Kept(credentials)) = (&token, &self.identity)
                && let Some(newer) = self.refresh(credentials, refused).await?
            {
                (token, replaced) = (Some(newer), true);
                continue;
            }
            return Err(refused(&self.server, &self.identity, response).await);
        }
    }

    /// The token to send, replaced where it has expired.
    async fn token(&self) -> Result<Option<Secret<String>>, Failure> {
        match (self.identity.bearer(&self.server, now())?, &self.identity) {
            (Bearer::Good(token), _) => Ok(Some(token)),
            (Bearer::Expired(tokens), Identity::Kept(credentials)) => {
                self.refresh(credentials, &tokens.access_token).await
            }
            (Bearer::Expired(_) | Bearer::None, _) => Ok(None),
        }
    }

    /// Replaces the tokens of a session, unless another gilgal has done it since `old` was read. `None` where what is
    /// kept for the server cannot be replaced.
    ///
    /// The lock is held until the new tokens are written: a refresh token that is used twice ends the login.
    async fn refresh(
        &self,
        credentials: &Credentials,
        old: &Secret<String>,
    ) -> Result<Option<Secret<String>>, Failure> {
        let locked = credentials.lock()?;
        let tokens = match credentials.read()?.servers.remove(&self.server) {
            Some(Login::Session(tokens)) => tokens,
            Some(Login::Token { .. }) => return Ok(None),
            None => return Err(login_has_ended(&self.server)),
        };
        if tokens.access_token != *old {
            return Ok(Some(tokens.access_token));
        }
        let body = json!({ "refresh_token": tokens.refresh_token.expose() });
        let request = self.http.post(self.server.join("/api/auth/refresh")).json(&body);
        let response = request.send().await.map_err(|error| unreachable(&self.server, &error))?;
        if response.status() == StatusCode::UNAUTHORIZED {
            locked.change(|logins| drop(logins.servers.remove(&self.server)))?;
            return Err(login_has_ended(&self.server));
        }
        if !response.status().is_success() {
            return Err(refused(&self.server, &self.identity, response).await);
        }
        let session: SessionBody =
            response.json().await.map_err(|error| foreign(&self.server).caused_by(&error))?;
        let tokens = Tokens::of(session);
        let token = tokens.access_token.clone();
        locked.change(|logins| drop(logins.servers.insert(self.server.clone(), Login::Session(tokens))))?;
        Ok(Some(token))
    }
}

/// Sends requests to a server, which may say nothing for a time.
fn client(server: &ServerUrl, silence: Duration) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("gilgal/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(silence)
        // A token is sent to the server that was named, and to no other.
        .redirect(reqwest::redirect::Policy::none())
        // Reading the certificates of the machine takes longer than a request over HTTP.
        .tls_built_in_root_certs(server.is_encrypted());
    if server.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| Failure::new("The TLS of this machine cannot be used.").caused_by(&error))
}
