//! Several environments of one project: each with a branch, a URL and instances of its own.

use crate::support::{Engine, PATIENCE, Person, RunningPush, Server, WorkTree, wait_until};
use reqwest::Method;
use serde_json::{Value, json};

/// A server with the app `shop` live in production, and its staging, which follows `dev`.
fn with_staging() -> (Server, Person, WorkTree, Value) {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let body = json!({ "name": "staging", "branch": "dev", "limits": { "memory_mib": 64 } });
    let staging = server.request(Method::POST, "/api/projects/shop/environments", &ada.token, Some(&body));
    let staging = staging.expect(201);
    (server, ada, tree, staging)
}

fn environments(server: &Server) -> Vec<String> {
    let engine = server.engine();
    let label = |container: &String| {
        Engine::inspect(container)["Config"]["Labels"]["gilgal.environment"].as_str().unwrap().to_owned()
    };
    engine.containers().iter().map(label).collect()
}

#[test]
fn a_push_deploys_to_the_environment_that_follows_its_branch() {
    let (server, ada, tree, staging) = with_staging();
    let first = tree.head();
    let port = server.http.port();
    assert_eq!(staging["url"], format!("http://shop-staging.localhost:{port}"));
    tree.git(&["checkout", "--quiet", "-b", "dev"]);
    let second = tree.commit(&[("index.html", "two")]);

    let push = server.push(&ada, &tree, "shop", &["dev"]).expect(0);
    insta::assert_snapshot!(push.redacted(&server));
    assert_eq!(server.get("shop-staging", "/").body, "two");
    assert_eq!(server.get("shop", "/").body, "one", "production is as it was");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/dev"), Some(second.clone()));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(first));
    let containers = server.engine().containers();
    let memory = |container: &String| Engine::inspect(container)["HostConfig"]["Memory"].as_u64().unwrap();
    let mut memory: Vec<u64> = containers.iter().map(memory).collect();
    memory.sort_unstable();
    assert_eq!(memory, [64 * 1024 * 1024, 512 * 1024 * 1024]);

    // The commands of SSH are about production, or about what is named.
    let of = |command: &[&str]| ada.ssh(&server, command).expect_success();
    assert!(
        of(&["releases", "shop:staging"]).contains(&second[..7]),
        "{}",
        of(&["releases", "shop:staging"])
    );
    assert!(!of(&["releases", "shop"]).contains(&second[..7]));
    assert_eq!(of(&["ps", "shop:staging"]).lines().count(), 2);
    assert!(of(&["redeploy", "shop:staging"]).contains("Deploying shop to staging"));
    assert!(of(&["logs", "shop:staging"]).contains("Deploying shop to staging"));
    let unknown = ada.ssh(&server, &["ps", "shop:nowhere"]);
    assert!(unknown.stderr.contains("It has production, staging"), "{}", unknown.stderr);
    assert_eq!(server.get("shop-staging", "/").body, "two");
}

#[test]
fn deleting_an_environment_leaves_nothing_of_it_and_the_others_alone() {
    let (server, ada, tree, staging) = with_staging();
    tree.git(&["checkout", "--quiet", "-b", "dev"]);
    tree.commit(&[("index.html", "two")]);
    server.push(&ada, &tree, "shop", &["dev"]).expect(0);
    let (images, id) = (server.engine().images(), staging["id"].as_str().unwrap());
    assert_eq!((images.len(), environments(&server).len()), (2, 2));

    let delete = |path: &str| server.request(Method::DELETE, path, &ada.token, None);
    delete(&format!("/api/environments/{id}")).expect(422);
    delete("/api/environments/shop:production?confirm=production").expect(409);
    delete("/api/environments/shop:staging?confirm=staging").expect(204);
    delete(&format!("/api/environments/{id}?confirm=staging")).expect(404);

    assert!(!environments(&server).contains(&id.to_owned()));
    assert_eq!(environments(&server).len(), 1);
    assert_eq!(server.engine().images().len(), 1, "its image is gone");
    assert_eq!(server.get("shop-staging", "/").status, 404);
    assert_eq!(server.get("shop", "/").body, "one");
    tree.commit(&[("index.html", "nobody sees it")]);
    server.push(&ada, &tree, "shop", &["dev"]).expect(0).expect_text("it is not deployed here");
    // Its name, branch and address are free again.
    let body = json!({ "name": "staging", "branch": "dev" });
    server.request(Method::POST, "/api/projects/shop/environments", &ada.token, Some(&body)).expect(201);
    tree.commit(&[("index.html", "three")]);
    server.push(&ada, &tree, "shop", &["dev"]).expect(0);
    assert_eq!(server.get("shop-staging", "/").body, "three");
}

