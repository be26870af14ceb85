//! `/health`, `/ready`, `/version`: for those who watch the server.

use crate::api::Api;
use crate::api::ports::Check;
use crate::api::reply::{Answer, ok};
use crate::api::request::Request;
use crate::wire::system::{CheckBody, HealthBody, ReadyBody, VersionBody};
use std::sync::Arc;
use warp::http::StatusCode;
use warp::reply::Reply;

/// Asks nothing of anything: a database that is away is no reason to restart this process.
pub(super) async fn health(_api: Arc<Api>, _request: Request) -> Answer {
    Ok(ok(&HealthBody { status: "ok".to_owned() }))
}

pub(super) async fn ready(api: Arc<Api>, _request: Request) -> Answer {
    let checks = api.ready.check(&*api.ports.readiness).await;
    let checks: Vec<_> = checks.into_iter().map(shown).collect();
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(warp::reply::with_status(warp::reply::json(&ReadyBody { ready, checks }), status).into_response())
}

fn shown(check: Check) -> CheckBody {
    let Check { name, outcome } = check;
    CheckBody { name: name.to_owned(), ok: outcome.is_ok(), reason: outcome.err() }
}

pub(super) async fn version(_api: Arc<Api>, _request: Request) -> Answer {
    let (name, version) = (env!("CARGO_PKG_NAME").to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    Ok(ok(&VersionBody { name, version }))
}
