//! Hooks that wait for the checks of a commit, at providers that are slow to tell them or do not.

use super::checks::{Waiting, waits};
use super::{deployments, push};
use crate::webhooks::eventually;
use chrono::TimeDelta;
use gilgal::model::time::now;
use gilgal::work::Checks;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_provider_holds_no_answer_up() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let commit = "a".repeat(40);
    let ended = json!([{ "name": "test", "status": "completed", "conclusion": "success" }]);
    waiting.checks(&json!([]), &ended);
    waiting.api.kept.lock().unwrap().delay = Duration::from_millis(700);
    let begun = Instant::now();
    let said = waits(&waiting.pushed(&commit).await);
    assert_eq!(said, "The provider is being asked for the checks of the commit.");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let made = loop {
        if let [made] = deployments(&waiting.ada).await.as_slice() {
            break made.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it is decided behind the answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let path = format!("/api/hooks/{}/deliveries", waiting.hook.id);
    loop {
        let delivery = waiting.ada.get(&path).await.expect(200)["data"][0].take();
        if delivery["outcome"] == "deployed" {
            assert_eq!(delivery["deployment_id"], made["id"], "{delivery}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{delivery}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The same once more is known.
    let again = waiting.hook.github("push", "1", &push(|body| body["after"] = json!(commit))).await;
    assert_eq!(again.expect(202)["deployment_id"], made["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_did_not_answer_is_asked_again() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let (first, second) = ("a".repeat(40), "b".repeat(40));
    let running = json!([{ "name": "test", "status": "in_progress", "conclusion": null }]);
    let ended = json!([{ "name": "test", "status": "completed", "conclusion": "success" }]);
    waiting.checks(&json!([]), &running);
    waits(&waiting.pushed(&first).await);
    waiting.checks(&json!([]), &running);
    waits(&waiting.pushed(&second).await);
    // The last check ends, and that is told only while nobody can say so.
    waiting.api.answer("/status", 502, json!({ "message": "Bad gateway" }));
    let said = waits(&waiting.check_suite(&second, "success").await);
    assert!(said.starts_with("Its checks are not known. GitHub answers 502"), "{said}");

    let (store, hooks) = (waiting.server.store.clone(), waiting.server.hooks.clone());
    let mut checks = Checks::new(store.clone(), hooks.clone());
    let asked = || waiting.api.told().iter().filter(|told| told.path.ends_with("/status")).count();
    let before = asked();
    let pushed_at = now();
    checks.round(pushed_at).await.unwrap();
    assert_eq!(asked(), before, "it has only just been asked");
    waiting.checks(&json!([]), &running);
    checks.round(pushed_at + TimeDelta::seconds(61)).await.unwrap();
    // What was pushed over is not asked for.
    assert_eq!((asked(), deployments(&waiting.ada).await.len()), (before + 1, 0));
    let newest = async || {
        let data =
            waiting.ada.get(&format!("{}/deliveries", waiting.hook.url())).await.expect(200)["data"].take();
        let is_push = |delivery: &&Value| delivery["event"] == "push";
        data.as_array().unwrap().iter().find(is_push).unwrap().clone()
    };
    assert_eq!(newest().await["message"], "The check `test` of bbbbbbb has not ended.");
    checks.round(pushed_at + TimeDelta::seconds(100)).await.unwrap();
    assert_eq!(asked(), before + 1, "less and less often");

    // Another server begins with what it finds.
    waiting.checks(&json!([]), &ended);
    Checks::new(store, hooks).round(pushed_at + TimeDelta::seconds(100)).await.unwrap();
    let made = deployments(&waiting.ada).await;
    let newest = newest().await;
    assert_eq!((made.len(), &newest["outcome"]), (1, &json!("deployed")));
    assert_eq!(newest["deployment_id"], made[0]["id"]);
    waiting.checks(&json!([]), &ended);
    checks.round(pushed_at + TimeDelta::minutes(30)).await.unwrap();
    assert_eq!((asked(), deployments(&waiting.ada).await.len()), (before + 2, 1), "once");
    let late = waiting.check_suite(&second, "success").await;
    assert_eq!(waits(&late), "No push of bbbbbbb waits for its checks.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_switched_off_starts_nothing_that_is_being_asked_about() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let ended = json!([{ "name": "test", "status": "completed", "conclusion": "success" }]);
    waiting.checks(&json!([]), &ended);
    waiting.api.kept.lock().unwrap().delay = Duration::from_millis(700);
    for commit in ["a", "b"] {
        let said = waits(&waiting.pushed(&commit.repeat(40)).await);
        assert_eq!(said, "The provider is being asked for the checks of the commit.");
    }
    let off = json!({ "enabled": false });
    waiting.ada.send(reqwest::Method::PATCH, &waiting.hook.url(), off).await.expect(200);
    let path = format!("{}/deliveries", waiting.hook.url());
    let begun = Instant::now();
    loop {
        let deliveries = waiting.ada.get(&path).await.expect(200)["data"].take();
        if deliveries.as_array().unwrap().iter().all(|delivery| delivery["reason"] == "disabled") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{deliveries}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(deployments(&waiting.ada).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_checks_that_end_together_start_one_deployment() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let commit = "a".repeat(40);
    waiting.checks(&json!([]), &json!([]));
    waits(&waiting.pushed(&commit).await);
    let ended = json!([{ "name": "test", "status": "completed", "conclusion": "success" }]);
    // For each of the two, if each asks.
    for _ in 0..2 {
        waiting.checks(&json!([{ "context": "ci", "state": "success" }]), &ended);
    }
    waiting.api.kept.lock().unwrap().delay = Duration::from_millis(500);
    let status = json!({
        "sha": commit, "state": "success", "context": "ci", "repository": { "full_name": "Codertocat/Hello-World" },
    })
    .to_string();
    let (suite, status) =
        tokio::join!(waiting.check_suite(&commit, "success"), waiting.github("status", &status));
    let asked = "The provider is being asked for the checks of the commit.";
    for told in [suite, status] {
        assert_eq!(waits(&told), asked);
    }
    let path = format!("/api/hooks/{}/deliveries", waiting.hook.id);
    let mut both = Vec::new();
    eventually("both are decided", async || {
        let listed = waiting.ada.get(&path).await.expect(200)["data"].take();
        both = listed.as_array().unwrap()[..2].to_vec();
        both.iter().all(|delivery| delivery["message"] != asked)
    })
    .await;
    let made = deployments(&waiting.ada).await;
    assert_eq!(made.len(), 1, "{made:#?}");
    let (deployed, other): (Vec<Value>, Vec<Value>) =
        both.into_iter().partition(|delivery| delivery["outcome"] == "deployed");
    assert_eq!((deployed.len(), &deployed[0]["deployment_id"]), (1, &made[0]["id"]), "{other:#?}");
    assert_eq!(other[0]["message"], "No push of aaaaaaa waits for its checks.");
}