#[test]
fn an_environment_that_is_deleted_while_it_deploys_is_gone_all_the_same() {
    let (server, ada, tree, _) = with_staging();
    tree.git(&["checkout", "--quiet", "-b", "dev"]);
    let slow = crate::support::slow_dockerfile(30);
    tree.commit(&[("Dockerfile", &slow)]);
    let push = crate::support::RunningPush::start(&server, &ada, &tree, "shop", &["dev"]);
    push.wait_for("the slow part begins");
    let path = "/api/environments/shop:staging?confirm=staging";
    server.request(Method::DELETE, path, &ada.token, None).expect(204);
    push.finish().expect(1);
    wait_until("nothing of it is left", PATIENCE, || environments(&server).len() == 1);
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn what_is_set_for_an_environment_holds_where_the_files_do_not_say() {
    let (server, ada, _, _) = with_staging();
    let serve = "require('http').createServer((_, answer) => answer.end('served')).listen(process.env.PORT, '0.0.0.0')";
    // A build that no cache answers.
    let never_built = uuid::Uuid::now_v7().to_string();
    let tree = WorkTree::of(&[
        ("apps/web/package.json", r#"{"name": "web", "version": "1.0.0"}"#),
        ("apps/web/serve.js", serve),
        ("apps/web/once", never_built.as_str()),
        ("README.md", "a monorepo"),
    ]);
    let body = json!({
        "root": "apps/web",
        "build_command": "node -e 'console.log(\"built\", 6 * 7)'",
        "start_command": "node serve.js",
        "health": { "path": "/up", "deadline_ms": 20000 },
        "drain_seconds": 1,
    });
    let path = "/api/environments/shop:staging";
    let changed = server.request(Method::PATCH, path, &ada.token, Some(&body)).expect(200);
    assert_eq!((&changed["root"], &changed["branch"]), (&json!("apps/web"), &json!("dev")));
    let push = server.push(&ada, &tree, "shop", &["--force", "main:dev"]).expect(0);
    let push = push.expect_text("the environment declares types -> web").expect_text("GET /up -> 200");
    insta::assert_snapshot!(push.redacted(&server).replace(&tree.head()[..7], "[commit]"));
    assert!(push.says("built 42"), "{}", push.transcript);
    assert_eq!(server.get("shop-staging", "/").body, "served");
}

#[test]
fn what_fails_beside_another_environment_leaves_no_image() {
    let (server, ada, tree, _) = with_staging();
    let images = server.engine().images().len();
    let starting = |seconds: u32, then: &str| {
        format!("FROM busybox:stable\nCOPY index.html /www/\nCMD sleep {seconds}; {then}\n")
    };
    tree.git(&["checkout", "--quiet", "-b", "dev"]);
    tree.commit(&[("Dockerfile", &starting(15, "exec httpd -f -p $PORT -h /www"))]);
    let staging = RunningPush::start(&server, &ada, &tree, "shop", &["dev"]);
    staging.wait_for("Starting web");
    tree.git(&["checkout", "--quiet", "main"]);
    tree.commit(&[("Dockerfile", &starting(1, "exit 4"))]);
    server.push(&ada, &tree, "shop", &["main"]).expect(1);
    staging.finish().expect(0);
    wait_until("one image is new", PATIENCE, || server.engine().images().len() == images + 1);
}
