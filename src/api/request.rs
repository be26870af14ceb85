//! What a handler is given.

use crate::api::Api;
use crate::api::endpoint::{Access, Endpoint};
use crate::api::error::{ApiError, Code};
use crate::api::new_deployment::Archive;
use crate::api::query::Query;
use crate::api::representation::{bytes_of, matches, tag};
use crate::api::socket::{Upgrade, offered_token};
use crate::api::trail::Trail;
use crate::auth::access::Action;
use crate::auth::origin::Origin;
use crate::auth::principal::Principal;
use crate::model::deployment::Deployment;
use crate::model::id::ProjectId;
use crate::model::project::Project;
use crate::projects::{self, Overwrite, ProjectError, ProjectReference};
use crate::store::StoreError;
use crate::wire::form::{self, Body};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;
use warp::http::HeaderMap;
use warp::http::header::{AUTHORIZATION, AsHeaderName, CONTENT_ENCODING, CONTENT_TYPE, IF_MATCH};

/// Most bytes of a request's body.
const BODY_LIMIT: usize = 1024 * 1024;
/// How long a body may take to arrive, and the next piece of one that is read at once.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
const PIECE_PATIENCE: Duration = Duration::from_secs(10);

/// A request to an endpoint, by somebody who may use it as far as the table can tell without knowing the project.
pub(super) struct Request {
    pub(super) endpoint: Endpoint,
    /// What stands in the path for the words of the row that begin with `:`, in their order.
    pub(super) parameters: Vec<String>,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) origin: Origin,
    pub(super) query: String,
    pub(super) body: Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>,
    /// There where it was taken before the endpoint was asked.
    pub(super) archive: Option<Archive>,
    /// There where it can become a WebSocket.
    pub(super) upgrade: Option<Upgrade>,
    /// There unless the endpoint is public.
    pub(super) caller: Option<Principal>,
    /// What it leaves in the audit log.
    pub(super) trail: Trail,
}

impl Request {
    /// Whoever is logged in.
    pub(super) fn caller(&self) -> Result<&Principal, ApiError> {
        self.caller.as_ref().ok_or_else(unauthenticated)
    }

    /// What stands for `:id` in the path; a text that cannot be one is the id of nothing.
    pub(super) fn id<T: FromStr>(&self, missing: Code) -> Result<T, ApiError> {
        self.named(":id", missing)
    }

    /// What stands for a word of the row's path, such as `:name`; a text that cannot be one is the name of nothing.
    pub(super) fn named<T: FromStr>(&self, word: &str, missing: Code) -> Result<T, ApiError> {
        let words = self.endpoint.row().path.split('/').filter(|part| part.starts_with(':'));
        let mut named = words.zip(&self.parameters).filter(|(known, _)| *known == word);
        named.next().and_then(|(_, text)| text.parse().ok()).ok_or_else(|| not_found(missing))
    }

    /// The query, to be taken apart.
    pub(super) fn query(&self) -> Result<Query, ApiError> {
        Query::parse(&self.query)
    }

    /// The text of a header, if it is one.
    pub(super) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of an `Authorization: Bearer` header (RFC 6750 §2.1); where a page opens a WebSocket, of the subprotocols
    /// that it offers. Nowhere else is one looked for.
    pub(super) fn bearer_token(&self) -> Option<&str> {
        let Some(authorization) = self.header(AUTHORIZATION) else {
            return self.upgrade.as_ref().and_then(|_| offered_token(&self.headers));
        };
        let (scheme, token) = authorization.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The body, read and checked. No body at all is one without fields.
    pub(super) async fn json<B: Body>(&mut self) -> Result<B, ApiError> {
        self.check_media_type_of_body()?;
        let body = self.read().await?;
        if body.is_empty() && !self.headers.contains_key(CONTENT_TYPE) {
            return Ok(form::read(b"{}")?);
        }
        self.check_media_type()?;
        Ok(form::read(&body)?)
    }

    /// Refuses what says of itself that it is not JSON.
    pub(super) fn check_media_type_of_body(&self) -> Result<(), ApiError> {
        if self.headers.contains_key(CONTENT_TYPE) || self.headers.contains_key(CONTENT_ENCODING) {
            self.check_media_type()?;
        }
        Ok(())
    }

    /// The bytes of the body.
    pub(super) async fn read(&mut self) -> Result<Vec<u8>, ApiError> {
        self.read_within(BODY_LIMIT, |_| Ok(())).await
    }

    /// The bytes of a body that may have more of them than others. Each piece is counted before it is kept.
    pub(super) async fn read_within(
        &mut self,
        limit: usize,
        count: impl FnMut(usize) -> Result<(), ApiError>,
    ) -> Result<Vec<u8>, ApiError> {
        tokio::time::timeout(BODY_PATIENCE, self.collect(limit, count)).await.map_err(|_| late())?
    }

    /// The next piece of a body that is larger than what is read at once; `None` at its end.
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        self.piece_within(BODY_PATIENCE).await
    }

