//! Repositories elsewhere: fetched once, over HTTP and SSH, and what is not followed and not reached.

use crate::support::{
    GitHttp, Person, Server, Sshd, WorkTree, deploy, ended, files, wait_until, with_project,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

/// What lets a server fetch from this machine, over HTTP.
const LOOPBACK: &[(&str, &str)] =
    &[("GILGAL_FETCH_ALLOW_NETWORKS", "127.0.0.0/8"), ("GILGAL_FETCH_SCHEMES", "https,ssh,http")];

/// A deployment that has failed in its first step, with its log.
#[track_caller]
fn refused(server: &Server, ada: &Person, body: &Value) -> String {
    let (deployment, log) = deploy(server, ada, "shop", body);
    assert_eq!(deployment["status"], "failed", "{log}");
    assert_eq!(deployment["commit"], Value::Null);
    let steps = deployment["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["name"] == "fetch" && step["status"] == "failed"), "{steps:?}");
    let left = files(&server.home().join("repositories"));
    assert!(!left.iter().any(|path| path.display().to_string().contains(".new")), "{left:?}");
    log
}

#[test]
fn a_repository_is_fetched_by_branch_tag_and_commit() {
    let elsewhere = GitHttp::start();
    let (server, ada) = with_project(LOOPBACK);
    let tree = WorkTree::answering("one");
    tree.git(&["tag", "--annotate", "v1", "--message", "first"]);
    elsewhere.publish(&tree, "shop.git");
    let url = elsewhere.url("shop.git");
    let mut commits = vec![tree.head()];
    let (deployment, log) = deploy(&server, &ada, "shop", &json!({ "repository": url, "reference": "main" }));
    assert_eq!(
        (&deployment["status"], &deployment["commit"]),
        (&json!("success"), &json!(commits[0])),
        "{log}"
    );
    assert_eq!(server.get("shop", "/").body, "one");
    let shown = log.replace(&url, "URL");
    assert!(shown.contains("Fetching main of URL"), "{shown}");

    commits.push(tree.commit(&[("index.html", "two")]));
    elsewhere.publish(&tree, "shop.git");
    for (body, word, commit) in [
        (json!({ "repository": url }), "two", &commits[1]),
        (json!({ "repository": url, "reference": "v1" }), "one", &commits[0]),
        (json!({ "repository": url, "reference": commits[1] }), "two", &commits[1]),
    ] {
        let (deployment, log) = deploy(&server, &ada, "shop", &body);
        assert_eq!(
            (&deployment["status"], &deployment["commit"]),
            (&json!("success"), &json!(commit)),
            "{log}"
        );
        assert_eq!(server.get("shop", "/").body, word);
    }
    // No branch was made of it.
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), None);

    for (body, said) in [
        (json!({ "repository": url, "reference": "nothing" }), "has no branch, tag or commit nothing"),
        (json!({ "repository": url, "reference": "a".repeat(40) }), "has no branch, tag or commit aaaa"),
        (json!({ "repository": elsewhere.url("other.git") }), "There is no repository at"),
    ] {
        let log = refused(&server, &ada, &body);
        assert!(log.contains(said), "{log}");
    }
    elsewhere.publish_nothing("empty.git");
    let log = refused(&server, &ada, &json!({ "repository": elsewhere.url("empty.git") }));
    assert!(log.contains("The repository is empty."), "{log}");
    assert_eq!(server.get("shop", "/").body, "two");
}

#[test]
fn a_private_repository_is_told_who_asks() {
    let elsewhere = GitHttp::start();
    let (server, ada) = with_project(LOOPBACK);
    let tree = WorkTree::answering("one");
    elsewhere.publish(&tree, "shop.git");
    // base64 of `ada:canary-token`.
    elsewhere.ask_for("Basic YWRhOmNhbmFyeS10b2tlbg==");
    let body = json!({ "repository": elsewhere.url("shop.git") });
    let log = refused(&server, &ada, &body);
    assert!(log.contains(&format!("/api/projects/shop/credentials/{}", elsewhere.host())), "{log}");

    let path = format!("/api/projects/shop/credentials/{}", elsewhere.host());
    let credential = json!({ "username": "ada", "password": "canary-token" });
    server.request(Method::PUT, &path, &ada.token, Some(&credential)).expect(200);
    let (deployment, log) = deploy(&server, &ada, "shop", &body);
    assert_eq!(deployment["status"], "success", "{log}");
    for text in [&log, &server.log()] {
        assert!(!text.contains("canary-token") && !text.contains("YWRhOmNhbmFyeS10b2tlbg"), "{text}");
    }
    // Nor is it anywhere in what the server keeps.
    for path in files(&server.home()) {
        let content = fs::read(&path).unwrap_or_default();
        let has = |text: &str| content.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        assert!(!has("canary-token") && !has("YWRhOmNhbmFyeS10b2tlbg"), "{}", path.display());
    }
}

