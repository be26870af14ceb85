//! Deployments: the queue, the moves and the lists.

use crate::fixture::{Database, advance_to, commit, enqueue, new_deployment, on_both, project, user};
use gilgal::model::deployment::{Deployment, DeploymentRecord, DeploymentState as State, Status};
use gilgal::model::id::{DeploymentId, EnvironmentId};
use gilgal::model::instance::InstanceId;
use gilgal::store::{DeploymentFilter, Joined, PageRequest, StoreError, Whose};
use std::time::Duration;

on_both![
    a_newer_deployment_takes_the_place_of_the_waiting_one,
    at_most_one_waits_however_many_come,
    a_dropped_request_leaves_everything_or_nothing,
    a_project_may_go_while_deployments_come,
    a_move_starts_from_the_state_that_is_there,
    a_deployment_ends_with_a_reason,
    one_that_waits_is_cancelled_at_once,
    a_cancel_is_noted_once_and_until_it_is_too_late,
    a_second_push_joins_what_is_on_its_way,
    a_push_joins_only_what_moves_its_branch,
    a_redeployment_takes_nobodys_place,
    a_disabled_project_gets_no_deployment,
    disabling_is_seen_by_every_deployment_or_sees_it,
    a_deployment_learns_its_commit_when_it_begins,
    of_simultaneous_pushes_of_a_commit_one_is_deployed,
    deployments_are_listed_by_what_is_asked,
];

async fn a_newer_deployment_takes_the_place_of_the_waiting_one(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let first = enqueue(&store, &production, 'a').await;
    assert_eq!(first.superseded, []);
    let job = store.claim_job("worker", Duration::from_secs(60), Whose::Anybodys).await.unwrap().unwrap();
    assert_eq!(job.payload, serde_json::json!({ "deployment_id": first.deployment.id }));
    assert_eq!(job.lock_key, Some(production.id.to_string()));
    advance_to(&store, &first.deployment, State::Building).await;

    let second = enqueue(&store, &production, 'b').await;
    assert_eq!(second.superseded, [], "one that runs is left alone");
    let third = enqueue(&store, &production, 'c').await;
    assert_eq!(third.superseded, [second.deployment.id]);

    let superseded = store.deployment(second.deployment.id).await.unwrap();
    assert_eq!(
        (superseded.state, superseded.reason.as_deref()),
        (State::Superseded, Some("a newer one came"))
    );
    assert!(superseded.finished_at.is_some() && superseded.started_at.is_none());
    let events = store.deployment_events(second.deployment.id).await.unwrap();
    let states: Vec<_> = events.iter().map(|event| (event.seq, event.state)).collect();
    assert_eq!(states, [(1, State::Queued), (2, State::Superseded)]);

    // The job of the second is gone: after the first comes the third.
    assert!(store.complete_job(job.id, "worker").await.unwrap());
    let job = store.claim_job("worker", Duration::from_secs(60), Whose::Anybodys).await.unwrap().unwrap();
    assert_eq!(job.deployment_id, Some(third.deployment.id));
    assert_eq!(store.open_jobs().await.unwrap(), 1);
}

async fn at_most_one_waits_however_many_come(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (store, production) = (store.clone(), production.clone());
            tokio::spawn(async move { enqueue(&store, &production, 'a').await.superseded.len() })
        })
        .collect();
    let mut superseded = 0;
    for task in tasks {
        superseded += task.await.unwrap();
    }
    assert_eq!(superseded, 19);
    let waiting = DeploymentFilter { status: Some(Status::Queued), ..DeploymentFilter::default() };
    let page = store.deployments_of(shop.id, &waiting, PageRequest::first()).await.unwrap();
    assert_eq!((page.data.len(), store.open_jobs().await.unwrap()), (1, 1));

    let mut nowhere = new_deployment(&production, 'a');
    nowhere.environment_id = EnvironmentId::generate();
    let refused = store.enqueue_deployment(nowhere, "").await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
}

