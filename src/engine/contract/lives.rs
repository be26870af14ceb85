//! Starting, ending and being kept running.

use super::{PATIENCE, Place, SERVER, answers, eventually};
use crate::engine::{Engine, EngineError, LogPart};
use crate::model::instance::{InstanceId, InstanceState};
use crate::model::process::{Command, StopSignal};
use crate::model::secret::Secret;
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// All that is printed until the end.
const FOLLOWED: LogPart = LogPart { follow: true, timed: false, since: None, tail: None };

pub(crate) async fn started_twice_is_one_instance(place: &Place) {
    let spec = place.spec(SERVER);
    let first = place.engine.start(&spec).await.unwrap();
    let second = place.engine.start(&spec).await.unwrap();
    assert_eq!(first, second);
    assert_eq!((first.key, first.state), (spec.key.clone(), InstanceState::Running));
    let address = first.address.unwrap();
    assert_eq!(address.port(), spec.port);
    eventually(async || answers(address).await.then_some(())).await;

    let at_once = place.spec("sleep 60");
    let started = join_all((0..5).map(|_| place.engine.start(&at_once))).await;
    let ids: Vec<_> = started.into_iter().map(|instance| instance.unwrap().id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(place.instances().await, 2);
}

pub(crate) async fn another_spec_or_a_dead_one_is_replaced(place: &Place) {
    let mut spec = place.spec("sleep 60");
    let first = place.engine.start(&spec).await.unwrap();
    spec.environment.push(("NEW".to_owned(), Secret::new("1".to_owned())));
    let second = place.engine.start(&spec).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(place.instances().await, 1);

    let dead = place.spec("exit 1");
    let first = place.engine.start(&dead).await.unwrap();
    place.end_of(&first.id).await;
    let second = place.engine.start(&dead).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(place.instances().await, 2);
}

pub(crate) async fn stopped_twice_is_gone(place: &Place) {
    let instance = place.start("sleep 60").await;
    place.engine.stop(&instance.id, Duration::ZERO).await.unwrap();
    place.engine.stop(&instance.id, Duration::ZERO).await.unwrap();
    assert_eq!(place.engine.inspect(&instance.id).await.unwrap(), None);
    let unknown = InstanceId("0123456789abcdef".to_owned());
    place.engine.stop(&unknown, Duration::ZERO).await.unwrap();
    assert!(place.engine.last_logs(&unknown, 5).await.is_empty());
    assert!(place.engine.listening_ports(&unknown).await.unwrap().is_empty());
    assert!(matches!(place.engine.keep_running(&unknown).await, Err(EngineError::NotFound { .. })));
}

pub(crate) async fn stopping_asks_first_and_kills_later(place: &Place) {
    let polite = place.start("trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done").await;
    let mut lines = place.engine.logs(&polite.id, FOLLOWED);
    assert_eq!(lines.next().await.unwrap().unwrap().text, "up");
    let since = Instant::now();
    place.engine.stop(&polite.id, Duration::from_secs(10)).await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(8), "{:?}", since.elapsed());
    assert_eq!(lines.next().await.unwrap().unwrap().text, "asked");
    assert!(lines.next().await.is_none());

    let mut other = place.spec("trap 'echo quit; exit 0' QUIT; echo up; while :; do sleep 0.05; done");
    other.stop_signal = Some(StopSignal::SigQuit);
    let other = place.engine.start(&other).await.unwrap();
    let mut lines = place.engine.logs(&other.id, FOLLOWED);
    assert_eq!(lines.next().await.unwrap().unwrap().text, "up");
    place.engine.stop(&other.id, Duration::from_secs(10)).await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap().text, "quit");

    let stubborn = place.start("trap '' TERM; while :; do sleep 0.05; done").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let since = Instant::now();
    place.engine.stop(&stubborn.id, Duration::from_secs(1)).await.unwrap();
    assert!(since.elapsed() >= Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(place.instances().await, 0);
}

pub(crate) async fn a_line_of_several_commands_is_asked_to_stop(place: &Place) {
    let program = "sh -c 'trap \"echo asked; exit 0\" TERM; echo up; while :; do sleep 0.05; done'";
    for line in [format!("true && {program}"), program.to_owned()] {
        let mut spec = place.spec("");
        spec.command = Command::Line(line);
        let instance = place.engine.start(&spec).await.unwrap();
        let mut lines = place.engine.logs(&instance.id, FOLLOWED);
        assert_eq!(lines.next().await.unwrap().unwrap().text, "up");
        place.engine.stop(&instance.id, Duration::from_secs(5)).await.unwrap();
        // Its `sleep` was asked, too, which its shell remarks on.
        let rest: Vec<_> = lines.map(|line| line.unwrap().text).collect().await;
        assert!(rest.iter().any(|line| line == "asked"), "{rest:?}");
    }
}

