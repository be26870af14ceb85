//! Deploying without a push: what is queued, and what there is to go back to.

use crate::support::{Client, Options, TestServer, commit, deployment, move_to, released};
use gilgal::model::deployment::DeploymentState as State;
use serde_json::{Value, json};

async fn environment(ada: &Client, deployment: &str) -> String {
    let deployment = ada.get(&format!("/api/deployments/{deployment}")).await.expect(200);
    deployment["environment_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_or_a_branch_is_deployed() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let path = "/api/projects/shop/deployments";
    let nothing = ada.post(path, json!({})).await;
    assert_eq!(nothing.refused_fields(), ["branch"], "nothing was pushed");

    let (main, topic) = (
        commit(&server.deployments.repositories, &project, "main"),
        commit(&server.deployments.repositories, &project, "topic"),
    );
    let queued = ada.post(path, json!({})).await.expect(202);
    assert_eq!(
        (&queued["status"], &queued["source"], &queued["branch"], &queued["commit"]),
        (&json!("queued"), &json!("redeploy"), &json!("main"), &json!(main))
    );
    assert_eq!((&queued["author"], &queued["made_from"]), (&json!("ada"), &json!({ "kind": "commit" })));
    let same = ada.post(path, json!({ "branch": "main" })).await.expect(202);
    assert_eq!(same["id"], queued["id"], "it does the same");

    let body = json!({ "commit": topic, "environment": "production", "no_cache": true });
    let other = ada.post(path, body).await.expect(202);
    assert_eq!((&other["commit"], &other["branch"]), (&json!(topic), &Value::Null));
    let superseded =
        ada.get(&format!("/api/deployments/{}", queued["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(superseded["status"], "superseded");
    assert_eq!(superseded["reason"], format!("superseded by a deployment of {} of ada", &topic[..7]));

    for (body, field) in [
        (json!({ "branch": "nowhere" }), "branch"),
        (json!({ "commit": "0".repeat(40) }), "commit"),
        (json!({ "commit": "main" }), "commit"),
        (json!({ "commit": topic, "branch": "topic" }), "branch"),
        (json!({ "environment": "staging" }), "environment"),
        (json!({ "no_cache": "yes" }), "no_cache"),
        (json!({ "archive": "x" }), "archive"),
    ] {
        assert_eq!(ada.post(path, body.clone()).await.refused_fields(), [field], "{body}");
    }
    let id = project["id"].as_str().unwrap().parse().unwrap();
    server.store.set_project_disabled(id, Some(gilgal::model::time::now())).await.unwrap();
    assert_eq!(ada.post(path, json!({})).await.refusal(409), "project_disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_listed_and_gone_back_to() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let none = deployment(&server.store, &project).await;
    let reply = ada.post(&format!("/api/deployments/{none}/rollback"), json!({})).await;
    assert_eq!(reply.refusal(409), "nothing_to_deploy");
    move_to(&server.store, none, &[State::Cancelled]).await;

    let first =
        Box::pin(released(&server.store, &project, "sha256:1", &[("A", "sealed"), ("GONE", "sealed")])).await;
    let second = Box::pin(released(&server.store, &project, "sha256:2", &[("A", "resealed")])).await;
    let environment = environment(&ada, &second.to_string()).await;
    let list = ada.get(&format!("/api/environments/{environment}/releases")).await.expect(200);
    let shown = |release: &Value| (release["version"].clone(), release["current"].clone());
    assert_eq!(shown(&list["data"][0]), (json!(2), json!(true)));
    assert_eq!(shown(&list["data"][1]), (json!(1), json!(false)));
    assert_eq!(list["data"][1]["config"], json!(["A", "GONE"]));
    for version in ["2", "v2"] {
        let path = format!("/api/environments/{environment}/releases/{version}");
        let release = ada.get(&path).await.expect(200);
        assert_eq!(release["deployment_id"], json!(second));
        assert_eq!(release["diff"]["image"], true);
        assert_eq!(release["diff"]["config"], json!({ "added": [], "changed": ["A"], "removed": ["GONE"] }));
        assert!(!release.to_string().contains("sealed"), "{release}");
    }
    let against = async |version: &str, other: &str| {
        ada.get(&format!("/api/environments/{environment}/releases/{version}?against={other}")).await
    };
    let back = against("v1", "current").await.expect(200);
    assert_eq!(back["diff"]["config"], json!({ "added": ["GONE"], "changed": ["A"], "removed": [] }));
    assert_eq!(against("v1", "v2").await.expect(200)["diff"], back["diff"]);
    assert_eq!(against("v2", "2").await.expect(200)["diff"]["image"], false);
    assert_eq!(against("v1", "v9").await.refusal(404), "release_not_found");
    for missing in ["3", "v0", "x", "-1"] {
        let reply = ada.get(&format!("/api/environments/{environment}/releases/{missing}")).await;
        assert_eq!(reply.refusal(404), "release_not_found", "{missing}");
    }

    let path = |id, verb: &str| format!("/api/deployments/{id}/{verb}");
    assert_eq!(ada.post(&path(second, "rollback"), json!({})).await.refusal(409), "already_live");
    let queued = ada.request(reqwest::Method::POST, &path(first, "rollback"));
    let queued = crate::support::Reply::of(queued).await.expect(202);
    assert_eq!(queued["source"], "rollback");
    let from = json!({ "kind": "release", "environment_id": environment, "version": 1 });
    assert_eq!(queued["made_from"], from);
    let again = ada.post(&path(first, "rollback"), json!({ "rebuild": false })).await.expect(202);
    assert_eq!(again["id"], queued["id"]);
    let same = ada.post(&path(second, "promote"), json!({ "environment": "production" })).await;
    assert_eq!(same.refused_fields(), ["environment"]);
    assert_eq!(ada.post(&path(second, "promote"), json!({})).await.refused_fields(), ["environment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_formation_is_set_and_a_restart_joins_what_waits() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let first = deployment(&server.store, &project).await;
    let environment = environment(&ada, &first.to_string()).await;
    let path = |what: &str| format!("/api/environments/{environment}/{what}");
    assert_eq!(ada.post(&path("restart"), json!({})).await.refusal(409), "nothing_to_deploy");
    move_to(&server.store, first, &[State::Cancelled]).await;
    Box::pin(released(&server.store, &project, "sha256:1", &[])).await;

    let put = async |body: Value| ada.send(reqwest::Method::PUT, &path("formation"), body).await;
    let same = put(json!({ "web": 1 })).await.expect(200);
    assert_eq!(same, json!({ "formation": { "web": 1 }, "deployment": null }));
    let scaled = put(json!({ "web": 3 })).await.expect(202);
    assert_eq!(scaled["formation"], json!({ "web": 3 }));
    assert_eq!(scaled["deployment"]["source"], "scale");
    let restart = ada.post(&path("restart"), json!({})).await.expect(202);
    assert_eq!(restart["id"], scaled["deployment"]["id"], "both are one");
    for (body, fields) in [
        (json!({ "worker": 1 }), &["worker"][..]),
        (json!({ "worker": 1, "cron": 1, "web": 10_000 }), &["cron", "worker"]),
        (json!({ "web": 10_000 }), &["formation"]),
        (json!({ "web": "2", "worker": -1 }), &["web", "worker"]),
        (json!({}), &["web"]),
    ] {
        assert_eq!(put(body.clone()).await.refused_fields(), fields, "{body}");
    }
    assert_eq!(ada.get(&path("processes")).await.expect(200), json!({ "data": [], "next": null }));
    assert_eq!(ada.get(&path("logs")).await.expect(200), json!({ "data": [], "next": null }));
    assert_eq!(
        ada.get(&path("logs?search=a%20b&since=2026-01-01T00:00:00Z")).await.expect(200)["data"],
        json!([])
    );
    for query in
        ["tail=0", "tail=1001", "process=../x", "since=yesterday", "follow=maybe", "after=1", "search="]
    {
        assert_eq!(ada.get(&path(&format!("logs?{query}"))).await.refusal(400), "invalid_query", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_formation_is_kept_for_the_first_deployment_and_changed_by_whoever_was_first() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let (place, path) = ("/api/environments/shop:production", "/api/environments/shop:production/formation");
    let put = async |body: Value, tag: &str| {
        let request = ada.request(reqwest::Method::PUT, path).header("if-match", tag).json(&body);
        crate::support::Reply::of(request).await
    };
    let tag = ada.get(place).await.headers["etag"].to_str().unwrap().to_owned();
    let kept = put(json!({ "web": 2, "worker": 1 }), &tag).await.expect(200);
    assert_eq!(kept, json!({ "formation": { "web": 2, "worker": 1 }, "deployment": null }));
    assert_eq!(ada.get(place).await.expect(200)["formation"], kept["formation"]);
    assert_eq!(put(json!({ "web": 3 }), &tag).await.refusal(412), "precondition_failed");
    for (body, field) in [
        (json!({ "web": 0, "worker": 0 }), "formation"),
        (json!({ "worker": 10_000 }), "formation"),
        (json!({ "release": 1 }), "release"),
    ] {
        assert_eq!(put(body.clone(), "*").await.refused_fields(), [field], "{body}");
    }
    // What is under way may have read what was set before.
    let first = deployment(&server.store, &project).await;
    move_to(&server.store, first, &[State::Building]).await;
    let scaled = put(json!({ "web": 3 }), "*").await.expect(202);
    assert_eq!(scaled["deployment"]["source"], "scale");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_away_is_told() {
    let nowhere = Options { docker_host: Some("unix:///nowhere.sock"), ..Options::default() };
    let server = TestServer::start_with(nowhere).await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    let environment = environment(&ada, &id.to_string()).await;
    for what in ["processes", "logs"] {
        let reply = ada.get(&format!("/api/environments/{environment}/{what}")).await;
        assert_eq!(reply.refusal(503), "unavailable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_tell_an_environment_from_none() {
    let server = TestServer::start().await;
    server.sign_up("root").await;
    let (ada, eve) = (server.sign_up("ada").await, server.sign_up("eve").await);
    let project = ada.create_project("Shop").await;
    let id = Box::pin(released(&server.store, &project, "sha256:1", &[])).await;
    let environment = environment(&ada, &id.to_string()).await;
    for what in ["releases", "releases/1", "processes", "logs"] {
        let path = |id: &str| format!("/api/environments/{id}/{what}");
        let nothing = eve.get(&path("01890000-0000-7000-8000-000000000000")).await;
        assert_eq!(nothing.refusal(404), "environment_not_found");
        assert_eq!(eve.get(&path(&environment)).await.redacted(), nothing.redacted());
    }
    for verb in ["rollback", "redeploy", "promote"] {
        let reply = eve.post(&format!("/api/deployments/{id}/{verb}"), json!({})).await;
        assert_eq!(reply.refusal(404), "deployment_not_found");
    }
    let reply = eve.post(&format!("/api/environments/{environment}/restart"), json!({})).await;
    assert_eq!(reply.refusal(404), "environment_not_found");
    assert_eq!(eve.post("/api/projects/shop/deployments", json!({})).await.refusal(404), "project_not_found");
}
