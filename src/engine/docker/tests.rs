//! The contract against a real Docker Engine, and what Docker is told about containers.

use super::{DockerEngine, DockerOptions};
use crate::engine::contract::{Place, answers, contract_tests, eventually};
use crate::engine::{Engine, EngineError, EngineEvent, EngineEventKind};
use crate::model::id::{ProjectId, ServerId};
use crate::model::instance::InstanceId;
use bollard::Docker;
use bollard::models::{ContainerInspectResponse, RestartPolicyNameEnum};
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::Duration;

fn engine(server_id: ServerId) -> Arc<dyn Engine> {
    Arc::new(DockerEngine::connect(DockerOptions { server_id, host: None }))
}

contract_tests!(engine => lives:
    started_twice_is_one_instance,
    another_spec_or_a_dead_one_is_replaced,
    stopped_twice_is_gone,
    stopping_asks_first_and_kills_later,
    a_line_of_several_commands_is_asked_to_stop,
    one_that_is_kept_running_comes_back,
    a_command_runs_once_and_leaves_nothing,
    a_durable_command_runs_once_whoever_asks,
    files_are_there_before_the_first_command,
);

contract_tests!(engine => reports:
    a_crash_is_seen_with_its_code_and_last_words,
    a_lack_of_memory_is_named,
    an_unknown_command_or_image_is_named,
    the_environment_arrives,
    what_it_listens_on_is_told,
    servers_and_projects_are_apart,
    a_network_is_made_once,
    events_tell_what_is_and_what_happens,
);

async fn inspect(id: &str) -> ContainerInspectResponse {
    let docker = Docker::connect_with_defaults().unwrap().negotiate_version().await.unwrap();
    docker.inspect_container(id, None).await.unwrap()
}

#[tokio::test]
async fn a_container_may_do_only_what_it_needs() {
    let place = Place::new(engine).await;
    let instance = place.engine.start(&place.spec("sleep 60")).await.unwrap();
    let found = inspect(&instance.id.0).await;
    let host = found.host_config.unwrap();
    assert_eq!(host.privileged, Some(false));
    assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
    let capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "NET_BIND_SERVICE", "KILL"];
    assert_eq!(host.cap_add, Some(capabilities.map(str::to_owned).to_vec()));
    assert_eq!(host.security_opt, Some(vec!["no-new-privileges:true".to_owned()]));
    assert_eq!(host.memory, Some(64 * 1024 * 1024));
    assert_eq!(host.memory_swap, host.memory);
    assert_eq!((host.cpu_period, host.cpu_quota), (Some(100_000), Some(100_000)));
    assert_eq!(host.pids_limit, Some(64));
    assert_eq!(host.init, Some(true));
    assert!(host.binds.is_none_or(|binds| binds.is_empty()) && host.mounts.is_none());
    assert!(host.port_bindings.is_none_or(|ports| ports.is_empty()));
    assert!(host.devices.is_none_or(|devices| devices.is_empty()));
    assert!(host.network_mode.unwrap().starts_with("gilgal-"));
    for mode in [host.pid_mode, host.uts_mode, host.userns_mode] {
        assert_ne!(mode.as_deref(), Some("host"));
    }
    assert_ne!(host.ipc_mode.as_deref(), Some("host"));
    let log = host.log_config.unwrap();
    let rotation = log.config.unwrap();
    assert_eq!(log.typ.as_deref(), Some("json-file"));
    assert_eq!((rotation["max-size"].as_str(), rotation["max-file"].as_str()), ("10m", "3"));
    let ulimits: Vec<_> = host.ulimits.unwrap().into_iter().map(|limit| (limit.name, limit.hard)).collect();
    assert!(ulimits.contains(&(Some("nofile".to_owned()), Some(16_384))), "{ulimits:?}");
    assert!(ulimits.contains(&(Some("core".to_owned()), Some(0))), "{ulimits:?}");
    assert_eq!(host.restart_policy.unwrap().name, Some(RestartPolicyNameEnum::NO));

    let labels = found.config.unwrap().labels.unwrap();
    for name in ["server", "project", "environment", "deployment", "process", "index"] {
        assert!(labels.contains_key(&format!("gilgal.{name}")), "{labels:?}");
    }
    let name = found.name.unwrap();
    assert!(name.starts_with("/gilgal-shop-web-1-"), "{name}");

    place.engine.keep_running(&instance.id).await.unwrap();
    let policy = inspect(&instance.id.0).await.host_config.unwrap().restart_policy.unwrap();
    assert_eq!(policy.name, Some(RestartPolicyNameEnum::UNLESS_STOPPED));
}

