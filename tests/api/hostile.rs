//! Bad input: every route answers with a documented failure, and nothing is changed.

mod fields;

use crate::support::{Acceptable, Client, Reply, TestServer, acceptable};
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use gilgal::api::{Access, Endpoint};
use gilgal::auth::access_token::{AccessTokens, Identity, TokenKey};
use gilgal::model::id::{SigningKeyId, TokenFamilyId, UserId};
use gilgal::model::signing_key::SigningKey;
use gilgal::model::time::now;
use gilgal::secrets::MasterKey;
use reqwest::Method;
use serde_json::Value;
use std::collections::HashSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(QueryableByName)]
struct DataVersion {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

/// Looks whether anybody else has written to the database (`PRAGMA data_version` of SQLite).
struct Watch(SqliteConnection);

impl Watch {
    fn over(server: &TestServer) -> Self {
        Self(SqliteConnection::establish(server.directory().join("gilgal.db").to_str().unwrap()).unwrap())
    }

    fn version(&mut self) -> i64 {
        sql_query("PRAGMA data_version").get_result::<DataVersion>(&mut self.0).unwrap().data_version
    }

    /// Checks that what a request asks for is refused as documented, with one of some statuses, and that nothing is
    /// written.
    async fn refused(&mut self, what: &str, statuses: &[u16], reply: impl Future<Output = Reply>) -> Reply {
        let before = self.version();
        let reply = reply.await;
        assert!(statuses.contains(&reply.status), "{what}: {} {}", reply.status, reply.text);
        let code = reply.refusal(reply.status);
        let documented =
            include_str!("../../docs/api.md").contains(&format!("| {} | `{code}` |", reply.status));
        assert!(documented, "{what}: {code} is not in docs/api.md");
        assert_eq!(self.version(), before, "{what}: something was written");
        reply
    }
}

struct Table {
    server: TestServer,
    operator: Client,
    document: Value,
}

impl Table {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let operator = server.sign_up("root").await;
        let document = operator.get("/api/openapi.json").await.expect(200);
        Self { server, operator, document }
    }

    /// Each route with a request that it would carry out, and who sends it.
    async fn rows(&self) -> Vec<(Endpoint, Acceptable, Client)> {
        let mut rows = Vec::new();
        for (number, endpoint) in Endpoint::ALL.iter().copied().enumerate() {
            let client = match endpoint.row().access {
                Access::Operator => self.operator.clone(),
                Access::Public | Access::Account(_) | Access::Project(_) => {
                    self.server.sign_up(&format!("ada{number}")).await
                }
            };
            rows.push((endpoint, Box::pin(acceptable(&self.server, &client, endpoint)).await, client));
        }
        rows
    }
}

