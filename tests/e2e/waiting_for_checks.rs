//! Commits elsewhere that are deployed once their checks have succeeded.

use crate::hooks::{Hook, LOOPBACK};
use crate::provider_api::ProviderApi;
use crate::support::{GitHttp, Person, Server, WorkTree, deployments, ended, with_project};
use reqwest::Method;
use serde_json::{Value, json};

/// Lets the next time that GitHub is asked for the checks of a commit find one that has succeeded.
fn succeed(api: &ProviderApi) {
    let answer = json!({ "statuses": [{ "context": "ci", "state": "success" }] });
    api.kept.lock().unwrap().answers.push_back(("/status".to_owned(), 200, answer));
}

/// A project whose app is deployed from a repository elsewhere once the checks of a commit have succeeded.
fn waiting(elsewhere: &GitHttp, api: &ProviderApi) -> (Server, Person, Hook, WorkTree) {
    elsewhere.tell(api);
    let (server, ada) = with_project(LOOPBACK);
    let path = format!("/api/projects/shop/credentials/{}", elsewhere.host());
    let credential = json!({ "username": "ada", "password": "token-1" });
    let set = server.request(Method::PUT, &path, &ada.token, Some(&credential));
    assert!(set.status < 300, "{}", set.body);
    let tree = WorkTree::answering("one");
    elsewhere.publish(&tree, "ada/shop.git");
    let url = elsewhere.url("ada/shop.git");
    let body = json!({ "provider": "github", "repository": url, "wait_for_checks": true });
    let hook = Hook::with(&server, &ada, &body, &url);
    (server, ada, hook, tree)
}

#[test]
fn what_is_told_once_more_brings_no_older_commit_live() {
    let (elsewhere, api) = (GitHttp::start(), ProviderApi::new("/api/v3"));
    let (server, ada, hook, tree) = waiting(&elsewhere, &api);
    let ended = |told: &Value| ended(&server, &ada, &json!({ "id": told["deployment_id"] }));

    let first = tree.head();
    succeed(&api);
    let told = hook.push(&server, None, &first, &[]).expect(202);
    let (deployment, log) = ended(&told);
    assert_eq!((&deployment["status"], &deployment["commit"]), (&json!("success"), &json!(first)), "{log}");
    let second = tree.commit(&[("index.html", "two")]);
    elsewhere.publish(&tree, "ada/shop.git");
    succeed(&api);
    let (deployment, log) = ended(&hook.push(&server, Some(&first), &second, &[]).expect(202));
    assert_eq!((&deployment["status"], &deployment["commit"]), (&json!("success"), &json!(second)), "{log}");

    succeed(&api);
    let path = format!("{}/deliveries/{}/redeliver", hook.url(), told["id"].as_str().unwrap());
    let again = server.request(Method::POST, &path, &ada.token, None).expect(202);
    let (deployment, log) = ended(&again);
    assert_eq!(deployment["status"], "failed", "{log}");
    assert!(log.contains(&format!("it is {} whose checks were waited for", &first[..7])), "{log}");
    assert_eq!(server.get("shop", "/").body, "two");
    assert_eq!(deployments(&server, &ada).len(), 3);
}

#[test]
fn a_commit_that_only_skipped_ones_follow_is_live_once_its_checks_have_succeeded() {
    let (elsewhere, api) = (GitHttp::start(), ProviderApi::new("/api/v3"));
    let (server, ada, hook, tree) = waiting(&elsewhere, &api);
    let checked = tree.head();
    let told = hook.push(&server, None, &checked, &[]).expect(200);
    assert_eq!(told["reason"], "waits_for_checks", "{told}");
    let skipped = tree.commit(&[("index.html", "two")]);
    elsewhere.publish(&tree, "ada/shop.git");
    let mut body = hook.pushed(Some(&checked), &skipped, &[]);
    body["head_commit"]["message"] = json!("Version 2 [skip ci]");
    let told = hook.tell(&server, "push", &body).expect(200);
    assert_eq!(told["reason"], "skip_token", "{told}");

    succeed(&api);
    let suite = json!({
        "action": "completed",
        "check_suite": { "head_sha": checked, "conclusion": "success" },
        "repository": { "full_name": hook.repository },
    });
    let told = hook.tell(&server, "check_suite", &suite).expect(202);
    let (deployment, log) = ended(&server, &ada, &json!({ "id": told["deployment_id"] }));
    assert_eq!((&deployment["status"], &deployment["commit"]), (&json!("success"), &json!(checked)), "{log}");
    assert!(log.contains(&format!("{} asks for no deployment", &skipped[..7])), "{log}");
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(deployments(&server, &ada).len(), 1);
}
