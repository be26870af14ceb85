//! Base images stay what they were until somebody lets go of them.

use crate::hooks::LOOPBACK;
use crate::support::{Client, Registry, Server, WorkTree, docker, run, wait_until};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// A site that is served by another image than the buildpack's own.
fn site(base: &str) -> WorkTree {
    WorkTree::of(&[("index.html", "one"), ("gilgal.toml", &format!("[images]\n\"caddy:2\" = \"{base}\"\n"))])
}

/// Gives a name to an image that is like Caddy's and no other one.
fn make(base: &str, word: &str) -> String {
    let context = tempfile::tempdir().unwrap();
    fs::write(
        context.path().join("Dockerfile"),
        format!("FROM caddy:2\nLABEL gilgal.test=\"{base} {word}\"\n"),
    )
    .unwrap();
    docker(&["build", "--quiet", "--tag", base, context.path().to_str().unwrap()]);
    docker(&["image", "inspect", "--format", "{{.Id}}", base]).concat()
}

/// As a push says it.
fn short(id: &str) -> &str {
    &id.trim_start_matches("sha256:")[..12]
}

/// Takes the name of a base image away when the test is over.
struct Made(String);

impl Drop for Made {
    fn drop(&mut self) {
        run(Command::new("docker").args(["rmi", "--force", &self.0]));
    }
}

#[test]
fn an_image_that_no_registry_has_is_kept_until_it_is_let_go_of() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let base = format!("gilgal-test/base-{}:1", std::process::id());
    let one = make(&base, "one");
    let _made = Made(base.clone());
    let tree = site(&base);
    let push = server
        .deploy(&ada, &tree, "shop")
        .expect_text(&format!("Base image {base} ({}), pinned from now on", short(&one)))
        .expect_text(&format!("FROM {base}"));
    assert!(!push.says("/base:"), "{}", push.transcript);

    // The name moves on; what is built does not.
    let two = make(&base, "two");
    assert_ne!(one, two);
    tree.commit(&[("index.html", "two")]);
    let kept = format!("Base image {base} ({}), pinned; the engine has another one now", short(&one));
    server.deploy(&ada, &tree, "shop").expect_text(&kept);
    let label = |server: &Server| {
        let engine = server.engine();
        wait_until("the old instance is gone", Duration::from_secs(20), || engine.containers().len() == 1);
        let image = engine.containers().concat();
        docker(&["inspect", "--format", "{{index .Config.Labels \"gilgal.test\"}}", &image]).concat()
    };
    assert_eq!(label(&server), format!("{base} one"));

    let client = Client::new(&server, &ada, tree.path());
    client.log_in();
    let said = client.run(&["plan", "--upgrade", "--project", "shop"]);
    assert!(said.contains(&base) && said.contains(short(&one)), "{said}");
    let again = client.run(&["plan", "--upgrade", "--project", "shop"]);
    assert!(again.contains("Nothing is pinned in shop"), "{again}");
    // The commit has not changed, and what it is built on has.
    let push = client.run(&["redeploy", "--project", "shop"]);
    assert!(
        push.contains(&format!("Base image {base} moved from {} to {}", short(&one), short(&two))),
        "{push}"
    );
    assert_eq!(label(&server), format!("{base} two"));

    // A rollback takes the upgrade back as well.
    client.run(&["rollback", "--yes", "--project", "shop"]);
    tree.commit(&[("index.html", "three")]);
    server.deploy(&ada, &tree, "shop").expect_text(&kept);

    // What is neither there by its name nor by ours is gone: said, and nothing changes.
    server.engine().clear();
    tree.commit(&[("index.html", "four")]);
    let gone =
        format!("is pinned to ({}) is not in the engine any more, and no registry has it", short(&one));
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    push.expect_text(&gone).expect_text("gilgal plan --upgrade");
}

#[test]
fn an_image_of_a_registry_is_kept_by_its_digest() {
    let registry = Registry::start();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    let base = registry.image("caddy:2");
    registry.publish_base("caddy:2", "caddy:2", "one");
    let tree = site(&base);
    server
        .deploy(&ada, &tree, "shop")
        .expect_text(&format!("Base image {base} ("))
        .expect_text("pinned from now on");
    assert_eq!(server.get("shop", "/").body, "one");

    registry.publish_base("caddy:2", "caddy:2", "two");
    tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop").expect_text(", pinned\n");
    assert_eq!(server.get("shop", "/").body, "two");

    let client = Client::new(&server, &ada, tree.path());
    client.log_in();
    client.run(&["plan", "--upgrade", "--project", "shop"]);
    let said = client.run(&["redeploy", "--project", "shop"]);
    assert!(said.contains(&format!("Base image {base} moved from ")), "{said}");

    // Let go of once more while there is no newer one: nothing is built, and what was found is said all the same.
    client.run(&["plan", "--upgrade", "--project", "shop"]);
    let said = client.run(&["redeploy", "--project", "shop"]);
    assert!(said.contains("Reusing the image") && said.contains("which is the newest"), "{said}");
}