async fn raw(client: &Client, request: &Acceptable, kind: &str, body: impl Into<reqwest::Body>) -> Reply {
    let builder = client.request(request.method.clone(), &request.path).header("content-type", kind);
    Reply::of(builder.body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_change_nothing() {
    let table = Table::new().await;
    for (endpoint, request, client) in Box::pin(table.rows()).await {
        if request.body.is_none() {
            continue;
        }
        let mut watch = Watch::over(&table.server);
        let what = format!("{endpoint:?}");
        for body in ["", "{", "[]", "null", "5", "name=shop", "{\"a\":\"\\ud800\"}", "\u{feff}{}"] {
            let reply = raw(&client, &request, "application/json", body);
            watch.refused(&format!("{what} {body}"), &[400], reply).await;
        }
        let deep = raw(&client, &request, "application/json", "[".repeat(200_000));
        watch.refused(&what, &[400], deep).await;
        let no_text = raw(&client, &request, "application/json", b"{\"a\":\"\xff\"}".to_vec());
        watch.refused(&what, &[400], no_text).await;
        let body = request.body.clone().unwrap().to_string();
        for kind in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"]
        {
            // Config vars are taken as a `.env` file too, and this is none.
            let is_taken = endpoint == Endpoint::UpdateConfig && kind == "text/plain";
            let status = if is_taken { 400 } else { 415 };
            watch.refused(&what, &[status], raw(&client, &request, kind, body.clone())).await;
        }
        let compressed =
            client.request(request.method.clone(), &request.path).header("content-encoding", "gzip");
        let compressed = Reply::of(compressed.header("content-type", "application/json").body(body));
        watch.refused(&what, &[415], compressed).await;
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
        watch.refused(&what, &[413], raw(&client, &request, "application/json", large)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_route_would_not_look_at_is_refused() {
    let table = Table::new().await;
    for (endpoint, request, client) in Box::pin(table.rows()).await {
        let mut watch = Watch::over(&table.server);
        if !endpoint.is_counted() {
            continue;
        }
        let glue = if request.path.contains('?') { '&' } else { '?' };
        let path = format!("{}{glue}no_such_parameter=1", request.path);
        let mut builder = client.request(request.method.clone(), &path);
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let reply = watch.refused(&format!("{endpoint:?} query"), &[400], Reply::of(builder)).await;
        assert!(reply.text.contains("no_such_parameter"), "{endpoint:?}: {}", reply.text);
        if request.body.is_some() || request.method == Method::GET {
            continue;
        }
        for (kind, body, status) in [
            ("application/json", "{", 400),
            ("application/json", "{\"no_such_field\":1}", 422),
            ("text/plain", "{}", 415),
        ] {
            let what = format!("{endpoint:?} {body}");
            watch.refused(&what, &[status], raw(&client, &request, kind, body)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_not_accepted_change_nothing() {
    let table = Table::new().await;
    let key = table.server.store.signing_keys().await.unwrap()[0];
    let secret = MasterKey::from_bytes([7; 32]).derive(&format!("access tokens {}", key.id));
    let foreign = SigningKey { id: SigningKeyId::generate(), ..key };
    let identity = Identity { user_id: UserId::generate(), session: TokenFamilyId::generate() };
    let issue = |key: SigningKey, at| {
        AccessTokens::new(vec![TokenKey::new(key, &secret)]).issue(identity, at).unwrap().into_exposed()
    };
    let tokens = [
        ("expired", issue(key, now() - chrono::TimeDelta::hours(1))),
        ("of another server", issue(foreign, now())),
        ("of nobody", issue(key, now())),
        ("an unknown key", "glg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        ("a refresh token", "glr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        ("nothing", String::new()),
        ("rubbish", "eyJhbGciOiJub25lIn0.e30.".to_owned()),
    ];
    for (endpoint, request, client) in Box::pin(table.rows()).await {
        if endpoint.row().access == Access::Public {
            continue;
        }
        let mut watch = Watch::over(&table.server);
        for (kind, token) in &tokens {
            let bad = client.with_token(token);
            let reply = watch.refused(&format!("{endpoint:?} {kind}"), &[401], request.send(&bad)).await;
            assert!(reply.headers.contains_key("www-authenticate"), "{endpoint:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_nothing_are_not_found() {
    let table = Table::new().await;
    for (endpoint, request, client) in Box::pin(table.rows()).await {
        let row = endpoint.row();
        if !row.path.contains(':') {
            continue;
        }
        let mut watch = Watch::over(&table.server);
        let ids = ["00000000-0000-7000-8000-000000000000", "x", "-1", "%00", "%2e%2e%2f", "'--", "a%20b"];
        for id in ids.map(str::to_owned).into_iter().chain(["x".repeat(5000)]) {
            let parts = row.path.split('/').map(|part| if part.starts_with(':') { &id } else { part });
            let path = parts.collect::<Vec<_>>().join("/");
            let request = Acceptable { path, ..request.clone() };
            let what = format!("{endpoint:?} {}", &id[..id.len().min(40)]);
            watch.refused(&what, &[404], request.send(&client)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_a_path_does_not_take_are_refused() {
    let table = Table::new().await;
    let mut watch = Watch::over(&table.server);
    let paths: HashSet<&str> = Endpoint::ALL.iter().map(|endpoint| endpoint.row().path).collect();
    for path in paths {
        let path = path.split('/').map(|part| if part.starts_with(':') { "x" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        // Rows of other paths too: `…/config/history` is also the path of a config var.
        let taken: HashSet<String> = Endpoint::ALL
            .iter()
            .map(|endpoint| endpoint.row())
            .filter(|row| row.parameters(&path).is_some())
            .map(|row| row.method.to_string())
            .collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
            if taken.contains(method) {
                continue;
            }
            let request = table.operator.request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
            let reply = watch.refused(&format!("{method} {path}"), &[405], Reply::of(request)).await;
            let allowed: HashSet<String> =
                reply.headers["allow"].to_str().unwrap().split(", ").map(str::to_owned).collect();
            assert_eq!(allowed, taken, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_changes_nothing() {
    let table = Table::new().await;
    for (endpoint, request, client) in Box::pin(table.rows()).await {
        let Some(body) = request.body.as_ref().map(Value::to_string) else { continue };
        let mut watch = Watch::over(&table.server);
        let before = watch.version();
        let mut stream = TcpStream::connect(table.server.address).await.unwrap();
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            request.method,
            request.path,
            client.token().unwrap_or_default(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body.as_bytes()[..body.len() - 1]).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{endpoint:?}: {answer}");
        assert_eq!(watch.version(), before, "{endpoint:?}");
    }
}
