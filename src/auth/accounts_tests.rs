use super::*;
use std::net::{IpAddr, Ipv4Addr};

const ORIGIN: Origin = Origin { peer: IpAddr::V4(Ipv4Addr::LOCALHOST), local: true };

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_while_it_is_checked_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::connect(&format!("sqlite://{}/gilgal.db", folder.path().display())).await.unwrap();
    store.migrate().await.unwrap();
    let key = MasterKey::from_bytes([7; 32]);
    let accounts = Accounts::open(store, key, Registration::Open).await.unwrap();
    let email: Email = "ada@example.com".parse().unwrap();
    let sign_up = SignUp {
        email: email.clone(),
        username: "ada".parse().unwrap(),
        password: "correct horse".parse().unwrap(),
        invitation: None,
    };
    let ada = accounts.register(sign_up, ORIGIN).await.unwrap();
    let old = Secret::new("correct horse".to_owned());

    let checked = accounts.check(&email, old.clone(), ORIGIN).await.unwrap().unwrap();
    let current = accounts.confirm_password(&ada, old.clone(), ORIGIN).await.unwrap();
    let new = accounts.hasher.hash("battery staple".parse().unwrap(), ORIGIN.peer).await.unwrap();
    accounts.store.change_password(ada.id, &current, &new, None).await.unwrap();
    let begun = accounts.start(checked, ORIGIN, None).await;
    assert!(matches!(begun, Err(AccountError::WrongCredentials)), "{begun:?}");
    assert!(matches!(accounts.check(&email, old, ORIGIN).await, Ok(None)));
}
