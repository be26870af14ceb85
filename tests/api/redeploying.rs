//! What is deployed when nothing is said but the environment: what is live, by where it came from.

use crate::support::{Client, TestServer, commit, go_live, move_to, released};
use gilgal::model::deployment::DeploymentState as State;
use gilgal::model::id::DeploymentId;
use serde_json::{Value, json};

const PATH: &str = "/api/projects/shop/deployments";

fn id(deployment: &Value) -> DeploymentId {
    deployment["id"].as_str().unwrap().parse().unwrap()
}

/// Asks for what is live once more, and takes it back.
async fn again(server: &TestServer, ada: &Client) -> Value {
    let queued = ada.post(PATH, json!({})).await.expect(202);
    assert_eq!(queued["status"], "queued", "{queued}");
    move_to(&server.store, id(&queued), &[State::Cancelled]).await;
    queued
}

/// A project whose branch has been pushed to once, long ago.
async fn shop() -> (TestServer, Client, Value, String) {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let main = commit(&server.deployments.repositories, &project, "main");
    (server, ada, project, main)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_fetched_anew_and_an_image_is_the_same() {
    let (server, ada, _, main) = shop().await;
    for (body, from) in [
        (
            json!({ "repository": "https://code.example/ada/shop.git", "reference": "v1" }),
            json!({ "kind": "repository", "url": "https://code.example/ada/shop.git", "reference": "v1" }),
        ),
        (
            json!({ "image": "nginx:1.27" }),
            json!({ "kind": "image", "image": "docker.io/library/nginx:1.27" }),
        ),
    ] {
        let first = ada.post(PATH, body).await.expect(202);
        Box::pin(go_live(&server.store, id(&first), "sha256:1", &[])).await;
        let queued = again(&server, &ada).await;
        assert_eq!(queued["made_from"], from);
        assert_ne!(queued["commit"], json!(main));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_the_same_commit_also_after_a_change_of_settings() {
    let (server, ada, project, main) = shop().await;
    // As an archive is: of no branch.
    let archive = commit(&server.deployments.repositories, &project, "archive");
    let first = ada.post(PATH, json!({ "commit": archive })).await.expect(202);
    Box::pin(go_live(&server.store, id(&first), "sha256:1", &[])).await;
    assert_eq!(again(&server, &ada).await["commit"], json!(archive), "and not {main}");

    let config = format!("/api/environments/{}/config", first["environment_id"].as_str().unwrap());
    let changed =
        ada.send(reqwest::Method::PATCH, &config, json!({ "A": { "value": "1" } })).await.expect(202);
    Box::pin(go_live(&server.store, id(&changed["deployment"]), "sha256:1", &[])).await;
    assert_eq!(again(&server, &ada).await["commit"], json!(archive));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_followed_wins_unless_somebody_went_back() {
    let (server, ada, project, main) = shop().await;
    let first = Box::pin(released(&server.store, &project, "sha256:1", &[])).await;
    let pushed = again(&server, &ada).await;
    assert_eq!((&pushed["branch"], &pushed["commit"]), (&json!("main"), &json!(main)));

    let topic = commit(&server.deployments.repositories, &project, "topic");
    let of_topic = ada.post(PATH, json!({ "branch": "topic" })).await.expect(202);
    Box::pin(go_live(&server.store, id(&of_topic), "sha256:2", &[])).await;
    let queued = again(&server, &ada).await;
    assert_eq!((&queued["branch"], &queued["commit"]), (&Value::Null, &json!(topic)), "it is not followed");

    // Back to what was of the branch, which has a newer commit.
    let body = json!({ "commit": main });
    let of_main = ada.post(PATH, body).await.expect(202);
    Box::pin(go_live(&server.store, id(&of_main), "sha256:3", &[])).await;
    let path = format!("/api/deployments/{}/rollback", of_topic["id"].as_str().unwrap());
    let back = ada.post(&path, json!({})).await.expect(202);
    Box::pin(go_live(&server.store, id(&back), "sha256:2", &[])).await;
    assert_eq!(again(&server, &ada).await["commit"], json!(topic));

    // Brought to an environment that follows a branch, which nobody has pushed to.
    let body = json!({ "name": "staging", "branch": "dev" });
    let staging = ada.post("/api/projects/shop/environments", body).await.expect(201);
    let path = format!("/api/deployments/{}/promote", of_topic["id"].as_str().unwrap());
    let brought = ada.post(&path, json!({ "environment": "staging" })).await.expect(202);
    Box::pin(go_live(&server.store, id(&brought), "sha256:2", &[])).await;
    let queued = ada.post(PATH, json!({ "environment": "staging" })).await.expect(202);
    assert_eq!((&queued["environment_id"], &queued["commit"]), (&staging["id"], &json!(topic)));
    assert_ne!(first, id(&queued));
}
