//! What one sender may push out of what is remembered of the others: nothing.

use super::checks::{Waiting, waits};
use super::push;
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
