//! Hooks that are told by another one, and are to be of another repository.

use crate::hooks::connected_to;
use crate::support::TestServer;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hook_is_told_of_is_asked_for_anew_where_its_repository_changes() {
    let server = TestServer::start().await;
    let (ada, hook) = connected_to(&server, "github").await;
    let eve = server.sign_up("eve").await;
    eve.create_project("Blog").await;
    // Whoever runs the server has let one repository reach a project of somebody else.
    let body =
        json!({ "provider": "github", "repository": "https://github.com/Codertocat/Other", "via": hook.id });
    let told = ada.post("/api/projects/blog/hooks", body).await.expect(201);
    let path = format!("/api/hooks/{}", told["id"].as_str().unwrap());
    let change = async |body: Value| eve.send(Method::PATCH, &path, body).await;
    let private = "https://github.com/Codertocat/Private";
    assert_eq!(change(json!({ "repository": private })).await.refused_fields(), ["via"]);
    assert_eq!(change(json!({ "repository": private, "via": hook.id })).await.refused_fields(), ["via"]);
    change(json!({ "enabled": true, "repository": told["repository"] })).await.expect(200);
    let own = change(json!({ "repository": private, "via": null })).await.expect(200);
    assert_eq!((&own["repository"], &own["via"]), (&json!(private), &Value::Null));
}
