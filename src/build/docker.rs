//! Builds with the BuildKit inside a Docker Engine.

use super::begun::BegunPulls;
use super::failure;
use super::limits::{self, Watch};
use super::pull::{self, PullRequest, PulledImage, Turns};
use super::request::watched;
use super::room;
use super::secrets::BuildSecrets;
use super::session::{Session, buildkit};
use super::transcript::Transcript;
use super::{BuildError, BuildLine, BuildRequest, Builder, BuiltImage, Export};
use crate::docker::{self, Connection};
use crate::model::id::{ProjectId, ServerId};
use async_trait::async_trait;
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder, BuilderVersion};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Labels of an image. `engine` puts the first two on containers and networks, too.
const SERVER: &str = "gilgal.server";
const PROJECT: &str = "gilgal.project";
const DEPLOYMENT: &str = "gilgal.deployment";
/// The key that the image was built with.
const BUILD: &str = "gilgal.build";

/// What a build that has run out of time gets to say its last lines.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The build argument with which BuildKit keeps cache mounts of different builds apart (Dockerfile reference).
const CACHE_SCOPE: &str = "BUILDKIT_CACHE_MOUNT_NS";

/// Where the engine is and for whom it builds.
#[derive(Debug, Clone)]
pub struct DockerBuilderOptions {
    /// Marks every image, so that two servers on one engine do not touch each other's.
    pub server_id: ServerId,
    /// In the form of `DOCKER_HOST`; `None` for Docker's default socket.
    pub host: Option<String>,
    /// Bytes that have to be free on the engine's disk for a build to begin.
    pub least_free_bytes: u64,
    /// The folder where pulls that have begun are noted; `None` where nothing is pulled.
    pub begun_pulls: Option<PathBuf>,
}

/// Builds with the BuildKit inside a Docker Engine (20.10 or newer).
#[derive(Debug)]
pub struct DockerBuilder {
    pub(super) server_id: ServerId,
    pub(super) connection: Connection,
    pub(super) least_free_bytes: u64,
    pub(super) pulls: Turns,
    pub(super) begun: Arc<BegunPulls>,
    /// Bytes of archives of images that are read at the moment.
    pub(super) exported_bytes: Arc<AtomicU64>,
}

impl DockerBuilder {
    /// A builder; the engine is looked for when it is needed.
    #[must_use]
    pub fn connect(options: DockerBuilderOptions) -> Self {
        let DockerBuilderOptions { server_id, host, least_free_bytes, begun_pulls } = options;
        Self {
            server_id,
            connection: Connection::new(host),
            least_free_bytes,
            pulls: Turns::default(),
            begun: Arc::new(BegunPulls::new(begun_pulls)),
            exported_bytes: Arc::default(),
        }
    }

