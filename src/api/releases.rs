//! `/api/environments/:id/releases`.

use crate::api::Api;
use crate::api::deployments::Authors;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, ok};
use crate::api::request::{Request, not_found};
use crate::model::deployment::Deployment;
use crate::model::environment::Environment;
use crate::model::id::{DeploymentId, ReleaseId};
use crate::model::release::Release;
use crate::model::release_diff::ReleaseDiff;
use crate::store::StoreError;
use crate::wire::deployment::MadeFromBody;
use crate::wire::release::ReleaseBody;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let current = api.store.current_release(environment.id).await?.map(|release| release.id);
    let page = api.store.releases_of(environment.id, page).await?;
    let data = shown(&api, current, page.data).await?;
    Ok(reply::list(data, page.next))
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
    let mut bodies = shown(&api, current, vec![release]).await?;
    Ok(ok(&bodies.pop().map(|body| ReleaseBody { diff, ..body })))
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

/// Releases with what is known of them elsewhere: who made them, where they came from, whether they can be gone back to.
async fn shown(
    api: &Api,
    current: Option<ReleaseId>,
    releases: Vec<Release>,
) -> Result<Vec<ReleaseBody>, ApiError> {
    let authors = Authors::of(api, releases.iter().map(|release| release.created_by)).await?;
    let ids: Vec<DeploymentId> = releases.iter().map(|release| release.deployment_id).collect();
    let deployments = api.store.deployments_with(&ids).await?.into_iter();
    let mut deployments: HashMap<DeploymentId, Deployment> =
        deployments.map(|deployment| (deployment.id, deployment)).collect();
    let there = api.ports.processes.images_there(&releases).await;
    Ok(releases
        .into_iter()
        .map(|release| {
            let author = authors.name(release.created_by);
            let image_exists = there.as_ref().map(|there| there.contains(&release.content.image));
            let of = deployments.remove(&release.deployment_id);
            ReleaseBody { author, image_exists, ..body(current, release, of) }
        })
        .collect())
}

fn body(current: Option<ReleaseId>, release: Release, of: Option<Deployment>) -> ReleaseBody {
    let content = release.content;
    let source = of.as_ref().map(|deployment| deployment.source);
    let branch = of.as_ref().and_then(|deployment| deployment.branch.clone());
    ReleaseBody {
        id: release.id,
        version: release.version,
        current: current == Some(release.id),
        deployment_id: release.deployment_id,
        commit: release.commit,
        source,
        branch,
        made_from: of.map(|deployment| MadeFromBody::of(deployment.options, deployment.environment_id)),
        author: None,
        image: content.image,
        image_exists: None,
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
