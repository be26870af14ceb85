//! The queue of jobs.

use crate::configuration::new as new_environment;
use crate::fixture::{Database, on_both, project, user};
use chrono::TimeDelta;
use gilgal::model::id::JobId;
use gilgal::model::time::now;
use gilgal::store::{Job, NewJob, Store, Whose};
use std::collections::HashSet;
use std::time::Duration;

on_both![
    each_job_is_taken_once,
    jobs_of_one_lock_run_one_after_the_other,
    owners_take_turns,
    projects_of_one_owner_take_turns,
    a_job_without_its_worker_is_taken_again,
    a_failed_job_waits_for_its_time,
    a_job_that_is_tried_again_keeps_its_turn,
    a_worker_that_stops_gives_its_jobs_back,
    attempts_that_end_with_the_worker_are_told_apart,
    what_ended_long_ago_is_forgotten,
];

const LEASE: Duration = Duration::from_secs(60);

async fn enqueue(store: &Store, number: i64, lock: Option<&str>) -> JobId {
    let new = NewJob {
        kind: "count".to_owned(),
        payload: serde_json::json!({ "number": number }),
        lock_key: lock.map(str::to_owned),
        deployment_id: None,
    };
    store.enqueue_job(new).await.unwrap()
}

async fn each_job_is_taken_once(database: Database) {
    for number in 0..200 {
        enqueue(&database.store, number, None).await;
    }
    let workers: Vec<_> = (0..8)
        .map(|number| {
            let store = database.store.clone();
            tokio::spawn(async move {
                let worker = format!("worker {number}");
                let mut done = Vec::new();
                while let Some(job) = store.claim_job(&worker, LEASE, Whose::Anybodys).await.unwrap() {
                    assert_eq!(job.attempts, 1);
                    assert!(store.complete_job(job.id, &worker).await.unwrap());
                    done.push(job.payload["number"].as_i64().unwrap());
                }
                done
            })
        })
        .collect();
    let mut done = Vec::new();
    for worker in workers {
        done.extend(worker.await.unwrap());
    }
    assert_eq!((done.len(), done.iter().collect::<HashSet<_>>().len()), (200, 200));
    assert_eq!(database.store.open_jobs().await.unwrap(), 0);
}

async fn jobs_of_one_lock_run_one_after_the_other(database: Database) {
    let store = database.store;
    let first = enqueue(&store, 1, Some("shop")).await;
    let second = enqueue(&store, 2, Some("shop")).await;
    let other = enqueue(&store, 3, Some("blog")).await;
    assert_eq!(store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap().id, first);
    assert_eq!(store.claim_job("b", LEASE, Whose::Anybodys).await.unwrap().unwrap().id, other);
    assert_eq!(store.claim_job("c", LEASE, Whose::Anybodys).await.unwrap(), None);
    assert!(store.complete_job(first, "a").await.unwrap());
    assert_eq!(store.claim_job("c", LEASE, Whose::Anybodys).await.unwrap().unwrap().id, second);
}

async fn owners_take_turns(database: Database) {
    let store = database.store;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let mut deployments = Vec::new();
    for (owner, slug) in [(&ada, "one"), (&ada, "two"), (&ada, "three"), (&bob, "four"), (&bob, "five")] {
        let (_, production) = project(&store, owner, slug).await;
        deployments.push(crate::fixture::enqueue(&store, &production, 'a').await.deployment.id);
    }
    let claim = async |whose| {
        let job = store.claim_job("a", LEASE, whose).await.unwrap()?;
        deployments.iter().position(|id| job.deployment_id == Some(*id))
    };
    assert_eq!(claim(Whose::Anybodys).await, Some(0));
    assert_eq!(claim(Whose::IdleOwners).await, Some(3), "bob has none under way");
    assert_eq!(claim(Whose::IdleOwners).await, None, "both have one");
    assert_eq!(claim(Whose::Anybodys).await, Some(1), "the oldest of those who have the fewest");
    assert_eq!(claim(Whose::Anybodys).await, Some(4));
    assert_eq!(claim(Whose::Anybodys).await, Some(2));
    assert_eq!(claim(Whose::Anybodys).await, None);
}

async fn projects_of_one_owner_take_turns(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let staging = store.create_environment(new_environment(&shop, "staging", None)).await.unwrap();
    let testing = store.create_environment(new_environment(&shop, "testing", None)).await.unwrap();
    let (_, blog) = project(&store, &ada, "blog").await;
    let mut deployments = Vec::new();
    for environment in [&production, &staging, &testing, &blog] {
        deployments.push(crate::fixture::enqueue(&store, environment, 'a').await.deployment.id);
    }
    let before = async |index: usize| store.deployments_before(deployments[index]).await.unwrap();
    assert_eq!(before(0).await, Some(0));
    assert_eq!(before(3).await, Some(1), "the blog comes before the second of the shop");
    assert_eq!((before(1).await, before(2).await), (Some(2), Some(3)));
    let claim = async || {
        let job = store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap()?;
        deployments.iter().position(|id| job.deployment_id == Some(*id))
    };
    assert_eq!(claim().await, Some(0));
    assert_eq!((before(0).await, before(3).await), (None, Some(0)));
    assert_eq!(claim().await, Some(3));
    assert_eq!((claim().await, claim().await, claim().await), (Some(1), Some(2), None));
    // What waits for its own environment counts the one that runs there.
    let next = crate::fixture::enqueue(&store, &production, 'b').await.deployment.id;
    assert_eq!(store.deployments_before(next).await.unwrap(), Some(1));
}

