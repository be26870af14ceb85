//! A step that fails, and a server that is killed, at every moment of a deployment.
//!
//! The moments are the server's failpoints (`src/deploy/failpoint.rs`). What must hold afterwards: exactly one release is
//! current and the router serves it, nothing is left behind, every deployment has ended with a reason, and a push has
//! failed if and only if traffic has not moved.

use crate::support::{
    Engine, Invariants, PATIENCE, Person, RunningPush, Server, WorkTree, deployments, docker, expect_live,
    expect_served, wait_until, wait_until_all_have_ended,
};
use std::collections::BTreeSet;

/// The steps that are undone.
const STEPS: [&str; 7] = ["queue", "fetch", "detect", "build", "release", "start", "check"];
/// Every moment after the commit.
const COMMITTED: [&str; 8] = [
    "switch-begin",
    "switch-routed",
    "switch-moved",
    "switch-end",
    "drain-begin",
    "drain-kept",
    "drain-stopped",
    "drain-end",
];
/// Images of so many releases are kept.
const RELEASES_KEPT: usize = 10;

fn moments_of(steps: &[&str]) -> Vec<String> {
    steps.iter().flat_map(|step| [format!("{step}-begin"), format!("{step}-end")]).collect()
}

/// A project of which one release is live, on a server that was stopped.
struct Shop {
    server: Server,
    ada: Person,
    tree: WorkTree,
}

impl Shop {
    fn open() -> Self {
        let mut server = Server::start();
        let ada = server.person("ada");
        let tree = WorkTree::answering("first");
        server.deploy(&ada, &tree, "shop");
        expect_live(&server, &ada, &tree.head(), "first");
        server.stop();
        Self { server, ada, tree }
    }

    fn start(&mut self, failpoints: &str) {
        self.server.start_again(&[("GILGAL_FAILPOINTS", failpoints)]);
    }

    /// Pushes a change until the server is killed by its failpoint, and starts the server again.
    fn push_until_killed(&mut self, failpoints: &str, word: &str) -> String {
        self.start(failpoints);
        let commit = self.tree.commit(&[("index.html", word)]);
        let push = RunningPush::start(&self.server, &self.ada, &self.tree, "shop", &["main"]);
        self.server.wait_until_killed();
        push.finish();
        self.server.start_again(&[]);
        commit
    }

    fn images(&self) -> BTreeSet<String> {
        self.server.engine().images().into_iter().collect()
    }

    fn expect_live(&self, commit: &str, word: &str) {
        expect_live(&self.server, &self.ada, commit, word);
        let live = deployments(&self.server, &self.ada);
        let live = live.iter().filter(|deployment| deployment["status"] == "success").count();
        assert_eq!(self.images().len(), live.min(RELEASES_KEPT), "an image is left behind, or one is gone");
    }
}

#[test]
fn every_step_fails_in_turn_and_nothing_is_left() {
    let mut shop = Shop::open();
    let live = shop.tree.head();
    let images = shop.images();
    let moments = moments_of(&STEPS);
    // Each fires once: the first push fails at the first moment, the next one at the next.
    shop.start(&moments.iter().map(|moment| format!("{moment}=fail")).collect::<Vec<_>>().join(","));
    let before = deployments(&shop.server, &shop.ada).remove(0);
    for moment in moments {
        shop.tree.commit(&[("index.html", &moment)]);
        let push = shop.server.push(&shop.ada, &shop.tree, "shop", &["main"]).expect(1);
        assert!(push.says("(failed on purpose)"), "{moment}: {}", push.transcript);
        wait_until_all_have_ended(&shop.server, &shop.ada);
        let failed = deployments(&shop.server, &shop.ada).remove(0);
        assert_eq!(
            (&failed["status"], &failed["reason"]),
            (&"failed".into(), &"a test made this step fail".into())
        );
        expect_served(&shop.server, &shop.ada, &before, &live, "first");
        assert_eq!(shop.images(), images, "{moment}");
    }
    let commit = shop.tree.commit(&[("index.html", "mended")]);
    shop.server.deploy(&shop.ada, &shop.tree, "shop");
    shop.expect_live(&commit, "mended");
}

