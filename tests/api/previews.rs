//! Previews of pull requests: what deliveries make, change and remove. What runs then is in the end-to-end tests.

mod limits;
mod moved;

use crate::hooks::{Hook, connected_to, deployments};
use crate::support::{Client, Options, Reply, TestServer};
use diesel::Connection;
use diesel::connection::SimpleConnection;
use gilgal::model::id::DeploymentId;
use gilgal::model::origin::Origin;
use gilgal::work::Previews;
use reqwest::Method;
use serde_json::{Value, json};

const OPENED: &str = include_str!("payloads/github_pull_request_opened.json");
const SYNCHRONIZE: &str = include_str!("payloads/github_pull_request_synchronize.json");
const CLOSED: &str = include_str!("payloads/github_pull_request_closed.json");
/// The newest commit of them.
const HEAD: &str = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";

/// A server, somebody with a project whose hook makes previews, and that hook.
async fn with_previews(options: Options, settings: Value) -> (TestServer, Client, Hook) {
    let server = TestServer::start_with(options).await;
    let (ada, hook) = connected_to(&server, "github").await;
    ada.send(Method::PATCH, &hook.url(), json!({ "previews": settings })).await.expect(200);
    (server, ada, hook)
}

impl Hook {
    /// Tells of a pull request, with some fields of the example otherwise.
    async fn tell(&self, example: &str, change: impl FnOnce(&mut Value)) -> Reply {
        let mut body: Value = serde_json::from_str(example).unwrap();
        change(&mut body);
        self.github("pull_request", &uuid::Uuid::now_v7().to_string(), &body.to_string()).await
    }
}

/// Makes an event one of a pull request with another number.
fn numbered(number: u64) -> impl Fn(&mut Value) {
    move |body| body["number"] = json!(number)
}

/// Makes it one of a pull request from a fork, at a commit.
fn forked(number: u64, digit: char) -> impl Fn(&mut Value) {
    move |body| {
        body["number"] = json!(number);
        body["pull_request"]["head"]["repo"]["full_name"] = json!("eve/Hello-World");
        body["pull_request"]["head"]["sha"] = json!(commit(digit));
    }
}

fn commit(digit: char) -> String {
    digit.to_string().repeat(40)
}

#[track_caller]
fn skipped(reply: &Reply) -> String {
    let body = reply.expect(200);
    assert_eq!(body["outcome"], "skipped", "{body}");
    assert!(!body["message"].as_str().unwrap().is_empty());
    body["reason"].as_str().unwrap().to_owned()
}

/// What the server does by the clock.
async fn round(server: &TestServer) {
    let cleanup = server.surroundings.clone();
    let previews = Previews::new(server.store.clone(), cleanup, server.hooks.clone());
    previews.round().await.unwrap();
}

async fn previews(ada: &Client) -> Vec<Value> {
    ada.get("/api/projects/shop/previews").await.expect(200)["data"].as_array().unwrap().clone()
}

async fn environments(ada: &Client) -> Vec<String> {
    let listed = ada.get("/api/projects/shop/environments").await.expect(200);
    let names = listed["data"].as_array().unwrap().iter();
    names.map(|environment| environment["name"].as_str().unwrap().to_owned()).collect()
}

