//! Commands of a schedule: `/api/environments/:id/cron`, `…/cron/:name/runs`, `…/cron/:name/run`.

use crate::api::Api;
use crate::api::deployments::Authors;
use crate::api::error::{ApiError, Code};
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
    let mut authors = Authors::default();
    let mut data = Vec::new();
    for entry in api.ports.processes.cron(&environment).await? {
        let last = match entry.last {
            Some(run) => Some(shown(&api, &mut authors, run).await?),
            None => None,
        };
        data.push(CronBody {
            name: entry.name,
            schedule: entry.job.schedule.to_string(),
            timezone: entry.job.time_zone.as_str().to_owned(),
            command: entry.job.command,
            overlap: entry.job.overlap,
            timeout_seconds: entry.job.timeout_seconds,
            next: entry.next,
            last,
        });
    }
    Ok(reply::list(data, None::<String>))
}

/// The runs of one, newest first.
pub(super) async fn runs(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let name: CronName = request.named(":name", Code::CronNotFound)?;
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let page = api.ports.processes.cron_history(&environment, &name, page).await?;
    let mut authors = Authors::default();
    let mut data = Vec::with_capacity(page.data.len());
    for run in page.data {
        data.push(shown(&api, &mut authors, run).await?);
    }
    Ok(reply::list(data, page.next))
}

/// Runs one now. 202 with the run, which has just begun.
pub(super) async fn run(api: Arc<Api>, request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let name: CronName = request.named(":name", Code::CronNotFound)?;
    let user = &request.caller()?.user;
    let started = api.ports.processes.run_cron(&project, &environment, &name, user).await?;
    Ok(accepted(&shown(&api, &mut Authors::default(), started.run).await?))
}

async fn shown(api: &Api, authors: &mut Authors, run: CronRun) -> Result<CronRunBody, ApiError> {
    Ok(CronRunBody {
        id: run.id,
        name: run.name,
        state: run.state,
        exit_code: run.exit_code,
        reason: run.reason,
        scheduled_at: run.scheduled_at,
        requested_by: authors.name(api, run.requested_by).await?,
        version: run.version,
        started_at: run.started_at,
        finished_at: run.finished_at,
        output: run.output,
    })
}