    async fn piece_within(&mut self, patience: Duration) -> Result<Option<Bytes>, ApiError> {
        let piece = tokio::time::timeout(patience, self.body.next()).await.map_err(|_| late())?;
        piece.transpose().map_err(|error| ApiError::new(Code::MalformedBody, error))
    }

    /// Lets the body be read once more.
    pub(super) fn put_back(&mut self, body: Bytes) {
        self.body = Box::pin(futures_util::stream::iter([Ok(body)]));
    }

    /// Goes on only if what is to be changed is still as the client knows it (`If-Match`, RFC 9110 §13.1.1). `current` is
    /// the body of the resource now; the audit log is told of it.
    pub(super) fn unless_changed(&self, current: &impl Serialize) -> Result<Overwrite, ApiError> {
        self.trail.before(current);
        self.unless_unknown(current)
    }

    /// The same for what the audit log must not be told of.
    pub(super) fn unless_unknown(&self, current: &impl Serialize) -> Result<Overwrite, ApiError> {
        let Some(wanted) = self.headers.get(IF_MATCH) else { return Ok(Overwrite::Anything) };
        let tag = tag(&bytes_of(current));
        if wanted.to_str().is_ok_and(|wanted| matches(wanted, &tag, false)) {
            return Ok(Overwrite::Unchanged);
        }
        Err(ApiError::changed_meanwhile())
    }

    /// Refuses an `If-Match` where there is nothing that it could match: somebody has removed it.
    pub(super) fn unless_expected(&self) -> Result<(), ApiError> {
        if self.headers.contains_key(IF_MATCH) { Err(ApiError::changed_meanwhile()) } else { Ok(()) }
    }

    fn check_media_type(&self) -> Result<(), ApiError> {
        if self.has_media_type("application/json") && !self.headers.contains_key(CONTENT_ENCODING) {
            return Ok(());
        }
        let message = "Send the body as `Content-Type: application/json`, not compressed.";
        Err(ApiError::new(Code::UnsupportedMediaType, message))
    }

