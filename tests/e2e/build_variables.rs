//! Build variables: they are there while an image is built, and nowhere afterwards.

use crate::support::{Engine, Person, Server, WorkTree, deployments, docker, run, wait_until_all_have_ended};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Sets a secret for builds of the project `shop`, which has to exist, and gives its value: another one each time, so that
/// no build is taken from the cache.
fn set_secret(server: &Server, ada: &Person, name: &str) -> String {
    let canary = format!("canary-{}", uuid::Uuid::now_v7().simple());
    let body = json!({ "value": canary, "scope": "build", "secret": true });
    let path = format!("/api/environments/shop:production/config/{name}");
    server.request(Method::PUT, &path, &ada.token, Some(&body)).expect(200);
    canary
}

/// Everything that an image consists of, as text: its history, its config, and every file of every layer.
fn everything_of(image: &str, folder: &Path) -> Vec<(String, Vec<u8>)> {
    let text = |arguments: &[&str]| (arguments.join(" "), docker(arguments).join("\n").into_bytes());
    let mut found = vec![text(&["history", "--no-trunc", image]), text(&["image", "inspect", image])];
    let saved = folder.join("image.tar");
    docker(&["save", "--output", saved.to_str().unwrap(), image]);
    let unpacked = folder.join("image");
    std::fs::create_dir(&unpacked).unwrap();
    run(Command::new("tar").arg("-xf").arg(&saved).arg("-C").arg(&unpacked)).expect_success();
    let mut folders = vec![unpacked];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match std::fs::metadata(&path) {
                Ok(found) if found.is_dir() => folders.push(path),
                // A layer is a tar archive, whose files stand in it as they are.
                Ok(_) => found.push((path.display().to_string(), std::fs::read(&path).unwrap())),
                // A link to a layer that is there once.
                Err(_) => {}
            }
        }
    }
    found
}

#[track_caller]
fn expect_nowhere(server: &Server, canary: &str, transcript: &str) {
    let mut places = vec![
        ("the push".to_owned(), transcript.as_bytes().to_vec()),
        ("the server's log".to_owned(), server.log().into_bytes()),
    ];
    for image in server.engine().images() {
        let folder = tempfile::tempdir().unwrap();
        places.extend(everything_of(&image, folder.path()));
    }
    for file in ["gilgal.db", "gilgal.db-wal", "routes.json"] {
        places.push((file.to_owned(), std::fs::read(server.home().join(file)).unwrap_or_default()));
    }
    for container in server.engine().containers() {
        places.push((container.clone(), Engine::inspect(&container).to_string().into_bytes()));
    }
    assert!(places.len() > 8, "{}", places.len());
    for (place, content) in places {
        assert!(!content.windows(canary.len()).any(|part| part == canary.as_bytes()), "{place}");
    }
}

/// The arguments of every process of this machine.
fn command_lines() -> Vec<u8> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok()).flatten().collect()
}

#[test]
fn a_build_secret_is_in_no_argument_layer_history_log_or_database() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.request(Method::POST, "/api/projects", &ada.token, Some(&json!({ "name": "shop" }))).expect(201);
    let canary = set_secret(&server, &ada, "SECRET");
    // A buildpack's: the build has it in its environment, prints it, and writes down that it was there.
    let package = r#"{
        "name": "shop", "version": "1.0.0",
        "scripts": {
            "build": "node said.js build && sleep 2",
            "start": "node serve.js"
        }
    }"#;
    let said = "const { SECRET } = process.env; require('fs').appendFileSync('said.txt', `${process.argv[2]} ${SECRET.length}\\n`);\
                console.log('it is ' + SECRET); process.stdout.write(SECRET.slice(0, 9));\
                setTimeout(() => console.log(SECRET.slice(9)), 300)";
    let serve = "require('http').createServer((_, answer) => answer.end(require('fs').readFileSync('said.txt')))\
                 .listen(process.env.PORT, '0.0.0.0')";
    let lock = r#"{"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {"": {"name": "shop", "version": "1.0.0"}}}"#;
    let tree = WorkTree::of(&[
        ("package.json", package),
        ("package-lock.json", lock),
        ("said.js", said),
        ("serve.js", serve),
    ]);
    let push = crate::support::RunningPush::start(&server, &ada, &tree, "shop", &["main"]);
    push.wait_for("it is ********");
    let processes = command_lines();
    assert!(
        !processes.windows(canary.len()).any(|part| part == canary.as_bytes()),
        "the arguments of a process"
    );
    let push = push.finish().expect(0);
    let length = canary.len();
    let said = server.get("shop", "/").body;
    assert_eq!(said, format!("build {length}\n"));
    assert!(!push.says("/run/gilgal"), "{}", push.transcript);
    let log = ada.ssh(&server, &["logs", "shop"]).stdout;
    assert!(log.contains("********") && !log.contains(&canary), "{log}");
    expect_nowhere(&server, &canary, &push.transcript);

    // Equal inputs are one image; another secret is another one.
    let images = server.engine().images();
    ada.ssh(&server, &["redeploy", "shop"]).expect_success();
    assert_eq!(server.engine().images(), images);
    let path = "/api/environments/shop:production/config/SECRET";
    let longer = json!({ "value": format!("{canary}-2") });
    server.request(Method::PUT, path, &ada.token, Some(&longer)).expect(202);
    crate::support::wait_until_all_have_ended(&server, &ada);
    assert!(server.get("shop", "/").body.contains(&format!("build {}", length + 2)));
}