async fn a_dropped_request_leaves_everything_or_nothing(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    for delay in 0..40 {
        let task = tokio::spawn({
            let (store, production) = (store.clone(), production.clone());
            async move { enqueue(&store, &production, 'a').await }
        });
        tokio::time::sleep(Duration::from_micros(delay * 100)).await;
        task.abort();
    }
    enqueue(&store, &production, 'b').await;
    let all =
        store.deployments_of(shop.id, &DeploymentFilter::default(), PageRequest::first()).await.unwrap();
    for deployment in &all.data {
        let events = store.deployment_events(deployment.id).await.unwrap();
        assert_eq!(events.last().map(|event| event.state), Some(deployment.state));
    }
    let waiting = all.data.iter().filter(|deployment| deployment.state == State::Queued).count();
    assert_eq!((waiting, store.open_jobs().await.unwrap()), (1, 1));
}

async fn a_project_may_go_while_deployments_come(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    for round in 0..10 {
        let (shop, production) = project(&store, &ada, &format!("shop-{round}")).await;
        let pushes: Vec<_> = (0..8)
            .map(|_| {
                let (store, new) = (store.clone(), new_deployment(&production, 'a'));
                tokio::spawn(async move { store.enqueue_deployment(new, "").await })
            })
            .collect();
        store.delete_project(shop.id).await.unwrap();
        for push in pushes {
            let outcome = push.await.unwrap();
            assert!(matches!(outcome, Ok(_) | Err(StoreError::NotFound)), "{outcome:?}");
        }
        assert_eq!(store.open_jobs().await.unwrap(), 0);
    }
}

async fn a_move_starts_from_the_state_that_is_there(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let id = enqueue(&store, &production, 'a').await.deployment.id;
    let record =
        DeploymentRecord { instances: vec![InstanceId("abc".to_owned())], ..DeploymentRecord::default() };
    store.advance_deployment(id, State::Queued, State::Fetching, &record, Some("detail")).await.unwrap();
    let again = store.advance_deployment(id, State::Queued, State::Fetching, &record, None).await;
    assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");
    let gone = DeploymentId::generate();
    let missing = store.advance_deployment(gone, State::Queued, State::Fetching, &record, None).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");

    let deployment = store.deployment(id).await.unwrap();
    assert_eq!((deployment.state, &deployment.record), (State::Fetching, &record));
    assert!(deployment.started_at.is_some() && deployment.finished_at.is_none());
    let events = store.deployment_events(id).await.unwrap();
    assert_eq!((events.len(), events[1].detail.as_deref()), (2, Some("detail")));
}

async fn a_deployment_ends_with_a_reason(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let id = enqueue(&store, &production, 'a').await.deployment.id;
    assert_eq!(store.unfinished_deployments().await.unwrap()[0].id, id);
    store.finish_deployment(id, State::Queued, State::UndoingFailure, None, Some("No disk.")).await.unwrap();
    store.finish_deployment(id, State::UndoingFailure, State::Failed, None, None).await.unwrap();
    let failed = store.deployment(id).await.unwrap();
    assert_eq!((failed.state, failed.reason.as_deref()), (State::Failed, Some("No disk.")));
    assert!(failed.finished_at.is_some());
    assert_eq!(store.unfinished_deployments().await.unwrap(), []);
}

async fn one_that_waits_is_cancelled_at_once(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let id = enqueue(&store, &production, 'a').await.deployment.id;
    assert!(store.request_cancel(id).await.unwrap());
    let cancelled = store.deployment(id).await.unwrap();
    assert_eq!(
        (cancelled.state, cancelled.reason.as_deref()),
        (State::Cancelled, Some(Deployment::CANCELLED))
    );
    assert!(cancelled.finished_at.is_some());
    let events = store.deployment_events(id).await.unwrap();
    assert_eq!(events.last().map(|event| event.state), Some(State::Cancelled));
    assert_eq!(store.open_jobs().await.unwrap(), 0);
    assert!(!store.request_cancel(id).await.unwrap());
    assert!(matches!(store.request_cancel(DeploymentId::generate()).await, Err(StoreError::NotFound)));
}

