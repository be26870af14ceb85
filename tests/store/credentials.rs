//! What lets people in: API keys, logins, second factors, invitations, signing keys; and the end of an account.

use crate::fixture::{Database, new_user, on_both, project, sessions_of, user};
use chrono::TimeDelta;
use gilgal::model::id::{ApiKeyId, SigningKeyId, TokenFamilyId, UserId};
use gilgal::model::scope::Scope;
use gilgal::model::secret::Secret;
use gilgal::model::time::now;
use gilgal::store::{
    API_KEY_LIMIT, LAST_OPERATOR, NewApiKey, NewInvitation, NewSecret, NewSession, OWNED_PROJECTS,
    PageRequest, RefreshToken, Store, StoreError, UserChange,
};

on_both![
    an_api_key_is_found_by_its_hash,
    a_rotated_key_is_found_by_both_hashes_for_a_while,
    logins_are_listed_until_they_end,
    a_code_is_taken_once,
    an_invitation_is_taken_once,
    one_signing_key_signs,
    an_account_goes_when_nothing_depends_on_it,
    an_account_is_changed,
];

fn secret(hash: &str) -> NewSecret {
    NewSecret { hash: hash.to_owned(), hint: format!("glg_{hash}") }
}

fn key(user_id: UserId, hash: &str) -> NewApiKey {
    let (title, scopes) = ("ci".to_owned(), vec![Scope::Read, Scope::Deploy]);
    NewApiKey { user_id, title, secret: secret(hash), scopes, expires_at: None, at_most: 2 }
}

async fn an_api_key_is_found_by_its_hash(database: Database) {
    let store = database.store;
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    let made = store.create_api_key(key(ada.id, "one")).await.unwrap();
    let found = store.api_key_by_hash("one", now()).await.unwrap().unwrap();
    assert_eq!(found, (made.clone(), ada.clone()));
    assert_eq!(store.api_key_by_hash("two", now()).await.unwrap(), None);

    let soon = now() + TimeDelta::hours(1);
    store.create_api_key(NewApiKey { expires_at: Some(soon), ..key(ada.id, "two") }).await.unwrap();
    assert!(store.api_key_by_hash("two", now()).await.unwrap().is_some());
    assert_eq!(store.api_key_by_hash("two", soon).await.unwrap(), None, "it has expired");
    let third = store.create_api_key(key(ada.id, "three")).await;
    assert!(matches!(third, Err(StoreError::Conflict { field: API_KEY_LIMIT })), "{third:?}");

    let at = now();
    store.touch_api_key(made.id, at).await.unwrap();
    assert_eq!(store.api_keys(ada.id).await.unwrap()[0].last_used_at, Some(at));
    assert!(matches!(store.delete_api_key(eve.id, made.id).await, Err(StoreError::NotFound)));
    store.delete_api_key(ada.id, made.id).await.unwrap();
    assert_eq!(store.api_key_by_hash("one", now()).await.unwrap(), None);
    store.touch_api_key(ApiKeyId::generate(), at).await.unwrap();
}

async fn a_rotated_key_is_found_by_both_hashes_for_a_while(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    let made = store.create_api_key(key(ada.id, "one")).await.unwrap();
    let until = now() + TimeDelta::minutes(5);
    let rotated = store.rotate_api_key(ada.id, made.id, secret("two"), Some(until)).await.unwrap();
    assert_eq!((rotated.id, rotated.previous_until), (made.id, Some(until)));
    let found = async |hash, at| store.api_key_by_hash(hash, at).await.unwrap().is_some();
    assert!(found("one", now()).await && found("two", now()).await);
    assert!(!found("one", until).await && found("two", until).await);
    store.rotate_api_key(ada.id, made.id, secret("three"), None).await.unwrap();
    assert!(!found("one", now()).await && !found("two", now()).await && found("three", now()).await);
    let nothing = store.rotate_api_key(ada.id, ApiKeyId::generate(), secret("four"), None).await;
    assert!(matches!(nothing, Err(StoreError::NotFound)));
}

async fn log_in(store: &Store, user_id: UserId, hash: &str) -> TokenFamilyId {
    let family_id = TokenFamilyId::generate();
    let token = RefreshToken { hash: hash.to_owned(), expires_at: now() + TimeDelta::days(1) };
    let (peer, user_agent) = (Some("192.0.2.1".to_owned()), Some("phone/1\0".to_owned()));
    let password_hash = store.password_hash(user_id).await.unwrap();
    let new = NewSession { user_id, password_hash, family_id, token, peer, user_agent };
    store.start_session(new).await.unwrap();
    family_id
}

