//! `/api/audit` and the audit log of a project.

use crate::api::Api;
use crate::api::reply::{self, Answer};
use crate::api::request::Request;
use crate::store::{AuditFilter, PageRequest};
use crate::wire::audit::AuditBody;
use std::sync::Arc;

pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let mut query = request.query()?;
    let page = query.page()?;
    let filter = AuditFilter {
        project_id: query.value("project_id")?,
        user_id: query.value("user_id")?,
        action: query.value("action")?,
    };
    query.finish()?;
    shown(&api, &filter, page).await
}

pub(super) async fn of_project(api: Arc<Api>, request: Request) -> Answer {
    let project_id = Some(request.project(&api).await?.id);
    let mut query = request.query()?;
    let page = query.page()?;
    let filter = AuditFilter { project_id, user_id: query.value("user_id")?, action: query.value("action")? };
    query.finish()?;
    shown(&api, &filter, page).await
}

async fn shown(api: &Api, filter: &AuditFilter, page: PageRequest) -> Answer {
    let page = api.store.audit_log(filter, page).await?;
    Ok(reply::list(page.data.into_iter().map(AuditBody::from).collect(), page.next))
}