#[test]
fn redirects_are_named_and_not_followed() {
    let (elsewhere, other) = (GitHttp::start(), GitHttp::start());
    let (server, ada) = with_project(LOOPBACK);
    other.publish(&WorkTree::answering("one"), "new.git");
    elsewhere.redirect("/old.git", &other.url("new.git"));
    elsewhere.redirect("/clouds.git", "http://169.254.169.254/latest/meta-data");
    // What is told to one host is not told to another one.
    let path = format!("/api/projects/shop/credentials/{}", elsewhere.host());
    let credential = json!({ "username": "ada", "password": "canary-token" });
    server.request(Method::PUT, &path, &ada.token, Some(&credential)).expect(200);

    let log = refused(&server, &ada, &json!({ "repository": elsewhere.url("old.git") }));
    assert!(log.contains(&format!("Deploy from {} instead.", other.url("new.git"))), "{log}");
    assert_eq!(other.seen(), []);
    let log = refused(&server, &ada, &json!({ "repository": elsewhere.url("clouds.git") }));
    assert!(log.contains("redirects are not followed"), "{log}");
    assert!(elsewhere.seen().iter().all(|(_, authorization)| authorization.is_some()));
}

#[test]
fn what_is_not_of_the_internet_is_not_reached() {
    let elsewhere = GitHttp::start();
    let (server, ada) = with_project(&[("GILGAL_FETCH_SCHEMES", "https,ssh,http")]);
    elsewhere.publish(&WorkTree::answering("one"), "shop.git");
    // A name is as good as what it leads to.
    let url = elsewhere.url("shop.git").replace("127.0.0.1", "localhost");
    for url in [url.clone(), url.replace("http://", "ssh://")] {
        let log = refused(&server, &ada, &json!({ "repository": url }));
        assert!(log.contains("GILGAL_FETCH_ALLOW_NETWORKS"), "{log}");
    }
    assert_eq!(elsewhere.seen(), []);
}

#[test]
fn a_fetch_has_an_end() {
    let elsewhere = GitHttp::start();
    let options = [LOOPBACK, &[("GILGAL_FETCH_TIMEOUT_SECONDS", "3"), ("GILGAL_MAX_PUSH_MIB", "1")]].concat();
    let (server, ada) = with_project(&options);
    let silent = json!({ "repository": elsewhere.url("silent.git") });
    let log = refused(&server, &ada, &silent);
    assert!(log.contains("not fetched within 3 seconds"), "{log}");

    // Three MiB that do not become smaller.
    let tree = WorkTree::answering("one");
    let mut noise = String::new();
    let mut number: u64 = 1;
    while noise.len() < 4 * 1024 * 1024 {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise.push_str(&format!("{number:016x}"));
    }
    tree.commit(&[("noise", &noise)]);
    elsewhere.publish(&tree, "large.git");
    let log = refused(&server, &ada, &json!({ "repository": elsewhere.url("large.git") }));
    assert!(log.contains("larger than 1 MiB"), "{log}");
}

#[test]
fn a_fetch_can_be_cancelled() {
    let elsewhere = GitHttp::start();
    let (server, ada) = with_project(LOOPBACK);
    let body = json!({ "repository": elsewhere.url("silent.git") });
    let path = "/api/projects/shop/deployments";
    let queued = server.request(Method::POST, path, &ada.token, Some(&body)).expect(202);
    wait_until("it is fetched", Duration::from_secs(20), || !elsewhere.seen().is_empty());
    let cancel = format!("/api/deployments/{}/cancel", queued["id"].as_str().unwrap());
    server.request(Method::POST, &cancel, &ada.token, None).expect(202);
    let (deployment, log) = ended(&server, &ada, &queued);
    assert_eq!(deployment["status"], "cancelled", "{log}");
}

#[test]
fn a_deploy_key_opens_a_repository_over_ssh() {
    let mut elsewhere = Sshd::start();
    let (server, ada) = with_project(LOOPBACK);
    let tree = WorkTree::answering("one");
    elsewhere.publish(&tree, "shop.git");
    let body = json!({ "repository": elsewhere.url("shop.git"), "reference": "main" });
    let log = refused(&server, &ada, &body);
    let key = ada.get(&server, "/api/projects/shop/deploy-key")["public_key"].as_str().unwrap().to_owned();
    assert!(log.contains(&format!("Add this key to the repository, for reading: {key}")), "{log}");

    elsewhere.authorize(&key);
    let (deployment, log) = deploy(&server, &ada, "shop", &body);
    assert_eq!(
        (&deployment["status"], &deployment["commit"]),
        (&json!("success"), &json!(tree.head())),
        "{log}"
    );
    assert_eq!(server.get("shop", "/").body, "one");
    let known = ada.get(&server, "/api/projects/shop/known-hosts");
    assert_eq!(known["data"][0]["host"], json!(elsewhere.host()));
    // Neither half of it lies about.
    for path in files(&server.home()) {
        let content = fs::read(&path).unwrap_or_default();
        let is_key = content.windows(19).any(|bytes| bytes == b"OPENSSH PRIVATE KEY");
        assert!(!is_key || path.ends_with("ssh_host_ed25519_key"), "{}", path.display());
    }

    elsewhere.become_another();
    let log = refused(&server, &ada, &body);
    let forget = format!("/api/projects/shop/known-hosts/{}", elsewhere.host());
    assert!(log.contains(&format!("DELETE {forget}")), "{log}");
    server.request(Method::DELETE, &forget, &ada.token, None).expect(204);
    let (deployment, log) = deploy(&server, &ada, "shop", &body);
    assert_eq!(deployment["status"], "success", "{log}");

    server.request(Method::POST, "/api/projects/shop/deploy-key/rotate", &ada.token, None).expect(200);
    refused(&server, &ada, &body);
}
