//! Providers of repositories, told what becomes of commits.

mod again;
mod made;

use super::{ALLOWED, Setting, all_have_ended, eventually};
use crate::provider_api::{ProviderApi, assert_described};
use crate::support::{Options, TestServer, released};
use gilgal::model::webhook::{Event, EventKind};
use gilgal::store::PageRequest;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const COMMIT: &str = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b";

/// A project that is connected to a repository whose provider is told, with what the provider is told.
struct Connected {
    setting: Setting,
    api: ProviderApi,
    /// Of the credential.
    host: String,
    hook: Value,
    /// The path of the webhook that is the feedback.
    webhook: String,
}

impl Connected {
    async fn to(provider: &str, base: &'static str) -> Self {
        let server =
            TestServer::start_with(Options { has_plain_repositories: true, ..Options::default() }).await;
        let ada = server.sign_up("ada").await;
        let project = ada.create_project("Shop").await;
        let setting = Setting { server, ada, project };
        let api = ProviderApi::new(base);
        let host = api.serve(ALLOWED).to_string();
        let repository = format!("http://{host}/ada/shop.git");
        let body = json!({ "provider": provider, "repository": repository, "feedback": true });
        let hook = setting.ada.post("/api/projects/shop/hooks", body).await.expect(201);
        let listed = setting.ada.get("/api/webhooks?project=shop").await.expect(200)["data"].take();
        let [webhook] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
        assert_eq!(
            (&webhook["format"], &webhook["hook_id"], &webhook["url"]),
            (&json!("commit_status"), &hook["id"], &json!(repository))
        );
        let webhook = format!("/api/webhooks/{}", webhook["id"].as_str().unwrap());
        Self { setting, api, host, hook, webhook }
    }

    /// The same with a credential.
    async fn known_to(provider: &str, base: &'static str) -> Self {
        let connected = Self::to(provider, base).await;
        connected.set_credential("token-1").await;
        connected
    }

    async fn set_credential(&self, token: &str) {
        let path = format!("/api/projects/shop/credentials/{}", self.host);
        let body = json!({ "username": "ada", "password": token });
        let set = self.setting.ada.send(Method::PUT, &path, body).await;
        assert!(set.status < 300, "{}", set.text);
    }

    async fn hook(&self) -> Value {
        let path = format!("/api/hooks/{}", self.hook["id"].as_str().unwrap());
        self.setting.ada.get(&path).await.expect(200)
    }

    async fn change(&self, change: Value) -> Value {
        let path = format!("/api/hooks/{}", self.hook["id"].as_str().unwrap());
        self.setting.ada.send(Method::PATCH, &path, change).await.expect(200)
    }

    /// The log of the feedback, newest first, once so many things were told or given up.
    async fn log(&self, number: usize) -> Vec<Value> {
        let is_done = |log: &[Value]| log.len() == number && all_have_ended(log);
        self.setting.log(&self.webhook, is_done).await
    }

    /// Tells of a deployment to a preview of a pull request.
    async fn tell_of_preview(&self, kind: EventKind) {
        let id = self.webhook.rsplit('/').next().unwrap().parse().unwrap();
        let store = &self.setting.server.store;
        let known = store.deliveries_of(id, PageRequest::first()).await.unwrap().data.remove(0).event;
        let mut event = Event { kind, ..known };
        event.environment.as_mut().unwrap().pull_request = Some(7);
        store.queue_delivery(id, event).await.unwrap();
    }
}