async fn a_cancel_is_noted_once_and_until_it_is_too_late(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let running = enqueue(&store, &production, 'a').await.deployment;
    advance_to(&store, &running, State::Checking).await;
    assert!(store.request_cancel(running.id).await.unwrap());
    let first = store.deployment(running.id).await.unwrap();
    assert!(first.cancel_requested_at.is_some());
    assert_eq!(first.state, State::Checking);
    assert!(store.request_cancel(running.id).await.unwrap());
    assert_eq!(store.deployment(running.id).await.unwrap(), first);
    store.finish_deployment(running.id, State::Checking, State::UndoingCancel, None, None).await.unwrap();
    assert!(!store.request_cancel(running.id).await.unwrap());

    for too_late in [State::Switching, State::Draining, State::Live] {
        let committed = enqueue(&store, &production, 'b').await.deployment;
        advance_to(&store, &committed, too_late).await;
        assert!(!store.request_cancel(committed.id).await.unwrap());
        assert_eq!(store.deployment(committed.id).await.unwrap().cancel_requested_at, None);
    }
}

async fn a_second_push_joins_what_is_on_its_way(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let push = async |digit| {
        store.queue_deployment(new_deployment(&production, digit), "a newer one came").await.unwrap()
    };
    let Joined::New(first) = push('a').await else { panic!("there was none") };
    assert_eq!(push('a').await, Joined::Running(first.deployment.clone()));
    advance_to(&store, &first.deployment, State::Switching).await;
    let Joined::Running(joined) = push('a').await else { panic!("it is not live yet") };
    assert_eq!(joined.id, first.deployment.id);
    assert!(matches!(push('b').await, Joined::New(_)), "another commit");
    advance_to(&store, &first.deployment, State::Draining).await;
    let Joined::New(second) = push('a').await else { panic!("the first is live") };

    // What was cancelled is nothing to wait for.
    advance_to(&store, &second.deployment, State::Building).await;
    assert!(store.request_cancel(second.deployment.id).await.unwrap());
    assert!(matches!(push('a').await, Joined::New(_)));
}

async fn a_push_joins_only_what_moves_its_branch(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let join = async |new| store.queue_deployment(new, "a newer one came").await.unwrap();
    let mut redeployment = new_deployment(&production, 'a');
    redeployment.options.move_branch = false;
    let redeployment = store.enqueue_deployment(redeployment, "").await.unwrap().deployment;
    advance_to(&store, &redeployment, State::Building).await;
    let Joined::New(push) = join(new_deployment(&production, 'a')).await else {
        panic!("a redeployment moves no branch")
    };
    let mut elsewhere = new_deployment(&production, 'a');
    elsewhere.branch = Some("side".parse().unwrap());
    advance_to(&store, &push.deployment, State::Fetching).await;
    let Joined::Running(joined) = join(new_deployment(&production, 'a')).await else { panic!("the same") };
    assert_eq!(joined.id, push.deployment.id);
    assert!(matches!(join(elsewhere).await, Joined::New(_)), "another branch");
}

async fn a_redeployment_takes_nobodys_place(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let redeploy = async || {
        let mut new = new_deployment(&production, 'a');
        new.options.move_branch = false;
        store.queue_deployment(new, "a redeployment came").await.unwrap()
    };
    let running = enqueue(&store, &production, 'b').await.deployment;
    advance_to(&store, &running, State::Building).await;
    let Joined::New(first) = redeploy().await else { panic!("one that runs is not joined") };
    assert_eq!(redeploy().await, Joined::Running(first.deployment.clone()));
    let push = enqueue(&store, &production, 'c').await;
    assert_eq!(push.superseded, [first.deployment.id]);
    assert_eq!(redeploy().await, Joined::Running(push.deployment.clone()));
    assert_eq!(store.deployment(push.deployment.id).await.unwrap().state, State::Queued);
}

async fn a_disabled_project_gets_no_deployment(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    store.set_project_disabled(shop.id, Some(gilgal::model::time::now())).await.unwrap();
    let new = || new_deployment(&production, 'a');
    for refused in [
        store.enqueue_deployment(new(), "").await.map(|_| ()),
        store.queue_deployment(new(), "").await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(StoreError::Disabled)), "{refused:?}");
    }
    assert_eq!(store.open_jobs().await.unwrap(), 0);
    store.set_project_disabled(shop.id, None).await.unwrap();
    enqueue(&store, &production, 'a').await;
}

