//! What a provider does not take is told again.

use super::{COMMIT, Connected, all};
use crate::webhooks::{eventually, soon};
use gilgal::notifications::Schedule;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_again_in_order() {
    let connected = Connected::known_to("github", "/api/v3").await;
    // Both parts of the first event.
    connected.api.answer("/statuses/", 500, json!({ "message": "Server Error" }));
    connected.api.answer("/deployments", 502, json!({ "message": "Bad Gateway" }));
    let _telling = connected.setting.tell_for_ever();
    connected.setting.deploy_and_fail().await;
    let log = connected.log(3).await;
    assert!(log.iter().all(|delivery| delivery["status"] == "delivered"), "{log:#?}");
    assert!(log[2]["attempts"].as_i64().unwrap() >= 2, "{log:#?}");
    let statuses = connected.api.sent(&format!("/statuses/{COMMIT}"));
    let mut once = all(&statuses, "description");
    once.dedup();
    assert_eq!(once, ["Waits for its turn", "Is being deployed", "npm ci failed with exit code 1."]);
    assert_eq!(
        all(&connected.api.sent("/deployments/1/statuses"), "state"),
        ["queued", "in_progress", "failure"]
    );
    assert_eq!(connected.hook().await["feedback_error"], Value::Null);

    // A commit that was not pushed there is nobody's fault.
    let missing = json!({ "message": format!("No commit found for SHA: {COMMIT}") });
    let before = connected.api.told().len();
    for _ in 0..3 {
        connected.api.answer("/statuses/", 422, missing.clone());
    }
    connected.setting.deploy_and_fail().await;
    let log = connected.log(6).await;
    assert_eq!((&log[0]["status"], &log[0]["response_status"]), (&json!("delivered"), &json!(422)));
    assert_eq!(connected.api.told().len(), before + 3, "nothing more is told of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_takes_too_long_for_all_of_it_is_told_again() {
    let connected = Connected::known_to("github", "/api/v3").await;
    let delay = |milliseconds| {
        connected.api.kept.lock().unwrap().delay = Duration::from_millis(milliseconds);
    };
    // Each of three answers comes in time, and the three do not.
    delay(300);
    let schedule = Schedule { with_a_provider: Duration::from_millis(500), ..soon() };
    let _telling = connected.setting.tell_by(schedule, None);
    connected.setting.deploy_and_fail().await;
    let said = json!("The provider does not answer in time.");
    eventually("it is shown", async || connected.hook().await["feedback_error"] == said).await;
    delay(0);
    let log = connected.log(3).await;
    assert_eq!(all(&log, "status"), ["delivered", "delivered", "delivered"]);
    assert!(log[2]["attempts"].as_i64().unwrap() >= 2, "{log:#?}");
    assert_eq!(connected.hook().await["feedback_error"], Value::Null);
}