    async fn collect(
        &mut self,
        limit: usize,
        mut count: impl FnMut(usize) -> Result<(), ApiError>,
    ) -> Result<Vec<u8>, ApiError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.piece_within(PIECE_PATIENCE).await? {
            if body.len() + chunk.len() > limit {
                let message = format!("The body of a request may have {} KiB.", limit / 1024);
                return Err(ApiError::new(Code::BodyTooLarge, message));
            }
            count(chunk.len())?;
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// What the table asks of the caller's role in the project.
    pub(super) fn action(&self) -> Result<Action, ApiError> {
        match self.endpoint.row().access {
            Access::Project(action) => Ok(action),
            Access::Public | Access::Account(_) | Access::Operator => {
                Err(ApiError::new(Code::Forbidden, "This is not for a project."))
            }
        }
    }

    /// The project in the path, by id or slug, if the caller may do to it what the table says.
    pub(super) async fn project(&self, api: &Api) -> Result<Project, ApiError> {
        let reference: ProjectReference = self.id(Code::ProjectNotFound)?;
        let project = projects::find(&api.store, &self.caller()?.user, &reference, self.action()?).await?;
        self.trail.project(project.id);
        Ok(project)
    }

    /// The project in the path, by id or slug, also one that was deleted, if the caller may delete it.
    pub(super) async fn project_even_deleted(&self, api: &Api) -> Result<Project, ApiError> {
        let reference: ProjectReference = self.id(Code::ProjectNotFound)?;
        let project = projects::find_even_deleted(&api.store, &self.caller()?.user, &reference).await?;
        self.trail.project(project.id);
        Ok(project)
    }

    /// The deployment in the path, if the caller may do to its project what the table says.
    pub(super) async fn deployment(&self, api: &Api) -> Result<Deployment, ApiError> {
        let missing = Code::DeploymentNotFound;
        let deployment = match api.store.deployment(self.id(missing)?).await {
            Ok(deployment) => deployment,
            Err(StoreError::NotFound) => return Err(not_found(missing)),
            Err(error) => return Err(error.into()),
        };
        self.permitted(api, deployment.project_id, missing).await?;
        Ok(deployment)
    }

    /// Goes on only if the caller may do to a project what the table says, where the path names something of it.
    pub(super) async fn permitted(
        &self,
        api: &Api,
        project: ProjectId,
        missing: Code,
    ) -> Result<(), ApiError> {
        self.may(api, project, missing).await?;
        self.trail.project(project);
        Ok(())
    }

    /// The same of a project that the request is not about.
    pub(super) async fn may(&self, api: &Api, project: ProjectId, missing: Code) -> Result<(), ApiError> {
        let user = &self.caller()?.user;
        match projects::find_by_id(&api.store, user, project, self.action()?).await {
            Ok(_) => Ok(()),
            Err(ProjectError::NotFound) => Err(not_found(missing)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the body is of a media type, whatever its parameters.
    pub(super) fn has_media_type(&self, wanted: &str) -> bool {
        let kind = self.header(CONTENT_TYPE).and_then(|text| text.split(';').next()).map(str::trim);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(wanted))
    }

    /// The body, which is text.
    pub(super) async fn text(&mut self) -> Result<String, ApiError> {
        if self.headers.contains_key(CONTENT_ENCODING) {
            let message = "Send the body not compressed.";
            return Err(ApiError::new(Code::UnsupportedMediaType, message));
        }
        let body = self.read().await?;
        String::from_utf8(body).map_err(|_| ApiError::new(Code::MalformedBody, "The body is not UTF-8 text."))
    }
}

/// The answer to whoever sends too slowly.
pub(super) fn late() -> ApiError {
    ApiError::new(Code::RequestTimeout, "The body of the request did not arrive in time.")
}

/// The answer to whoever is not logged in.
pub(super) fn unauthenticated() -> ApiError {
    ApiError::new(Code::Unauthenticated, "Log in and send `Authorization: Bearer <access token or API key>`.")
}

/// There is no such thing, or the caller must not know of it: in the same words.
pub(super) fn not_found(missing: Code) -> ApiError {
    let what = match missing {
        Code::ProjectNotFound => "project",
        Code::DeploymentNotFound => "deployment",
        Code::KeyNotFound => "key",
        Code::ApiKeyNotFound => "API key",
        Code::SessionNotFound => "login",
        Code::InvitationNotFound => "invitation",
        Code::EnvironmentNotFound => "environment",
        Code::VariableNotFound => "config var",
        Code::FileNotFound => "configuration file",
        Code::DeployKeyNotFound => "deploy key",
        Code::CredentialNotFound => "credential",
        Code::HostNotFound => "host",
        Code::DrainNotFound => "log drain",
        Code::HookNotFound => "hook",
        Code::PreviewNotFound => "preview",
        Code::WebhookNotFound => "webhook",
        Code::DeliveryNotFound => "delivery",
        Code::ReleaseNotFound => "release",
        Code::CronNotFound => "command of the schedule",
        _ => "thing",
    };
    ApiError::new(missing, format!("There is no such {what}."))
}