async fn logins_are_listed_until_they_end(database: Database) {
    let store = database.store;
    let (ada, eve) = (user(&store, "ada").await, user(&store, "eve").await);
    let (first, second) = (log_in(&store, ada.id, "one").await, log_in(&store, ada.id, "two").await);
    let third = log_in(&store, ada.id, "three").await;
    let ids = async || -> Vec<_> {
        sessions_of(&store, ada.id).await.into_iter().map(|session| session.id).collect()
    };
    assert_eq!(ids().await, [third, second, first]);
    let page = store.sessions_of(ada.id, PageRequest::new(2, None)).await.unwrap();
    assert_eq!(page.data.iter().map(|session| session.id).collect::<Vec<_>>(), [third, second]);
    let rest = store.sessions_of(ada.id, PageRequest::new(2, page.next)).await.unwrap();
    assert_eq!((rest.data[0].id, rest.data.len(), rest.next), (first, 1, None));
    let session = sessions_of(&store, ada.id).await.remove(0);
    assert_eq!(session.user_agent.as_deref(), Some("phone/1^@"), "what no column can hold is shown instead");

    let next = RefreshToken { hash: "next".to_owned(), expires_at: now() + TimeDelta::days(1) };
    store.rotate_refresh_token("one", next).await.unwrap();
    assert!(sessions_of(&store, ada.id).await[2].last_used_at > session.created_at);
    assert!(matches!(store.end_session(eve.id, second).await, Err(StoreError::NotFound)));
    store.end_session(ada.id, second).await.unwrap();
    assert_eq!(ids().await, [third, first]);
    assert_eq!(store.user_with_tokens(ada.id, second).await.unwrap(), None);
    assert_eq!(store.revoke_family("next").await.unwrap(), Some(ada.clone()));
    assert_eq!(store.revoke_family("nothing").await.unwrap(), None);
    assert_eq!(ids().await, [third]);

    log_in(&store, ada.id, "four").await;
    let (current, new) = (store.password_hash(ada.id).await.unwrap(), Secret::new("new hash".to_owned()));
    store.change_password(ada.id, &current, &new, Some(third)).await.unwrap();
    assert_eq!(ids().await, [third], "all but the one that asked");
    assert_eq!(store.password_hash(ada.id).await.unwrap().expose(), "new hash");
}

async fn a_code_is_taken_once(database: Database) {
    let store = database.store;
    let ada = user(&store, "ada").await;
    assert_eq!(store.second_factor(ada.id).await.unwrap(), None);
    store.propose_second_factor(ada.id, "first").await.unwrap();
    store.propose_second_factor(ada.id, "second").await.unwrap();
    assert!(!store.use_second_factor(ada.id, 7).await.unwrap(), "it is not confirmed");
    store.confirm_second_factor(ada.id, 5, &["a".to_owned(), "b".to_owned()]).await.unwrap();
    let factor = store.second_factor(ada.id).await.unwrap().unwrap();
    assert_eq!(
        (factor.sealed_secret.as_str(), factor.last_step, factor.recovery_codes_left),
        ("second", 5, 2)
    );
    assert!(matches!(store.propose_second_factor(ada.id, "third").await, Err(StoreError::Stale)));
    assert!(matches!(store.confirm_second_factor(ada.id, 6, &[]).await, Err(StoreError::Stale)));

    assert!(!store.use_second_factor(ada.id, 5).await.unwrap(), "the one that has confirmed it");
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (store, id) = (store.clone(), ada.id);
            tokio::spawn(async move {
                (
                    store.use_second_factor(id, 6).await.unwrap(),
                    store.use_recovery_code(id, "a").await.unwrap(),
                )
            })
        })
        .collect();
    let mut taken = (0, 0);
    for task in tasks {
        let (code, recovery) = task.await.unwrap();
        taken = (taken.0 + i32::from(code), taken.1 + i32::from(recovery));
    }
    assert_eq!(taken, (1, 1));
    assert!(!store.use_recovery_code(ada.id, "nothing").await.unwrap());
    store.remove_second_factor(ada.id).await.unwrap();
    assert_eq!(store.second_factor(ada.id).await.unwrap(), None);
    assert!(matches!(store.remove_second_factor(ada.id).await, Err(StoreError::NotFound)));
}

