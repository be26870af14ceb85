//! `/api/environments/:id/releases`.

use crate::api::Api;
use crate::api::deployments::Authors;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, ok};
use crate::api::request::{Request, not_found};
use crate::model::environment::Environment;
use crate::model::id::ReleaseId;
use crate::model::release::Release;
use crate::model::release_diff::ReleaseDiff;
use crate::store::StoreError;
use crate::wire::release::ReleaseBody;
use std::sync::Arc;

pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let current = api.store.current_release(environment.id).await?.map(|release| release.id);
    let page = api.store.releases_of(environment.id, page).await?;
    let authors = Authors::of(&api, page.data.iter().map(|release| release.created_by)).await?;
    let data = page.data.into_iter().map(|release| shown(&authors, current, release));
    Ok(reply::list(data.collect(), page.next))
}

/// One release, by its number with or without the `v`, and what is different from the one before, or from another one.
pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let mut query = request.query()?;
    let against = query.text("against");
    query.finish()?;
    let version: String = request.named(":version", Code::ReleaseNotFound)?;
    let release = named(&api, &environment, &version).await?;
    let current = api.store.current_release(environment.id).await?;
    let older = match against.as_deref() {
        None => api.store.release_before(environment.id, release.version).await?,
        Some("current") => current.clone(),
        Some(other) => Some(named(&api, &environment, other).await?),
    };
    let diff = older.map(|older| ReleaseDiff::between(&older.content, &release.content));
    let current = current.map(|release| release.id);
    let authors = Authors::of(&api, std::iter::once(release.created_by)).await?;
    let body = shown(&authors, current, release);
    Ok(ok(&ReleaseBody { diff, ..body }))
}

/// The release that a number means, with or without the `v`.
async fn named(api: &Api, environment: &Environment, version: &str) -> Result<Release, ApiError> {
    let missing = || not_found(Code::ReleaseNotFound);
    let version = version.strip_prefix('v').unwrap_or(version).parse().map_err(|_| missing())?;
    match api.store.release(environment.id, version).await {
        Ok(release) => Ok(release),
        Err(StoreError::NotFound) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

fn shown(authors: &Authors, current: Option<ReleaseId>, release: Release) -> ReleaseBody {
    let content = release.content;
    ReleaseBody {
        id: release.id,
        version: release.version,
        current: current == Some(release.id),
        deployment_id: release.deployment_id,
        commit: release.commit,
        author: authors.name(release.created_by),
        image: content.image,
        source_image: content.plan.prebuilt.and_then(|image| image.source).map(|source| source.full()),
        formation: content
            .processes
            .keys()
            .map(|of| (of.clone(), content.formation.instances(of)))
            .filter(|(of, _)| !of.is_release())
            .collect(),
        processes: content.processes.into_iter().map(|(of, command)| (of, command.shown())).collect(),
        config: content.sealed_config.into_keys().collect(),
        created_at: release.created_at,
        diff: None,
    }
}
