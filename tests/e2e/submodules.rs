//! What a build gets from elsewhere beside its commit: the files of submodules, and those of Git LFS.

use crate::hooks::LOOPBACK;
use crate::support::{GitHttp, Person, Server, WorkTree, deploy, deployments, ended, with_project};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;

/// Serves everything that the build has.
pub(crate) const DOCKERFILE: &str =
    "FROM busybox:stable\nCOPY . /www/\nUSER 65534:65534\nCMD exec httpd -f -p \"$PORT\" -h /www\n";

/// Makes a folder of a working copy a submodule; what says where it is follows with the next commit.
pub(crate) fn link(tree: &WorkTree, path: &str, commit: &str) {
    fs::create_dir_all(tree.path().join(path)).unwrap();
    tree.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
}

pub(crate) fn submodule(path: &str, url: &str) -> String {
    format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n")
}

/// Says what is fetched for production.
pub(crate) fn set(server: &Server, ada: &Person, fetch: &Value) {
    let path = "/api/environments/shop:production";
    server.request(Method::PATCH, path, &ada.token, Some(&json!({ "fetch": fetch }))).expect(200);
}

#[track_caller]
pub(crate) fn live(server: &Server, ada: &Person, url: &str) -> String {
    let (deployment, log) = deploy(server, ada, "shop", &json!({ "repository": url }));
    assert_eq!(deployment["status"], "success", "{log}");
    log
}

#[track_caller]
pub(crate) fn failed(server: &Server, ada: &Person, url: &str) -> String {
    let (deployment, log) = deploy(server, ada, "shop", &json!({ "repository": url }));
    assert_eq!(deployment["status"], "failed", "{log}");
    log
}

#[test]
fn submodules_are_a_part_of_the_build_where_somebody_has_said_so() {
    let (elsewhere, other) = (GitHttp::start(), GitHttp::start());
    let (server, ada) = with_project(LOOPBACK);
    let deep = WorkTree::of(&[("deep.txt", "deep")]);
    elsewhere.publish(&deep, "ada/deep.git");
    let library = WorkTree::of(&[("lib.txt", "one")]);
    link(&library, "inner", &deep.head());
    library.commit(&[(".gitmodules", &submodule("inner", "../deep.git"))]);
    elsewhere.publish(&library, "ada/lib.git");
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "shop")]);
    link(&tree, "vendor/lib", &library.head());
    tree.commit(&[(".gitmodules", &submodule("vendor/lib", "../lib.git"))]);
    elsewhere.publish(&tree, "ada/shop.git");
    let url = elsewhere.url("ada/shop.git");

    let log = live(&server, &ada, &url);
    assert!(log.contains("They are empty folders here"), "{log}");
    assert_eq!(server.get("shop", "/vendor/lib/lib.txt").status, 404);
    set(&server, &ada, &json!({ "submodules": true }));
    let log = live(&server, &ada, &url);
    assert!(
        log.contains(&format!("Fetching submodule vendor/lib of {}", elsewhere.url("ada/lib.git"))),
        "{log}"
    );
    assert!(!log.contains("empty folders"), "{log}");
    assert_eq!(server.get("shop", "/vendor/lib/lib.txt").body, "one");
    assert_eq!(server.get("shop", "/vendor/lib/inner/deep.txt").body, "deep");

    // What was fetched is not fetched again, also where the commit is deployed without its repository.
    let asked = elsewhere.seen().len();
    let path = format!("/api/deployments/{}/redeploy", deployments(&server, &ada)[0]["id"].as_str().unwrap());
    let queued =
        server.request(Method::POST, &path, &ada.token, Some(&json!({ "no_cache": true }))).expect(202);
    let (deployment, log) = ended(&server, &ada, &queued);
    assert_eq!(deployment["status"], "success", "{log}");
    assert_eq!(elsewhere.seen().len(), asked);
    assert_eq!(server.get("shop", "/vendor/lib/inner/deep.txt").body, "deep");

    // Its next commit.
    library.commit(&[("lib.txt", "two")]);
    elsewhere.publish(&library, "ada/lib.git");
    link(&tree, "vendor/lib", &library.head());
    tree.commit(&[]);
    elsewhere.publish(&tree, "ada/shop.git");
    live(&server, &ada, &url);
    assert_eq!(server.get("shop", "/vendor/lib/lib.txt").body, "two");

    // Another host is one that somebody has to name, and one that may be reached.
    let strange = WorkTree::of(&[("strange.txt", "strange")]);
    other.publish(&strange, "eve/strange.git");
    link(&tree, "strange", &strange.head());
    let modules = |of: &str| format!("{}{}", submodule("vendor/lib", "../lib.git"), submodule("strange", of));
    tree.commit(&[(".gitmodules", &modules(&other.url("eve/strange.git")))]);
    elsewhere.publish(&tree, "ada/shop.git");
    let log = failed(&server, &ada, &url);
    assert!(log.contains("another host than that of the project") && log.contains(&other.host()), "{log}");
    assert!(other.seen().is_empty());
    assert_eq!(server.get("shop", "/vendor/lib/lib.txt").body, "two");
    set(&server, &ada, &json!({ "submodules": true, "hosts": [other.host()] }));
    live(&server, &ada, &url);
    assert_eq!(server.get("shop", "/strange/strange.txt").body, "strange");
    // What was fetched from there is no part of anything any more where the host is not named any more.
    set(&server, &ada, &json!({ "submodules": true, "hosts": ["h.example"] }));
    let log = failed(&server, &ada, &url);
    let advised = format!("\"hosts\":[\"h.example\",\"{}\"]", other.host());
    assert!(log.contains(&advised), "the others are not lost by what is advised: {log}");
    set(&server, &ada, &json!({ "submodules": true, "hosts": [other.host()] }));
    for (wrong, why) in [
        ("/etc", "is not the URL of a repository"),
        ("file:///etc", "over https and ssh only"),
        ("ext::sh -c id", "is not the URL of a repository"),
        ("../../../../x", "leads out of its host"),
        ("../nothing.git", "There is no repository at"),
        ("../deep.git", "The repository has no branch, tag or commit"),
    ] {
        // A commit that is not here yet.
        link(&tree, "strange", &strange.commit(&[("strange.txt", wrong)]));
        tree.commit(&[(".gitmodules", &modules(wrong))]);
        elsewhere.publish(&tree, "ada/shop.git");
        let log = failed(&server, &ada, &url);
        assert!(log.contains(why), "{wrong}: {log}");
    }
}
