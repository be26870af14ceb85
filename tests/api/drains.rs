//! `/api/drains`: what can be said of a log drain. What one does is in the end-to-end tests.

use crate::support::{Client, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

async fn with_project() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    (server, ada)
}

async fn create(client: &Client, body: Value) -> Value {
    client.post("/api/projects/shop/drains", body).await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_is_made_shown_changed_and_removed() {
    let (server, ada) = with_project().await;
    let body = json!({ "url": "https://logs.example.com/in", "token": "hunter2-hunter2", "environment": "production" });
    let made = create(&ada, body).await;
    let path = format!("/api/drains/{}", made["id"].as_str().unwrap());
    insta::assert_json_snapshot!("drain", ada.get(&path).await.redacted());
    let list = ada.get("/api/projects/shop/drains").await.expect(200);
    assert_eq!(list["data"], json!([made]));

    // A token goes nowhere that it was not given for.
    let elsewhere = json!({ "url": "https://elsewhere.example.com/in" });
    let refused = ada.send(Method::PATCH, &path, elsewhere.clone()).await.expect(422);
    assert!(refused["error"]["details"]["fields"]["token"].is_string(), "{refused}");
    let mut again = elsewhere;
    again["token"] = json!("hunter2-hunter3");
    ada.send(Method::PATCH, &path, again).await.expect(200);
    ada.send(Method::PATCH, &path, json!({ "url": made["url"], "token": "hunter2-hunter2" }))
        .await
        .expect(200);

    let change = json!({ "environment": null, "token": null });
    let changed = ada.send(Method::PATCH, &path, change).await.expect(200);
    assert_eq!(
        (&changed["environment"], &changed["has_token"], &changed["url"]),
        (&Value::Null, &json!(false), &made["url"])
    );
    let kept = server.store.drain(made["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(kept.sealed_token, None);
    let audit = ada.get("/api/projects/shop/audit").await.expect(200).to_string();
    assert!(audit.contains("create_drain") && audit.contains("update_drain"), "{audit}");
    assert!(!audit.contains("hunter2"), "{audit}");

    assert_eq!(ada.delete(&path).await.status, 204);
    assert_eq!(ada.get(&path).await.refusal(404), "drain_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_sealed_and_sealed_again() {
    let (server, ada) = with_project().await;
    let made = create(&ada, json!({ "url": "https://logs.example.com", "token": "hunter2-hunter2" })).await;
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let sealed = server.store.drain(id).await.unwrap().sealed_token.unwrap();
    assert!(!sealed.contains("hunter2"));
    let purpose = gilgal::model::drain::seal_purpose(id);
    let again =
        |named: &str, sealed: &str| Ok::<_, ()>((named == purpose).then(|| format!("again {sealed}")));
    server.store.seal_again(again).await.unwrap().unwrap();
    assert_eq!(server.store.drain(id).await.unwrap().sealed_token.unwrap(), format!("again {sealed}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_its_field() {
    let (_server, ada) = with_project().await;
    for (body, field) in [
        (json!({}), "url"),
        (json!({ "url": "logs.example.com" }), "url"),
        (json!({ "url": "syslog+tls://logs.example.com" }), "url"),
        (json!({ "url": "https://user:secret@logs.example.com" }), "url"),
        // Where the server is, and the machines around it.
        (json!({ "url": "https://127.0.0.1/in" }), "url"),
        (json!({ "url": "https://2130706433/in" }), "url"),
        (json!({ "url": "https://[::1]/in" }), "url"),
        (json!({ "url": "syslog+tcp://169.254.169.254:80" }), "url"),
        (json!({ "url": "syslog+tcp://[::ffff:10.0.0.1]:514" }), "url"),
        // In plain text to addresses that the operator names only.
        (json!({ "url": "http://192.0.9.1/in" }), "url"),
        (json!({ "url": "https://logs.example.com", "environment": "staging" }), "environment"),
        (json!({ "url": "https://logs.example.com", "token": "a\nb" }), "token"),
        (json!({ "url": "syslog+tls://logs.example.com:1", "token": "a=b" }), "token"),
        (json!({ "url": "https://logs.example.com", "certificates": "x" }), "certificates"),
    ] {
        let refused = ada.post("/api/projects/shop/drains", body.clone()).await.refused_fields();
        assert_eq!(refused, [field], "{body}");
    }
    create(&ada, json!({ "url": "http://127.0.0.2:9/in" })).await;
    create(&ada, json!({ "url": "syslog+tcp://127.0.0.2:9", "token": "TOKEN@41058" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_must_still_fit_when_the_url_is_another() {
    let (_server, ada) = with_project().await;
    let made = create(&ada, json!({ "url": "https://logs.example.com", "token": "a=b" })).await;
    let path = format!("/api/drains/{}", made["id"].as_str().unwrap());
    let change = json!({ "url": "syslog+tls://logs.example.com:6514" });
    assert_eq!(ada.send(Method::PATCH, &path, change).await.refused_fields(), ["token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_ten_at_most() {
    let (_server, ada) = with_project().await;
    let body = json!({ "url": "https://logs.example.com" });
    for _ in 0..10 {
        create(&ada, body.clone()).await;
    }
    let refused = ada.post("/api/projects/shop/drains", body).await;
    assert_eq!(refused.refusal(409), "too_many_drains");
}
