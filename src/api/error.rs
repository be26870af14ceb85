//! The only place where an error becomes HTTP.

mod accounts;
mod deployments;
mod drains;
mod environments;
mod sources;
mod store;

use crate::config::Mode;
use crate::model::scope::Scope;
use crate::projects::ProjectError;
use crate::wire::error::{ErrorBody, ErrorDetail};
use crate::wire::form::{BodyError, Faults};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::fmt::Display;
use std::time::Duration;
use warp::http::StatusCode;
use warp::http::header::{ALLOW, HeaderValue, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE};
use warp::reply::{Reply, Response};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident $word:literal),+ $(,)?) => {
        /// The codes of the API: stable words for programs, each with its one status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Code { $($(#[$doc])* $name),+ }

        impl Code {
            /// Every code, its status and its word.
            #[cfg(test)]
            const TABLE: &'static [(Self, StatusCode, &'static str)] =
                &[$((Self::$name, StatusCode::$status, $word)),+];

            pub(super) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            pub(super) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

codes! {
    /// The body is not a JSON object.
    MalformedBody = BAD_REQUEST "malformed_body",
    /// A parameter of the query is unknown or has no meaning.
    InvalidQuery = BAD_REQUEST "invalid_query",
    /// An `Idempotency-Key` is too long, or has characters that are not visible.
    InvalidIdempotencyKey = BAD_REQUEST "invalid_idempotency_key",
    /// No access token, or one that is not accepted: log in or refresh.
    Unauthenticated = UNAUTHORIZED "unauthenticated",
    /// The e-mail address or the password is wrong.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials",
    /// The password is right, and the account has a second factor: send a code of it too.
    SecondFactorRequired = UNAUTHORIZED "second_factor_required",
    /// The code of the second factor is wrong, or was used before.
    InvalidSecondFactor = UNAUTHORIZED "invalid_second_factor",
    /// The refresh token is unknown, expired, revoked or was used before: log in.
    InvalidRefreshToken = UNAUTHORIZED "invalid_refresh_token",
    /// The account may know of this and may not do it.
    Forbidden = FORBIDDEN "forbidden",
    /// The API key does not reach so far; `details.scope` is what it would need.
    InsufficientScope = FORBIDDEN "insufficient_scope",
    /// The password of the account is wrong, or was not sent where it is needed.
    WrongPassword = FORBIDDEN "wrong_password",
    /// Nobody can sign up here.
    RegistrationClosed = FORBIDDEN "registration_closed",
    /// One needs an invitation to sign up here, and this is none that can be used.
    InvitationRequired = FORBIDDEN "invitation_required",
    /// There is no such path.
    RouteNotFound = NOT_FOUND "route_not_found",
    ProjectNotFound = NOT_FOUND "project_not_found",
    DeploymentNotFound = NOT_FOUND "deployment_not_found",
    ReleaseNotFound = NOT_FOUND "release_not_found",
    KeyNotFound = NOT_FOUND "key_not_found",
    ApiKeyNotFound = NOT_FOUND "api_key_not_found",
    SessionNotFound = NOT_FOUND "session_not_found",
    InvitationNotFound = NOT_FOUND "invitation_not_found",
    EnvironmentNotFound = NOT_FOUND "environment_not_found",
    VariableNotFound = NOT_FOUND "variable_not_found",
    FileNotFound = NOT_FOUND "file_not_found",
    /// The schedule of what is live has no such command.
    CronNotFound = NOT_FOUND "cron_not_found",
    CredentialNotFound = NOT_FOUND "credential_not_found",
    HostNotFound = NOT_FOUND "host_not_found",
    DrainNotFound = NOT_FOUND "drain_not_found",
    /// The path is there, the method is not; `Allow` has those that are.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed",
    /// The body did not arrive in time.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout",
    /// Somebody has this value already; `details.field` is which.
    Taken = CONFLICT "taken",
    /// The deployment has ended, or its traffic has been switched: there is nothing to cancel.
    NotCancellable = CONFLICT "not_cancellable",
    /// There is nothing that could be deployed: nothing is live, no release is there to go back to.
    NothingToDeploy = CONFLICT "nothing_to_deploy",
    /// What is asked for is live already.
    AlreadyLive = CONFLICT "already_live",
    /// The project is disabled or being deleted.
    ProjectDisabled = CONFLICT "project_disabled",
    /// Production cannot be deleted or be called otherwise.
    ProductionStays = CONFLICT "production_stays",
    /// The project has as many environments as one may have.
    TooManyEnvironments = CONFLICT "too_many_environments",
    /// As many one-off commands run in the environment as may at once.
    TooManyCommands = CONFLICT "too_many_commands",
    /// The command of the schedule runs already, and is not to run twice.
    CronRuns = CONFLICT "cron_runs",
    /// The account has as many projects as one may have here.
    TooManyProjects = CONFLICT "too_many_projects",
    /// The project has as many log drains as one may have.
    TooManyDrains = CONFLICT "too_many_drains",
    /// The account has as many API keys as one may have.
    TooManyApiKeys = CONFLICT "too_many_api_keys",
    /// The second factor is on already, or there is none.
    SecondFactorState = CONFLICT "second_factor_state",
    /// The account owns projects.
    OwnsProjects = CONFLICT "owns_projects",
    /// Nobody could run the server any more.
    LastOperator = CONFLICT "last_operator",
    /// A request with this `Idempotency-Key` was begun, and how it ended is not known (yet).
    RequestUnderWay = CONFLICT "request_under_way",
    /// It is not as `If-Match` says: somebody has changed it meanwhile.
    PreconditionFailed = PRECONDITION_FAILED "precondition_failed",
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large",
    /// The path is a WebSocket, and the request does not ask for one, or not for one that speaks what is spoken there.
    UpgradeRequired = UPGRADE_REQUIRED "upgrade_required",
    /// The body must be `application/json`.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type",
    /// `details.fields` has one sentence for each field that is wrong, missing or unknown.
    InvalidFields = UNPROCESSABLE_ENTITY "invalid_fields",
    /// The archive in the body is broken, or has something in it that no project may have.
    InvalidArchive = UNPROCESSABLE_ENTITY "invalid_archive",
    /// This `Idempotency-Key` was sent with another request.
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency_key_reused",
    /// What cannot be undone needs the slug as `?confirm=`.
    ConfirmationRequired = UNPROCESSABLE_ENTITY "confirmation_required",
    /// The address has as many connections as one may have here, or the account as many sockets.
    TooManyConnections = TOO_MANY_REQUESTS "too_many_connections",
    /// Too many requests, or attempts to log in, of the account or the peer; try again after `Retry-After` seconds.
    RateLimited = TOO_MANY_REQUESTS "rate_limited",
    /// Something went wrong on the server.
    Internal = INTERNAL_SERVER_ERROR "internal",
    /// The database or the engine is away; try again.
    Unavailable = SERVICE_UNAVAILABLE "unavailable",
}

