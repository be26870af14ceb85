//! How long a login takes says nothing of the account.

use crate::support::TestServer;
use serde_json::json;
use std::time::{Duration, Instant};

/// Accounts of each kind: each is tried once in a round.
const ACCOUNTS: usize = 15;
/// What a busy machine has delayed in one round, it has not in all of them. More would have to wait, by account.
const ROUNDS: usize = 3;
/// How much longer than another one the login of one kind may take.
const RATIO: f64 = 1.5;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_takes_as_long_for_who_is_unknown_for_a_wrong_password_and_for_who_is_disabled() {
    let server = TestServer::start().await;
    let client = server.anonymous();
    for name in (0..ACCOUNTS).flat_map(|number| [format!("known{number}"), format!("disabled{number}")]) {
        let email = format!("{name}@example.com");
        let account = json!({ "email": email, "username": name, "password": "correct horse" });
        client.post("/api/auth/register", account).await.expect(201);
    }
    server.execute("UPDATE users SET disabled_at = 0 WHERE username LIKE 'disabled%'");

    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut times: [Vec<Duration>; 3] = Default::default();
        for number in 0..ACCOUNTS {
            // One after the other, so that what slows the machine down slows all of them.
            for (times, (name, password)) in times.iter_mut().zip([
                ("unknown", "correct horse"),
                ("known", "wrong horse"),
                ("disabled", "correct horse"),
            ]) {
                let login = json!({ "email": format!("{name}{number}@example.com"), "password": password });
                let begun = Instant::now();
                let reply = client.post("/api/auth/login", login).await;
                times.push(begun.elapsed());
                assert_eq!(reply.refusal(401), "invalid_credentials", "{name}");
            }
        }
        let medians = times.map(|mut times| {
            times.sort_unstable();
            times[ACCOUNTS / 2].as_secs_f64()
        });
        let ratio =
            medians.iter().copied().fold(0.0, f64::max) / medians.iter().copied().fold(f64::MAX, f64::min);
        if ratio < RATIO {
            return;
        }
        rounds.push(medians);
    }
    panic!("unknown, wrong and disabled, in seconds: {rounds:?}");
}
