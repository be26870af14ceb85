//! A server is backed up while it runs, is lost with its engine, and comes back from the one file.

use crate::postgres::Postgres;
use crate::support::{
    PATIENCE, Person, RequestLoop, Server, WorkTree, command, deployments, run, wait_until,
    wait_until_all_have_ended,
};
use reqwest::Method;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// `gilgal` with a home and a database.
fn gilgal(home: &Path, url: Option<&str>, arguments: &[&str]) -> Command {
    let options: Vec<_> = url.map(|url| ("DATABASE_URL", url)).into_iter().collect();
    let mut gilgal = command(home, &options);
    gilgal.args(arguments);
    gilgal
}

/// Everything that a person sees of their project, but for the ports, which are others after each start.
fn seen(server: &Server, person: &Person) -> String {
    let get = |path: &str| server.request(Method::GET, path, &person.token, None).expect(200);
    let mut seen = vec![get("/api/auth/me"), get("/api/projects"), get("/api/keys")];
    for deployment in deployments(server, person) {
        let id = deployment["id"].as_str().unwrap().to_owned();
        seen.extend([deployment, get(&format!("/api/deployments/{id}/logs"))]);
    }
    // When a key was last used goes on.
    for key in seen[2]["data"].as_array_mut().unwrap() {
        key["last_used_at"] = Value::Null;
    }
    let text = serde_json::to_string_pretty(&seen).unwrap();
    // Also in the logs, which keep the port of their time.
    regex::Regex::new(r"localhost:\d+").unwrap().replace_all(&text, "localhost:[port]").into_owned()
}

fn a_lost_server_comes_back(old: Option<&str>, new: Option<&str>) {
    let options: Vec<_> = old.map(|url| ("DATABASE_URL", url)).into_iter().collect();
    let mut server = Server::start_with(&options);
    let ada = server.person("ada");
    let tree = WorkTree::answering("one");
    server.deploy(&ada, &tree, "shop");
    tree.commit(&[("index.html", "two \u{2713} \\ \"quoted\"\n")]);
    server.deploy(&ada, &tree, "shop");
    server.push(&ada, &tree, "shop", &["main:side"]).expect(0);
    wait_until_all_have_ended(&server, &ada);
    let before = seen(&server, &ada);

    // While it runs and serves.
    let requests = RequestLoop::start(server.http, &Server::host("shop"));
    let file = server.folder().join("gilgal.tar.gz");
    let name = file.to_str().unwrap();
    let said = run(&mut gilgal(&server.home(), old, &["backup", name])).expect_success();
    assert!(said.contains("1 repository and the database"), "{said}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(requests.finish().into_iter().all(|answer| answer.unwrap().status == 200));
    let left: Vec<_> =
        fs::read_dir(server.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_str().unwrap().contains("parts")), "{left:?}");

    // The machine is lost, and with it home, database, containers and images.
    server.stop();
    server.engine().clear();
    fs::rename(server.home(), server.folder().join("lost")).unwrap();
    let said = run(&mut gilgal(&server.home(), new, &["restore", name])).expect_success();
    assert!(said.contains("with 1 repository and its database"), "{said}");
    let options: Vec<_> = new.map(|url| ("DATABASE_URL", url)).into_iter().collect();
    server.start_again(&options);

    assert_eq!(seen(&server, &ada), before);
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/main"), Some(tree.head()));
    assert_eq!(ada.remote_reference(&server, "shop", "refs/heads/side"), Some(tree.head()));
    wait_until("the app is known and not there", PATIENCE, || server.get("shop", "/").status == 503);
    ada.ssh(&server, &["redeploy", "shop"]).expect_success();
    assert_eq!(server.get("shop", "/").body, "two \u{2713} \\ \"quoted\"\n");
    tree.commit(&[("index.html", "three")]);
    server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/").body, "three");
}

#[test]
fn a_lost_server_with_sqlite_comes_back_from_its_backup() {
    a_lost_server_comes_back(None, None);
}

#[test]
fn a_lost_server_with_postgresql_comes_back_from_its_backup() {
    let (old, new) = (Postgres::start(), Postgres::start());
    a_lost_server_comes_back(Some(&old.url()), Some(&new.url()));
}

#[test]
fn a_backup_goes_through_a_pipe() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let backup = gilgal(&server.home(), None, &["backup", "-"]).output().unwrap();
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    let file = server.folder().join("piped.tar.gz");
    fs::write(&file, &backup.stdout).unwrap();
    assert!(!server.home().join("backup.parts").exists());

    let other = server.folder().join("other");
    let mut restore = gilgal(&other, None, &["restore", "-"]);
    let restored = restore.stdin(fs::File::open(&file).unwrap()).output().unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let key = |home: &Path| fs::read(home.join("master.key")).unwrap();
    assert_eq!(key(&server.home()), key(&other));
    assert_eq!(fs::metadata(other.join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
    drop(ada);
}

#[test]
fn a_backup_is_restored_only_whole_and_only_into_what_is_empty() {
    let server = Server::start();
    let (home, folder) = (server.home(), server.folder());
    let file = folder.join("gilgal.tar.gz");
    let name = file.to_str().unwrap();
    let nowhere = folder.join("nowhere");
    let mut told = String::new();
    let mut refused = |home: &Path, url: Option<&str>, arguments: &[&str]| {
        let outcome = run(&mut gilgal(home, url, arguments));
        assert_eq!(outcome.code, Some(1), "{arguments:?}: {}{}", outcome.stdout, outcome.stderr);
        told.push_str(&outcome.stderr.replace(folder.to_str().unwrap(), "[folder]"));
    };
    refused(&nowhere, None, &["backup", name]);
    run(&mut gilgal(&home, None, &["backup", name])).expect_success();
    refused(&home, None, &["backup", name]);
    let said = run(&mut gilgal(&home, None, &["backup", "--replace", "--json", name])).expect_success();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["file"], &said["repositories"]), (&name.into(), &0.into()), "{said}");

    refused(&home, None, &["restore", name]);
    refused(&nowhere, None, &["restore", folder.join("missing").to_str().unwrap()]);
    let database = format!("sqlite://{}", home.join("gilgal.db").display());
    refused(&nowhere, Some(&database), &["restore", name]);
    let postgres = Postgres::start();
    refused(&nowhere, Some(&postgres.url()), &["restore", name]);
    let whole = fs::read(&file).unwrap();
    let cut = folder.join("cut.tar.gz");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    refused(&nowhere, None, &["restore", cut.to_str().unwrap()]);
    assert_eq!(fs::read_dir(&nowhere).unwrap().count(), 0, "what fails leaves nothing");
    run(&mut gilgal(&nowhere, None, &["restore", name])).expect_success();
    insta::assert_snapshot!(told);
}
