//! How many submodules are fetched, how large and for how long, and from where.

use crate::hooks::{Hook, LOOPBACK};
use crate::previews::Elsewhere;
use crate::submodules::{DOCKERFILE, failed, link, live, set, submodule};
use crate::support::{GitHttp, Server, WorkTree, ended, with_project};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn so_many_submodules_are_fetched_and_no_more() {
    let elsewhere = GitHttp::start();
    let (server, ada) = with_project(LOOPBACK);
    set(&server, &ada, &json!({ "submodules": true }));
    let library = WorkTree::of(&[("lib.txt", "one")]);
    elsewhere.publish(&library, "ada/lib.git");
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "shop")]);
    let modules = |count: usize| {
        (0..count).map(|n| submodule(&format!("lib/{n:02}"), "../lib.git")).collect::<String>()
    };
    for number in 0..51 {
        link(&tree, &format!("lib/{number:02}"), &library.head());
    }
    tree.commit(&[(".gitmodules", &modules(51))]);
    elsewhere.publish(&tree, "ada/shop.git");
    let log = failed(&server, &ada, &elsewhere.url("ada/shop.git"));
    assert!(log.contains("50 submodules at most, 5 in each other: lib/50 is one more"), "{log}");
    tree.git(&["update-index", "--force-remove", "lib/50"]);
    tree.commit(&[(".gitmodules", &modules(50))]);
    elsewhere.publish(&tree, "ada/shop.git");
    live(&server, &ada, &elsewhere.url("ada/shop.git"));
    assert_eq!(server.get("shop", "/lib/49/lib.txt").body, "one");

    // Six in each other.
    let mut inner = library;
    for depth in 0..6 {
        let outer = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "deep")]);
        link(&outer, "in", &inner.head());
        let url = if depth == 0 { "../lib.git".to_owned() } else { format!("../deep-{}.git", depth - 1) };
        outer.commit(&[(".gitmodules", &submodule("in", &url))]);
        elsewhere.publish(&outer, &format!("ada/deep-{depth}.git"));
        inner = outer;
    }
    live(&server, &ada, &elsewhere.url("ada/deep-4.git"));
    let log = failed(&server, &ada, &elsewhere.url("ada/deep-5.git"));
    assert!(log.contains("in/in/in/in/in/in is one more"), "{log}");
}

#[test]
fn all_submodules_together_may_have_the_bytes_and_the_time_of_one_fetch() {
    let elsewhere = GitHttp::start();
    let bounds = [LOOPBACK, &[("GILGAL_MAX_PUSH_MIB", "1"), ("GILGAL_FETCH_TIMEOUT_SECONDS", "5")]].concat();
    let (server, ada) = with_project(&bounds);
    set(&server, &ada, &json!({ "submodules": true }));
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "shop")]);
    let mut modules = String::new();
    for name in ["one", "two"] {
        // Nothing makes it much smaller than half.
        let noise: String = (0..45_000).map(|_| format!("{:032x}", rand::random::<u128>())).collect();
        let library = WorkTree::of(&[("noise", &noise)]);
        elsewhere.publish(&library, &format!("ada/{name}.git"));
        link(&tree, name, &library.head());
        modules.push_str(&submodule(name, &format!("../{name}.git")));
    }
    tree.commit(&[(".gitmodules", &modules)]);
    elsewhere.publish(&tree, "ada/shop.git");
    let log = failed(&server, &ada, &elsewhere.url("ada/shop.git"));
    assert!(log.contains("Fetching submodule two") && log.contains("GILGAL_MAX_PUSH_MIB"), "{log}");

    let slow = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "shop")]);
    link(&slow, "slow", &"a".repeat(40));
    slow.commit(&[(".gitmodules", &submodule("slow", &elsewhere.url("silent/slow.git")))]);
    elsewhere.publish(&slow, "ada/slow.git");
    let begun = Instant::now();
    let log = failed(&server, &ada, &elsewhere.url("ada/slow.git"));
    assert!(log.contains("GILGAL_FETCH_TIMEOUT_SECONDS"), "{log}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn where_a_push_comes_from_is_what_its_hooks_say_or_not_guessed() {
    let elsewhere = GitHttp::start();
    let mut server = Server::start_with(LOOPBACK);
    let ada = server.person("ada");
    let library = WorkTree::of(&[("lib.txt", "one")]);
    elsewhere.publish(&library, "ada/lib.git");
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "shop")]);
    server.deploy(&ada, &tree, "shop");
    set(&server, &ada, &json!({ "submodules": true }));
    link(&tree, "lib", &library.head());
    tree.commit(&[(".gitmodules", &submodule("lib", "../lib.git"))]);
    server
        .push(&ada, &tree, "shop", &["main"])
        .expect(1)
        .expect_text("it is not known where the project comes from");
    let urls = ["ada/shop.git", "ada/other.git"].map(|name| elsewhere.url(name));
    let [_, other] = urls.each_ref().map(|url| Hook::create(&server, &ada, url));
    server
        .push(&ada, &tree, "shop", &["main"])
        .expect(1)
        .expect_text(&format!("connected to {} and to {}", urls[0], urls[1]))
        .expect_text("switch off the hooks of the others");
    let off = json!({ "enabled": false });
    server.request(Method::PATCH, &other.url(), &ada.token, Some(&off)).expect(200);
    // The same repository twice is one.
    Hook::create(&server, &ada, &urls[0].to_uppercase().replacen("HTTP", "http", 1).replace(".GIT", ".git"));
    server.push(&ada, &tree, "shop", &["main"]).expect(0);
    assert_eq!(server.get("shop", "/lib/lib.txt").body, "one");
}

#[test]
fn a_preview_is_told_what_to_set_for_it_and_for_those_that_come() {
    let other = GitHttp::start();
    let (server, ada) = with_project(LOOPBACK);
    let elsewhere = Elsewhere::connected(&server, &ada);
    set(&server, &ada, &json!({ "submodules": true, "hosts": ["h.example"] }));
    let library = WorkTree::of(&[("lib.txt", "one")]);
    other.publish(&library, "eve/lib.git");
    link(&elsewhere.tree, "lib", &library.head());
    elsewhere.tree.commit(&[(".gitmodules", &submodule("lib", &other.url("eve/lib.git")))]);
    let commit = elsewhere.push(7, "seven");
    let opened = elsewhere.tell(&server, "opened", (7, "ada"), &commit).expect(202);
    let (deployment, log) = ended(&server, &ada, &json!({ "id": opened["deployment_id"] }));
    assert_eq!(deployment["status"], "failed", "{log}");
    let hosts = format!("\"hosts\":[\"h.example\",\"{}\"]", other.host());
    for environment in ["production", "pr-7"] {
        let advised = format!("PATCH /api/environments/shop:{environment} ");
        let line = log.lines().find(|line| line.contains(&advised));
        assert!(line.is_some_and(|line| line.contains(&hosts)), "{advised}: {log}");
    }
    assert!(other.seen().is_empty());
    // What it says is what helps.
    let fetch = json!({ "fetch": { "submodules": true, "hosts": ["h.example", other.host()] } });
    server.request(Method::PATCH, "/api/environments/shop:pr-7", &ada.token, Some(&fetch)).expect(200);
    let again = elsewhere.tell(&server, "synchronize", (7, "ada"), &commit).expect(202);
    let (deployment, log) = ended(&server, &ada, &json!({ "id": again["deployment_id"] }));
    assert_eq!(deployment["status"], "success", "{log}");
    assert_eq!(server.get("shop-pr-7", "/lib/lib.txt").status, 404, "its Dockerfile has the page only");
}
