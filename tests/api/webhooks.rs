//! `/api/webhooks`: what can be said of a webhook, and what receivers are sent.

mod delivery;
mod fairness;
mod feedback;
mod formats;

use crate::events::EventReceiver;
use crate::support::{Client, TestServer, deployment, move_to};
use gilgal::model::deployment::DeploymentState;
use gilgal::notifications::{Mailer, Notifications, Schedule};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long something that is to come may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The address of this machine that the server may send to.
const ALLOWED: &str = "127.0.0.2";

/// Somebody with a project, and with whom webhooks of it lead to.
struct Setting {
    server: TestServer,
    ada: Client,
    project: Value,
}

/// What tells the webhooks, until it is dropped.
struct Telling(JoinHandle<()>);

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Setting {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let ada = server.sign_up("ada").await;
        let project = ada.create_project("Shop").await;
        Self { server, ada, project }
    }

    /// Makes a webhook of the project; its path, and what was answered.
    async fn create(&self, mut body: Value) -> (String, Value) {
        body["project"] = json!("shop");
        let made = self.ada.post("/api/webhooks", body).await.expect(201);
        (format!("/api/webhooks/{}", made["id"].as_str().unwrap()), made)
    }

    /// One that leads to a receiver.
    async fn leading_to(&self, receiver: &EventReceiver) -> (String, Value) {
        self.create(json!({ "url": format!("http://{}/in", receiver.address) })).await
    }

    /// Begins to tell the webhooks, with pauses of milliseconds.
    fn tell(&self, give_up_after: Duration, mailer: Option<Mailer>) -> Telling {
        self.tell_by(Schedule { give_up_after, ..soon() }, mailer)
    }

    fn tell_by(&self, schedule: Schedule, mailer: Option<Mailer>) -> Telling {
        let notifications = self.server.notifications.clone();
        let notifications = Notifications { schedule, mailer, ..notifications };
        Telling(tokio::spawn(notifications.run(std::future::pending())))
    }

    fn tell_for_ever(&self) -> Telling {
        self.tell(Duration::from_hours(1), None)
    }

    /// Deploys, without anything being built: queued, started, and failed.
    async fn deploy_and_fail(&self) {
        use DeploymentState as State;
        let id = deployment(&self.server.store, &self.project).await;
        let states = [State::Fetching, State::UndoingFailure, State::Failed];
        move_to(&self.server.store, id, &states).await;
    }

    /// The log of a webhook, newest first, once it is as it should be.
    async fn log(&self, path: &str, is_done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let path = format!("{path}/deliveries");
        let mut log = Value::Null;
        eventually("the log is as it should be", async || {
            log = self.ada.get(&path).await.expect(200)["data"].clone();
            is_done(log.as_array().unwrap())
        })
        .await;
        log.as_array().unwrap().clone()
    }
}

/// Pauses of milliseconds.
fn soon() -> Schedule {
    let (first_pause, longest_pause) = (Duration::from_millis(20), Duration::from_millis(100));
    Schedule { first_pause, longest_pause, refused_for: Duration::ZERO, ..Schedule::default() }
}

pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "not in time: {what}");
}

