//! Who may do what over SSH, and what everybody else is told.

use crate::support::{Person, Server, WorkTree, wait_until};
use regex::Regex;
use reqwest::Method;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;

/// What somebody is told who pushes to a project of this name.
fn refusal_of(server: &Server, person: &Person, project: &str) -> String {
    let output = person.ssh(server, &[&format!("git-receive-pack '{project}'")]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(128), ""), "{}", output.stderr);
    output.stderr
}

#[test]
fn an_unknown_key_is_told_what_to_do() {
    let mut server = Server::start();
    server.person("ada");
    let eve = server.stranger("eve");
    let greeted = eve.ssh(&server, &[]);
    assert_eq!(greeted.code, Some(255));
    insta::assert_snapshot!(greeted.stderr.replace('\r', ""));

    let quiet = eve.ssh_with(&server, &["-o", "BatchMode=yes"], &[]);
    assert_eq!(quiet.code, Some(255));
    assert!(quiet.stderr.contains("Permission denied"), "{}", quiet.stderr);

    let push = server.push(&eve, &WorkTree::answering("one"), "shop", &["main"]);
    assert_eq!(push.code, Some(128));
    assert!(push.says("knows none of the keys"), "{}", push.transcript);
}

#[test]
fn a_person_without_a_command_is_greeted_by_name() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let port = format!(":{}", server.ssh.port());
    let greeted = ada.ssh(&server, &[]);
    assert_eq!(greeted.code, Some(0), "{}", greeted.stderr);
    insta::assert_snapshot!("greeting", greeted.stdout.replace(&port, ":[ssh port]"));
    let helped = ada.ssh(&server, &["help"]).expect_success();
    assert!(helped.contains("git push"), "{helped}");
    let who = ada.ssh(&server, &["whoami"]).expect_success();
    assert!(who.starts_with("ada (ada@example.com), key \"laptop\" SHA256:"), "{who}");
    // The name in front of the host is nobody's business.
    let other_name = ada.ssh_with(&server, &["-l", "root"], &["whoami"]).expect_success();
    assert_eq!(other_name, who);
}

#[test]
fn the_identity_is_the_key_that_has_signed() {
    let mut server = Server::start();
    let (ada, bob) = (server.person("ada"), server.person("bob"));
    // The server takes the first key for one it knows, and then hears a signature of the second.
    let half = ada.eavesdropper(&server);
    let who = half.ssh_with(&server, &["-v", "-i", bob.key()], &["whoami"]);
    assert!(who.stderr.contains("Server accepts key"), "{}", who.stderr);
    assert!(who.stdout.starts_with("bob ("), "{}\n{}", who.stdout, who.stderr);
    let alone = half.ssh(&server, &["whoami"]);
    assert_eq!((alone.code, alone.stdout.as_str()), (Some(255), ""), "{}", alone.stderr);
}

#[test]
fn everything_else_is_refused_by_name() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let mut told = String::new();
    for command in ["bash", "rm -rf /", "scp -t /tmp", "git-shell -c id", "git-receive-pack 'a' 'b'"] {
        let refused = ada.ssh(&server, &[command]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(128), ""), "{command}: {}", refused.stderr);
        writeln!(told, "{command}\n{}", refused.stderr.trim_end()).unwrap();
    }
    insta::assert_snapshot!(told);
    let sftp = ada.ssh_with(&server, &["-s"], &["sftp"]);
    assert_ne!(sftp.code, Some(0), "{sftp:?}");
    let forwarded = ada.ssh_with(&server, &["-W", "127.0.0.1:22"], &[]);
    assert_ne!(forwarded.code, Some(0), "{forwarded:?}");
}

#[test]
fn a_name_that_no_project_can_have_is_refused_with_the_rule() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let mut told = String::new();
    for name in
        ["../etc", "Shop", "-shop", "shop/other", "", "a b", "api", &"a".repeat(64), "--upload-pack=id"]
    {
        writeln!(told, "{name:?}\n{}", refusal_of(&server, &ada, name).trim_end()).unwrap();
    }
    insta::assert_snapshot!(told);
    assert_eq!(ada.get(&server, "/api/projects")["data"], serde_json::json!([]));
}

#[test]
fn another_ones_project_is_as_good_as_unknown() {
    let mut server = Server::start();
    let (ada, bob) = (server.person("ada"), server.person("bob"));
    server.deploy(&ada, &WorkTree::answering("one"), "shop");

    let tree = WorkTree::answering("two");
    let push = server.push(&bob, &tree, "shop", &["main"]);
    assert_eq!(push.code, Some(128), "{}", push.transcript);
    insta::assert_snapshot!(push.redacted(&server));

    let fetch = |project: &str| bob.git(&server, server.folder(), &["ls-remote", &server.git_url(project)]);
    let (hers, nobodys) = (fetch("shop"), fetch("nothing"));
    assert_eq!((hers.code, nobodys.code), (Some(128), Some(128)));
    assert_eq!(hers.stderr.replace("shop", "nothing"), nobodys.stderr);
    assert_eq!(server.get("shop", "/").body, "one");
}

