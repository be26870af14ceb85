//! The command line as its users meet it: from the login to the rollback, without a push.

use crate::support::{Client, PATIENCE, Server, Talk, WorkTree, wait_until};
use std::fs;

/// Serves a page that says what it was given, and prints it at the start.
const DOCKERFILE: &str = "\
FROM busybox:stable
COPY index.html /www/
USER 65534:65534
CMD mkdir -p /tmp/www && echo \"$(cat /www/index.html) $GREETING\" > /tmp/www/index.html && \
    echo \"serving $GREETING\" && exec httpd -f -p \"$PORT\" -h /tmp/www
";

#[track_caller]
fn expect(said: &str, texts: &[&str]) {
    for text in texts {
        assert!(said.contains(text), "nothing says {text:?}:\n{said}");
    }
}

#[test]
fn a_session_from_the_login_to_the_rollback() {
    let mut server = Server::on_held_sockets();
    let ada = server.person("ada");
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "one")]);
    let client = Client::new(&server, &ada, tree.path());
    client.log_in();
    let page = |server: &Server, app: &str| server.get(app, "/").body.trim().to_owned();

    expect(&client.run(&["create", "Shop"]), &["Created shop", "Added the git remote gilgal"]);
    // What is not committed is deployed too; what git ignores is not.
    fs::write(tree.path().join(".gitignore"), "*.log\n").unwrap();
    fs::write(tree.path().join("debug.log"), "canary").unwrap();
    expect(&client.run(&["deploy"]), &["Released v1", "http://shop.localhost"]);
    assert_eq!(page(&server, "shop"), "one");

    let set = client.run(&["config", "set", "GREETING=hello", "OTHER=x"]);
    expect(&set, &["Set GREETING, OTHER in shop.", "The instances are replaced", "Released v2"]);
    assert_eq!(page(&server, "shop"), "one hello");
    assert_eq!(client.run(&["config", "get", "GREETING"]), "hello\n");

    expect(&client.run(&["env", "create", "staging"]), &["Created shop:staging"]);
    client.run(&["config", "set", "-e", "staging", "GREETING=hi"]);
    client.run(&["promote", "--to", "staging"]);
    assert_eq!(page(&server, "shop-staging"), "one hi");

    expect(&client.run(&["ps"]), &["web.1", "running", "v2"]);
    client.run(&["scale", "web=2"]);
    expect(&client.run(&["ps"]), &["web.1", "web.2"]);
    assert_eq!(client.run(&["scale"]), "web=2\n");

    fs::write(tree.path().join("index.html"), "two").unwrap();
    client.run(&["deploy", "."]);
    assert_eq!(page(&server, "shop"), "two hello");
    let releases = client.run(&["releases"]);
    let current = releases.lines().find(|line| line.contains("current")).unwrap();
    expect(current, &["v4", "ada", "web=2"]);
    expect(&client.run(&["releases", "info", "v4"]), &["v4 (current)", "GREETING", "Image: another one"]);
    client.run(&["rollback", "--yes"]);
    assert_eq!(page(&server, "shop"), "one hello");
    client.run(&["restart"]);
    assert_eq!(page(&server, "shop"), "one hello");

    assert_eq!(client.run(&["run", "--", "sh", "-c", "echo $GREETING"]), "hello\n");
    assert_eq!(client.run(&["run", "-e", "staging", "echo \"$GREETING\" | cat"]), "hi\n");
    let said = client.types(&["run", "sh", "-c", "cat; echo oops >&2; exit 3"], "typed");
    assert_eq!((said.code, said.output.as_str()), (Some(3), "typed"), "{said:?}");
    expect(&said.errors, &["oops"]);
    // More than any buffer on the way holds, there and back.
    let much = "0123456789abcde\n".repeat(1 << 18);
    let said = client.types(&["run", "cat"], &much);
    assert!(said.code == Some(0) && said.output == much, "{:?}, {} bytes", said.code, said.output.len());

    expect(&client.run(&["logs"]), &["Released v6"]);
    expect(&client.run(&["logs", "--app"]), &["app[web.1]: serving hello", "app[web.2]: serving hello"]);
    let of = |more: &[&str]| client.run(&[&["logs", "--app"], more].concat());
    expect(&of(&["--search", "SERVING HELLO", "--since", "1h", "-n", "1"]), &["serving hello"]);
    assert_eq!(of(&["--search", "serving nothing"]), "");
    assert_eq!(of(&["--since", "0s"]), "");
    expect(&client.run(&["deployments", "-e", "staging"]), &["staging", "success"]);
    assert_eq!(client.run(&["env", "destroy", "staging", "--confirm", "staging"]), "Removed shop:staging.\n");
}

/// Whoever follows an app hears of all of its instances, also behind a restart of the server.
#[test]
fn what_an_app_prints_is_followed_through_a_restart() {
    let mut server = Server::on_held_sockets();
    let ada = server.person("ada");
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "one")]);
    let client = Client::new(&server, &ada, tree.path());
    client.log_in();
    client.run(&["create", "Shop"]);
    client.run(&["deploy"]);
    let mut followed = Talk::start(&mut client.command(&["logs", "--app", "-f"]));
    followed.wait_for("app[web.1]: serving", |_| {});
    server.stop();
    server.start_again(&[]);
    client.run(&["scale", "web=2"]);
    followed.wait_for("app[web.2]: serving", |_| {});
    // Each line once.
    wait_until("the log is followed", PATIENCE, || followed.said().lines().count() >= 2);
    assert_eq!(followed.said().lines().count(), 2, "{}", followed.said());
    followed.kill();
}

#[test]
fn a_command_has_the_terminal_of_who_runs_it_with_a_token_alone() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let tree = WorkTree::of(&[("Dockerfile", DOCKERFILE), ("index.html", "one")]);
    server.deploy(&ada, &tree, "shop");
    let client = Client::new(&server, &ada, server.folder());
    let gilgal = |arguments: &[&str]| {
        let mut gilgal = client.command(&[&["run", "--project", "shop"], arguments].concat());
        gilgal.env("GILGAL_URL", server.api.to_string()).env("GILGAL_TOKEN", &ada.token);
        gilgal
    };
    let line = "stty size; while read word; do stty size; [ \"$word\" = end ] && exit 7; done";
    let mut talk = Talk::in_terminal(gilgal(&[line]), 100, 30);
    // An engine before Docker 23 says the first size a moment after the start.
    talk.wait_for("30 100", |talk| talk.types("more\n"));
    talk.resize(91, 17);
    talk.wait_for("17 91", |talk| talk.types("more\n"));
    // Ctrl-C is the command's: it ends what it was reading.
    talk.types("\u{3}");
    assert_eq!(talk.finish().code, Some(1));

    let mut talk = Talk::in_terminal(gilgal(&[line]), 100, 30);
    talk.wait_for("30 100", |talk| talk.types("more\n"));
    talk.types("end\n");
    assert_eq!(talk.finish().code, Some(7));
    // Who has gone takes the command along.
    let mut talk = Talk::start(&mut gilgal(&["--", "sh", "-c", "echo begun; sleep 600"]));
    talk.wait_for("begun", |_| ());
    talk.kill();
    let engine = server.engine();
    wait_until("the command has ended", PATIENCE, || engine.containers().len() == 1);

    let refused = gilgal(&["--", "no-such-program"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("no-such-program"), "{said}");
}
