//! `/api/environments/:id/config` and configuration files. Nothing is live, so that a change needs nothing; what it causes
//! where something is stands in `tests/e2e`.

use crate::support::{self, Client, Reply, TestServer};
use gilgal::model::deployment::DeploymentState;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};

const CONFIG: &str = "/api/environments/shop:production/config";
const FILES: &str = "/api/environments/shop:production/files";

async fn with_shop() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    (server, ada)
}

async fn patch(ada: &Client, body: Value) -> Reply {
    ada.send(Method::PATCH, CONFIG, body).await
}

async fn import(ada: &Client, query: &str, text: &str) -> Reply {
    let request = ada.request(Method::PATCH, &format!("{CONFIG}{query}"));
    Reply::of(request.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text.to_owned())).await
}

async fn export(ada: &Client) -> String {
    let reply = Reply::of(ada.request(Method::GET, CONFIG).header(ACCEPT, "text/plain")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
    reply.text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_one_change_and_says_what_is_different() {
    let (_server, ada) = with_shop().await;
    let batch = json!({ "B": "two", "A": { "value": "one", "scope": "build" }, "S": { "value": "canary", "secret": true } });
    let reply = patch(&ada, batch.clone()).await;
    reply.expect(200);
    insta::assert_json_snapshot!("changed_config", reply.redacted());
    let shown = ada.get(CONFIG).await;
    shown.expect(200);
    insta::assert_json_snapshot!("config", shown.redacted());
    // The same once more is nothing.
    assert_eq!(patch(&ada, batch).await.expect(200)["changes"], json!([]));
    let mixed =
        patch(&ada, json!({ "A": null, "B": { "scope": "both" }, "GONE": null, "C": "" })).await.expect(200);
    let edits: Vec<String> = mixed["changes"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(
        edits,
        [
            r#"{"edit":"removed","kind":"variable","name":"A"}"#,
            r#"{"edit":"changed","kind":"variable","name":"B"}"#,
            r#"{"edit":"added","kind":"variable","name":"C"}"#
        ]
    );

    let history = ada.get(&format!("{CONFIG}/history?limit=1")).await.expect(200);
    assert_eq!(
        (&history["data"][0]["author"], &history["data"][0]["changes"]),
        (&json!("ada"), &mixed["changes"])
    );
    let cursor = history["next"].as_str().unwrap();
    let first = ada.get(&format!("{CONFIG}/history?cursor={cursor}")).await;
    assert_eq!(first.expect(200)["data"][0]["changes"].as_array().unwrap().len(), 3);
    assert!(!first.text.contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_variable_is_set_and_removed() {
    let (_server, ada) = with_shop().await;
    let path = format!("{CONFIG}/NAME");
    ada.send(Method::PUT, &path, json!({ "value": "x" })).await.expect(200);
    assert_eq!(ada.send(Method::PUT, &path, json!({})).await.refused_fields(), ["value"]);
    assert_eq!(ada.delete(&path).await.expect(200)["changes"][0]["edit"], "removed");
    assert_eq!(ada.delete(&path).await.refusal(404), "variable_not_found");
    assert_eq!(ada.delete(&format!("{CONFIG}/A-B")).await.refusal(404), "variable_not_found");
    // A name of a path is a name all the same.
    ada.send(Method::PUT, &format!("{CONFIG}/history"), json!({ "value": "x" })).await.expect(200);
    ada.delete(&format!("{CONFIG}/history")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let (_server, ada) = with_shop().await;
    patch(&ada, json!({ "BASE": "x", "USES": "${BASE}/y" })).await.expect(200);
    for (body, name) in [
        (json!({ "PORT": "80" }), "PORT"),
        (json!({ "A-B": "1" }), "A-B"),
        (json!({ "A": 5 }), "A"),
        (json!({ "A": "${NOPE}" }), "A"),
        (json!({ "A": "${B}", "B": "${A}" }), "A"),
        (json!({ "BASE": null }), "USES"),
        (json!({ "A": "a\u{0}b" }), "A"),
        (json!({ "A": "x".repeat(65_537) }), "A"),
        (json!({ "A": { "scope": "build" } }), "A"),
        (json!({ "VITE_KEY": { "value": "x", "secret": true } }), "VITE_KEY"),
        (json!({ "S": { "value": "x", "secret": true }, "MID": "a${S}", "VITE_KEY": "${MID}" }), "VITE_KEY"),
    ] {
        assert_eq!(patch(&ada, body.clone()).await.refused_fields(), [name], "{name}");
    }
    for (body, names) in [
        (json!({ "A": { "scope": "build" }, "B": { "scope": "build" } }), vec!["A", "B"]),
        (
            json!({ "A": { "scope": "build" }, "B": "${A}", "C": "${NOPE}", "D": "a\u{0}" }),
            vec!["A", "C", "D"],
        ),
        (
            json!({ "PORT": "80", "PATH": "/bin", "S": { "value": "${NOPE}", "secret": true } }),
            vec!["PATH", "PORT", "S"],
        ),
        (
            json!({ "S": { "value": "x", "secret": true }, "VITE_A": "${S}", "VITE_B": "${S}" }),
            vec!["VITE_A", "VITE_B"],
        ),
    ] {
        assert_eq!(patch(&ada, body.clone()).await.refused_fields(), names, "{body}");
    }
    assert_eq!(export(&ada).await, "BASE=x\nUSES=\"${BASE}/y\"\n");
    patch(&ada, json!({ "VITE_KEY": { "value": "x", "secret": true, "scope": "runtime" } }))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_never_shown_again() {
    let (server, ada) = with_shop().await;
    patch(&ada, json!({ "S": { "value": "nightingale", "secret": true } })).await.expect(200);
    for path in
        [CONFIG.to_owned(), format!("{CONFIG}/history"), "/api/environments/shop:production".to_owned()]
    {
        assert!(!ada.get(&path).await.text.contains("nightingale"), "{path}");
    }
    assert!(!export(&ada).await.contains("nightingale"));
    let opened = patch(&ada, json!({ "S": { "secret": false } })).await;
    assert_eq!(opened.refused_fields(), ["S"]);
    let id =
        ada.get("/api/environments/shop:production").await.expect(200)["id"].as_str().unwrap().to_owned();
    let stored = server.store.config_vars(id.parse().unwrap()).await.unwrap().remove(0);
    assert!(!stored.sealed_value.contains("nightingale"));
    let purpose = format!("environment {id}");
    assert_eq!(server.master_key.open(&purpose, &stored.sealed_value).unwrap().expose(), "nightingale");
    patch(&ada, json!({ "S": { "value": "known", "secret": false } })).await.expect(200);
    assert_eq!(export(&ada).await, "S=known\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dotenv_file_goes_in_and_comes_out() {
    let (_server, ada) = with_shop().await;
    let text = "# comment\nexport A = one # two\nB='a ${literal}'\nC=\"${A}\\n\"\n";
    import(&ada, "", text).await.expect(200);
    import(&ada, "?scope=build&secret=true", "D=hidden\n").await.expect(200);
    let exported = export(&ada).await;
    assert_eq!(exported, "A=one\nB=\"a \\${literal}\"\nC=\"${A}\\n\"\n# D is a secret, and is not shown.\n");
    // What came out goes in again, and is the same.
    assert_eq!(import(&ada, "", &exported).await.expect(200)["changes"], json!([]));
    let shown = ada.get(CONFIG).await.expect(200);
    assert_eq!((&shown["data"][3]["scope"], &shown["data"][3]["secret"]), (&json!("build"), &json!(true)));

    let broken = import(&ada, "", "A=1\ncanary without sense\n").await;
    assert_eq!(broken.refusal(400), "malformed_body");
    assert!(broken.text.contains("Line 2") && !broken.text.contains("canary"), "{}", broken.text);
    assert_eq!(import(&ada, "?scope=moon", "A=1").await.refusal(400), "invalid_query");
    assert_eq!(export(&ada).await, exported);
    let other =
        Reply::of(ada.request(Method::PATCH, CONFIG).header(CONTENT_TYPE, "text/html").body("A=1")).await;
    assert_eq!(other.refusal(415), "unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_made_changed_and_removed() {
    let (_server, ada) = with_shop().await;
    let reply = ada.post(FILES, json!({ "path": "/app/settings.json", "content": "{}" })).await;
    let made = reply.expect(200);
    insta::assert_json_snapshot!("created_file", reply.redacted());
    let path = format!("/api/files/{}", made["file"]["id"].as_str().unwrap());
    assert_eq!(ada.get(&path).await.expect(200), made["file"]);
    let listed = ada.get(FILES).await.expect(200);
    assert_eq!(listed["data"][0]["path"], "/app/settings.json");
    assert!(listed["data"][0].get("content").is_none());

    let same = ada.send(Method::PUT, &path, json!({ "content": "{}" })).await.expect(200);
    assert_eq!(same["changes"], json!([]));
    let moved = json!({ "path": "/app/other.json", "content": "canary", "secret": true });
    ada.send(Method::PUT, &path, moved).await.expect(200);
    let shown = ada.get(&path).await;
    assert_eq!((&shown.expect(200)["content"], shown.text.contains("canary")), (&Value::Null, false));
    assert_eq!(ada.send(Method::PUT, &path, json!({ "secret": false })).await.refused_fields(), ["secret"]);

    let taken = ada.post(FILES, json!({ "path": "/app/other.json", "content": "" })).await;
    assert_eq!(taken.refusal(409), "taken");
    for (body, field) in [
        (json!({ "path": "app/x", "content": "" }), "path"),
        (json!({ "path": "/proc/1/environ", "content": "" }), "path"),
        (json!({ "path": "/app/../etc/passwd", "content": "" }), "path"),
        (json!({ "path": "/app/other.json/x", "content": "" }), "path"),
        (json!({ "path": "/app", "content": "" }), "path"),
        (json!({ "path": "/x" }), "content"),
        (json!({ "path": "/x", "content": "x".repeat(65_537) }), "content"),
    ] {
        assert_eq!(ada.post(FILES, body.clone()).await.refused_fields(), [field], "{body}");
    }
    let both = json!({ "path": "/app/other.json/x", "content": "x".repeat(65_537) });
    assert_eq!(ada.post(FILES, both).await.refused_fields(), ["content", "path"]);
    assert_eq!(ada.delete(&path).await.expect(200)["changes"][0]["kind"], "file");
    assert_eq!(ada.get(&path).await.refusal(404), "file_not_found");
    for number in 0..32 {
        ada.post(FILES, json!({ "path": format!("/f{number}"), "content": "" })).await.expect(200);
    }
    assert_eq!(
        ada.post(FILES, json!({ "path": "/one-more", "content": "" })).await.refused_fields(),
        ["path"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_has_neither_values_nor_contents() {
    let (_server, ada) = with_shop().await;
    patch(&ada, json!({ "A": "canary", "S": { "value": "canary", "secret": true } })).await.expect(200);
    let made = ada.post(FILES, json!({ "path": "/a", "content": "canary" })).await.expect(200);
    let path = format!("/api/files/{}", made["file"]["id"].as_str().unwrap());
    let tag = ada.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    for method in [Method::PUT, Method::DELETE] {
        let stale = ada.request(method, &path).header("if-match", "\"other\"").json(&json!({}));
        assert_eq!(Reply::of(stale).await.refusal(412), "precondition_failed");
    }
    let change = ada.request(Method::PUT, &path).header("if-match", tag);
    Reply::of(change.json(&json!({ "content": "canary 2" }))).await.expect(200);
    ada.delete(&path).await.expect(200);
    let log = ada.get("/api/projects/shop/audit").await;
    let entries = log.expect(200);
    let all = entries["data"].as_array().unwrap().iter();
    let actions: Vec<&str> = all.map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["delete_file", "replace_file", "create_file", "update_config", "create_project"]);
    assert_eq!(entries["data"][1]["before"]["path"], "/a");
    assert!(!log.text.contains("canary"), "{}", log.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_brought_to_what_is_under_way() {
    let (server, ada) = with_shop().await;
    let shop = ada.get("/api/projects/shop").await.expect(200);
    let first = support::deployment(&server.store, &shop).await;
    support::move_to(&server.store, first, &[DeploymentState::Fetching]).await;

    // What is under way may have taken what was set before.
    let changed = patch(&ada, json!({ "A": "one" })).await.expect(202);
    assert_eq!(changed["effect"], "restart");
    assert_eq!(changed["deployment"]["source"], "config");
    assert_ne!(changed["deployment"]["id"], first.to_string());
    let build = json!({ "B": { "value": "two", "scope": "build" } });
    assert_eq!(patch(&ada, build).await.expect(202)["effect"], "rebuild");
    // The deployment of the change before has it.
    assert_eq!(patch(&ada, json!({ "A": "one" })).await.expect(200)["effect"], "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_can_ask_that_nobody_was_faster() {
    let (_server, ada) = with_shop().await;
    patch(&ada, json!({ "A": "canary-value" })).await.expect(200);
    let tag = async || ada.get(CONFIG).await.headers["etag"].to_str().unwrap().to_owned();
    let change = async |method: Method, name: &str, tag: &str| {
        let (path, body) = match method {
            Method::PATCH => (CONFIG.to_owned(), json!({ name: "x" })),
            Method::DELETE => (format!("{CONFIG}/{name}"), json!({})),
            _ => (format!("{CONFIG}/{name}"), json!({ "value": "x" })),
        };
        Reply::of(ada.request(method, &path).header("if-match", tag).json(&body)).await
    };
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        let refused = change(method.clone(), "A", "\"other\"").await;
        assert_eq!(refused.refusal(412), "precondition_failed", "{method}");
    }
    // Of those who have read the same, one is first.
    let read = tag().await;
    let (method, names) = (|| Method::PUT, ["B", "C", "D", "E"]);
    let [b, c, d, e] = names.map(|name| change(method(), name, &read));
    let (b, c, d, e) = tokio::join!(b, c, d, e);
    let mut statuses = [b.status, c.status, d.status, e.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
    assert_eq!(change(Method::DELETE, "A", &read).await.refusal(412), "precondition_failed");
    change(Method::DELETE, "A", &tag().await).await.expect(200);
    change(Method::PATCH, "A", &tag().await).await.expect(200);
    let audit = ada.get("/api/projects/shop/audit").await.text;
    assert!(audit.contains("set_variable") && !audit.contains("canary-value"), "{audit}");
}
