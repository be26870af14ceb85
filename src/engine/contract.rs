//! What every engine promises, as tests: [`contract_tests!`] makes one of each scenario for an engine.
//!
//! The engines are real ones, with `busybox:stable` in them. Each scenario has a server of its own and leaves nothing
//! behind.

use super::{Engine, EngineError, EngineEvent, EngineEventKind, InstanceSpec};
use crate::model::id::{DeploymentId, EnvironmentId, ProjectId, ServerId};
use crate::model::instance::{Instance, InstanceId, InstanceKey, InstanceState};
use crate::model::process::{Command, Limits};
use crate::model::secret::Secret;
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Makes the engine of a server.
pub(super) type MakeEngine = fn(ServerId) -> Arc<dyn Engine>;

/// Longest time for something that takes milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// A web server that answers on the port it is told.
const SERVER: &str = "exec httpd -f -p $PORT";

macro_rules! contract_tests {
    ($make:expr => $($scenario:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $scenario() {
            crate::engine::contract::$scenario(&crate::engine::contract::Place::new($make).await).await;
        }
    )+};
}
pub(super) use contract_tests;

/// A project of a server of its own.
pub(super) struct Place {
    make: MakeEngine,
    pub(super) engine: Arc<dyn Engine>,
    project: ProjectId,
}

impl Place {
    pub(super) async fn new(make: MakeEngine) -> Self {
        let place = Self { make, engine: make(ServerId::generate()), project: ProjectId::generate() };
        place.engine.ensure_network(place.project).await.unwrap();
        place
    }

    /// An instance of a new deployment that runs a shell script.
    pub(super) fn spec(&self, script: &str) -> InstanceSpec {
        InstanceSpec {
            key: InstanceKey {
                project_id: self.project,
                environment_id: EnvironmentId::generate(),
                deployment_id: DeploymentId::generate(),
                process_type: "web".parse().unwrap(),
                index: 1,
            },
            image: "busybox:stable".to_owned(),
            command: Command::Exec(["/bin/sh", "-c", script].map(str::to_owned).to_vec()),
            environment: Vec::new(),
            port: 4321,
            limits: Limits { memory_mib: 64, cpu_millis: 1000, processes: 64 },
            slug: "shop".parse().unwrap(),
        }
    }

    async fn start(&self, script: &str) -> Instance {
        self.engine.start(&self.spec(script)).await.unwrap()
    }

    /// The state of an instance once it has ended.
    async fn end_of(&self, id: &InstanceId) -> InstanceState {
        let ended = async || match self.engine.inspect(id).await.unwrap()?.state {
            InstanceState::Exited { code, out_of_memory } => {
                Some(InstanceState::Exited { code, out_of_memory })
            }
            InstanceState::Created | InstanceState::Running => None,
        };
        eventually(ended).await
    }

    async fn instances(&self) -> usize {
        self.engine.list().await.unwrap().len()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (engine, project) = (Arc::clone(&self.engine), self.project);
        // On a thread of its own: a destructor cannot wait inside of a runtime.
        let clean = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for instance in engine.list().await.unwrap() {
                    engine.stop(&instance.id, Duration::ZERO).await.unwrap();
                }
                engine.remove_network(project).await.unwrap();
                assert!(engine.list().await.unwrap().is_empty());
            });
        };
        std::thread::spawn(clean).join().unwrap();
    }
}

/// Asks again and again until there is an answer.
async fn eventually<T>(question: impl AsyncFn() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(answer) = question().await {
            return answer;
        }
        assert!(since.elapsed() < PATIENCE, "it did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn answers(address: SocketAddr) -> bool {
    tokio::net::TcpStream::connect(address).await.is_ok()
}

pub(super) async fn started_twice_is_one_instance(place: &Place) {
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

pub(super) async fn another_spec_or_a_dead_one_is_replaced(place: &Place) {
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

pub(super) async fn stopped_twice_is_gone(place: &Place) {
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

pub(super) async fn stopping_asks_first_and_kills_later(place: &Place) {
    let polite = place.start("trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done").await;
    let mut lines = place.engine.logs(&polite.id, true);
    assert_eq!(lines.next().await.unwrap().unwrap().text, "up");
    let since = Instant::now();
    place.engine.stop(&polite.id, Duration::from_secs(10)).await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(8), "{:?}", since.elapsed());
    assert_eq!(lines.next().await.unwrap().unwrap().text, "asked");
    assert!(lines.next().await.is_none());

    let stubborn = place.start("trap '' TERM; while :; do sleep 0.05; done").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let since = Instant::now();
    place.engine.stop(&stubborn.id, Duration::from_secs(1)).await.unwrap();
    assert!(since.elapsed() >= Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(place.instances().await, 0);
}

pub(super) async fn a_line_of_several_commands_is_asked_to_stop(place: &Place) {
    let program = "sh -c 'trap \"echo asked; exit 0\" TERM; echo up; while :; do sleep 0.05; done'";
    for line in [format!("true && {program}"), program.to_owned()] {
        let mut spec = place.spec("");
        spec.command = Command::Line(line);
        let instance = place.engine.start(&spec).await.unwrap();
        let mut lines = place.engine.logs(&instance.id, true);
        assert_eq!(lines.next().await.unwrap().unwrap().text, "up");
        place.engine.stop(&instance.id, Duration::from_secs(5)).await.unwrap();
        // Its `sleep` was asked, too, which its shell remarks on.
        let rest: Vec<_> = lines.map(|line| line.unwrap().text).collect().await;
        assert!(rest.iter().any(|line| line == "asked"), "{rest:?}");
    }
}

pub(super) async fn a_crash_is_seen_with_its_code_and_last_words(place: &Place) {
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

pub(super) async fn a_lack_of_memory_is_named(place: &Place) {
    let mut spec = place.spec("dd if=/dev/zero of=/dev/null bs=64M count=1; exit $?");
    spec.limits.memory_mib = 16;
    let instance = place.engine.start(&spec).await.unwrap();
    let end = InstanceState::Exited { code: 137, out_of_memory: true };
    assert_eq!(place.end_of(&instance.id).await, end);
}

pub(super) async fn an_unknown_command_or_image_is_named(place: &Place) {
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
}

pub(super) async fn the_environment_arrives(place: &Place) {
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

pub(super) async fn a_command_runs_once_and_leaves_nothing(place: &Place) {
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

pub(super) async fn one_that_is_kept_running_comes_back(place: &Place) {
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

pub(super) async fn what_it_listens_on_is_told(place: &Place) {
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

pub(super) async fn servers_and_projects_are_apart(place: &Place) {
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

pub(super) async fn a_network_is_made_once(place: &Place) {
    let project = ProjectId::generate();
    for made in join_all((0..10).map(|_| place.engine.ensure_network(project))).await {
        made.unwrap();
    }
    place.engine.remove_network(project).await.unwrap();
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

pub(super) async fn events_tell_what_is_and_what_happens(place: &Place) {
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
