//! What an app sees of a request, and which requests it never sees.

use super::support::{App, HOST, TestRouter};
use bytes::Bytes;
use http_body_util::{Empty, Full};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// An app that answers with the head it got, one header a line, sorted.
async fn mirror() -> App {
    App::answering(|request| async move {
        let mut lines: Vec<String> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        lines.sort();
        lines.insert(0, format!("{} {} {:?}", request.method(), request.uri(), request.version()));
        let mut response = Response::new(Full::new(Bytes::from(lines.join("\n"))));
        response.headers_mut().insert("keep-alive", hyper::header::HeaderValue::from_static("timeout=5"));
        response
    })
    .await
}

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn an_app_sees_the_request_and_what_we_know_of_the_client() {
    let app = mirror().await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let answer = router
        .raw(
            "DELETE /a%20b/../c?q=1&q=2 HTTP/1.1\r\nHost: Shop.Example.COM.:8080\r\nConnection: close, X-Hop\r\n\
             X-Hop: 1\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\n\
             Cookie: a=1\r\nX-Request-Id: client-made-1\r\nTE: gzip\r\n\r\n",
        )
        .await;
    assert_eq!(
        body_of(&answer),
        "DELETE /a%20b/../c?q=1&q=2 HTTP/1.1\n\
         cookie: a=1\n\
         host: Shop.Example.COM.:8080\n\
         x-forwarded-for: 127.0.0.1\n\
         x-forwarded-host: Shop.Example.COM.:8080\n\
         x-forwarded-port: 8080\n\
         x-forwarded-proto: http\n\
         x-real-ip: 127.0.0.1\n\
         x-request-id: client-made-1"
    );
    assert!(!answer.contains("keep-alive"), "{answer}");
}

#[tokio::test]
async fn forms_of_the_request_target() {
    let app = mirror().await;
    let router = TestRouter::leading_to(&[app.address]).await;
    for (target, host, seen) in [
        ("GET http://shop.example.com:81/x?y", "ignored.example.com", "GET /x?y"),
        ("GET http://shop.example.com", HOST, "GET /"),
        ("OPTIONS *", HOST, "OPTIONS *"),
        ("PURGE /x", HOST, "PURGE /x"),
    ] {
        let answer =
            router.raw(&format!("{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert!(body_of(&answer).starts_with(&format!("{seen} HTTP/1.1\n")), "{target}: {answer}");
        assert!(!answer.contains("ignored"), "{answer}");
    }
}

#[tokio::test]
async fn refused_before_any_app() {
    let app = mirror().await;
    let router = TestRouter::leading_to(&[app.address]).await;
    for (request, status, code) in [
        ("GET / HTTP/1.1\r\nHost: shop.example.com\r\nHost: shop.example.com\r\n", "400", "two_hosts"),
        ("GET / HTTP/1.1\r\nHost: shop.example.com\r\nHost: evil\r\n", "400", "two_hosts"),
        ("GET / HTTP/1.1\r\n", "400", "no_host"),
        ("GET / HTTP/1.1\r\nHost:\r\n", "400", "no_host"),
        ("GET / HTTP/1.1\r\nHost: user@shop.example.com\r\n", "400", "no_host"),
        ("GET / HTTP/1.1\r\nHost: shop.example.com:x\r\n", "400", "no_host"),
        ("GET / HTTP/1.1\r\nHost: other.example.com\r\n", "404", "no_such_app"),
        ("GET / HTTP/1.1\r\nHost: <script>\r\n", "400", "no_host"),
        (
            "CONNECT shop.example.com:443 HTTP/1.1\r\nHost: shop.example.com:443\r\n",
            "405",
            "method_not_allowed",
        ),
    ] {
        let answer = router.raw(&format!("{request}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
        assert!(answer.contains(&format!("x-gilgal-error: {code}\r\n")), "{request}: {answer}");
        assert!(!answer.contains("<script>"));
    }
    for (request, status) in [
        ("POST / HTTP/1.1\r\nHost: shop.example.com\r\nTransfer-Encoding: gzip\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: shop.example.com\r\nbad header: 1\r\n", "400"),
    ] {
        let answer = router.raw(&format!("{request}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    // Not ended: what is too large is refused before all of it is there.
    let answer =
        router.raw(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Big: {}", "x".repeat(80_000))).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(app.connections.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn two_lengths_of_one_body_do_not_reach_the_app() {
    let app = mirror().await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let answer = router
        .raw(&format!(
            "POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
             GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
        ))
        .await;
    assert!(!answer.contains("content-length: 4") && !answer.contains("smuggled"), "{answer}");
}

#[tokio::test]
async fn heads_without_bodies() {
    let app = mirror().await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let answer = router.raw(&format!("HEAD / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: "), "{answer}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn old_clients_and_old_apps() {
    let app = App::listening(|mut stream| async move {
        use tokio::io::AsyncWriteExt;
        super::support::read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nX-Old: yes\r\n\r\nuntil the end").await;
    })
    .await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let answer = router.get().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("until the end"), "{answer}");
    let answer = router.raw(&format!("GET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("\r\n\r\nuntil the end"), "{answer}");
}

#[tokio::test]
async fn http2_with_prior_knowledge() {
    let app = mirror().await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let stream = TcpStream::connect(router.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for path in ["/one", "/two"] {
        let request = Request::get(format!("http://{HOST}{path}"))
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.starts_with(&format!("GET {path} HTTP/1.1\ncookie: a=1; b=2\nhost: {HOST}\n")),
            "{body}"
        );
    }
}