#[test]
fn a_committed_deployment_that_is_interrupted_at_every_moment_goes_live() {
    let mut shop = Shop::open();
    // Each interrupts the deployment once more.
    shop.start(&COMMITTED.map(|moment| format!("{moment}=fail")).join(","));
    let commit = shop.tree.commit(&[("index.html", "second")]);
    let push = shop.server.push(&shop.ada, &shop.tree, "shop", &["main"]).expect(0);
    assert!(push.says("Application deployed"), "{}", push.transcript);
    shop.expect_live(&commit, "second");
    let interruptions = shop.server.log().matches("a failpoint was reached").count();
    assert_eq!(interruptions, COMMITTED.len());
}

#[test]
fn killed_before_the_commit_a_deployment_goes_on() {
    let mut shop = Shop::open();
    for moment in moments_of(&STEPS) {
        let commit = shop.push_until_killed(&format!("{moment}=kill"), &moment);
        // Whatever the database takes, the apps are served.
        assert_eq!(shop.server.get("shop", "/").status, 200);
        shop.expect_live(&commit, &moment);
        shop.server.stop();
    }
    shop.server.start_again(&[]);
}

#[test]
fn killed_after_the_commit_a_deployment_goes_live() {
    let mut shop = Shop::open();
    for moment in COMMITTED {
        let commit = shop.push_until_killed(&format!("{moment}=kill"), moment);
        assert_eq!(shop.server.get("shop", "/").status, 200);
        shop.expect_live(&commit, moment);
        shop.server.stop();
    }
    shop.server.start_again(&[]);
}

#[test]
fn killed_while_it_is_undone_a_deployment_leaves_nothing() {
    let mut shop = Shop::open();
    let live = shop.tree.head();
    let images = shop.images();
    for moment in moments_of(&["undo"]) {
        shop.push_until_killed(&format!("check-end=fail,{moment}=kill"), &moment);
        wait_until_all_have_ended(&shop.server, &shop.ada);
        let mut all = deployments(&shop.server, &shop.ada);
        assert_eq!(all[0]["status"], "failed");
        assert_eq!(all[0]["reason"], "a test made this step fail");
        expect_served(&shop.server, &shop.ada, &all.pop().unwrap(), &live, "first");
        assert_eq!(shop.images(), images);
        shop.server.stop();
    }
    shop.server.start_again(&[]);
}

#[test]
fn an_instance_that_a_reboot_stopped_before_it_was_kept_running_is_started_again() {
    let mut shop = Shop::open();
    // From the switch on it is kept running by the engine.
    shop.start("switch-begin=kill");
    let commit = shop.tree.commit(&[("index.html", "second")]);
    let push = RunningPush::start(&shop.server, &shop.ada, &shop.tree, "shop", &["main"]);
    shop.server.wait_until_killed();
    push.finish();
    let unkept = |name: &String| Engine::inspect(name)["HostConfig"]["RestartPolicy"]["Name"] == "no";
    let stopped: Vec<String> = shop.server.engine().containers().into_iter().filter(unkept).collect();
    assert_eq!(stopped.len(), 1);
    docker(&["kill", &stopped[0]]);

    shop.server.start_again(&[]);
    shop.expect_live(&commit, "second");
    let kept = &Engine::inspect(&shop.server.engine().containers()[0])["HostConfig"]["RestartPolicy"];
    assert_eq!(kept["Name"], "unless-stopped");
}

/// Runs a command over SSH until the server is killed by its failpoint, and starts the server again.
fn ask_until_killed(shop: &mut Shop, failpoints: &str, command: &[&str]) {
    shop.start(failpoints);
    let asked = shop.ada.ssh_command(&shop.server).args(command).spawn().unwrap();
    shop.server.wait_until_killed();
    asked.wait_with_output().unwrap();
    shop.server.start_again(&[]);
    wait_until_all_have_ended(&shop.server, &shop.ada);
}

