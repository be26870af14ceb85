//! What is said when a server does not do what it was asked.

use super::failure::{Exit, Failure};
use super::server::ServerUrl;
use super::session::{Identity, not_logged_in};
use crate::wire::error::{ErrorBody, ErrorDetail};
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a login is answered whose account has a second factor.
const NEEDS_CODE: &str = "second_factor_required";
/// What is answered where a project was deleted.
const DELETED: &str = "project_deleted";

/// What a request comes to that was not answered.
pub(super) fn unreachable(server: &ServerUrl, error: &reqwest::Error) -> Failure {
    let failure = Failure::new(format!("{server} does not answer.")).with_exit(Exit::Unreachable);
    // The innermost error says what happened; those around it repeat the URL.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let hint = if server.is_loopback() {
        "Start it with `gilgal serve`, or name another server with --server."
    } else {
        "Check the address and your connection, or name another server with --server."
    };
    failure.with_cause(format!("{cause}.")).with_hint(hint)
}

/// What an answer comes to that is no success.
pub(super) async fn refused(server: &ServerUrl, identity: &Identity, response: Response) -> Failure {
    let status = response.status();
    let header = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (location, wait) = (header(LOCATION), header(RETRY_AFTER));
    if status.is_redirection() {
        let to = location.unwrap_or_else(|| "elsewhere".to_owned());
        return Failure::new(format!("{server} sends its users to {to}."))
            .with_hint("Use that address: gilgal login ADDRESS");
    }
    let body = response.bytes().await.unwrap_or_default();
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(ErrorBody { error }) => refusal(server, identity, (status, wait), error),
        Err(_) if status.is_server_error() => {
            let failure = Failure::new(format!("{server} cannot answer: {status}."));
            failure.with_hint("A proxy before it may not reach it.").with_exit(Exit::Unreachable)
        }
        Err(_) => foreign(server).with_cause(format!("It says {status}.")),
    }
}

/// What a server has said in the middle of a conversation: why it does not go on.
pub(super) fn said(server: &ServerUrl, text: &str) -> Failure {
    let Ok(ErrorBody { error }) = serde_json::from_str(text) else { return foreign(server) };
    let (exit, hint) = match error.code.as_str() {
        "forbidden" => (Exit::Denied, None),
        "unavailable" | "engine_unavailable" => (Exit::Unreachable, Some("Try again in a moment.")),
        code => (Exit::Failed, hint(code)),
    };
    let failure = Failure::new(error.message).with_exit(exit);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// What the server has refused, in its own words.
fn refusal(
    server: &ServerUrl,
    identity: &Identity,
    (status, wait): (StatusCode, Option<String>),
    error: ErrorDetail,
) -> Failure {
    let ErrorDetail { code, message, details, request_id } = error;
    let (needs_code, is_deleted) = (code == NEEDS_CODE, code == DELETED);
    let mut failure = match (code.as_str(), identity) {
        ("unauthenticated", Identity::Given(_)) => Failure::new(format!(
            "{server} does not accept the token."
        ))
        .with_hint("It may have expired, or be another server's: look at GILGAL_TOKEN and GILGAL_URL."),
        ("unauthenticated", Identity::Kept(_) | Identity::Nobody) => not_logged_in(server),
        _ => Failure::new(message),
    };
    failure.needs_code = needs_code;
    failure.is_deleted = is_deleted;
    let faults = details.get("fields").and_then(Value::as_object);
    let mut faults =
        faults.into_iter().flatten().map(|(name, fault)| (name, fault.as_str().unwrap_or_default()));
    let hint = match (faults.next(), faults.next()) {
        // Whoever types a command knows of no fields: the sentence is what is wrong.
        (Some((name, fault)), None) => {
            let named =
                if fault.starts_with("This ") { format!("{name}: {fault}") } else { fault.to_owned() };
            failure = Failure::new(named);
            hint_for_field(name)
        }
        (first, second) => {
            for (name, fault) in first.into_iter().chain(second).chain(faults) {
                failure = failure.with_cause(format!("{name}: {fault}"));
            }
            hint(&code)
        }
    };
    if let Some(hint) = hint {
        failure = failure.with_hint(hint);
    }
    if let Some(wait) = wait.filter(|_| !failure.says("Try again")) {
        failure = failure.with_hint(format!("Try again in {wait} s."));
    }
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failure.with_exit(Exit::Denied),
        StatusCode::NOT_FOUND => failure.with_exit(Exit::Missing),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            failure.with_exit(Exit::Unreachable)
        }
        status if status.is_server_error() => {
            failure.with_cause(format!("The server's log has more, under the request id {request_id}."))
        }
        _ => failure,
    }
}

/// What to do about a refusal, in commands.
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "environment_not_found" => {
            "`gilgal env` lists the environments of a project, `gilgal env create` makes one."
        }
        "release_not_found" => "`gilgal releases` lists those that there are.",
        "nothing_to_deploy" => {
            "Deploy something first: git push gilgal main, or `gilgal deploy` in its folder."
        }
        "insufficient_scope" => {
            "Make one: gilgal tokens create TITLE --scope SCOPE. Or log in, without GILGAL_TOKEN."
        }
        "invalid_second_factor" => "Log in again with the next code of the app, or with a recovery code.",
        _ => return None,
    })
}

/// The same for the one thing that was wrong in what was asked for.
fn hint_for_field(name: &str) -> Option<&'static str> {
    Some(match name {
        "environment" => "`gilgal env` lists the environments of a project, `gilgal env create` makes one.",
        "branch" => "`gilgal deploy` without a branch deploys the files of this folder.",
        _ => return None,
    })
}

/// What answered does not speak as the API does.
pub(super) fn foreign(server: &ServerUrl) -> Failure {
    Failure::new(format!("{server} does not answer as this version of gilgal expects."))
        .with_hint(format!("Is it the API of a gilgal of version {}?", env!("CARGO_PKG_VERSION")))
}

/// A body, as the type that it is.
///
/// # Errors
/// When the server is of another version.
pub(super) fn parse<T: DeserializeOwned>(body: Value) -> Result<T, Failure> {
    serde_json::from_value(body).map_err(|error| {
        Failure::new("The server's answer is not understood.").caused_by(&error).with_hint(format!(
            "Use a gilgal of the server's version (`gilgal status` shows it); this is {}.",
            env!("CARGO_PKG_VERSION")
        ))
    })
}
