//! How events are sent: signed, in order, again and again, and to nowhere else.

use super::{ALLOWED, Setting, all_have_ended, eventually};
use crate::events::{EventReceiver, Taken};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// The events that have come, by their types.
fn kinds(receiver: &EventReceiver) -> Vec<String> {
    let kind = |taken: &Taken| taken.headers["gilgal-event"].clone();
    receiver.taken().iter().map(kind).collect()
}

/// Whether one of the signatures of a request is made with a secret.
fn is_signed(taken: &Taken, secret: &str) -> bool {
    let (time, signatures) = taken.headers["gilgal-signature"].split_once(',').unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.{}", time.strip_prefix("t=").unwrap(), taken.body).as_bytes());
    let expected = format!("v1={}", hex::encode(mac.finalize().into_bytes()));
    signatures.split(',').any(|signature| signature == expected)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_order_signed_and_again_until_they_are_taken() {
    let setting = Setting::new().await;
    let receiver = EventReceiver::on(ALLOWED);
    receiver.answer(&["500 Away", "503 Away", "429 Busy\r\nretry-after: 0"]);
    let (path, made) = setting.leading_to(&receiver).await;
    setting.deploy_and_fail().await;
    let telling = setting.tell_for_ever();
    let expected = [
        "deployment.queued",
        "deployment.queued",
        "deployment.queued",
        "deployment.queued",
        "deployment.started",
        "deployment.failed",
    ];
    eventually("everything has come", async || kinds(&receiver).len() == expected.len()).await;
    assert_eq!(kinds(&receiver), expected);
    let taken = receiver.taken();
    let secret = made["secret"].as_str().unwrap();
    assert!(taken.iter().all(|taken| is_signed(taken, secret)));
    assert!(!is_signed(&taken[0], "glw_another"));
    assert_eq!(taken[0].body, taken[3].body, "a try is the same as the one before");
    let event: Value = serde_json::from_str(&taken[5].body).unwrap();
    assert_eq!(
        (&event["version"], &event["type"], &event["project"]["slug"], &event["environment"]["url"]),
        (&json!(1), &json!("deployment.failed"), &json!("shop"), &json!("http://shop.apps.test:8080"))
    );
    assert_eq!(
        (&event["author"], &event["reason"], &event["deployment"]["commit"]),
        (
            &json!("ada"),
            &json!("npm ci failed with exit code 1."),
            &json!("1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b")
        )
    );

    let log = setting.log(&path, all_have_ended).await;
    let first = log.last().unwrap();
    assert_eq!((&first["status"], &first["attempts"]), (&json!("delivered"), &json!(4)));
    assert_eq!((&first["response_status"], &first["error"]), (&json!(200), &Value::Null));
    assert_eq!(first["response"].as_str().unwrap().len(), 1024, "of 3,000 bytes");
    assert_eq!(first["request"], json!(taken[0].body));
    assert!(first["duration_ms"].is_number() && first["attempted_at"].is_string());

    // By hand once more: the same event, another delivery.
    let again = format!("{path}/deliveries/{}/redeliver", first["id"].as_str().unwrap());
    let queued = setting.ada.post(&again, json!({})).await.expect(202);
    assert_eq!(queued["event_id"], first["event_id"]);
    assert_ne!(queued["id"], first["id"]);
    eventually("it has come again", async || receiver.taken().len() == 7).await;
    assert_eq!(receiver.taken()[6].body, taken[0].body);
    assert_eq!(receiver.taken()[6].headers["gilgal-delivery"], queued["id"].as_str().unwrap());
    let nothing = format!("{path}/deliveries/{}/redeliver", made["id"].as_str().unwrap());
    assert_eq!(setting.ada.post(&nothing, json!({})).await.refusal(404), "delivery_not_found");

    // Both secrets sign while one takes the place of the other.
    let rotated =
        setting.ada.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 60 })).await.expect(200);
    setting.ada.post(&format!("{path}/test"), json!({})).await.expect(202);
    eventually("the test has come", async || receiver.taken().len() == 8).await;
    let test = &receiver.taken()[7];
    assert!(is_signed(test, secret) && is_signed(test, rotated["secret"].as_str().unwrap()));
    setting.ada.post(&format!("{path}/rotate"), json!({})).await.expect(200);
    setting.ada.post(&format!("{path}/test"), json!({})).await.expect(202);
    eventually("the test has come", async || receiver.taken().len() == 9).await;
    assert!(!is_signed(&receiver.taken()[8], rotated["secret"].as_str().unwrap()));
    drop(telling);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_documentation_checks_a_signature() {
    let setting = Setting::new().await;
    let receiver = EventReceiver::on(ALLOWED);
    let (path, made) = setting.leading_to(&receiver).await;
    let _telling = setting.tell_for_ever();
    setting.ada.post(&format!("{path}/test"), json!({})).await.expect(202);
    eventually("the test has come", async || receiver.taken().len() == 1).await;
    let taken = receiver.taken().remove(0);
    let page = include_str!("../../../docs/notifications.md");
    let example = |language: &str| {
        let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let script = format!(
        "{}\nimport {{ readFileSync }} from 'node:fs';\n\
         process.exit(verify(readFileSync(0), process.env.SIGNATURE, process.env.SECRET) ? 0 : 1);",
        example("js")
    );
    let python = format!(
        "{}\nimport os, sys\n\
         sys.exit(not verify(sys.stdin.buffer.read(), os.environ['SIGNATURE'], os.environ['SECRET']))",
        example("python")
    );
    let shell = page.split_once("```bash\n# verify").unwrap().1.split_once("```").unwrap().0;
    let shell = format!("# verify{shell}");
    let programs = [
        ("bash", vec!["-euo", "pipefail", "-c", &shell]),
        ("node", vec!["--input-type=module", "--eval", &script]),
        ("python3", vec!["-c", &python]),
    ];
    let check = async |secret: &str, body: &str| {
        let mut answers = Vec::new();
        for (program, arguments) in &programs {
            let mut running = tokio::process::Command::new(program)
                .args(arguments)
                .env("SECRET", secret)
                .env("SIGNATURE", &taken.headers["gilgal-signature"])
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            running.stdin.take().unwrap().write_all(body.as_bytes()).await.unwrap();
            answers.push(running.wait().await.unwrap().success());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "all examples say the same: {answers:?}");
        answers[0]
    };
    let secret = made["secret"].as_str().unwrap();
    assert!(check(secret, &taken.body).await);
    assert!(!check("glw_another", &taken.body).await);
    assert!(!check(secret, &taken.body.replace("Shop", "Shoq")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_takes_nothing_is_given_up_with_a_notice() {
    let setting = Setting::new().await;
    let receiver = EventReceiver::on(ALLOWED);
    receiver.answer(&["500 Away"; 200]);
    let (path, _) = setting.leading_to(&receiver).await;
    setting.deploy_and_fail().await;
    let _telling = setting.tell(Duration::from_millis(500), None);
    let mut shown = Value::Null;
    eventually("it is disabled", async || {
        shown = setting.ada.get(&path).await.expect(200);
        shown["enabled"] == json!(false)
    })
    .await;
    let reason = shown["disabled_reason"].as_str().unwrap();
    assert!(reason.starts_with("It has taken nothing since 2"), "{reason}");
    assert!(reason.ends_with(" UTC. The receiver answered 500 Internal Server Error."), "{reason}");
    let log = setting.log(&path, all_have_ended).await;
    assert!(log.iter().all(|delivery| delivery["status"] == "failed"), "{log:#?}");
    assert!(log[0]["error"].as_str().unwrap().starts_with("It has taken nothing"), "{:#?}", log[0]);
    assert!(kinds(&receiver).iter().all(|kind| kind == "deployment.queued"), "what is behind it waits");

    // What happens now is not told. Once it is enabled again, what somebody asks for is, and what happens then.
    setting.deploy_and_fail().await;
    assert_eq!(setting.log(&path, all_have_ended).await.len(), 3);
    let better = EventReceiver::on(ALLOWED);
    let change = json!({ "enabled": true, "url": format!("http://{}/in", better.address) });
    setting.ada.send(Method::PATCH, &path, change).await.expect(200);
    let again = format!("{path}/deliveries/{}/redeliver", log[2]["id"].as_str().unwrap());
    setting.ada.post(&again, json!({})).await.expect(202);
    setting.deploy_and_fail().await;
    eventually("what is told has come", async || better.taken().len() == 4).await;
    let expected = ["deployment.queued", "deployment.queued", "deployment.started", "deployment.failed"];
    assert_eq!(kinds(&better), expected);
    assert_eq!(setting.ada.get(&path).await.expect(200)["failing_since"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_refuses_holds_up_nothing_for_long() {
    let setting = Setting::new().await;
    let receiver = EventReceiver::on(ALLOWED);
    receiver.answer(&["422 No"; 5]);
    let (path, _) = setting.leading_to(&receiver).await;
    setting.deploy_and_fail().await;
    let _telling = setting.tell_for_ever();
    let log = setting.log(&path, |log| log.len() == 3 && all_have_ended(log)).await;
    let states: Vec<_> = log.iter().map(|delivery| delivery["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["delivered", "delivered", "failed"]);
    assert_eq!(log[2]["attempts"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_says_nothing_keeps_nobody_else_waiting() {
    let setting = Setting::new().await;
    let (silent, quick) = (EventReceiver::on(ALLOWED), EventReceiver::on(ALLOWED));
    silent.answer(&[""; 9]);
    setting.leading_to(&silent).await;
    setting.leading_to(&quick).await;
    let _telling = setting.tell_for_ever();
    setting.deploy_and_fail().await;
    let begun = tokio::time::Instant::now();
    eventually("the other one was told", async || quick.taken().len() == 3).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    eventually("the silent one is asked once at a time", async || silent.taken().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_where_an_answer_leads_or_to_the_server_itself() {
    let setting = Setting::new().await;
    let (receiver, inside) = (EventReceiver::on(ALLOWED), EventReceiver::on("127.0.0.1"));
    let to_inside = format!("307 Elsewhere\r\nlocation: http://{}/", inside.address);
    receiver.answer(&[to_inside.as_str(); 200]);
    let (redirected, _) = setting.leading_to(&receiver).await;
    // A name is accepted, and judged when it is connected to.
    let url = format!("http://localhost:{}/in", inside.address.port());
    let (named, _) = setting.create(json!({ "url": url })).await;
    let _telling = setting.tell_for_ever();
    setting.deploy_and_fail().await;
    for (path, reason) in [
        (redirected, "The receiver answered 307 Temporary Redirect, and is not followed."),
        (named, "the server does not connect to addresses that are not public"),
    ] {
        let failed = |log: &[Value]| log.last().is_some_and(|first| first["attempts"].as_i64() > Some(1));
        let log = setting.log(&path, failed).await;
        let error = log.last().unwrap()["error"].as_str().unwrap();
        assert!(error.contains(reason), "{error}");
        assert!(setting.ada.get(&path).await.expect(200)["last_error"].as_str().unwrap().contains(reason));
    }
    assert!(inside.taken().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_is_told_after_a_restart() {
    let setting = Setting::new().await;
    let receiver = EventReceiver::on(ALLOWED);
    receiver.answer(&["500 Away"; 2]);
    setting.leading_to(&receiver).await;
    let telling = setting.tell_for_ever();
    setting.deploy_and_fail().await;
    eventually("it was tried", async || !receiver.taken().is_empty()).await;
    drop(telling);
    let before = receiver.taken().len();
    setting.deploy_and_fail().await;
    let _telling = setting.tell_for_ever();
    eventually("everything has come", async || {
        kinds(&receiver).iter().filter(|kind| *kind == "deployment.failed").count() == 2
    })
    .await;
    let mut once = kinds(&receiver);
    once.dedup();
    let whole = ["deployment.queued", "deployment.started", "deployment.failed"];
    assert_eq!(once, [whole, whole].concat(), "{before} before");
}
