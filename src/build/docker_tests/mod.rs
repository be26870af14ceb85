//! The builder against a real Docker Engine. Needs `busybox:stable` in it.

mod bases;
mod bounds;
mod pulls;
mod secrets;

use super::{
    BuildError, BuildKey, BuildLine, BuildRequest, BuildStream, Builder, BuiltImage, Context, DockerBuilder,
    DockerBuilderOptions,
};
use crate::model::id::{DeploymentId, ProjectId, ServerId};
use bollard::Docker;
use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A server of its own for each test; its images go with it.
struct Server {
    id: ServerId,
    project: ProjectId,
    builder: DockerBuilder,
    begun: tempfile::TempDir,
}

impl Server {
    fn new() -> Self {
        let id = ServerId::generate();
        let begun = tempfile::tempdir().unwrap();
        let builder = DockerBuilder::connect(DockerBuilderOptions {
            server_id: id,
            host: None,
            least_free_bytes: 0,
            begun_pulls: Some(begun.path().to_owned()),
        });
        Self { id, project: ProjectId::generate(), builder, begun }
    }

    fn request(&self, dockerfile: &str) -> BuildRequest {
        BuildRequest {
            project_id: self.project,
            cache_scope: self.project.to_string(),
            deployment_id: DeploymentId::generate(),
            image_tag: "1".to_owned(),
            key: BuildKey("key-1".to_owned()),
            base_names: BTreeMap::new(),
            dockerfile_path: "Dockerfile".to_owned(),
            target: None,
            arguments: BTreeMap::new(),
            secrets: BTreeMap::new(),
            secrets_scope: None,
            context: context(&[("Dockerfile", dockerfile), ("hello.txt", &self.id.to_string())]),
            no_cache: false,
            limits: None,
            timeout: Duration::from_mins(1),
            labels: BTreeMap::new(),
        }
    }

    /// Builds, and gives what came of it together with the lines.
    async fn build(&self, request: BuildRequest) -> (Result<BuiltImage, BuildError>, Vec<BuildLine>) {
        let (sender, mut receiver) = mpsc::channel(8);
        let lines = async {
            let mut lines = Vec::new();
            while let Some(line) = receiver.recv().await {
                lines.push(line);
            }
            lines
        };
        tokio::join!(self.builder.build(request, sender), lines)
    }

    /// Builds a Dockerfile that cannot be built.
    async fn failure(&self, dockerfile: &str) -> BuildError {
        self.build(self.request(dockerfile)).await.0.unwrap_err()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let label = format!("gilgal.server={}", self.id);
        // On a thread of its own: a destructor cannot wait inside of a runtime.
        let clean = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(remove_images(&label));
        };
        std::thread::spawn(clean).join().unwrap();
    }
}

async fn docker() -> Docker {
    Docker::connect_with_defaults().unwrap().negotiate_version().await.unwrap()
}

async fn remove_images(label: &str) {
    let docker = docker().await;
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    for image in docker.list_images(Some(options)).await.unwrap() {
        let options = RemoveImageOptionsBuilder::new().force(true).build();
        docker.remove_image(&image.id, Some(options), None).await.unwrap();
    }
}

fn tar(files: &[(&str, &str)]) -> Bytes {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    Bytes::from(archive.into_inner().unwrap())
}

fn context(files: &[(&str, &str)]) -> Context {
    stream::iter([Ok(tar(files))]).boxed()
}

