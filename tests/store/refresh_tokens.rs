//! Refresh tokens.

use crate::fixture::{Database, on_both, sessions_of, user};
use chrono::TimeDelta;
use gilgal::model::id::{TokenFamilyId, UserId};
use gilgal::model::secret::Secret;
use gilgal::model::time::now;
use gilgal::store::{NewSession, RefreshToken, RotateOutcome, Store, StoreError};

on_both![
    a_token_is_used_once,
    using_an_old_token_ends_its_family,
    of_many_that_come_with_one_token_one_passes,
    a_revoked_or_expired_token_is_refused,
    a_login_lasts_until_its_family_is_revoked,
    a_login_that_was_checked_against_another_password_does_not_begin,
    what_has_expired_is_forgotten,
];

fn token(hash: &str) -> RefreshToken {
    RefreshToken { hash: hash.to_owned(), expires_at: now() + TimeDelta::days(1) }
}

fn session(user_id: UserId, password_hash: Secret<String>, token: RefreshToken) -> NewSession {
    let (family_id, peer) = (TokenFamilyId::generate(), Some("192.0.2.1".to_owned()));
    NewSession { user_id, password_hash, family_id, token, peer, user_agent: None }
}

async fn log_in(store: &Store, user_id: UserId, token: RefreshToken) -> TokenFamilyId {
    let new = session(user_id, store.password_hash(user_id).await.unwrap(), token);
    let family_id = new.family_id;
    store.start_session(new).await.unwrap();
    family_id
}

async fn a_token_is_used_once(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let family_id = log_in(&store, ada.id, token("first")).await;
    for (old, new) in [("first", "second"), ("second", "third")] {
        let outcome = store.rotate_refresh_token(old, token(new)).await.unwrap();
        assert_eq!(outcome, RotateOutcome::Rotated { user: ada.clone(), family_id });
    }
    let outcome = store.rotate_refresh_token("fourth", token("fifth")).await.unwrap();
    assert_eq!(outcome, RotateOutcome::Unknown);
}

async fn using_an_old_token_ends_its_family(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    log_in(&store, ada.id, token("first")).await;
    let family_id = log_in(&store, ada.id, token("of another login")).await;
    store.rotate_refresh_token("first", token("second")).await.unwrap();
    assert_eq!(store.rotate_refresh_token("first", token("x")).await.unwrap(), RotateOutcome::Reused);
    assert_eq!(store.rotate_refresh_token("second", token("x")).await.unwrap(), RotateOutcome::Unknown);
    let outcome = store.rotate_refresh_token("of another login", token("x")).await.unwrap();
    assert_eq!(outcome, RotateOutcome::Rotated { user: ada, family_id });
}

async fn of_many_that_come_with_one_token_one_passes(database: Database) {
    let ada = user(&database.store, "ada").await;
    log_in(&database.store, ada.id, token("first")).await;
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let store = database.store.clone();
            tokio::spawn(async move {
                store.rotate_refresh_token("first", token(&format!("next {number}"))).await.unwrap()
            })
        })
        .collect();
    let mut rotated = 0;
    for task in tasks {
        match task.await.unwrap() {
            RotateOutcome::Rotated { .. } => rotated += 1,
            outcome => assert_eq!(outcome, RotateOutcome::Reused),
        }
    }
    assert_eq!(rotated, 1);
}

async fn a_revoked_or_expired_token_is_refused(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    log_in(&store, ada.id, token("logged out")).await;
    log_in(&store, ada.id, token("password changed")).await;
    log_in(&store, ada.id, RefreshToken { hash: "old".to_owned(), expires_at: now() }).await;
    assert_eq!(store.rotate_refresh_token("old", token("x")).await.unwrap(), RotateOutcome::Expired);
    store.revoke_family("logged out").await.unwrap();
    store.revoke_family("never seen").await.unwrap();
    assert_eq!(store.rotate_refresh_token("logged out", token("x")).await.unwrap(), RotateOutcome::Unknown);
    let current = store.password_hash(ada.id).await.unwrap();
    store.change_password(ada.id, &current, &Secret::default(), None).await.unwrap();
    let outcome = store.rotate_refresh_token("password changed", token("x")).await.unwrap();
    assert_eq!(outcome, RotateOutcome::Unknown);
}

async fn a_login_that_was_checked_against_another_password_does_not_begin(database: Database) {
    let store = database.store;
    user(&store, "operator").await;
    let ada = user(&store, "ada").await;
    let (_, checked) = store.user_credentials(&ada.email).await.unwrap().unwrap();
    let new = Secret::new("another hash".to_owned());
    store.change_password(ada.id, &checked, &new, None).await.unwrap();
    let begun = store.start_session(session(ada.id, checked.clone(), token("one"))).await;
    assert!(matches!(begun, Err(StoreError::Stale)), "{begun:?}");
    assert_eq!(sessions_of(&store, ada.id).await, []);
    assert_eq!(store.rotate_refresh_token("one", token("x")).await.unwrap(), RotateOutcome::Unknown);
    let changed = store.change_password(ada.id, &checked, &Secret::default(), None).await;
    assert!(matches!(changed, Err(StoreError::Stale)), "nor is the new password changed by it: {changed:?}");

    store.start_session(session(ada.id, new.clone(), token("two"))).await.unwrap();
    store.remove_user(ada.id).await.unwrap();
    let begun = store.start_session(session(ada.id, new, token("three"))).await;
    assert!(matches!(begun, Err(StoreError::Stale)), "the account is gone: {begun:?}");
}

async fn a_login_lasts_until_its_family_is_revoked(database: Database) {
    let store = database.store;
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    let laptop = log_in(&store, ada.id, token("laptop")).await;
    let phone = log_in(&store, ada.id, token("phone")).await;
    store.rotate_refresh_token("laptop", token("laptop again")).await.unwrap();
    assert_eq!(store.user_with_tokens(ada.id, laptop).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.user_with_tokens(eve.id, laptop).await.unwrap(), None);
    store.revoke_family("laptop again").await.unwrap();
    assert_eq!(store.user_with_tokens(ada.id, laptop).await.unwrap(), None);
    assert_eq!(store.user_with_tokens(ada.id, phone).await.unwrap(), Some(ada));
}

async fn what_has_expired_is_forgotten(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let expired = RefreshToken { hash: "old".to_owned(), expires_at: now() - TimeDelta::days(2) };
    let ended = log_in(&store, ada.id, expired).await;
    let goes_on = log_in(&store, ada.id, token("first")).await;
    store.rotate_refresh_token("first", token("second")).await.unwrap();
    assert_eq!(store.forget_tokens_before(now() - TimeDelta::days(1)).await.unwrap(), 1);
    assert_eq!(store.forget_tokens_before(now() - TimeDelta::days(1)).await.unwrap(), 0);
    let known = store.user_with_tokens(ada.id, goes_on).await.unwrap();
    assert_eq!(known.map(|user| user.id), Some(ada.id));
    assert_eq!(store.user_with_tokens(ada.id, ended).await.unwrap(), None);
    let sessions: Vec<_> = sessions_of(&store, ada.id).await.into_iter().map(|login| login.id).collect();
    assert_eq!(sessions, [goes_on]);
    // Its first token is still known to have been used.
    assert_eq!(store.rotate_refresh_token("first", token("x")).await.unwrap(), RotateOutcome::Reused);
}
