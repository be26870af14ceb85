//! What a command that changes something leaves in the audit log.

use super::front::Front;
use super::request::Request;
use super::session::Caller;
use crate::git::Service;
use crate::model::audit::{Change, CredentialKind};
use crate::model::id::AuditEntryId;
use crate::model::name::Slug;
use crate::model::user::{SshKey, User};
use serde_json::json;

/// A command that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deed {
    /// The words of the command that say what is done.
    action: &'static str,
    /// The project or environment, as it was named.
    of: String,
    /// What else was said, where that is no secret.
    with: String,
    /// Its name in the log: nobody has given it one, and its begin and its end have the same.
    id: AuditEntryId,
}

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// It has begun, and its end will be written down too.
    Begun,
    /// It has ended with an exit code; `None`: the client had left.
    Ended(Option<u32>),
    /// It could not be carried to its end.
    Failed(&'a str),
}

impl Deed {
    /// What a request changes; `None` where it only looks.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let (action, of) = match request {
            Request::Git { service: Service::ReceivePack, project } => ("push", project),
            Request::Run { project, .. } => ("run", project),
            Request::Redeploy { project } => ("redeploy", project),
            Request::Rollback { project, .. } => ("rollback", project),
            Request::Restart { project } => ("restart", project),
            Request::Scale { project, .. } => ("scale", project),
            Request::Maintenance { project, on: true } => ("maintenance on", project),
            Request::Maintenance { project, on: false } => ("maintenance off", project),
            Request::Stop { project } => ("stop", project),
            Request::Start { project } => ("start", project),
            Request::Undelete { project } => ("undelete", project),
            Request::RunCron { project, .. } => ("cron", project),
            Request::Git { service: Service::UploadPack | Service::UploadArchive, .. }
            | Request::Logs { .. }
            | Request::AppLogs(_)
            | Request::Instances { .. }
            | Request::Releases { .. }
            | Request::Volumes { .. }
            | Request::Cron { .. }
            | Request::WhoAmI
            | Request::Help => return None,
        };
        let with = match request {
            Request::Scale { counts, .. } => {
                counts.iter().map(|(process, count)| format!(" {process}={count}")).collect()
            }
            Request::Rollback { version: Some(version), .. } => format!(" v{version}"),
            Request::RunCron { name, .. } => format!(" run {name}"),
            // Arguments of a command may hold secrets.
            _ => String::new(),
        };
        Some(Self { action, of: of.clone(), with, id: AuditEntryId::generate() })
    }

    /// Writes down that it was done, and how it came out. What was refused changed nothing.
    pub(super) async fn record(
        &self,
        front: &Front,
        caller: &Caller,
        (key, user): (&SshKey, &User),
        outcome: Outcome<'_>,
    ) {
        let after = match outcome {
            Outcome::Begun => Some(json!({ "begun": true })),
            Outcome::Ended(code) => code.map(|code| json!({ "exit_code": code })),
            Outcome::Failed(why) => Some(json!({ "failed": why })),
        };
        let slug = self.of.split(':').next().and_then(|slug| slug.parse::<Slug>().ok());
        let project = match slug {
            Some(slug) => front.store.project_by_slug(&slug).await.ok().flatten(),
            None => None,
        };
        let change = Change {
            user_id: Some(user.id),
            username: Some(user.username.to_string()),
            credential: Some(CredentialKind::SshKey),
            credential_id: Some(key.id.to_string()),
            action: self.action.to_owned(),
            project_id: project.map(|project| project.id),
            subject: format!("ssh {} {}{}", self.action, self.of, self.with),
            peer: caller.peer.ip().to_string(),
            request_id: self.id.to_string(),
            before: None,
            after,
        };
        if let Err(error) = front.store.audit(change.clone()).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, ?change, "a change could not be written to the audit log");
        }
    }
}
