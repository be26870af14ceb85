//! Whose a database is, and that one server uses it at a time.

use crate::fixture::{Database, enqueue, on_both, project, user};
use crate::migrations::execute;
use crate::postgres::Postgres;
use gilgal::model::id::{EnvironmentId, ProjectId, ServerId};
use gilgal::store::{ClaimError, Claimant, LockError, ServerLock, Store};
use std::time::Duration;

on_both![
    a_database_belongs_to_its_first_server,
    a_database_that_knows_nothing_of_a_home_is_refused,
    a_database_that_knows_something_of_a_home_is_taken,
    a_used_database_is_refused_to_a_new_home,
    a_database_is_adopted_from_the_owner_that_is_named,
    a_database_has_one_server_at_a_time,
];

fn new_home() -> Claimant {
    Claimant { server: ServerId::generate(), projects: Vec::new(), environments: Vec::new() }
}

async fn a_database_belongs_to_its_first_server(Database { store, .. }: Database) {
    let (first, second) = (new_home(), new_home());
    store.refuse_foreign(second.server).await.unwrap();
    store.claim(&first).await.unwrap();
    store.claim(&first).await.unwrap();
    store.refuse_foreign(first.server).await.unwrap();
    for refused in [store.claim(&second).await, store.refuse_foreign(second.server).await] {
        assert!(
            matches!(&refused, Err(ClaimError::OtherServer { owner, server })
                if (*owner, *server) == (first.server, second.server)),
            "{refused:?}"
        );
    }
}

async fn a_database_that_knows_nothing_of_a_home_is_refused(Database { store, .. }: Database) {
    let with_repository = Claimant { projects: vec![ProjectId::generate()], ..new_home() };
    let with_route = Claimant { environments: vec![EnvironmentId::generate()], ..new_home() };
    for home in [with_repository, with_route] {
        let refused = store.claim(&home).await;
        assert!(matches!(refused, Err(ClaimError::KnowsNothing { .. })), "{refused:?}");
    }
    store.claim(&new_home()).await.unwrap();
}

async fn a_database_that_knows_something_of_a_home_is_taken(Database { store, .. }: Database) {
    let (shop, environment) = project(&store, &user(&store, "ada").await, "shop").await;
    enqueue(&store, &environment, 'a').await;
    let by_project = Claimant { projects: vec![ProjectId::generate(), shop.id], ..new_home() };
    store.claim(&by_project).await.unwrap();
    store.adopt(Some(by_project.server), ServerId::generate()).await.unwrap();
    assert!(store.claim(&by_project).await.is_err());
}

async fn a_used_database_is_refused_to_a_new_home(Database { store, .. }: Database) {
    let (_, environment) = project(&store, &user(&store, "ada").await, "shop").await;
    enqueue(&store, &environment, 'a').await;
    let refused = store.claim(&new_home()).await;
    assert!(matches!(refused, Err(ClaimError::OtherHome { .. })), "{refused:?}");
    let with_route = Claimant { environments: vec![environment.id], ..new_home() };
    store.claim(&with_route).await.unwrap();
}

async fn a_database_is_adopted_from_the_owner_that_is_named(Database { store, .. }: Database) {
    let (first, second) = (new_home(), new_home());
    store.adopt(None, first.server).await.unwrap();
    for named in [None, Some(second.server)] {
        let refused = store.adopt(named, second.server).await;
        assert!(matches!(refused, Err(ClaimError::OtherOwner { .. })), "{refused:?}");
    }
    store.adopt(Some(first.server), second.server).await.unwrap();
    store.claim(&second).await.unwrap();
    assert!(store.claim(&first).await.is_err());
}

async fn a_database_has_one_server_at_a_time(database: Database) {
    let first = ServerLock::take(&database.url).await.unwrap();
    let second = ServerLock::take(&database.url).await;
    assert!(matches!(second, Err(LockError::InUse)), "{second:?}");
    drop(first);
    ServerLock::take(&database.url).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_somebody_else_took_is_lost() {
    let database = Database::postgres().await;
    let mut first = ServerLock::take(&database.url).await.unwrap();
    let end_sessions = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'";
    execute(&database, end_sessions).await;
    // With nobody else there it is taken again, and stays taken.
    let lost = tokio::time::timeout(Duration::from_secs(4), first.lost()).await;
    assert!(lost.is_err());
    assert!(matches!(ServerLock::take(&database.url).await, Err(LockError::InUse)));

    execute(&database, end_sessions).await;
    let _second = ServerLock::take(&database.url).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), first.lost()).await.expect("the first lost it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_tables_is_nobodys() {
    let cluster = Postgres::start();
    let store = Store::connect(&cluster.url()).await.unwrap();
    store.refuse_foreign(ServerId::generate()).await.unwrap();
    let place = tempfile::TempDir::new().unwrap();
    let store = Store::connect(&format!("sqlite://{}/gilgal.db", place.path().display())).await.unwrap();
    store.refuse_foreign(ServerId::generate()).await.unwrap();
}
