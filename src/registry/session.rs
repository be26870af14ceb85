//! Talking to one repository of a registry, as somebody.

use super::challenge::{self, Challenge};
use super::{Registries, RegistryError};
use crate::build::RegistryCredentials;
use crate::model::image::ImageName;
use crate::outbound::{self, Clients};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use std::net::IpAddr;

/// Where Docker Hub is talked to.
const HUB: &str = "registry-1.docker.io";
/// Bytes of an answer that are read.
const LONGEST_ANSWER: usize = 256 * 1024;
/// Characters of what a registry says that are told.
const LONGEST_REASON: usize = 200;

/// One who talks to a repository.
pub(super) struct Session<'a> {
    clients: &'a Clients,
    image: &'a ImageName,
    credentials: Option<RegistryCredentials>,
    /// Of the registry's API.
    base: Url,
    authorization: Option<HeaderValue>,
}

/// What a registry says of what it refuses.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    errors: Vec<Reason>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    code: String,
    message: String,
}

/// A token has one name or the other, and from Docker Hub both.
#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Session<'a> {
    /// Finds out how the registry is talked to, and tells it who asks. Over plain HTTP only on this machine, as Docker does
    /// it, and where the operator allows it.
    pub(super) async fn open(
        registries: &'a Registries,
        image: &'a ImageName,
        credentials: Option<RegistryCredentials>,
    ) -> Result<Self, RegistryError> {
        let registry = image.registry();
        let host = if registry.is_hub() { HUB } else { registry.as_str() };
        let is_loopback =
            registry.host().parse().map_or(registry.host() == "localhost", |host: IpAddr| host.is_loopback());
        let plain = (is_loopback || registries.is_plain_allowed).then_some("http");
        let mut silence = None;
        for scheme in ["https"].into_iter().chain(plain) {
            let base = format!("{scheme}://{host}/v2/")
                .parse::<Url>()
                .map_err(|error| not_pushed(image, error.to_string(), false))?;
            let mut session = Self {
                clients: &registries.clients,
                image,
                credentials: credentials.clone(),
                base,
                authorization: None,
            };
            let base = session.base.clone();
            match session.request(Method::GET, &base)?.send().await {
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED => {
                    session.log_in(&response).await?;
                    return Ok(session);
                }
                Ok(_) => return Ok(session),
                Err(error) => {
                    silence.get_or_insert(session.unanswered(error));
                }
            }
        }
        Err(silence.unwrap_or_else(|| not_pushed(image, "it is not known how to reach it".to_owned(), false)))
    }

    /// A URL of the repository.
    pub(super) fn url(&self, rest: &str) -> Result<Url, RegistryError> {
        self.base
            .join(&format!("{}/{rest}", self.image.path()))
            .map_err(|error| self.failed(error.to_string()))
    }

    /// Asks for something, and once more as somebody else where the registry wants to know who asks: no other host to which
    /// it leads is told that.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        url: &Url,
        content: Option<(&'static str, String)>,
    ) -> Result<Response, RegistryError> {
        let request = |session: &Self| {
            let request = session.request(method.clone(), url)?;
            Ok::<_, RegistryError>(match &content {
                Some((media_type, body)) => request.header(CONTENT_TYPE, *media_type).body(body.clone()),
                // Some want to be told that nothing comes.
                None if method != Method::HEAD => request.header(CONTENT_LENGTH, "0"),
                None => request,
            })
        };
        let response = self.sent(request(self)?).await?;
        if response.status() != StatusCode::UNAUTHORIZED || !self.is_of_the_registry(url) {
            return Ok(response);
        }
        // A token is good for some minutes.
        self.log_in(&response).await?;
        self.sent(request(self)?).await
    }

    /// Sends a body that cannot be sent twice.
    pub(super) async fn stream(&self, url: &Url, body: Body) -> Result<Response, RegistryError> {
        let request = self.request(Method::PATCH, url)?;
        let response = self.sent(request.header(CONTENT_TYPE, "application/octet-stream").body(body)).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let reason = "it does not know any more who asks".to_owned();
            return Err(not_pushed(self.image, reason, true));
        }
        Ok(response)
    }

    /// Where an answer says that it goes on; where it does not, at the URL that was asked.
    pub(super) fn location(&self, response: &Response) -> Result<Url, RegistryError> {
        let Some(location) = response.headers().get(LOCATION) else { return Ok(response.url().clone()) };
        let location = location.to_str().ok().and_then(|text| response.url().join(text).ok());
        let location = location.ok_or_else(|| self.failed("it does not say where it goes on".to_owned()))?;
        if location.scheme() != "https" && self.base.scheme() == "https" {
            return Err(self.failed("it goes on without TLS".to_owned()));
        }
        Ok(location)
    }

    /// The answer, where it is a good one.
    pub(super) async fn well(&self, response: Response) -> Result<Response, RegistryError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let said: Refusal = serde_json::from_slice(&self.read(response).await?).unwrap_or_default();
        let reason = said.errors.first().map(|Reason { code, message }| {
            let text = if message.is_empty() { code } else { message };
            text.trim_end_matches('.')
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST_REASON)
                .collect::<String>()
        });
        let reason =
            reason.filter(|reason| !reason.is_empty()).unwrap_or_else(|| format!("it answers {status}"));
        if status.is_server_error()
            || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
        {
            return Err(not_pushed(self.image, reason, true));
        }
        if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
            return Err(self.refused(reason));
        }
        Err(self.failed(reason))
    }

    pub(super) fn failed(&self, reason: String) -> RegistryError {
        not_pushed(self.image, reason, false)
    }

    pub(super) fn is_of_the_registry(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Tells the registry who asks, in the way that it wants.
    async fn log_in(&mut self, response: &Response) -> Result<(), RegistryError> {
        let anonymous = || self.refused("it wants to know who asks".to_owned());
        let authorization = match challenge::asked(response.headers()) {
            Some(Challenge::Basic) => {
                let RegistryCredentials { username, password } =
                    self.credentials.as_ref().ok_or_else(anonymous)?;
                format!("Basic {}", BASE64.encode(format!("{username}:{}", password.expose())))
            }
            Some(Challenge::Bearer { realm, service }) => {
                format!("Bearer {}", self.token(&realm, service.as_deref()).await?)
            }
            None => return Err(anonymous()),
        };
        let value = HeaderValue::from_str(&authorization);
        let mut value =
            value.map_err(|_| self.failed("what it is to be told of who asks cannot be sent".to_owned()))?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(())
    }

    /// Asks for a token at the URL that the registry names.
    async fn token(&self, realm: &str, service: Option<&str>) -> Result<String, RegistryError> {
        let mut url: Url =
            realm.parse().map_err(|_| self.failed("where it gives out tokens is no URL".to_owned()))?;
        if url.scheme() != "https" && self.base.scheme() == "https" {
            return Err(self.failed("it gives out tokens without TLS".to_owned()));
        }
        let scope = format!("repository:{}:pull,push", self.image.path());
        url.query_pairs_mut()
            .extend_pairs(service.map(|service| ("service", service)))
            .append_pair("scope", &scope);
        let mut request = self.client(&url)?.get(url);
        if let Some(RegistryCredentials { username, password }) = &self.credentials {
            request = request.basic_auth(username, Some(password.expose()));
        }
        let answer = self.well(self.sent(request).await?).await?;
        let granted: Option<Granted> = serde_json::from_slice(&self.read(answer).await?).ok();
        granted
            .and_then(|granted| granted.token.or(granted.access_token))
            .ok_or_else(|| self.failed("what gives out its tokens gives none".to_owned()))
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, RegistryError> {
        self.clients.of(url).map_err(|sentence| self.failed(sentence.trim_end_matches('.').to_owned()))
    }

    /// A request; who asks is told to the registry and to no other host.
    fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, RegistryError> {
        let request = self.client(url)?.request(method, url.clone());
        let authorization = self.authorization.clone().filter(|_| self.is_of_the_registry(url));
        Ok(match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        })
    }

    async fn sent(&self, request: RequestBuilder) -> Result<Response, RegistryError> {
        request.send().await.map_err(|error| self.unanswered(error))
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, RegistryError> {
        let mut read = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unanswered(error))? {
            read.extend_from_slice(&piece);
            if read.len() > LONGEST_ANSWER {
                return Err(self.failed("it answers more than is read".to_owned()));
            }
        }
        Ok(read)
    }

    fn unanswered(&self, error: reqwest::Error) -> RegistryError {
        let sentence = outbound::failure(error).replacen("The receiver", "the registry", 1);
        not_pushed(self.image, sentence.trim_end_matches('.').to_owned(), true)
    }

    fn refused(&self, reason: String) -> RegistryError {
        let (image, host) = (self.image.to_string(), self.image.registry().to_string());
        RegistryError::Refused { image, host, reason }
    }
}

fn not_pushed(image: &ImageName, reason: String, is_passing: bool) -> RegistryError {
    RegistryError::NotPushed { image: image.to_string(), reason, is_passing }
}
