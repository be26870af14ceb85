//! Images that are pushed to a registry.

use crate::support::{
    Invariants, LOOPBACK, Person, REGISTRY_PASSWORD, REGISTRY_USERNAME, Registry, Server, WorkTree, deploy,
    deployments, docker, ended, wait_until,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const PRODUCTION: &str = "/api/environments/shop:production";

/// Sets where the images of an environment are pushed.
fn push_to(server: &Server, ada: &Person, environment: &str, push: &Value) -> Value {
    let body = json!({ "push_images": push });
    server.request(Method::PATCH, environment, &ada.token, Some(&body)).expect(200)
}

/// Everything by which the engine knows an image of the registry.
fn names(registry: &Registry) -> Vec<String> {
    let all = docker(&["images", "--all", "--digests", "--format", "{{.Repository}}:{{.Tag}}@{{.Digest}}"]);
    all.into_iter().filter(|name| name.contains(&registry.host())).collect()
}

/// Deploys something whose image waits for a registry that does not answer; gives the deployment.
fn pushing(server: &Server, ada: &Person, tree: &WorkTree, registry: &Registry) -> Value {
    server.deploy(ada, tree, "shop");
    let newest = deployments(server, ada).remove(0);
    let log = || ada.ssh(server, &["logs", newest["id"].as_str().unwrap()]).stdout;
    let says = format!("Pushing the image to {}", registry.host());
    wait_until("it is being pushed", Duration::from_secs(30), || log().contains(&says));
    newest
}

#[test]
fn what_is_built_is_pushed_where_somebody_has_said() {
    let mut registry = Registry::private();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let first = tree.head();
    server.deploy(&ada, &tree, "shop");
    let credential = format!("/api/projects/shop/credentials/{}", registry.host());
    let set = |server: &Server, push: Value| push_to(server, &ada, PRODUCTION, &push);
    let redeploy = |server: &Server| {
        let newest = &deployments(server, &ada)[0];
        let path = format!("/api/deployments/{}/redeploy", newest["id"].as_str().unwrap());
        let queued = server.request(Method::POST, &path, &ada.token, Some(&json!({}))).expect(202);
        ended(server, &ada, &queued)
    };
    let image = registry.image("ada/shop:live");
    let shown = set(&server, json!({ "image": image }));
    assert_eq!(shown["push_images"], json!({ "image": image, "required": false }));

    // Nobody is told who asks: it is live all the same, and that is said.
    let (deployment, log) = redeploy(&server);
    assert_eq!(deployment["status"], "success", "{log}");
    let asked = format!("/credentials/{}", registry.host());
    assert!(log.contains("its image was not pushed") && log.contains(&asked), "{log}");
    set(&server, json!({ "image": image, "required": true }));
    let (deployment, log) = redeploy(&server);
    assert_eq!(deployment["status"], "failed", "{log}");
    assert!(log.contains(&asked), "{log}");
    assert!(registry.tags("ada/shop").is_empty());

    let body = json!({ "username": REGISTRY_USERNAME, "password": REGISTRY_PASSWORD });
    server.request(Method::PUT, &credential, &ada.token, Some(&body)).expect(200);
    for push in [json!({ "image": image, "required": true }), json!({ "image": image, "required": false })] {
        set(&server, push);
        let (deployment, log) = redeploy(&server);
        assert_eq!(deployment["status"], "success", "{log}");
        assert!(log.contains(&format!("Pushing the image to {}", registry.host())), "{log}");
        assert!(log.contains("sha256:") && !log.contains(REGISTRY_PASSWORD), "{log}");
        let mut tags = [first.clone(), "live".to_owned()];
        tags.sort();
        assert_eq!(registry.tags("ada/shop"), tags);
    }
    assert_eq!(names(&registry), Vec::<String>::new());
    // It is what is live: whoever pulls it runs the same.
    let (deployment, log) = deploy(&server, &ada, "shop", &json!({ "image": image }));
    assert_eq!(deployment["status"], "success", "{log}");
    assert!(!log.contains("Pushing the image"), "what was pulled is not pushed: {log}");
    assert_eq!(server.get("shop", "/").body, "one");

    // Each commit has a name of its own; the other one moves on.
    let second = tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    wait_until("it is pushed", Duration::from_secs(60), || registry.tags("ada/shop").contains(&second));
    assert_eq!(registry.tags("ada/shop").len(), 3);
    // One that does not answer holds nothing up that does not need it.
    registry.pause();
    tree.commit(&[("index.html", "three")]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/").body, "three");
    let digest = json!({ "push_images": { "image": format!("ghcr.io/a/b@sha256:{}", "a".repeat(64)) } });
    server.request(Method::PATCH, PRODUCTION, &ada.token, Some(&digest)).expect(422);
}

#[test]
fn nothing_is_pushed_to_what_is_not_of_the_internet() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    push_to(&server, &ada, PRODUCTION, &json!({ "image": "localhost:5000/shop:live", "required": true }));
    tree.commit(&[("index.html", "two")]);
    server.push(&ada, &tree, "shop", &["main"]).expect(1).expect_text("GILGAL_FETCH_ALLOW_NETWORKS");
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn an_image_that_is_pushed_has_no_name_that_others_could_build_on() {
    let registry = Registry::start();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let commit = tree.head();
    server.deploy(&ada, &tree, "shop");
    push_to(&server, &ada, PRODUCTION, &json!({ "image": registry.image("ada/shop:live") }));
    registry.stall();
    tree.commit(&[("index.html", "two")]);
    let pushed = pushing(&server, &ada, &tree, &registry);
    assert_eq!(names(&registry), Vec::<String>::new(), "while it is pushed");
    server.kill();
    assert_eq!(names(&registry), Vec::<String>::new(), "after the server was killed");

    registry.answer_again();
    server.start_again(LOOPBACK);
    let (deployment, log) = ended(&server, &ada, &pushed);
    assert_eq!(deployment["status"], "success", "{log}");
    let mut tags = [tree.head(), "live".to_owned()];
    tags.sort();
    assert_eq!(registry.tags("ada/shop"), tags, "{log}");
    assert_ne!(commit, tree.head());
    assert_eq!(names(&registry), Vec::<String>::new());
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_registry_that_wants_a_token_is_brought_one() {
    let registry = Registry::with_tokens();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    push_to(
        &server,
        &ada,
        PRODUCTION,
        &json!({ "image": registry.image("ada/shop:live"), "required": true }),
    );
    tree.commit(&[("index.html", "two")]);
    let credential = format!("/api/projects/shop/credentials/{}", registry.host());
    for password in ["wrong", REGISTRY_PASSWORD] {
        let body = json!({ "username": REGISTRY_USERNAME, "password": password });
        server.request(Method::PUT, &credential, &ada.token, Some(&body)).expect(200);
        let push = server.push(&ada, &tree, "shop", &["main"]);
        if password == REGISTRY_PASSWORD {
            push.expect(0);
        } else {
            push.expect(1).expect_text("does not take the image").expect_text("wrong password");
        }
    }
    let mut tags = [tree.head(), "live".to_owned()];
    tags.sort();
    assert_eq!(registry.tags("ada/shop"), tags);
    let given = registry.given_tokens();
    assert_eq!(given, ["/token?service=registry.test&scope=repository:ada/shop:pull,push"]);
    assert!(!server.log().contains(REGISTRY_PASSWORD));
}

#[test]
fn a_push_of_what_is_live_can_be_cancelled() {
    let registry = Registry::start();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    push_to(&server, &ada, PRODUCTION, &json!({ "image": registry.image("ada/shop:live") }));
    registry.stall();
    tree.commit(&[("index.html", "two")]);
    let pushed = pushing(&server, &ada, &tree, &registry);
    let path = format!("/api/deployments/{}", pushed["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(202);
    let (deployment, log) = ended(&server, &ada, &pushed);
    assert_eq!(deployment["status"], "success", "{log}");
    assert!(log.contains("its image was not pushed: somebody has cancelled that."), "{log}");
    assert_eq!(server.get("shop", "/").body, "two");
    server.request(Method::DELETE, &path, &ada.token, None).expect(409);
}

#[test]
fn a_registry_that_is_away_for_a_moment_is_asked_again() {
    let mut registry = Registry::start();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let push = json!({ "image": registry.image("ada/shop:live"), "required": true });
    push_to(&server, &ada, PRODUCTION, &push);
    registry.pause();
    let newest = deployments(&server, &ada).remove(0);
    let path = format!("/api/deployments/{}/redeploy", newest["id"].as_str().unwrap());
    let queued = server.request(Method::POST, &path, &ada.token, Some(&json!({}))).expect(202);
    let path = format!("/api/deployments/{}/logs", queued["id"].as_str().unwrap());
    let log = || server.request(Method::GET, &path, &ada.token, None).expect(200).to_string();
    wait_until("it is away", Duration::from_secs(30), || log().contains("It is tried again in"));
    registry.go_on();
    let (deployment, log) = ended(&server, &ada, &queued);
    assert_eq!(deployment["status"], "success", "{log}");
    assert_eq!(registry.tags("ada/shop").len(), 2, "{log}");
}

#[test]
fn where_it_is_required_what_is_taken_from_another_release_is_pushed_too() {
    let mut registry = Registry::start();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    let first = tree.head();
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    let staging = json!({ "name": "staging" });
    server.request(Method::POST, "/api/projects/shop/environments", &ada.token, Some(&staging)).expect(201);
    let oldest = deployments(&server, &ada).pop().unwrap();
    let again = |verb: &str, body: Value| {
        let path = format!("/api/deployments/{}/{verb}", oldest["id"].as_str().unwrap());
        let queued = server.request(Method::POST, &path, &ada.token, Some(&body)).expect(202);
        ended(&server, &ada, &queued)
    };
    // Neither goes live where its image cannot be pushed.
    for (environment, image) in [("production", "ada/shop:live"), ("staging", "ada/staging:live")] {
        let path = format!("/api/environments/shop:{environment}");
        push_to(&server, &ada, &path, &json!({ "image": registry.image(image), "required": true }));
    }
    registry.pause();
    for (verb, body) in [("rollback", json!({})), ("promote", json!({ "environment": "staging" }))] {
        let (deployment, log) = again(verb, body);
        assert_eq!(deployment["status"], "failed", "{log}");
        assert!(log.contains("cannot be pushed"), "{log}");
        assert_eq!(log.matches("It is tried again").count(), 2, "{log}");
    }
    assert_eq!(server.get("shop", "/").body, "two");

    registry.go_on();
    let mut tags = [first, "live".to_owned()];
    tags.sort();
    for (verb, body, image) in
        [("rollback", json!({}), "ada/shop"), ("promote", json!({ "environment": "staging" }), "ada/staging")]
    {
        let (deployment, log) = again(verb, body);
        assert_eq!(deployment["status"], "success", "{log}");
        assert_eq!(registry.tags(image), tags, "{log}");
    }
    assert_eq!(
        (server.get("shop", "/").body, server.get("shop-staging", "/").body),
        ("one".into(), "one".into())
    );
    assert_eq!(names(&registry), Vec::<String>::new());
}
