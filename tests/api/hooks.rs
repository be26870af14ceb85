//! Hooks: how deliveries prove themselves, what becomes of them, and what is kept. What a delivery starts is in the
//! end-to-end tests.

mod checks;
mod crowding;
mod faults;
mod limits;
mod octokit;
mod providers;
mod replays;
mod secrets;
mod shared;
mod unknown_checks;

use crate::support::{Client, Reply, TestServer};
use gilgal::model::time::now;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::{Duration, Instant};

const PUSH: &str = include_str!("payloads/github_push_branch.json");
const TAG: &str = include_str!("payloads/github_push_tag.json");
const DELETED_TAG: &str = include_str!("payloads/github_push_deleted_tag.json");
const PING: &str = include_str!("payloads/github_ping.json");
/// What the payloads are about.
const REPOSITORY: &str = "https://github.com/Codertocat/Hello-World";

/// A server, somebody with a project whose production follows `master`, and a hook of a provider.
async fn connected(provider: &str) -> (TestServer, Client, Hook) {
    let server = TestServer::start().await;
    let (ada, hook) = connected_to(&server, provider).await;
    (server, ada, hook)
}

/// The same on a server that is there.
pub(crate) async fn connected_to(server: &TestServer, provider: &str) -> (Client, Hook) {
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    ada.send(Method::PATCH, "/api/environments/shop:production", json!({ "branch": "master" }))
        .await
        .expect(200);
    let hook = Hook::create(&ada, provider).await;
    (ada, hook)
}

/// A hook as its provider knows it.
#[derive(Clone)]
pub(crate) struct Hook {
    pub(crate) id: String,
    path: String,
    secret: String,
    sender: Client,
}

impl Hook {
    pub(crate) async fn create(ada: &Client, provider: &str) -> Self {
        let body = json!({ "provider": provider, "repository": REPOSITORY });
        Self::of(ada, &ada.post("/api/projects/shop/hooks", body).await.expect(201))
    }

    pub(crate) fn of(ada: &Client, made: &Value) -> Self {
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let sender = Client::new(ada.address(), None);
        Self { id: text("id"), path: text("path"), secret: text("secret"), sender }
    }

    pub(crate) fn url(&self) -> String {
        format!("/api/hooks/{}", self.id)
    }

    fn mac(&self, message: &[&str]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        for piece in message {
            mac.update(piece.as_bytes());
        }
        hex::encode(mac.finalize().into_bytes())
    }