/// A failure, as the person or program at the other end will see it.
#[derive(Debug)]
pub(super) struct ApiError {
    code: Code,
    message: String,
    details: Map<String, Value>,
    allow: Option<String>,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    pub(super) fn new(code: Code, message: impl Display) -> Self {
        let (message, details) = (message.to_string(), Map::new());
        Self { code, message, details, allow: None, retry_after: None, cause: None }
    }

    /// Some fields are wrong.
    pub(super) fn fields(faults: &Faults) -> Self {
        Self::new(Code::InvalidFields, "Some fields are not right.").with_detail("fields", json!(faults))
    }

    /// One field is wrong in a way that only the use case could tell.
    pub(super) fn field(name: &str, fault: impl Display) -> Self {
        Self::fields(&Faults::from([(name.to_owned(), fault.to_string())]))
    }

    /// It is not as the client knows it.
    pub(super) fn changed_meanwhile() -> Self {
        let message =
            "It was changed since you read it. Read it again, and decide whether your change still fits.";
        Self::new(Code::PreconditionFailed, message)
    }

    /// Too many requests: the next one is taken after `wait`.
    pub(super) fn rate_limited(wait: Duration) -> Self {
        // Whole seconds, as `Retry-After` has them.
        let wait = Duration::from_secs((wait + Duration::from_millis(999)).as_secs());
        let message = format!("Too many requests. Try again in {} s.", wait.as_secs());
        Self { retry_after: Some(wait), ..Self::new(Code::RateLimited, message) }
    }

    /// What cannot be undone is to be confirmed with a word.
    pub(super) fn confirmation(message: impl Display, word: &str) -> Self {
        Self::new(Code::ConfirmationRequired, message).with_detail("confirm", json!(word))
    }