    async fn run(
        &self,
        request: BuildRequest,
        output: &mpsc::Sender<BuildLine>,
    ) -> Result<BuiltImage, BuildError> {
        let (after, deadline) = (request.timeout, Instant::now() + request.timeout);
        let docker = self.client().await?;
        self.forget_begun_pulls(&docker).await;
        room::check(&docker, "a build", self.least_free_bytes).await?;
        let session = self.open_session(BuildSecrets(request.secrets.clone())).await?;
        let mark = request.limits.map(|_| limits::mark(request.deployment_id));
        let watch = request
            .limits
            .zip(mark.clone())
            .map(|(limits, mark)| Watch::start(Arc::clone(&docker), mark, limits));
        let options = self.options(&request, mark, session.as_ref());
        let (context, context_error) = watched(request.context);
        let buildkit = buildkit(&docker);
        let answer = buildkit.build_image(options, None, Some(bollard::body_try_stream(context)));
        let mut messages = std::pin::pin!(docker::to_the_end(answer));
        let mut transcript = Transcript::naming(request.base_names);
        let mut image = None;
        loop {
            let Ok(message) = tokio::time::timeout_at(deadline, messages.next()).await else {
                send(output, transcript.flush()).await;
                return Err(BuildError::TimedOut { after });
            };
            match message {
                Some(Ok(BuildInfo { aux: Some(BuildInfoAux::BuildKit(status)), .. })) => {
                    send(output, transcript.take(status)).await;
                }
                Some(Ok(BuildInfo { aux: Some(BuildInfoAux::Default(id)), .. })) => image = id.id,
                // "Successfully tagged …"
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    send(output, transcript.flush()).await;
                    return Err(match context_error.get() {
                        Some(reason) => BuildError::ContextBroken { reason: reason.clone() },
                        None => with_memory(self.failed(&error, &transcript), watch.as_ref()),
                    });
                }
                None => break,
            }
        }
        send(output, transcript.flush()).await;
        let id =
            image.ok_or_else(|| BuildError::Other { message: "there is no image at its end".to_owned() })?;
        self.describe(&docker, id).await
    }

    /// A session where one can be had. An engine that is not behind a Unix socket builds without: base images must then
    /// be in it, and nothing secret can be given to it.
    async fn open_session(&self, secrets: BuildSecrets) -> Result<Option<Session>, BuildError> {
        let host = self.connection.host();
        match host.strip_prefix("unix://") {
            Some(path) => Session::open(path, secrets).await.map(Some).map_err(|error| {
                BuildError::EngineUnavailable { host: host.to_owned(), reason: error.to_string() }
            }),
            None if secrets.0.is_empty() => Ok(None),
            None => Err(BuildError::NoSecrets { host: host.to_owned() }),
        }
    }

    fn options(
        &self,
        request: &BuildRequest,
        mark: Option<String>,
        session: Option<&Session>,
    ) -> BuildImageOptions {
        let mut labels: HashMap<String, String> =
            request.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        // Last, so that nothing can take their place; the engine prefers them to labels of the Dockerfile as well.
        labels.extend([
            (SERVER.to_owned(), self.server_id.to_string()),
            (PROJECT.to_owned(), request.project_id.to_string()),
            (DEPLOYMENT.to_owned(), request.deployment_id.to_string()),
            (BUILD.to_owned(), request.key.to_string()),
        ]);
        // Caches that a project's own Dockerfile mounts are its own: BuildKit would share them between all by their path.
        let cache_scope = (CACHE_SCOPE, request.cache_scope.clone());
        let given = match mark {
            Some(mark) => limits::marked(request.arguments.clone(), &mark),
            None => request.arguments.clone(),
        };
        let given = given.iter().map(|(name, value)| (name.as_str(), value.clone()));
        // Ours last: nothing that a project says can take its place.
        let arguments: HashMap<&str, String> = given.chain([cache_scope]).collect();
        let options = BuildImageOptionsBuilder::new()
            .target(request.target.as_deref().unwrap_or_default())
            .dockerfile(&request.dockerfile_path)
            .t(&self.image_name(request.project_id, &request.image_tag))
            .nocache(request.no_cache)
            .labels(&labels)
            .buildargs(&arguments)
            // Made BuildKit's by `buildkit`.
            .version(BuilderVersion::BuilderV1)
            .build();
        BuildImageOptions {
            session: session.map(|session| session.id.clone()),
            // The one part of a request that BuildKit counts among what every command depends on, and that leaves nothing in
            // the image: the name of a host that nobody asks for.
            extrahosts: request.secrets_scope.as_deref().map(unreachable_host),
            ..options
        }
    }

    /// Anybody's Dockerfile can name an image of the engine, so the tag is one that nobody can guess.
    fn image_name(&self, project: ProjectId, tag: &str) -> String {
        format!("gilgal/{}/{project}:{tag}", self.server_id)
    }

    async fn describe(&self, docker: &Docker, id: String) -> Result<BuiltImage, BuildError> {
        let found =
            docker.inspect_image(&id).await.map_err(|error| self.failed(&error, &Transcript::default()))?;
        Ok(pull::built(id, &found))
    }

    pub(super) async fn client(&self) -> Result<Arc<Docker>, BuildError> {
        self.connection.client().await.map_err(|error| self.failed(&error, &Transcript::default()))
    }

    pub(super) fn failed(&self, error: &Error, transcript: &Transcript) -> BuildError {
        self.connection.note(error);
        let message = docker::message(error);
        if docker::is_unavailable(error) {
            return BuildError::EngineUnavailable {
                host: self.connection.host().to_owned(),
                reason: message,
            };
        }
        failure::explain(&message, transcript.failed_step())
    }
}

#[async_trait]
impl Builder for DockerBuilder {
    async fn find(&self, project: ProjectId, tag: &str) -> Result<Option<BuiltImage>, BuildError> {
        let docker = self.client().await?;
        // By its name, which nobody else knows: labels can be those of any image that a build was made to pull.
        match docker.inspect_image(&self.image_name(project, tag)).await {
            Ok(image) => Ok(image.id.clone().map(|id| pull::built(id, &image))),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(self.failed(&error, &Transcript::default())),
        }
    }

    async fn build(
        &self,
        request: BuildRequest,
        output: mpsc::Sender<BuildLine>,
    ) -> Result<BuiltImage, BuildError> {
        let after = request.timeout;
        // Dropping the call closes its connection, on which the engine cancels the build.
        let result = tokio::time::timeout(after + LAST_WORDS, self.run(request, &output)).await;
        result.unwrap_or(Err(BuildError::TimedOut { after }))
    }

    async fn pull(
        &self,
        request: PullRequest,
        output: mpsc::Sender<BuildLine>,
    ) -> Result<PulledImage, BuildError> {
        self.pull_image(request, &output).await
    }

    async fn export(&self, image_id: &str, timeout: Duration) -> Result<Export, BuildError> {
        self.archive(image_id, timeout).await
    }

    async fn forget(&self, pulled: &PulledImage) {
        if let Ok(docker) = self.client().await {
            pull::remove_name(&docker, &pulled.local_name).await;
        }
    }

    async fn cache_bytes(&self) -> Result<u64, BuildError> {
        self.measure_cache().await
    }

    async fn trim_cache(&self, keep_bytes: u64) -> Result<u64, BuildError> {
        self.prune_cache(keep_bytes).await
    }
}

/// An error of memory with the numbers that the watch knows.
fn with_memory(error: BuildError, watch: Option<&Watch>) -> BuildError {
    match (error, watch.and_then(Watch::memory)) {
        (BuildError::OutOfMemory { command, last_lines, .. }, memory @ Some(_)) => {
            BuildError::OutOfMemory { command, memory, last_lines }
        }
        (error, _) => error,
    }
}

/// A host's name and address that lead nowhere.
fn unreachable_host(scope: &str) -> String {
    // `.invalid` is no host's name, ever (RFC 2606 §2).
    format!("gilgal-secrets-{scope}.invalid:0.0.0.0")
}

async fn send(output: &mpsc::Sender<BuildLine>, lines: Vec<BuildLine>) {
    for line in lines {
        // Nobody listens any more: the build goes on all the same.
        let _ = output.send(line).await;
    }
}

pub(super) fn size(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or_default()
}
