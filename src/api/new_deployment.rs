//! `POST /api/projects/:id/deployments`: of what was pushed before, of an archive in the body, of another repository, of an
//! image.

use crate::api::Api;
use crate::api::deployments::{environment_of, with_steps};
use crate::api::endpoint::Endpoint;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{Answer, accepted};
use crate::api::request::{Request, late};
use crate::deployments::{DeployError, UploadOptions, Wanted};
use crate::git::Upload;
use crate::model::environment::Environment;
use crate::model::name::EnvironmentName;
use crate::model::project::Project;
use crate::wire::deployment::NewDeploymentBody;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use warp::http::header::CONTENT_ENCODING;

/// Media types of archives. Whether one is compressed is seen from its beginning.
pub(super) const ARCHIVES: [&str; 4] =
    ["application/gzip", "application/x-gzip", "application/x-tar", "application/x-gtar"];
/// How long an archive may take to arrive.
const UPLOAD_PATIENCE: Duration = Duration::from_hours(1);

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    if sends_archive(&request) {
        return create_of_archive(&api, &mut request).await;
    }
    let project = request.project(&api).await?;
    // Those that there are, are for archives.
    request.query()?.finish()?;
    let NewDeploymentBody { commit, branch, repository, reference, image, environment, no_cache } =
        request.json().await?;
    let environment = environment_or_production(&api, &project, environment).await?;
    let (deployments, author) = (&api.ports.deployments, &request.caller()?.user);
    let deployment = match (repository, image) {
        (Some(url), _) => {
            deployments.deploy_repository(&environment, url, reference, no_cache, author).await?
        }
        (None, Some(image)) => deployments.deploy_image(&environment, image, no_cache, author).await?,
        (None, None) => match (commit, branch) {
            (Some(commit), _) => {
                deployments.deploy(&environment, Wanted::Commit(commit), no_cache, author).await?
            }
            (None, Some(branch)) => {
                deployments.deploy(&environment, Wanted::Branch(branch), no_cache, author).await?
            }
            (None, None) => deployments.redeploy_live(&environment, no_cache, author).await?,
        },
    };
    request.trail.changed();
    Ok(accepted(&with_steps(&api, deployment).await?))
}

/// An archive that has come whole, and what is to be done with it. It is gone when this is dropped.
pub(super) struct Archive {
    environment: Environment,
    options: UploadOptions,
    upload: Upload,
    /// SHA-256 of it, as it was sent.
    pub(super) digest: [u8; 32],
}

/// Whether a request sends an archive to be deployed.
pub(super) fn sends_archive(request: &Request) -> bool {
    request.endpoint == Endpoint::CreateDeployment && ARCHIVES.iter().any(|kind| request.has_media_type(kind))
}

/// Takes the archive to the disk as it comes.
pub(super) async fn take_archive(api: &Api, request: &mut Request) -> Result<Archive, ApiError> {
    let project = request.project(api).await?;
    let mut query = request.query()?;
    let environment = query.text("environment");
    let options = UploadOptions {
        strip: query.value::<Flag>("strip")?.is_some_and(|flag| flag.0),
        no_cache: query.value::<Flag>("no_cache")?.is_some_and(|flag| flag.0),
    };
    query.finish()?;
    if request.headers.contains_key(CONTENT_ENCODING) {
        let message = "Send the archive as it is, without `Content-Encoding`.";
        return Err(ApiError::new(Code::UnsupportedMediaType, message));
    }
    let environment = environment_or_production(api, &project, environment).await?;
    let mut upload = api.ports.deployments.begin_upload(&environment).await?;
    let mut digest = Sha256::new();
    let taken = async {
        while let Some(piece) = request.next_piece().await? {
            digest.update(&piece);
            upload.write(&piece).await.map_err(DeployError::from)?;
        }
        Ok::<_, ApiError>(())
    };
    tokio::time::timeout(UPLOAD_PATIENCE, taken).await.map_err(|_| late())??;
    Ok(Archive { environment, options, upload, digest: digest.finalize().into() })
}

/// Answers when the archive is a commit.
async fn create_of_archive(api: &Arc<Api>, request: &mut Request) -> Answer {
    let archive = match request.archive.take() {
        Some(taken) => taken,
        None => take_archive(api, request).await?,
    };
    let Archive { environment, options, upload, digest: _ } = archive;
    let author = &request.caller()?.user;
    let deployment = api.ports.deployments.deploy_upload(&environment, upload, options, author).await?;
    request.trail.changed();
    Ok(accepted(&with_steps(api, deployment).await?))
}

async fn environment_or_production(
    api: &Api,
    project: &Project,
    wanted: Option<String>,
) -> Result<Environment, ApiError> {
    match wanted {
        Some(wanted) => environment_of(api, project, &wanted).await,
        None => environment_of(api, project, EnvironmentName::production().as_str()).await,
    }
}

/// `1`, `true`, `0`, `false` of a query.
struct Flag(bool);

impl std::str::FromStr for Flag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" | "true" => Ok(Self(true)),
            "0" | "false" => Ok(Self(false)),
            _ => Err("it is 1 or 0"),
        }
    }
}
