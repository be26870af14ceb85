//! Hooks that wait for the checks of a commit.

use super::{Hook, deployments, push};
use crate::provider_api::{ProviderApi, assert_described};
use crate::support::{Client, Options, Reply, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

/// A hook whose deployments wait, and the API that is asked.
pub(super) struct Waiting {
    pub(super) server: TestServer,
    pub(super) ada: Client,
    pub(super) hook: Hook,
    pub(super) api: ProviderApi,
    number: std::cell::Cell<u32>,
}

impl Waiting {
    pub(super) async fn at(provider: &str, base: &'static str) -> Self {
        let server =
            TestServer::start_with(Options { has_plain_repositories: true, ..Options::default() }).await;
        let ada = server.sign_up("ada").await;
        ada.create_project("Shop").await;
        let branch = json!({ "branch": "master" });
        ada.send(Method::PATCH, "/api/environments/shop:production", branch).await.expect(200);
        let api = ProviderApi::new(base);
        let host = api.serve("127.0.0.2");
        let body = json!({
            "provider": provider,
            "repository": format!("http://{host}/Codertocat/Hello-World.git"),
            "wait_for_checks": true,
        });
        let made = ada.post("/api/projects/shop/hooks", body).await.expect(201);
        assert_eq!(made["wait_for_checks"], true);
        let hook = Hook::of(&ada, &made);
        let credential = json!({ "username": "ada", "password": "token-1" });
        let path = format!("/api/projects/shop/credentials/{host}");
        assert!(ada.send(Method::PUT, &path, credential).await.status < 300);
        Self { server, ada, hook, api, number: std::cell::Cell::new(0) }
    }

    /// What GitHub says of the checks from now on, once.
    pub(super) fn checks(&self, status: &Value, runs: &Value) {
        self.api.answer("/status", 200, json!({ "statuses": status }));
        self.api.answer("/check-runs", 200, json!({ "check_runs": runs }));
        self.api.answer("/check-suites", 200, json!({ "check_suites": [] }));
    }

    pub(super) async fn github(&self, event: &str, body: &str) -> Reply {
        self.number.set(self.number.get() + 1);
        self.hook.github(event, &self.number.get().to_string(), body).await
    }

    pub(super) async fn pushed(&self, commit: &str) -> Reply {
        self.github("push", &push(|body| body["after"] = json!(commit))).await
    }

    pub(super) async fn check_suite(&self, commit: &str, conclusion: &str) -> Reply {
        let body = json!({
            "action": "completed",
            "check_suite": { "head_sha": commit, "conclusion": conclusion },
            "repository": { "full_name": "Codertocat/Hello-World" },
        });
        self.github("check_suite", &body.to_string()).await
    }
}

/// Why it waits.
pub(super) fn waits(reply: &Reply) -> String {
    let body = reply.expect(200);
    assert_eq!(
        (&body["outcome"], &body["reason"]),
        (&json!("skipped"), &json!("waits_for_checks")),
        "{body}"
    );
    body["message"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_deployed_once_every_check_has_succeeded() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let (first, second) = ("a".repeat(40), "b".repeat(40));
    let own = json!({ "context": "gilgal/shop:production", "state": "pending" });
    let ended = |name: &str| json!({ "name": name, "status": "completed", "conclusion": "success" });
    let running = json!({ "name": "test", "status": "in_progress", "conclusion": null });

    waiting.checks(&json!([own]), &json!([]));
    assert_eq!(waits(&waiting.pushed(&first).await), "No check of aaaaaaa is known yet.");
    waiting.checks(&json!([own, { "context": "ci", "state": "success" }]), &json!([ended("lint"), running]));
    let said = waits(&waiting.check_suite(&first, "success").await);
    assert_eq!(said, "The check `test` of aaaaaaa has not ended.");
    assert_eq!(waits(&waiting.check_suite(&first, "failure").await), "A check of aaaaaaa has not succeeded.");
    assert_eq!(
        waits(&waiting.check_suite(&second, "success").await),
        "No push of bbbbbbb waits for its checks."
    );
    assert_eq!(deployments(&waiting.ada).await, Vec::<Value>::new());

    // A job that needs the two is no run yet, and their suite is open.
    let suites = json!([
        { "app": { "slug": "github-actions" }, "status": "in_progress", "latest_check_runs_count": 2 },
        { "app": { "slug": "idle" }, "status": "queued", "latest_check_runs_count": 0 },
    ]);
    waiting.api.answer("/status", 200, json!({ "statuses": [] }));
    waiting.api.answer("/check-runs", 200, json!({ "check_runs": [ended("lint"), ended("test")] }));
    waiting.api.answer("/check-suites", 200, json!({ "check_suites": suites }));
    let said = waits(&waiting.check_suite(&first, "success").await);
    assert_eq!(said, "The check `github-actions` of aaaaaaa has not ended.");

    // The last one: that very commit is waited for, and fetched if the branch is at it.
    waiting.checks(
        &json!([own, { "context": "ci", "state": "success" }]),
        &json!([ended("lint"), ended("test")]),
    );
    let deployed = waiting.check_suite(&first, "success").await.expect(202);
    let made = deployments(&waiting.ada).await;
    assert_eq!((made.len(), &made[0]["id"]), (1, &deployed["deployment_id"]));
    assert_eq!(made[0]["made_from"]["reference"], json!("refs/heads/master"), "and no other than {first}");
    // Once.
    assert_eq!(
        waits(&waiting.check_suite(&first, "success").await),
        "No push of aaaaaaa waits for its checks."
    );
    assert_described("github", &waiting.api.told());

    // What was pushed over is not deployed any more.
    let third = "c".repeat(40);
    waiting.checks(&json!([]), &json!([running]));
    waits(&waiting.pushed(&second).await);
    waiting.checks(&json!([]), &json!([running]));
    waits(&waiting.pushed(&third).await);
    assert_eq!(
        waits(&waiting.check_suite(&second, "success").await),
        "No push of bbbbbbb waits for its checks."
    );
    // The checks of the newest had ended before its push was told.
    waiting.checks(&json!([]), &json!([ended("test")]));
    let body = json!({
        "sha": third, "state": "success", "context": "ci", "repository": { "full_name": "Codertocat/Hello-World" },
    });
    waiting.github("status", &body.to_string()).await.expect(202);
    // What is told from here ends nothing.
    let own = json!({ "sha": third, "state": "success", "context": "gilgal/shop:production" });
    assert_eq!(waiting.github("status", &own.to_string()).await.expect(200)["reason"], "other_event");

    // Nor is what was removed.
    let fourth = "9".repeat(40);
    waiting.checks(&json!([]), &json!([running]));
    waits(&waiting.pushed(&fourth).await);
    let gone = push(|body| {
        body["deleted"] = json!(true);
        body["before"] = json!(fourth);
        body["after"] = json!("0".repeat(40));
    });
    assert_eq!(waiting.github("push", &gone).await.expect(200)["reason"], "deleted");
    assert_eq!(
        waits(&waiting.check_suite(&fourth, "success").await),
        "No push of 9999999 waits for its checks."
    );

    // What cannot be asked waits.
    waiting.api.answer("/status", 403, json!({ "message": "No" }));
    let said = waits(&waiting.pushed(&"d".repeat(40)).await);
    assert!(said.starts_with("Its checks are not known. GitHub answers 403 No: give the token"), "{said}");
    let change = json!({ "wait_for_checks": false });
    waiting.ada.send(Method::PATCH, &waiting.hook.url(), change).await.expect(200);
    waiting.pushed(&"e".repeat(40)).await.expect(202);
    assert_eq!(waiting.check_suite(&first, "success").await.expect(200)["reason"], "other_event");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_of_gitlab_is_waited_for() {
    let waiting = Waiting::at("gitlab", "/api/v4").await;
    let send = async |event: &str, delivery: &str, body: &Value| {
        let headers = [
            ("x-gitlab-token", waiting.hook.secret.as_str()),
            ("x-gitlab-event", event),
            ("x-gitlab-event-uuid", delivery),
        ];
        waiting.hook.send(&headers, &body.to_string()).await
    };
    let commit = "a".repeat(40);
    let project = json!({ "path_with_namespace": "Codertocat/Hello-World" });
    let pushed = json!({
        "ref": "refs/heads/master", "before": "0".repeat(40), "after": commit, "checkout_sha": commit,
        "project": project, "commits": [],
    });
    let pipeline = |status: &str| json!({ "object_attributes": { "sha": commit, "status": status }, "project": project });
    let known = |status: &str, triggered: &str| {
        let triggers = json!([{ "name": "deeper", "status": triggered }]);
        waiting.api.answer("/pipelines/8/bridges", 200, triggers);
        waiting.api.answer(
            "/pipelines/8/jobs",
            200,
            json!([
                { "name": "lint", "status": "failed", "allow_failure": true },
                { "name": "release", "status": "manual" },
                { "name": "test", "status": status },
            ]),
        );
        // The state of the pipeline is that of what is told from here as well.
        let pipelines =
            json!([{ "id": 9, "source": "external" }, { "id": 8, "source": "push", "status": "failed" }]);
        waiting.api.answer("/pipelines", 200, pipelines);
    };
    known("running", "running");
    assert_eq!(waits(&send("Push Hook", "1", &pushed).await), "The check `test` of aaaaaaa has not ended.");
    assert_eq!(send("Pipeline Hook", "2", &pipeline("running")).await.expect(200)["reason"], "other_event");
    waits(&send("Pipeline Hook", "3", &pipeline("failed")).await);
    // A pipeline that a job has started is one that this job waits for.
    known("success", "running");
    let said = waits(&send("Pipeline Hook", "4", &pipeline("success")).await);
    assert_eq!(said, "The check `deeper` of aaaaaaa has not ended.");
    known("success", "success");
    send("Pipeline Hook", "5", &pipeline("success")).await.expect(202);
    assert_eq!(deployments(&waiting.ada).await[0]["made_from"]["reference"], "refs/heads/master");
    let asked = waiting.api.told().into_iter().find(|told| told.path.ends_with("/pipelines")).unwrap();
    assert_eq!(asked.query["ref"], "master");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_or_a_push_that_asks_for_no_build_takes_nothing_from_what_waits() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let (first, second) = ("a".repeat(40), "b".repeat(40));
    waiting.checks(&json!([]), &json!([]));
    waits(&waiting.pushed(&first).await);
    let tag = push(|body| {
        body["ref"] = json!("refs/tags/v1");
        body["after"] = json!(first);
    });
    assert_eq!(waiting.github("push", &tag).await.expect(200)["reason"], "tag");
    let bump = push(|body| {
        body["after"] = json!(second);
        body["head_commit"]["message"] = json!("version 2 [skip ci]");
    });
    assert_eq!(waiting.github("push", &bump).await.expect(200)["reason"], "skip_token");
    waiting.checks(&json!([{ "context": "ci", "state": "success" }]), &json!([]));
    waiting.check_suite(&first, "success").await.expect(202);
    assert_eq!(deployments(&waiting.ada).await[0]["made_from"]["reference"], "refs/heads/master");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_ci_takes_nothing_from_what_waits() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let first = "a".repeat(40);
    waiting.checks(&json!([]), &json!([]));
    waits(&waiting.pushed(&first).await);
    for number in 1..1_050 {
        let said = waits(&waiting.check_suite(&format!("{number:040x}"), "success").await);
        assert!(said.ends_with("waits for its checks."), "{said}");
    }
    for number in 0..120 {
        let body = push(|body| {
            body["ref"] = json!("refs/heads/other");
            body["after"] = json!(format!("b{number:039x}"));
        });
        assert_eq!(waiting.github("push", &body).await.expect(200)["reason"], "other_branch");
    }
    waiting.checks(&json!([{ "context": "ci", "state": "success" }]), &json!([]));
    waiting.check_suite(&first, "success").await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_checks_is_not_waited_for() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    for provider in ["bitbucket", "custom"] {
        let body = json!({
            "provider": provider, "repository": "https://bitbucket.org/ada/shop", "wait_for_checks": true,
        });
        let refused = ada.post("/api/projects/shop/hooks", body).await;
        assert_eq!(refused.refused_fields(), ["wait_for_checks"], "{provider}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_another_repository_holds_nothing_up_and_starts_nothing() {
    let waiting = Waiting::at("github", "/api/v3").await;
    let (own, shared) = ("a".repeat(40), "b".repeat(40));
    let elsewhere = async |commit: &str| {
        let body = push(|body| {
            body["after"] = json!(commit);
            body["repository"]["full_name"] = json!("Codertocat/Other");
        });
        assert_eq!(waiting.github("push", &body).await.expect(200)["reason"], "other_repository");
    };
    let succeeded = json!([{ "name": "test", "status": "completed", "conclusion": "success" }]);
    waiting.checks(&json!([]), &json!([]));
    waits(&waiting.pushed(&own).await);
    // A later push of another repository to a branch of the same name.
    elsewhere(&shared).await;
    waiting.checks(&json!([]), &succeeded);
    let said = waits(&waiting.check_suite(&shared, "success").await);
    assert_eq!(said, "No push of bbbbbbb waits for its checks.");
    let deployed = waiting.check_suite(&own, "success").await.expect(202);
    let made = deployments(&waiting.ada).await;
    assert_eq!((made.len(), &made[0]["id"]), (1, &deployed["deployment_id"]));
    assert_eq!(made[0]["made_from"]["reference"], "refs/heads/master");
}
