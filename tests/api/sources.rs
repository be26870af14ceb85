//! Deployments without a push, and what a project needs for them.

use crate::support::{Client, Reply, TestServer};
use flate2::Compression;
use flate2::write::GzEncoder;
use gilgal::sources::{MOST_KNOWN_HOSTS, Sources, SourcesError};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Write;

/// A tar of one file.
fn archive(path: &str, text: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(text.len() as u64);
    header.as_ustar_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_cksum();
    archive.append(&header, text.as_bytes()).unwrap();
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
    compressed.write_all(bytes).unwrap();
    compressed.finish().unwrap()
}

async fn upload(client: &Client, query: &str, kind: &str, bytes: Vec<u8>) -> Reply {
    let path = format!("/api/projects/shop/deployments{query}");
    Reply::of(client.request(Method::POST, &path).header("content-type", kind).body(bytes)).await
}

async fn deploy(client: &Client, body: Value) -> Reply {
    client.post("/api/projects/shop/deployments", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_a_commit_by_whoever_has_sent_it() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    ada.post("/api/projects/shop/environments", json!({ "name": "staging" })).await.expect(201);
    let bytes = archive("shop-1f2e/index.html", "hello");
    let queued = upload(&ada, "?environment=staging&strip=1", "application/gzip", gzip(&bytes)).await;
    let queued = queued.expect(202);
    assert_eq!(queued["made_from"], json!({ "kind": "upload" }));
    assert_eq!(
        (&queued["source"], &queued["branch"], &queued["author"]),
        (&json!("api"), &Value::Null, &json!("ada"))
    );
    let repository =
        server.deployments.repositories.existing(queued["project_id"].as_str().unwrap().parse().unwrap());
    let commit = queued["commit"].as_str().unwrap().parse().unwrap();
    let tree = repository.unwrap().tree(&commit).unwrap();
    assert_eq!(gilgal::model::source::SourceTree::paths(&tree), ["index.html"]);
    upload(&ada, "", "application/x-tar", bytes).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_that_cannot_be_taken_are_refused() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    let kind = "application/gzip";
    let fine = || gzip(&archive("index.html", "hello"));
    let reply = upload(&ada, "", kind, archive("../evil", "x")).await;
    assert_eq!(reply.refusal(422), "invalid_archive");
    insta::assert_json_snapshot!("hostile_archive", reply.redacted());
    assert_eq!(upload(&ada, "", kind, b"PK".to_vec()).await.refusal(422), "invalid_archive");
    assert_eq!(upload(&ada, "", kind, vec![0; 1024 * 1024 + 1]).await.refusal(413), "body_too_large");
    assert_eq!(upload(&ada, "", "application/zip", fine()).await.refusal(415), "unsupported_media_type");
    for query in ["?environment=nowhere", "?strip=maybe", "?stripe=1"] {
        assert!(upload(&ada, query, kind, fine()).await.status >= 400, "{query}");
    }
    let path = "/api/projects/shop/deployments";
    let encoded =
        ada.request(Method::POST, path).header("content-type", kind).header("content-encoding", "gzip");
    assert_eq!(Reply::of(encoded.body(fine())).await.refusal(415), "unsupported_media_type");
    let mallory = server.sign_up("mallory").await;
    assert_eq!(upload(&mallory, "", kind, fine()).await.refusal(404), "project_not_found");
    assert!(ada.get(path).await.expect(200)["data"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_sent_again_with_its_key_is_deployed_once() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    let path = "/api/projects/shop/deployments";
    let send = async |query: &str, text: &str| {
        let request = ada.request(Method::POST, &format!("{path}{query}")).header("idempotency-key", "one");
        let request = request.header("content-type", "application/x-tar");
        Reply::of(request.body(archive("index.html", text))).await
    };
    assert_eq!(send("?strip=maybe", "hello").await.refusal(400), "invalid_query");
    let (first, second) = tokio::join!(send("", "hello"), send("", "hello"));
    let queued = first.expect(202);
    assert_eq!(second.expect(202), queued);
    let again = send("", "hello").await;
    assert_eq!(
        (again.expect(202), &again.headers["idempotent-replayed"]),
        (queued, &"true".parse().unwrap())
    );
    for (query, text) in [("", "other"), ("?no_cache=1", "hello")] {
        assert_eq!(send(query, text).await.refusal(422), "idempotency_key_reused", "{query} {text}");
    }
    assert_eq!(ada.get(path).await.expect(200)["data"].as_array().unwrap().len(), 1);
    let entries = ada.get("/api/audit?action=create_deployment").await.expect(200);
    assert_eq!(entries["data"].as_array().unwrap().len(), 1);
    // Nothing lies about of those that came to nothing.
    let left = std::fs::read_dir(server.directory().join("repositories")).unwrap();
    assert_eq!(left.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_has_no_commit_until_it_is_fetched() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    let wanted = json!({ "repository": "git@code.example:ada/shop.git", "reference": "v1" });
    let queued = deploy(&ada, wanted.clone()).await.expect(202);
    let url = "ssh://git@code.example/ada/shop.git";
    assert_eq!(queued["made_from"], json!({ "kind": "repository", "url": url, "reference": "v1" }));
    assert_eq!(queued["commit"], Value::Null);
    // It may have changed since: the one that waits is not the same.
    let again = deploy(&ada, wanted).await.expect(202);
    assert_ne!(again["id"], queued["id"]);
    // Never fetched: it is fetched then.
    let id = again["id"].as_str().unwrap();
    let redeployed = ada.post(&format!("/api/deployments/{id}/redeploy"), json!({})).await.expect(202);
    assert_eq!(redeployed["made_from"], again["made_from"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_a_commit_that_names_it() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    let queued = deploy(&ada, json!({ "image": "nginx:1.27" })).await.expect(202);
    assert_eq!(queued["made_from"], json!({ "kind": "image", "image": "docker.io/library/nginx:1.27" }));
    let repository =
        server.deployments.repositories.existing(queued["project_id"].as_str().unwrap().parse().unwrap());
    let tree = repository.unwrap().tree(&queued["commit"].as_str().unwrap().parse().unwrap()).unwrap();
    let file = gilgal::model::source::SourceTree::read(&tree, "gilgal.toml");
    assert_eq!(file.as_deref(), Some("[build]\nimage = \"docker.io/library/nginx:1.27\"\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_reached_or_named_is_refused_at_once() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    for (field, body) in [
        ("repository", json!({ "repository": "http://code.example/shop" })),
        ("repository", json!({ "repository": "file:///etc" })),
        ("repository", json!({ "repository": "https://127.0.0.1/shop" })),
        ("repository", json!({ "repository": "https://2130706433/shop" })),
        ("repository", json!({ "repository": "https://[::ffff:169.254.169.254]/latest" })),
        ("repository", json!({ "repository": "https://ada:secret@code.example/shop" })),
        ("repository", json!({ "repository": "ssh://-oProxyCommand=id/x" })),
        ("reference", json!({ "repository": "https://code.example/shop", "reference": "--upload-pack=id" })),
        ("reference", json!({ "reference": "main" })),
        ("image", json!({ "image": "gilgal/x/y:z" })),
        ("image", json!({ "image": "10.0.0.1:5000/x" })),
        ("image", json!({ "image": format!("sha256:{}", "a".repeat(64)) })),
        ("image", json!({ "image": "nginx", "repository": "https://code.example/shop" })),
        ("branch", json!({ "commit": "a".repeat(40), "branch": "main" })),
    ] {
        let reply = deploy(&ada, body.clone()).await;
        assert_eq!(reply.refused_fields(), [field], "{body}: {}", reply.text);
    }
    let all = json!({
        "commit": "a".repeat(40), "branch": "main", "image": "nginx", "reference": "v1", "environment": 1
    });
    let named = deploy(&ada, all).await.refused_fields();
    assert_eq!(named, ["branch", "environment", "image", "reference"]);
    assert!(
        ada.get("/api/projects/shop/deployments").await.expect(200)["data"].as_array().unwrap().is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_kept_and_never_shown() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    let path = "/api/projects/shop/credentials";
    let put = async |host: &str, password: &str| {
        let body = json!({ "username": "ada", "password": password });
        ada.send(Method::PUT, &format!("{path}/{host}"), body).await
    };
    let set = put("GHCR.io", "sesame-one").await.expect(200);
    assert_eq!((&set["host"], &set["username"]), (&json!("ghcr.io"), &json!("ada")));
    assert!(set.get("password").is_none());
    put("127.0.0.1:5000", "sesame-two").await.expect(200);
    put("ghcr.io", "sesame-three").await.expect(200);
    let listed = ada.get(path).await;
    let hosts: Vec<_> =
        listed.expect(200)["data"].as_array().unwrap().iter().map(|one| one["host"].clone()).collect();
    assert_eq!(hosts, ["127.0.0.1:5000", "ghcr.io"]);
    assert!(!listed.text.contains("sesame"));
    let audit = ada.get("/api/projects/shop/audit").await;
    assert!(audit.text.contains("put_credential") && !audit.text.contains("sesame"), "{}", audit.text);
    assert!(!server.database_has("sesame"));

    for (host, body) in [
        ("ghcr.io", json!({ "username": "a:b", "password": "x" })),
        ("ghcr.io", json!({ "username": "", "password": "x" })),
        ("ghcr.io", json!({ "username": "ada", "password": "two\nlines" })),
        ("ghcr.io", json!({ "username": "ada" })),
    ] {
        let reply = ada.send(Method::PUT, &format!("{path}/{host}"), body.clone()).await;
        assert_eq!(reply.refusal(422), "invalid_fields", "{body}");
    }
    assert_eq!(put("no_host!", "x").await.refusal(404), "credential_not_found");
    ada.delete(&format!("{path}/ghcr.io")).await.expect(204);
    assert_eq!(ada.delete(&format!("{path}/ghcr.io")).await.refusal(404), "credential_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_knows_a_hundred_hosts() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    let shop = ada.create_project("Shop").await["id"].as_str().unwrap().parse().unwrap();
    let sources = Sources::new(server.store.clone(), server.master_key.clone());
    let host = |number: u32| format!("h{number}.example").parse().unwrap();
    for number in 0..MOST_KNOWN_HOSTS {
        assert_eq!(sources.host_keys(shop, &host(number)).await.unwrap(), None);
        sources.note_host_keys(shop, &host(number), "keys").await.unwrap();
    }
    // Those that are known are fetched from as before, and no other one is asked for its keys.
    assert_eq!(sources.host_keys(shop, &host(0)).await.unwrap().unwrap(), "keys");
    let another = sources.host_keys(shop, &host(MOST_KNOWN_HOSTS)).await;
    assert!(matches!(another, Err(SourcesError::TooManyHosts)), "{another:?}");
    let another = sources.note_host_keys(shop, &host(MOST_KNOWN_HOSTS), "keys").await;
    assert!(matches!(another, Err(SourcesError::TooManyHosts)), "{another:?}");
    ada.delete("/api/projects/shop/known-hosts/h7.example").await.expect(204);
    assert_eq!(sources.host_keys(shop, &host(MOST_KNOWN_HOSTS)).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_one_deploy_key_until_it_gets_another() {
    let server = TestServer::start().await;
    let ada = server.sign_up("ada").await;
    ada.create_project("Shop").await;
    ada.create_project("Blog").await;
    // Who may only read makes none.
    let none = ada.get("/api/projects/shop/deploy-key").await;
    assert_eq!(none.refusal(404), "deploy_key_not_found");
    let key = async |project: &str| {
        let path = format!("/api/projects/{project}/deploy-key");
        let made = ada.post(&path, json!({})).await.expect(200);
        assert_eq!(ada.get(&path).await.expect(200), made);
        made["public_key"].as_str().unwrap().to_owned()
    };
    let shop = key("shop").await;
    assert!(shop.starts_with("ssh-ed25519 "), "{shop}");
    assert_eq!(key("shop").await, shop);
    assert_ne!(key("blog").await, shop);
    let rotated = ada.post("/api/projects/shop/deploy-key/rotate", json!({})).await.expect(200);
    assert_ne!(rotated["public_key"], json!(shop));
    assert_eq!(key("shop").await, rotated["public_key"].as_str().unwrap());
}
