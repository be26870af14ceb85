//! Commands of a schedule.

use crate::support::{Engine, Invariants, PATIENCE, Person, Server, WorkTree, wait_until};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

const GILGAL_TOML: &str = "\
[cron.hello]
schedule = \"0 0 1 1 *\"
timezone = \"Europe/Berlin\"
command = \"echo hello $NAME, $PASSWORD\"
[cron.fails]
schedule = \"0 0 1 1 *\"
command = \"echo no such table; exit 3\"
[cron.forever]
schedule = \"0 0 1 1 *\"
command = \"sleep 600\"
timeout = \"2s\"
[env]
NAME = \"Ada\"
";

fn shop(server: &mut Server, gilgal_toml: &str) -> (Person, WorkTree) {
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", gilgal_toml)]);
    server.deploy(&ada, &tree, "shop");
    (ada, tree)
}

fn runs(server: &Server, ada: &Person, name: &str) -> Vec<Value> {
    let path = format!("/api/environments/shop:production/cron/{name}/runs");
    server.request(Method::GET, &path, &ada.token, None).expect(200)["data"].as_array().unwrap().clone()
}

fn run_now(server: &Server, ada: &Person, name: &str) -> Value {
    let path = format!("/api/environments/shop:production/cron/{name}/run");
    server.request(Method::POST, &path, &ada.token, None).expect(202)
}

fn cron_containers(engine: &Engine) -> BTreeSet<String> {
    engine.containers().into_iter().filter(|name| name.contains("-cron-")).collect()
}

#[test]
fn a_command_of_the_schedule_can_be_run_now() {
    let mut server = Server::start();
    let (ada, _tree) = shop(&mut server, GILGAL_TOML);
    let secret = json!({ "PASSWORD": "canary-canary" });
    server
        .request(Method::PATCH, "/api/environments/shop:production/config", &ada.token, Some(&secret))
        .expect(202);
    crate::support::wait_until_all_have_ended(&server, &ada);

    let said = ada.ssh(&server, &["cron", "shop", "run", "hello"]).expect_success();
    assert!(said.contains("hello Ada, ********"), "{said}");
    let run = runs(&server, &ada, "hello").remove(0);
    assert_eq!((&run["state"], &run["exit_code"]), (&json!("succeeded"), &json!(0)), "{run:#}");
    assert_eq!((&run["output"], &run["requested_by"]), (&json!("hello Ada, ********"), &json!("ada")));
    assert_eq!((&run["scheduled_at"], &run["version"]), (&Value::Null, &json!(2)));

    let failed = ada.ssh(&server, &["cron", "shop", "run", "fails"]);
    assert_eq!(failed.code, Some(3), "{}", failed.stderr);
    assert!(
        failed.stderr.contains("fails failed with exit code 3, started by hand (v2)."),
        "{}",
        failed.stderr
    );
    let listed = ada.ssh(&server, &["cron", "shop", "runs", "fails"]).expect_success();
    assert!(listed.contains("failed with exit code 3") && listed.contains("no such table"), "{listed}");

    run_now(&server, &ada, "forever");
    let path = "/api/environments/shop:production/cron/forever/run";
    let twice = server.request(Method::POST, path, &ada.token, None).expect(409);
    assert_eq!(twice["error"]["code"], "cron_runs");
    wait_until("it is stopped at the end of its time", PATIENCE, || {
        runs(&server, &ada, "forever")[0]["state"] == "timed_out"
    });

    let schedule = ada.ssh(&server, &["cron", "shop"]).expect_success();
    assert!(schedule.contains("hello    0 0 1 1 * (Europe/Berlin)  in "), "{schedule}");
    assert!(schedule.contains("timed out"), "{schedule}");
    let unknown = ada.ssh(&server, &["cron", "shop", "run", "nothing"]);
    assert!(unknown.stderr.contains("There is no command `nothing` in the schedule"), "{}", unknown.stderr);
    assert_eq!(server.engine().containers().len(), 1, "every run is gone with its container");
}

