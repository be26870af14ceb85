//! What a project needs to get something from elsewhere: `/api/projects/:id/deploy-key`, `…/credentials`, `…/known-hosts`.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, no_content, ok};
use crate::api::request::{Request, not_found};
use crate::model::remote::{DeployKey, KnownHost, RemoteCredential};
use crate::model::remote_host::RemoteHost;
use crate::sources::{Sources, SourcesError};
use crate::store::StoreError;
use crate::wire::source::{CredentialBody, DeployKeyBody, KnownHostBody, PutCredentialBody};
use std::sync::Arc;

/// The public half.
pub(super) async fn show_deploy_key(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    request.query()?.finish()?;
    let key = api.store.deploy_key(project.id).await?;
    Ok(ok(&shown_key(key.ok_or_else(|| not_found(Code::DeployKeyNotFound))?)))
}

/// Makes the key where there is none; answers with the public half in any case.
pub(super) async fn make_deploy_key(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    Ok(ok(&shown_key(sources(&api).deploy_key(project.id).await?)))
}

pub(super) async fn rotate_deploy_key(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    if let Some(before) = api.store.deploy_key(project.id).await? {
        request.trail.before(&shown_key(before));
    }
    Ok(ok(&shown_key(sources(&api).rotate_deploy_key(project.id).await?)))
}

/// All of them, without their passwords: a project has few.
pub(super) async fn list_credentials(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    request.query()?.finish()?;
    let credentials = sources(&api).list_credentials(project.id).await?;
    Ok(reply::list(credentials.into_iter().map(shown_credential).collect(), None::<String>))
}

pub(super) async fn put_credential(api: Arc<Api>, mut request: Request) -> Answer {
    let project = request.project(&api).await?;
    let host = host(&request, Code::CredentialNotFound)?;
    let PutCredentialBody { username, password } = request.json().await?;
    match api.store.remote_credential(project.id, &host).await? {
        Some(before) => drop(request.unless_changed(&shown_credential(before))?),
        None => request.unless_expected()?,
    }
    let credential = sources(&api).set_credential(project.id, host, username, &password).await?;
    Ok(ok(&shown_credential(credential)))
}

pub(super) async fn delete_credential(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    let missing = Code::CredentialNotFound;
    let host = host(&request, missing)?;
    let before = api.store.remote_credential(project.id, &host).await?;
    request.unless_changed(&shown_credential(before.ok_or_else(|| not_found(missing))?))?;
    sources(&api).remove_credential(project.id, &host).await.map_err(gone(missing))?;
    Ok(no_content())
}

pub(super) async fn list_known_hosts(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    request.query()?.finish()?;
    let hosts = sources(&api).known_hosts(project.id).await?;
    Ok(reply::list(hosts.into_iter().map(shown_host).collect(), None::<String>))
}

pub(super) async fn delete_known_host(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    let missing = Code::HostNotFound;
    let host = host(&request, missing)?;
    let before = api.store.known_host(project.id, &host).await?;
    request.unless_changed(&shown_host(before.ok_or_else(|| not_found(missing))?))?;
    sources(&api).forget_host(project.id, &host).await.map_err(gone(missing))?;
    Ok(no_content())
}

fn sources(api: &Api) -> Sources {
    Sources::new(api.store.clone(), api.master_key.clone())
}

/// The host in the path; a text that cannot be one is the name of none.
fn host(request: &Request, missing: Code) -> Result<RemoteHost, ApiError> {
    request.named(":host", missing)
}

/// What is not there any more was removed by somebody else in this very moment.
fn gone(missing: Code) -> impl Fn(SourcesError) -> ApiError {
    move |error| match error {
        SourcesError::Store(StoreError::NotFound) => not_found(missing),
        error => error.into(),
    }
}

fn shown_key(key: DeployKey) -> DeployKeyBody {
    DeployKeyBody { public_key: key.public_key, created_at: key.created_at }
}

fn shown_credential(credential: RemoteCredential) -> CredentialBody {
    let RemoteCredential { host, username, sealed_password: _, updated_at } = credential;
    CredentialBody { host, username, updated_at }
}

fn shown_host(known: KnownHost) -> KnownHostBody {
    let KnownHost { host, host_keys, first_seen_at } = known;
    let keys = host_keys.lines().filter_map(|line| line.split_once(' ').map(|(_, key)| key.to_owned()));
    KnownHostBody { host, host_keys: keys.collect(), first_seen_at }
}
