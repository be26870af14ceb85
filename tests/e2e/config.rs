//! Config vars: they stay out of logs, and a deployment has those that it began with.

use crate::support::{
    Engine, PATIENCE, Person, RunningPush, Server, WorkTree, command, deployments, expect_live, run,
    wait_until, wait_until_all_have_ended,
};
use gilgal::config::Home;
use gilgal::model::config_file::{ConfigEdit, ConfigKind, Edit};
use gilgal::model::environment::{ConfigScope, ConfigVar};
use gilgal::model::id::EnvironmentId;
use gilgal::model::secret::Secret;
use gilgal::secrets::MasterKey;
use gilgal::store::{ConfigurationUpdate, Store};
use reqwest::Method;
use serde_json::{Value, json};

/// Sets a config var while no server runs, which locks its home: nothing is deployed for it.
fn set(server: &Server, environment: EnvironmentId, name: &str, value: &str) {
    let home = Home::open(&server.home()).unwrap();
    let key = MasterKey::of(&home).unwrap();
    let variable = ConfigVar {
        name: name.parse().unwrap(),
        sealed_value: key.seal(&format!("environment {environment}"), &Secret::new(value.to_owned())),
        scope: ConfigScope::Runtime,
        secret: true,
        previews: false,
        updated_at: chrono::Utc::now(),
    };
    let url = format!("sqlite://{}", server.home().join("gilgal.db").display());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::connect(&url).await.unwrap();
        let edit = ConfigEdit { kind: ConfigKind::Variable, name: name.to_owned(), edit: Edit::Changed };
        let update =
            ConfigurationUpdate { set: vec![variable], edits: vec![edit], ..ConfigurationUpdate::default() };
        let answer = store.change_configuration(environment, |_| Ok::<_, String>((update, ()))).await;
        answer.unwrap().unwrap();
    });
}

#[test]
fn a_config_var_is_in_the_instance_and_in_no_log_and_stays_as_it_was() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    expect_live(&server, &ada, &tree.head(), "one");
    let environment = deployments(&server, &ada)[0]["environment_id"].as_str().unwrap().parse().unwrap();
    server.stop();
    // A new one each time: a build that was done before prints nothing.
    let canary = format!("canary-{}", uuid::Uuid::now_v7());
    set(&server, environment, "CANARY", &canary);

    // The build prints it, in a server that was killed and started again since the deployment began.
    let printing = format!(
        "FROM busybox:stable\nRUN echo '{canary}' sings && sleep 1\nCOPY index.html /www/\n\
         CMD echo \"$CANARY\"; exec httpd -f -p \"$PORT\" -h /www\n"
    );
    let commit = tree.commit(&[("Dockerfile", &printing), ("index.html", "two")]);
    server.start_again(&[("GILGAL_FAILPOINTS", "detect-end=kill")]);
    let push = RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    server.wait_until_killed();
    push.finish();
    server.start_again(&[("GILGAL_FAILPOINTS", "start-begin=kill")]);
    server.wait_until_killed();

    // What is set now is for the next deployment.
    set(&server, environment, "CANARY", "another-bird");
    server.start_again(&[]);
    wait_until_all_have_ended(&server, &ada);
    let id = deployments(&server, &ada)[0]["id"].as_str().unwrap().to_owned();
    let log = ada.ssh(&server, &["logs", &id]).stdout;
    assert!(log.contains("******** sings") && !log.contains(&canary), "{log}");
    expect_live(&server, &ada, &commit, "two");
    let variables = Engine::inspect(&server.engine().containers()[0])["Config"]["Env"].to_string();
    assert!(variables.contains(&format!("CANARY={canary}")), "{variables}");
    assert!(!server.log().contains(&canary));
}

/// An app that says what it has been given: at its start, and at its build.
const TELLING: &str = "\
FROM busybox:stable
RUN --mount=type=secret,id=BUILT mkdir /www && (cat /run/secrets/BUILT 2>/dev/null || echo nothing) >/www/built
CMD echo \"$GREETING\" >/www/index.html; cat /etc/shop/settings.json >/www/settings 2>/dev/null; exec httpd -f -p \"$PORT\" -h /www
";

fn path(what: &str) -> String {
    format!("/api/environments/shop:production/{what}")
}

/// The answer to a change that caused a deployment, after it has ended well.
fn applied(server: &Server, ada: &Person, method: Method, what: &str, body: &Value) -> Value {
    let answer = server.request(method, &path(what), &ada.token, Some(body)).expect(202);
    wait_until_all_have_ended(server, ada);
    let id = answer["deployment"]["id"].as_str().unwrap();
    let deployment = ada.get(server, &format!("/api/deployments/{id}"));
    assert_eq!(deployment["source"], "config");
    assert_eq!(deployment["status"], "success", "{deployment:#}\n{}", ada.ssh(server, &["logs", id]).stdout);
    answer
}