pub(crate) async fn one_that_is_kept_running_comes_back(place: &Place) {
    let instance = place.start("echo begun; sleep 1; exit 1").await;
    place.engine.keep_running(&instance.id).await.unwrap();
    place.engine.keep_running(&instance.id).await.unwrap();
    let beginnings = async || {
        let lines = place.engine.last_logs(&instance.id, 9).await;
        (lines.len() >= 2).then_some(())
    };
    eventually(beginnings).await;
    place.engine.stop(&instance.id, Duration::ZERO).await.unwrap();
    assert_eq!(place.instances().await, 0);
}

pub(crate) async fn a_command_runs_once_and_leaves_nothing(place: &Place) {
    let run = async |script: &str, timeout| {
        let (sender, mut receiver) = mpsc::channel(1);
        let lines = async {
            let mut lines = Vec::new();
            while let Some(line) = receiver.recv().await {
                lines.push(line);
            }
            lines
        };
        let spec = place.spec(script);
        tokio::join!(place.engine.run_once(&spec, sender, timeout), lines)
    };
    let (status, lines) = run("echo a; sleep 0.2; echo b; exit 3", PATIENCE).await;
    let status = status.unwrap();
    assert_eq!((status.code, status.out_of_memory, lines), (3, false, vec!["a".to_owned(), "b".to_owned()]));
    let (status, lines) = run("echo a; sleep 60", Duration::from_secs(2)).await;
    assert!(matches!(status, Err(EngineError::TimedOut { .. })), "{status:?}");
    assert_eq!(lines, ["a"]);
    assert_eq!(place.instances().await, 0);

    // Nobody listens: it runs all the same.
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let status =
        place.engine.run_once(&place.spec("echo a; echo b; exit 4"), sender, PATIENCE).await.unwrap();
    assert_eq!(status.code, 4);

    // Cancelled: it is gone soon.
    let (sender, mut receiver) = mpsc::channel(1);
    let spec = place.spec("echo a; sleep 60");
    let running = place.engine.run_once(&spec, sender, PATIENCE);
    tokio::select! {
        _ = receiver.recv() => {}
        status = running => panic!("{status:?}"),
    }
    eventually(async || (place.instances().await == 0).then_some(())).await;
}

pub(crate) async fn a_durable_command_runs_once_whoever_asks(place: &Place) {
    let spec = place.spec("cat /proc/sys/kernel/random/uuid; sleep 2; exit 5");
    let asked = async |engine: &Arc<dyn Engine>| {
        let (sender, mut receiver) = mpsc::channel(8);
        let status = engine.run_durably(&spec, sender, PATIENCE).await.unwrap();
        (status.code, receiver.recv().await.unwrap())
    };
    let (sender, mut receiver) = mpsc::channel(1);
    let first = tokio::select! {
        line = receiver.recv() => line.unwrap(),
        status = place.engine.run_durably(&spec, sender, PATIENCE) => panic!("{status:?}"),
    };
    // It goes on without who has asked, and another server follows it; then it has ended.
    let again = (place.make)(place.server);
    assert_eq!(asked(&again).await, (5, first.clone()));
    assert_eq!(asked(&place.engine).await, (5, first));
    for instance in place.engine.list().await.unwrap() {
        place.engine.stop(&instance.id, Duration::ZERO).await.unwrap();
    }
    assert_eq!(place.instances().await, 0);
}

pub(crate) async fn files_are_there_before_the_first_command(place: &Place) {
    let mut spec = place.spec("stat -c '%n %a %U' /a/b/one /etc/two; cat /a/b/one /etc/two");
    spec.files = [("/a/b/one", "first\n"), ("/etc/two", "zweite Datei: ä")]
        .map(|(path, content)| (path.parse().unwrap(), Secret::new(content.to_owned())))
        .to_vec();
    let (sender, mut receiver) = mpsc::channel(16);
    let status = place.engine.run_once(&spec, sender, PATIENCE).await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line);
    }
    assert_eq!(lines[..4], ["/a/b/one 444 root", "/etc/two 444 root", "first", "zweite Datei: ä"]);
    assert_eq!(status.code, 0, "{lines:?}");

    // Others are another instance, and one that was made and not started gets them all the same.
    let instance = place.engine.start(&spec).await.unwrap();
    spec.files.pop();
    let other = place.engine.start(&spec).await.unwrap();
    assert_ne!(instance.id, other.id);
}
