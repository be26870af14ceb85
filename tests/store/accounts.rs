//! Accounts and their SSH keys.

use crate::fixture::{Database, new_user, on_both, user};
use gilgal::model::id::{SshKeyId, UserId};
use gilgal::model::secret::Secret;
use gilgal::model::time::now;
use gilgal::model::user::ServerRole;
use gilgal::store::{NewSshKey, StoreError};

on_both![
    an_account_is_found_again,
    taken_names_are_refused_by_field,
    of_many_first_accounts_one_is_the_operator,
    a_key_identifies_one_account,
];

async fn an_account_is_found_again(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    assert_eq!(store.user(ada.id).await.unwrap(), ada);
    let (found, hash) = store.user_credentials(&ada.email).await.unwrap().unwrap();
    assert_eq!((found, hash.expose().as_str()), (ada.clone(), "hash of ada"));

    let another = Secret::new("another hash".to_owned());
    store.change_password(ada.id, &hash, &another, None).await.unwrap();
    let (_, hash) = store.user_credentials(&ada.email).await.unwrap().unwrap();
    assert_eq!(hash.expose(), "another hash");

    assert_eq!(store.user_credentials(&"eve@example.com".parse().unwrap()).await.unwrap(), None);
    let nobody = UserId::generate();
    assert!(matches!(store.user(nobody).await, Err(StoreError::NotFound)));
    let changed = store.change_password(nobody, &another, &Secret::default(), None).await;
    assert!(matches!(changed, Err(StoreError::Stale)));
}

async fn taken_names_are_refused_by_field(database: Database) {
    let store = database.store;
    user(&store, "ada").await;
    for (email, username, taken) in
        [("ada@example.com", "eve", "email"), ("eve@example.com", "ada", "username")]
    {
        let mut new = new_user("ignored");
        new.email = email.parse().unwrap();
        new.username = username.parse().unwrap();
        let refused = store.create_user(new).await.unwrap_err();
        assert!(matches!(refused, StoreError::Conflict { field } if field == taken), "{refused:?}");
    }
    assert_eq!(store.count_users().await.unwrap(), 1);
}

async fn of_many_first_accounts_one_is_the_operator(database: Database) {
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let store = database.store.clone();
            tokio::spawn(async move { user(&store, &format!("user{number}")).await })
        })
        .collect();
    let mut operators = 0;
    for task in tasks {
        operators += i32::from(task.await.unwrap().role == ServerRole::Operator);
    }
    assert_eq!((operators, database.store.count_users().await.unwrap()), (1, 50));
}

async fn a_key_identifies_one_account(database: Database) {
    let store = database.store;
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    let new = |user_id| NewSshKey {
        user_id,
        title: "laptop".to_owned(),
        public_key: "ssh-ed25519 AAAA".to_owned(),
        fingerprint: "SHA256:abc".to_owned(),
    };
    let key = store.add_ssh_key(new(ada.id)).await.unwrap();
    let refused = store.add_ssh_key(new(eve.id)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { field: "public_key" }), "{refused:?}");
    assert_eq!(store.user_by_fingerprint("SHA256:abc").await.unwrap(), Some((key.clone(), ada.clone())));
    assert_eq!(store.user_by_fingerprint("SHA256:abd").await.unwrap(), None);

    let at = now();
    store.touch_ssh_key(key.id, at).await.unwrap();
    assert_eq!(store.ssh_keys(ada.id).await.unwrap()[0].last_used_at, Some(at));

    assert!(matches!(store.delete_ssh_key(eve.id, key.id).await, Err(StoreError::NotFound)));
    store.delete_ssh_key(ada.id, key.id).await.unwrap();
    assert_eq!(store.ssh_keys(ada.id).await.unwrap(), []);
    store.touch_ssh_key(SshKeyId::generate(), at).await.unwrap();

    let orphan = store.add_ssh_key(new(UserId::generate())).await;
    assert!(matches!(orphan, Err(StoreError::NotFound)), "{orphan:?}");
}