#[tokio::test]
async fn the_kernel_sees_the_limits() {
    let place = Place::new(engine).await;
    let script = "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; ulimit -n";
    let (sender, mut receiver) = tokio::sync::mpsc::channel(16);
    place.engine.run_once(&place.spec(script), sender, Duration::from_secs(15)).await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line.replace('\t', " "));
    }
    // CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID, NET_BIND_SERVICE: bits 0, 1, 3, 5, 6, 7, 10 (capability.h).
    assert_eq!(lines, ["CapEff: 00000000000004eb", "NoNewPrivs: 1", "Seccomp: 2", "16384"]);
}

#[tokio::test]
async fn a_network_can_have_a_range_of_our_own() {
    let place = Place::new(engine).await;
    let spec = place.spec("exec httpd -f -p $PORT");
    let engine = DockerEngine::connect(DockerOptions { server_id: ServerId::generate(), host: None });
    let (shared, project) = (&engine.0, spec.key.project_id);
    let docker = shared.client().await.unwrap();
    shared.create_in_own_range(&docker, &shared.network_name(project), project).await.unwrap();
    let instance = engine.start(&spec).await.unwrap();
    let address = instance.address.unwrap();
    eventually(async || answers(address).await.then_some(())).await;
    engine.stop(&instance.id, Duration::ZERO).await.unwrap();
    engine.remove_network(project).await.unwrap();
    assert!(address.ip().to_string().starts_with("10."), "{address}");
}

/// A door to the real engine that can be shut, as if the engine had stopped.
struct Door {
    host: String,
    folder: tempfile::TempDir,
    open: Option<tokio::task::JoinSet<()>>,
}

impl Door {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = format!("unix://{}", folder.path().join("docker.sock").display());
        Self { host, folder, open: None }
    }

    fn open(&mut self) {
        let listener = tokio::net::UnixListener::bind(self.folder.path().join("docker.sock")).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            let mut passing = tokio::task::JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                passing.spawn(async move {
                    let mut engine = tokio::net::UnixStream::connect("/var/run/docker.sock").await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
                });
            }
        });
        self.open = Some(tasks);
    }

    async fn shut(&mut self) {
        self.open.take().unwrap().shutdown().await;
        std::fs::remove_file(self.folder.path().join("docker.sock")).unwrap();
    }
}

#[tokio::test]
async fn events_outlive_a_pause_of_the_engine() {
    let place = Place::new(engine).await;
    let (before, gone) = (place.spec("sleep 60"), place.spec("sleep 61"));
    let before = place.engine.start(&before).await.unwrap().id;
    let gone = place.engine.start(&gone).await.unwrap().id;
    let mut door = Door::new();
    let far = DockerEngine::connect(DockerOptions { server_id: place.server, host: Some(door.host.clone()) });
    assert!(matches!(far.list().await, Err(EngineError::Unavailable { .. })));

    door.open();
    let mut events = far.events();
    let mut next = async |within: u64| {
        let event = tokio::time::timeout(Duration::from_millis(within), events.next()).await;
        event.ok().map(Option::unwrap)
    };
    let mut told = vec![next(15_000).await.unwrap(), next(15_000).await.unwrap()];
    told.sort_by_key(|event| event.instance != before);
    let event = |instance: &InstanceId, kind| EngineEvent { instance: instance.clone(), kind };
    assert_eq!(told, [event(&before, EngineEventKind::Started), event(&gone, EngineEventKind::Started)]);

    assert_eq!(next(300).await, None);
    door.shut().await;
    assert_eq!(next(300).await, None);
    assert!(matches!(far.list().await, Err(EngineError::Unavailable { .. })));
    place.engine.stop(&gone, Duration::ZERO).await.unwrap();
    door.open();
    assert_eq!(next(15_000).await, Some(event(&before, EngineEventKind::Started)));
    assert_eq!(next(15_000).await, Some(event(&gone, EngineEventKind::Removed)));
    assert_eq!(far.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_engine_says_who_it_is() {
    let info = engine(ServerId::generate()).info().await.unwrap();
    assert!(info.buildkit && info.cpus > 0 && info.memory_bytes > 0, "{info:?}");
    assert!(info.version.starts_with(|c: char| c.is_ascii_digit()), "{info:?}");
    assert!(info.api_version.starts_with("1."), "{info:?}");
    assert!(info.data_directory.starts_with('/'), "{info:?}");
}

#[tokio::test]
async fn an_engine_that_is_away_is_said_to_be() {
    let host = Some("unix:///no/such/docker.sock".to_owned());
    let engine = DockerEngine::connect(DockerOptions { server_id: ServerId::generate(), host });
    for error in [
        engine.info().await.unwrap_err(),
        engine.list().await.unwrap_err(),
        engine.ensure_network(ProjectId::generate()).await.unwrap_err(),
    ] {
        assert!(matches!(error, EngineError::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains("unix:///no/such/docker.sock"), "{error}");
    }
}
