//! The names of pulls that a server was killed with.

use super::{Server, docker};
use crate::build::BuildError;
use bollard::query_parameters::TagImageOptionsBuilder;

#[tokio::test]
async fn nobody_builds_on_what_a_killed_pull_has_left() {
    let server = Server::new();
    let docker = docker().await;
    let repository = format!("127.0.0.1:1/left/{}", server.id);
    let options = TagImageOptionsBuilder::new().repo(&repository).tag("1").build();
    docker.tag_image("busybox:stable", Some(options)).await.unwrap();
    let name = format!("{repository}:1");
    server.builder.begun.note(&name).unwrap();

    // Who pulls it at the moment keeps it.
    let turn = server.builder.pulls.of(&repository).await;
    server.builder.forget_begun_pulls(&docker).await;
    docker.inspect_image(&name).await.unwrap();
    drop(turn);

    let error = server.failure(&format!("FROM {name}\nRUN true\n")).await;
    assert!(matches!(error, BuildError::BaseImageMissing { .. }), "{error:?}");
    docker.inspect_image(&name).await.unwrap_err();
    docker.inspect_image("busybox:stable").await.unwrap();
    assert_eq!(std::fs::read_dir(server.begun.path()).unwrap().count(), 0);
}
