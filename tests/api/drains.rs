//! `/api/drains`: what can be said of a log drain. What one does is in the end-to-end tests.

use crate::support::{Client, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

/// Whoever has it may write to the log.
const URL: &str = "https://logs.example.com/in?key=hunter2";

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
    let body = json!({ "url": URL, "token": "hunter2-hunter2", "environment": "production" });
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
    ada.send(Method::PATCH, &path, json!({ "url": URL, "token": "hunter2-hunter2" })).await.expect(200);

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
    assert!(!audit.contains("hunter2") && audit.contains("https://logs.example.com/…"), "{audit}");
    // What is shown is not where it leads.
    let shown = json!({ "url": made["url"] });
    assert_eq!(ada.send(Method::PATCH, &path, shown).await.refused_fields(), ["url"]);

    assert_eq!(ada.delete(&path).await.status, 204);
    assert_eq!(ada.get(&path).await.refusal(404), "drain_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn url_and_token_are_sealed_and_sealed_again() {
    let (server, ada) = with_project().await;
    let made = create(&ada, json!({ "url": URL, "token": "hunter2-hunter2" })).await;
    let id = made["id"].as_str().unwrap().parse().unwrap();
    assert!(!server.database_has("hunter2"));
    let before = server.store.drain(id).await.unwrap();
    let purpose = gilgal::model::drain::seal_purpose(id);
    assert_eq!(server.master_key.open(&purpose, &before.sealed_url).unwrap().expose(), URL);
    let again =
        |named: &str, sealed: &str| Ok::<_, ()>((named == purpose).then(|| format!("again {sealed}")));
    assert_eq!(server.store.seal_again(again).await.unwrap(), Ok(2));
    let after = server.store.drain(id).await.unwrap();
    assert_eq!(after.sealed_url, format!("again {}", before.sealed_url));
    assert_eq!(after.sealed_token.unwrap(), format!("again {}", before.sealed_token.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_in_plain_is_sealed_by_the_next_start() {
    let (server, ada) = with_project().await;
    let made = create(&ada, json!({ "url": URL, "token": "abc" })).await;
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let sealed = server.store.drain(id).await.unwrap();
    server.execute(&format!("UPDATE drains SET url = '{URL}', sealed_url = ''"));
    // A rotation of the master key before that start leaves it.
    assert_eq!(server.store.seal_again(|_, _| Ok::<_, ()>(None)).await.unwrap(), Ok(1));
    for _ in 0..2 {
        server.drains.seal().await.unwrap();
        let drain = server.store.drain(id).await.unwrap();
        assert_eq!((&drain.url, drain.updated_at), (&sealed.url, sealed.updated_at));
        let opened = server.master_key.open(&gilgal::model::drain::seal_purpose(id), &drain.sealed_url);
        assert_eq!(opened.unwrap().expose(), URL);
    }
    let path = format!("/api/drains/{id}");
    assert_eq!(ada.get(&path).await.expect(200), made);
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
    let all = json!({
        "url": "https://127.0.0.1/in", "environment": "staging", "token": "abc", "certificates": "x"
    });
    let refused = ada.post("/api/projects/shop/drains", all.clone()).await.refused_fields();
    assert_eq!(refused, ["certificates", "environment", "url"]);
    let plain = create(&ada, json!({ "url": "http://127.0.0.2:9/in", "token": "a=b" })).await;
    let path = format!("/api/drains/{}", plain["id"].as_str().unwrap());
    let mut change = all;
    change.as_object_mut().unwrap().remove("token");
    let refused = ada.send(Method::PATCH, &path, change).await.refused_fields();
    assert_eq!(refused, ["certificates", "environment", "token", "url"]);
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
