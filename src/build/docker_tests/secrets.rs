//! Build secrets: given to the command that asks, left nowhere, and part of what is cached.

use super::{Server, docker, texts};
use crate::model::secret::Secret;
use std::collections::BTreeMap;

/// Prints when it runs; the server's id keeps the builds of two tests apart.
fn dockerfile(server: &Server) -> String {
    let id = server.id;
    format!(
        "FROM busybox:stable\nRUN --mount=type=secret,id=KEY,required=true : {id} && wc -c </run/secrets/KEY && echo it runs\n"
    )
}

fn secrets(value: &str) -> BTreeMap<String, Secret<String>> {
    BTreeMap::from([("KEY".to_owned(), Secret::new(value.to_owned()))])
}

#[tokio::test]
async fn a_secret_is_there_for_its_command_and_not_in_the_image() {
    let server = Server::new();
    let error = server.build(server.request(&dockerfile(&server))).await.0.unwrap_err();
    assert!(error.to_string().contains("failed"), "{error}");

    let mut request = server.request(&dockerfile(&server));
    request.secrets = secrets("canary-canary");
    let (image, lines) = server.build(request).await;
    let lines = texts(&lines);
    assert!(lines.contains(&"13") && lines.contains(&"it runs"), "{lines:?}");
    let docker = docker().await;
    let id = image.unwrap().id;
    let found = docker.inspect_image(&id).await.unwrap();
    let history = docker.image_history(&id).await.unwrap();
    let shown = format!("{found:?} {history:?}");
    assert!(!shown.contains("canary-canary") && !shown.contains("gilgal-secrets"), "{shown}");
}

#[tokio::test]
async fn what_was_made_with_a_secret_is_reused_within_its_scope_only() {
    let server = Server::new();
    let runs = async |scope: &str, value: &str| {
        let mut request = server.request(&dockerfile(&server));
        (request.secrets, request.secrets_scope) = (secrets(value), Some(scope.to_owned()));
        let (image, lines) = server.build(request).await;
        image.unwrap();
        texts(&lines).contains(&"it runs")
    };
    assert!(runs("aa11", "one").await);
    assert!(!runs("aa11", "one").await, "the same is taken from the cache");
    assert!(runs("bb22", "another").await, "and is not for other values");
    assert!(!runs("aa11", "one").await);
}