async fn disabling_is_seen_by_every_deployment_or_sees_it(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    for round in 0..10 {
        let (shop, production) = project(&store, &ada, &format!("shop-{round}")).await;
        let pushes: Vec<_> = (0..8)
            .map(|_| {
                let (store, new) = (store.clone(), new_deployment(&production, 'a'));
                tokio::spawn(async move { store.enqueue_deployment(new, "").await })
            })
            .collect();
        store.set_project_disabled(shop.id, Some(gilgal::model::time::now())).await.unwrap();
        let seen = store.unfinished_deployments().await.unwrap();
        for push in pushes {
            match push.await.unwrap() {
                // Superseded meanwhile, or seen.
                Ok(queued) => {
                    let now = store.deployment(queued.deployment.id).await.unwrap().state;
                    assert!(
                        now == State::Superseded || seen.iter().any(|one| one.id == queued.deployment.id)
                    );
                }
                Err(refused) => assert!(matches!(refused, StoreError::Disabled), "{refused:?}"),
            }
        }
    }
}

async fn a_deployment_learns_its_commit_when_it_begins(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let id = enqueue(&store, &production, 'a').await.deployment.id;
    let early = store.set_deployment_commit(id, &commit('b')).await;
    assert!(matches!(early, Err(StoreError::Stale)), "{early:?}");
    let begun = store.deployment(id).await.unwrap();
    advance_to(&store, &begun, State::Fetching).await;
    store.set_deployment_commit(id, &commit('b')).await.unwrap();
    let now = store.deployment(id).await.unwrap();
    assert_eq!((now.commit, now.previous_commit), (commit('b'), Some(commit('b'))));
}

async fn of_simultaneous_pushes_of_a_commit_one_is_deployed(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let pushes: Vec<_> = (0..20)
        .map(|_| {
            let (store, new) = (store.clone(), new_deployment(&production, 'a'));
            tokio::spawn(async move { store.queue_deployment(new, "").await.unwrap() })
        })
        .collect();
    let mut made = 0;
    for push in pushes {
        made += usize::from(matches!(push.await.unwrap(), Joined::New(_)));
    }
    let any = DeploymentFilter::default();
    let all = store.deployments_of(shop.id, &any, PageRequest::first()).await.unwrap();
    assert_eq!((made, all.data.len(), store.open_jobs().await.unwrap()), (1, 1, 1));
}

async fn deployments_are_listed_by_what_is_asked(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let (_, elsewhere) = project(&store, &ada, "blog").await;
    let mut all = Vec::new();
    for digit in ['a', 'b', 'c', 'a'] {
        all.insert(0, enqueue(&store, &production, digit).await.deployment.id);
    }
    enqueue(&store, &elsewhere, 'a').await;
    let list = async |filter: DeploymentFilter| {
        let page = store.deployments_of(shop.id, &filter, PageRequest::first()).await.unwrap();
        page.data.into_iter().map(|deployment| deployment.id).collect::<Vec<_>>()
    };
    let any = DeploymentFilter::default();
    assert_eq!(list(any.clone()).await, all);
    assert_eq!(list(DeploymentFilter { status: Some(Status::Superseded), ..any.clone() }).await, all[1..]);
    assert_eq!(list(DeploymentFilter { commit: Some(commit('a')), ..any.clone() }).await, [all[0], all[3]]);
    assert_eq!(list(DeploymentFilter { environment_id: Some(elsewhere.id), ..any.clone() }).await, []);

    let first = store.deployments_of(shop.id, &any, PageRequest::new(3, None)).await.unwrap();
    let second = store.deployments_of(shop.id, &any, PageRequest::new(3, first.next)).await.unwrap();
    assert_eq!((first.data.len(), second.data.len(), second.next), (3, 1, None));
    assert_eq!(second.data[0].id, all[3]);
}
