//! What a request that changes something leaves in the audit log.

use crate::api::Api;
use crate::api::endpoint::Endpoint;
use crate::api::representation::Representation;
use crate::auth::origin::Origin;
use crate::auth::principal::{Credential, Principal};
use crate::model::audit::{Change, CredentialKind};
use crate::model::id::ProjectId;
use crate::model::user::User;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use warp::reply::Response;

/// Notes of a request on its way. The handler writes them, and who called the handler reads them: that is why they are
/// shared.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    actor: Option<User>,
    project_id: Option<ProjectId>,
    before: Option<Value>,
    changed: bool,
}

/// Where a request came from and what it asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) endpoint: Endpoint,
    pub(super) path: String,
    pub(super) origin: Origin,
    pub(super) request_id: String,
}

impl Trail {
    /// Somebody has proved who they are in the course of the request.
    pub(super) fn actor(&self, user: &User) {
        self.notes().actor = Some(user.clone());
    }

    /// The request is about a project.
    pub(super) fn project(&self, id: ProjectId) {
        self.notes().project_id = Some(id);
    }

    /// How something was that is changed.
    pub(super) fn before(&self, body: &impl Serialize) {
        self.notes().before = Some(json!(body));
    }

    /// Something is different from here on, whatever becomes of the rest of the request.
    pub(super) fn changed(&self) {
        self.notes().changed = true;
    }

    /// Whether a request that was refused in the end has changed something before.
    pub(super) fn has_changed(&self) -> bool {
        self.notes().changed
    }

    /// Writes down what was done; there is no response where it was done and something after it has failed. When that fails it is in the server's log at least: the change has happened, and to
    /// answer otherwise would be wrong.
    pub(super) async fn record(
        &self,
        api: &Api,
        asked: Asked,
        caller: Option<&Principal>,
        response: Option<&Response>,
    ) {
        let change = self.change(asked, caller, response);
        if change.user_id.is_none() {
            // The log-out of a login that there is not: nothing was changed.
            return;
        }
        if let Err(error) = api.store.audit(change.clone()).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, ?change, "a change could not be written to the audit log");
        }
    }

    fn change(&self, asked: Asked, caller: Option<&Principal>, response: Option<&Response>) -> Change {
        let Notes { actor, project_id, before, changed: _ } = std::mem::take(&mut *self.notes());
        let user = caller.map(|caller| &caller.user).or(actor.as_ref());
        let (credential, credential_id) = caller.map(|caller| kind(&caller.credential)).unzip();
        let after = response.and_then(Representation::of).and_then(Representation::shown);
        let created = || after.as_ref()?.get("id")?.as_str()?.parse().ok();
        let project_id = project_id.or_else(|| asked.endpoint.makes_projects().then(created).flatten());
        Change {
            user_id: user.map(|user| user.id),
            username: user.map(|user| user.username.to_string()),
            credential,
            credential_id,
            action: asked.endpoint.word(),
            project_id,
            subject: asked.path,
            peer: asked.origin.peer.to_string(),
            request_id: asked.request_id,
            before,
            after,
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kind(credential: &Credential) -> (CredentialKind, String) {
    match credential {
        Credential::Session(identity) => (CredentialKind::Session, identity.session.to_string()),
        Credential::ApiKey { id, .. } => (CredentialKind::ApiKey, id.to_string()),
    }
}
