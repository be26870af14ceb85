//! The APIs of the providers of repositories: requests of a project, by the credential that it keeps for the host.

use super::{OpenCredential, Refusal, Sources, SourcesError};
use crate::model::feedback::{FeedbackApi, FeedbackPart, NoFeedback};
use crate::model::hook::{Hook, Provider};
use crate::model::remote_host::RemoteHost;
use crate::model::secret::Secret;
use crate::outbound::{self, Guard};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method};
use serde_json::Value;
use std::time::Duration;

/// How long an API may take, from the look-up of its name to the end of its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read: a page of comments.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;
/// Characters of what an API says of a refusal that are told.
const LONGEST_MESSAGE: usize = 200;

/// The methods of HTTP that the APIs take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
}

/// A request, without who sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub verb: Verb,
    pub url: String,
    pub body: Option<Value>,
}

impl Call {
    /// Asks for something.
    #[must_use]
    pub const fn get(url: String) -> Self {
        Self { verb: Verb::Get, url, body: None }
    }

    /// Tells something.
    #[must_use]
    pub const fn with(verb: Verb, url: String, body: Value) -> Self {
        Self { verb, url, body: Some(body) }
    }

    /// Makes something.
    #[must_use]
    pub const fn post(url: String, body: Value) -> Self {
        Self::with(Verb::Post, url, body)
    }
}

/// Who sends a request.
#[derive(Debug)]
enum Authorization {
    /// The whole value of the header.
    Header(Secret<String>),
    /// RFC 7617.
    Basic(OpenCredential),
}

impl Authorization {
    fn of(provider: Provider, credential: OpenCredential) -> Self {
        let header =
            |scheme: &str| Self::Header(Secret::new(format!("{scheme} {}", credential.password.expose())));
        match provider {
            Provider::Gitea => header("token"),
            // An access token of a repository, a project or a workspace, which are this user for git.
            Provider::Bitbucket if credential.username == "x-token-auth" => header("Bearer"),
            Provider::Bitbucket => Self::Basic(credential),
            Provider::Github | Provider::Gitlab | Provider::Custom => header("Bearer"),
        }
    }
}

/// What asks the APIs.
#[derive(Clone)]
pub struct Providers {
    sources: Sources,
    guard: Guard,
    /// A sentence where none can be made.
    over_tls: Result<Client, String>,
    plain: Result<Client, String>,
}

/// An API cannot be asked at all: a whole sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    #[error(transparent)]
    NoApi(#[from] NoFeedback),
    #[error(
        "{provider} wants a credential: set one for {host} that has {permissions}, by `PUT \
         /api/projects/{project}/credentials/{host}`."
    )]
    NoCredential { provider: &'static str, host: RemoteHost, permissions: &'static str, project: String },
    #[error("{0}.")]
    Sources(#[from] SourcesError),
}

impl Providers {
    /// What asks APIs at hosts that may be reached, for projects with their credentials.
    #[must_use]
    pub fn new(sources: Sources, guard: &Guard) -> Self {
        let client = |is_plain| {
            let client = outbound::client(guard, is_plain).timeout(PATIENCE).connect_timeout(PATIENCE);
            client.build().map_err(outbound::failure)
        };
        Self { sources, guard: guard.clone(), over_tls: client(false), plain: client(true) }
    }

    /// Begins to ask the API of a repository that a project is connected to, for a part; `project` is what its path names.
    ///
    /// # Errors
    /// When there is none, or no credential for it.
    pub async fn open(
        &self,
        hook: &Hook,
        project: &str,
        part: FeedbackPart,
    ) -> Result<Session<'_>, Unopened> {
        let api = FeedbackApi::of(hook.provider, &hook.repository)?;
        let Some(credential) = self.sources.credential(hook.project_id, &api.host).await? else {
            return Err(Unopened::NoCredential {
                provider: hook.provider.shown(),
                permissions: part.permissions(hook.provider),
                host: api.host,
                project: project.to_owned(),
            });
        };
        let authorization = Authorization::of(hook.provider, credential);
        Ok(Session { providers: self, api, authorization, answered: None, is_refused: false })
    }
}

