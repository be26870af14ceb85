//! Whether somebody may still do what they have begun: a key that was removed, an account that was disabled or removed, a
//! project that is not theirs any more end what runs for them within seconds.

use super::front::Front;
use super::request::Request;
use super::session::{Caller, Refusal};
use crate::auth::access::Action;
use crate::git::Service;
use crate::model::name::Slug;
use crate::projects::{self, ProjectError, ProjectReference};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two looks.
const RECHECK: Duration = Duration::from_secs(3);

/// What has to hold for as long as a command runs.
pub(super) struct Still {
    fingerprint: String,
    /// What the account has to be allowed to do, where a project was named.
    project: Option<(ProjectReference, Action)>,
    cut_off: AtomicBool,
}

impl Still {
    pub(super) fn of(caller: &Caller, request: &Request) -> Self {
        let (named, action) = match request {
            Request::Logs { of } => (Some(of), Action::ReadLogs),
            Request::AppLogs(wanted) => (Some(&wanted.project), Action::ReadLogs),
            Request::Run { project, .. } => (Some(project), Action::RunCommand),
            Request::Git { service: Service::UploadPack | Service::UploadArchive, project } => {
                (Some(project), Action::FetchSource)
            }
            // They are over within moments, watch a deployment that they may watch, or are git's and may make the project.
            Request::Git { .. }
            | Request::Redeploy { .. }
            | Request::Rollback { .. }
            | Request::Restart { .. }
            | Request::Scale { .. }
            | Request::Instances { .. }
            | Request::Releases { .. }
            | Request::Maintenance { .. }
            | Request::Stop { .. }
            | Request::Start { .. }
            | Request::Undelete { .. }
            | Request::Volumes { .. }
            | Request::Cron { .. }
            | Request::RunCron { .. }
            | Request::WhoAmI
            | Request::Help => (None, Action::ReadProject),
        };
        let slug = named.and_then(|named| named.split(':').next()?.parse::<Slug>().ok());
        let project = slug.map(|slug| (ProjectReference::Slug(slug), action));
        Self { fingerprint: caller.fingerprint.clone(), project, cut_off: AtomicBool::new(false) }
    }

    /// Whether it has held once, and does not any more.
    pub(super) fn was_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Relaxed)
    }

    /// Ends when it does not hold any more, with what the client is told. A database that is away changes nothing.
    pub(super) async fn no_longer(&self, front: &Front) -> Refusal {
        let refusal = self.reason_to_end(front).await;
        self.cut_off.store(true, Ordering::Relaxed);
        refusal
    }

    async fn reason_to_end(&self, front: &Front) -> Refusal {
        loop {
            tokio::time::sleep(RECHECK).await;
            let user = match front.owner(&self.fingerprint).await {
                Ok(Some((_, user))) => user,
                Ok(None) => return Refusal("This key is not accepted any more.".to_owned()),
                Err(_) => continue,
            };
            let Some((project, action)) = &self.project else { continue };
            match projects::find(&front.store, &user, project, *action).await {
                Ok(_) | Err(ProjectError::Store(_)) => {}
                Err(ProjectError::NotFound) => {
                    return Refusal("The project is not there any more.".to_owned());
                }
                Err(error) => return Refusal(error.to_string()),
            }
        }
    }
}
