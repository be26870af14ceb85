//! `/api/files` and the configuration files of an environment.

use crate::api::Api;
use crate::api::applied::changed;
use crate::api::error::ApiError;
use crate::api::reply::{self, Answer, ok};
use crate::api::request::Request;
use crate::model::environment::Environment;
use crate::projects::configuration::{self, Change, FileDraft, KnownFile, ShownFile};
use crate::wire::config::{FileBody, NewFileBody, PutFileBody};
use std::sync::Arc;

/// All of them, without their contents: an environment has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let files = configuration::files(&api.store, &api.master_key, environment.id).await?;
    let files = files.into_iter().map(|file| FileBody { content: None, ..shown(file) });
    Ok(reply::list(files.collect(), None::<String>))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let NewFileBody { path, content, secret } = request.json().await?;
    let draft = FileDraft { path, content: Some(content), secret: Some(secret) };
    let stored = || request.trail.changed();
    let change = change_of(&api, &request, &environment, &stored)?;
    let (id, outcome) = configuration::put_file(change, &project, None, draft).await?;
    request.trail.changed();
    let file = configuration::file(&api.store, &api.master_key, id).await?;
    changed(&api, &request, &environment, outcome, Some(shown(file))).await
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let (_, _, id) = request.config_file(&api).await?;
    Ok(ok(&shown(configuration::file(&api.store, &api.master_key, id).await?)))
}

pub(super) async fn replace(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment, id) = request.config_file(&api).await?;
    let PutFileBody { path, content, secret } = request.json().await?;
    let before = configuration::file(&api.store, &api.master_key, id).await?;
    let path = path.unwrap_or_else(|| before.path.clone());
    let known = unless_changed(&request, shown(before))?;
    let stored = || request.trail.changed();
    let change = change_of(&api, &request, &environment, &stored)?;
    let draft = FileDraft { path, content, secret };
    let (id, outcome) = configuration::put_file(change, &project, Some(known), draft).await?;
    request.trail.changed();
    let file = configuration::file(&api.store, &api.master_key, id).await?;
    changed(&api, &request, &environment, outcome, Some(shown(file))).await
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let (project, environment, id) = request.config_file(&api).await?;
    let before = configuration::file(&api.store, &api.master_key, id).await?;
    let known = unless_changed(&request, shown(before))?;
    let stored = || request.trail.changed();
    let change = change_of(&api, &request, &environment, &stored)?;
    let outcome = configuration::remove_file(change, &project, known).await?;
    changed(&api, &request, &environment, outcome, None).await
}

/// Goes on only if the file is as the client knows it. The audit log is told of it without the content, which is sealed
/// wherever it is stored.
fn unless_changed(request: &Request, file: FileBody) -> Result<KnownFile, ApiError> {
    let unless_changed_since = request.unless_changed(&file)?.unless_since(file.updated_at);
    let id = file.id;
    request.trail.before(&FileBody { content: None, ..file });
    Ok(KnownFile { id, unless_changed_since })
}

fn change_of<'a>(
    api: &'a Api,
    request: &Request,
    environment: &'a Environment,
    stored: &'a (dyn Fn() + Sync),
) -> Result<Change<'a>, ApiError> {
    let author = request.caller()?.user.id;
    Ok(Change { store: &api.store, key: &api.master_key, environment, author, stored })
}

fn shown(file: ShownFile) -> FileBody {
    let ShownFile { id, environment_id, path, content, secret, created_at, updated_at } = file;
    FileBody { id, environment_id, path, content: Some(content), secret, created_at, updated_at }
}