#[test]
fn a_change_does_the_least_that_is_needed() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::of(&[("Dockerfile", TELLING)]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/built").body, "nothing\n");
    let image = server.engine().images();

    // A restart: the same image, another instance.
    let changes = json!({ "GREETING": "hello ${WHOM}", "WHOM": { "value": "canary-world", "secret": true } });
    let answer = applied(&server, &ada, Method::PATCH, "config", &changes);
    assert_eq!(answer["effect"], "restart");
    wait_until("the app has it", PATIENCE, || server.get("shop", "/").body == "hello canary-world\n");
    assert_eq!(server.engine().images(), image);
    assert_eq!(deployments(&server, &ada).len(), 2, "a batch is one release");

    // Nothing: it is so already.
    let again = server.request(Method::PATCH, &path("config"), &ada.token, Some(&changes)).expect(200);
    assert_eq!((&again["effect"], &again["deployment"]), (&json!("none"), &Value::Null));

    // A build: the Dockerfile asks for it.
    let answer =
        applied(&server, &ada, Method::PUT, "config/BUILT", &json!({ "value": "one", "scope": "build" }));
    assert_eq!(answer["effect"], "rebuild");
    assert_eq!(server.get("shop", "/built").body, "one");
    applied(&server, &ada, Method::PUT, "config/BUILT", &json!({ "value": "two" }));
    assert_eq!(
        server.get("shop", "/built").body,
        "two",
        "no command is taken from the cache of another value"
    );
    let containers = server.engine().containers();
    let variables = Engine::inspect(&containers[0])["Config"]["Env"].to_string();
    assert!(!variables.contains("BUILT"), "{variables}");

    // Files are put into the instances.
    let file = json!({ "path": "/etc/shop/settings.json", "content": "{\"answer\": 42}", "secret": true });
    let answer = applied(&server, &ada, Method::POST, "files", &file);
    assert_eq!(answer["effect"], "restart");
    wait_until("the app has it", PATIENCE, || server.get("shop", "/settings").body == "{\"answer\": 42}");
    let id = answer["file"]["id"].as_str().unwrap();
    assert_eq!(ada.get(&server, &format!("/api/files/{id}"))["content"], Value::Null);

    // What is live has been given as it was: nothing of it is said anywhere else.
    assert!(!server.log().contains("canary-world"));
    let database = std::fs::read(server.home().join("gilgal.db")).unwrap();
    let log = std::fs::read(server.home().join("gilgal.db-wal")).unwrap_or_default();
    for stored in [database, log] {
        assert!(!stored.windows(12).any(|part| part == b"canary-world"));
    }
    let shown = ada.get(&server, &path("config"));
    assert!(!shown.to_string().contains("canary-world"), "{shown}");
}

#[test]
fn a_new_master_key_seals_everything_again() {
    let mut server = Server::start();
    let mut ada = server.person("ada");
    let tree = WorkTree::of(&[("Dockerfile", TELLING)]);
    server.deploy(&ada, &tree, "shop");
    let secret = json!({ "value": "hello", "secret": true });
    applied(&server, &ada, Method::PUT, "config/GREETING", &secret);
    let at_build = json!({ "value": "hello", "scope": "both" });
    assert_eq!(applied(&server, &ada, Method::PUT, "config/BUILT", &at_build)["effect"], "rebuild");
    let rotate = |server: &Server| run(command(&server.home(), &[]).args(["secrets", "rotate", "--json"]));
    let refused = rotate(&server);
    assert!(refused.code == Some(1) && refused.stderr.contains("another gilgal server"), "{refused:?}");

    server.stop();
    let home = server.home();
    let before = std::fs::read_to_string(home.join("master.key")).unwrap();
    // Killed when the new key was there and nothing was sealed with it: a server starts, and the next run goes on.
    let new = "ab".repeat(32);
    std::fs::write(home.join("master.key"), format!("{new}\n{before}")).unwrap();
    server.start_again(&[]);
    server.stop();
    let done = rotate(&server).expect_success();
    assert!(!done.contains(&new), "{done}");
    let done: Value = serde_json::from_str(&done).unwrap();
    assert!(done["fingerprint"].is_string() && done["values"].as_u64() > Some(1), "{done}");
    let kept = std::fs::read_to_string(home.join("master.key")).unwrap();
    assert!(kept.starts_with(&format!("{new}\ndigests ")) && !kept.contains(before.trim()), "{kept}");

    // What is stored opens, and is brought to the app; what was built with the variables is still what they say.
    server.start_again(&[]);
    server.log_in_again(&mut ada);
    let answer = applied(&server, &ada, Method::PUT, "config/OTHER", &json!({ "value": "x" }));
    assert_eq!(answer["effect"], "restart");
    let redeployed = ada.ssh(&server, &["redeploy", "shop"]);
    assert!(redeployed.code == Some(0) && redeployed.stdout.contains("Reusing the image"), "{redeployed:?}");
    wait_until("the app has it", PATIENCE, || server.get("shop", "/").body == "hello\n");
}