/// Kills the server at each moment of a rollback, from the second release to the first and back.
fn expect_a_rollback_to_outlive(moments: impl IntoIterator<Item = String>) {
    let mut shop = Shop::open();
    shop.start("");
    shop.tree.commit(&[("index.html", "second")]);
    shop.server.deploy(&shop.ada, &shop.tree, "shop");
    shop.server.stop();
    let images = shop.images();
    for (moment, word) in moments.into_iter().zip(["first", "second"].into_iter().cycle()) {
        ask_until_killed(&mut shop, &format!("{moment}=kill"), &["rollback", "shop"]);
        let newest = deployments(&shop.server, &shop.ada).remove(0);
        assert_eq!(newest["status"], "success", "{moment}: {newest:#}\n{}", shop.server.log());
        expect_served(&shop.server, &shop.ada, &newest, &shop.tree.head(), word);
        assert_eq!(shop.images(), images, "{moment}");
        shop.server.stop();
    }
    shop.server.start_again(&[]);
}

#[test]
fn killed_before_it_starts_anything_a_rollback_goes_on() {
    let starts = STEPS.iter().position(|step| *step == "start").unwrap();
    expect_a_rollback_to_outlive(moments_of(&STEPS[..starts]));
}

#[test]
fn killed_while_it_starts_a_rollback_goes_on() {
    let starts = STEPS.iter().position(|step| *step == "start").unwrap();
    expect_a_rollback_to_outlive(moments_of(&STEPS[starts..]));
}

#[test]
fn killed_after_the_commit_a_rollback_goes_live() {
    expect_a_rollback_to_outlive(COMMITTED.map(str::to_owned));
}

#[test]
fn a_rollback_that_fails_at_any_moment_leaves_everything_as_it_was() {
    let mut shop = Shop::open();
    shop.start("");
    shop.tree.commit(&[("index.html", "second")]);
    shop.server.deploy(&shop.ada, &shop.tree, "shop");
    let live = deployments(&shop.server, &shop.ada).remove(0);
    shop.server.stop();
    let images = shop.images();
    let moments = moments_of(&STEPS);
    shop.start(&moments.iter().map(|moment| format!("{moment}=fail")).collect::<Vec<_>>().join(","));
    for moment in moments {
        assert_eq!(shop.ada.ssh(&shop.server, &["rollback", "shop"]).code, Some(1), "{moment}");
        wait_until_all_have_ended(&shop.server, &shop.ada);
        expect_served(&shop.server, &shop.ada, &live, &shop.tree.head(), "second");
        assert_eq!(shop.images(), images, "{moment}");
    }
}

#[test]
fn a_scaling_that_fails_or_is_killed_touches_nothing_that_serves() {
    let mut shop = Shop::open();
    let served = shop.server.engine().containers();
    let moments = moments_of(&["start", "check"]);
    shop.start(&moments.iter().map(|moment| format!("{moment}=fail")).collect::<Vec<_>>().join(","));
    for moment in moments {
        assert_eq!(shop.ada.ssh(&shop.server, &["scale", "shop", "web=3"]).code, Some(1), "{moment}");
        wait_until_all_have_ended(&shop.server, &shop.ada);
        let engine = shop.server.engine();
        wait_until("what was started is gone", PATIENCE, || engine.containers() == served);
        // What is wanted is kept, and is still not so.
    }
    shop.server.stop();
    let moments = ["fetch-end", "start-end", "check-end", "switch-routed", "drain-kept", "drain-stopped"];
    for (moment, count) in moments.into_iter().zip([3, 1].into_iter().cycle()) {
        let wanted = format!("web={count}");
        ask_until_killed(&mut shop, &format!("{moment}=kill"), &["scale", "shop", &wanted]);
        let engine = shop.server.engine();
        wait_until("as many run as are wanted", PATIENCE, || engine.containers().len() == count);
        assert!(engine.containers().contains(&served[0]), "{moment}");
        assert_eq!(shop.server.get("shop", "/").body, "first");
        Invariants::of(&shop.server, &shop.ada).hold();
        shop.server.stop();
    }
    shop.server.start_again(&[]);
}
