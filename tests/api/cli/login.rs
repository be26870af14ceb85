//! Logging in and out, and how a login is kept.

use super::terminal::{Terminal, assert_screen};
use crate::support::{TestServer, totp, totp_step};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_kept_until_the_logout() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let ada = Terminal::new(&server);
    assert_screen!("never_logged_in", ada.run(&["whoami"]).await);
    let login = ada.types(&["login", &ada.address()], "ada@example.com\ncorrect horse\n").await;
    assert_screen!("login", login);
    assert_eq!(fs::metadata(ada.credentials()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_screen!("whoami", ada.run(&["whoami"]).await);
    assert_screen!("whoami_json", ada.run(&["whoami", "--json"]).await);

    let kept = fs::read_to_string(ada.credentials()).unwrap();
    assert_screen!("logout", ada.run(&["logout"]).await);
    assert_screen!("logged_out", ada.run(&["whoami", "--server", &ada.address()]).await);
    // What was kept is worth nothing any more, whoever has a copy.
    fs::write(ada.credentials(), kept).unwrap();
    assert_screen!("login_has_ended", ada.run(&["whoami"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_nothing_is_kept() {
    let server = TestServer::start().await;
    server.sign_up("ada").await;
    let ada = Terminal::new(&server);
    let login = ada.types(&["login", &ada.address(), "--email", "ada@example.com"], "wrong horse\n").await;
    assert_screen!("wrong_password", login);
    assert!(!ada.credentials().exists());
    assert_screen!("no_password", ada.run(&["login", &ada.address(), "--email", "ada@example.com"]).await);
    let plain = ada.run(&["login", "http://gilgal.invalid", "--email", "ada@example.com"]).await;
    assert_screen!("without_tls", plain);
    assert_screen!("no_address_of_a_server", ada.run(&["login", "ftp://example.com"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_will_do_instead() {
    let server = TestServer::start().await;
    let session = session_of(&server, "ada").await;
    let ada = Terminal::new(&server);
    let token = session["access_token"].as_str().unwrap();
    ada.types(&["login", &ada.address(), "--token"], &format!("{token}\n")).await.expect(0);
    ada.run(&["whoami"]).await.expect(0);

    let ci = Terminal::new(&server);
    let url = format!("http://{}", server.address);
    let variables = [("GILGAL_URL", url.as_str()), ("GILGAL_TOKEN", token)];
    ci.run_with(&["whoami"], &variables, "").await.expect(0);
    assert!(!ci.credentials().exists());
    let wrong = [("GILGAL_URL", url.as_str()), ("GILGAL_TOKEN", "glg_wrong")];
    assert_screen!("wrong_token", ci.run_with(&["whoami"], &wrong, "").await);
    assert_screen!("url_is_no_address", ci.run_with(&["whoami"], &[("GILGAL_URL", "host/path")], "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_second_factor_is_asked_for_its_code() {
    let server = TestServer::start().await;
    let client = server.sign_up("ada").await;
    let enrolment = client.post("/api/auth/totp", json!({ "password": "correct horse" })).await.expect(201);
    let (secret, step) = (enrolment["secret"].as_str().unwrap(), totp_step());
    client.post("/api/auth/totp/confirm", json!({ "code": totp(secret, step) })).await.expect(200);
    let ada = Terminal::new(&server);
    let address = ada.address();
    let login = ["login", address.as_str(), "--email", "ada@example.com"];
    assert_screen!("no_code", ada.types(&login, "correct horse\n").await);
    let wrong = totp(secret, step + 100);
    assert_screen!("wrong_code", ada.types(&login, &format!("correct horse\n{wrong}\n")).await);
    let code = totp(secret, step + 1);
    assert_screen!("code", ada.types(&login, &format!("correct horse\n{code}\n")).await);
    let again = [login.as_slice(), &["--code", &code]].concat();
    ada.types(&again, "correct horse\n").await.expect(3);
}

/// Signs somebody up; the answer to their login.
async fn session_of(server: &TestServer, username: &str) -> Value {
    server.sign_up(username).await;
    let login = json!({ "email": format!("{username}@example.com"), "password": "correct horse" });
    server.anonymous().post("/api/auth/login", login).await.expect(200)
}

/// Makes the access token that is kept one that has expired.
fn expire(ada: &Terminal) {
    let mut logins: Value = serde_json::from_str(&fs::read_to_string(ada.credentials()).unwrap()).unwrap();
    for login in logins["servers"].as_object_mut().unwrap().values_mut() {
        login["expires_at"] = json!("2026-01-01T00:00:00Z");
        login["access_token"] = json!("expired");
    }
    fs::write(ada.credentials(), logins.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_its_access_token() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    expire(&ada);
    let before = fs::read_to_string(ada.credentials()).unwrap();
    ada.run(&["whoami"]).await.expect(0);
    let after = fs::read_to_string(ada.credentials()).unwrap();
    assert_ne!(before, after, "both tokens are new");
    ada.run(&["whoami"]).await.expect(0);
    assert_eq!(fs::read_to_string(ada.credentials()).unwrap(), after, "and used until they expire");
    assert_eq!(fs::metadata(ada.credentials()).unwrap().permissions().mode() & 0o777, 0o600);
}

/// A refresh token that is used twice ends its login: one command refreshes, the others wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn commands_at_the_same_time_do_not_end_each_others_session() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    for _ in 0..3 {
        expire(&ada);
        let runs = (0..8).map(|_| ada.run(&["whoami"]));
        for screen in futures_util::future::join_all(runs).await {
            screen.expect(0);
        }
    }
    ada.run(&["whoami"]).await.expect(0);
}

/// A token that the server refuses although the file says that it is good is replaced too.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_ends_no_session() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    expire(&ada);
    let wrong = fs::read_to_string(ada.credentials()).unwrap().replace("2026-01-01", "2099-01-01");
    fs::write(ada.credentials(), wrong).unwrap();
    ada.run(&["whoami"]).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_holds_no_logins_is_named() {
    let server = TestServer::start().await;
    let ada = Terminal::logged_in(&server, "ada").await;
    fs::write(ada.credentials(), "{").unwrap();
    let screen = ada.run(&["whoami"]).await.expect(1);
    assert!(screen.stderr.contains("credentials.json does not hold logins.\ncause: EOF"), "{screen}");
    assert!(screen.stderr.contains("hint:  Remove it and log in again: rm /"), "{screen}");
}