fn texts(lines: &[BuildLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn a_build_gives_an_image_with_labels_and_is_found_again() {
    let server = Server::new();
    let mut request = server.request("FROM busybox:stable\nCOPY . /app\nLABEL gilgal.server=stranger\n");
    request.labels.insert("org.opencontainers.image.revision".to_owned(), "1a2b".to_owned());
    let deployment = request.deployment_id;
    let (image, lines) = server.build(request).await;
    let image = image.unwrap();
    assert!(image.id.starts_with("sha256:") && image.size_bytes > 1_000_000, "{image:?}");
    assert!(texts(&lines).iter().any(|line| line.starts_with("COPY . /app")), "{lines:?}");

    let labels = docker().await.inspect_image(&image.id).await.unwrap().config.unwrap().labels.unwrap();
    let label = |name: &str| labels.get(name).map(String::as_str);
    assert_eq!(label("gilgal.server"), Some(server.id.to_string().as_str()));
    assert_eq!(label("gilgal.project"), Some(server.project.to_string().as_str()));
    assert_eq!(label("gilgal.deployment"), Some(deployment.to_string().as_str()));
    assert_eq!(label("gilgal.build"), Some("key-1"));
    assert_eq!(label("org.opencontainers.image.revision"), Some("1a2b"));

    let find = async |project, tag: &str| server.builder.find(project, tag).await.unwrap();
    assert_eq!(find(server.project, "1").await, Some(image));
    assert_eq!(find(server.project, "2").await, None);
    assert_eq!(find(ProjectId::generate(), "1").await, None);
    let other = Server::new();
    assert_eq!(other.builder.find(server.project, "1").await.unwrap(), None);
}

#[tokio::test]
async fn output_is_live_and_in_order() {
    let server = Server::new();
    let script = r"for i in 1 2 3; do echo out $i; echo err $i >&2; sleep 0.3; done; printf 'a\rb\rc\nend'";
    let request = server.request(&format!("FROM busybox:stable\nRUN : {} && {script}\n", server.id));
    let (sender, mut receiver) = mpsc::channel(8);
    let lines = async {
        let mut lines = Vec::new();
        while let Some(line) = receiver.recv().await {
            lines.push((Instant::now(), line));
        }
        lines
    };
    let (image, lines) = tokio::join!(server.builder.build(request, sender), lines);
    image.unwrap();
    let at = |text: &str| {
        lines.iter().find(|(_, line)| line.text == text).unwrap_or_else(|| panic!("{lines:?}")).0
    };
    for pair in [("out 1", "out 2"), ("out 2", "out 3")] {
        let pause = at(pair.1) - at(pair.0);
        assert!(pause > Duration::from_millis(150) && pause < Duration::from_millis(600), "{pause:?}");
    }
    let printed: Vec<_> = lines.iter().filter(|(_, line)| line.stream == BuildStream::Stdout).collect();
    let printed: Vec<_> = printed.iter().map(|(_, line)| line.text.as_str()).collect();
    assert_eq!(printed, ["out 1", "out 2", "out 3", "c", "end"]);
    let errors = lines.iter().filter(|(_, line)| line.stream == BuildStream::Stderr).count();
    assert_eq!(errors, 3);
}

#[tokio::test]
async fn a_failing_command_is_named_with_its_code_and_last_lines() {
    let server = Server::new();
    let error = server.failure("FROM busybox:stable\nRUN echo before; echo why; exit 3\n").await;
    let BuildError::CommandFailed { command, exit_code, last_lines } = error else { panic!("{error:?}") };
    assert_eq!(command, "echo before; echo why; exit 3");
    assert_eq!(exit_code, 3);
    assert_eq!(last_lines, ["before", "why"]);
}

#[tokio::test]
async fn a_killed_command_is_out_of_memory() {
    let error = Server::new().failure("FROM busybox:stable\nRUN sh -c 'kill -9 $$'; exit $?\n").await;
    assert!(matches!(error, BuildError::OutOfMemory { .. }), "{error:?}");
}

#[tokio::test]
async fn mistakes_in_the_dockerfile_are_told_apart() {
    let server = Server::new();
    let error = server.failure("FROM busybox:stable\nRUNN x\n").await;
    let BuildError::DockerfileSyntax { message } = error else { panic!("{error:?}") };
    assert!(message.contains("RUNN"), "{message}");

    let error = server.failure("FROM localhost:1/no-such-image:1\n").await;
    let BuildError::BaseImageMissing { image, reason } = error else { panic!("{error:?}") };
    assert!(image == "localhost:1/no-such-image:1" && !reason.is_empty(), "{image} {reason}");

    let error = server.failure("FROM busybox:stable\nCOPY no-such-file .\n").await;
    let BuildError::InstructionFailed { instruction, reason } = error else { panic!("{error:?}") };
    assert!(
        instruction == "COPY no-such-file ." && reason.contains("no-such-file"),
        "{instruction} {reason}"
    );

    let mut request = server.request("");
    request.dockerfile_path = "docker/None".to_owned();
    let error = server.build(request).await.0.unwrap_err();
    assert!(matches!(error, BuildError::DockerfileSyntax { .. }), "{error:?}");
}

#[tokio::test]
async fn a_context_that_breaks_off_builds_nothing() {
    let server = Server::new();
    let mut request = server.request("");
    let archive = tar(&[("Dockerfile", "FROM busybox:stable\n"), ("hello.txt", "hello")]);
    let broken = [Ok(archive.slice(..1024)), Err(std::io::Error::other("the tree cannot be read"))];
    request.context = stream::iter(broken).boxed();
    let error = server.build(request).await.0.unwrap_err();
    let BuildError::ContextBroken { reason } = error else { panic!("{error:?}") };
    assert!(reason.contains("the tree cannot be read"), "{reason}");

    let mut request = server.request("");
    request.context = stream::iter([Ok(Bytes::from_static(b"this is no archive"))]).boxed();
    let error = server.build(request).await.0.unwrap_err();
    assert!(
        matches!(error, BuildError::ContextBroken { .. } | BuildError::DockerfileSyntax { .. }),
        "{error:?}"
    );
}
