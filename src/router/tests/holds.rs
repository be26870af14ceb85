//! Requests that wait while an app has no instance for a moment.

use super::support::{App, HOST, TestRouter, route, until, within_seconds};
use crate::model::id::EnvironmentId;
use crate::model::route::{Route, Standing};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_for_the_next_instance() {
    let old = App::named("old").await;
    let router = Arc::new(TestRouter::start().await);
    let id = EnvironmentId::generate();
    let before = route(id, &[old.address]);
    let _ = router.handle.set_route(before.clone());
    assert!(router.get().await.ends_with("old"));

    router.handle.hold(id);
    let mut empty = before.clone();
    empty.targets.clear();
    let switched = router.handle.set_route(empty);
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let router = Arc::clone(&router);
            tokio::spawn(async move { router.get().await })
        })
        .collect();
    // What waits does not keep the old instance.
    assert_eq!(switched.drain.finished(Duration::from_secs(10)).await.cut, 0);
    until(|| router.handle.counters(id).is_some_and(|counters| counters.requests == 6)).await;
    drop(old);
    // Longer than six answers take.
    tokio::time::sleep(Duration::from_millis(300)).await;
    // A second hold is the first one.
    router.handle.hold(id);

    let new = App::named("new").await;
    let _ = router.handle.set_route(route(id, &[new.address]));
    assert_eq!(new.requests.load(Ordering::SeqCst), 0, "a route does not end it");
    let held = router.handle.end_hold(id).unwrap();
    assert_eq!((held.requests, held.turned_away), (5, 0));
    for answer in waiting {
        assert!(within_seconds(answer).await.unwrap().ends_with("new"));
    }
    assert!(router.handle.end_hold(id).is_none());
    assert!(router.get().await.ends_with("new"));
    // Waiting is not the new release's slowness.
    let counters = router.handle.release_counters(id).unwrap();
    assert_eq!((counters.now.answers, counters.now.errors), (6, 0));
    assert!(counters.now.waited < held.lasted, "{counters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_an_app_takes_is_counted() {
    const SLOW: Duration = Duration::from_millis(200);
    let app = App::answering(|_| async {
        tokio::time::sleep(SLOW).await;
        Response::new(Full::new(Bytes::from("slow")))
    })
    .await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[app.address]));
    let begun = Instant::now();
    for _ in 0..3 {
        assert!(router.get().await.ends_with("slow"));
    }
    let now = router.handle.release_counters(id).unwrap().now;
    assert_eq!((now.answers, now.errors), (3, 0));
    assert!((SLOW * 3..=begun.elapsed()).contains(&now.waited), "{now:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_bounded_in_number_and_time() {
    let router = TestRouter::with(|options| {
        options.max_held = 1;
        options.hold_limit = Duration::from_millis(300);
    })
    .await;
    let router = Arc::new(router);
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[]));
    router.handle.hold(id);
    let first = {
        let router = Arc::clone(&router);
        tokio::spawn(async move { router.get().await })
    };
    until(|| router.handle.counters(id).is_some_and(|counters| counters.requests == 1)).await;
    for answer in [router.get().await, first.await.unwrap()] {
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("x-gilgal-error: app_replaced"), "{answer}");
        assert!(answer.contains("retry-after:"), "{answer}");
    }
    let held = router.handle.end_hold(id).unwrap();
    assert_eq!((held.requests, held.turned_away), (2, 2));
    assert!(router.get().await.contains("x-gilgal-error: no_instance"));
}

