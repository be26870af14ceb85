//! `/api/deployments` and the deployments of a project.

use crate::support::{TestServer, deployment, move_to};
use gilgal::model::deployment::DeploymentState as State;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_has_its_steps() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    let path = format!("/api/deployments/{id}");
    insta::assert_json_snapshot!("queued_deployment", ada.get(&path).await.redacted());

    let states = [State::Fetching, State::Detecting, State::Building, State::UndoingFailure, State::Failed];
    move_to(&server.store, id, &states).await;
    insta::assert_json_snapshot!("failed_deployment", ada.get(&path).await.redacted());
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_are_listed_and_filtered() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    assert_eq!(
        ada.get("/api/projects/shop/deployments").await.expect(200),
        json!({ "data": [], "next": null })
    );
    let first = deployment(&server.store, &project).await;
    move_to(&server.store, first, &[State::UndoingFailure, State::Failed]).await;
    let second = deployment(&server.store, &project).await;
    let ids = async |query: &str| {
        let list = ada.get(&format!("/api/projects/shop/deployments{query}")).await.expect(200);
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (first, second) = (first.to_string(), second.to_string());
    assert_eq!(ids("").await, [second.clone(), first.clone()]);
    assert_eq!(ids("?status=failed").await, std::slice::from_ref(&first));
    assert_eq!(ids("?status=queued").await, std::slice::from_ref(&second));
    assert_eq!(ids("?status=success").await, Vec::<String>::new());
    assert_eq!(ids("?limit=1").await, [second]);
    for query in ["status=live", "commit=main", "environment_id=production", "branch=main"] {
        let reply = ada.get(&format!("/api/projects/shop/deployments?{query}")).await;
        assert_eq!(reply.refusal(400), "invalid_query", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_cancelled_before_it_is_live() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    let path = format!("/api/deployments/{id}");
    move_to(&server.store, id, &[State::Building]).await;
    let mut woken = server.deployments.interrupts.subscribe();
    assert_eq!(ada.delete(&path).await.expect(202)["status"], "building");
    assert_eq!(ada.post(&format!("{path}/cancel"), json!({})).await.status, 202, "asking again is no harm");
    tokio::time::timeout(Duration::from_secs(1), woken.time_to_look()).await.unwrap();
    assert!(server.store.deployment(id).await.unwrap().cancel_requested_at.is_some());

    move_to(&server.store, id, &[State::UndoingCancel, State::Cancelled]).await;
    assert_eq!(ada.delete(&path).await.refusal(409), "not_cancellable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_deployment_is_cancelled_with_the_answer() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    let path = format!("/api/deployments/{id}");
    let cancelled = ada.delete(&path).await.expect(202);
    assert_eq!((&cancelled["status"], &cancelled["step"]), (&json!("cancelled"), &json!("done")));
    assert_eq!(cancelled["reason"], "The deployment was cancelled.");
    assert_eq!(cancelled["steps"][0]["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committed_deployment_is_not_cancelled() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    for state in [State::Switching, State::Draining] {
        move_to(&server.store, id, &[state]).await;
        let reply = ada.post(&format!("/api/deployments/{id}/cancel"), json!({})).await;
        assert_eq!(reply.refusal(409), "not_cancellable");
        assert!(server.store.deployment(id).await.unwrap().cancel_requested_at.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_tell_a_deployment_from_none() {
    let server = TestServer::start().await;
    server.sign_up("root").await;
    let (ada, eve) = (server.sign_up("ada").await, server.sign_up("eve").await);
    let project = ada.create_project("Shop").await;
    let id = deployment(&server.store, &project).await;
    let nothing = eve.get("/api/deployments/01890000-0000-7000-8000-000000000000").await;
    assert_eq!(nothing.refusal(404), "deployment_not_found");
    let path = format!("/api/deployments/{id}");
    assert_eq!(eve.get(&path).await.redacted(), nothing.redacted());
    assert_eq!(eve.get(&format!("{path}/logs")).await.redacted(), nothing.redacted());
    assert_eq!(eve.delete(&path).await.redacted(), nothing.redacted());
    assert_eq!(eve.get("/api/projects/shop/deployments").await.refusal(404), "project_not_found");
    for id in ["x", "shop", "..", "%00"] {
        assert_eq!(ada.get(&format!("/api/deployments/{id}")).await.status, 404, "{id}");
    }
}
