//! `gilgal.toml`, as far as a running app shows that it was read.

use crate::support::{Server, WorkTree, docker};

const FILE: &str = r#"
[build]
dockerfile = "docker/web.Dockerfile"
target = "web"
args = { WORD = "built" }

[deploy]
port = 7000
health = { path = "/up", interval = "100ms" }

[processes.worker]
command = "sleep 1000"
instances = 2
memory = "64M"
cpu = 0.25

[env]
MODE = "quiet"
"#;

/// The page is what the build was told and what the instance was told; `/up` is there for a check of that path only.
const DOCKERFILE: &str = "\
FROM busybox:stable AS web
ARG WORD
RUN mkdir /www && chown 65534:65534 /www && echo yes > /www/up && printf %s \"$WORD\" > /word
USER 65534:65534
CMD printf '%s %s %s' \"$(cat /word)\" \"$MODE\" \"$PORT\" > /www/index.html; exec httpd -f -p \"$PORT\" -h /www
FROM web AS broken
CMD exit 1
";

#[test]
fn it_says_how_the_project_is_built_and_run() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::of(&[
        ("gilgal.toml", "[build]\nroot = \"apps/web\""),
        ("apps/web/gilgal.toml", FILE),
        ("apps/web/docker/web.Dockerfile", DOCKERFILE),
        ("Dockerfile", "FROM scratch"),
    ]);
    let push = server.deploy(&ada, &tree, "shop");
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(server.get("shop", "/").body, "built quiet 7000");

    let mut workers: Vec<String> =
        server.engine().containers().into_iter().filter(|name| name.contains("worker")).collect();
    workers.sort();
    assert_eq!(workers.len(), 2, "{workers:?}");
    let limits =
        docker(&["inspect", "--format", "{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}}", &workers[0]]);
    assert_eq!(limits, [format!("{} 25000", 64 << 20)]);

    // What is outside the root is no part of what is built.
    tree.commit(&[("README.md", "changed")]);
    server.deploy(&ada, &tree, "shop").expect_text("Reusing the image");
}

#[test]
fn a_mistake_in_it_is_named_and_nothing_changes() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("gilgal.toml", "[deploy]\nprot = 3000\n[buidl]\nroot = \"x\"\n"), ("index.html", "two")]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn a_push_that_changes_nothing_watched_is_stored_and_not_deployed() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", "[build]\nwatch = [\"*.html\", \"Dockerfile\"]"), ("docs/a.md", "a")]);
    server.deploy(&ada, &tree, "shop").expect_text("Released v1");

    let stored = tree.commit(&[("docs/a.md", "b")]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(0);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(stored));

    // The next one that matters brings what was stored along.
    tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop").expect_text("Released v2");
    assert_eq!(server.get("shop", "/").body, "two");
    tree.commit(&[("gilgal.toml", "[env]\nA = \"b\"")]);
    server.deploy(&ada, &tree, "shop").expect_text("Released v3");
}

#[test]
fn what_the_server_does_not_give_is_refused_before_anything_is_built() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", "[processes.web]\nmemory = \"3G\"")]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(server.engine().everything(), [] as [&str; 0]);
}
