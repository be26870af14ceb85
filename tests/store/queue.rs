//! What joins a deployment that waits, what takes its place, and what comes back.

use crate::fixture::{Database, advance_to, commit, enqueue, new_deployment, on_both, project, user};
use crate::releases::new_release;
use gilgal::model::basis::DeploymentBasis;
use gilgal::model::deployment::{
    Deployment, DeploymentOptions, DeploymentRecord, DeploymentSource, DeploymentState as State,
};
use gilgal::model::environment::Environment;
use gilgal::model::id::DeploymentId;
use gilgal::model::time::now;
use gilgal::store::{Joined, NewDeployment, Store, StoreError};

on_both![
    settings_join_what_waits_and_are_not_lost_with_it,
    a_rollback_comes_back_when_the_push_that_took_its_place_fails,
    what_comes_back_meets_what_waits_meanwhile,
    nothing_comes_back_to_a_disabled_project,
    what_nobody_has_asked_for_gives_way,
    a_push_of_what_runs_takes_the_place_of_what_waits_for_it,
];

const LIVE: DeploymentBasis = DeploymentBasis::Live { restart: false, rebuild: false };

fn made_from(environment: &Environment, source: DeploymentSource, basis: DeploymentBasis) -> NewDeployment {
    NewDeployment {
        branch: None,
        source,
        options: DeploymentOptions { basis, ..DeploymentOptions::default() },
        ..new_deployment(environment, 'a')
    }
}

fn config(environment: &Environment) -> NewDeployment {
    made_from(environment, DeploymentSource::Config, LIVE)
}

fn rollback(environment: &Environment) -> NewDeployment {
    let basis = DeploymentBasis::Release { version: 3, asked_at: now(), rebuild: false };
    made_from(environment, DeploymentSource::Rollback, basis)
}

async fn queue(store: &Store, new: NewDeployment) -> Joined {
    store.queue_deployment(new, "superseded by a test").await.unwrap()
}

#[track_caller]
fn new(joined: Joined) -> Deployment {
    match joined {
        Joined::New(enqueued) => enqueued.deployment,
        Joined::Running(deployment) => panic!("it joined {deployment:?}"),
    }
}

/// The one deployment that waits.
async fn waiting(store: &Store, environment: &Environment) -> Option<Deployment> {
    let mut unfinished = store.unfinished_of(environment.id).await.unwrap();
    unfinished.retain(|deployment| deployment.state == State::Queued);
    assert!(unfinished.len() <= 1);
    unfinished.pop()
}

/// A deployment that is live.
pub(crate) async fn live(store: &Store, environment: &Environment, digit: char) -> DeploymentId {
    let deployment = enqueue(store, environment, digit).await.deployment;
    advance_to(store, &deployment, State::Checking).await;
    let record = DeploymentRecord::default();
    Box::pin(store.commit_release(new_release(&deployment), &record)).await.unwrap().unwrap();
    advance_to(store, &deployment, State::Live).await;
    deployment.id
}

async fn fail(store: &Store, deployment: &Deployment) {
    advance_to(store, deployment, State::Building).await;
    let id = deployment.id;
    let undoing = State::UndoingFailure;
    store.finish_deployment(id, State::Building, undoing, None, Some("it did not build")).await.unwrap();
    store.advance_deployment(id, undoing, State::Failed, &DeploymentRecord::default(), None).await.unwrap();
}

async fn settings_join_what_waits_and_are_not_lost_with_it(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let push = new(queue(&store, new_deployment(&production, 'b')).await);
    for rebuild in [false, true] {
        let basis = DeploymentBasis::Live { restart: false, rebuild };
        let Joined::Running(joined) =
            queue(&store, made_from(&production, DeploymentSource::Config, basis)).await
        else {
            panic!("a push that waits takes what is set")
        };
        assert_eq!((joined.id, joined.options.basis), (push.id, DeploymentBasis::Commit));
    }
    assert_eq!(store.open_jobs().await.unwrap(), 1);

    assert!(store.request_cancel(push.id).await.unwrap());
    let back = waiting(&store, &production).await.unwrap();
    assert_eq!(back.options.basis, DeploymentBasis::Live { restart: false, rebuild: true });
    assert_eq!((back.source, back.commit), (DeploymentSource::Config, commit('a')));
    assert_eq!(store.open_jobs().await.unwrap(), 1);
    // It carries nothing: once it has failed, that is that.
    assert!(store.request_cancel(back.id).await.unwrap());
    assert_eq!(waiting(&store, &production).await, None);
    assert_eq!(store.open_jobs().await.unwrap(), 0);
}

async fn a_rollback_comes_back_when_the_push_that_took_its_place_fails(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let first = new(queue(&store, rollback(&production)).await);
    let push = new(queue(&store, new_deployment(&production, 'b')).await);
    let replaced = store.deployment(first.id).await.unwrap();
    assert_eq!(replaced.state, State::Superseded);
    assert_eq!(
        replaced.reason.unwrap(),
        "superseded by a test; should that not go live, this is done after all"
    );
    fail(&store, &push).await;
    let back = waiting(&store, &production).await.unwrap();
    assert_eq!((back.options.basis, back.source), (first.options.basis, DeploymentSource::Rollback));
    assert_eq!(back.options.carries, None);

    // One that goes live has done what there was to do.
    let push = new(queue(&store, new_deployment(&production, 'c')).await);
    advance_to(&store, &push, State::Live).await;
    assert_eq!(waiting(&store, &production).await, None);
}

