//! Credentials for other hosts, deploy keys and the keys of hosts.

use crate::fixture::{Database, on_both, project, user};
use gilgal::model::id::ProjectId;
use gilgal::model::remote::{DeployKey, RemoteCredential, credential_purpose, deploy_key_purpose};
use gilgal::model::time::now;
use gilgal::store::{CREDENTIAL_LIMIT, KNOWN_HOST_LIMIT, Store, StoreError};

on_both![
    a_credential_is_of_one_project_and_one_host,
    a_project_has_one_deploy_key,
    a_host_is_noted_once,
    what_is_sealed_is_sealed_again,
];

fn credential(host: &str, sealed: &str) -> RemoteCredential {
    let (host, username) = (host.parse().unwrap(), "ada".to_owned());
    RemoteCredential { host, username, sealed_password: sealed.to_owned(), updated_at: now() }
}

fn key(number: u8) -> DeployKey {
    let (public_key, sealed_private_key) = (format!("ssh-ed25519 {number}"), format!("sealed {number}"));
    DeployKey { public_key, sealed_private_key, created_at: now() }
}

async fn shop(store: &Store) -> ProjectId {
    project(store, &user(store, "ada").await, "shop").await.0.id
}

async fn a_credential_is_of_one_project_and_one_host(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let (shop, blog) = (project(&store, &ada, "shop").await.0.id, project(&store, &ada, "blog").await.0.id);
    let host = "ghcr.io".parse().unwrap();
    for (host, sealed) in [("ghcr.io", "one"), ("127.0.0.1:5000", "two"), ("ghcr.io", "three")] {
        store.set_remote_credential(shop, credential(host, sealed), 100).await.unwrap();
    }
    let listed = store.remote_credentials(shop).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|one| (one.host.as_str(), one.sealed_password.as_str())).collect();
    assert_eq!(listed, [("127.0.0.1:5000", "two"), ("ghcr.io", "three")]);
    assert_eq!(store.remote_credential(blog, &host).await.unwrap(), None);
    let removed = store.remove_remote_credential(blog, &host).await;
    assert!(matches!(removed, Err(StoreError::NotFound)), "{removed:?}");
    store.remove_remote_credential(shop, &host).await.unwrap();
    assert_eq!(store.remote_credential(shop, &host).await.unwrap(), None);
    // As many as there may be: one that is there can be changed, and no other be added.
    store.set_remote_credential(shop, credential("127.0.0.1:5000", "four"), 1).await.unwrap();
    let refused = store.set_remote_credential(shop, credential("ghcr.io", "five"), 1).await;
    assert!(matches!(refused, Err(StoreError::Conflict { field: CREDENTIAL_LIMIT })), "{refused:?}");
    let nobody = store.set_remote_credential(ProjectId::generate(), credential("ghcr.io", "x"), 100).await;
    assert!(matches!(nobody, Err(StoreError::NotFound)), "{nobody:?}");
}

async fn a_project_has_one_deploy_key(database: Database) {
    let store = database.store;
    let shop = shop(&store).await;
    assert_eq!(store.deploy_key(shop).await.unwrap(), None);
    let made = store.ensure_deploy_key(shop, key(1)).await.unwrap();
    assert_eq!(store.ensure_deploy_key(shop, key(2)).await.unwrap().public_key, made.public_key);
    store.replace_deploy_key(shop, key(3)).await.unwrap();
    assert_eq!(store.deploy_key(shop).await.unwrap().unwrap().public_key, key(3).public_key);
}

async fn a_host_is_noted_once(database: Database) {
    let store = database.store;
    let shop = shop(&store).await;
    let host = "code.example".parse().unwrap();
    store.note_known_host(shop, &host, "code.example one", 1).await.unwrap();
    store.note_known_host(shop, &host, "code.example two", 1).await.unwrap();
    assert_eq!(store.known_host(shop, &host).await.unwrap().unwrap().host_keys, "code.example one");
    let other = "other.example".parse().unwrap();
    let refused = store.note_known_host(shop, &other, "other.example one", 1).await;
    assert!(matches!(refused, Err(StoreError::Conflict { field: KNOWN_HOST_LIMIT })), "{refused:?}");
    assert_eq!(store.count_known_hosts(shop).await.unwrap(), 1);
    store.forget_known_host(shop, &host).await.unwrap();
    assert!(store.known_hosts(shop).await.unwrap().is_empty());
    let again = store.forget_known_host(shop, &host).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "{again:?}");
}

async fn what_is_sealed_is_sealed_again(database: Database) {
    let store = database.store;
    let shop = shop(&store).await;
    let host = "ghcr.io".parse().unwrap();
    store.set_remote_credential(shop, credential("ghcr.io", "old password"), 100).await.unwrap();
    store.replace_deploy_key(shop, key(1)).await.unwrap();
    let again = |purpose: &str, sealed: &str| Ok::<_, ()>(Some(format!("{sealed} for {purpose}")));
    assert_eq!(store.seal_again(again).await.unwrap(), Ok(2));
    let password = store.remote_credential(shop, &host).await.unwrap().unwrap().sealed_password;
    assert_eq!(password, format!("old password for {}", credential_purpose(shop, &host)));
    let key = store.deploy_key(shop).await.unwrap().unwrap().sealed_private_key;
    assert_eq!(key, format!("sealed 1 for {}", deploy_key_purpose(shop)));
}
