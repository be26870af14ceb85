//! Starting and stopping the server, and what an operator is told.

use crate::support::{
    Invariants, PATIENCE, RunningPush, Server, WorkTree, command, deployments, expect_served, run,
    runs_on_this_machine, slow_dockerfile, wait_until, wait_until_all_have_ended,
};
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn a_home_belongs_to_one_server() {
    let server = Server::start();
    let second = run(command(&server.home(), &[]).arg("serve"));
    assert_eq!(second.code, Some(1));
    insta::assert_snapshot!(second.stderr.replace(server.home().to_str().unwrap(), "[home]"));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let mut told = String::new();
    for variable in ["GILGAL_SSH_ADDR", "GILGAL_API_ADDR", "GILGAL_HTTP_ADDR"] {
        let home = tempfile::tempdir().unwrap();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let started = run(command(home.path(), &[(variable, &address)]).arg("serve"));
        assert_eq!(started.code, Some(1), "{}", started.stderr);
        told.push_str(&started.stderr.replace(&address, "[address]"));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_mistake_in_the_settings_is_reported_at_once() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("server.toml"), "build_timeout_seconds = \"long\"\n").unwrap();
    let mistakes = [("GILGAL_SSH_ADDR", "2222"), ("GILGAL_ENV", "prod"), ("DATABASE_URL", "mysql://db")];
    let started = run(command(home.path(), &mistakes).arg("serve"));
    assert_eq!(started.code, Some(2));
    insta::assert_snapshot!(started.stderr);
}

#[test]
fn a_server_can_be_stopped_while_it_waits_for_its_database() {
    let home = tempfile::tempdir().unwrap();
    // Nothing listens on port 1.
    let mut serve = command(home.path(), &[("DATABASE_URL", "postgres://gilgal@127.0.0.1:1/gilgal")]);
    let mut server = serve.arg("serve").stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("the database does not answer"), "{line}");
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_database_that_cannot_be_used_ends_the_start() {
    let mut server = Server::start();
    server.stop();
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000001')";
    let database = server.home().join("gilgal.db");
    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    diesel::sql_query(newer).execute(&mut connection).unwrap();
    drop(connection);
    let mut told = String::new();
    for url in [format!("sqlite://{}", database.display()), "sqlite:///nowhere/at/all.db".to_owned()] {
        let started = run(command(&server.home(), &[("DATABASE_URL", &url)]).arg("serve"));
        assert_eq!(started.code, Some(1), "{}", started.stderr);
        told += &started.stderr;
        let doctor = run(command(&server.home(), &[("DATABASE_URL", &url)]).arg("doctor"));
        told += &doctor.stdout.lines().filter(|line| line.contains("database ")).collect::<String>();
        told += "\n";
    }
    let told: Vec<&str> = told.lines().filter(|line| !line.starts_with('{')).collect();
    insta::assert_snapshot!(told.join("\n").replace(server.home().to_str().unwrap(), "[home]"));
}

#[test]
fn a_server_that_runs_is_no_fault_of_its_machine() {
    let server = Server::start();
    let addresses = [server.ssh, server.api, server.http].map(|address| address.to_string());
    let names = ["GILGAL_SSH_ADDR", "GILGAL_API_ADDR", "GILGAL_HTTP_ADDR"];
    let options: Vec<(&str, &str)> = names.into_iter().zip(addresses.iter().map(String::as_str)).collect();
    let doctor = run(command(&server.home(), &options).arg("doctor"));
    assert_eq!(doctor.code, Some(0), "{}{}", doctor.stdout, doctor.stderr);
    for address in &addresses {
        assert!(
            doctor.stdout.contains(&format!("{address} is in use, by the gilgal of this home")),
            "{}",
            doctor.stdout
        );
    }
    // Somebody else's home says that they are taken.
    let other = tempfile::tempdir().unwrap();
    let doctor = run(command(other.path(), &options).arg("doctor"));
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.stdout.contains("Stop what listens there, or set GILGAL_API_ADDR."), "{}", doctor.stdout);
}