/// What is said to one API, one thing after the other.
pub struct Session<'a> {
    providers: &'a Providers,
    /// The API that is asked.
    pub api: FeedbackApi,
    authorization: Authorization,
    answered: Option<(u16, String)>,
    is_refused: bool,
}

/// An answer, whatever it says.
struct Answer {
    status: u16,
    reason: &'static str,
    text: String,
    wait: Option<Duration>,
}

impl Session<'_> {
    /// The answer as JSON; `null` where it is none.
    ///
    /// # Errors
    /// When it is a refusal, or there is none.
    pub async fn send(&mut self, call: Call) -> Result<Value, Refusal> {
        let Answer { status, reason, text, wait } = self.ask(&call).await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        if !self.is_refused {
            self.answered = Some((status, text));
        }
        if (200..300).contains(&status) {
            return Ok(json);
        }
        self.is_refused = true;
        let message = message(&json).unwrap_or_else(|| reason.to_owned());
        Err(Refusal::Answered { status, message, wait })
    }

    /// Status and text of the first answer that was a refusal, else of the last one.
    #[must_use]
    pub fn into_answered(self) -> Option<(u16, String)> {
        self.answered
    }

    async fn ask(&self, call: &Call) -> Result<Answer, Refusal> {
        let Providers { guard, over_tls, plain, sources: _ } = self.providers;
        let is_plain = self.api.is_plain;
        // An address is not looked up, so that it is judged here.
        if self.api.address.is_some_and(|address| !guard.admits_over(is_plain, address)) {
            let sentence = "Not asked: the server does not connect to this address.";
            return Err(Refusal::Unanswered(sentence.to_owned()));
        }
        let client = if is_plain { plain } else { over_tls };
        let client = client.as_ref().map_err(|reason| Refusal::Unanswered(reason.clone()))?;
        let method = match call.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Patch => Method::PATCH,
        };
        let mut request = client.request(method, &call.url).header(ACCEPT, "application/json");
        request = match &self.authorization {
            Authorization::Header(value) => request.header(AUTHORIZATION, value.expose()),
            Authorization::Basic(OpenCredential { username, password }) => {
                request.basic_auth(username, Some(password.expose()))
            }
        };
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let unanswered = |error: reqwest::Error| Refusal::Unanswered(outbound::failure(error));
        let mut response = request.send().await.map_err(unanswered)?;
        let (status, wait) = (response.status(), outbound::wait(response.headers()));
        let mut read = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(unanswered)? {
            read.extend_from_slice(&piece);
            if read.len() > LONGEST_ANSWER {
                let sentence = "The API answers more than is read of an answer.";
                return Err(Refusal::Unanswered(sentence.to_owned()));
            }
        }
        Ok(Answer {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default(),
            text: String::from_utf8_lossy(&read).into_owned(),
            wait,
        })
    }
}

/// What an API says of a refusal, as one line.
fn message(json: &Value) -> Option<String> {
    let said = [&json["message"], &json["error"]["message"], &json["error_description"], &json["error"]];
    let said = said.into_iter().find(|said| !said.is_null())?;
    let text = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    Some(line.take(LONGEST_MESSAGE).collect::<String>().trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_is_told_who_asks_in_its_own_way() {
        let of = |provider, username: &str| {
            let password = Secret::new("secret".to_owned());
            match Authorization::of(provider, OpenCredential { username: username.to_owned(), password }) {
                Authorization::Header(header) => header.into_exposed(),
                Authorization::Basic(credential) => format!("Basic of {}", credential.username),
            }
        };
        for (provider, username, said) in [
            (Provider::Github, "ada", "Bearer secret"),
            (Provider::Gitlab, "ada", "Bearer secret"),
            (Provider::Gitea, "ada", "token secret"),
            (Provider::Bitbucket, "ada", "Basic of ada"),
            (Provider::Bitbucket, "x-token-auth", "Bearer secret"),
        ] {
            assert_eq!(of(provider, username), said, "{provider:?}");
        }
    }
}