/// Changes the database behind the server's back, as time would.
pub(crate) fn execute(server: &TestServer, statement: &str) {
    let path = server.directory().join("gilgal.db");
    let mut database = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    database.batch_execute(statement).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_has_a_preview_while_it_is_open() {
    let server = TestServer::start().await;
    let (ada, hook) = connected_to(&server, "github").await;
    assert_eq!(skipped(&hook.tell(OPENED, |_| {}).await), "previews_off");
    let limits = json!({ "branch": "master", "limits": { "memory_mib": 64 }, "root": "web" });
    ada.send(Method::PATCH, "/api/environments/shop:production", limits).await.expect(200);
    let changed = ada.send(Method::PATCH, &hook.url(), json!({ "previews": {} })).await.expect(200);
    assert_eq!(changed["previews"], json!({ "most": 10, "days": 7, "sleep_seconds": 900 }));

    let opened = hook.github("pull_request", "1", OPENED).await.expect(202);
    let made = deployments(&ada).await;
    assert_eq!((made.len(), &made[0]["id"]), (1, &opened["deployment_id"]));
    assert_eq!((&made[0]["source"], &made[0]["author"]), (&json!("webhook"), &Value::Null));
    assert_eq!(made[0]["made_from"]["reference"], "refs/pull/2/head");
    // As it would be where it is merged into, but for what a preview is to be.
    let environment = ada.get("/api/environments/shop:pr-2").await.expect(200);
    assert_eq!(environment["id"], made[0]["environment_id"]);
    assert_eq!(environment["url"], "http://shop-pr-2.apps.test:8080");
    assert_eq!((&environment["limits"]["memory_mib"], &environment["root"]), (&json!(64), &json!("web")));
    assert_eq!((&environment["sleep_seconds"], &environment["branch"]), (&json!(900), &Value::Null));
    let shown = ada.get("/api/projects/shop/previews").await;
    insta::assert_json_snapshot!(shown.redacted());

    // The same delivery once more, and a push while it waits for its turn.
    let replay = hook.github("pull_request", "1", OPENED).await.expect(202);
    assert_eq!((&replay["id"], &replay["replayed"]), (&opened["id"], &json!(true)));
    let pushed = hook.github("pull_request", "2", SYNCHRONIZE).await.expect(202);
    assert_eq!(pushed["deployment_id"], opened["deployment_id"]);
    assert_eq!((deployments(&ada).await.len(), previews(&ada).await.len()), (1, 1));
    assert_eq!(skipped(&hook.tell(OPENED, |body| body["action"] = json!("labeled")).await), "other_event");

    let closed = hook.tell(CLOSED, |_| {}).await.expect(200);
    assert_eq!((&closed["outcome"], &closed["reason"]), (&json!("preview_removed"), &Value::Null));
    assert_eq!(previews(&ada).await[0]["state"], "closing");
    round(&server).await;
    assert_eq!(*server.surroundings.removed.lock().unwrap(), ["pr-2", "images"]);
    assert_eq!(environments(&ada).await, ["production"]);
    assert_eq!(previews(&ada).await, Vec::<Value>::new());
    assert_eq!(skipped(&hook.tell(CLOSED, |_| {}).await), "no_preview");
    round(&server).await;
    assert_eq!(server.surroundings.removed.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_a_fork_waits_for_an_approval_of_its_commit() {
    let (server, ada, hook) = with_previews(Options::default(), json!({})).await;
    let approve = async |number: u64, commit: Value| {
        ada.post(&format!("/api/projects/shop/previews/{number}/approve"), json!({ "commit": commit })).await
    };
    assert_eq!(skipped(&hook.tell(OPENED, forked(7, 'a')).await), "waits_for_approval");
    assert_eq!((deployments(&ada).await.len(), environments(&ada).await.len()), (0, 1));
    let waiting = &previews(&ada).await[0];
    assert_eq!((&waiting["state"], &waiting["fork"]), (&json!("waits_for_approval"), &json!(true)));
    // The clock lets nobody in.
    round(&server).await;
    assert_eq!(deployments(&ada).await.len(), 0);

    assert_eq!(approve(7, Value::Null).await.refused_fields(), ["commit"]);
    assert_eq!(approve(7, json!("aaaaaaa")).await.refused_fields(), ["commit"]);
    assert_eq!(approve(7, json!(commit('b'))).await.refusal(409), "pull_request_moved");
    assert_eq!(approve(8, json!(commit('a'))).await.refusal(404), "preview_not_found");
    let approved = approve(7, json!(commit('a'))).await.expect(202);
    assert_eq!(approved["environment_id"], previews(&ada).await[0]["environment_id"]);
    let id: DeploymentId = approved["id"].as_str().unwrap().parse().unwrap();
    let origin = server.store.deployment(id).await.unwrap().options.origin;
    let Some(Origin::Repository { only, .. }) = origin else { panic!("{origin:?}") };
    assert_eq!(only, Some(commit('a').parse().unwrap()), "whatever is there when its turn comes");
    assert_eq!(approve(7, json!(commit('a'))).await.refusal(409), "not_waiting");

    // Of the same commit it is known; the next one waits, and what is live stays.
    hook.tell(OPENED, forked(7, 'a')).await.expect(202);
    assert_eq!(skipped(&hook.tell(SYNCHRONIZE, forked(7, 'b')).await), "waits_for_approval");
    round(&server).await;
    assert_eq!((deployments(&ada).await.len(), environments(&ada).await.len()), (1, 2));
    approve(7, json!(commit('b'))).await.expect(202);
    // What was a stranger's stays one's, whatever a delivery says.
    let as_own = |body: &mut Value| {
        body["number"] = json!(7);
        body["pull_request"]["head"]["sha"] = json!(commit('c'));
    };
    assert_eq!(skipped(&hook.tell(SYNCHRONIZE, as_own).await), "waits_for_approval");
    // One that nobody wants is forgotten.
    ada.delete("/api/projects/shop/previews/7").await.expect(204);
    assert_eq!(approve(7, json!(commit('c'))).await.refusal(404), "preview_not_found");
    round(&server).await;
    assert_eq!(previews(&ada).await, Vec::<Value>::new());
    assert_eq!(ada.delete("/api/projects/shop/previews/7").await.refusal(404), "preview_not_found");
    assert_eq!(ada.delete("/api/projects/shop/previews/x").await.refusal(404), "preview_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_var_says_whether_previews_get_it() {
    let (_server, ada, hook) = with_previews(Options::default(), json!({})).await;
    let set = async |environment: &str, body: Value| {
        let path = format!("/api/environments/shop:{environment}/config");
        assert!(ada.send(Method::PATCH, &path, body).await.status < 300);
        ada.get(&path).await.expect(200)["data"].as_array().unwrap().clone()
    };
    let safe = set("production", json!({ "A": { "value": "x", "previews": true }, "B": "y" })).await;
    assert_eq!((&safe[0]["previews"], &safe[1]["previews"]), (&json!(true), &json!(false)));
    let kept = set("production", json!({ "A": "z", "B": { "previews": true } })).await;
    assert_eq!((&kept[0]["previews"], &kept[1]["previews"]), (&json!(true), &json!(true)));
    assert_eq!(set("production", json!({ "A": { "previews": false } })).await[0]["previews"], false);
    let wrong = json!({ "A": { "previews": "yes" } });
    let refused = ada.send(Method::PATCH, "/api/environments/shop:production/config", wrong).await;
    assert_eq!(refused.refused_fields(), ["A"]);
    // What is set for a preview is its own.
    hook.tell(OPENED, |_| {}).await.expect(202);
    let own = set("pr-2", json!({ "A": { "value": "own", "previews": true } })).await;
    assert_eq!(own[0]["previews"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_asked_for_once_more_is_decided_anew() {
    let (server, ada, hook) = with_previews(Options::default(), json!({})).await;
    let opened = hook.tell(OPENED, |_| {}).await.expect(202);
    let path = format!("{}/deliveries/{}", hook.url(), opened["id"].as_str().unwrap());
    let parsed =
        server.store.hook_delivery(hook.id.parse().unwrap(), opened["id"].as_str().unwrap().parse().unwrap());
    assert_eq!(parsed.await.unwrap().commit, Some(HEAD.parse().unwrap()));
    hook.tell(CLOSED, |_| {}).await.expect(200);
    round(&server).await;
    let again = ada.post(&format!("{path}/redeliver"), json!({})).await.expect(202);
    assert_eq!(again["redelivery_of"], opened["id"]);
    assert_eq!(environments(&ada).await, ["production", "pr-2"]);
}
