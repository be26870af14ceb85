//! A pull request elsewhere, and what is live of it here.

use crate::hooks::{Hook, LOOPBACK};
use crate::support::{
    Answer, GitHttp, PATIENCE, Person, Server, WorkTree, deploy, deployments, ended, wait_until, with_project,
};
use reqwest::Method;
use serde_json::{Value, json};

/// An example of GitHub's.
const OPENED: &str = include_str!("../api/payloads/github_pull_request_opened.json");
/// An app that says which variables it has.
const TELLING: &str = "\
FROM busybox:stable
COPY index.html /www/
CMD env >/www/env; exec httpd -f -p \"$PORT\" -h /www
";

/// A repository elsewhere, its hook, and the branch of a pull request.
pub(crate) struct Elsewhere {
    git: GitHttp,
    hook: Hook,
    pub(crate) tree: WorkTree,
}

impl Elsewhere {
    pub(crate) fn connected(server: &Server, ada: &Person) -> Self {
        let (git, tree) = (GitHttp::start(), WorkTree::of(&[("Dockerfile", TELLING), ("index.html", "one")]));
        git.publish(&tree, "ada/shop.git");
        let hook = Hook::create(server, ada, &git.url("ada/shop.git"));
        let on = json!({ "previews": {} });
        server.request(Method::PATCH, &hook.url(), &ada.token, Some(&on)).expect(200);
        Self { git, hook, tree }
    }

    /// Pushes a word to a pull request, without telling of it. Gives the commit.
    pub(crate) fn push(&self, number: u64, word: &str) -> String {
        let commit = self.tree.commit(&[("index.html", word)]);
        self.git.publish_as(&self.tree, "ada/shop.git", &format!("refs/pull/{number}/head"));
        commit
    }

    pub(crate) fn tell(
        &self,
        server: &Server,
        action: &str,
        (number, owner): (u64, &str),
        head: &str,
    ) -> Answer {
        let mut body: Value = serde_json::from_str(OPENED).unwrap();
        let request = &mut body["pull_request"];
        request["head"]["repo"]["full_name"] = json!(format!("{owner}/shop"));
        request["head"]["sha"] = json!(head);
        request["base"]["repo"]["full_name"] = json!("ada/shop");
        request["base"]["ref"] = json!("main");
        (body["action"], body["number"]) = (json!(action), json!(number));
        body["repository"]["full_name"] = json!(self.hook.repository);
        self.hook.tell(server, "pull_request", &body)
    }
}

/// Sets config vars of production.
fn set(server: &Server, ada: &Person, body: &Value) {
    let path = "/api/environments/shop:production/config";
    server.request(Method::PATCH, path, &ada.token, Some(body)).expect(200);
}

/// The deployment of an answer has gone live with a commit.
#[track_caller]
fn live(server: &Server, ada: &Person, id: &Value, commit: &str) {
    let (deployment, log) = ended(server, ada, &json!({ "id": id }));
    assert_eq!((&deployment["status"], &deployment["commit"]), (&json!("success"), &json!(commit)), "{log}");
}

#[test]
fn a_pull_request_is_live_while_it_is_open() {
    let (server, ada) = with_project(LOOPBACK);
    let elsewhere = Elsewhere::connected(&server, &ada);
    let config = json!({
        "SAFE": { "value": "safe", "previews": true },
        "TOKEN": { "value": "a-token", "secret": true, "previews": true },
        "PRIVATE": "nobody-else",
    });
    set(&server, &ada, &config);
    let own = (7, "ada");
    let commit = elsewhere.push(7, "seven");
    let opened = elsewhere.tell(&server, "opened", own, &commit).expect(202);
    live(&server, &ada, &opened["deployment_id"], &commit);
    assert_eq!(server.get("shop-pr-7", "/").body, "seven");
    assert_eq!(server.get("shop", "/").status, 404, "production has nothing yet");
    let variables = server.get("shop-pr-7", "/env").body;
    for line in ["SAFE=safe", "TOKEN=a-token", "GILGAL_PULL_REQUEST=7"] {
        assert!(variables.lines().any(|known| known == line), "{line}: {variables}");
    }
    assert!(!variables.contains("nobody-else"), "{variables}");

    // What is set otherwise reaches the next deployment, and what is no longer safe does not.
    let config = json!({ "SAFE": "safer", "TOKEN": { "previews": false } });
    set(&server, &ada, &config);
    let commit = elsewhere.push(7, "seven again");
    let pushed = elsewhere.tell(&server, "synchronize", own, &commit).expect(202);
    live(&server, &ada, &pushed["deployment_id"], &commit);
    assert_eq!(server.get("shop-pr-7", "/").body, "seven again");
    let variables = server.get("shop-pr-7", "/env").body;
    assert!(variables.contains("SAFE=safer") && !variables.contains("TOKEN"), "{variables}");
    assert_eq!(server.engine().containers().len(), 1);

    let closed = elsewhere.tell(&server, "closed", own, &commit).expect(200);
    assert_eq!(closed["outcome"], "preview_removed");
    let path = "/api/projects/shop/previews";
    wait_until("the preview is gone", PATIENCE, || ada.get(&server, path)["data"] == json!([]));
    assert_eq!(server.get("shop-pr-7", "/").status, 404);
    let left = (server.engine().containers(), server.engine().images());
    assert_eq!(left, (Vec::<String>::new(), Vec::<String>::new()));
    let environments = ada.get(&server, "/api/projects/shop/environments");
    assert_eq!(environments["data"].as_array().unwrap().len(), 1);

    // Opened again, it is there again.
    let reopened = elsewhere.tell(&server, "reopened", own, &commit).expect(202);
    live(&server, &ada, &reopened["deployment_id"], &commit);
    assert_eq!(server.get("shop-pr-7", "/").body, "seven again");
}

