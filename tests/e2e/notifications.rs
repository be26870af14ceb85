//! Webhooks, to a real receiver.

use crate::events::{EventReceiver, Taken};
use crate::support::{Invariants, Person, Server, WorkTree, wait_until};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// The receivers are on this machine.
const ALLOWED: (&str, &str) = ("GILGAL_WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8");

/// A project with a webhook before anything is deployed; gives the path of the webhook, and its secret.
fn with_webhook(server: &mut Server, receiver: &EventReceiver) -> (Person, String, String) {
    let ada = server.person("ada");
    server.request(Method::POST, "/api/projects", &ada.token, Some(&json!({ "name": "shop" }))).expect(201);
    let body = json!({ "project": "shop", "url": format!("http://{}/in", receiver.address) });
    let made = server.request(Method::POST, "/api/webhooks", &ada.token, Some(&body)).expect(201);
    let secret = made["secret"].as_str().unwrap().to_owned();
    (ada, format!("/api/webhooks/{}", made["id"].as_str().unwrap()), secret)
}

/// The types of what has come.
fn kinds(receiver: &EventReceiver) -> Vec<String> {
    receiver.taken().iter().map(|taken| taken.headers["gilgal-event"].clone()).collect()
}

#[track_caller]
fn wait_for(receiver: &EventReceiver, kind: &str) -> Value {
    wait_until(kind, PATIENCE, || kinds(receiver).iter().any(|known| known == kind));
    let is_it = |taken: &&Taken| taken.headers["gilgal-event"] == kind;
    serde_json::from_str(&receiver.taken().iter().find(is_it).unwrap().body).unwrap()
}

/// What a receiver does with the secret (docs/notifications.md).
fn is_signed(taken: &Taken, secret: &str) -> bool {
    let (time, signature) = taken.headers["gilgal-signature"].split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.{}", time.strip_prefix("t=").unwrap(), taken.body).as_bytes());
    signature == hex::encode(mac.finalize().into_bytes())
}

#[test]
fn a_push_that_succeeds_and_one_that_fails_arrive_signed() {
    let receiver = EventReceiver::on("127.0.0.1");
    let mut server = Server::start_with(&[ALLOWED]);
    let (ada, _, secret) = with_webhook(&mut server, &receiver);
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let live = wait_for(&receiver, "deployment.succeeded");
    assert_eq!(
        (&live["deployment"]["version"], &live["deployment"]["commit"], &live["author"]),
        (&json!(1), &json!(tree.head()), &json!("ada"))
    );
    let url = live["environment"]["url"].as_str().unwrap();
    assert!(url.starts_with("http://shop.localhost"), "{url}");

    tree.commit(&[("Dockerfile", "FROM busybox:stable\nRUN exit 3\n")]);
    server.push(&ada, &tree, "shop", &["main"]).expect(1);
    let failed = wait_for(&receiver, "deployment.failed");
    assert!(failed["reason"].as_str().unwrap().contains("exit code 3"), "{failed}");
    let expected = [
        "deployment.queued",
        "deployment.started",
        "deployment.succeeded",
        "deployment.queued",
        "deployment.started",
        "deployment.failed",
    ];
    assert_eq!(kinds(&receiver), expected);
    assert!(receiver.taken().iter().all(|taken| is_signed(taken, &secret)));
    assert!(!server.log().contains(&secret));
}

#[test]
fn what_was_not_told_before_a_kill_is_told_after_it() {
    let receiver = EventReceiver::on("127.0.0.1");
    receiver.answer(&["500 Away"; 2]);
    let mut server = Server::start_with(&[ALLOWED]);
    let (mut ada, webhook, _) = with_webhook(&mut server, &receiver);
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    wait_until("it was tried", PATIENCE, || !receiver.taken().is_empty());
    server.kill();
    server.start_again(&[ALLOWED]);
    server.log_in_again(&mut ada);
    wait_for(&receiver, "deployment.succeeded");
    let mut once = kinds(&receiver);
    once.dedup();
    assert_eq!(once, ["deployment.queued", "deployment.started", "deployment.succeeded"]);
    wait_until("it is noted", PATIENCE, || ada.get(&server, &webhook)["failing_since"].is_null());
    Invariants::of(&server, &ada).hold();

    // A server that may not send there any more, whatever was allowed when the webhook was made.
    server.stop();
    server.start_again(&[]);
    server.log_in_again(&mut ada);
    let before = receiver.taken().len();
    server.request(Method::POST, &format!("{webhook}/test"), &ada.token, Some(&json!({}))).expect(202);
    wait_until("it is refused", PATIENCE, || {
        ada.get(&server, &webhook)["last_error"]
            .as_str()
            .is_some_and(|error| error.contains("does not connect"))
    });
    assert_eq!(receiver.taken().len(), before);
}

/// Serves, and ends a few seconds after every start.
const CRASHING: &str = "\
FROM busybox:stable
COPY index.html /www/
CMD httpd -p \"$PORT\" -h /www; sleep 8; exit 7
";

/// Not taken back while it is watched.
const UNWATCHED: &str = "[deploy]\nwatch = 0\n";

#[test]
fn an_instance_that_crashes_is_told_and_one_that_is_stopped_is_not() {
    let receiver = EventReceiver::on("127.0.0.1");
    let mut server = Server::start_with(&[ALLOWED]);
    let (ada, webhook, _) = with_webhook(&mut server, &receiver);
    let tree = WorkTree::of(&[("Dockerfile", CRASHING), ("index.html", "hello"), ("gilgal.toml", UNWATCHED)]);
    server.deploy(&ada, &tree, "shop");
    let crash = wait_for(&receiver, "instance.crashed");
    assert_eq!(crash["instance"], json!({ "name": "web.1", "exit_code": 7, "crashes": 1 }));
    let looping = wait_for(&receiver, "instance.crash_looping");
    assert_eq!(looping["instance"]["crashes"], 3);
    assert_eq!(looping["environment"]["name"], "production");
    let crashes = |receiver: &EventReceiver| {
        kinds(receiver).iter().filter(|kind| kind.starts_with("instance.")).count()
    };
    assert_eq!(crashes(&receiver), 3);
    // Old instances are stopped, and that is no crash.
    tree.commit(&[("Dockerfile", &CRASHING.replace("; sleep 8; exit 7", "; sleep 1000"))]);
    server.deploy(&ada, &tree, "shop");
    wait_until("another is live", PATIENCE, || {
        kinds(&receiver).iter().filter(|kind| *kind == "deployment.succeeded").count() == 2
    });
    server.request(Method::POST, "/api/environments/shop:production/stop", &ada.token, None).expect(200);
    wait_until("nothing runs", PATIENCE, || server.engine().containers().is_empty());
    // Longer than it takes to tell of a crash; and what is told is told in its order.
    std::thread::sleep(Duration::from_secs(3));
    server.request(Method::POST, &format!("{webhook}/test"), &ada.token, Some(&json!({}))).expect(202);
    wait_for(&receiver, "webhook.test");
    assert_eq!(crashes(&receiver), 3);
}