#[test]
fn another_database_is_refused_and_nothing_is_removed() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let containers = server.engine().containers();
    server.stop();
    let server_id = std::fs::read_to_string(server.home().join("server-id")).unwrap();

    // An empty one, and one of another server.
    let empty = format!("sqlite://{}/empty.db", server.folder().display());
    let started = run(command(&server.home(), &[("DATABASE_URL", &empty)]).arg("serve"));
    assert_eq!(started.code, Some(1));
    let mut told = started.stderr;
    let other = Server::start();
    let other_id = std::fs::read_to_string(other.home().join("server-id")).unwrap();
    let in_use = format!("sqlite://{}/gilgal.db", other.home().display());
    told += &run(command(&server.home(), &[("DATABASE_URL", &in_use)]).arg("serve")).stderr;
    let copy = server.folder().join("other.db");
    std::fs::copy(other.home().join("gilgal.db"), &copy).unwrap();
    std::fs::copy(other.home().join("gilgal.db-wal"), copy.with_extension("db-wal")).unwrap();
    let foreign = format!("sqlite://{}", copy.display());
    let started = run(command(&server.home(), &[("DATABASE_URL", &foreign)]).arg("serve"));
    assert_eq!(started.code, Some(1));
    told += &started.stderr;
    let doctor = run(command(&server.home(), &[("DATABASE_URL", &foreign)]).arg("doctor"));
    assert!(
        doctor.stdout.contains("FAIL  database  the database belongs to the server"),
        "{}",
        doctor.stdout
    );
    assert_eq!(server.engine().containers(), containers);
    let routes = std::fs::read_to_string(server.home().join("routes.json")).unwrap();
    assert!(routes.contains("shop"), "{routes}");

    // Somebody who wants it so, says so.
    let adopt = |owner: &str| {
        run(command(&server.home(), &[("DATABASE_URL", &foreign)]).args(["adopt-database", owner]))
    };
    let wrong = adopt("nobody");
    assert_eq!(wrong.code, Some(1));
    let right = adopt(other_id.trim());
    assert_eq!(right.code, Some(0), "{}", right.stderr);
    told += &wrong.stderr;
    told += &right.stdout;
    // Once more, for programs: from the one that it belongs to now.
    let again = ["adopt-database", server_id.trim(), "--json"];
    let again = run(command(&server.home(), &[("DATABASE_URL", &foreign)]).args(again)).expect_success();
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again, serde_json::json!({ "server_id": server_id.trim(), "home": server.home() }));
    for (text, name) in [
        (server_id.trim(), "[server]"),
        (other_id.trim(), "[other]"),
        (server.folder().to_str().unwrap(), "[folder]"),
    ] {
        told = told.replace(text, name);
    }
    let told: Vec<&str> = told.lines().filter(|line| !line.starts_with('{')).collect();
    insta::assert_snapshot!(told.join("\n"));

    server.start_again(&[]);
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn an_engine_that_does_not_answer_is_named_in_the_log() {
    let server = Server::start_with(&[("DOCKER_HOST", "unix:///nowhere/docker.sock")]);
    let said = "the engine does not answer: nothing can be deployed until it does";
    wait_until("it is said", Duration::from_secs(10), || server.log().contains(said));
    assert!(server.log().contains("/nowhere/docker.sock"), "{}", server.log());
}

#[test]
fn an_idle_server_stops_and_its_apps_stay() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    let containers = server.engine().containers();
    server.stop();
    assert_eq!(server.engine().containers(), containers);
    server.start_again(&[]);
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(server.engine().containers(), containers);
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_server_that_is_stopped_lets_a_deployment_end() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::building_slowly("one", 4);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    server.stop();
    push.finish().expect(0).expect_text("Application deployed");
    server.start_again(&[]);
    assert_eq!(server.get("shop", "/").body, "one");
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(tree.head()));
    let engine = server.engine();
    wait_until("one instance", Duration::from_secs(10), || engine.containers().len() == 1);
    Invariants::of(&server, &ada).hold();
}

#[test]
fn a_step_that_takes_longer_than_a_stop_may_is_interrupted_and_goes_on_at_the_next_start() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    let live = tree.head();
    tree.commit(&[("Dockerfile", &slow_dockerfile(311)), ("index.html", "two")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("the slow part begins");
    let begun = Instant::now();
    // Ends well, and in its time.
    server.stop();
    assert!(begun.elapsed() > Duration::from_secs(25), "it has waited for the deployment");
    assert_ne!(push.finish().code, Some(0));
    wait_until("the build is ended", PATIENCE, || !runs_on_this_machine("sleep 311"));

    server.start_again(&[]);
    assert_eq!(server.get("shop", "/").body, "one");
    wait_until("it builds again", PATIENCE, || runs_on_this_machine("sleep 311"));
    let [newest, before] = &deployments(&server, &ada)[..] else { panic!("two deployments") };
    assert_eq!((&newest["status"], &newest["step"]), (&"building".into(), &"build".into()));
    let path = format!("/api/deployments/{}", newest["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(202);
    wait_until_all_have_ended(&server, &ada);
    assert_eq!(deployments(&server, &ada)[0]["status"], "cancelled");
    expect_served(&server, &ada, before, &live, "one");
    assert!(!runs_on_this_machine("sleep 311"));
}

#[test]
fn a_database_is_filled_for_who_develops() {
    let home = tempfile::tempdir().unwrap();
    let seed = |arguments: &[&str]| run(command(home.path(), &[]).args(["db", "seed"]).args(arguments));
    let made: serde_json::Value = serde_json::from_str(&seed(&["--json"]).expect_success()).unwrap();
    let made = made.as_array().unwrap();
    assert_eq!((&made[0]["email"], &made[0]["role"]), (&"ada@example.com".into(), &"operator".into()));
    assert!(made[1]["api_key"].as_str().unwrap().starts_with("glg_"), "{made:?}");
    let refused = seed(&["--json"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("gilgal db seed --add"), "{refused:?}");
    let shown = seed(&["--add"]).expect_success();
    assert!(shown.contains("    API key   glg_"), "{shown}");
}
