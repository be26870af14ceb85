//! The server is killed at moments that chance chooses, again and again, while apps have requests and deployments are asked
//! for. `scripts/test chaos 50` kills it so often; without a number it does for about a minute.

use crate::support::{
    Engine, Invariants, PATIENCE, Person, RequestLoop, RunningPush, Server, WorkTree, deployments,
    wait_until, wait_until_all_have_ended,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::thread;
use std::time::Duration;

/// How often the server is killed unless `GILGAL_CHAOS_ROUNDS` says otherwise.
const ROUNDS: usize = 6;
/// A kill comes within so many milliseconds: about as long as a push of the app takes until it has drained.
const LONGEST_MS: u64 = 5000;
const CLIENTS: usize = 3;
const PRODUCTION: &str = "/api/environments/shop:production";

struct Shop {
    server: Server,
    ada: Person,
    tree: WorkTree,
    /// What each commit answers.
    words: HashMap<String, String>,
}

impl Shop {
    fn commit(&mut self, word: &str) {
        let commit = self.tree.commit(&[("index.html", word)]);
        self.words.insert(commit, word.to_owned());
    }

    /// Asks for something besides a push; it may be refused.
    fn ask_for_something(&self) -> &'static str {
        let ask = |method: Method, path: &str, body: Option<&Value>| {
            self.server.request(method, path, &self.ada.token, body);
        };
        match rand::random_range(0..5) {
            0 => {
                let count = rand::random_range(1..=2);
                ask(Method::PUT, &format!("{PRODUCTION}/formation"), Some(&json!({ "web": count })));
                "scale"
            }
            1 => {
                let value = rand::random_range(0..1000).to_string();
                ask(Method::PATCH, &format!("{PRODUCTION}/config"), Some(&json!({ "NUMBER": value })));
                "config"
            }
            2 => {
                let all = deployments(&self.server, &self.ada);
                if let Some(live) = all.iter().rfind(|deployment| deployment["status"] == "success") {
                    let id = live["id"].as_str().unwrap();
                    ask(Method::POST, &format!("/api/deployments/{id}/rollback"), Some(&json!({})));
                }
                "rollback"
            }
            3 => {
                ask(Method::POST, &format!("{PRODUCTION}/restart"), None);
                "restart"
            }
            _ => "nothing",
        }
    }

    /// Every deployment has ended, one release is served, and nothing else runs.
    fn expect_order(&self, what: &str) {
        wait_until_all_have_ended(&self.server, &self.ada);
        let all = deployments(&self.server, &self.ada);
        for deployment in &all {
            let is_live = deployment["status"] == "success";
            assert!(is_live || deployment["reason"].is_string(), "{what}: {deployment:#}");
        }
        let live = all.iter().max_by_key(|deployment| deployment["version"].as_i64()).unwrap();
        assert_eq!(live["status"], "success", "{what}: {live:#}");
        let get = |path: &str| self.server.request(Method::GET, path, &self.ada.token, None).expect(200);
        assert_eq!(get(PRODUCTION)["version"], live["version"], "{what}");
        let web = get(&format!("{PRODUCTION}/releases"))["data"][0]["formation"]["web"].as_u64().unwrap_or(1);
        let engine = self.server.engine();
        let runs = |process: &Value| process["state"] == "running" && process["version"] == live["version"];
        wait_until("what is live runs, and no orphan", PATIENCE, || {
            let processes = get(&format!("{PRODUCTION}/processes"));
            let processes = processes["data"].as_array().unwrap().clone();
            processes.len() as u64 == web
                && processes.iter().all(runs)
                && engine.containers().len() as u64 == web
        });
        for container in engine.containers() {
            // Who is not to be started again after a restart of the engine is not live.
            let policy = &Engine::inspect(&container)["HostConfig"]["RestartPolicy"]["Name"];
            assert_eq!(policy, "unless-stopped", "{what}");
        }
        let word = &self.words[live["commit"].as_str().unwrap()];
        for _ in 0..4 {
            assert_eq!(self.server.get("shop", "/").body, *word, "{what}");
        }
        Invariants::of(&self.server, &self.ada).hold();
    }
}

#[test]
fn kills_at_any_moment_leave_one_release_and_lose_what_was_in_flight() {
    #[expect(clippy::disallowed_methods, reason = "whoever runs it says how often")]
    let rounds = std::env::var("GILGAL_CHAOS_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut server = Server::on_held_sockets();
    let ada = server.person("ada");
    let tree = WorkTree::answering("first");
    let mut shop = Shop { words: HashMap::from([(tree.head(), "first".to_owned())]), server, ada, tree };
    shop.server.deploy(&shop.ada, &shop.tree, "shop");
    wait_until_all_have_ended(&shop.server, &shop.ada);
    let host = Server::host("shop");
    let clients: Vec<RequestLoop> =
        (0..CLIENTS).map(|_| RequestLoop::start(shop.server.http, &host)).collect();
    for round in 0..rounds {
        shop.commit(&format!("word {round}"));
        let push = RunningPush::start(&shop.server, &shop.ada, &shop.tree, "shop", &["main"]);
        let wait = |most| thread::sleep(Duration::from_millis(rand::random_range(0..most)));
        wait(LONGEST_MS / 2);
        let asked = shop.ask_for_something();
        wait(LONGEST_MS / 2);
        shop.server.kill();
        let seen = push.finish().transcript;
        shop.server.start_again(&[]);
        shop.expect_order(&format!("round {round}, {asked} beside a push that saw:\n{seen}"));
    }
    for client in clients {
        let answers = client.finish();
        let failed = answers.iter().filter(|answer| answer.is_err()).count();
        assert!(failed <= rounds, "a client has one request at a time, and lost {failed} in {rounds} kills");
        for answer in answers.into_iter().flatten() {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
}
