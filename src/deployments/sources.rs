//! Deploying what nobody has pushed: an archive that is sent, another repository, an image of a registry.

use super::{DeployError, Deployments, new_deployment, not_taken};
use crate::config::Room;
use crate::git::{Authorship, GitError, UnpackingTurn, Upload};
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::image::ImageName;
use crate::model::name::CommitId;
use crate::model::origin::Origin;
use crate::model::repository_url::{ReferenceName, RepositoryUrl};
use crate::model::user::User;
use crate::store::{Enqueued, Joined};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Archives that are unpacked at the same time: each takes a core.
const UNPACKED_AT_ONCE: usize = 4;
/// The file that names the image of a deployment.
const PROJECT_FILE: &str = "gilgal.toml";

/// What archives may take of the server.
#[derive(Debug, Clone)]
pub struct Uploads {
    /// Of one archive, as it is sent.
    most_bytes: u64,
    room: Room,
    at_once: Arc<Semaphore>,
}

impl Uploads {
    /// Archives of at most so many bytes, while the disks have room.
    #[must_use]
    pub fn new(most_bytes: u64, room: Room) -> Self {
        Self { most_bytes, room, at_once: Arc::new(Semaphore::new(UNPACKED_AT_ONCE)) }
    }
}

/// How an archive is to be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UploadOptions {
    /// Leave out the one folder that everything is in.
    pub strip: bool,
    /// Build every layer anew.
    pub no_cache: bool,
}

impl Deployments {
    /// Whether the disks have room for what can be done without.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.uploads.room.check().is_ok()
    }

    /// Begins to take an archive.
    ///
    /// # Errors
    /// When the disk has no room for it.
    pub async fn begin_upload(&self, environment: &Environment) -> Result<Upload, DeployError> {
        let most_bytes = self.uploads.most_bytes.min(self.uploads.room.check()?);
        Ok(self.repositories.begin_upload(environment.project_id, most_bytes).await?)
    }

    /// Makes a commit of an archive that has come whole, and deploys it.
    ///
    /// # Errors
    /// When there is something in it that no project may have, or nothing is deployed to the project.
    pub async fn deploy_upload(
        &self,
        environment: &Environment,
        upload: Upload,
        UploadOptions { strip, no_cache }: UploadOptions,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let turn = Arc::clone(&self.uploads.at_once).acquire_owned().await;
        let permit = turn.map_err(|closed| GitError::from(std::io::Error::other(closed)))?;
        // Each of those that are unpacked at once has its share of the disk.
        let most_bytes = self.uploads.room.check()? / UNPACKED_AT_ONCE as u64;
        let turn = UnpackingTurn { most_bytes, permit };
        let (repositories, project) = (self.repositories.clone(), environment.project_id);
        let opened = tokio::task::spawn_blocking(move || repositories.open_or_create(project)).await;
        let repository = opened.unwrap_or_else(|panic| Err(GitError::from(std::io::Error::other(panic))))?;
        let message = format!("Uploaded by {}\n", author.username);
        let commit = upload.commit(repository, strip, authorship(author, message), turn).await?;
        let what = format!("an upload ({})", commit.short());
        self.queue_origin(environment, commit, (Origin::Upload, no_cache), author, &what).await
    }

    /// Deploys what another repository has when the turn of the deployment comes.
    ///
    /// # Errors
    /// When the repository may not be reached, or nothing is deployed to the project.
    pub async fn deploy_repository(
        &self,
        environment: &Environment,
        url: RepositoryUrl,
        reference: Option<ReferenceName>,
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        self.deploy_fetched(environment, url, (reference, None), no_cache, author).await
    }

    /// The same, of a commit that it has to be.
    pub(super) async fn deploy_fetched(
        &self,
        environment: &Environment,
        url: RepositoryUrl,
        (reference, only): (Option<ReferenceName>, Option<CommitId>),
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        self.check_repository(&url)?;
        let what = format!("a deployment of {url}");
        let origin = Origin::Repository { url, reference, only };
        self.queue_origin(environment, CommitId::unknown(), (origin, no_cache), author, &what).await
    }

    /// Deploys what a branch or a tag of a repository that is connected is when the turn of the deployment comes, or fails
    /// where it is not `only` what it may be. One that waits for the same does that already. It is nobody's: who has pushed
    /// there has no account here.
    ///
    /// # Errors
    /// When the repository may not be reached, or nothing is deployed to the project.
    pub async fn deploy_delivery(
        &self,
        environment: &Environment,
        url: RepositoryUrl,
        reference: ReferenceName,
        (only, announced): (Option<CommitId>, Option<CommitId>),
    ) -> Result<Deployment, DeployError> {
        self.check_repository(&url)?;
        let why = format!("superseded by a push to {url}");
        let origin = Some(Origin::Repository { url, reference: Some(reference), only });
        let options = DeploymentOptions { origin, announced, ..DeploymentOptions::default() };
        let new = new_deployment(environment, CommitId::unknown(), DeploymentSource::Webhook, options);
        match self.enqueue(new, &why).await.map_err(not_taken)? {
            Joined::Running(deployment) | Joined::New(Enqueued { deployment, .. }) => Ok(deployment),
        }
    }

    /// Refuses a repository that may not be reached, as far as its URL tells.
    ///
    /// # Errors
    /// [`DeployError::Repository`].
    pub fn check_repository(&self, url: &RepositoryUrl) -> Result<(), DeployError> {
        self.outbound.check_scheme(url.scheme()).and_then(|()| self.outbound.check_literal(url.host()))?;
        Ok(())
    }

    /// Deploys an image of a registry as it is. Its commit has nothing but the line that names it: what is deployed can be
    /// seen, deployed again and rolled back to like everything else.
    ///
    /// # Errors
    /// When the registry may not be reached, or nothing is deployed to the project.
    pub async fn deploy_image(
        &self,
        environment: &Environment,
        image: ImageName,
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        self.outbound.check_literal(image.registry().host()).map_err(DeployError::Registry)?;
        let (repositories, project) = (self.repositories.clone(), environment.project_id);
        let text = format!("[build]\nimage = \"{}\"\n", image.full());
        let authorship = authorship(author, format!("Image {image}, deployed by {}\n", author.username));
        let committed = tokio::task::spawn_blocking(move || {
            repositories.open_or_create(project)?.commit_file(PROJECT_FILE, &text, &authorship)
        });
        let commit =
            committed.await.unwrap_or_else(|panic| Err(GitError::from(std::io::Error::other(panic))))?;
        let what = format!("a deployment of {image}");
        self.queue_origin(environment, commit, (Origin::Image { image }, no_cache), author, &what).await
    }

    async fn queue_origin(
        &self,
        environment: &Environment,
        commit: CommitId,
        (origin, no_cache): (Origin, bool),
        author: &User,
        what: &str,
    ) -> Result<Deployment, DeployError> {
        let options = DeploymentOptions { origin: Some(origin), no_cache, ..DeploymentOptions::default() };
        let new = new_deployment(environment, commit, DeploymentSource::Api, options);
        self.queue(new, author, what).await
    }
}

fn authorship(author: &User, message: String) -> Authorship {
    Authorship { name: author.username.to_string(), email: author.email.to_string(), message }
}