/// A field of each.
fn all(bodies: &[Value], field: &str) -> Vec<String> {
    bodies.iter().map(|body| body[field].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn github_is_told_in_order_and_as_it_describes_itself() {
    let connected = Connected::known_to("github", "/api/v3").await;
    let _telling = connected.setting.tell_for_ever();
    connected.setting.deploy_and_fail().await;
    let live = released(&connected.setting.server.store, &connected.setting.project, "image", &[]).await;
    let log = connected.log(5).await;
    assert!(log.iter().all(|delivery| delivery["status"] == "delivered"), "{log:#?}");
    let told = connected.api.told();
    assert_described("github", &told);
    assert!(told.iter().all(|one| one.authorization == "Bearer token-1"));

    let statuses = connected.api.sent(&format!("/repos/ada/shop/statuses/{COMMIT}"));
    assert_eq!(all(&statuses, "state"), ["pending", "pending", "failure", "pending", "success"]);
    assert!(all(&statuses, "context").iter().all(|context| context == "gilgal/shop:production"));
    assert_eq!(statuses[2]["description"], "npm ci failed with exit code 1.");
    assert_eq!(statuses[4]["target_url"], "http://shop.apps.test:8080");
    // One deployment there for each of ours.
    let deployments: Vec<Value> = connected.api.sent("/deployments");
    let made: Vec<&Value> = deployments.iter().filter(|body| body["ref"] == COMMIT).collect();
    assert_eq!(made.len(), 2);
    assert_eq!(made[1]["payload"]["gilgal_deployment"], live.to_string());
    assert_eq!((&made[0]["auto_merge"], &made[0]["required_contexts"]), (&json!(false), &json!([])));
    let first = connected.api.sent("/deployments/1/statuses");
    assert_eq!(all(&first, "state"), ["queued", "in_progress", "failure"]);
    let log_url = first[2]["log_url"].as_str().unwrap();
    assert!(
        log_url.starts_with("https://api.test/api/deployments/") && log_url.ends_with("/logs"),
        "{log_url}"
    );
    let second = connected.api.sent("/deployments/2/statuses");
    assert_eq!(all(&second, "state"), ["queued", "success"]);
    assert_eq!(second[1]["environment_url"], "http://shop.apps.test:8080");

    // Somebody looks whether it works.
    connected.setting.ada.post(&format!("{}/test", connected.webhook), json!({})).await.expect(202);
    connected.log(6).await;
    let last = connected.api.told().pop().unwrap();
    assert_eq!((last.method.as_str(), last.path.as_str()), ("GET", "/repos/ada/shop"));
    assert_described("github", &[last]);
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_is_told_of_statuses_deployments_and_environments() {
    let connected = Connected::known_to("gitlab", "/api/v4").await;
    let _telling = connected.setting.tell_for_ever();
    // What has a state already is refused there, and is told all the same.
    let same = json!({ "message": "Cannot transition status via :enqueue from :pending" });
    connected.api.answer("/statuses/", 400, same);
    connected.setting.deploy_and_fail().await;
    released(&connected.setting.server.store, &connected.setting.project, "image", &[]).await;
    let log = connected.log(5).await;
    assert!(log.iter().all(|delivery| delivery["status"] == "delivered"), "{log:#?}");
    let statuses = connected.api.sent(&format!("/projects/ada%2Fshop/statuses/{COMMIT}"));
    assert_eq!(all(&statuses, "state"), ["pending", "running", "failed", "pending", "success"]);
    assert!(all(&statuses, "ref").iter().all(|reference| reference == "main"));
    let deployments = connected.api.sent("/projects/ada%2Fshop/deployments");
    assert_eq!(all(&deployments, "status"), ["running", "failed", "success"]);
    assert_eq!(deployments[0]["environment"], "shop/production");
    let environments = connected.api.sent("/projects/ada%2Fshop/environments/9");
    assert_eq!(environments, [json!({ "external_url": "http://shop.apps.test:8080" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_is_told_and_its_failing_over_a_foreign_commit_is_none() {
    let connected = Connected::known_to("gitea", "/api/v1").await;
    let _telling = connected.setting.tell_for_ever();
    connected.api.answer("/statuses/", 500, json!({ "message": "" }));
    connected.api.answer("/git/commits/", 404, json!({ "message": "object does not exist" }));
    connected.setting.deploy_and_fail().await;
    let log = connected.log(3).await;
    assert!(log.iter().all(|delivery| delivery["status"] == "delivered"), "{log:#?}");
    assert_eq!(log[2]["attempts"], 1);
    let statuses = connected.api.sent(&format!("/repos/ada/shop/statuses/{COMMIT}"));
    assert_eq!(all(&statuses, "state"), ["pending", "pending", "failure"]);
    let told = connected.api.told();
    assert!(told.iter().all(|one| one.authorization == "token token-1"));
    assert!(told.iter().any(|one| one.path.contains("/git/commits/")), "{told:?}");
    assert_described("gitea", &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_may_not_is_shown_and_holds_nothing_up() {
    let connected = Connected::known_to("github", "/api/v3").await;
    let refused = json!({ "message": "Resource not accessible by personal access token" });
    for _ in 0..5 {
        connected.api.answer("/deployments", 403, refused.clone());
    }
    let _telling = connected.setting.tell_for_ever();
    connected.setting.deploy_and_fail().await;
    let log = connected.log(3).await;
    assert_eq!(all(&log, "status"), ["delivered", "delivered", "delivered"]);
    let said = "GitHub answers 403 Resource not accessible by personal access token: give the token the permissions \
                Commit statuses and Deployments (write).";
    assert_eq!((&log[2]["response"], &log[2]["attempts"]), (&json!(said), &json!(1)));
    // What is allowed goes on for as long as it takes.
    assert_eq!(connected.hook().await["feedback_error"], said);
    let statuses = connected.api.sent(&format!("/statuses/{COMMIT}"));
    assert_eq!(all(&statuses, "state"), ["pending", "pending", "failure"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_credential_it_waits_for_one_and_ends_with_the_reason() {
    let connected = Connected::to("github", "/api/v3").await;
    let telling = connected.setting.tell_for_ever();
    connected.setting.deploy_and_fail().await;
    let said = format!(
        "GitHub wants a credential: set one for {0} that has the permissions Commit statuses and \
         Deployments (write), by `PUT /api/projects/shop/credentials/{0}`.",
        connected.host
    );
    eventually("it is shown", async || connected.hook().await["feedback_error"] == json!(said)).await;
    assert_eq!(connected.api.told(), []);
    connected.set_credential("token-2").await;
    connected.log(3).await;
    let statuses = connected.api.sent(&format!("/statuses/{COMMIT}"));
    assert_eq!(all(&statuses, "state"), ["pending", "pending", "failure"]);
    assert_eq!(connected.hook().await["feedback_error"], Value::Null);
    drop(telling);

    // One that is refused everything ends, and begins anew when somebody asks for it.
    for _ in 0..200 {
        connected.api.answer("", 401, json!({ "message": "Bad credentials" }));
    }
    let _telling = connected.setting.tell(Duration::from_millis(300), None);
    connected.setting.deploy_and_fail().await;
    eventually("it is disabled", async || {
        connected.setting.ada.get(&connected.webhook).await.expect(200)["enabled"] == json!(false)
    })
    .await;
    let hook = connected.hook().await;
    let error = hook["feedback_error"].as_str().unwrap();
    assert!(error.contains("the credential for 127.0.0.2:") && error.contains("is wrong or over"), "{error}");
    assert_eq!(hook["feedback"], true);
    connected.change(json!({ "feedback": true })).await;
    assert_eq!(connected.setting.ada.get(&connected.webhook).await.expect(200)["enabled"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_is_switched_with_its_hook_and_made_by_nothing_else() {
    let connected = Connected::to("github", "/api/v3").await;
    let ada = &connected.setting.ada;
    let listed = async || ada.get("/api/webhooks?project=shop").await.expect(200)["data"].clone();
    assert_eq!(connected.hook().await["feedback"], true);
    for (change, field) in [
        (json!({ "url": "https://hooks.example.com" }), "url"),
        (json!({ "to": "ada@example.com" }), "to"),
        (json!({ "events": ["config.changed"] }), "events"),
    ] {
        assert_eq!(ada.send(Method::PATCH, &connected.webhook, change).await.refused_fields(), [field]);
    }
    let rotate = ada.post(&format!("{}/rotate", connected.webhook), json!({})).await;
    assert_eq!(rotate.refusal(409), "webhook_not_signed");
    let by_hand = json!({ "project": "shop", "url": "https://github.com/a/b", "format": "commit_status" });
    assert_eq!(ada.post("/api/webhooks", by_hand).await.refused_fields(), ["format"]);

    // It leads where its hook does.
    let moved = format!("http://{}/ada/other.git", connected.host);
    connected.change(json!({ "repository": moved })).await;
    assert_eq!(ada.get(&connected.webhook).await.expect(200)["url"], json!(moved));
    // It is one more than a project may have.
    for _ in 0..10 {
        connected.setting.create(json!({ "url": "https://hooks.example.com" })).await;
    }
    assert_eq!(connected.change(json!({ "feedback": false })).await["feedback"], false);
    assert_eq!(ada.get(&connected.webhook).await.refusal(404), "webhook_not_found");
    assert_eq!(connected.change(json!({ "feedback": true })).await["feedback"], true);
    assert_eq!(listed().await.as_array().unwrap().len(), 11);
    ada.delete(&format!("/api/hooks/{}", connected.hook["id"].as_str().unwrap())).await.expect(204);
    assert_eq!(listed().await.as_array().unwrap().len(), 10);

    for (provider, repository) in [
        ("custom", "https://code.example/ada/shop.git"),
        ("github", "https://github.com/shop"),
        ("bitbucket", "https://code.example/scm/ada/shop.git"),
    ] {
        let body = json!({ "provider": provider, "repository": repository, "feedback": true });
        assert_eq!(
            ada.post("/api/projects/shop/hooks", body).await.refused_fields(),
            ["feedback"],
            "{provider}"
        );
    }
    let body = json!({ "provider": "custom", "repository": "https://code.example/ada/shop.git" });
    let hook = ada.post("/api/projects/shop/hooks", body).await.expect(201);
    let path = format!("/api/hooks/{}", hook["id"].as_str().unwrap());
    let refused = ada.send(Method::PATCH, &path, json!({ "feedback": true })).await;
    assert_eq!(refused.refused_fields(), ["feedback"]);
}
