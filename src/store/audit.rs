//! The audit log: written once, never changed.

use crate::model::audit::{ActionWords, AuditEntry, Change, CredentialKind};
use crate::model::id::{AuditEntryId, ProjectId, UserId};
use crate::store::Store;
use crate::store::backend::on;
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::schema::audit;
use crate::store::types::{Json, StoredTime};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub project_id: Option<ProjectId>,
    pub user_id: Option<UserId>,
    pub action: Option<ActionWords>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit)]
struct AuditRow {
    id: AuditEntryId,
    occurred_at: StoredTime,
    user_id: Option<UserId>,
    username: Option<String>,
    credential: Option<CredentialKind>,
    credential_id: Option<String>,
    action: String,
    project_id: Option<ProjectId>,
    subject: String,
    peer: String,
    request_id: String,
    was: Option<Json<Value>>,
    became: Option<Json<Value>>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.occurred_at.into(),
            what: Change {
                user_id: row.user_id,
                username: row.username,
                credential: row.credential,
                credential_id: row.credential_id,
                action: row.action,
                project_id: row.project_id,
                subject: row.subject,
                peer: row.peer,
                request_id: row.request_id,
                before: row.was.map(|json| json.0),
                after: row.became.map(|json| json.0),
            },
        }
    }
}

impl Store {
    /// Notes that something was changed.
    pub async fn audit(&self, change: Change) -> Result<(), StoreError> {
        let row = AuditRow {
            id: AuditEntryId::generate(),
            occurred_at: StoredTime::now(),
            user_id: change.user_id,
            username: change.username,
            credential: change.credential,
            credential_id: change.credential_id,
            action: change.action,
            project_id: change.project_id,
            subject: change.subject,
            peer: change.peer,
            request_id: change.request_id,
            was: change.before.map(Json),
            became: change.after.map(Json),
        };
        let mut connection = self.write().await?;
        on!(connection, |c| diesel::insert_into(audit::table).values(&row).execute(c).await)?;
        Ok(())
    }

    /// The entries that fit a filter, newest first.
    pub async fn audit_log(
        &self,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let AuditFilter { project_id, user_id, action } = filter;
        let mut connection = self.read().await?;
        let rows: Vec<AuditRow> = on!(connection, |c| {
            let mut query = audit::table.select(AuditRow::as_select()).into_boxed();
            if let Some(project_id) = project_id {
                query = query.filter(audit::project_id.eq(project_id));
            }
            if let Some(user_id) = user_id {
                query = query.filter(audit::user_id.eq(user_id));
            }
            if let Some(action) = action {
                query = query.filter(audit::action.eq(action.as_str()));
            }
            if let Some(after) = page.after_id() {
                query = query.filter(audit::id.lt(AuditEntryId::from_uuid(after)));
            }
            query.order(audit::id.desc()).limit(page.rows()).load(c).await
        })?;
        let entries = rows.into_iter().map(AuditEntry::from).collect();
        Ok(Page::from_rows(entries, page, |entry| Cursor::id(entry.id.as_uuid())))
    }
}