async fn an_invitation_is_taken_once(database: Database) {
    let store = database.store;
    let root = user(&store, "root").await;
    let invite = async |hash: &str, email: Option<&str>, hours| {
        let (hash, email) = (hash.to_owned(), email.map(|email| email.parse().unwrap()));
        let expires_at = now() + TimeDelta::hours(hours);
        store.create_invitation(NewInvitation { hash, email, created_by: root.id, expires_at }).await.unwrap()
    };
    let open = invite("open", None, 1).await;
    invite("late", None, -1).await;
    invite("hers", Some("ada@example.com"), 1).await;
    for hash in ["late", "hers", "nothing"] {
        let refused = store.create_invited_user(new_user("eve"), hash).await;
        assert!(matches!(refused, Err(StoreError::Stale)), "{hash}: {refused:?}");
        assert!(!store.is_invited(hash, &new_user("eve").email).await.unwrap());
    }
    assert_eq!(store.count_users().await.unwrap(), 1, "nobody was made");
    store.create_invited_user(new_user("ada"), "hers").await.unwrap();
    let tasks: Vec<_> = (0..10)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                store.create_invited_user(new_user(&format!("user{number}")), "open").await
            })
        })
        .collect();
    let mut made = Vec::new();
    for task in tasks {
        made.extend(task.await.unwrap().ok());
    }
    assert_eq!(made.len(), 1);
    let listed = store.invitations(PageRequest::first()).await.unwrap().data;
    let used = listed.iter().find(|invitation| invitation.id == open.id).unwrap();
    assert_eq!(used.used_by, Some(made[0].id));
    store.delete_invitation(open.id).await.unwrap();
    assert!(matches!(store.delete_invitation(open.id).await, Err(StoreError::NotFound)));
}

async fn one_signing_key_signs(database: Database) {
    let store = database.store;
    assert_eq!(store.signing_keys().await.unwrap(), []);
    let ids = [SigningKeyId::generate(), SigningKeyId::generate(), SigningKeyId::generate()];
    let begin = now();
    for (hours, id) in (0..).zip(ids) {
        let at = begin + TimeDelta::hours(hours);
        store.add_signing_key(id, at, at - TimeDelta::minutes(30)).await.unwrap();
    }
    let keys = store.signing_keys().await.unwrap();
    let [newest, retired] = &keys[..] else { panic!("the oldest is forgotten: {keys:?}") };
    assert_eq!((newest.id, newest.retired_at), (ids[2], None));
    assert_eq!((retired.id, retired.retired_at), (ids[1], Some(begin + TimeDelta::hours(2))));
}

async fn an_account_goes_when_nothing_depends_on_it(database: Database) {
    let store = database.store;
    let (root, ada) = (user(&store, "root").await, user(&store, "ada").await);
    let refused = async |id| match store.remove_user(id).await {
        Err(StoreError::Conflict { field }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(root.id).await, LAST_OPERATOR);
    let (shop, _) = project(&store, &ada, "shop").await;
    assert_eq!(refused(ada.id).await, OWNED_PROJECTS);
    store.delete_project(shop.id).await.unwrap();
    store.create_api_key(key(ada.id, "one")).await.unwrap();
    log_in(&store, ada.id, "token").await;
    store.propose_second_factor(ada.id, "sealed").await.unwrap();
    store.remove_user(ada.id).await.unwrap();
    assert_eq!(store.api_key_by_hash("one", now()).await.unwrap(), None);
    assert_eq!(sessions_of(&store, ada.id).await, []);
    assert!(matches!(store.remove_user(ada.id).await, Err(StoreError::NotFound)));
}

async fn an_account_is_changed(database: Database) {
    let store = database.store;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let change = UserChange { email: None, username: Some("countess".parse().unwrap()) };
    let changed = store.update_user(ada.id, &change, None).await.unwrap();
    assert_eq!((changed.username.as_str(), &changed.email), ("countess", &ada.email));
    assert!(changed.updated_at > ada.updated_at);
    let taken = UserChange { email: Some(bob.email), username: None };
    let refused = store.update_user(ada.id, &taken, None).await;
    assert!(matches!(refused, Err(StoreError::Conflict { field: "email" })), "{refused:?}");
}
