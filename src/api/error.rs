//! The only place where an error becomes HTTP.

mod accounts;
mod code;
mod deployments;
mod drains;
mod environments;
mod hooks;
mod sources;
mod store;
mod webhooks;

pub(super) use self::code::Code;

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

/// When to try again what may go well in a moment.
const TRY_AGAIN: Duration = Duration::from_secs(5);

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

    /// Too many connections are open: another one is taken when one of them is closed.
    pub(super) fn too_many_connections(message: impl Display) -> Self {
        Self { retry_after: Some(TRY_AGAIN), ..Self::new(Code::TooManyConnections, message) }
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
        Self { retry_after: Some(TRY_AGAIN), ..Self::new(Code::Unavailable, message).with_cause(cause) }
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
            ProjectError::Deleted(..) => Self::new(Code::ProjectDeleted, error),
            ProjectError::NotDeleted(_) => Self::new(Code::NotDeleted, error),
            ProjectError::SlugTaken(_) | ProjectError::SlugOfDeleted(..) => {
                Self::new(Code::Taken, error).with_detail("field", json!("slug"))
            }
            ProjectError::TooMany(_) => Self::new(Code::TooManyProjects, error),
            error @ ProjectError::NoSlug => Self::field("slug", error),
            ProjectError::NotConfirmed { ref slug, .. } => {
                let slug = slug.clone();
                Self::confirmation(error, slug.as_str())
            }
            ProjectError::Cleanup(error) => {
                Self::unavailable("Not everything could be removed yet. The server goes on with it.", error)
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