#[test]
fn a_removed_key_opens_nothing_any_more() {
    let mut server = Server::start();
    let ada = server.person("ada");
    ada.ssh(&server, &["whoami"]).expect_success();
    let keys = ada.get(&server, "/api/keys");
    let path = format!("/api/keys/{}", keys["data"][0]["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(204);
    assert_eq!(ada.ssh(&server, &["whoami"]).code, Some(255));
    ada.add_key(&server);
    ada.ssh(&server, &["whoami"]).expect_success();
}

#[test]
fn a_key_that_is_removed_meanwhile_starts_no_other_command() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let socket = server.folder().join("connection").display().to_string();
    let mut ssh = ada.ssh_command(&server);
    let mut connection = ssh.args(["-M", "-N", "-S", &socket]).spawn().unwrap();
    wait_until("the connection is open", Duration::from_secs(20), || Path::new(&socket).exists());
    let ask = || ada.ssh_with(&server, &["-S", &socket], &["whoami"]);
    ask().expect_success();
    let keys = ada.get(&server, "/api/keys");
    let path = format!("/api/keys/{}", keys["data"][0]["id"].as_str().unwrap());
    server.request(Method::DELETE, &path, &ada.token, None).expect(204);
    let refused = ask();
    connection.kill().unwrap();
    connection.wait().unwrap();
    assert_eq!(refused.code, Some(128), "{refused:?}");
    assert!(refused.stderr.contains("This key is not accepted any more."), "{refused:?}");
}

#[test]
fn a_terminal_is_given_whole_lines() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let helped = ada.ssh_with(&server, &["-tt"], &["help"]).expect_success();
    assert!(helped.contains("whoami"), "{helped}");
    assert!(
        helped.lines().count() > 5 && helped.matches('\n').count() == helped.matches("\r\n").count(),
        "{helped:?}"
    );
}

#[test]
fn what_runs_and_what_was_released_is_shown() {
    let mut server = Server::start();
    let (ada, bob) = (server.person("ada"), server.person("bob"));
    let tree = WorkTree::answering("one");
    let first = tree.head();
    server.deploy(&ada, &tree, "shop");
    let second = tree.commit(&[("index.html", "two")]);
    server.deploy(&ada, &tree, "shop");
    let engine = server.engine();
    wait_until("the old instance is removed", Duration::from_secs(20), || engine.containers().len() == 1);

    let words = |text: &str| -> Vec<Vec<String>> {
        let age = Regex::new("[0-9]+ (s|min)").unwrap();
        let text = age.replace_all(text, "[age]");
        text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let instances = ada.ssh(&server, &["ps", "shop"]).expect_success();
    assert_eq!(
        words(&instances),
        [
            vec!["PROCESS", "STATE", "SINCE", "RESTARTS", "RELEASE"],
            vec!["web.1", "running", "[age]", "0", "v2"]
        ]
    );
    let releases = ada.ssh(&server, &["releases", "shop"]).expect_success();
    let expected = [
        vec!["RELEASE", "STATE", "FROM", "COMMIT", "BY", "AGE"],
        vec!["v2", "current", "push", "to", "main", &second[..7], "ada", "[age]"],
        vec!["v1", "replaced", "push", "to", "main", &first[..7], "ada", "[age]"],
    ];
    assert_eq!(words(&releases), expected);
    for command in ["ps", "releases"] {
        let refused = bob.ssh(&server, &[command, "shop"]);
        let sentence = format!(
            " !     There is no project \"shop\" among yours. Check the name, or create it with a push to {}.\n",
            server.git_url("shop").replace("127.0.0.1", "localhost")
        );
        assert_eq!((refused.code, refused.stderr), (Some(128), sentence));
    }
}

#[test]
fn no_variable_of_a_client_reaches_git() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.deploy(&ada, &WorkTree::answering("one"), "shop");
    // GIT_TRACE would make git talk, GIT_SSH_COMMAND or GIT_CONFIG_COUNT would make it run things.
    let trace = server.folder().join("trace");
    let traced = format!("SetEnv=GIT_TRACE={}", trace.display());
    let listed = ada.ssh_with(&server, &["-o", &traced], &["git-upload-archive 'shop.git'"]);
    assert!(!trace.exists(), "{listed:?}");
    let version =
        ada.ssh_with(&server, &["-o", "SetEnv=GIT_PROTOCOL=version=2"], &["git-upload-pack 'shop.git'"]);
    assert!(version.stdout.contains("version 2"), "{version:?}");
}

#[test]
fn a_stranger_does_not_shut_others_out() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stranger = || async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
            socket.connect(server.ssh).await.unwrap()
        };
        let mut held = Vec::new();
        for _ in 0..32 {
            held.push(stranger().await);
        }
        let mut told = String::new();
        stranger().await.read_to_string(&mut told).await.unwrap();
        assert_eq!(told, "Too many SSH connections to this server. Try again in a moment.\r\n");
        ada.ssh(&server, &["whoami"]).expect_success();
    });
}