fn all_have_ended(log: &[Value]) -> bool {
    log.iter().all(|delivery| delivery["status"] != "pending")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_made_shown_changed_and_removed() {
    let setting = Setting::new().await;
    let ada = &setting.ada;
    let body = json!({
        "url": "https://hooks.example.com/in?a=b",
        "events": ["deployment.failed", "config.changed", "deployment.failed"],
    });
    let (path, made) = setting.create(body).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("glw_"), "{secret}");
    let shown = ada.get(&path).await;
    assert!(!shown.text.contains(&secret));
    insta::assert_json_snapshot!("webhook", shown.redacted());
    let list = ada.get("/api/webhooks?project=shop").await.expect(200);
    assert_eq!(list["data"], json!([shown.expect(200)]));
    assert_eq!(ada.get("/api/webhooks").await.refusal(400), "invalid_query");
    assert_eq!(ada.get("/api/webhooks?project=other").await.refusal(404), "project_not_found");

    let change = json!({ "url": "https://hooks.example.com/other", "events": null, "enabled": false });
    let changed = ada.send(Method::PATCH, &path, change).await.expect(200);
    assert_eq!(
        (&changed["events"], &changed["enabled"], &changed["disabled_reason"], &changed["url"]),
        (
            &Value::Null,
            &json!(false),
            &json!("Somebody has turned it off."),
            &json!("https://hooks.example.com/other")
        )
    );
    assert_eq!(ada.post(&format!("{path}/test"), json!({})).await.refusal(409), "webhook_disabled");
    let changed = ada.send(Method::PATCH, &path, json!({ "enabled": true })).await.expect(200);
    assert_eq!((&changed["enabled"], &changed["disabled_at"]), (&json!(true), &Value::Null));

    let rotated = ada.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 60 })).await.expect(200);
    assert_ne!(rotated["secret"], made["secret"]);
    assert!(rotated["previous_until"].is_string());
    let audit = ada.get("/api/projects/shop/audit").await.expect(200).to_string();
    assert!(audit.contains("create_webhook") && audit.contains("rotate_webhook"), "{audit}");
    assert!(!audit.contains("glw_"), "{audit}");

    assert_eq!(ada.delete(&path).await.status, 204);
    assert_eq!(ada.get(&path).await.refusal(404), "webhook_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opens_a_chat_is_a_secret_too() {
    let setting = Setting::new().await;
    let url = "https://hooks.slack.com/services/T0/B0/hunter2";
    let (path, made) = setting.create(json!({ "url": url, "format": "slack" })).await;
    assert_eq!((&made["url"], &made["secret"]), (&json!("https://hooks.slack.com/…"), &Value::Null));
    let rotate = setting.ada.post(&format!("{path}/rotate"), json!({})).await;
    assert_eq!(rotate.refusal(409), "webhook_not_signed");
    let discord = json!({ "url": "https://discord.com/api/webhooks/1/hunter2" });
    setting.ada.send(Method::PATCH, &path, discord).await.expect(200);
    let told = setting.ada.post(&format!("{path}/test"), json!({})).await.expect(202);
    assert_eq!(told["status"], "pending");
    for path in [path.clone(), format!("{path}/deliveries"), "/api/projects/shop/audit".to_owned()] {
        let shown = setting.ada.get(&path).await.expect(200).to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    // Sealed where it is kept, and again with another key.
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let (_, signed) = setting.create(json!({ "url": "https://hooks.example.com" })).await;
    let signed_id = signed["id"].as_str().unwrap().parse().unwrap();
    let store = &setting.server.store;
    let kept = store.webhook(id).await.unwrap();
    assert!(!format!("{kept:?}").contains("hunter2"));
    let again = |_: &str, sealed: &str| Ok::<_, ()>(Some(format!("again {sealed}")));
    store.seal_again(again).await.unwrap().unwrap();
    assert_eq!(store.webhook(id).await.unwrap().sealed_target, format!("again {}", kept.sealed_target));
    let signed = store.webhook(signed_id).await.unwrap();
    assert!(
        signed.sealed_secret.unwrap().starts_with("again ") && signed.sealed_target.starts_with("again ")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_its_field() {
    let setting = Setting::new().await;
    for (body, field) in [
        (json!({}), "url"),
        (json!({ "url": "hooks.example.com" }), "url"),
        (json!({ "url": "syslog+tls://hooks.example.com:1" }), "url"),
        (json!({ "url": "https://user:secret@hooks.example.com" }), "url"),
        // Where the server is, and the machines around it.
        (json!({ "url": "https://127.0.0.1/in" }), "url"),
        (json!({ "url": "https://2130706433/in" }), "url"),
        (json!({ "url": "https://[::1]/in" }), "url"),
        (json!({ "url": "https://169.254.169.254/latest/meta-data" }), "url"),
        (json!({ "url": "https://[::ffff:10.0.0.1]/in" }), "url"),
        // In plain text to addresses that the operator names only.
        (json!({ "url": "http://192.0.9.1/in" }), "url"),
        (json!({ "url": "https://hooks.example.com", "format": "xml" }), "format"),
        (json!({ "url": "https://hooks.example.com", "to": "ada@example.com" }), "to"),
        (json!({ "format": "email" }), "to"),
        (json!({ "format": "email", "to": "ada@example.com", "url": "https://x.example.com" }), "url"),
        (json!({ "url": "https://hooks.example.com", "events": [] }), "events"),
        (json!({ "url": "https://hooks.example.com", "events": ["webhook.test"] }), "events"),
        (json!({ "url": "https://hooks.example.com", "events": ["deployment.exploded"] }), "events"),
        // The server of this test sends no mail.
        (json!({ "format": "email", "to": "ada@example.com" }), "format"),
    ] {
        let mut body = body;
        body["project"] = json!("shop");
        let refused = setting.ada.post("/api/webhooks", body.clone()).await.refused_fields();
        assert_eq!(refused, [field], "{body}");
    }
    let (path, _) = setting.create(json!({ "url": "https://hooks.example.com" })).await;
    for (change, field) in [
        (json!({ "url": "https://10.0.0.1" }), "url"),
        (json!({ "to": "ada@example.com" }), "to"),
        (json!({ "enabled": "yes" }), "enabled"),
    ] {
        assert_eq!(setting.ada.send(Method::PATCH, &path, change).await.refused_fields(), [field]);
    }
    for _ in 1..10 {
        setting.create(json!({ "url": "https://hooks.example.com" })).await;
    }
    let one_more = json!({ "project": "shop", "url": "https://hooks.example.com" });
    assert_eq!(setting.ada.post("/api/webhooks", one_more).await.refusal(409), "too_many_webhooks");
}
