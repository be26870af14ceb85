//! `/api/environments/:id/releases`.

use crate::api::Api;
use crate::api::deployments::Authors;
use crate::api::error::Code;
use crate::api::reply::{self, Answer, ok};
use crate::api::request::{Request, not_found};
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

/// One release, by its number with or without the `v`, and what is different from the one before.
pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    request.query()?.finish()?;
    let missing = Code::ReleaseNotFound;
    let version: String = request.named(":version", missing)?;
    let version = version.strip_prefix('v').unwrap_or(&version).parse().map_err(|_| not_found(missing))?;
    let release = match api.store.release(environment.id, version).await {
        Ok(release) => release,
        Err(StoreError::NotFound) => return Err(not_found(missing)),
        Err(error) => return Err(error.into()),
    };
    let before = api.store.release_before(environment.id, version).await?;
    let diff = before.map(|before| ReleaseDiff::between(&before.content, &release.content));
    let current = api.store.current_release(environment.id).await?.map(|release| release.id);
    let authors = Authors::of(&api, std::iter::once(release.created_by)).await?;
    let body = shown(&authors, current, release);
    Ok(ok(&ReleaseBody { diff, ..body }))
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
