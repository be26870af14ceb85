//! What is said when a command cannot do what it was asked.

use super::terminal::{Terminal, assert_screen};
use crate::support::TestServer;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_named() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    server.stop().await;
    assert_screen!("server_is_away", ada.run(&["projects"]).await);
    assert_screen!("no_such_host", ada.run(&["status", "--server", "http://gilgal.invalid"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_ready_is_explained() {
    let server = TestServer::start().await;
    let nobody = Terminal::new(&server);
    let status = nobody.run(&["status", "--json", "--server", &nobody.address()]).await.json();
    assert_eq!(status["account"], serde_json::Value::Null);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    *server.surroundings.engine.lock().unwrap() = Err("Docker does not answer.".to_owned());
    assert_screen!("not_ready", nobody.run(&["status", "--server", &nobody.address()]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_refuses_is_shown_in_its_words() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let eve = Terminal::logged_in(&server, "eve").await;
    let ada = Terminal::new(&server);
    ada.log_in("ada").await;
    ada.run(&["create", "Shop"]).await.expect(0);
    assert_screen!("project_of_another", eve.run(&["info", "-p", "shop"]).await);
    assert_screen!("no_such_project", eve.run(&["info", "-p", "nowhere"]).await);
    assert_screen!("slug_is_taken", eve.run(&["create", "Shop", "--slug", "shop"]).await);
    assert_screen!("not_a_slug", eve.run(&["info", "-p", "../etc"]).await);
    assert_screen!("no_such_command", eve.run(&["porjects"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_passwords_is_told_to_wait() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let eve = Terminal::new(&server);
    let mut screens = Vec::new();
    for _ in 0..7 {
        screens.push(eve.types(&["login", &eve.address(), "--email", "ada@example.com"], "guess\n").await);
    }
    let last = screens.pop().unwrap();
    assert_screen!("rate_limited", last);
}

/// Answers every connection with one text.
async fn answering(answer: String) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            stream.write_all(answer.as_bytes()).await.ok();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    address
}

/// What is not a gilgal, or stands before one.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_recognised() {
    let server = TestServer::start().await;
    let ada = Terminal::new(&server);
    let http = |status: &str, headers: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
    };
    let error = r#"{"error": {"code": "internal", "message": "It \u001b[2J broke.", "details": {}, "request_id": "r-1"}}"#;
    for (name, answer) in [
        ("a_web_page", http("200 OK", "", "<html>hello</html>")),
        ("another_site", http("404 Not Found", "", "<html>no</html>")),
        ("a_bad_gateway", http("502 Bad Gateway", "", "<html>bad</html>")),
        ("a_redirect", http("301 Moved Permanently", "location: https://gilgal.example.com/api\r\n", "")),
        ("an_internal_error", http("500 Internal Server Error", "", error)),
        ("no_http", "SSH-2.0-OpenSSH_9.2\r\n".to_owned()),
    ] {
        let address = answering(answer).await.to_string();
        let variables = [("GILGAL_URL", address.as_str()), ("GILGAL_TOKEN", "token")];
        assert_screen!(name, ada.run_with(&["projects"], &variables, "").await);
    }
}