#[test]
fn a_minute_has_one_run_and_a_killed_server_marks_what_it_cut_off() {
    let mut server = Server::start();
    let each = "\
[cron.tick]
schedule = \"* * * * *\"
command = \"echo tick; sleep 600\"
overlap = \"replace\"
[cron.once]
schedule = \"* * * * *\"
command = \"sleep 600\"
";
    let (ada, tree) = shop(&mut server, each);
    // Or its minute has just begun.
    let path = "/api/environments/shop:production/cron/once/run";
    assert!([202, 409].contains(&server.request(Method::POST, path, &ada.token, None).status));
    wait_until("a minute has begun", Duration::from_secs(90), || !runs(&server, &ada, "tick").is_empty());
    let engine = server.engine();
    wait_until("both run", PATIENCE, || engine.containers().len() == 3);
    let commands = cron_containers(&engine);
    let first = runs(&server, &ada, "tick").remove(0);
    assert_eq!(first["state"], "running");
    let is_left_out = |run: &Value| {
        let is_minutes = run["state"] == "skipped" && run["scheduled_at"].is_string();
        is_minutes && run["reason"] == "The run before it had not ended."
    };
    wait_until("one is left out", Duration::from_secs(90), || {
        runs(&server, &ada, "once").iter().any(is_left_out)
    });
    let minute = first["scheduled_at"].as_str().unwrap().to_owned();
    assert!(minute.contains(":00"), "{minute}");

    server.kill();
    server.start_again(&[]);
    wait_until("what was cut off is gone", PATIENCE, || {
        cron_containers(&engine).is_disjoint(&commands)
            && runs(&server, &ada, "tick").iter().any(|run| run["state"] == "interrupted")
    });
    // The next minutes come all the same, and none has two.
    wait_until("another minute has begun", Duration::from_secs(90), || runs(&server, &ada, "tick").len() > 1);
    run_now(&server, &ada, "tick");
    wait_until("the next one takes its place", PATIENCE, || {
        runs(&server, &ada, "tick").iter().any(|run| run["state"] == "replaced")
    });
    let mut minutes: Vec<_> = runs(&server, &ada, "tick")
        .iter()
        .filter_map(|run| run["scheduled_at"].as_str().map(str::to_owned))
        .collect();
    let count = minutes.len();
    assert!(count > 1, "{minutes:?}");
    minutes.dedup();
    assert_eq!(minutes.len(), count);
    wait_until("the next ones run", PATIENCE, || engine.containers().len() == 3);
    // Of a schedule that is not there any more nothing comes after a kill.
    tree.commit(&[("gilgal.toml", "")]);
    server.deploy(&ada, &tree, "shop");
    server.kill();
    server.start_again(&[]);
    Invariants::of(&server, &ada).hold();
}

#[test]
fn two_runs_that_are_asked_for_at_once_are_one_two_or_one_after_the_other() {
    let mut server = Server::start();
    let command = |overlap: &str| {
        format!(
            "[cron.{overlap}]\nschedule = \"0 0 1 1 *\"\ncommand = \"sleep 600\"\noverlap = \"{overlap}\"\n"
        )
    };
    let (ada, _tree) = shop(&mut server, &["skip", "allow", "replace"].map(command).concat());
    let two = |name: &str| {
        let path = format!("/api/environments/shop:production/cron/{name}/run");
        let ask = || server.request(Method::POST, &path, &ada.token, None).status;
        let mut answers = thread::scope(|scope| {
            let other = scope.spawn(ask);
            [ask(), other.join().unwrap()]
        });
        answers.sort_unstable();
        answers
    };
    let states = |name: &str| {
        let mut states: Vec<_> =
            runs(&server, &ada, name).iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect();
        states.sort_unstable();
        states
    };
    let engine = server.engine();
    assert_eq!(two("skip"), [202, 409]);
    assert_eq!(states("skip"), ["running"]);
    wait_until("one runs", PATIENCE, || cron_containers(&engine).len() == 1);
    assert_eq!(two("allow"), [202, 202]);
    assert_eq!(states("allow"), ["running", "running"]);
    wait_until("both run", PATIENCE, || cron_containers(&engine).len() == 3);
    let others = cron_containers(&engine);
    assert_eq!(two("replace"), [202, 202]);
    wait_until("one has taken the place of the other", PATIENCE, || {
        states("replace") == ["replaced", "running"]
    });
    wait_until("it runs", PATIENCE, || cron_containers(&engine).len() == 4);
    let before = &cron_containers(&engine) - &others;
    run_now(&server, &ada, "replace");
    wait_until("the next one runs, alone", PATIENCE, || {
        let now = &cron_containers(&engine) - &others;
        assert!(now.len() <= 1, "{now:?}");
        now.len() == 1 && now != before
    });
}

#[test]
fn what_is_no_schedule_refuses_the_push() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", "[cron.x]\nschedule = \"every day\"\ncommand = \"true\"\n")]);
    let push = server.push(&ada, &tree, "shop", &["main"]).expect(1);
    assert!(push.says("a schedule has five fields"), "{}", push.transcript);
}