    /// The API key would need another scope.
    pub(super) fn insufficient_scope(needed: Scope) -> Self {
        let message = format!("This needs an API key with the scope `{}`, or a login.", needed.as_str());
        Self::new(Code::InsufficientScope, message).with_detail("scope", json!(needed))
    }

    /// The path takes other methods.
    pub(super) fn method_not_allowed(allow: String) -> Self {
        let message = format!("This path takes {allow}.");
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, message) }
    }

    fn with_detail(mut self, name: &str, value: Value) -> Self {
        self.details.insert(name.to_owned(), value);
        self
    }

    fn with_cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// A failure that is ours. The causes go to the log; to the other end only in development.
    pub(super) fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        let message = "Something went wrong on the server. Its log has more, under the request id.";
        Self::new(Code::Internal, message).with_cause(cause)
    }

    fn unavailable(message: &str, cause: impl Error + Send + Sync + 'static) -> Self {
        let retry_after = Some(Duration::from_secs(5));
        Self { retry_after, ..Self::new(Code::Unavailable, message).with_cause(cause) }
    }

    /// The body, and the one line that the log gets of a failure that is ours.
    pub(super) fn into_body(self, mode: Mode, request_id: &str) -> ErrorBody {
        let Self { code, message, mut details, allow: _, retry_after: _, cause } = self;
        if let Some(cause) = cause {
            let causes = chain(&*cause);
            tracing::error!(code = code.word(), error = causes.join(": "), "request failed");
            if mode == Mode::Development {
                details.insert("causes".to_owned(), json!(causes));
            }
        }
        let (code, request_id) = (code.word().to_owned(), request_id.to_owned());
        ErrorBody { error: ErrorDetail { code, message, details, request_id } }
    }

    /// The response, with what [`ApiError::into_body`] does.
    pub(super) fn into_response(mut self, mode: Mode, request_id: &str) -> Response {
        let (status, allow, retry_after) = (self.code.status(), self.allow.take(), self.retry_after);
        let body = warp::reply::json(&self.into_body(mode, request_id));
        let mut response = warp::reply::with_status(body, status).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gilgal\""));
        }
        if let Some(wait) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        if let Some(allow) = allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

/// An error and what is behind it, outermost first.
fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes = vec![error.to_string()];
    let mut behind = error.source();
    while let Some(cause) = behind {
        causes.push(cause.to_string());
        behind = cause.source();
    }
    causes
}

impl From<ProjectError> for ApiError {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::NotFound => Self::new(Code::ProjectNotFound, error),
            ProjectError::Forbidden(_) => Self::new(Code::Forbidden, error),
            ProjectError::SlugTaken(_) => Self::new(Code::Taken, error).with_detail("field", json!("slug")),
            ProjectError::TooMany(_) => Self::new(Code::TooManyProjects, error),
            ProjectError::NoSlug(error) => Self::field("name", error),
            ProjectError::NotConfirmed(slug) => {
                Self::confirmation(ProjectError::NotConfirmed(slug.clone()), slug.as_str())
            }
            ProjectError::Cleanup(error) => {
                Self::unavailable("Not everything could be removed. Delete the project once more.", error)
            }
            ProjectError::Store(error) => error.into(),
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::NotJson(_) | BodyError::NotAnObject => Self::new(Code::MalformedBody, error),
            BodyError::Invalid(faults) => Self::fields(&faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;
    use http_body_util::BodyExt;
    use std::collections::HashSet;

    #[test]
    fn the_table_of_codes() {
        let words: HashSet<_> = Code::TABLE.iter().map(|(_, _, word)| word).collect();
        assert_eq!(words.len(), Code::TABLE.len(), "a word means one thing");
        let page = include_str!("../../docs/api.md");
        for (_, status, word) in Code::TABLE {
            assert!(
                page.contains(&format!("| {} | `{word}` |", status.as_u16())),
                "docs/api.md lacks {word}"
            );
        }
        let lines: Vec<_> = Code::TABLE.iter().map(|(_, status, word)| format!("{status}: {word}")).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[tokio::test]
    async fn causes_are_shown_in_development_only() {
        let body = async |mode| {
            let error = ApiError::from(StoreError::Unavailable("no answer from 10.0.0.7".into()));
            let response = error.into_response(mode, "id");
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(response.headers().contains_key(RETRY_AFTER));
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        assert!(body(Mode::Development).await.contains("10.0.0.7"));
        assert!(!body(Mode::Production).await.contains("10.0.0.7"));
    }
}
