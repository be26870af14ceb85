//! What runs of an environment: `/api/environments/:id/processes`, `…/formation`, `…/restart`.

use crate::api::Api;
use crate::api::deployments::with_steps;
use crate::api::environments;
use crate::api::error::ApiError;
use crate::api::reply::{self, Answer, accepted, ok};
use crate::api::request::Request;
use crate::processes::{Process, ProcessState};
use crate::projects::Overwrite;
use crate::wire::process::{FormationBody, ProcessBody, ProcessStateBody, ScaledBody};
use std::sync::Arc;

pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let processes = api.ports.processes.list(&environment).await?;
    Ok(reply::list(processes.into_iter().map(shown).collect(), None::<String>))
}

/// Sets how many instances there are. 202 with the deployment that brings it about, or 200 where nothing has to
/// be done for it.
pub(super) async fn scale(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let FormationBody(counts) = request.json().await?;
    if counts.is_empty() {
        return Err(ApiError::field("web", "Say how many instances of which process type: {\"web\": 2}."));
    }
    // What is set is a part of the environment, and has its entity tag.
    let as_read =
        match request.unless_changed(&environments::shown(&api, &project, environment.clone()).await?)? {
            Overwrite::Anything => None,
            Overwrite::Unchanged => Some(&environment.settings),
        };
    let before = environment.settings.formation.0.clone();
    request.trail.before(&ScaledBody { formation: before, deployment: None });
    let (deployments, author) = (&api.ports.deployments, &request.caller()?.user);
    let unapplied = deployments.set_formation(&environment, &counts, as_read).await?;
    request.trail.changed();
    let formation = api.store.environment(environment.id).await?.settings.formation.0;
    match unapplied {
        Some(commit) => {
            let deployment = deployments.apply_formation(&environment, commit, author).await?;
            let deployment = Some(with_steps(&api, deployment).await?);
            Ok(accepted(&ScaledBody { formation, deployment }))
        }
        None => Ok(ok(&ScaledBody { formation, deployment: None })),
    }
}

/// Replaces every instance.
pub(super) async fn restart(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let deployment = api.ports.deployments.restart(&environment, &request.caller()?.user).await?;
    request.trail.changed();
    Ok(accepted(&with_steps(&api, deployment).await?))
}

fn shown(process: Process) -> ProcessBody {
    let (state, exit_code) = match process.state {
        ProcessState::Starting => (ProcessStateBody::Starting, None),
        ProcessState::Running => (ProcessStateBody::Running, None),
        ProcessState::Crashed { code, out_of_memory: true } => (ProcessStateBody::OutOfMemory, Some(code)),
        ProcessState::Crashed { code, out_of_memory: false } => (ProcessStateBody::Crashed, Some(code)),
        ProcessState::Silent => (ProcessStateBody::NotAnswering, None),
        ProcessState::Asleep => (ProcessStateBody::Asleep, None),
        ProcessState::CrashLooping { code } => (ProcessStateBody::CrashLooping, code),
    };
    ProcessBody {
        name: process.name,
        process_type: process.process_type,
        state,
        exit_code,
        since: process.since,
        restarts: process.restarts,
        version: process.version,
        remark: process.remark,
    }
}