#[tokio::test]
async fn other_apps_do_not_wait_and_one_without_a_route_has_nothing_to_hold() {
    let app = App::named("app").await;
    let router = TestRouter::start().await;
    let (one, other) = (EnvironmentId::generate(), EnvironmentId::generate());
    router.handle.hold(one);
    assert!(router.handle.end_hold(one).is_none());
    let mut blog = route(other, &[]);
    blog.hosts = vec!["blog.example.com".to_owned()];
    let _ = router.handle.set_route(blog);
    router.handle.hold(other);
    let _ = router.handle.set_route(route(one, &[app.address]));
    let answer = router.raw(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")).await;
    assert!(answer.ends_with("app"), "{answer}");
}

#[tokio::test]
async fn an_app_out_of_service_is_answered_for() {
    let app = App::named("app").await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let open = route(id, &[app.address]);
    let with = |standing: Standing| Route { standing, ..open.clone() };
    let own = || Standing::Maintenance { page: Some("<h1>Moving the tables</h1>".to_owned()) };
    for (standing, status, part) in [
        (Standing::Maintenance { page: None }, "503", "x-gilgal-error: maintenance"),
        (Standing::Maintenance { page: None }, "503", "Back in a moment"),
        (own(), "503", "retry-after: 60"),
        (own(), "503", "<h1>Moving the tables</h1>"),
        (Standing::Stopped, "503", "x-gilgal-error: app_stopped"),
        (Standing::Open, "200", "app"),
    ] {
        let _ = router.handle.set_route(with(standing));
        let answer = router.get().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(part), "{answer}");
    }
    let _ = router.handle.set_route(with(own()));
    let json = router
        .raw(&format!(
            "GET / HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        ))
        .await;
    assert!(json.contains("\"maintenance\""), "{json}");
    assert_eq!(app.requests.load(Ordering::SeqCst), 1);
    // None of it is the release's.
    assert_eq!(router.handle.release_counters(id).unwrap().now.answers, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_until_an_app_is_awake() {
    let app = App::named("app").await;
    let router = Arc::new(TestRouter::start().await);
    let id = EnvironmentId::generate();
    let awake = route(id, &[app.address]);
    let asleep = Route { standing: Standing::Asleep, targets: Vec::new(), ..awake.clone() };
    let _ = router.handle.set_route(asleep.clone());
    assert_eq!(router.handle.wanted(), []);
    let ask = || {
        let router = Arc::clone(&router);
        tokio::spawn(async move { router.get().await })
    };
    let waiting: Vec<_> = (0..5).map(|_| ask()).collect();
    within_seconds(router.handle.is_wanted()).await;
    assert_eq!(router.handle.wanted(), [id]);
    until(|| router.handle.counters(id).is_some_and(|counters| counters.requests == 5)).await;
    // Told the same once more, it sleeps on.
    let _ = router.handle.set_route(asleep.clone());
    let _ = router.handle.set_route(awake.clone());
    for answer in waiting {
        assert!(within_seconds(answer).await.unwrap().ends_with("app"));
    }
    assert_eq!(router.handle.wanted(), []);

    let _ = router.handle.set_route(asleep.clone());
    let waits = ask();
    within_seconds(router.handle.is_wanted()).await;
    router.handle.stays_asleep(id, Duration::from_millis(300));
    for answer in [waits.await.unwrap(), router.get().await] {
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("x-gilgal-error: app_not_woken"), "{answer}");
    }
    assert_eq!(router.handle.wanted(), [], "nobody waits");
    until(|| !router.handle.wanted().is_empty() || ask().is_finished()).await;
    let _ = router.handle.remove_route(id);
    assert!(router.get().await.contains("x-gilgal-error: no_such_app"));
    // None of it is the release's.
    let _ = router.handle.set_route(awake.clone());
    assert_eq!(router.handle.release_counters(id).unwrap().now.answers, 0);

    // It is about to fall asleep and does not: who waits is answered, by the same instance.
    let closing = Route { standing: Standing::Asleep, ..awake.clone() };
    assert_eq!(router.handle.set_route(closing).in_flight, 0);
    let waits = ask();
    until(|| router.handle.wanted() == [id]).await;
    let _ = router.handle.set_route(awake);
    assert!(within_seconds(waits).await.unwrap().ends_with("app"));
}
