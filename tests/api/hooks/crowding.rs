//! What one sender may push out of what is remembered of the others: nothing.

use super::checks::{Waiting, waits};
use super::{Hook, PUSH, connected, connected_to, push};
use crate::support::{Options, TestServer};
use gilgal::model::time::now;
use serde_json::{Value, json};

const OPENED: &str = include_str!("../payloads/github_pull_request_opened.json");
/// More than are kept of one kind.
const MANY: usize = 1_001;

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_do_to_their_pull_requests_hides_no_push_that_waits() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let commit = "a".repeat(40);
    waiting.checks(&json!([]), &json!([]));
    waits(&waiting.pushed(&commit).await);
    let mut edited: Value = serde_json::from_str(OPENED).unwrap();
    edited["pull_request"]["head"]["repo"]["full_name"] = json!("eve/Hello-World");
    let mut elsewhere: Value = serde_json::from_str(&push(|_| {})).unwrap();
    elsewhere["repository"]["full_name"] = json!("eve/Hello-World");
    for number in 0..MANY {
        let id = format!("stranger {number}");
        edited["action"] = json!(if number % 2 == 0 { "edited" } else { "synchronize" });
        let answer = waiting.hook.github("pull_request", &id, &edited.to_string()).await.expect(200);
        assert_eq!(answer["outcome"], "skipped");
        if number % 2 == 0 {
            let answer = waiting.hook.github("push", &format!("{id} push"), &elsewhere.to_string()).await;
            assert_eq!(answer.expect(200)["reason"], "other_repository");
        }
    }
    let succeeded = json!([{ "name": "test", "status": "completed", "conclusion": "success" }]);
    waiting.checks(&json!([]), &succeeded);
    waiting.check_suite(&commit, "success").await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hooks_of_a_project_keep_a_number_of_deliveries_and_what_names_a_commit_longest() {
    let (server, ada, hook) = connected("github").await;
    let other = Hook::create(&ada, "github").await;
    let pushed = hook.github("push", "1", PUSH).await.expect(202);
    let columns = "hook_id, event, headers, body, is_truncated, parsed, outcome, received_at";
    server.execute(&format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000)
             INSERT INTO hook_deliveries (id, delivery_key, {columns})
             SELECT printf('ffffffff-0000-7000-8000-%012d', n), 'filled ' || n, {columns}
             FROM hook_deliveries, numbers"
    ));
    let latest = other.github("push", "2", PUSH).await.expect(202);
    for (hook, delivery) in [(&hook, &pushed), (&other, &latest)] {
        let path = format!("{}/deliveries/{}", hook.url(), delivery["id"].as_str().unwrap());
        ada.get(&path).await.expect(200);
    }
    let day = chrono::TimeDelta::days(1);
    assert_eq!(server.store.forget_hook_deliveries(now() + day).await.unwrap(), 4_900);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_a_full_disk_is_known_without_its_body() {
    let options = Options { least_free_bytes: u64::MAX, ..Options::default() };
    let server = TestServer::start_with(options).await;
    let (ada, hook) = connected_to(&server, "github").await;
    let taken = hook.github("push", "1", PUSH).await.expect(202);
    let path = format!("{}/deliveries/{}", hook.url(), taken["id"].as_str().unwrap());
    let kept = ada.get(&path).await.expect(200);
    assert_eq!((&kept["request"]["body"], &kept["request"]["truncated"]), (&json!(""), &json!(true)));
    assert_eq!(kept["request"]["headers"]["x-github-event"], "push");
    assert_eq!(hook.github("push", "1", PUSH).await.expect(202)["replayed"], true);
    let again = ada.post(&format!("{path}/redeliver"), json!({})).await.expect(202);
    assert_eq!(again["redelivery_of"], taken["id"]);
}