    async fn send(&self, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request =
            self.sender.request(Method::POST, &self.path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Reply::of(request.body(body.to_owned())).await
    }

    /// As GitHub sends it, which never says the same of two deliveries: what stands behind the JSON is another for each.
    pub(crate) async fn github(&self, event: &str, delivery: &str, body: &str) -> Reply {
        let bits = delivery.bytes().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
        let end: String = bits.map(|bit| if bit == 1 { ' ' } else { '\n' }).collect();
        self.github_bytes(event, delivery, &format!("{body}{end}")).await
    }

    /// The same of these very bytes.
    pub(crate) async fn github_bytes(&self, event: &str, delivery: &str, body: &str) -> Reply {
        let signature = format!("sha256={}", self.mac(&[body]));
        let headers =
            [("x-github-event", event), ("x-github-delivery", delivery), ("x-hub-signature-256", &signature)];
        self.send(&headers, body).await
    }

    /// As Bitbucket sends it.
    pub(crate) async fn bitbucket(&self, event: &str, body: &str) -> Reply {
        let (signature, id) = (format!("sha256={}", self.mac(&[body])), uuid::Uuid::now_v7().to_string());
        let headers = [("x-hub-signature", &*signature), ("x-event-key", event), ("x-request-uuid", &id)];
        self.send(&headers, body).await
    }
}

/// A push to `master` with some of its fields otherwise.
fn push(change: impl FnOnce(&mut Value)) -> String {
    let mut body: Value = serde_json::from_str(PUSH).unwrap();
    change(&mut body);
    body.to_string()
}

pub(crate) async fn deployments(ada: &Client) -> Vec<Value> {
    ada.get("/api/projects/shop/deployments").await.expect(200)["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_takes_no_deployments_is_given_none() {
    let (server, ada, hook) = connected("github").await;
    let project = ada.get("/api/projects/shop").await.expect(200)["id"].as_str().unwrap().parse().unwrap();
    let (store, later) = (&server.store, now() + chrono::TimeDelta::days(1));
    store.set_project_disabled(project, Some(now())).await.unwrap();
    let disabled = hook.github("push", "1", PUSH).await.expect(200);
    assert_eq!((&disabled["outcome"], &disabled["reason"]), (&json!("skipped"), &json!("project_disabled")));
    // As a push is told.
    let said = async || store.project(project).await.unwrap().why_not_in_service(now()).unwrap();
    assert_eq!(disabled["message"], said().await);
    store.set_project_disabled(project, None).await.unwrap();
    store.mark_project_deleted(project, later).await.unwrap();
    let deleted = hook.github("push", "2", PUSH).await.expect(200);
    assert_eq!((&deleted["outcome"], &deleted["reason"]), (&json!("skipped"), &json!("project_disabled")));
    assert_eq!(deleted["message"], said().await);
    assert!(said().await.contains("gilgal undelete shop"));
    store.undelete_project(project, None).await.unwrap().unwrap();
    hook.github("push", "3", PUSH).await.expect(202);
    assert_eq!(deployments(&ada).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_publishes_is_understood() {
    let (_server, ada, hook) = connected("github").await;
    let ping = hook.github("ping", "1", PING).await.expect(200);
    assert_eq!((&ping["outcome"], &ping["deployment_id"]), (&json!("pong"), &Value::Null));

    let begun = Instant::now();
    let pushed = hook.github("push", "2", PUSH).await.expect(202);
    assert!(begun.elapsed() < Duration::from_secs(1));
    let made = deployments(&ada).await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["id"], pushed["deployment_id"]);
    assert_eq!((&made[0]["source"], &made[0]["author"]), (&json!("webhook"), &Value::Null));
    let from = json!({ "kind": "repository", "url": REPOSITORY, "reference": "refs/heads/master" });
    assert_eq!(made[0]["made_from"], from);

    let skipped = |reply: Reply| {
        let body = reply.expect(200);
        assert_eq!(body["outcome"], "skipped", "{body}");
        assert!(!body["message"].as_str().unwrap().is_empty());
        body["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(skipped(hook.github("push", "3", TAG).await), "tag");
    assert_eq!(skipped(hook.github("push", "4", DELETED_TAG).await), "deleted");
    ada.send(Method::PATCH, &hook.url(), json!({ "tag_environment": "production" })).await.expect(200);
    hook.github("push", "5", TAG).await.expect(202);
    let newest = deployments(&ada).await.remove(0);
    assert_eq!(newest["made_from"]["reference"], "refs/tags/simple-tag");

    let message = |text: &'static str| push(|body| body["head_commit"]["message"] = json!(text));
    let wrong = [
        ("push", push(|body| body["ref"] = json!("refs/heads/other")), "other_branch"),
        ("push", push(|body| body["ref"] = json!("refs/notes/x")), "other_event"),
        ("push", push(|body| body["deleted"] = json!(true)), "deleted"),
        ("push", message("Docs\n\n[skip ci]"), "skip_token"),
        ("push", message("[Deploy Skip] later"), "skip_token"),
        ("push", push(|body| body["repository"]["full_name"] = json!("a/b")), "other_repository"),
        ("push", "{}".to_owned(), "unreadable"),
        ("push", "payload=%7B%7D".to_owned(), "unreadable"),
        ("pull_request", PUSH.to_owned(), "unreadable"),
        ("installation", "{}".to_owned(), "other_event"),
    ];
    for (number, (event, body, reason)) in wrong.into_iter().enumerate() {
        let reply = hook.github(event, &format!("wrong {number}"), &body).await;
        assert_eq!(skipped(reply), reason, "{number}");
    }
    ada.send(Method::PATCH, &hook.url(), json!({ "enabled": false })).await.expect(200);
    assert_eq!(skipped(hook.github("push", "6", PUSH).await), "disabled");
    assert_eq!(deployments(&ada).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_has_the_first_outcome_and_does_nothing() {
    let (_server, ada, hook) = connected("github").await;
    let first = hook.github("push", "one", PUSH).await.expect(202);
    ada.post(&format!("/api/deployments/{}/cancel", first["deployment_id"].as_str().unwrap()), json!({}))
        .await
        .expect(202);
    // Twice at once too.
    let (one, other) = tokio::join!(hook.github("push", "one", PUSH), hook.github("push", "one", PUSH));
    for replay in [one.expect(202), other.expect(202)] {
        assert_eq!((&replay["id"], &replay["deployment_id"]), (&first["id"], &first["deployment_id"]));
        assert_eq!(replay["replayed"], true);
    }
    assert_eq!(deployments(&ada).await.len(), 1);

    // What was asked for once more by somebody is done.
    let path = format!("{}/deliveries/{}", hook.url(), first["id"].as_str().unwrap());
    let again = ada.post(&format!("{path}/redeliver"), json!({})).await.expect(202);
    assert_eq!(again["redelivery_of"], first["id"]);
    assert_ne!(again["deployment_id"], first["deployment_id"]);
    assert_eq!(deployments(&ada).await.len(), 2);
    let listed = ada.get(&format!("{}/deliveries", hook.url())).await.expect(200);
    let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, [again["id"].clone(), first["id"].clone()]);
    // What was proved with is not kept, nor shown to anybody else.
    let whole = ada.get(&path).await;
    assert_eq!(whole.expect(200)["request"]["headers"]["x-github-event"], "push");
    assert!(whole.text.contains("Initial commit") && !whole.text.contains("signature"), "{}", whole.text);
    assert_eq!(hook.sender.get(&path).await.refusal(401), "unauthenticated");
}
