//! Opening a database and bringing its schema up to date.

use crate::fixture::{Database, Server, on_both, user};
use crate::postgres::Postgres;
use diesel::Connection;
use diesel::connection::SimpleConnection;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use gilgal::store::{Store, StoreError};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

on_both![migrating_again_changes_nothing, a_newer_database_is_refused];

async fn migrating_again_changes_nothing(database: Database) {
    let ada = user(&database.store, "ada").await;
    let again = Store::connect(&database.url).await.unwrap();
    again.migrate().await.unwrap();
    again.refuse_newer().await.unwrap();
    assert_eq!(again.user(ada.id).await.unwrap(), ada);
}

async fn a_newer_database_is_refused(database: Database) {
    execute(&database, "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000001')").await;
    for refused in [database.store.migrate().await, database.store.refuse_newer().await] {
        let refused = refused.unwrap_err();
        assert!(
            matches!(&refused, StoreError::NewerDatabase { version } if version == "20991231000001"),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("Start the newer one"), "{refused}");
    }
    // It stays as usable as it was: a refusal holds no lock.
    user(&database.store, "ada").await;
}

/// Runs a statement that the store has no method for.
pub(crate) async fn execute(database: &Database, statement: &str) {
    match &database.server {
        Server::Sqlite(_) => {
            let path = database.url.strip_prefix("sqlite://").unwrap();
            diesel::SqliteConnection::establish(path).unwrap().batch_execute(statement).unwrap();
        }
        Server::Postgres(_) => {
            let mut connection = diesel_async::AsyncPgConnection::establish(&database.url).await.unwrap();
            connection.batch_execute(statement).await.unwrap();
        }
    }
}

async fn migrate_at_once(url: &str) {
    let servers: Vec<_> = (0..4)
        .map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move { Store::connect(&url).await.unwrap().migrate().await })
        })
        .collect();
    for server in servers {
        server.await.unwrap().unwrap();
    }
    user(&Store::connect(url).await.unwrap(), "ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_may_migrate_one_sqlite_file_at_once() {
    let place = TempDir::new().unwrap();
    migrate_at_once(&format!("sqlite://{}/gilgal.db", place.path().display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_may_migrate_one_postgres_database_at_once() {
    migrate_at_once(&Postgres::start().url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sqlite_file_is_private() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("gilgal.db");
    let store = Store::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    store.migrate().await.unwrap();
    for entry in place.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_is_said() {
    let unknown = Store::connect("mysql://localhost/x").await;
    assert!(matches!(unknown, Err(StoreError::UnknownUrl)), "{unknown:?}");
    for path in ["/nowhere/at/all.db", "/etc", "/etc/hostname/x.db"] {
        let nowhere = Store::connect(&format!("sqlite://{path}")).await;
        assert!(matches!(nowhere, Err(StoreError::NoFile { .. })), "{path}: {nowhere:?}");
    }
    for url in ["postgres://nobody@127.0.0.1:1/x", "postgres://"] {
        let away = Store::connect(url).await;
        assert!(matches!(away, Err(StoreError::Unavailable(_))), "{url}: {away:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_away_is_found_again() {
    let mut cluster = Postgres::start();
    let store = Store::connect(&cluster.url()).await.unwrap();
    store.migrate().await.unwrap();
    let ada = user(&store, "ada").await;
    cluster.stop();
    for _ in 0..3 {
        let away = store.user(ada.id).await;
        assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
    }
    cluster.resume();
    assert_eq!(store.user(ada.id).await.unwrap(), ada);
}
