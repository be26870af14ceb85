//! What every engine promises, as tests: [`contract_tests!`] makes one of each scenario for an engine.
//!
//! The engines are real ones, with `busybox:stable` in them. Each scenario has a server of its own and leaves nothing
//! behind.

pub(crate) mod lives;
pub(crate) mod reports;

use super::{Engine, InstanceSpec};
use crate::model::id::{DeploymentId, EnvironmentId, ProjectId, ServerId};
use crate::model::instance::{Instance, InstanceId, InstanceKey, InstanceState};
use crate::model::process::{Command, Limits};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Makes the engine of a server.
pub(super) type MakeEngine = fn(ServerId) -> Arc<dyn Engine>;

/// Longest time for something that takes milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// A web server that answers on the port it is told.
const SERVER: &str = "exec httpd -f -p $PORT";

macro_rules! contract_tests {
    ($make:expr => $part:ident: $($scenario:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $scenario() {
            crate::engine::contract::$part::$scenario(&crate::engine::contract::Place::new($make).await).await;
        }
    )+};
}
pub(super) use contract_tests;

/// A project of a server of its own.
pub(super) struct Place {
    make: MakeEngine,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) server: ServerId,
    project: ProjectId,
}

impl Place {
    pub(super) async fn new(make: MakeEngine) -> Self {
        let server = ServerId::generate();
        let place = Self { make, engine: make(server), server, project: ProjectId::generate() };
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
            generation: 0,
            image: "busybox:stable".to_owned(),
            command: Command::Exec(["/bin/sh", "-c", script].map(str::to_owned).to_vec()),
            stop_signal: None,
            environment: Vec::new(),
            files: Vec::new(),
            volumes: BTreeMap::new(),
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
pub(super) async fn eventually<T>(question: impl AsyncFn() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(answer) = question().await {
            return answer;
        }
        assert!(since.elapsed() < PATIENCE, "it did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(super) async fn answers(address: SocketAddr) -> bool {
    tokio::net::TcpStream::connect(address).await.is_ok()
}
