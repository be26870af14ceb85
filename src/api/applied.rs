//! The answer to a change of config vars or files: what is different, and the deployment that brings it to the app.

use crate::api::Api;
use crate::api::deployments::with_steps;
use crate::api::reply::{Answer, accepted, ok, secret};
use crate::api::request::Request;
use crate::deployments::Change;
use crate::model::environment::Environment;
use crate::projects::configuration::{Effect, Outcome};
use crate::wire::config::{ConfigChangedBody, EffectBody, FileBody};

/// Brings a change to what runs. 202 with the deployment that does it, or 200 where nothing needs to be done.
pub(super) async fn changed(
    api: &Api,
    request: &Request,
    environment: &Environment,
    outcome: Outcome,
    file: Option<FileBody>,
) -> Answer {
    request.trail.changed();
    let Outcome { edits, effect } = outcome;
    let (effect, change) = match effect {
        Effect::Nothing => (EffectBody::None, None),
        Effect::Restart => (EffectBody::Restart, Some(Change::Runtime)),
        Effect::Rebuild => (EffectBody::Rebuild, Some(Change::Build)),
    };
    let author = &request.caller()?.user;
    let deployment = match change {
        Some(change) => api.ports.deployments.apply_settings(environment, change, author).await?,
        None => None,
    };
    let deployment = match deployment {
        Some(deployment) => Some(with_steps(api, deployment).await?),
        None => None,
    };
    let body = ConfigChangedBody { changes: edits, effect, deployment, file };
    let response = if body.deployment.is_some() { accepted(&body) } else { ok(&body) };
    // Contents are sealed wherever they are stored: the audit log has none.
    let file = body.file.clone().map(|file| FileBody { content: None, ..file });
    Ok(secret(response, &ConfigChangedBody { file, ..body }))
}
