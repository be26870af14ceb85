//! Docker is restarted, and the whole host: every app comes back by itself, and is known meanwhile.

use crate::support::{Invariants, PATIENCE, Person, PrivateDocker, Server, WorkTree, wait_until};
use gilgal::build::{Builder, DockerBuilder, DockerBuilderOptions};
use gilgal::model::id::ServerId;

fn with_an_app() -> (PrivateDocker, Server, Person) {
    let docker = PrivateDocker::start();
    let mut server = Server::start_with(&[("DOCKER_HOST", &docker.host())]);
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    (docker, server, ada)
}

/// The app is known and not there: a page that says when to come again.
#[track_caller]
fn expect_not_ready(server: &Server) {
    wait_until("the app is gone", PATIENCE, || server.get("shop", "/").status != 200);
    for _ in 0..3 {
        let answer = server.get("shop", "/");
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.body.contains("The app is not ready"), "{}", answer.body);
        assert!(answer.retry_after.is_some_and(|seconds| seconds > 0), "{answer:?}");
    }
}

#[track_caller]
fn expect_back(server: &Server) {
    wait_until("the app is back", PATIENCE, || server.get("shop", "/").body == "one");
}

#[test]
fn docker_restarts_while_idle() {
    let (mut docker, server, ada) = with_an_app();
    docker.stop();
    expect_not_ready(&server);
    docker.resume();
    expect_back(&server);
    // And is as good as before.
    server.deploy(&ada, &WorkTree::answering("two"), "other");
    assert_eq!(server.get("other", "/").body, "two");
    Invariants::of(&server, &ada).on(docker.engine(&server)).hold();
    drop(server);
}

#[test]
fn the_host_reboots() {
    let (mut docker, mut server, ada) = with_an_app();
    server.kill();
    docker.stop();
    // The server is up first, and Docker takes its time.
    server.start_again(&[("DOCKER_HOST", &docker.host())]);
    expect_not_ready(&server);
    docker.resume();
    expect_back(&server);
    Invariants::of(&server, &ada).on(docker.engine(&server)).hold();
    drop(server);
}

#[test]
fn the_cache_of_builds_is_made_smaller_and_apps_run_on() {
    let (docker, server, ada) = with_an_app();
    // Twenty MiB that are in no image.
    let dockerfile = "FROM busybox:stable AS build\n\
                      RUN dd if=/dev/urandom of=/large bs=1M count=20 && echo one > /index.html\n\
                      FROM busybox:stable\nCOPY --from=build /index.html /www/\n\
                      CMD exec httpd -f -p \"$PORT\" -h /www\n";
    server.deploy(&ada, &WorkTree::of(&[("Dockerfile", dockerfile)]), "large");
    let options = DockerBuilderOptions {
        server_id: ServerId::generate(),
        host: Some(docker.host()),
        least_free_bytes: 0,
        begun_pulls: None,
    };
    let builder = DockerBuilder::connect(options);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (before, enough, freed, after) = runtime.block_on(async {
        let before = builder.cache_bytes().await.unwrap();
        let enough = builder.trim_cache(1 << 40).await.unwrap();
        let freed = builder.trim_cache(1 << 20).await.unwrap();
        (before, enough, freed, builder.cache_bytes().await.unwrap())
    });
    assert!(before >= 20 << 20, "{before}");
    assert_eq!(enough, 0, "it is small enough for that");
    assert!(freed >= 20 << 20 && after < 20 << 20, "{freed} freed, {after} left");
    assert_eq!(server.get("large", "/").body, "one\n");
    Invariants::of(&server, &ada).on(docker.engine(&server)).hold();
    drop(server);
}
