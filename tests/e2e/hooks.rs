//! A commit to a repository elsewhere, the hook that tells of it, and the app that is live then.

use crate::provider_api::{ProviderApi, assert_described};
use crate::support::{
    Answer, GitHttp, Person, Server, Sshd, WorkTree, deployments, ended, wait_until, with_project,
};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashSet;
use std::time::Duration;

/// What lets a server fetch from this machine, over HTTP.
pub(crate) const LOOPBACK: &[(&str, &str)] =
    &[("GILGAL_FETCH_ALLOW_NETWORKS", "127.0.0.0/8"), ("GILGAL_FETCH_SCHEMES", "https,ssh,http")];
/// An example of GitHub's.
const PUSH: &str = include_str!("../api/payloads/github_push_branch.json");

/// A repository elsewhere, as GitHub tells of it.
pub(crate) struct Hook {
    id: String,
    path: String,
    secret: String,
    /// `ada/shop`.
    pub(crate) repository: String,
}

impl Hook {
    pub(crate) fn create(server: &Server, ada: &Person, url: &str) -> Self {
        Self::with(server, ada, &json!({ "provider": "github", "repository": url }), url)
    }

    pub(crate) fn with(server: &Server, ada: &Person, body: &Value, url: &str) -> Self {
        let made =
            server.request(Method::POST, "/api/projects/shop/hooks", &ada.token, Some(body)).expect(201);
        let mut parts = url.trim_end_matches(".git").rsplit('/');
        let name = parts.next().unwrap();
        let repository = format!("{}/{name}", parts.next().unwrap());
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { id: text("id"), path: text("path"), secret: text("secret"), repository }
    }

    /// Tells of a push to `main` that has changed some files.
    pub(crate) fn push(&self, server: &Server, before: Option<&str>, after: &str, files: &[&str]) -> Answer {
        self.tell(server, "push", &self.pushed(before, after, files))
    }

    /// What is told of one.
    pub(crate) fn pushed(&self, before: Option<&str>, after: &str, files: &[&str]) -> Value {
        let mut body: Value = serde_json::from_str(PUSH).unwrap();
        body["ref"] = json!("refs/heads/main");
        body["created"] = json!(before.is_none());
        body["before"] = json!(before.map_or("0".repeat(40), str::to_owned));
        body["after"] = json!(after);
        body["commits"] =
            json!([{ "id": after, "message": "x", "added": [], "removed": [], "modified": files }]);
        body["repository"]["full_name"] = json!(self.repository);
        body
    }

    /// Where it is changed.
    pub(crate) fn url(&self) -> String {
        format!("/api/hooks/{}", self.id)
    }

    /// Tells of something as GitHub does.
    pub(crate) fn tell(&self, server: &Server, event: &str, body: &Value) -> Answer {
        let delivery = uuid::Uuid::now_v7().to_string();
        let mut body = body.clone();
        // No two deliveries of GitHub say the same.
        body["sent"] = json!(delivery);
        let body = body.to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let headers = [
            ("x-github-event", event),
            ("x-github-delivery", &delivery),
            ("x-hub-signature-256", &signature),
        ];
        server.deliver(&self.path, &headers, body)
    }
}

#[test]
fn a_commit_elsewhere_is_live_here() {
    let elsewhere = Sshd::start();
    let (server, ada) = with_project(LOOPBACK);
    let watch = ("gilgal.toml", "[build]\nwatch = [\"index.html\"]\n");
    let tree = WorkTree::answering("one");
    let first = tree.commit(&[watch]);
    elsewhere.publish(&tree, "shop.git");
    let made = server.request(Method::POST, "/api/projects/shop/deploy-key", &ada.token, None).expect(200);
    elsewhere.authorize(made["public_key"].as_str().unwrap());
    let hook = Hook::create(&server, &ada, &elsewhere.url("shop.git"));
    let live = |answer: &Answer, commit: &str, word: &str| {
        let queued = json!({ "id": answer.expect(202)["deployment_id"] });
        let (deployment, log) = ended(&server, &ada, &queued);
        assert_eq!(
            (&deployment["status"], &deployment["commit"]),
            (&json!("success"), &json!(commit)),
            "{log}"
        );
        assert!(log.contains("Fetching refs/heads/main of ssh://"), "{log}");
        assert_eq!(server.get("shop", "/").body, word);
    };
    live(&hook.push(&server, None, &first, &["index.html"]), &first, "one");

    // Nothing of what the project watches, once and once more.
    let mut head = first;
    for text in ["a", "b"] {
        let next = tree.commit(&[("README.md", text)]);
        elsewhere.publish(&tree, "shop.git");
        let answer = hook.push(&server, Some(&head), &next, &["README.md"]).expect(200);
        assert_eq!(answer["reason"], "unchanged", "{answer}");
        head = next;
    }
    let second = tree.commit(&[("index.html", "two")]);
    elsewhere.publish(&tree, "shop.git");
    live(&hook.push(&server, Some(&head), &second, &["index.html"]), &second, "two");
    assert_eq!(deployments(&server, &ada).len(), 2);
}

