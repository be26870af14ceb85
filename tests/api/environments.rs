//! `/api/environments`.

use crate::support::{Client, Reply, TestServer, deployment};
use reqwest::Method;
use serde_json::{Value, json};

const ALL: &str = "/api/projects/shop/environments";

async fn with_shop() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    (server, ada)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_made_and_found_by_id_and_by_name() {
    let (_server, ada) = with_shop().await;
    let reply = ada.post(ALL, json!({ "name": "staging", "branch": "dev" })).await;
    let staging = reply.expect(201);
    insta::assert_json_snapshot!("created_environment", reply.redacted());
    let by_id = ada.get(&format!("/api/environments/{}", staging["id"].as_str().unwrap())).await;
    assert_eq!(by_id.expect(200), staging);
    assert_eq!(ada.get("/api/environments/shop:staging").await.expect(200), staging);
    let all = ada.get(ALL).await.expect(200);
    let names: Vec<&Value> = all["data"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!((names, &all["next"]), (vec![&json!("production"), &json!("staging")], &Value::Null));
    for nothing in
        ["shop:nowhere", "blog:production", "shop", "Shop:staging", "00000000-0000-7000-8000-000000000000"]
    {
        let reply = ada.get(&format!("/api/environments/{nothing}")).await;
        assert_eq!(reply.refusal(404), "environment_not_found", "{nothing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fetched_and_pushed_elsewhere_is_set_for_an_environment() {
    let (_server, ada) = with_shop().await;
    let path = "/api/environments/shop:production";
    let nothing = json!({ "submodules": false, "large_files": false, "hosts": [] });
    let before = ada.get(path).await.expect(200);
    assert_eq!((&before["push_images"], &before["fetch"]), (&Value::Null, &nothing));
    let set = json!({
        "push_images": { "image": "ghcr.io/ada/shop" },
        "fetch": { "submodules": true, "hosts": ["Code.example:8443"] },
    });
    let after = ada.send(Method::PATCH, path, set).await.expect(200);
    assert_eq!(after["push_images"], json!({ "image": "ghcr.io/ada/shop:latest", "required": false }));
    let fetched = json!({ "submodules": true, "large_files": false, "hosts": ["code.example:8443"] });
    assert_eq!(after["fetch"], fetched);
    // What is not said stays.
    let after = ada.send(Method::PATCH, path, json!({ "push_images": null })).await.expect(200);
    assert_eq!((&after["push_images"], &after["fetch"]), (&Value::Null, &fetched));
    let digest = format!("ghcr.io/ada/shop@sha256:{}", "a".repeat(64));
    let refused = ada.send(Method::PATCH, path, json!({ "push_images": { "image": digest } })).await;
    assert_eq!(refused.refused_fields(), ["push_images"]);
    // In place of everything, what is not said is as usual.
    let replaced =
        ada.send(Method::PUT, path, json!({ "name": "production", "branch": "main" })).await.expect(200);
    assert_eq!(replaced["fetch"], nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_or_means_nothing_is_refused() {
    let (_server, ada) = with_shop().await;
    ada.post(ALL, json!({ "name": "staging", "branch": "dev" })).await.expect(201);
    ada.create_project("shop-blog").await;
    for (body, field) in [
        (json!({ "name": "staging" }), "name"),
        (json!({ "name": "production" }), "name"),
        (json!({ "name": "other", "branch": "main" }), "branch"),
        // `shop-blog.apps.test` is another project's.
        (json!({ "name": "blog" }), "name"),
    ] {
        let reply = ada.post(ALL, body).await;
        assert_eq!(reply.refusal(409), "taken");
        assert_eq!(reply.expect(409)["error"]["details"]["field"], field);
    }
    let taken = ada.post("/api/projects", json!({ "name": "X", "slug": "shop-staging" })).await;
    assert_eq!(taken.refusal(409), "taken");
    for (body, fields) in [
        (json!({}), vec!["name"]),
        (json!({ "name": "Staging" }), vec!["name"]),
        (json!({ "name": "x".repeat(60) }), vec!["name"]),
        (json!({ "name": "a", "branch": "-x", "root": "../x", "owner": 1 }), vec!["branch", "owner", "root"]),
        (json!({ "name": "a", "health": { "path": "/", "tcp": true } }), vec!["health"]),
        (json!({ "name": "a", "health": { "pth": "/" } }), vec!["health"]),
        (json!({ "name": "a", "push_images": {} }), vec!["push_images"]),
        (json!({ "name": "a", "push_images": { "image": "gilgal/x/y:z" } }), vec!["push_images"]),
        (json!({ "name": "a", "fetch": { "submodule": true } }), vec!["fetch"]),
        (json!({ "name": "a", "fetch": { "hosts": ["https://h.example"] } }), vec!["fetch"]),
        (json!({ "name": "a", "limits": { "memory_mib": 2048 } }), vec!["limits"]),
        (json!({ "name": "a", "limits": { "memory_mib": null } }), vec!["limits"]),
        (
            json!({ "name": "x".repeat(60), "health": { "path": "/", "tcp": true }, "limits": { "memory_mib": 1 } }),
            vec!["health", "limits", "name"],
        ),
        (
            json!({ "name": "a", "on_hang_up": "explode", "drain_seconds": -1 }),
            vec!["drain_seconds", "on_hang_up"],
        ),
        (
            json!({ "name": "a", "start_command": "a\nb", "build_command": "" }),
            vec!["build_command", "start_command"],
        ),
    ] {
        assert_eq!(ada.post(ALL, body.clone()).await.refused_fields(), fields, "{body}");
    }
    for number in 0..18 {
        ada.post(ALL, json!({ "name": format!("e{number}") })).await.expect(201);
    }
    assert_eq!(ada.post(ALL, json!({ "name": "one-more" })).await.refusal(409), "too_many_environments");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_changed_one_by_one_or_all_at_once() {
    let (_server, ada) = with_shop().await;
    let body = json!({
        "name": "staging", "branch": "dev", "root": "apps/web", "build_command": "make", "start_command": "./run",
        "health": { "tcp": true, "threshold": 3 }, "limits": { "memory_mib": 64 }, "drain_seconds": 5, "on_hang_up": "cancel",
        "strategy": "hold",
    });
    let made = ada.post(ALL, body).await.expect(201);
    assert_eq!(made["limits"], json!({ "memory_mib": 64, "cpu_millis": 1000, "processes": 512 }));
    let path = "/api/environments/shop:staging";
    let both = json!({ "health": { "path": "/", "tcp": true }, "limits": { "memory_mib": 1 } });
    assert_eq!(ada.send(Method::PATCH, path, both).await.refused_fields(), ["health", "limits"]);
    let change = json!({ "branch": null, "root": null, "health": { "path": "/up" } });
    let changed = ada.send(Method::PATCH, path, change).await.expect(200);
    assert_eq!((&changed["branch"], &changed["root"]), (&Value::Null, &Value::Null));
    assert_eq!((&changed["health"]["path"], &changed["health"]["tcp"]), (&json!("/up"), &json!(false)));
    assert_eq!((&changed["start_command"], &changed["on_hang_up"]), (&json!("./run"), &json!("cancel")));
    assert_eq!(changed["strategy"], "hold");

    let replaced =
        ada.send(Method::PUT, path, json!({ "name": "preview", "branch": "dev" })).await.expect(200);
    assert_eq!(replaced["url"], "http://shop-preview.apps.test:8080");
    assert_eq!((&replaced["branch"], &replaced["start_command"]), (&json!("dev"), &Value::Null));
    assert_eq!((&replaced["drain_seconds"], &replaced["on_hang_up"]), (&json!(30), &json!("detach")));
    assert_eq!(replaced["strategy"], Value::Null);
    assert_eq!(ada.get(path).await.refusal(404), "environment_not_found");

    let production = "/api/environments/shop:production";
    let renamed = ada.send(Method::PATCH, production, json!({ "name": "live" })).await;
    assert_eq!(renamed.refusal(409), "production_stays");
    let moved =
        ada.send(Method::PATCH, production, json!({ "name": "production", "branch": "release" })).await;
    assert_eq!(moved.expect(200)["branch"], "release");
    let taken =
        ada.send(Method::PATCH, "/api/environments/shop:preview", json!({ "branch": "release" })).await;
    assert_eq!(taken.refusal(409), "taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_one_thing_leaves_those_beside_it() {
    let (_server, ada) = with_shop().await;
    let path = "/api/environments/shop:production";
    let usual = ada.get(path).await.expect(200);
    let set = json!({
        "health": {
            "path": "/up", "interval_ms": 2000, "timeout_ms": 3000, "deadline_ms": 40_000, "threshold": 2,
            "live_interval_ms": 5000, "live_failures": 4,
        },
        "limits": { "memory_mib": 64, "cpu_millis": 250, "processes": 100 },
        "canary": { "percent": 20, "seconds": 30 },
        "push_images": { "image": "ghcr.io/ada/shop:live", "required": true },
        "fetch": { "submodules": true, "large_files": true, "hosts": ["code.example"] },
        "drain_seconds": 5, "watch_seconds": 6, "sleep_seconds": 7, "on_hang_up": "cancel",
    });
    let mut expected = ada.send(Method::PATCH, path, set).await.expect(200);
    for (field, part, value) in [
        ("health", "path", json!("/health")),
        ("health", "interval_ms", json!(2001)),
        ("health", "timeout_ms", json!(3001)),
        ("health", "deadline_ms", json!(40_001)),
        ("health", "threshold", json!(3)),
        ("health", "live_interval_ms", json!(5001)),
        ("health", "live_failures", json!(5)),
        ("limits", "memory_mib", json!(65)),
        ("limits", "cpu_millis", json!(251)),
        ("limits", "processes", json!(101)),
        ("canary", "percent", json!(21)),
        ("canary", "seconds", json!(31)),
        ("push_images", "image", json!("ghcr.io/ada/shop:next")),
        ("fetch", "submodules", json!(false)),
        ("fetch", "large_files", json!(false)),
        ("fetch", "hosts", json!([])),
    ] {
        let changed = ada.send(Method::PATCH, path, json!({ field: { part: value } })).await.expect(200);
        expected[field][part] = value;
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected, "{field}.{part}");
    }
    let health = async |body: Value| {
        ada.send(Method::PATCH, path, json!({ "health": body })).await.expect(200)["health"].clone()
    };
    let tcp = health(json!({ "tcp": true })).await;
    assert_eq!((&tcp["path"], &tcp["tcp"], &tcp["threshold"]), (&Value::Null, &json!(true), &json!(3)));
    assert_eq!(health(json!({ "threshold": 4 })).await["tcp"], true);
    assert_eq!(health(json!({ "tcp": false })).await["path"], "/");

    for field in [
        "health",
        "limits",
        "canary",
        "push_images",
        "fetch",
        "drain_seconds",
        "watch_seconds",
        "sleep_seconds",
        "on_hang_up",
    ] {
        let changed = ada.send(Method::PATCH, path, json!({ field: null })).await.expect(200);
        assert_eq!(changed[field], usual[field], "null is as is usual");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_asks_for_the_name_and_can_be_done_again() {
    let (server, ada) = with_shop().await;
    ada.post(ALL, json!({ "name": "staging", "branch": "dev" })).await.expect(201);
    let path = "/api/environments/shop:staging";
    for wrong in ["", "?confirm=", "?confirm=shop", "?confirm=production"] {
        assert_eq!(ada.delete(&format!("{path}{wrong}")).await.refusal(422), "confirmation_required");
    }
    *server.surroundings.removing_fails.lock().unwrap() = true;
    assert_eq!(ada.delete(&format!("{path}?confirm=staging")).await.refusal(503), "unavailable");
    assert_eq!(ada.get(path).await.status, 200, "it can be deleted again");
    *server.surroundings.removing_fails.lock().unwrap() = false;
    ada.delete(&format!("{path}?confirm=staging")).await.expect(204);
    assert_eq!(*server.surroundings.removed.lock().unwrap(), ["staging", "images"]);
    assert_eq!(ada.get(path).await.refusal(404), "environment_not_found");
    let production = ada.delete("/api/environments/shop:production?confirm=production").await;
    assert_eq!(production.refusal(409), "production_stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_are_listed_by_environment() {
    let (server, ada) = with_shop().await;
    let project = ada.get("/api/projects/shop").await.expect(200);
    deployment(&server.store, &project).await;
    let staging = ada.post(ALL, json!({ "name": "staging" })).await.expect(201);
    let of = async |id: &Value| {
        let path = format!("/api/projects/shop/deployments?environment_id={}", id.as_str().unwrap());
        ada.get(&path).await.expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!(of(&staging["id"]).await, 0);
    assert_eq!(of(&ada.get("/api/environments/shop:production").await.expect(200)["id"]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_can_ask_that_nobody_was_faster_and_is_in_the_audit_log_of_the_project() {
    let (_server, ada) = with_shop().await;
    ada.post(ALL, json!({ "name": "staging" })).await.expect(201);
    let path = "/api/environments/shop:staging";
    let tag = ada.get(path).await.headers["etag"].to_str().unwrap().to_owned();
    let change = async |method: Method, path: &str, tag: &str| {
        let body = match method {
            Method::DELETE => json!({}),
            _ => json!({ "name": "staging", "branch": "dev" }),
        };
        Reply::of(ada.request(method, path).header("if-match", tag).json(&body)).await
    };
    for (method, path) in
        [(Method::PUT, path), (Method::PATCH, path), (Method::DELETE, &format!("{path}?confirm=staging"))]
    {
        assert_eq!(change(method, path, "\"other\"").await.refusal(412), "precondition_failed");
    }
    let changed = change(Method::PATCH, path, &tag).await;
    assert_eq!(changed.expect(200)["branch"], "dev");
    assert_eq!(changed.headers["etag"], ada.get(path).await.headers["etag"]);
    assert_eq!(change(Method::PATCH, path, &tag).await.refusal(412), "precondition_failed");
    let log = ada.get("/api/projects/shop/audit?limit=1").await.expect(200);
    let entry = &log["data"][0];
    assert_eq!((&entry["action"], &entry["before"]["branch"]), (&json!("update_environment"), &Value::Null));
    assert_eq!(entry["after"]["branch"], "dev");
}
