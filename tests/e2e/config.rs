//! Config vars: they stay out of logs, and a deployment has those that it began with.

use crate::support::{
    Engine, RunningPush, Server, WorkTree, deployments, expect_live, wait_until_all_have_ended,
};
use gilgal::config::Home;
use gilgal::model::environment::{ConfigScope, ConfigVar};
use gilgal::model::id::EnvironmentId;
use gilgal::model::secret::Secret;
use gilgal::secrets::MasterKey;
use gilgal::store::Store;

/// Sets a config var of the only project, as the API will. The server must not run: it locks its home.
fn set(server: &Server, environment: EnvironmentId, name: &str, value: &str) {
    let home = Home::open(&server.home()).unwrap();
    let key = MasterKey::of(&home).unwrap();
    let variable = ConfigVar {
        name: name.parse().unwrap(),
        sealed_value: key.seal(&format!("environment {environment}"), &Secret::new(value.to_owned())),
        scope: ConfigScope::Runtime,
        secret: true,
        updated_at: chrono::Utc::now(),
    };
    let url = format!("sqlite://{}", server.home().join("gilgal.db").display());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::connect(&url).await.unwrap();
        store.set_config_var(environment, variable).await.unwrap();
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
