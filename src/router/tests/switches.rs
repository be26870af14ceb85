//! Nobody notices a switch.

use super::support::{App, HOST, TestRouter, dead_address, route, until, within_seconds};
use crate::model::id::EnvironmentId;
use crate::model::route::Route;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_instances_come_and_go() {
    let router = TestRouter::start().await;
    let environment_id = EnvironmentId::generate();
    let mut current = App::named("v0").await;
    let _ = router.handle.set_route(route(environment_id, &[current.address]));

    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (stop, answered, url) =
            (Arc::clone(&stop), Arc::clone(&answered), format!("http://{}/", router.address));
        clients.spawn(async move {
            let client = reqwest::Client::new();
            while !stop.load(Ordering::Relaxed) {
                let request = if number % 2 == 0 { client.get(&url) } else { client.post(&url).body("x") };
                let response = request.header("host", HOST).send().await.unwrap();
                assert_eq!(response.status(), 200);
                response.text().await.unwrap();
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for _ in 0..30 {
        let before = answered.load(Ordering::Relaxed);
        until(|| answered.load(Ordering::Relaxed) > before + 20).await;
        let next = App::named("next").await;
        let switched = router.handle.set_route(route(environment_id, &[next.address]));
        let drained = switched.drain.finished(Duration::from_secs(10)).await;
        assert_eq!(drained.cut, 0);
        // The old instance breaks every connection it still has: there must be none in use.
        current = next;
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    drop(current);
    let counters = router.handle.counters(environment_id).unwrap();
    assert_eq!(counters.requests, answered.load(Ordering::Relaxed) as u64);
    assert_eq!(counters.status_2xx, counters.requests);
    assert_eq!(counters.status_5xx, 0);
}

#[tokio::test]
async fn what_comes_after_a_switch_goes_to_the_new_instance() {
    let (old, new) = (App::named("old").await, App::named("new").await);
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[old.address]));
    assert!(router.get().await.ends_with("old"));
    let _ = router.handle.set_route(route(id, &[new.address]));
    assert!(router.get().await.ends_with("new"));
}

#[tokio::test]
async fn an_instance_that_stays_keeps_its_connections_and_one_that_only_has_its_address_does_not() {
    let app = App::named("app").await;
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &[app.address]));
    router.get().await;
    let _ = router.handle.set_route(route(id, &[app.address]));
    router.get().await;
    assert_eq!(app.connections.load(Ordering::SeqCst), 1);

    let mut other = route(id, &[app.address]);
    other.targets[0].instance_id.0.push_str("-other");
    let _ = router.handle.set_route(other);
    router.get().await;
    assert_eq!(app.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn requests_are_spread_over_the_instances() {
    let apps = [App::named("a").await, App::named("b").await, App::named("c").await];
    let router = TestRouter::leading_to(&apps.each_ref().map(|app| app.address)).await;
    for _ in 0..9 {
        router.get().await;
    }
    assert_eq!(apps.each_ref().map(|app| app.requests.load(Ordering::SeqCst)), [3, 3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_busy_gets_nothing_while_another_one_is_not() {
    let go_on = Arc::new(Notify::new());
    let holding = async || {
        let go_on = Arc::clone(&go_on);
        App::answering(move |request| {
            let go_on = Arc::clone(&go_on);
            async move {
                if request.uri().path() == "/long" {
                    go_on.notified().await;
                }
                Response::new(Full::new(Bytes::new()))
            }
        })
        .await
    };
    let apps = [holding().await, holding().await];
    let router = Arc::new(TestRouter::leading_to(&apps.each_ref().map(|app| app.address)).await);
    let asked = || apps.each_ref().map(|app| app.requests.load(Ordering::SeqCst));
    let long = {
        let router = Arc::clone(&router);
        let head = format!("GET /long HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        tokio::spawn(async move { router.raw(&head).await })
    };
    until(|| asked().contains(&1)).await;
    let busy = asked().iter().position(|requests| *requests == 1).unwrap();
    for _ in 0..4 {
        router.get().await;
    }
    assert_eq!((asked()[busy], asked()[1 - busy]), (1, 4));
    go_on.notify_one();
    assert!(within_seconds(long).await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn routes_are_set_removed_and_replaced() {
    let app = App::named("app").await;
    let router = TestRouter::start().await;
    let (one, two) = (EnvironmentId::generate(), EnvironmentId::generate());
    let _ = router.handle.set_route(route(one, &[app.address]));
    let mut other = route(two, &[app.address]);
    other.hosts = vec!["Blog.Example.com.".to_owned(), "no host name".to_owned()];
    let _ = router.handle.set_route(other.clone());
    let hosts: Vec<_> = router.handle.routes().into_iter().map(|route| route.hosts).collect();
    assert_eq!(hosts, [vec![HOST.to_owned()], vec!["blog.example.com".to_owned()]]);

    let _ = router.handle.remove_route(one);
    assert!(router.get().await.starts_with("HTTP/1.1 404"));
    assert!(router.handle.counters(one).is_none());

    let _ = router.handle.set_route(route(one, &[app.address]));
    assert!(router.get().await.ends_with("app"));
}

#[tokio::test]
async fn a_host_follows_the_newer_claim_and_survives_the_older_one() {
    let (old, new) = (App::named("old").await, App::named("new").await);
    let router = TestRouter::start().await;
    let (one, two) = (EnvironmentId::generate(), EnvironmentId::generate());
    let _ = router.handle.set_route(route(one, &[old.address]));
    let _ = router.handle.set_route(route(two, &[new.address]));
    assert!(router.get().await.ends_with("new"));
    let _ = router.handle.remove_route(one);
    assert!(router.get().await.ends_with("new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_stays_with_its_instance_while_that_is_there() {
    let (one, two) = (App::named("one").await, App::named("two").await);
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let both = Route { sticky: true, ..route(id, &[one.address, two.address]) };
    let _ = router.handle.set_route(both.clone());
    let ask = async |cookie: &str| {
        let head = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
        router.raw(&head).await
    };
    let given = |answer: &str| Some(answer.split_once("set-cookie: ")?.1.split_once("\r\n")?.0.to_owned());
    let body = |answer: &str| answer.rsplit("\r\n").next().unwrap().to_owned();
    let first = ask("a=1").await;
    let cookie = given(&first).unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    assert!(!pair.contains(&both.targets[0].instance_id.0), "{pair}");
    let mine = body(&first);
    for _ in 0..6 {
        let answer = ask(&format!("b=2; {pair}")).await;
        assert_eq!((body(&answer), given(&answer)), (mine.clone(), None));
    }
    // One that another app of the domain has set changes nothing.
    let answer = ask(&format!("{pair}; gilgal_instance=other")).await;
    assert_eq!((body(&answer), given(&answer)), (mine.clone(), None));
    // What nobody was given is nobody's.
    let forged = ask("gilgal_instance=instance-1").await;
    assert!(given(&forged).is_some(), "{forged}");

    let gone = if mine == "one" { one.address } else { two.address };
    let left = both.targets.iter().filter(|target| target.address != gone).cloned().collect();
    let _ = router.handle.set_route(Route { targets: left, ..both });
    let answer = ask(pair).await;
    assert!(body(&answer) != mine && given(&answer).is_some(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_requests_tries_new_instances_out() {
    let (old, new) = (App::named("old").await, App::named("new").await);
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let live = route(id, &[old.address]);
    let next = route(id, &[new.address]);
    let begin =
        |route: &Route| router.handle.begin_canary(id, route.deployment_id, 25, route.targets.clone());
    assert!(!begin(&next), "nothing is served");
    let _ = router.handle.set_route(live.clone());
    assert!(router.get().await.ends_with("old"));
    assert!(begin(&next));
    // What is set meanwhile, as by a restart of an engine, leaves it as it is.
    let _ = router.handle.set_route(live.clone());
    for _ in 0..40 {
        router.get().await;
    }
    let counters = router.handle.canary_counters(id).unwrap();
    assert_eq!((counters.new.answers, counters.old.answers), (10, 30));

    // One that cannot be reached costs nobody an answer.
    let gone = route(id, &[dead_address().await]);
    assert!(begin(&gone));
    for _ in 0..8 {
        assert!(router.get().await.ends_with("old"));
    }
    // It is told all the same.
    let counters = router.handle.canary_counters(id).unwrap();
    assert_eq!((counters.new.answers, counters.new.errors, counters.old.errors), (2, 2, 0));
    let ended = router.handle.end_canary(id).unwrap();
    assert_eq!(ended.drain.finished(Duration::from_secs(10)).await.cut, 0);
    assert!(router.handle.end_canary(id).is_none());

    // What goes live keeps what it has shown until then.
    assert!(begin(&next));
    for _ in 0..8 {
        router.get().await;
    }
    let _ = router.handle.set_route(next.clone());
    assert!(router.get().await.ends_with("new"));
    assert!(router.handle.canary_counters(id).is_none());
    assert_eq!(router.handle.release_counters(id).unwrap().now.answers, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_spread_over_the_instances_while_others_are_tried_out() {
    let old = [App::named("a").await, App::named("b").await];
    let new = [App::named("c").await, App::named("d").await];
    let router = TestRouter::start().await;
    let id = EnvironmentId::generate();
    let _ = router.handle.set_route(route(id, &old.each_ref().map(|app| app.address)));
    let next = route(id, &new.each_ref().map(|app| app.address));
    assert!(router.handle.begin_canary(id, next.deployment_id, 50, next.targets));
    for _ in 0..8 {
        router.get().await;
    }
    let asked = |apps: &[App; 2]| apps.each_ref().map(|app| app.requests.load(Ordering::SeqCst));
    assert_eq!((asked(&old), asked(&new)), ([2, 2], [2, 2]));
}