#[test]
fn an_own_dockerfile_mounts_what_it_asks_for() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.request(Method::POST, "/api/projects", &ada.token, Some(&json!({ "name": "shop" }))).expect(201);
    let canary = set_secret(&server, &ada, "SECRET");
    let dockerfile = "\
FROM busybox:stable
RUN --mount=type=secret,id=SECRET,required=true mkdir /www && wc -c </run/secrets/SECRET >/www/index.html && cat /run/secrets/SECRET
USER 65534:65534
CMD exec httpd -f -p \"$PORT\" -h /www
";
    let tree = WorkTree::of(&[("Dockerfile", dockerfile)]);
    let push = server.deploy(&ada, &tree, "shop");
    assert_eq!(server.get("shop", "/").body.trim(), canary.len().to_string());
    expect_nowhere(&server, &canary, &push.transcript);

    let tree = WorkTree::of(&[("Dockerfile", &dockerfile.replace("id=SECRET", "id=OTHER"))]);
    server.push(&ada, &tree, "shop", &["--force", "main"]).expect(1).expect_text("build failed");
}

#[test]
fn a_public_variable_is_built_into_the_site() {
    let mut server = Server::start();
    let ada = server.person("ada");
    server.request(Method::POST, "/api/projects", &ada.token, Some(&json!({ "name": "shop" }))).expect(201);
    let path = "/api/environments/shop:production/config";
    let body = json!({ "VITE_TITLE": "the shop", "OTHER": "x" });
    server.request(Method::PATCH, path, &ada.token, Some(&body)).expect(200);
    let shown = ada.get(&server, path);
    let scopes: Vec<_> = shown["data"].as_array().unwrap().iter().map(|var| &var["scope"]).collect();
    assert_eq!(scopes, ["runtime", "both"]);
    let secret = json!({ "VITE_TITLE": { "secret": true } });
    let refused = server.request(Method::PATCH, path, &ada.token, Some(&secret)).expect(422);
    assert!(
        refused["error"]["details"]["fields"]["VITE_TITLE"].as_str().unwrap().contains("cannot be a secret")
    );
}

#[test]
fn what_was_promoted_is_built_again_for_a_change_only() {
    let mut server = Server::start();
    let ada = server.person("ada");
    let dockerfile = "FROM busybox:stable\n\
        RUN --mount=type=secret,id=WORD,required=true mkdir /www && cat /run/secrets/WORD > /www/index.html\n\
        CMD exec httpd -f -p $PORT -h /www\n";
    let tree = WorkTree::of(&[("Dockerfile", dockerfile)]);
    server.request(Method::POST, "/api/projects", &ada.token, Some(&json!({ "name": "shop" }))).expect(201);
    let staging = json!({ "name": "staging" });
    server.request(Method::POST, "/api/projects/shop/environments", &ada.token, Some(&staging)).expect(201);
    let set = |environment: &str, set: &Value| {
        let path = format!("/api/environments/shop:{environment}/config");
        server.request(Method::PATCH, &path, &ada.token, Some(set))
    };
    let word = |word: &str| json!({ "WORD": { "value": word, "scope": "build" } });
    set("production", &word("one")).expect(200);
    set("staging", &word("two")).expect(200);
    server.push(&ada, &tree, "shop", &["main"]).expect(0);
    assert_eq!(server.get("shop", "/index.html").body, "one");
    let promote =
        format!("/api/deployments/{}/promote", deployments(&server, &ada)[0]["id"].as_str().unwrap());
    let promoted =
        server.request(Method::POST, &promote, &ada.token, Some(&json!({ "environment": "staging" })));
    promoted.expect(202);
    wait_until_all_have_ended(&server, &ada);
    assert_eq!(server.get("shop-staging", "/index.html").body, "one");

    assert_eq!(set("staging", &word("two")).expect(200)["effect"], "none");
    assert_eq!(set("staging", &json!({ "A": "b" })).expect(202)["effect"], "restart");
    wait_until_all_have_ended(&server, &ada);
    assert_eq!(server.get("shop-staging", "/index.html").body, "one");
    assert_eq!(set("staging", &word("three")).expect(202)["effect"], "rebuild");
    wait_until_all_have_ended(&server, &ada);
    assert_eq!(server.get("shop-staging", "/index.html").body, "three");
}
