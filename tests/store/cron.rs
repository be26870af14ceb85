//! Runs of the commands of a schedule, and whether an environment is in service.

use crate::fixture::{Database, advance_to, enqueue, on_both, project, user};
use crate::releases::new_release;
use chrono::{DurationRound, TimeDelta};
use gilgal::model::cron::{CronRun, CronRunState};
use gilgal::model::deployment::{DeploymentRecord, DeploymentState as State};
use gilgal::model::environment::Environment;
use gilgal::model::id::CronRunId;
use gilgal::model::time::{Timestamp, now};
use gilgal::store::{CronRunEnd, PageRequest, StoreError};

on_both![
    a_minute_has_one_run_of_a_command,
    the_newest_runs_are_kept,
    what_a_server_has_cut_off_is_marked,
    what_goes_live_starts_what_was_stopped_before_it_was_asked_for,
];

fn run(environment: &Environment, scheduled_at: Option<Timestamp>) -> CronRun {
    CronRun {
        id: CronRunId::generate(),
        environment_id: environment.id,
        name: "nightly".parse().unwrap(),
        scheduled_at,
        requested_by: None,
        version: 7,
        state: CronRunState::Running,
        exit_code: None,
        reason: None,
        output: String::new(),
        started_at: now(),
        finished_at: None,
    }
}

fn failed(output: &str) -> CronRunEnd {
    CronRunEnd { state: CronRunState::Failed, exit_code: Some(3), reason: None, output: output.to_owned() }
}

async fn a_minute_has_one_run_of_a_command(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let minute = now().duration_trunc(TimeDelta::minutes(1)).unwrap();
    let first = run(&production, Some(minute));
    store.begin_cron_run(first.clone()).await.unwrap();
    let second = store.begin_cron_run(run(&production, Some(minute))).await;
    assert!(matches!(second, Err(StoreError::Conflict { field: "scheduled_at" })), "{second:?}");
    let other = CronRun { name: "hourly".parse().unwrap(), ..run(&production, Some(minute)) };
    store.begin_cron_run(other).await.unwrap();
    // By hand as often as somebody likes.
    for _ in 0..2 {
        store.begin_cron_run(CronRun { requested_by: Some(ada.id), ..run(&production, None) }).await.unwrap();
    }
    assert_eq!(store.cron_run(first.id).await.unwrap(), first);
    store.end_cron_run(first.id, failed("a\0b")).await.unwrap();
    let ended = store.cron_run(first.id).await.unwrap();
    assert_eq!(
        (ended.state, ended.exit_code, ended.output.as_str()),
        (CronRunState::Failed, Some(3), "a^@b")
    );
    assert!(ended.finished_at.is_some());
    store.delete_environment(production.id).await.unwrap();
    assert!(matches!(store.end_cron_run(first.id, failed("")).await, Err(StoreError::NotFound)));
    assert!(matches!(store.begin_cron_run(run(&production, None)).await, Err(StoreError::NotFound)));
}

async fn the_newest_runs_are_kept(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let mut ids = Vec::new();
    for _ in 0..52 {
        let run = run(&production, None);
        store.begin_cron_run(run.clone()).await.unwrap();
        ids.push(run.id);
    }
    store.end_cron_run(ids[51], failed("")).await.unwrap();
    let name = "nightly".parse().unwrap();
    let page = store.cron_runs_of(production.id, &name, PageRequest::new(30, None)).await.unwrap();
    let rest = store.cron_runs_of(production.id, &name, PageRequest::new(30, page.next)).await.unwrap();
    let kept: Vec<_> = page.data.iter().chain(&rest.data).map(|run| run.id).collect();
    assert_eq!(kept, ids[2..].iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(rest.next, None);
}

async fn what_a_server_has_cut_off_is_marked(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let (ended, cut) = (run(&production, None), run(&production, None));
    for run in [&ended, &cut] {
        store.begin_cron_run(run.clone()).await.unwrap();
    }
    store.end_cron_run(ended.id, failed("")).await.unwrap();
    assert_eq!(store.interrupt_cron_runs().await.unwrap(), 1);
    assert_eq!(store.interrupt_cron_runs().await.unwrap(), 0);
    assert_eq!(store.cron_run(cut.id).await.unwrap().state, CronRunState::Interrupted);
    assert_eq!(store.cron_run(ended.id).await.unwrap().state, CronRunState::Failed);
}

async fn what_goes_live_starts_what_was_stopped_before_it_was_asked_for(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let read = store.environment(production.id).await.unwrap();
    let before = store.set_maintenance(production.id, true, Some(&read)).await.unwrap().maintenance_at;
    let again = store.set_maintenance(production.id, false, Some(&read)).await;
    assert!(matches!(again, Err(StoreError::Stale)), "it is not as it was read: {again:?}");
    let stopped = store.stop_environment(production.id, Some(&read)).await;
    assert!(matches!(stopped, Err(StoreError::Stale)), "{stopped:?}");
    assert_eq!(store.set_maintenance(production.id, true, None).await.unwrap().maintenance_at, before);
    let under_way = enqueue(&store, &production, 'a').await.deployment;
    store.stop_environment(production.id, None).await.unwrap();
    assert!(store.put_to_sleep(production.id).await.unwrap().asleep_at.is_some());
    assert_eq!(store.wake_up(production.id).await.unwrap().asleep_at, None);
    store.put_to_sleep(production.id).await.unwrap();
    advance_to(&store, &under_way, State::Checking).await;
    store.commit_release(new_release(&under_way), &DeploymentRecord::default()).await.unwrap().unwrap();
    let stopped = store.environment(production.id).await.unwrap();
    assert!(stopped.stopped_at.is_some(), "it was asked for before");
    assert_eq!(stopped.asleep_at, None, "its instances run or are stopped, and are not asleep");

    let next = enqueue(&store, &production, 'b').await.deployment;
    advance_to(&store, &next, State::Checking).await;
    store.commit_release(new_release(&next), &DeploymentRecord::default()).await.unwrap().unwrap();
    let started = store.environment(production.id).await.unwrap();
    assert_eq!((started.stopped_at, started.maintenance_at), (None, before));
    assert_eq!(store.set_maintenance(production.id, false, None).await.unwrap().maintenance_at, None);
}
