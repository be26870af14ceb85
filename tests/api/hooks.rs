//! Hooks: how deliveries prove themselves, what becomes of them, and what is kept. What a delivery starts is in the
//! end-to-end tests.

mod checks;
mod octokit;
mod replays;
mod shared;

use crate::support::{Client, Options, Reply, TestServer};
use gilgal::api::RequestLimits;
use gilgal::model::time::now;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
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

    fn of(ada: &Client, made: &Value) -> Self {
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
    store.set_project_disabled(project, None).await.unwrap();
    store.mark_project_deleted(project, later).await.unwrap();
    let deleted = hook.github("push", "2", PUSH).await.expect(200);
    assert_eq!((&deleted["outcome"], &deleted["reason"]), (&json!("skipped"), &json!("project_disabled")));
    store.undelete_project(project).await.unwrap().unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_hook_and_a_wrong_signature_are_the_same() {
    let (_server, ada, hook) = connected("github").await;
    let right = format!("sha256={}", hook.mac(&[PUSH]));
    let sha1 = "sha1=0000000000000000000000000000000000000000";
    let other_body = format!("sha256={}", hook.mac(&[PING]));
    let unknown = Hook { path: format!("/webhooks/github/{}", uuid::Uuid::now_v7()), ..hook.clone() };
    let other_provider = Hook { path: hook.path.replace("github", "gitea"), ..hook.clone() };
    let no_provider = Hook { path: hook.path.replace("github", "nothing"), ..hook.clone() };
    let mut said = HashSet::new();
    for (hook, headers) in [
        (&hook, vec![]),
        (&hook, vec![("x-hub-signature-256", "")]),
        (&hook, vec![("x-hub-signature-256", "sha256=")]),
        (&hook, vec![("x-hub-signature-256", &right[7..])]),
        (&hook, vec![("x-hub-signature-256", &right[..69])]),
        (&hook, vec![("x-hub-signature-256", other_body.as_str())]),
        (&hook, vec![("x-hub-signature", sha1)]),
        (&hook, vec![("x-gitlab-token", hook.secret.as_str())]),
        (&hook, vec![("authorization", hook.secret.as_str())]),
        (&unknown, vec![("x-hub-signature-256", right.as_str())]),
        (&no_provider, vec![("x-hub-signature-256", right.as_str())]),
        (&other_provider, vec![("x-gitea-signature", &right[7..])]),
    ] {
        let mut headers = headers;
        headers.extend([("x-github-event", "push"), ("x-github-delivery", "1")]);
        let reply = hook.send(&headers, PUSH).await;
        assert_eq!(reply.refusal(404), "hook_not_found");
        let mut body = reply.expect(404);
        body["error"]["request_id"].take();
        said.insert(body.to_string());
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(deployments(&ada).await, Vec::<Value>::new());
    assert_eq!(ada.get(&format!("{}/deliveries", hook.url())).await.expect(200)["data"], json!([]));
    // Whoever sets it up sees that something came, a moment later.
    while ada.get(&hook.url()).await.expect(200)["refused_at"].is_null() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    hook.github("push", "1", PUSH).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_rotated_with_an_overlap() {
    let (server, ada, hook) = connected("github").await;
    for shown in [ada.get(&hook.url()).await, ada.get("/api/projects/shop/hooks").await] {
        assert!(!shown.text.contains("glh_") && shown.status == 200, "{}", shown.text);
    }
    let rotate = format!("{}/rotate", hook.url());
    let rotated = ada.post(&rotate, json!({})).await.expect(200);
    let new = Hook { secret: rotated["secret"].as_str().unwrap().to_owned(), ..hook.clone() };
    assert!(rotated["previous_until"].is_string());
    hook.github("ping", "1", PING).await.expect(200);
    new.github("ping", "2", PING).await.expect(200);

    // The overlap is over.
    let newest = ada.post(&rotate, json!({ "overlap_seconds": 0 })).await.expect(200);
    let newest = Hook { secret: newest["secret"].as_str().unwrap().to_owned(), ..hook.clone() };
    for old in [&hook, &new] {
        assert_eq!(old.github("ping", "3", PING).await.refusal(404), "hook_not_found");
    }
    newest.github("ping", "3", PING).await.expect(200);
    assert_eq!(
        ada.post(&rotate, json!({ "overlap_seconds": 604_801 })).await.refused_fields(),
        ["overlap_seconds"]
    );

    let audit = ada.get("/api/projects/shop/audit").await;
    assert!(audit.text.contains("rotate_hook") && !audit.text.contains("glh_"), "{}", audit.text);
    for file in ["gilgal.db", "gilgal.db-wal"] {
        let database = std::fs::read(server.directory().join(file)).unwrap_or_default();
        assert!(!database.windows(4).any(|bytes| bytes == b"glh_"), "a secret is kept in plain text");
    }
    // It is sealed again with everything else.
    ada.post(&rotate, json!({})).await.expect(200);
    let id = hook.id.parse().unwrap();
    let before = server.store.hook(id).await.unwrap();
    let purpose = gilgal::model::hook::seal_purpose(id);
    let again =
        |named: &str, sealed: &str| Ok::<_, ()>((named == purpose).then(|| format!("again {sealed}")));
    server.store.seal_again(again).await.unwrap().unwrap();
    let after = server.store.hook(id).await.unwrap();
    assert_eq!(after.sealed_secret, format!("again {}", before.sealed_secret));
    assert_eq!(after.sealed_previous, before.sealed_previous.map(|sealed| format!("again {sealed}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_sends_the_secret_itself() {
    let (_server, _ada, hook) = connected("gitlab").await;
    let send = async |event: &str, delivery: &str, body: &Value| {
        let headers = [
            ("x-gitlab-token", hook.secret.as_str()),
            ("x-gitlab-event", event),
            ("x-gitlab-event-uuid", delivery),
        ];
        hook.send(&headers, &body.to_string()).await
    };
    let body = json!({
        "object_kind": "push", "ref": "refs/heads/master", "before": "0".repeat(40), "after": "a".repeat(40),
        "checkout_sha": "a".repeat(40), "project": { "path_with_namespace": "Codertocat/Hello-World" },
        "commits": [{ "id": "b".repeat(40), "message": "[skip ci]" }, { "id": "a".repeat(40), "message": "Fix" }],
    });
    let first = send("Push Hook", "1", &body).await.expect(202);
    // Each attempt of GitLab has the same id.
    assert_eq!(send("Push Hook", "1", &body).await.expect(202)["id"], first["id"]);
    let mut skipped = body.clone();
    skipped["push_options"] = json!({ "ci": { "skip": true } });
    assert_eq!(send("Push Hook", "2", &skipped).await.expect(200)["reason"], "skip_token");
    let mut deleted = body.clone();
    deleted["after"] = json!("0".repeat(40));
    deleted["checkout_sha"] = Value::Null;
    assert_eq!(send("Push Hook", "3", &deleted).await.expect(200)["reason"], "deleted");
    assert_eq!(send("Note Hook", "4", &body).await.expect(200)["reason"], "other_event");
    let text = body.to_string();
    let wrong = hook.send(&[("x-gitlab-token", "glh_no"), ("x-gitlab-event", "Push Hook")], &text);
    assert_eq!(wrong.await.refusal(404), "hook_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_and_forgejo_sign_with_headers_of_their_own() {
    let (_server, _ada, hook) = connected("gitea").await;
    let repository = json!({ "full_name": "Codertocat/Hello-World" });
    let push = json!({
        "ref": "refs/heads/master", "before": "0".repeat(40), "after": "a".repeat(40), "repository": repository,
        "commits": [{ "id": "a".repeat(40), "message": "Fix" }],
    });
    let deletion = json!({ "ref": "master", "ref_type": "branch", "repository": repository });
    for (name, number) in [("gitea", 1), ("forgejo", 2)] {
        let send = async |event: &str, delivery: String, body: &Value| {
            let (body, name) = (body.to_string(), |end: &str| format!("x-{name}-{end}"));
            let (signature, names) =
                (hook.mac(&[&body]), [name("signature"), name("event"), name("delivery")]);
            let headers = [(&*names[0], &*signature), (&*names[1], event), (&*names[2], &*delivery)];
            hook.send(&headers, &body).await
        };
        send("push", format!("{number}"), &push).await.expect(202);
        assert_eq!(send("delete", format!("{number}d"), &deletion).await.expect(200)["reason"], "deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bitbucket_may_send_several_references_at_once() {
    let (_server, ada, hook) = connected("bitbucket").await;
    let send = async |event: &str, body: Value| hook.bitbucket(event, &body.to_string()).await;
    assert_eq!(send("diagnostics:ping", json!({ "test": true })).await.expect(200)["outcome"], "pong");
    let branch = |name: &str| json!({ "type": "branch", "name": name, "target": { "hash": "a".repeat(40), "message": "Fix" } });
    let cloud = json!({
        "push": { "changes": [
            { "old": branch("gone"), "new": null }, { "old": null, "new": branch("other") },
            { "old": branch("master"), "new": branch("master") },
        ] },
        "repository": { "full_name": "codertocat/hello-world" },
    });
    send("repo:push", cloud).await.expect(202);
    let server = json!({
        "changes": [{ "ref": { "id": "refs/heads/master" }, "fromHash": "a".repeat(40), "toHash": "b".repeat(40), "type": "UPDATE" }],
        "repository": { "slug": "hello-world", "project": { "key": "CODERTOCAT" } },
        "toCommit": { "id": "b".repeat(40), "message": "[skip ci]" },
    });
    assert_eq!(send("repo:refs_changed", server).await.expect(200)["reason"], "skip_token");
    assert_eq!(deployments(&ada).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_delivery_is_signed_with_its_time() {
    let (_server, _ada, hook) = connected("custom").await;
    let send = async |at: i64, body: &str| {
        let at = at.to_string();
        let signature = format!("sha256={}", hook.mac(&[&at, ".", body]));
        hook.send(&[("x-gilgal-timestamp", &at), ("x-gilgal-signature", &signature)], body).await
    };
    let body = r#"{"ref": "master"}"#;
    let at = now().timestamp();
    let first = send(at, body).await.expect(202);
    assert_eq!(send(at, body).await.expect(202)["id"], first["id"], "the same bytes are the same delivery");
    assert_ne!(send(at - 200, body).await.expect(202)["id"], first["id"]);
    for stale in [at - 400, at + 400, 0, i64::MIN] {
        assert_eq!(send(stale, body).await.refusal(404), "hook_not_found");
    }
    let without_time = format!("sha256={}", hook.mac(&["", ".", body]));
    assert_eq!(hook.send(&[("x-gilgal-signature", &without_time)], body).await.status, 404);
    assert_eq!(send(at, r#"{"ping": true}"#).await.expect(200)["outcome"], "pong");
    assert_eq!(send(at, "{}").await.expect(200)["reason"], "unreadable");
    assert_eq!(send(at, r#"{"ref": "master", "branch": "x"}"#).await.expect(200)["reason"], "unreadable");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_connected_is_refused_by_its_field() {
    let (_server, ada, hook) = connected("github").await;
    for (body, field) in [
        (json!({ "provider": "svn", "repository": REPOSITORY }), "provider"),
        (json!({ "provider": "github", "repository": "http://code.example/a" }), "repository"),
        (json!({ "provider": "github", "repository": "https://127.0.0.1/a" }), "repository"),
        (json!({ "provider": "github", "repository": "https://ada:secret@code.example/a" }), "repository"),
        (
            json!({ "provider": "github", "repository": REPOSITORY, "tag_environment": "none" }),
            "tag_environment",
        ),
        (json!({ "provider": "github", "repository": REPOSITORY, "secret": "hunter2" }), "secret"),
    ] {
        let reply = ada.post("/api/projects/shop/hooks", body.clone()).await;
        assert_eq!(reply.refused_fields(), [field], "{body}");
    }
    for _ in 1..20 {
        Hook::create(&ada, "github").await;
    }
    let body = json!({ "provider": "github", "repository": REPOSITORY });
    assert_eq!(ada.post("/api/projects/shop/hooks", body).await.refusal(409), "too_many_hooks");
    ada.delete(&hook.url()).await.expect(204);
    assert_eq!(hook.github("ping", "1", PING).await.refusal(404), "hook_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_a_limit_and_a_guesser_too() {
    let (_server, _ada, hook) = connected("github").await;
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(5 * 1024 * 1024));
    assert_eq!(hook.github("push", "1", &large).await.refusal(413), "body_too_large");

    let request_limits = RequestLimits { per_peer: NonZeroU32::new(5), per_account: None };
    let server = TestServer::start_with(Options { request_limits, ..Options::default() }).await;
    let proxy =
        reqwest::Client::builder().no_proxy().local_address(IpAddr::from([127, 0, 0, 3])).build().unwrap();
    let guess = async |client: &'static str| {
        let url = format!("http://{}/webhooks/github/{}", server.address, uuid::Uuid::now_v7());
        Reply::of(proxy.post(url).header("x-forwarded-for", client).body("{}")).await.status
    };
    for _ in 0..5 {
        assert_eq!(guess("203.0.113.1").await, 404);
    }
    assert_eq!(guess("203.0.113.1").await, 429);
    assert_eq!(guess("203.0.113.2").await, 404);
}

/// The numbers of the issue: a burst of 1,000 deliveries makes one deployment that waits, and each is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_makes_one_deployment_that_waits() {
    let (server, ada, hook) = connected("github").await;
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..50 {
        let hook = hook.clone();
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for number in 0..20 {
                let sent = Instant::now();
                let body = push(|body| body["after"] = json!(format!("{:040x}", sender * 20 + number + 1)));
                let answer = hook.github("push", &format!("{sender} {number}"), &body).await.expect(202);
                answers.push((answer["deployment_id"].to_string(), sent.elapsed()));
            }
            answers
        });
    }
    let answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let slowest = answers.iter().map(|(_, time)| *time).max().unwrap();
    assert_eq!(answers.len(), 1000);
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    let made: HashSet<_> = answers.into_iter().map(|(id, _)| id).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(deployments(&ada).await.len(), 1);

    // What is too much goes at once, the oldest first; what is old is forgotten.
    let first = gilgal::store::PageRequest::first();
    let before = server.store.hook_deliveries_of(hook.id.parse().unwrap(), first).await.unwrap().data;
    hook.github("push", "one more", PUSH).await.expect(202);
    // What names no commit takes the place of none that does.
    hook.github("ping", "a ping", PING).await.expect(200);
    let kept = server.store.hook_deliveries_of(hook.id.parse().unwrap(), first).await.unwrap().data;
    assert_eq!(kept[2..], before[..before.len() - 2]);
    let yesterday = now() - chrono::TimeDelta::days(1);
    assert_eq!(server.store.forget_hook_deliveries(yesterday).await.unwrap(), 0);
    assert_eq!(server.store.forget_hook_deliveries(now()).await.unwrap(), 1001);
}
