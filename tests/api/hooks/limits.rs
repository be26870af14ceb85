//! Much at once, and what is too much.

use super::{Hook, PING, PUSH, connected, deployments, push};
use crate::support::{Options, Reply, TestServer};
use futures_util::future::Either;
use gilgal::api::RequestLimits;
use gilgal::model::time::now;
use serde_json::json;
use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_a_limit_and_a_guesser_too() {
    let (_server, _ada, hook) = connected("github").await;
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(5 * 1024 * 1024));
    assert_eq!(hook.github("push", "1", &large).await.refusal(413), "body_too_large");

    let request_limits = RequestLimits { per_peer: NonZeroU32::new(5), per_account: None };
    let server = TestServer::start_with(Options { request_limits, ..Options::default() }).await;
    let proxy =
        reqwest::Client::builder().no_proxy().local_address(IpAddr::from([127, 0, 0, 3])).build().unwrap();
    let guess = async |client: &'static str| {
        let url = format!("http://{}/webhooks/github/{}", server.address, uuid::Uuid::now_v7());
        Reply::of(proxy.post(url).header("x-forwarded-for", client).body("{}")).await.status
    };
    for _ in 0..5 {
        assert_eq!(guess("203.0.113.1").await, 404);
    }
    assert_eq!(guess("203.0.113.1").await, 429);
    assert_eq!(guess("203.0.113.2").await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_delivers_slowly_leaves_room_to_others() {
    let server = TestServer::start().await;
    let proxy = IpAddr::from([127, 0, 0, 3]);
    // Most of a body, and then nothing.
    let half = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((proxy, 0).into()).unwrap();
        let mut stream = socket.connect(server.address).await.unwrap();
        let path = format!("/webhooks/github/{}", uuid::Uuid::now_v7());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 203.0.113.1\r\ncontent-length: 5000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // Who is refused in the middle is not listened to any more.
        let _ = stream.write_all(&vec![b'x'; 4_900_000]).await;
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    };
    let (one, two) = (half(), half());
    tokio::pin!(one, two);
    let (refused, left) = match futures_util::future::select(one, two).await {
        Either::Left((answer, left)) | Either::Right((answer, left)) => (answer, left),
    };
    assert_eq!(refused, "HTTP/1.1 503");
    let client = reqwest::Client::builder().no_proxy().local_address(proxy).build().unwrap();
    let url = format!("http://{}/webhooks/github/{}", server.address, uuid::Uuid::now_v7());
    let other = client.post(url).header("x-forwarded-for", "203.0.113.2").body(vec![b'x'; 5_000_000]);
    assert_eq!(Reply::of(other).await.status, 404);
    // It is not waited for as long as a body may take.
    let late = tokio::time::timeout(Duration::from_secs(20), left).await.unwrap();
    assert_eq!(late, "HTTP/1.1 408");
}

/// The numbers of the issue: a burst of 1,000 deliveries makes one deployment that waits, and each is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_makes_one_deployment_that_waits() {
    let (server, ada, hook) = connected("github").await;
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..50 {
        let hook = hook.clone();
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for number in 0..20 {
                let sent = Instant::now();
                let body = push(|body| body["after"] = json!(format!("{:040x}", sender * 20 + number + 1)));
                let answer = hook.github("push", &format!("{sender} {number}"), &body).await.expect(202);
                answers.push((answer["deployment_id"].to_string(), sent.elapsed()));
            }
            answers
        });
    }
    let answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let slowest = answers.iter().map(|(_, time)| *time).max().unwrap();
    assert_eq!(answers.len(), 1000);
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    let made: HashSet<_> = answers.into_iter().map(|(id, _)| id).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(deployments(&ada).await.len(), 1);

    // What is too much goes at once, the oldest first; what is old is forgotten.
    let first = gilgal::store::PageRequest::first();
    let before = server.store.hook_deliveries_of(hook.id.parse().unwrap(), first).await.unwrap().data;
    hook.github_bytes("push", "one more", PUSH).await.expect(202);
    // What names no commit takes the place of none that does.
    hook.github("ping", "a ping", PING).await.expect(200);
    let kept = server.store.hook_deliveries_of(hook.id.parse().unwrap(), first).await.unwrap().data;
    assert_eq!(kept[2..], before[..before.len() - 2]);
    let yesterday = now() - chrono::TimeDelta::days(1);
    assert_eq!(server.store.forget_hook_deliveries(yesterday).await.unwrap(), 0);
    assert_eq!(server.store.forget_hook_deliveries(now()).await.unwrap(), 1001);

    // What has been pushed out is known all the same, by its id and by its content.
    let by_id = hook.github("push", "0 0", PUSH).await.expect(200);
    let by_content = hook.github_bytes("push", "another id", PUSH).await.expect(200);
    for answer in [by_id, by_content, hook.github("ping", "a ping", PING).await.expect(200)] {
        assert_eq!((&answer["replayed"], &answer["reason"]), (&json!(true), &json!("came_before")));
    }
    // For as long as it is remembered: those of the burst and two more, by two things each.
    assert_eq!(server.store.forget_hook_memory(yesterday).await.unwrap(), 0);
    assert_eq!(server.store.forget_hook_memory(now()).await.unwrap(), 2004);
    hook.github("push", "0 0", PUSH).await.expect(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_is_kept_whole_for_as_long_as_there_is_room() {
    let (_server, ada, hook) = connected("github").await;
    // All of a project share it.
    let hooks = [hook, Hook::create(&ada, "github").await];
    let mut random = 1_u64;
    let mut sent = Vec::new();
    for (number, hook) in hooks.iter().cycle().take(6).enumerate() {
        // Of hexadecimal digits, a half of which is left when they are compressed.
        let digits = std::iter::repeat_with(|| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            format!("{random:016x}")
        });
        let padding: String = digits.take(256 * 1024).collect();
        let body = push(|body| body["padding"] = json!(padding));
        let taken = hook.github_bytes("push", &number.to_string(), &body).await.expect(202);
        sent.push((format!("{}/deliveries/{}", hook.url(), taken["id"].as_str().unwrap()), body));
    }
    let kept = async |(path, _): &(String, String)| ada.get(path).await.expect(200)["request"].take();
    let newest = kept(&sent[5]).await;
    assert!(newest["body"] == sent[5].1 && newest["truncated"] == false, "it is whole");
    let oldest = kept(&sent[0]).await;
    let beginning = oldest["body"].as_str().unwrap();
    assert!(oldest["truncated"] == true && sent[0].1.starts_with(beginning), "its beginning is there");
    assert_eq!(beginning.len(), 2 * 1024);
}