async fn a_job_without_its_worker_is_taken_again(database: Database) {
    let store = database.store;
    let id = enqueue(&store, 1, Some("shop")).await;
    enqueue(&store, 2, Some("shop")).await;
    store.claim_job("dead", Duration::ZERO, Whose::Anybodys).await.unwrap().unwrap();
    let again = store.claim_job("alive", LEASE, Whose::Anybodys).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts), (id, 2));
    assert_eq!(store.claim_job("another", LEASE, Whose::Anybodys).await.unwrap(), None);
    // The one that was thought dead learns that the job is no longer its own.
    assert!(!store.heartbeat_job(id, "dead", LEASE).await.unwrap());
    assert!(!store.complete_job(id, "dead").await.unwrap());
    assert!(!store.fail_job(id, "dead", "late", None).await.unwrap());
    assert!(store.heartbeat_job(id, "alive", LEASE).await.unwrap());
    assert!(store.complete_job(id, "alive").await.unwrap());
}

async fn a_failed_job_waits_for_its_time(database: Database) {
    let store = database.store;
    let id = enqueue(&store, 1, None).await;
    store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap();
    assert!(store.fail_job(id, "a", "no network", Some(now() + TimeDelta::hours(1))).await.unwrap());
    assert_eq!(store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap(), None);
    assert_eq!(store.open_jobs().await.unwrap(), 1);

    let id = enqueue(&store, 2, None).await;
    store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap();
    assert!(store.fail_job(id, "a", "no network", Some(now())).await.unwrap());
    assert_eq!(store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap().attempts, 2);
    assert!(store.fail_job(id, "a", "no network", None).await.unwrap());
    assert_eq!(store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap(), None);
    assert_eq!(store.open_jobs().await.unwrap(), 1);
}

async fn a_job_that_is_tried_again_keeps_its_turn(database: Database) {
    let store = database.store;
    let older = enqueue(&store, 1, Some("shop")).await;
    let newer = enqueue(&store, 2, Some("shop")).await;
    let other = enqueue(&store, 3, Some("blog")).await;
    assert_eq!(store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap().id, older);
    let soon = now() + TimeDelta::milliseconds(300);
    assert!(store.fail_job(older, "a", "no database", Some(soon)).await.unwrap());
    assert_eq!(store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap().id, other);
    assert_eq!(
        store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap(),
        None,
        "the newer one waits for the older"
    );
    let again = loop {
        if let Some(job) = store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap() {
            break job;
        }
    };
    assert_eq!((again.id, again.attempts), (older, 2));
    assert!(store.complete_job(older, "a").await.unwrap());
    assert_eq!(store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap().id, newer);
}

async fn a_worker_that_stops_gives_its_jobs_back(database: Database) {
    let store = database.store;
    enqueue(&store, 1, Some("shop")).await;
    enqueue(&store, 2, None).await;
    for worker in ["a", "b"] {
        store.claim_job(worker, LEASE, Whose::Anybodys).await.unwrap().unwrap();
    }
    assert_eq!(store.release_jobs_of("a").await.unwrap(), 1);
    assert_eq!(store.claim_job("c", LEASE, Whose::Anybodys).await.unwrap().unwrap().attempts, 2);
    assert_eq!(store.claim_job("c", LEASE, Whose::Anybodys).await.unwrap(), None);
}

async fn what_ended_long_ago_is_forgotten(database: Database) {
    let store = database.store;
    enqueue(&store, 1, Some("shop")).await;
    let ended = store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap();
    store.complete_job(ended.id, "a").await.unwrap();
    enqueue(&store, 2, Some("shop")).await;
    store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap();
    enqueue(&store, 3, Some("shop")).await;
    assert_eq!(store.prune_jobs(now() - TimeDelta::hours(1)).await.unwrap(), 0);
    assert_eq!(store.prune_jobs(now() + TimeDelta::hours(1)).await.unwrap(), 1);
    assert_eq!(store.prune_jobs(now() + TimeDelta::hours(1)).await.unwrap(), 0);
    assert_eq!(store.open_jobs().await.unwrap(), 2);
}

async fn attempts_that_end_with_the_worker_are_told_apart(database: Database) {
    let store = database.store;
    let job = enqueue(&store, 1, None).await;
    let claimed = || async { store.claim_job("a", LEASE, Whose::Anybodys).await.unwrap().unwrap() };
    let counted = |job: Job| (job.attempts, job.deaths);
    assert_eq!(counted(claimed().await), (1, 0));
    assert!(store.fail_job(job, "a", "no database", Some(now())).await.unwrap());
    assert_eq!(counted(claimed().await), (2, 0), "it has ended by itself");
    assert_eq!(store.interrupt_jobs_of("a").await.unwrap(), 1);
    assert_eq!(counted(claimed().await), (3, 0), "it was ended in order");
    assert!(store.heartbeat_job(job, "a", Duration::ZERO).await.unwrap());
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(counted(claimed().await), (3, 0), "its lease has run out, and nobody has died");
    for deaths in 1..=3 {
        assert_eq!(store.release_jobs_of("a").await.unwrap(), 1);
        assert_eq!(counted(claimed().await), (3 + deaths, deaths));
    }
}
