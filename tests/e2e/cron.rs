//! Commands of a schedule.

use crate::support::{PATIENCE, Person, Server, WorkTree, wait_until};
use reqwest::Method;
use serde_json::{Value, json};
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

fn shop(server: &mut Server, gilgal_toml: &str) -> Person {
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    tree.commit(&[("gilgal.toml", gilgal_toml)]);
    server.deploy(&ada, &tree, "shop");
    ada
}

fn runs(server: &Server, ada: &Person, name: &str) -> Vec<Value> {
    let path = format!("/api/environments/shop:production/cron/{name}/runs");
    server.request(Method::GET, &path, &ada.token, None).expect(200)["data"].as_array().unwrap().clone()
}

fn run_now(server: &Server, ada: &Person, name: &str) -> Value {
    let path = format!("/api/environments/shop:production/cron/{name}/run");
    server.request(Method::POST, &path, &ada.token, None).expect(202)
}

#[test]
fn a_command_of_the_schedule_can_be_run_now() {
    let mut server = Server::start();
    let ada = shop(&mut server, GILGAL_TOML);
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
    let each =
        "[cron.tick]\nschedule = \"* * * * *\"\ncommand = \"echo tick; sleep 600\"\noverlap = \"replace\"\n";
    let ada = shop(&mut server, each);
    wait_until("a minute has begun", Duration::from_secs(90), || !runs(&server, &ada, "tick").is_empty());
    let engine = server.engine();
    wait_until("it runs", PATIENCE, || engine.containers().len() == 2);
    let first = runs(&server, &ada, "tick").remove(0);
    assert_eq!(first["state"], "running");
    let minute = first["scheduled_at"].as_str().unwrap().to_owned();
    assert!(minute.contains(":00"), "{minute}");

    server.kill();
    server.start_again(&[]);
    wait_until("what was cut off is gone", PATIENCE, || {
        let names = engine.containers();
        names.iter().filter(|name| name.contains("-cron-")).count() <= 1
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
    // The project can be deleted while one runs: the end of the test proves that nothing is left.
    wait_until("the next one runs", PATIENCE, || engine.containers().len() == 2);
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