/// An app that says what its build has found in a cache, and leaves a word there.
fn caching(word: &str) -> String {
    format!(
        "FROM busybox:stable\nRUN --mount=type=cache,target=/cache mkdir -p /www && cat /cache/* > /www/found 2>/dev/null; \
         echo {word} > /cache/{word}\nCMD exec httpd -f -p \"$PORT\" -h /www\n"
    )
}

#[test]
fn the_build_of_a_fork_neither_reads_nor_fills_the_caches_of_the_project() {
    let (server, ada) = with_project(LOOPBACK);
    let elsewhere = Elsewhere::connected(&server, &ada);
    // What is said in a cache is of this test alone, whatever other builds leave behind.
    let [ours, theirs, last] =
        ["ours", "theirs", "last"].map(|word| format!("{word}-{}", std::process::id()));
    let publish = |word: &str, reference: &str| {
        let commit = elsewhere.tree.commit(&[("Dockerfile", &caching(word))]);
        elsewhere.git.publish_as(&elsewhere.tree, "ada/shop.git", reference);
        commit
    };
    let deployed = |reference: &str| {
        let body = json!({ "repository": elsewhere.git.url("ada/shop.git"), "reference": reference });
        let (deployment, log) = deploy(&server, &ada, "shop", &body);
        assert_eq!(deployment["status"], "success", "{log}");
        server.get("shop", "/found").body
    };
    publish(&ours, "refs/heads/main");
    deployed("main");

    let head = publish(&theirs, "refs/pull/8/head");
    elsewhere.tell(&server, "opened", (8, "eve"), &head).expect(200);
    let path = "/api/projects/shop/previews/8/approve";
    let approved =
        server.request(Method::POST, path, &ada.token, Some(&json!({ "commit": head }))).expect(202);
    live(&server, &ada, &approved["id"], &head);
    let found = server.get("shop-pr-8", "/found").body;
    assert!(!found.contains(&ours), "the fork has read what the project had kept: {found}");

    publish(&last, "refs/heads/main");
    let found = deployed("main");
    assert!(found.contains(&ours) && !found.contains(&theirs), "{found}");

    // The very files that the fork was built of: its image came of its caches.
    publish(&theirs, "refs/heads/main");
    let found = deployed("main");
    assert!(found.contains(&ours), "what the fork has built is what the project serves: {found}");
}

#[test]
fn nothing_of_a_fork_is_fetched_until_it_is_approved() {
    let (server, ada) = with_project(LOOPBACK);
    let elsewhere = Elsewhere::connected(&server, &ada);
    let config = json!({
        "SAFE": { "value": "safe", "previews": true },
        "TOKEN": { "value": "a-token", "secret": true, "previews": true },
    });
    set(&server, &ada, &config);
    let fork = (8, "eve");
    let first = elsewhere.push(8, "eight");
    let waits = elsewhere.tell(&server, "opened", fork, &first).expect(200);
    assert_eq!(waits["reason"], "waits_for_approval");
    assert!(elsewhere.git.seen().is_empty(), "nobody has asked for anything");
    assert_eq!((deployments(&server, &ada).len(), server.engine().containers().len()), (0, 0));

    // What was pushed after somebody has looked is not what they have let in.
    let approve = |commit: &str| {
        let path = "/api/projects/shop/previews/8/approve";
        server.request(Method::POST, path, &ada.token, Some(&json!({ "commit": commit })))
    };
    let second = elsewhere.push(8, "something else");
    let approved = approve(&first).expect(202);
    let (deployment, log) = ended(&server, &ada, &approved);
    assert_eq!(deployment["status"], "failed", "{log}");
    assert!(log.contains(&format!("only {} was approved", &first[..7])), "{log}");
    assert_eq!(server.get("shop-pr-8", "/").status, 404);

    assert_eq!(
        elsewhere.tell(&server, "synchronize", fork, &second).expect(200)["reason"],
        "waits_for_approval"
    );
    live(&server, &ada, &approve(&second).expect(202)["id"], &second);
    assert_eq!(server.get("shop-pr-8", "/").body, "something else");
    let variables = server.get("shop-pr-8", "/env").body;
    assert!(variables.contains("SAFE=safe") && variables.contains("GILGAL_PULL_REQUEST=8"), "{variables}");
    assert!(!variables.contains("TOKEN"), "{variables}");

    // A newer push waits, and what is live stays live.
    let third = elsewhere.push(8, "yet another");
    assert_eq!(
        elsewhere.tell(&server, "synchronize", fork, &third).expect(200)["reason"],
        "waits_for_approval"
    );
    assert_eq!(server.get("shop-pr-8", "/").body, "something else");
    assert_eq!(deployments(&server, &ada).len(), 2);
    server.request(Method::DELETE, "/api/projects/shop/previews/8", &ada.token, None).expect(204);
    wait_until("nothing of it is left", PATIENCE, || server.engine().containers().is_empty());
    wait_until("nobody finds it", PATIENCE, || server.get("shop-pr-8", "/").status == 404);
}
