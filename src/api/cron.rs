//! Commands of a schedule: `/api/environments/:id/cron`, `…/cron/:name/runs`, `…/cron/:name/run`.

use crate::api::Api;
use crate::api::deployments::Authors;
use crate::api::error::Code;
use crate::api::reply::{self, Answer, accepted};
use crate::api::request::Request;
use crate::model::cron::CronRun;
use crate::model::name::CronName;
use crate::wire::cron::{CronBody, CronRunBody};
use std::sync::Arc;

/// All of them: a project has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let entries = api.ports.processes.cron(&environment).await?;
    let last = entries.iter().map(|entry| entry.last.as_ref()?.requested_by);
    let authors = Authors::of(&api, last).await?;
    let data = entries.into_iter().map(|entry| CronBody {
        name: entry.name,
        schedule: entry.job.schedule.to_string(),
        timezone: entry.job.time_zone.as_str().to_owned(),
        command: entry.job.command,
        overlap: entry.job.overlap,
        timeout_seconds: entry.job.timeout_seconds,
        next: entry.next,
        last: entry.last.map(|run| shown(&authors, run)),
    });
    Ok(reply::list(data.collect(), None::<String>))
}

/// The runs of one, newest first.
pub(super) async fn runs(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let name: CronName = request.named(":name", Code::CronNotFound)?;
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let page = api.ports.processes.cron_history(&environment, &name, page).await?;
    let authors = Authors::of(&api, page.data.iter().map(|run| run.requested_by)).await?;
    let data = page.data.into_iter().map(|run| shown(&authors, run));
    Ok(reply::list(data.collect(), page.next))
}

/// Runs one now. 202 with the run, which has just begun.
pub(super) async fn run(api: Arc<Api>, request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let name: CronName = request.named(":name", Code::CronNotFound)?;
    let user = &request.caller()?.user;
    let started = api.ports.processes.run_cron(&project, &environment, &name, user).await?;
    request.trail.changed();
    let authors = Authors::of(&api, std::iter::once(started.run.requested_by)).await?;
    Ok(accepted(&shown(&authors, started.run)))
}

fn shown(authors: &Authors, run: CronRun) -> CronRunBody {
    CronRunBody {
        id: run.id,
        name: run.name,
        state: run.state,
        exit_code: run.exit_code,
        reason: run.reason,
        scheduled_at: run.scheduled_at,
        requested_by: authors.name(run.requested_by),
        version: run.version,
        started_at: run.started_at,
        finished_at: run.finished_at,
        output: run.output,
    }
}
