//! `/api/projects`.

use crate::support::{Options, TestServer, deployment, move_to, released};
use gilgal::model::deployment::DeploymentState;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_made_and_found_by_id_and_slug() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let reply = ada.post("/api/projects", json!({ "name": "My Shop!" })).await;
    let project = reply.expect(201);
    insta::assert_json_snapshot!("created_project", reply.redacted());
    let by_id = ada.get(&format!("/api/projects/{}", project["id"].as_str().unwrap())).await;
    assert_eq!(by_id.expect(200), project);
    assert_eq!(ada.get("/api/projects/my-shop").await.expect(200), project);
}

#[tokio::test(flavor = "multi_thread")]
async fn slugs_are_unique() {
    let server = TestServer::start().await;
    let (ada, bob) = (server.sign_up("ada").await, server.sign_up("bob").await);
    let slugs = [
        ada.create_project("Shop").await["slug"].clone(),
        bob.create_project("shop").await["slug"].clone(),
        ada.create_project("SHOP").await["slug"].clone(),
    ];
    assert_eq!(slugs, ["shop", "shop-2", "shop-3"]);
    let reply = bob.post("/api/projects", json!({ "name": "Mine", "slug": "shop" })).await;
    assert_eq!(reply.refusal(409), "taken");
    let chosen = bob.post("/api/projects", json!({ "name": "Mine", "slug": "store" })).await.expect(201);
    assert_eq!((&chosen["name"], &chosen["slug"]), (&json!("Mine"), &json!("store")));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_any_script_give_a_slug_and_what_is_none_is_refused() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    for (name, slug) in [("日本", "ri-ben"), ("Café", "cafe"), ("API", "api-2"), ("api", "api-3")] {
        assert_eq!(ada.create_project(name).await["slug"], slug, "{name}");
    }
    for name in ["!!!", "123"] {
        let slug = ada.create_project(name).await["slug"].as_str().unwrap().to_owned();
        assert!(slug.starts_with("project-") && slug.len() == "project-12345678".len(), "{slug}");
    }
    let before = ada.get("/api/projects").await.expect(200);
    for name in ["", " ", "a\nb", &"x".repeat(101)] {
        let reply = ada.post("/api/projects", json!({ "name": name })).await;
        assert_eq!(reply.refused_fields(), ["name"], "{name:?}");
    }
    for slug in ["../x", "Shop", "shop.git", "-x", "x-", "www", "a b", "$(id)", "x\u{0}"] {
        let reply = ada.post("/api/projects", json!({ "name": "Shop", "slug": slug })).await;
        assert_eq!(reply.refused_fields(), ["slug"], "{slug:?}");
    }
    let reply = ada.post("/api/projects", json!({ "name": 5, "owner_id": "x", "slug": [] })).await;
    assert_eq!(reply.refused_fields(), ["name", "owner_id", "slug"]);
    assert_eq!(ada.get("/api/projects").await.expect(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages() {
    let server = TestServer::start().await;
    let (operator, ada) = (server.sign_up("root").await, server.sign_up("ada").await);
    for number in 1..=5 {
        ada.create_project(&format!("app {number}")).await;
    }
    let mut slugs = Vec::new();
    let mut path = "/api/projects?limit=2".to_owned();
    let mut pages = 0;
    loop {
        let page = ada.get(&path).await.expect(200);
        slugs.extend(page["data"].as_array().unwrap().iter().map(|project| project["slug"].clone()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/projects?limit=2&cursor={next}");
    }
    assert_eq!((slugs, pages), (["app-5", "app-4", "app-3", "app-2", "app-1"].map(Value::from).into(), 3));
    assert_eq!(operator.get("/api/projects").await.expect(200)["data"].as_array().unwrap().len(), 5);
    let bob = server.sign_up("bob").await;
    assert_eq!(bob.get("/api/projects").await.expect(200)["data"], json!([]));
    for query in ["limit=0", "limit=101", "limit=x", "cursor=x", "page=2", "limit=1&limit=2"] {
        assert_eq!(ada.get(&format!("/api/projects?{query}")).await.refusal(400), "invalid_query", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_gets_another_name_and_keeps_its_slug() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    for method in [Method::PUT, Method::PATCH] {
        let name = format!("{method} store");
        let changed = ada.send(method, "/api/projects/shop", json!({ "name": name })).await.expect(200);
        assert_eq!((&changed["name"], &changed["slug"]), (&json!(name), &json!("shop")));
    }
    let unchanged = ada.send(Method::PATCH, "/api/projects/shop", json!({})).await.expect(200);
    assert_eq!(unchanged["name"], "PATCH store");
    assert_eq!(ada.send(Method::PUT, "/api/projects/shop", json!({})).await.refused_fields(), ["name"]);
    let slug = ada.send(Method::PATCH, "/api/projects/shop", json!({ "slug": "store" })).await;
    assert_eq!(slug.refused_fields(), ["slug"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_wants_the_slug_and_removes_everything() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    deployment(&server.store, &project).await;
    for query in ["", "?confirm=", "?confirm=yes", "?confirm=SHOP"] {
        let reply = ada.delete(&format!("/api/projects/shop{query}")).await;
        assert_eq!(reply.refusal(422), "confirmation_required", "{query}");
    }
    assert!(server.surroundings.removed.lock().unwrap().is_empty());

    *server.surroundings.removing_fails.lock().unwrap() = true;
    let reply = ada.delete("/api/projects/shop?confirm=shop").await;
    assert_eq!(reply.refusal(503), "unavailable");
    assert!(!reply.text.contains("engine"), "causes are for the log: {}", reply.text);
    assert_eq!(ada.get("/api/projects/shop").await.refusal(404), "project_deleted");
    assert_eq!(ada.post("/api/projects/shop/restore", json!({})).await.refusal(404), "project_deleted");

    *server.surroundings.removing_fails.lock().unwrap() = false;
    assert_eq!(ada.delete("/api/projects/shop?confirm=shop").await.status, 204);
    assert_eq!(*server.surroundings.removed.lock().unwrap(), ["shop", "images"]);
    assert_eq!(ada.get("/api/projects/shop").await.refusal(404), "project_not_found");
    assert_eq!(ada.delete("/api/projects/shop?confirm=shop").await.refusal(404), "project_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_can_be_brought_back_for_a_while() {
    let week = Options { undo_of_deletion: Duration::from_hours(7 * 24), ..Options::default() };
    let server = TestServer::start_with(week).await;
    server.sign_up("root").await;
    let (ada, eve) = (server.sign_up("ada").await, server.sign_up("eve").await);
    let project = ada.create_project("Shop").await;
    let live = Box::pin(released(&server.store, &project, "sha256:1", &[])).await;
    let environment = server.store.deployment(live).await.unwrap().environment_id;
    assert_eq!(ada.post("/api/projects/shop/restore", json!({})).await.refusal(409), "not_deleted");

    // The engine is away: whatever runs is stopped by the reconciler.
    *server.surroundings.removing_fails.lock().unwrap() = true;
    assert_eq!(ada.delete("/api/projects/shop?confirm=shop").await.status, 204);
    assert_eq!(*server.surroundings.stopped.lock().unwrap(), ["shop"]);
    assert!(server.store.current_releases().await.unwrap().is_empty(), "nothing of it is to be served");
    for path in [
        "/api/projects/shop".to_owned(),
        "/api/projects/shop/deployments".to_owned(),
        format!("/api/deployments/{live}/logs"),
        format!("/api/environments/{environment}"),
        "/api/environments/shop:production/config".to_owned(),
    ] {
        let reply = ada.get(&path).await;
        assert_eq!(reply.refusal(404), "project_deleted", "{path}");
        assert!(reply.text.contains("`gilgal undelete shop`"), "{}", reply.text);
        assert!(eve.get(&path).await.refusal(404).ends_with("_not_found"), "{path}");
    }
    assert_eq!(ada.delete("/api/projects/shop?confirm=shop").await.refusal(404), "project_deleted");
    assert_eq!(ada.get("/api/projects").await.expect(200)["data"], json!([]));
    let deleted = ada.get("/api/projects?deleted=true").await.expect(200)["data"][0].clone();
    assert_eq!((&deleted["slug"], &deleted["status"]), (&json!("shop"), &json!("deleted")));
    assert!(deleted["restorable_until"].as_str() > deleted["deleted_at"].as_str());
    assert_eq!(eve.get("/api/projects?deleted=true").await.expect(200)["data"], json!([]));
    // Its slug is its own until it is removed, and says so to its owner alone.
    let taken = ada.post("/api/projects", json!({ "name": "New", "slug": "shop" })).await;
    assert_eq!(taken.refusal(409), "taken");
    assert!(taken.text.contains("--now"), "{}", taken.text);
    let taken = eve.post("/api/projects", json!({ "name": "New", "slug": "shop" })).await;
    assert!(taken.refusal(409) == "taken" && !taken.text.contains("deleted"), "{}", taken.text);

    assert_eq!(eve.post("/api/projects/shop/restore", json!({})).await.refusal(404), "project_not_found");
    let back = ada.post("/api/projects/shop/restore", json!({})).await.expect(200);
    assert_eq!(
        (&back["id"], &back["status"], &back["deleted_at"]),
        (&project["id"], &json!("deploying"), &Value::Null)
    );
    let restart = &ada.get("/api/projects/shop/deployments").await.expect(200)["data"][0];
    assert_eq!((&restart["source"], &restart["author"]), (&json!("restart"), &json!("ada")));
    assert!(server.store.projects_coming_back().await.unwrap().is_empty());

    // Whoever is sure need not wait.
    *server.surroundings.removing_fails.lock().unwrap() = false;
    ada.delete("/api/projects/shop?confirm=shop").await.expect(204);
    assert_eq!(ada.delete("/api/projects/shop?now=true").await.refusal(422), "confirmation_required");
    ada.delete("/api/projects/shop?confirm=shop&now=true").await.expect(204);
    assert_eq!(*server.surroundings.removed.lock().unwrap(), ["shop", "images"]);
    assert_eq!(ada.get("/api/projects/shop").await.refusal(404), "project_not_found");
    let again = ada.post("/api/projects", json!({ "name": "New", "slug": "shop" })).await.expect(201);
    assert_ne!(again["id"], project["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_goes_with_its_deleted_projects() {
    let week = Options { undo_of_deletion: Duration::from_hours(7 * 24), ..Options::default() };
    let server = TestServer::start_with(week).await;
    let (root, ada) = (server.sign_up("root").await, server.sign_up("ada").await);
    ada.create_project("Shop").await;
    let remove = async || {
        let body = json!({ "password": "correct horse", "confirm": "ada" });
        ada.send(Method::DELETE, "/api/auth/me", body).await
    };
    assert_eq!(remove().await.refusal(409), "owns_projects");
    ada.delete("/api/projects/shop?confirm=shop").await.expect(204);
    assert!(server.store.projects_to_remove().await.unwrap().is_empty());
    assert_eq!(remove().await.status, 204);
    // Nobody brings them back any more, and the next round removes them.
    let due = server.store.projects_to_remove().await.unwrap();
    assert_eq!(due.iter().map(|project| project.slug.as_str()).collect::<Vec<_>>(), ["shop"]);
    assert_eq!(root.post("/api/projects/shop/restore", json!({})).await.refusal(404), "project_deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_follows_the_newest_deployment() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let project = ada.create_project("Shop").await;
    let status = async || ada.get("/api/projects/shop").await.expect(200)["status"].clone();
    assert_eq!(status().await, "created");
    let id = deployment(&server.store, &project).await;
    assert_eq!(status().await, "deploying");
    move_to(&server.store, id, &[DeploymentState::UndoingFailure, DeploymentState::Failed]).await;
    assert_eq!(status().await, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_tell_a_project_from_none() {
    let server = TestServer::start().await;
    server.sign_up("root").await;
    let (ada, eve) = (server.sign_up("ada").await, server.sign_up("eve").await);
    let project = ada.create_project("Shop").await;
    let nothing = eve.get("/api/projects/nothing").await;
    assert_eq!(nothing.refusal(404), "project_not_found");
    let id = project["id"].as_str().unwrap();
    for path in ["/api/projects/shop".to_owned(), format!("/api/projects/{id}")] {
        assert_eq!(eve.get(&path).await.redacted(), nothing.redacted());
        assert_eq!(eve.delete(&format!("{path}?confirm=shop")).await.redacted(), nothing.redacted());
        let renamed = eve.send(Method::PATCH, &path, json!({ "name": "Mine" })).await;
        assert_eq!(renamed.redacted(), nothing.redacted());
    }
    assert_eq!(ada.get("/api/projects/shop").await.expect(200)["name"], "Shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_projects_and_no_more() {
    let server = TestServer::start_with(Options { max_projects: 2, ..Options::default() }).await;
    let (ada, bob) = (server.sign_up("ada").await, server.sign_up("bob").await);
    let shop = ada.create_project("shop").await;
    ada.create_project("blog").await;
    let refused = ada.post("/api/projects", json!({ "name": "third" })).await;
    assert_eq!(refused.refusal(409), "too_many_projects");
    bob.create_project("third").await;
    let path = format!("/api/projects/{}?confirm=shop", shop["id"].as_str().unwrap());
    ada.delete(&path).await.expect(204);
    ada.create_project("fourth").await;
}
