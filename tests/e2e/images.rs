//! Images of registries: pulled, and run as they are.

use crate::support::{
    LOOPBACK, Person, REGISTRY_PASSWORD, REGISTRY_USERNAME, Registry, Server, WorkTree, deploy, docker,
    ended, with_project,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;

#[track_caller]
fn expect_success((deployment, log): (Value, String)) -> Value {
    assert_eq!(deployment["status"], "success", "{log}");
    deployment
}

/// The digest of the image of a release.
fn source_image(server: &Server, ada: &Person, environment: &str, version: u32) -> String {
    let release = ada.get(server, &format!("/api/environments/{environment}/releases/{version}"));
    release["source_image"].as_str().unwrap().to_owned()
}

#[test]
fn an_image_is_run_as_it_is_and_kept_by_its_digest() {
    let mut registry = Registry::start();
    let (server, ada) = with_project(LOOPBACK);
    let image = registry.image("shop:1");
    registry.publish("shop:1", "one");

    let (first, log) = deploy(&server, &ada, "shop", &json!({ "image": image }));
    assert_eq!(first["status"], "success", "{log}");
    assert_eq!(server.get("shop", "/index.html").body, "one");
    assert_eq!(first["made_from"], json!({ "kind": "image", "image": image }));
    assert!(log.contains(&format!("Pulling {image}")) && log.contains("port 3000"), "{log}");
    assert!(!log.contains("gilgal/"), "the name that nobody is to know: {log}");
    let digest = source_image(&server, &ada, "shop:production", 1);
    assert!(digest.starts_with(&registry.image("shop@sha256:")), "{digest}");
    let left = docker(&[
        "images",
        "--format",
        "{{.Repository}}:{{.Tag}}",
        "--filter",
        &format!("reference={}", registry.image("*")),
    ]);
    assert!(left.is_empty(), "{left:?}");

    // The tag moves on; what was deployed does not.
    registry.publish("shop:1", "two");
    let again = |deployment: &Value, verb: &str, body: Value| {
        let path = format!("/api/deployments/{}/{verb}", deployment["id"].as_str().unwrap());
        let queued = server.request(Method::POST, &path, &ada.token, Some(&body)).expect(202);
        expect_success(ended(&server, &ada, &queued))
    };
    again(&first, "redeploy", json!({}));
    assert_eq!(server.get("shop", "/index.html").body, "one");
    assert_eq!(source_image(&server, &ada, "shop:production", 2), digest);
    let second = expect_success(deploy(&server, &ada, "shop", &json!({ "image": image })));
    assert_eq!(server.get("shop", "/index.html").body, "two");
    assert_ne!(source_image(&server, &ada, "shop:production", 3), digest);
    assert_eq!(server.engine().images().len(), 2);

    // Nor is another image looked for when settings change, whatever they are about.
    let settings = json!({ "root": "apps/web", "build_command": "make" });
    server
        .request(Method::PATCH, "/api/environments/shop:production", &ada.token, Some(&settings))
        .expect(200);
    registry.publish("shop:1", "three");
    let config = "/api/environments/shop:production/config";
    let set = json!({ "A": { "value": "one", "scope": "build" } });
    server.request(Method::PATCH, config, &ada.token, Some(&set)).expect(200);
    let set = json!({ "A": { "value": "one", "scope": "both" } });
    let queued = server.request(Method::PATCH, config, &ada.token, Some(&set)).expect(202);
    expect_success(ended(&server, &ada, &queued["deployment"]));
    assert_eq!(server.get("shop", "/index.html").body, "two");

    // Nothing of this needs the registry.
    registry.pause();
    again(&first, "rollback", json!({}));
    assert_eq!(server.get("shop", "/index.html").body, "one");
    ada.ssh(&server, &["restart", "shop"]).expect_success();
    expect_success(deploy(&server, &ada, "shop", &json!({ "image": digest })));
    let staging = json!({ "name": "staging" });
    server.request(Method::POST, "/api/projects/shop/environments", &ada.token, Some(&staging)).expect(201);
    again(&second, "promote", json!({ "environment": "staging" }));
    assert_eq!(server.get("shop-staging", "/index.html").body, "two");
    let (failed, log) = deploy(&server, &ada, "shop", &json!({ "image": image }));
    assert_eq!(failed["status"], "failed", "{log}");
    assert_eq!(server.get("shop", "/index.html").body, "one");
    assert_eq!(server.engine().images().len(), 2);
}

#[test]
fn a_private_registry_is_told_who_asks() {
    let registry = Registry::private();
    let (server, ada) = with_project(LOOPBACK);
    let image = registry.image("shop:1");
    registry.publish("shop:1", "one");
    let (failed, log) = deploy(&server, &ada, "shop", &json!({ "image": image }));
    assert_eq!(failed["status"], "failed");
    assert!(log.contains(&format!("/credentials/{}", registry.host())), "{log}");

    let path = format!("/api/projects/shop/credentials/{}", registry.host());
    let body = json!({ "username": REGISTRY_USERNAME, "password": REGISTRY_PASSWORD });
    server.request(Method::PUT, &path, &ada.token, Some(&body)).expect(200);
    let (deployment, log) = deploy(&server, &ada, "shop", &json!({ "image": image }));
    assert_eq!(deployment["status"], "success", "{log}");
    assert_eq!(server.get("shop", "/index.html").body, "one");
    assert!(!log.contains(REGISTRY_PASSWORD) && !server.log().contains(REGISTRY_PASSWORD));

    // What one project was given is not to be had by another one.
    let blog = json!({ "name": "Blog" });
    server.request(Method::POST, "/api/projects", &ada.token, Some(&blog)).expect(201);
    for name in [image, source_image(&server, &ada, "shop:production", 1)] {
        let (failed, log) = deploy(&server, &ada, "blog", &json!({ "image": name }));
        assert_eq!(failed["status"], "failed", "{log}");
    }
}

#[test]
fn what_is_not_of_the_internet_is_not_pulled_from() {
    let registry = Registry::start();
    let (server, ada) = with_project(&[]);
    let image = registry.image("shop:1").replace("127.0.0.1", "localhost");
    let (failed, log) = deploy(&server, &ada, "shop", &json!({ "image": image }));
    assert_eq!(failed["status"], "failed");
    assert!(log.contains("GILGAL_FETCH_ALLOW_NETWORKS"), "{log}");
    assert_eq!(
        failed["steps"].as_array().unwrap().iter().find(|step| step["status"] == "failed").unwrap()["name"],
        "build"
    );
}

#[test]
fn a_push_can_name_an_image() {
    let registry = Registry::start();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    registry.publish("shop:1", "one");
    let file = format!("[build]\nimage = \"{}\"\n[env]\nGREETING = \"hello\"\n", registry.image("shop:1"));
    let procfile =
        "web: echo \"$GREETING from a push\" > /tmp/index.html && exec httpd -f -p \"$PORT\" -h /tmp\n";
    let tree =
        WorkTree::of(&[("gilgal.toml", &file), ("Procfile", procfile), ("Dockerfile", "FROM nothing")]);
    let push = server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/index.html").body, "hello from a push\n");
    let transcript = push.redacted(&server).replace(&registry.host(), "REGISTRY");
    insta::with_settings!({ filters => [(r"sha256:[0-9a-f]{64}", "sha256:DIGEST"), (r"[0-9a-f]{12}, ", "IMAGE, ")] }, {
        insta::assert_snapshot!(transcript);
    });

    let gone = file.replace("shop:1", "shop:2");
    fs::write(tree.path().join("gilgal.toml"), gone).unwrap();
    tree.commit(&[]);
    server
        .push(&ada, &tree, "shop", &["main"])
        .expect(1)
        .expect_text("cannot be pulled")
        .expect_text("failed to pull the image");
    assert_eq!(server.get("shop", "/index.html").body, "hello from a push\n");
}

#[test]
fn labels_say_what_an_image_is_made_of_whatever_its_base_says() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let dockerfile = "FROM busybox:stable\nLABEL org.opencontainers.image.version=base org.opencontainers.image.source=base\n\
                      COPY index.html /www/\nUSER 65534:65534\nCMD exec httpd -f -p \"$PORT\" -h /www\n";
    let tree = WorkTree::of(&[("Dockerfile", dockerfile), ("index.html", "one")]);
    server.deploy(&ada, &tree, "shop");
    let image = server.engine().images().concat();
    let labels = docker(&["image", "inspect", "--format", "{{json .Config.Labels}}", &image]).concat();
    let labels: Value = serde_json::from_str(&labels).unwrap();
    let label = |name: &str| labels[format!("org.opencontainers.image.{name}")].as_str().unwrap().to_owned();
    assert_eq!(label("revision"), tree.head());
    assert_eq!(label("version"), tree.head()[..7]);
    assert!(label("source").ends_with("/shop.git"), "{labels}");
    assert_eq!(label("title"), "shop");
}
