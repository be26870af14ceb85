//! Bodies pass as they come: at once, whole, and with their trailers.

use super::support::{App, HOST, TestRouter, read_head, read_to_end, route, within_seconds};
use crate::model::id::EnvironmentId;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::HeaderValue;
use hyper::{HeaderMap, Response};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

const TEN_MEGABYTES: usize = 10 * 1024 * 1024;

fn pattern() -> Vec<u8> {
    (0..TEN_MEGABYTES).map(|index| u8::try_from(index * 7 % 251).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_there_and_back() {
    let app = App::answering(|request| async {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(Full::new(body))
    })
    .await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let sent = pattern();
    let chunks: Vec<_> =
        sent.chunks(50_000).map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk))).collect();
    let bodies: [reqwest::Body; 2] =
        [sent.clone().into(), reqwest::Body::wrap_stream(tokio_stream::iter(chunks))];
    for body in bodies {
        let request = reqwest::Client::new().post(format!("http://{}/", router.address)).header("host", HOST);
        let received = request.body(body).send().await.unwrap().bytes().await.unwrap();
        assert!(received == sent);
    }
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let go = Arc::new(Semaphore::new(0));
    let allowed = Arc::clone(&go);
    let app = App::answering(move |_| {
        let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
        let allowed = Arc::clone(&allowed);
        tokio::spawn(async move {
            for number in 0..3 {
                allowed.acquire().await.unwrap().forget();
                let event = Bytes::from(format!("data: {number}\n\n"));
                if sender.send(Ok(Frame::data(event))).await.is_err() {
                    return;
                }
            }
        });
        async { Response::new(StreamBody::new(ReceiverStream::new(receiver))) }
    })
    .await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let client = reqwest::Client::new();
    let response = client.get(format!("http://{}/", router.address)).header("host", HOST).send();
    let mut events = within_seconds(response).await.unwrap().bytes_stream();
    for number in 0..3 {
        // The app sends the next one only after this one was read.
        go.add_permits(1);
        let event = within_seconds(events.next()).await.unwrap().unwrap();
        assert_eq!(event, format!("data: {number}\n\n"));
    }
    assert!(within_seconds(events.next()).await.is_none());
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let app = App::answering(|request| async {
        let announced = request.headers().get("trailer").cloned();
        let body = request.into_body().collect().await.unwrap();
        let sum = body.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-back", sum.unwrap_or(HeaderValue::from_static("none")));
        let frames = [Frame::data(Bytes::from("body")), Frame::trailers(trailers)];
        let frames = frames.map(Ok::<_, Infallible>);
        let mut response = Response::new(StreamBody::new(tokio_stream::iter(frames)));
        response.headers_mut().insert("trailer", HeaderValue::from_static("x-back"));
        response.headers_mut().insert("x-announced", announced.unwrap());
        response
    })
    .await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nTE: trailers\r\nConnection: TE, close\r\nTrailer: x-sum\r\n\
         Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n"
    );
    let answer = router.raw(&request).await;
    assert!(answer.contains("x-announced: x-sum"), "{answer}");
    assert!(answer.contains("4\r\nbody\r\n0\r\nx-back: 42\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let app = App::answering(|request| async {
        Response::new(Full::new(request.into_body().collect().await.unwrap().to_bytes()))
    })
    .await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read_head(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"12345").await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("12345"), "{answer}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let app = App::answering(|request| async {
        let _ = request.into_body().collect().await;
        Response::new(Full::new(Bytes::from("taken")))
    })
    .await;
    let router = TestRouter::with(|options| options.max_body_bytes = Some(8)).await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[app.address]));
    for (body, status) in [
        ("Content-Length: 8\r\n\r\n12345678", "200"),
        ("Content-Length: 9\r\n\r\n123456789", "413"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n", "413"),
    ] {
        let answer =
            router.raw(&format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{body}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    assert_eq!(router.handle.counters(id).unwrap().status_5xx, 0);
}

#[tokio::test]
async fn an_answer_can_come_before_the_body_has_gone() {
    let app = App::listening(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let router = TestRouter::leading_to(&[app.address]).await;
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    let head = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\nstart");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn an_upload_may_take_longer_than_an_answer() {
    let app = App::answering(|request| async {
        Response::new(Full::new(request.into_body().collect().await.unwrap().to_bytes()))
    })
    .await;
    let router = TestRouter::with(|options| options.response_timeout = Duration::from_millis(200)).await;
    let _ = router.handle.set_route(route(EnvironmentId::generate(), &[app.address]));
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    let head = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 8\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for byte in b"12345678" {
        tokio::time::sleep(Duration::from_millis(80)).await;
        stream.write_all(&[*byte]).await.unwrap();
    }
    assert!(read_to_end(&mut stream).await.ends_with("12345678"));

    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_instance() {
    let app = App::listening(|mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nendless").await.unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[app.address]));
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
    read_head(&mut stream).await;
    assert_eq!(router.handle.counters(id).unwrap().in_flight, 1);
    drop(stream);
    super::support::until(|| router.handle.counters(id).unwrap().in_flight == 0).await;
}