async fn what_comes_back_meets_what_waits_meanwhile(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let asked = new(queue(&store, rollback(&production)).await).options.basis;
    let push = new(queue(&store, new_deployment(&production, 'b')).await);
    advance_to(&store, &push, State::Fetching).await;
    let settings = new(queue(&store, config(&production)).await);
    fail(&store, &push).await;
    let both = waiting(&store, &production).await.unwrap();
    assert_eq!((both.id, both.options.basis), (settings.id, asked), "the rollback, with what was set since");

    let push = new(queue(&store, new_deployment(&production, 'c')).await);
    advance_to(&store, &push, State::Fetching).await;
    let next = new(queue(&store, new_deployment(&production, 'd')).await);
    fail(&store, &push).await;
    let next = store.deployment(next.id).await.unwrap();
    assert_eq!(next.options.carries.clone().map(|carried| carried.basis), Some(asked), "it is handed on");
    assert_eq!(next.state, State::Queued);
    assert_eq!(store.unfinished_of(production.id).await.unwrap().len(), 1);

    // What the next one was to carry already is not forgotten for what comes back to it.
    advance_to(&store, &next, State::Fetching).await;
    let settings = new(queue(&store, config(&production)).await);
    let newest = new(queue(&store, new_deployment(&production, 'e')).await);
    let carried = store.deployment(newest.id).await.unwrap().options.carries.map(|carried| carried.basis);
    assert_eq!(carried, Some(settings.options.basis));
    fail(&store, &next).await;
    let newest = store.deployment(newest.id).await.unwrap();
    assert_eq!(newest.options.carries.map(|carried| carried.basis), carried);
}

async fn nothing_comes_back_to_a_disabled_project(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, production) = project(&store, &ada, "shop").await;
    let push = new(queue(&store, new_deployment(&production, 'b')).await);
    assert!(matches!(queue(&store, config(&production)).await, Joined::Running(_)));
    store.set_project_disabled(shop.id, Some(now())).await.unwrap();
    assert!(store.request_cancel(push.id).await.unwrap());
    assert_eq!(waiting(&store, &production).await, None);
    assert_eq!(store.open_jobs().await.unwrap(), 0);
}

async fn what_nobody_has_asked_for_gives_way(database: Database) {
    let store = &database.store;
    let ada = user(store, "ada").await;
    let (_, environment) = project(store, &ada, "shop").await;
    let failed = Box::pin(live(store, &environment, '1')).await;
    let unasked = || store.queue_unasked(rollback(&environment), failed);

    // Whether it waits or runs, what somebody wants comes first.
    let push = new(queue(store, new_deployment(&environment, 'b')).await);
    assert_eq!(unasked().await.unwrap(), None);
    assert_eq!(waiting(store, &environment).await.map(|waiting| waiting.id), Some(push.id));
    advance_to(store, &push, State::Building).await;
    assert_eq!(unasked().await.unwrap(), None);
    let undoing = State::UndoingFailure;
    store.finish_deployment(push.id, State::Building, undoing, None, Some("it did not build")).await.unwrap();
    assert_eq!(unasked().await.unwrap(), None, "its instances are being stopped");
    store
        .advance_deployment(push.id, undoing, State::Failed, &DeploymentRecord::default(), None)
        .await
        .unwrap();

    let queued = unasked().await.unwrap().unwrap();
    assert_eq!(unasked().await.unwrap(), None, "once is enough");
    // A push takes its place, and nobody has to wait for it.
    let push = new(queue(store, new_deployment(&environment, 'c')).await);
    assert_eq!(store.deployment(queued.id).await.unwrap().state, State::Superseded);
    store.request_cancel(push.id).await.unwrap();
    let back = waiting(store, &environment).await.unwrap();
    assert_eq!(back.options.basis, queued.options.basis, "nothing better has come of it");
    store.request_cancel(back.id).await.unwrap();

    store.stop_environment(environment.id, None).await.unwrap();
    assert_eq!(unasked().await.unwrap(), None, "nothing is to run");
    let newer = Box::pin(live(store, &environment, '2')).await;
    assert_eq!(unasked().await.unwrap(), None, "it is not live any more");
    store.disable_environment(environment.id, None).await.unwrap();
    let refused = store.queue_unasked(rollback(&environment), newer).await;
    assert!(matches!(refused, Err(StoreError::Disabled)), "{refused:?}");
}

async fn a_push_of_what_runs_takes_the_place_of_what_waits_for_it(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (_, production) = project(&store, &ada, "shop").await;
    let push = async |digit| queue(&store, new_deployment(&production, digit)).await;
    let running = new(push('a').await);
    advance_to(&store, &running, State::Building).await;
    // Settings come after what was pushed, whoever asks for it once more.
    let settings = new(queue(&store, config(&production)).await);
    assert!(matches!(push('a').await, Joined::Running(joined) if joined.id == running.id));
    assert_eq!(waiting(&store, &production).await.map(|waiting| waiting.id), Some(settings.id));

    for other in [new_deployment(&production, 'b'), rollback(&production)] {
        let outdone = new(queue(&store, other).await);
        let newest = new(push('a').await);
        assert_eq!(waiting(&store, &production).await.map(|waiting| waiting.id), Some(newest.id));
        assert_eq!(store.deployment(outdone.id).await.unwrap().state, State::Superseded);
        assert!(matches!(push('a').await, Joined::Running(joined) if joined.id == newest.id));
    }
}
