//! What an engine tells, and whom it keeps apart.

use super::{PATIENCE, Place, SERVER, answers, eventually};
use crate::engine::{EngineError, EngineEvent, EngineEventKind};
use crate::model::id::ProjectId;
use crate::model::instance::{InstanceId, InstanceState};
use crate::model::process::Command;
use crate::model::secret::Secret;
use futures_util::StreamExt;
use futures_util::future::{join_all, try_join_all};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;

pub(crate) async fn a_crash_is_seen_with_its_code_and_last_words(place: &Place) {
    let instance = place.start("echo one; echo two >&2; printf three; exit 7").await;
    let end = InstanceState::Exited { code: 7, out_of_memory: false };
    assert_eq!(place.end_of(&instance.id).await, end);
    assert_eq!(place.engine.list().await.unwrap()[0].state, end);
    let mut last = place.engine.last_logs(&instance.id, 30).await;
    // The two outputs are two pipes: their order is the order in which they were read.
    last.sort_unstable();
    assert_eq!(last, ["one", "three", "two"]);
    assert_eq!(place.engine.last_logs(&instance.id, 1).await.len(), 1);
}

/// Not in its first moment: containerd begins to watch a container's memory a little after it has started it, and misses what
/// was killed before (here 3 of 120 times on a busy machine, and 0 of 60 a second later).
const LACKS_MEMORY: &str = "sleep 1; dd if=/dev/zero of=/dev/null bs=64M count=1; exit $?";

pub(crate) async fn a_lack_of_memory_is_named(place: &Place) {
    let mut spec = place.spec(LACKS_MEMORY);
    spec.limits.memory_mib = 16;
    let instance = place.engine.start(&spec).await.unwrap();
    let end = InstanceState::Exited { code: 137, out_of_memory: true };
    assert_eq!(place.end_of(&instance.id).await, end);
}

pub(crate) async fn an_unknown_command_or_image_is_named(place: &Place) {
    assert!(place.engine.has_image("busybox:stable").await.unwrap());
    assert!(!place.engine.has_image("sha256:nothing").await.unwrap());
    let mut spec = place.spec("");
    spec.command = Command::Exec(vec!["no-such-program".to_owned()]);
    match place.engine.start(&spec).await {
        // An init process starts, and says so itself.
        Ok(instance) => {
            let end = InstanceState::Exited { code: 127, out_of_memory: false };
            assert_eq!(place.end_of(&instance.id).await, end);
            let last = place.engine.last_logs(&instance.id, 5).await.join("\n");
            assert!(last.contains("no-such-program"), "{last}");
        }
        Err(error) => assert!(matches!(error, EngineError::CannotStart { .. }), "{error:?}"),
    }
    let before = place.instances().await;
    let mut spec = place.spec("true");
    spec.image = "gilgal-test/no-such-image:1".to_owned();
    let error = place.engine.start(&spec).await.unwrap_err();
    assert!(matches!(error, EngineError::ImageMissing { .. }), "{error:?}");
    assert_eq!(place.instances().await, before);
    place.engine.remove_image("gilgal-test/no-such-image:1").await.unwrap();
    // Several at once are one.
    for _ in 0..10 {
        let image = place.engine.make_empty_image(ProjectId::generate()).await.unwrap();
        let removed = (0..8).map(|_| place.engine.remove_image(&image));
        try_join_all(removed).await.unwrap();
    }
}

pub(crate) async fn the_environment_arrives(place: &Place) {
    let mut spec = place.spec("echo $GREETING; echo $PORT; hostname");
    let vars = [("GREETING", "hello  \"world\"\n$HOME"), ("PORT", "1"), ("EMPTY", "")];
    spec.environment = vars.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned()))).to_vec();
    spec.command = Command::Exec(
        ["/bin/sh", "-c", "echo \"$GREETING\"; echo $PORT; hostname"].map(str::to_owned).to_vec(),
    );
    let (sender, mut receiver) = mpsc::channel(16);
    place.engine.run_once(&spec, sender, PATIENCE).await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line);
    }
    assert_eq!(lines, ["hello  \"world\"", "$HOME", "4321", "shop-web-1"]);
}

pub(crate) async fn what_it_listens_on_is_told(place: &Place) {
    let instance = place.start("httpd -p 127.0.0.1:4000; exec httpd -f -p 5000").await;
    let expected = async || {
        let found = place.engine.listening_ports(&instance.id).await.unwrap();
        let ports: Vec<u16> = found.iter().map(SocketAddr::port).collect();
        (ports.contains(&4000) && ports.contains(&5000)).then_some(found)
    };
    let found = eventually(expected).await;
    assert!(found.contains(&"127.0.0.1:4000".parse().unwrap()), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

pub(crate) async fn servers_and_projects_are_apart(place: &Place) {
    let other = Place::new(place.make).await;
    let instance = place.start(SERVER).await;
    assert_eq!(other.instances().await, 0);
    assert_eq!(other.engine.inspect(&instance.id).await.unwrap(), None);
    other.engine.stop(&instance.id, Duration::ZERO).await.unwrap();
    assert_eq!(place.instances().await, 1);

    // Within a project instances reach each other; from another one they do not.
    let address = instance.address.unwrap();
    eventually(async || answers(address).await.then_some(())).await;
    let script = format!("nc -w 2 {} {} </dev/null", address.ip(), address.port());
    for (from, reaches) in [(place, true), (&other, false)] {
        let (sender, _receiver) = mpsc::channel(16);
        let status = from.engine.run_once(&from.spec(&script), sender, PATIENCE).await.unwrap();
        assert_eq!(status.code == 0, reaches, "{status:?}");
    }
}

pub(crate) async fn a_network_is_made_once(place: &Place) {
    let project = ProjectId::generate();
    for made in join_all((0..10).map(|_| place.engine.ensure_network(project))).await {
        made.unwrap();
    }
    assert!(place.engine.networks().await.unwrap().contains(&project));
    place.engine.remove_network(project).await.unwrap();
    assert!(!place.engine.networks().await.unwrap().contains(&project));
    // A second one of the same name would be ambiguous here.
    place.engine.remove_network(project).await.unwrap();
    let mut spec = place.spec("true");
    spec.key.project_id = project;
    let error = place.engine.start(&spec).await.unwrap_err();
    assert!(matches!(error, EngineError::NotFound { .. }), "{error:?}");
    assert_eq!(place.instances().await, 0);
    let instance = place.start("sleep 60").await;
    let error = place.engine.remove_network(place.project).await.unwrap_err();
    assert!(matches!(error, EngineError::InUse { .. }), "{error:?} {instance:?}");
}

pub(crate) async fn events_tell_what_is_and_what_happens(place: &Place) {
    let before = place.start("sleep 60").await.id;
    let mut events = place.engine.events();
    let mut next = async || tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap();
    let event = |instance: &InstanceId, kind| EngineEvent { instance: instance.clone(), kind };
    assert_eq!(next().await, event(&before, EngineEventKind::Started));
    let after = place.start("exit 9").await.id;
    assert_eq!(next().await, event(&after, EngineEventKind::Started));
    assert_eq!(next().await, event(&after, EngineEventKind::Died { code: 9 }));
    place.engine.stop(&before, Duration::ZERO).await.unwrap();
    let died = next().await;
    assert!(died.instance == before && matches!(died.kind, EngineEventKind::Died { .. }), "{died:?}");
    assert_eq!(next().await, event(&before, EngineEventKind::Removed));
}