#[test]
fn a_burst_makes_one_that_runs_and_one_that_waits() {
    let elsewhere = GitHttp::start();
    let (server, ada) = with_project(LOOPBACK);
    let tree = WorkTree::building_slowly("one", 6);
    elsewhere.publish(&tree, "ada/shop.git");
    let hook = Hook::create(&server, &ada, &elsewhere.url("ada/shop.git"));
    let running = hook.push(&server, None, &tree.head(), &[]).expect(202)["deployment_id"].clone();
    let path = format!("/api/deployments/{}", running.as_str().unwrap());
    wait_until("it builds", Duration::from_secs(30), || ada.get(&server, &path)["step"] == "build");
    let newest = tree.commit(&[("index.html", "two")]);
    elsewhere.publish(&tree, "ada/shop.git");
    let waiting: HashSet<String> = (0..50)
        .map(|_| hook.push(&server, None, &newest, &[]).expect(202)["deployment_id"].to_string())
        .collect();
    assert_eq!(ada.get(&server, &path)["step"], "build", "the burst was too slow for this test");
    assert_eq!(waiting.len(), 1);
    let made = deployments(&server, &ada);
    assert_eq!(made.len(), 2);
    assert_ne!(made[0]["id"], running);
    let (deployment, log) = ended(&server, &ada, &made[0]);
    assert_eq!((&deployment["status"], &deployment["commit"]), (&json!("success"), &json!(newest)), "{log}");
    assert_eq!(server.get("shop", "/").body, "two");
}

#[test]
fn what_becomes_of_a_commit_is_told_where_it_comes_from() {
    let (elsewhere, api) = (GitHttp::start(), ProviderApi::new("/api/v3"));
    elsewhere.tell(&api);
    let mut settings = LOOPBACK.to_vec();
    settings.push(("GILGAL_API_URL", "https://gilgal.test/"));
    let (server, ada) = with_project(&settings);
    let path = format!("/api/projects/shop/credentials/{}", elsewhere.host());
    let credential = json!({ "username": "ada", "password": "token-1" });
    let set = server.request(Method::PUT, &path, &ada.token, Some(&credential));
    assert!(set.status < 300, "{}", set.body);
    let tree = WorkTree::answering("one");
    elsewhere.publish(&tree, "ada/shop.git");
    let url = elsewhere.url("ada/shop.git");
    let body = json!({ "provider": "github", "repository": url, "feedback": true });
    let hook = Hook::with(&server, &ada, &body, &url);
    let queued = json!({ "id": hook.push(&server, None, &tree.head(), &[]).expect(202)["deployment_id"] });
    let (deployment, log) = ended(&server, &ada, &queued);
    assert_eq!(deployment["status"], "success", "{log}");
    let states =
        |part: &str| -> Vec<Value> { api.sent(part).iter().map(|body| body["state"].clone()).collect() };
    wait_until("it is told", Duration::from_secs(30), || states("/deployments/1/statuses").len() == 3);
    assert_eq!(states("/deployments/1/statuses"), ["queued", "in_progress", "success"]);
    assert_eq!(
        states(&format!("/repos/ada/shop/statuses/{}", tree.head())),
        ["pending", "pending", "success"]
    );
    let live = api.sent("/deployments/1/statuses").pop().unwrap();
    assert!(live["environment_url"].as_str().unwrap().starts_with("http://shop.localhost"), "{live}");

    // One that fails leads to its log.
    let broken = tree.commit(&[("Dockerfile", "FROM busybox:stable\nRUN exit 3\n")]);
    elsewhere.publish(&tree, "ada/shop.git");
    let queued = json!({ "id": hook.push(&server, None, &broken, &[]).expect(202)["deployment_id"] });
    let (deployment, log) = ended(&server, &ada, &queued);
    assert_eq!(deployment["status"], "failed", "{log}");
    wait_until("it is told", Duration::from_secs(30), || states("/deployments/2/statuses").len() == 3);
    let failed = api.sent(&format!("/repos/ada/shop/statuses/{broken}")).pop().unwrap();
    let log_url = format!("https://gilgal.test/api/deployments/{}/logs", queued["id"].as_str().unwrap());
    assert_eq!((&failed["state"], &failed["target_url"]), (&json!("failure"), &json!(log_url)));
    assert!(failed["description"].as_str().unwrap().contains("exit code 3"), "{failed}");
    let told = api.told();
    assert_described("github", &told);
    assert!(told.iter().all(|one| one.authorization == "Bearer token-1"));
    assert!(!server.log().contains("token-1"));
}
